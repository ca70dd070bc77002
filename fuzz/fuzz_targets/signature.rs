#![no_main]

use modelward_provenance::keys::PublicKey;

/// The base points of P-256, P-384 and P-521, for which the private key is 1: for fuzzing alone.
const KEYS: [&str; 3] = [
    "-----BEGIN PUBLIC KEY-----\n\
     MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n\
     6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n\
     -----END PUBLIC KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\n\
     MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEqofKIr6LBTeOscce8yCtdG4dO2KLp5uY\n\
     WfdB4IJUKjhVAvJdv1UpbDpUXjhydgq3NhfeSpYmLG9dnpi/kpLcKfj0Hb0omhR8\n\
     6doxE7XwuMAKYLHOHX6BnXpDHXyQ6g5f\n\
     -----END PUBLIC KEY-----\n",
    "-----BEGIN PUBLIC KEY-----\n\
     MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAxoWOBrcEBOnNnj7LZiOVtEKcZIE5\n\
     BT+1Ifgor2BrTT26oUted+/nWSj+HcEnov+o3jNIs8GFakKb+X5+McLlvWYBGDkp\n\
     aniaO8AEXIpftCx9G9mY9URJV5tEaBevvRcnPmYsl+5ymV70JkDFULkBP60HYTU8\n\
     cIaicsJAiL6Udp/RZlA=\n\
     -----END PUBLIC KEY-----\n",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for key in KEYS {
        let Ok(key) = PublicKey::read(key.as_bytes()) else { panic!("expected a key") };
        let _ = key.verify(b"text", bytes);
        let _ = key.verify_sha256(b"text", bytes);
    }
});
