//! Tensor tables: how many numbers of what kind a file holds, counted from its own table.

use std::{any::Any, collections::BTreeMap, sync::Arc};

use modelward_formats::{
    Budget, Bytes, Refusal, gguf, onnx, safetensors, tables, weights::Weights,
};

/// What the table of one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The file.
    pub path: String,
    /// Its format: `safetensors`, `gguf`, `onnx`, `pytorch-zip`, `npz`.
    pub format: &'static str,
    /// How many tensors it has.
    pub tensors: u64,
    /// How many elements they have.
    pub elements: u64,
    /// How many of these are of each type, by the names that manifests give them: `f32`, `q4_0`.
    pub types: BTreeMap<String, u64>,
    /// The type of most elements, where it stores them in blocks.
    pub quantisation: Option<String>,
}

/// What was read of a file of weights.
pub(super) enum Read {
    /// safetensors or GGUF.
    Weights(Table, Box<Weights>),
    /// ONNX.
    Graph(Table, Box<onnx::Model>),
    /// Tensors alone: PyTorch's checkpoints, arrays of numpy.
    Tensors(Table),
}

impl Read {
    pub(super) fn table(&self) -> &Table {
        match self {
            Self::Weights(table, _) | Self::Graph(table, _) | Self::Tensors(table) => table,
        }
    }
}

/// Read the table of a file; `None` where it is of no format that has one.
pub(super) fn read(
    path: &str,
    bytes: &Bytes,
    budget: &Arc<Budget>,
) -> Option<Result<Read, Refusal>> {
    for format in [&safetensors::SAFETENSORS, &gguf::GGUF] {
        let Some(asset) = (format.read)(bytes, budget) else { continue };
        let table = Table { path: path.into(), format: format.name, ..Table::default() };
        return Some(asset.and_then(|asset| {
            let asset: Box<dyn Any> = asset;
            match asset.downcast::<Weights>() {
                Ok(weights) => weights_of(table, weights),
                Err(_) => Ok(Read::Tensors(table)),
            }
        }));
    }
    if [&b"PK\x03\x04"[..], b"\x80", b"\x93NUMPY"].iter().any(|magic| bytes.has(0, magic)) {
        return tensors_of(path, bytes, budget);
    }
    if !may_be_onnx(path, bytes) {
        return None;
    }
    let limits = onnx::Limits { items: MOST_ITEMS, held: MOST_HELD, ..onnx::Limits::default() };
    let model = onnx::read(bytes, &limits).map(Box::new);
    let table = Table { path: path.into(), format: "onnx", ..Table::default() };
    Some(model.map(|model| Read::Graph(graph_of(table, &model), model)))
}

fn weights_of(mut table: Table, weights: Box<Weights>) -> Result<Read, Refusal> {
    if let Some(gap) = weights.gaps.first() {
        return Err(gap.clone());
    }
    for tensor in &weights.tensors {
        let kind = tensor.element.map_or("unknown", |element| element.name);
        table.add(kind, tensor.elements().unwrap_or(0));
    }
    let most = table.types.iter().max_by_key(|(_, elements)| **elements).map(|(kind, _)| kind);
    let elements = weights.tensors.iter().filter_map(|tensor| tensor.element);
    let mut blocks = elements.filter(|element| element.block > 1).map(|element| element.name);
    let block = blocks.find(|name| most.is_some_and(|most| name.eq_ignore_ascii_case(most)));
    table.quantisation = block.map(Into::into);
    Ok(Read::Weights(table, weights))
}

fn graph_of(mut table: Table, model: &onnx::Model) -> Table {
    if let Some(graph) = &model.graph {
        let sparse = graph.sparse_tensors.iter().map(|sparse| &sparse.values);
        for tensor in graph.initializers.iter().chain(sparse) {
            let mut sizes = tensor.dims.iter().map(|&size| u64::try_from(size).ok());
            let elements = sizes.try_fold(1_u64, |product, size| product.checked_mul(size?));
            let kind = onnx::element_name(tensor.data_type).unwrap_or("unknown");
            table.add(kind, elements.unwrap_or(0));
        }
    }
    table
}

/// The tensors of a checkpoint or of arrays; `None` where there is none of them.
fn tensors_of(path: &str, bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Read, Refusal>> {
    let read = tables::read(bytes, budget).filter(|read| !read.tensors.is_empty())?;
    if let Some(gap) = read.gaps.into_iter().next() {
        return Some(Err(gap));
    }
    let mut table = Table { path: path.into(), format: read.format, ..Table::default() };
    for tensor in &read.tensors {
        table.add(tensor.kind.name, tensor.count().unwrap_or(0));
    }
    Some(Ok(Read::Tensors(table)))
}

impl Table {
    fn add(&mut self, kind: &str, elements: u64) {
        self.tensors = self.tensors.saturating_add(1);
        self.elements = self.elements.saturating_add(elements);
        // safetensors writes `F8_E4M3` and `BF16`, ggml `Q4_0`.
        let mut kind = kind.to_ascii_lowercase();
        if kind.starts_with("f8_") || kind.starts_with("f6_") {
            kind = kind.replacen('_', "", 1);
        }
        let of_kind = self.types.entry(kind).or_default();
        *of_kind = of_kind.saturating_add(elements);
    }
}

/// A version comes first in all files that tools write, and nobody calls another file `.onnx`.
fn may_be_onnx(path: &str, bytes: &Bytes) -> bool {
    path.ends_with(".onnx") && !bytes.is_empty() && !bytes.has(0, b"version https://git-lfs")
}

/// Nodes, tensors and names of one model.
const MOST_ITEMS: u64 = 1_000_000;

/// Names and texts of one model, in bytes.
const MOST_HELD: u64 = 256 << 20;
