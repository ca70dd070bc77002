//! The tensors of a file of any format: safetensors, GGUF, npy, npz, ONNX, and PyTorch's checkpoints,
//! zipped or of the old format.

use std::{any::Any, sync::Arc};

mod arrays;

pub use self::arrays::{Named, NamedArrays};

use crate::{
    Asset, Budget, Bytes, Gap, Refusal,
    gguf::GGUF,
    npy::NPY,
    onnx,
    pickle::checkpoint,
    safetensors::SAFETENSORS,
    tensors::{Elements, Kind, Order, Place, Table, Tensor},
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

/// Read the arrays of an npy or npz, texts and objects among them; `None` where it is neither. A name
/// may stand twice.
pub fn arrays(bytes: &Bytes, budget: &Arc<Budget>) -> Option<NamedArrays> {
    let bytes = &bytes.remembering();
    if let Some(arrays) = arrays::of_file(bytes, budget) {
        return Some(arrays);
    }
    let read = (zip::FORMAT.read)(bytes, budget)?;
    let archive = asset::<zip::Archive>(read).ok()??;
    (archive.kind() == "npz").then(|| arrays::of_members(&archive, budget))
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
    let arrays = arrays::of_file(bytes, budget)?;
    let tensors = arrays.arrays.into_iter().map(of_array).collect();
    Some(Table { format: NPY.name, tensors, gaps: arrays.gaps })
}

fn of_array(named: Named) -> Tensor {
    let Named { name, array, elements } = named;
    let kind = array.letter.and_then(|(letter, _)| Kind::of_numpy(letter, array.item_size));
    let at = array.data.start;
    let elements = match kind {
        None if !array.objects => {
            let why = "an array of what are no plain numbers";
            Err(Refusal::new(at, Gap::Unsupported, why))
        }
        _ => elements.map(Place::Here),
    };
    Tensor { name, kind: kind.unwrap_or(Kind::UNKNOWN), shape: array.shape, elements }
}

fn of_archive(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Table> {
    let read = (zip::FORMAT.read)(bytes, budget)?;
    let archive = asset::<zip::Archive>(read).ok()??;
    match archive.kind() {
        "npz" => {
            let arrays = arrays::of_members(&archive, budget);
            let tensors = arrays.arrays.into_iter().map(of_array).collect();
            Some(Table { format: "npz", tensors, gaps: arrays.gaps })
        }
        "pytorch-zip" | "torchscript" => Some(checkpoint::zipped(&archive, budget)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
