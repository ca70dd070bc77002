#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_core::Place;
use modelward_scan::{Context, examine};

fuzz_target!(|data: &[u8]| {
    let text = [b"a: 1\n".as_slice(), data].concat();
    examine(&Place::file("config.yaml"), &text.into(), &Context::default());
});
