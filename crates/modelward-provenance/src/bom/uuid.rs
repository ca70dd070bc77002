//! Identifiers that follow from what they name (RFC 9562, section 5.5: UUID version 5).

use sha1::{Digest as _, Sha1};

/// The UUID of a name in the namespace of modelward's documents, in lower case with hyphens.
pub(super) fn of(name: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(NAMESPACE);
    hash.update(name);
    let digest = hash.finalize();
    let mut text = String::new();
    for (index, byte) in digest.iter().take(16).enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let byte = match index {
            6 => byte & 0x0f | 0x50,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// A UUID of version 5 itself, of the name `modelward` in the namespace of domain names.
const NAMESPACE: [u8; 16] = [
    0x79, 0x72, 0xda, 0x59, 0x3a, 0x8c, 0x5f, 0x49, 0x86, 0x80, 0x1d, 0x05, 0x63, 0x21, 0x73, 0x16,
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_identifier_follows_from_the_name() {
        let uuid = super::of("abc");
        assert_eq!(uuid, "c910e262-3775-5c0d-b01f-8f716a1b8f3c");
    }
}
