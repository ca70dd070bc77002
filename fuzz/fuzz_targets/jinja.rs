#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_core::Place;
use modelward_scan::{Context, examine};

fuzz_target!(|data: &[u8]| {
    let template = [b"{{".as_slice(), data].concat();
    examine(&Place::file("chat_template.jinja"), &template.into(), &Context::default());
});
