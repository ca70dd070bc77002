//! SHA-256 of a file, computed by the processor's own instructions where it has them.

use modelward_core::Digest;
use modelward_formats::{Bytes, Refusal};
use sha2::{Digest as _, Sha256};

/// The digest of all bytes.
pub(crate) fn sha256(bytes: &Bytes) -> Result<Digest, Refusal> {
    let mut hash = Sha256::new();
    let mut window = vec![0; usize::try_from(bytes.len()).unwrap_or(WINDOW).min(WINDOW)];
    let mut at = 0_u64;
    while at < bytes.len() {
        let read = bytes.read_at(at, &mut window)?;
        hash.update(window.get(..read).unwrap_or_default());
        at = at.saturating_add(read as u64);
    }
    Ok(hash.finalize().into())
}

/// Bytes read at once.
const WINDOW: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_standard() {
        // FIPS 180-4, example B.1, and the empty message.
        let hex = |bytes: &[u8]| {
            let digest = sha256(&bytes.into()).unwrap();
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert!(hex(b"abc").starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert!(hex(b"").starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
    }
}
