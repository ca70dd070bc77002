//! One chunk of a payload.

use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, Key, KeyInit, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    Trouble,
    seal::{
        fault::{Fault, Result},
        header::FileKey,
    },
};

/// The cipher of one payload.
#[derive(Clone)]
pub(in crate::seal) struct Cipher(ChaCha20Poly1305);

impl Cipher {
    pub(in crate::seal) fn new(key: &FileKey, nonce: &[u8; NONCE]) -> Result<Self> {
        let mut derived = Zeroizing::new([0; 32]);
        let expanded = Hkdf::<Sha256>::new(Some(nonce), &**key).expand(b"payload", &mut *derived);
        expanded.map_err(|_| Trouble::new("cannot derive a key"))?;
        Ok(Self(ChaCha20Poly1305::new(&Key::from(*derived))))
    }

    /// Seal a chunk in place, whose tag goes into its last 16 bytes.
    pub(super) fn seal(&self, chunk: &mut [u8], place: Place) -> bool {
        let Some((plain, into)) = split(chunk) else { return false };
        let tag = self.0.encrypt_inout_detached(&place.nonce(), &[], plain.into());
        tag.map(|tag| into.copy_from_slice(&tag)).is_ok()
    }

    /// Open a chunk in place. Where it does not fit its place nothing of it is revealed.
    pub(in crate::seal) fn open(&self, chunk: &mut [u8], place: Place) -> bool {
        let Some((sealed, tag)) = split(chunk) else { return false };
        let tag = Tag::from(*tag);
        self.0.decrypt_inout_detached(&place.nonce(), &[], sealed.into(), &tag).is_ok()
    }

    /// What is wrong with a chunk that does not open at its place. A whole chunk that another writer
    /// meant for this place, as the last one or not, is authentic and left open: `true`.
    pub(in crate::seal) fn judge(&self, chunk: &mut [u8], place: Place) -> (Fault, bool) {
        let start = place.at.saturating_mul(CHUNK as u64);
        let end = start.saturating_add(chunk.len().saturating_sub(TAG) as u64);
        let fits_otherwise = self.open(chunk, Place { last: !place.last, ..place });
        let fault = Fault::broken(match (fits_otherwise, place.last) {
            (true, true) => format!("the file is cut short after {end} bytes of content"),
            (true, false) => "more bytes follow the end of the sealed content".to_owned(),
            // A chunk that lost its end is not to be told from one that was changed.
            (false, true) => {
                format!("the file was changed, or cut short, after {start} bytes of content")
            }
            (false, false) => {
                format!("the file was changed between bytes {start} and {end} of its content")
            }
        });
        (fault, fits_otherwise && chunk.len() == SEALED)
    }
}

/// Where a chunk stands.
#[derive(Clone, Copy, Debug)]
pub(in crate::seal) struct Place {
    pub(in crate::seal) at: u64,
    pub(in crate::seal) last: bool,
}

impl Place {
    fn nonce(self) -> Nonce {
        let mut nonce = [0; 12];
        let [_, _, _, counter @ .., last] = &mut nonce;
        *counter = self.at.to_be_bytes();
        *last = self.last.into();
        nonce.into()
    }
}

fn split(chunk: &mut [u8]) -> Option<(&mut [u8], &mut [u8; TAG])> {
    chunk.split_last_chunk_mut::<TAG>()
}

/// Bytes of content in a chunk that is not the last.
pub(in crate::seal) const CHUNK: usize = 64 << 10;
pub(in crate::seal) const TAG: usize = 16;
/// The same chunk, sealed.
pub(in crate::seal) const SEALED: usize = CHUNK + TAG;
/// Random bytes before the chunks.
pub(in crate::seal) const NONCE: usize = 16;
