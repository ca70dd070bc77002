//! Any bytes: the safetensors reader neither panics nor hangs, and every piece it hands over can be read.

#![no_main]

use std::{ops::ControlFlow, sync::Arc};

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Bytes, safetensors};

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::from(data);
    if let Some(Ok(asset)) = (safetensors::SAFETENSORS.read)(&bytes, &Arc::default()) {
        asset.parts(&mut |part| {
            if let Ok(part) = part.bytes {
                let _ = part.head(4096);
            }
            ControlFlow::Continue(())
        });
    }
});
