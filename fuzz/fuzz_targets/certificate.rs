#![no_main]

use modelward_provenance::x509::{Certificate, Moment, Roots, check};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = Certificate::read(bytes);
    // A chain of pieces, cut where the input says.
    let chain: Vec<Vec<u8>> = bytes.split(|byte| *byte == 0xa5).map(<[u8]>::to_vec).collect();
    let (signer, defects) = check(&chain, &Roots::default(), Moment(1_780_272_000));
    assert!(!defects.is_empty(), "{signer:?} is trusted without a root");
});
