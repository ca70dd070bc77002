//! Any bytes: the marshal reader neither panics nor hangs, as a stream and as a `.pyc` file.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Bytes, marshal};

fuzz_target!(|data: &[u8]| {
    let _ = marshal::read(data);
    let _ = (marshal::FORMAT.read)(&Bytes::from(data), &Arc::default());
});
