//! A graph as an ONNX file.

use std::path::Path;

use crate::{Limits, Model, Result, Trouble, feed::Derivative};

impl Model {
    /// Write the graph of a gradient as plain ONNX.
    ///
    /// # Errors
    /// Where an operator of it has no plain form, or the file cannot be written.
    pub fn export(&self, _derivative: &Derivative, _path: &Path, _limits: &Limits) -> Result<()> {
        Err(Trouble::unsupported("export"))
    }
}
