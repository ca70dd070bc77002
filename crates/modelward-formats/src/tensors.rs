//! Tensors by name, whatever file they lie in: safetensors, GGUF, npy, npz, ONNX, and PyTorch's
//! checkpoints, zipped or of the old format.
//!
//! A tensor is what a loader would see: a type, a shape, and elements that can be read in one order,
//! little-endian, the last index running fastest, however the file stores them. What cannot be told
//! for certain is a refusal in the tensor's place. Nothing is executed, and elements are read in
//! windows.

use std::{any::Any, collections::HashMap, sync::Arc};

use crate::{
    Asset, Budget, Bytes, Gap, Refusal,
    gguf::GGUF,
    npy::{Arrays, NPY},
    onnx,
    pickle::checkpoint,
    safetensors::SAFETENSORS,
    weights::Weights,
    zip,
};

mod element;
mod elements;
mod strided;

pub use self::{
    element::{Kind, Order},
    elements::Elements,
};
pub(crate) use self::strided::View;

/// The tensors of one file.
#[derive(Debug)]
pub struct Table {
    /// What the file is: `safetensors`, `gguf`, `npy`, `npz`, `onnx`, `pytorch-zip`, `torchscript`,
    /// `pytorch-legacy`.
    pub format: &'static str,
    /// The tensors, in the order of the file.
    pub tensors: Vec<Tensor>,
    /// What keeps tensors from being listed.
    pub gaps: Vec<Refusal>,
}

/// A tensor.
#[derive(Debug)]
pub struct Tensor {
    /// Its name; empty where the file holds one tensor and no names. Steps from one container of a
    /// checkpoint into the next are joined by dots.
    pub name: String,
    /// What its elements are.
    pub kind: Kind,
    /// Its shape, the last index running fastest.
    pub shape: Vec<u64>,
    /// Its elements, or why they cannot be had.
    pub elements: Result<Place, Refusal>,
}

/// Where the elements of a tensor lie.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the file itself.
    Here(Elements),
    /// In another file of the same folder, or below it.
    Beside {
        /// The file, relative to the folder of this one, in plain components.
        location: String,
        /// Offset of the first byte.
        offset: u64,
        /// How many bytes.
        length: u64,
    },
}

/// Read the tensors of a file; `None` where it is no file of tensors.
pub fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Table> {
    let bytes = &bytes.remembering();
    let mut table = of_weights(bytes, budget)
        .or_else(|| of_arrays(bytes, budget))
        .or_else(|| of_archive(bytes, budget))
        .or_else(|| checkpoint::legacy(bytes, budget))
        .or_else(|| onnx::table(bytes, budget))?;
    table.refuse_duplicates();
    Some(table)
}

impl Table {
    /// A file that cannot be read at all.
    pub(crate) fn broken(format: &'static str, refusal: Refusal) -> Self {
        Self { format, tensors: Vec::new(), gaps: vec![refusal] }
    }

    /// Two loaders that keep different ones of two equal names see two models.
    fn refuse_duplicates(&mut self) {
        let mut counts: HashMap<String, u32> = HashMap::with_capacity(self.tensors.len());
        for tensor in &self.tensors {
            let count = counts.entry(tensor.name.clone()).or_default();
            *count = count.saturating_add(1);
        }
        for tensor in &mut self.tensors {
            if counts.get(&tensor.name).is_some_and(|&count| count > 1) {
                let why = "the name stands twice in the file";
                tensor.elements = Err(Refusal::new(0, Gap::Malformed, why));
            }
        }
    }
}

impl Tensor {
    /// How many elements it has; `None` where they do not fit 64 bits.
    pub fn count(&self) -> Option<u64> {
        count(&self.shape)
    }
}

/// How many elements a shape has; `None` where they do not fit 64 bits.
pub(crate) fn count(shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size))
}

/// The shape of an asset, where reading gave one.
fn asset<T: Any>(read: Result<Box<dyn Asset>, Refusal>) -> Result<Option<Box<T>>, Refusal> {
    read.map(|asset| (asset as Box<dyn Any>).downcast::<T>().ok())
}

fn of_weights(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Table> {
    let formats = [&SAFETENSORS, &GGUF];
    let (format, read) =
        formats.iter().find_map(|format| Some((format.name, (format.read)(bytes, budget)?)))?;
    let weights = match asset::<Weights>(read) {
        Ok(weights) => weights?,
        Err(refusal) => return Some(Table::broken(format, refusal)),
    };
    let tensors = weights.tensors.iter().map(|tensor| of_weight(&weights, tensor)).collect();
    Some(Table { format, tensors, gaps: weights.gaps.clone() })
}

fn of_weight(weights: &Weights, tensor: &crate::weights::Tensor) -> Tensor {
    let mut shape = tensor.shape.to_vec();
    if weights.format == GGUF.name {
        // ggml writes the index that runs fastest first.
        shape.reverse();
    }
    let kind = tensor.element.and_then(|element| Kind::of_weights(element.name));
    let refused = |why: String| Err(Refusal::new(tensor.at, Gap::Malformed, why));
    let claimed = tensor.range.end.checked_sub(tensor.range.start);
    let elements = match (&kind, claimed) {
        (None, _) => {
            let why = "elements of a type that has no name in a manifest";
            Err(Refusal::new(tensor.at, Gap::Unsupported, why))
        }
        (_, length) if length.is_none() || length != tensor.length() => {
            refused(format!("shape and type do not give the {} bytes", length.unwrap_or(0)))
        }
        (Some(kind), length) => match weights.bytes.slice(tensor.range.start, length.unwrap_or(0)) {
            Ok(bytes) if !weights.big_endian => Ok(Place::Here(Elements::plain(bytes))),
            Ok(bytes) => match kind.order {
                Order::Bytes(width) => Ok(Place::Here(Elements::swapped(bytes, width))),
                Order::Packed => Err(Refusal::new(
                    tensor.at,
                    Gap::Unsupported,
                    "blocks of numbers with the highest byte first",
                )),
            },
            Err(refusal) => Err(refusal),
        },
    };
    let kind = kind.unwrap_or(Kind::UNKNOWN);
    Tensor { name: tensor.name.to_string(), kind, shape, elements }
}

fn of_arrays(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Table> {
    let arrays = match asset::<Arrays>((NPY.read)(bytes, budget)?) {
        Ok(arrays) => arrays?,
        Err(refusal) => return Some(Table::broken(NPY.name, refusal)),
    };
    let tensors = match arrays.arrays.as_slice() {
        [] => Vec::new(),
        [array] => vec![of_array(&arrays.bytes, String::new(), array, budget)],
        several => several
            .iter()
            .enumerate()
            .map(|(at, array)| of_array(&arrays.bytes, at.to_string(), array, budget))
            .collect(),
    };
    let gaps = arrays.gaps.iter().cloned().chain(arrays.flaws.iter().map(|(at, why)| {
        Refusal::new(*at, Gap::Malformed, why.clone())
    }));
    let mut gaps = gaps.collect::<Vec<_>>();
    gaps.dedup_by(|one, other| one.why == other.why);
    Some(Table { format: NPY.name, tensors, gaps })
}

fn of_array(bytes: &Bytes, name: String, array: &crate::npy::Array, budget: &Budget) -> Tensor {
    let kind = array.letter.and_then(|(letter, _)| Kind::of_numpy(letter, array.item_size));
    let shape = array.shape.clone();
    let at = array.data.start;
    let elements = match kind {
        _ if array.objects => Err(Refusal::new(at, Gap::Unsupported, "an array of objects")),
        None => Err(Refusal::new(at, Gap::Unsupported, "an array of what are no plain numbers")),
        Some(kind) => array_elements(bytes, array, kind, budget),
    };
    Tensor { name, kind: kind.unwrap_or(Kind::UNKNOWN), shape, elements }
}

fn array_elements(
    bytes: &Bytes,
    array: &crate::npy::Array,
    kind: Kind,
    budget: &Budget,
) -> Result<Place, Refusal> {
    let at = array.data.start;
    let length = count(&array.shape).and_then(|count| count.checked_mul(array.item_size));
    let there = array.data.end.saturating_sub(at);
    let length = length.filter(|&length| length == there).ok_or_else(|| {
        Refusal::new(at, Gap::OversizedLength, "the file ends before the array does")
    })?;
    let data = bytes.slice(at, length)?;
    let big_endian = array.letter.is_some_and(|(_, big_endian)| big_endian);
    let swap = match kind.order {
        Order::Bytes(width) if big_endian && width > 1 => Some(width),
        _ => None,
    };
    let mut strides = Vec::with_capacity(array.shape.len());
    let mut step = 1_u64;
    for &size in &array.shape {
        strides.push(step);
        step = step.saturating_mul(size.max(1));
    }
    let view = View { offset: 0, shape: array.shape.clone(), strides, width: array.item_size };
    let elements = match swap {
        _ if array.fortran_order => Elements::strided(data, view, swap, budget)?,
        Some(width) => Elements::swapped(data, width),
        None => Elements::plain(data),
    };
    Ok(Place::Here(elements))
}

fn of_archive(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Table> {
    let read = (zip::FORMAT.read)(bytes, budget)?;
    let archive = asset::<zip::Archive>(read).ok()??;
    match archive.kind() {
        "npz" => Some(of_arrays_in(&archive, budget)),
        "pytorch-zip" | "torchscript" => Some(checkpoint::zipped(&archive, budget)),
        _ => None,
    }
}

fn of_arrays_in(archive: &zip::Archive, budget: &Arc<Budget>) -> Table {
    let mut table =
        Table { format: "npz", tensors: Vec::new(), gaps: archive.refusals().to_vec() };
    for member in &archive.members {
        let shown = member.shown();
        let name = shown.strip_suffix(".npy").unwrap_or(&shown);
        let inner = only_view(archive, member).map(|bytes| of_arrays(&bytes, budget));
        match inner {
            Ok(Some(inner)) => {
                let lone = inner.tensors.len() == 1;
                table.gaps.extend(inner.gaps);
                table.tensors.extend(inner.tensors.into_iter().map(|tensor| Tensor {
                    name: if lone { name.into() } else { format!("{name}.{}", tensor.name) },
                    ..tensor
                }));
            }
            Ok(None) => {
                let why = format!("expected an array in member `{shown}`");
                table.gaps.push(Refusal::truncated(member.at(), why));
            }
            Err(refusal) => table.gaps.push(refusal),
        }
        if table.gaps.len() > MOST_GAPS {
            break;
        }
    }
    table
}

/// The bytes of a member, where all loaders see the same.
pub(crate) fn only_view(
    archive: &zip::Archive,
    member: &zip::Member,
) -> Result<Bytes, Refusal> {
    let mut views = archive.open(member).into_iter();
    match (views.next(), views.next()) {
        (Some(view), None) => view.bytes,
        (Some(_), Some(view)) => {
            let why = format!("member `{}` is other bytes {}", member.shown(), view.under);
            Err(Refusal::new(member.at(), Gap::Malformed, why))
        }
        (None, _) => Err(Refusal::truncated(
            member.at(),
            format!("expected content in member `{}`", member.shown()),
        )),
    }
}

/// How many members that are no arrays are told of.
const MOST_GAPS: usize = 1000;

#[cfg(test)]
mod tests;
