//! Tensors by name, whatever file they lie in.
//!
//! A tensor is what a loader would see: a type, a shape, and elements that can be read in one order,
//! little-endian, the last index running fastest, however the file stores them. What cannot be told
//! for certain is a refusal in the tensor's place. Nothing is executed, and elements are read in
//! windows.

use std::collections::HashMap;

use crate::{Gap, Refusal};

mod element;
mod elements;
mod strided;

pub(crate) use self::strided::View;
pub use self::{
    element::{Kind, Order},
    elements::{Elements, Windows},
};

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

impl Table {
    /// A file that cannot be read at all.
    pub(crate) fn broken(format: &'static str, refusal: Refusal) -> Self {
        Self { format, tensors: Vec::new(), gaps: vec![refusal] }
    }

    /// Two loaders that keep different ones of two equal names see two models.
    pub(crate) fn refuse_duplicates(&mut self) {
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
