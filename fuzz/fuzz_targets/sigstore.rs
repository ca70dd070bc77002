#![no_main]

use modelward_provenance::sigstore::{Envelope, Evidence, Expected, TrustedRoot, check};

const ROOT: &[u8] =
    include_bytes!("../../crates/modelward-provenance/tests/sigstore/trusted_root.json");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(root) = TrustedRoot::read(ROOT) else { panic!("expected a trusted root") };
    let _ = TrustedRoot::read(bytes);
    let Ok(evidence) = Evidence::read(bytes) else { return };
    let envelope = Envelope { payload: b"{}", payload_type: "text/plain", signature: b"" };
    let expected = Expected { identity: "somebody", issuer: "somewhere" };
    let (_, defects) = check(&evidence, &envelope, &root, &expected);
    assert!(!defects.is_empty());
});
