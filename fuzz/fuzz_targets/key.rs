#![no_main]

use modelward_provenance::{
    keys::{PublicKey, SigningKey},
    x509::Roots,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = PublicKey::read(bytes);
    let _ = PublicKey::from_spki(bytes);
    let _ = Roots::read(bytes);
    let _ = SigningKey::is_encrypted(bytes);
    // Without a password: deriving keys takes its time.
    if let Ok(key) = SigningKey::read(bytes, None) {
        assert_eq!(key.public().verify(bytes, &key.sign(bytes)), Ok(()));
    }
});
