#![no_main]

use modelward_core::Place;
use modelward_scan::{Context, examine};

// The machine and its judge together: PROTO makes the trial accept what follows.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let context = Context::new(modelward_fuzz::limits(), &[]);
    let program = [b"\x80\x04".as_slice(), bytes].concat();
    examine(&Place::file("input"), &program.into(), &context);
});
