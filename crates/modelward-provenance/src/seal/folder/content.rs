//! What the content of a sealed file is, told by its first bytes.

use std::io::{self, Chain, Cursor, Read};

use super::tar::{BLOCK, GLOBAL, Header, MARK, records};
use crate::seal::fault::Result;

/// What the first bytes of a content say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An archive that we made of a folder.
    Folder,
    /// Another archive.
    Archive,
    /// Other bytes.
    File,
}

/// What a content is, by its first 1024 bytes, or all of them.
pub(super) fn kind(head: &[u8]) -> Kind {
    let Some((block, rest)) = head.split_first_chunk::<BLOCK>() else { return Kind::File };
    let Some(header) = Header::read(block) else { return Kind::File };
    let comment = || {
        let content = rest.get(..usize::try_from(header.size).ok()?)?;
        let is_ours = |(key, value): &(&str, &[u8])| *key == "comment" && *value == MARK.as_bytes();
        records(content)?.iter().any(is_ours).then_some(())
    };
    if header.kind == GLOBAL && comment().is_some() { Kind::Folder } else { Kind::Archive }
}

/// A content that is being read, from its first byte on.
#[derive(Debug)]
pub struct Content<R> {
    /// What it is.
    pub kind: Kind,
    from: Chain<Cursor<Vec<u8>>, R>,
}

impl<R: Read> Content<R> {
    /// Look at the first bytes of a content.
    pub fn new(mut from: R) -> Result<Self> {
        let mut head = Vec::with_capacity(HEAD);
        from.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
        Ok(Self { kind: kind(&head), from: Cursor::new(head).chain(from) })
    }
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.from.read(into)
    }
}

/// Bytes that tell what a content is.
pub(super) const HEAD: usize = 2 * BLOCK;
