//! Any bytes: the statement of a signed report is refused, or its root is that of its files.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_provenance::{
    digest::{Function, Hasher},
    report::Attestation,
};

fuzz_target!(|data: &[u8]| {
    let is_report = Attestation::is(data);
    if let Ok(attestation) = Attestation::read(data) {
        assert!(is_report);
        let mut root = Hasher::new(Function::Sha256);
        attestation.files.values().for_each(|digest| root.update(digest.bytes()));
        assert_eq!(root.finish(), attestation.root);
    }
});
