//! A model file.

use std::path::Path;

use modelward_formats::{Bytes, onnx};

use crate::{
    Limits, Meter, Result, Trouble, Type, file,
    graph::{Dimension, Graph, ValueId, shorten},
    onnx::import,
};

/// A model that was read. A copy shares its tensors.
#[derive(Clone, Debug)]
pub struct Model {
    /// What it computes.
    pub graph: Graph,
    /// Its float initializers, in the order of the file: what training changes.
    pub weights: Vec<ValueId>,
    /// Version of ONNX's own operator set, 0 where it uses none of it.
    pub opset: i64,
    /// Version of its representation.
    pub ir_version: i64,
    /// Tool that wrote it, with its version.
    pub producer: String,
    /// How many nodes the file has, those inside functions and bodies once each.
    pub nodes: usize,
    pub(crate) bytes: Bytes,
}

impl Model {
    /// Read a model file; external data are looked for beside it.
    ///
    /// # Errors
    /// Where the file cannot be read, breaks the rules of ONNX, is over a limit, reaches outside its
    /// folder, or uses what this version does not run: every such operator is named.
    pub fn read(path: &Path, limits: &Limits) -> Result<Self> {
        let bytes = file::open(path)?;
        let folder = path.parent().map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        });
        Self::from_bytes(bytes, folder, limits)
    }

    /// The shape of one example of the first input, as the file declares it; `None` for a size that it
    /// leaves free.
    pub fn input_shape(&self) -> Vec<Option<usize>> {
        let input = self.graph.inputs.first().map(|&id| self.graph.value(id));
        let declared = input.and_then(|value| value.declared.as_ref()?.dims.as_deref());
        let fixed = |dimension: &Dimension| match dimension {
            Dimension::Fixed(size) => Some(*size),
            Dimension::Named(_) | Dimension::Any => None,
        };
        declared.unwrap_or_default().iter().skip(1).map(fixed).collect()
    }

    /// Read a model from its bytes.
    ///
    /// # Errors
    /// As [`Model::read`].
    pub fn from_bytes(bytes: Bytes, folder: Option<&Path>, limits: &Limits) -> Result<Self> {
        if bytes.len() > limits.file {
            let (got, limit) = (bytes.len(), limits.file);
            return Err(Trouble::limit(format!(
                "a file of {got} bytes, over the limit of {limit}"
            )));
        }
        let file = onnx::read(&bytes, &onnx::Limits::default())?;
        let imported = import::model(&file, &bytes, folder, limits)?;
        let producer = [&*file.producer, &*file.producer_version].join(" ").trim().to_owned();
        Ok(Self {
            graph: imported.graph,
            weights: imported.weights,
            opset: imported.opset,
            nodes: imported.nodes,
            ir_version: file.ir_version,
            producer,
            bytes,
        })
    }

    /// Refuse a model whose inputs alone, by their declared sizes, are over the limits.
    ///
    /// # Errors
    /// Where they are.
    pub fn admit(&self, limits: &Limits) -> Result<()> {
        let meter = Meter::new(*limits);
        for &id in &self.graph.inputs {
            let value = self.graph.value(id);
            let Some(declared) = &value.declared else { continue };
            let sizes = declared.dims.iter().flatten().map(|dimension| match dimension {
                Dimension::Fixed(size) => *size,
                Dimension::Named(_) | Dimension::Any => 1,
            });
            let kind = Type::new(declared.element, sizes.collect::<Vec<_>>());
            let name = || format!("input `{}`", shorten(&value.name));
            meter.admit(&kind).map_err(|trouble| trouble.at(name))?;
        }
        Ok(())
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}
