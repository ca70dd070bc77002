#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Budget, Bytes, json::Json};

fuzz_target!(|data: &[u8]| {
    let _ = Json::read(&Bytes::from(data), &Budget::default());
});
