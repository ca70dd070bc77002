//! Any bytes: a manifest is refused, or is what it is when it is written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_provenance::manifest::Manifest;

fuzz_target!(|data: &[u8]| {
    if let Ok(manifest) = Manifest::parse(data) {
        assert_eq!(Manifest::parse(manifest.json().as_bytes()).as_ref(), Ok(&manifest));
    }
});
