//! Any bytes: the ONNX reader neither panics nor hangs, and the numbers it points at can be read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{
    Bytes,
    onnx::{self, Data},
};

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::from(data);
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
