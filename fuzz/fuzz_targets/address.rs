//! Any text: judging the addresses in it neither panics nor hangs, a reason is no longer than people read, and an
//! address that is bad is found behind whatever stands before it.

#![no_main]

use modelward_data::check::bad_address;

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Some(why) = bad_address(text) {
        assert!(why.chars().count() < 400, "{why}");
    }
    let told = bad_address(&format!("{text}\nhttp://169.254.169.254/"));
    assert!(told.is_some());
});
