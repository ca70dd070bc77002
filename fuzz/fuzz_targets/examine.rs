#![no_main]

use modelward_core::Place;
use modelward_scan::{Context, examine};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let context = Context::new(modelward_fuzz::limits(), &[]);
    examine(&Place::file("input"), &bytes.into(), &context);
});
