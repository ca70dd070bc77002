//! A sealed file, read in ranges: what is asked for is decrypted into memory and nowhere else.
//!
//! Each chunk is authenticated at its place before a byte of it is given. The last one is
//! authenticated when the file is opened, so that one which was cut short is never read from.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use modelward_formats::{Bytes, Refusal, Source};
use zeroize::Zeroizing;

use super::{
    armor,
    fault::{Fault, Result},
    header::LONGEST,
    stream::{CHUNK, Cipher, NONCE, Place, SEALED, TAG},
    unlock::{Secret, begin},
};
use crate::Trouble;

/// A sealed file whose key was found. As a [`Source`] it is what it holds.
pub struct Opened {
    sealed: Bytes,
    cipher: Cipher,
    /// Where the chunks begin.
    start: u64,
    chunks: u64,
    len: u64,
    /// The chunks that were opened last, the newest at the end.
    cache: Mutex<Vec<(u64, Chunk)>>,
}

type Chunk = Arc<Zeroizing<Vec<u8>>>;

impl Opened {
    /// Find the key of a sealed file, which is not in armour, and authenticate its last chunk.
    pub fn new(sealed: Bytes, secret: &Secret) -> Result<Self> {
        let most = (LONGEST.saturating_add(NONCE) as u64).saturating_add(1);
        let head = sealed.head(most).map_err(|refusal| unreadable(&refusal))?;
        if armor::is_armored(&head) {
            return Err(Trouble::new("expected a sealed file in bytes, found one in ASCII armour")
                .help("armour cannot be read in ranges; unseal the file, and seal it without `--armor`")
                .into());
        }
        let mut rest = &head[..];
        let cipher = begin(&mut rest, secret)?;
        let start = head.len().saturating_sub(rest.len()) as u64;
        let payload = sealed.len().saturating_sub(start);
        let chunks = payload.div_ceil(SEALED as u64);
        let tags = chunks.saturating_mul(TAG as u64);
        let len = payload.checked_sub(tags).filter(|_| chunks > 0);
        let len = len.ok_or_else(|| Fault::broken("the file is cut short"))?;
        let opened = Self { sealed, cipher, start, chunks, len, cache: Mutex::default() };
        let last = opened.chunk(chunks.saturating_sub(1))?;
        if last.is_empty() && chunks > 1 {
            let why = "the sealed content ends in an empty chunk, which no honest writer adds";
            return Err(Fault::broken(why));
        }
        Ok(opened)
    }

    /// Bytes of the content.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the content is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The content from `at` on, as much as fits and as its chunk holds; 0 bytes only at the end.
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize> {
        if at >= self.len {
            return Ok(0);
        }
        let size = CHUNK as u64;
        let (chunk, within) = (at.checked_div(size), at.checked_rem(size));
        let chunk = self.chunk(chunk.unwrap_or(0))?;
        let within = within.and_then(|within| usize::try_from(within).ok()).unwrap_or(0);
        let content = chunk.get(within..).unwrap_or_default();
        let count = content.len().min(into.len());
        for (into, from) in into.iter_mut().zip(content) {
            *into = *from;
        }
        Ok(count)
    }

    /// A chunk, open.
    fn chunk(&self, at: u64) -> Result<Chunk> {
        // A thread that ended while it held the lock left nothing half done.
        let cache = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut cache = cache();
            if let Some(found) = cache.iter().position(|(held, _)| *held == at) {
                let entry = cache.remove(found);
                let chunk = entry.1.clone();
                cache.push(entry);
                return Ok(chunk);
            }
        }
        let from = self.start.saturating_add(at.saturating_mul(SEALED as u64));
        let len = self.sealed.len().saturating_sub(from).min(SEALED as u64);
        let chunk = self.sealed.take(from, len).map_err(|refusal| unreadable(&refusal))?;
        let mut chunk = Zeroizing::new(chunk);
        let last = at.saturating_add(1) == self.chunks;
        if chunk.len() < TAG {
            return Err(Fault::broken("the file is cut short"));
        }
        let place = Place { at, last };
        if !self.cipher.open(&mut chunk, place) {
            return Err(self.cipher.judge(&mut chunk, place).0);
        }
        let content = chunk.len().saturating_sub(TAG);
        chunk.truncate(content);
        let chunk = Arc::new(chunk);
        let mut cache = cache();
        if cache.len() >= CACHED {
            cache.remove(0);
        }
        cache.push((at, chunk.clone()));
        Ok(chunk)
    }
}

impl Source for Opened {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        Ok(Self::read_at(self, at, into)?)
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("len", &self.len).finish_non_exhaustive()
    }
}

fn unreadable(refusal: &Refusal) -> Trouble {
    Trouble::new(format!("cannot read the sealed file: {}", refusal.why))
}

/// Chunks that are kept: 1 MiB.
const CACHED: usize = 16;
