//! Any bytes: the ONNX reader neither panics nor hangs, the numbers it points at can be read, and what it finds is
//! judged.

#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use modelward_formats::{
    Budget, Bytes,
    onnx::{self, Data},
};

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::from(data);
    if let Some(Ok(file)) = (onnx::FORMAT.read)(&bytes, &Budget::new(modelward_fuzz::limits())) {
        file.gaps();
        file.parts(&mut |_| ControlFlow::Continue(()));
    }
    let limits = onnx::Limits { items: 10_000, attribute: 1 << 20, ..onnx::Limits::default() };
    let Ok(model) = onnx::read(&bytes, &limits) else { return };
    for tensor in model.graph.iter().flat_map(|graph| &graph.initializers) {
        match &tensor.data {
            Data::Raw(span) => {
                let _ = bytes.slice(span.start, span.end.saturating_sub(span.start));
            }
            Data::Typed(..) => {
                let _ = tensor.typed(&bytes, 4096);
            }
            _ => {}
        }
    }
});
