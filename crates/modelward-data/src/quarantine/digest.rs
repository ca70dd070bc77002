//! What bytes are known by: how many, their SHA-256 and their BLAKE3.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Write},
    path::Path,
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::failed;
use crate::Trouble;

/// What bytes are known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// How many there are.
    pub bytes: u64,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Their BLAKE3, in hexadecimal digits.
    pub blake3: String,
}

/// Bytes on their way, as they are summed up.
pub(super) struct Summed<W> {
    pub(super) out: W,
    bytes: u64,
    sha256: Sha256,
    blake3: blake3::Hasher,
}

impl<W: Write> Summed<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, bytes: 0, sha256: Sha256::new(), blake3: blake3::Hasher::new() }
    }

    pub(super) fn finish(self) -> Digest {
        let Self { bytes, sha256, blake3, .. } = self;
        Digest {
            bytes,
            sha256: hexadecimal(&sha256.finalize()),
            blake3: blake3.finalize().to_hex().to_string(),
        }
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.sha256.update(bytes);
        self.blake3.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Digest {
    /// Of a regular file.
    pub(super) fn of(path: &Path) -> Result<Self, Trouble> {
        let mut summed = Summed::new(io::sink());
        let mut file = regular(path)?;
        copy(&mut file, &mut summed).map_err(|error| failed(path, &error))?;
        Ok(summed.finish())
    }

    pub(super) fn json(&self) -> Value {
        json!({ "bytes": self.bytes, "sha256": self.sha256, "blake3": self.blake3 })
    }

    pub(super) fn parse(value: &Value) -> Option<Self> {
        let text = |key: &str| {
            let text = value.get(key)?.as_str()?;
            let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            (text.len() == 64 && text.bytes().all(digits)).then(|| text.to_owned())
        };
        let bytes = value.get("bytes")?.as_u64()?;
        Some(Self { bytes, sha256: text("sha256")?, blake3: text("blake3")? })
    }
}

/// The digests of files one after the other, in the order of their paths: over the bytes of the digests of
/// each, as the root of `modelward manifest` is.
pub(super) struct Tree {
    bytes: u64,
    sha256: Sha256,
    blake3: blake3::Hasher,
    /// The only one, where there is one file and no folder.
    alone: Option<Digest>,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { bytes: 0, sha256: Sha256::new(), blake3: blake3::Hasher::new(), alone: None }
    }

    pub(super) fn add(&mut self, digest: &Digest) {
        self.bytes = self.bytes.saturating_add(digest.bytes);
        self.sha256.update(binary(&digest.sha256));
        self.blake3.update(&binary(&digest.blake3));
        self.alone = Some(digest.clone());
    }

    /// Of a folder, or of the one file.
    pub(super) fn finish(self, folder: bool) -> Digest {
        match self.alone {
            Some(alone) if !folder => alone,
            _ => Digest {
                bytes: self.bytes,
                sha256: hexadecimal(&self.sha256.finalize()),
                blake3: self.blake3.finalize().to_hex().to_string(),
            },
        }
    }
}

/// Open a regular file: what a manifest names may be a pipe that never ends.
pub(super) fn regular(path: &Path) -> Result<File, Trouble> {
    let metadata: Metadata = std::fs::metadata(path).map_err(|error| failed(path, &error))?;
    if !metadata.is_file() {
        return Err(Trouble::new(format!("expected a regular file at `{}`", path.display())));
    }
    File::open(path).map_err(|error| failed(path, &error))
}

/// Copy all there is, in windows.
pub(super) fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<u64> {
    pass(from, u64::MAX, to)
}

/// Copy at most so many bytes; gives how many there were.
pub(super) fn pass(from: &mut impl Read, most: u64, to: &mut impl Write) -> io::Result<u64> {
    let mut window = vec![0; WINDOW.min(usize::try_from(most).unwrap_or(WINDOW))];
    let mut left = most;
    while left > 0 {
        let wanted = window.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = match from.read(window.get_mut(..wanted).unwrap_or_default()) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(window.get(..read).unwrap_or_default())?;
        left = left.saturating_sub(read as u64);
    }
    Ok(most.saturating_sub(left))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn binary(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let pairs = pairs.filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

const WINDOW: usize = 64 << 10;
