//! The tensors of a file of any format: safetensors, GGUF, npy, npz, ONNX, and PyTorch's checkpoints,
//! zipped or of the old format.

use std::{any::Any, sync::Arc};

use crate::{
    Asset, Budget, Bytes, Gap, Refusal,
    gguf::GGUF,
    npy::{Arrays, NPY},
    onnx,
    pickle::checkpoint,
    safetensors::SAFETENSORS,
    tensors::{Elements, Kind, Order, Place, Table, Tensor, View, count},
    weights::Weights,
    zip,
};

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
        (Some(kind), length) => {
            match weights.bytes.slice(tensor.range.start, length.unwrap_or(0)) {
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
            }
        }
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
    let gaps =
        arrays.gaps.iter().cloned().chain(
            arrays.flaws.iter().map(|(at, why)| Refusal::new(*at, Gap::Malformed, why.clone())),
        );
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
    let mut table = Table { format: "npz", tensors: Vec::new(), gaps: archive.refusals().to_vec() };
    for member in &archive.members {
        let shown = member.shown();
        let name = shown.strip_suffix(".npy").unwrap_or(&shown);
        let inner = archive.only_view(member).map(|bytes| of_arrays(&bytes, budget));
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

/// How many members that are no arrays are told of.
const MOST_GAPS: usize = 1000;

#[cfg(test)]
mod tests;
