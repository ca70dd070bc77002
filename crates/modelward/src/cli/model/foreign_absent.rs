//! In place of ONNX Runtime, where this program was built without it.

use std::{path::Path, time::Duration};

use modelward_engine::{exec::How, npz::Arrays};

use crate::cli::{
    Failure,
    model::task::{Found, Provider, Task},
};

/// No such thing.
#[derive(Debug)]
pub(super) enum Foreign {}

impl Foreign {
    pub(super) fn new(
        _library: Option<&Path>,
        provider: Provider,
        _time: Duration,
        _how: &How,
    ) -> Result<Self, Failure> {
        let provider = provider.name();
        let why =
            format!("`--engine ort` ({provider}): this program was built without ONNX Runtime");
        Err(Failure::new(why)
            .help("build it with the feature: `cargo build --release -p modelward --features ort`"))
    }

    pub(super) fn run(&self, _path: &Path, _task: Task, _own: &Arrays) -> Result<Found, Failure> {
        match *self {}
    }
}
