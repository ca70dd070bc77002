#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| modelward_fuzz::parts(bytes));
