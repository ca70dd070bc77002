//! A file key under another key: ChaCha20-Poly1305 (RFC 8439) with a nonce of zeros, since each
//! key wraps one file key only.

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, Key, KeyInit, Nonce, Tag};
use zeroize::Zeroizing;

use super::{fault::Result, header::FileKey};
use crate::Trouble;

/// The file key, sealed: 32 bytes.
pub(super) fn seal(key: &[u8; 32], file_key: &FileKey) -> Result<Vec<u8>> {
    let mut body = file_key.to_vec();
    let tag = cipher(key).encrypt_inout_detached(&Nonce::default(), &[], (&mut body[..]).into());
    body.extend(tag.map_err(|_| Trouble::new("cannot wrap the file key"))?);
    Ok(body)
}

/// The file key, where this key wrapped it.
pub(super) fn open(key: &[u8; 32], body: &[u8; 32]) -> Option<FileKey> {
    let (sealed, tag) = body.split_first_chunk::<16>()?;
    let tag = Tag::try_from(tag).ok()?;
    let mut file_key = Zeroizing::new(*sealed);
    let buffer = (&mut file_key[..]).into();
    cipher(key).decrypt_inout_detached(&Nonce::default(), &[], buffer, &tag).ok()?;
    Some(file_key)
}

fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&Key::from(*key))
}
