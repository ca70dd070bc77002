//! What every archive and compressed stream has, whatever its format: names, kinds of member,
//! and bytes before and behind. Checks of these are written once.

use crate::Asset;

/// The outside of an archive.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The members, in the archive's order.
    pub members: Vec<Listed>,
    /// Bytes before the archive starts: how many.
    pub leading: u64,
    /// Bytes behind the archive's end: offset and number. Zero bytes alone do not count.
    pub trailing: Option<(u64, u64)>,
    /// Where readers part, so that one sees another archive than the next.
    pub forks: Vec<Fork>,
    /// Whether a member may be there again: a newer copy behind it takes its place.
    pub appendable: bool,
}

/// A place where readers part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Offset of what only some readers reach.
    pub at: u64,
    /// What that is, in words.
    pub what: &'static str,
}

/// A member of an archive, as its header names it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Offset of the header in the archive.
    pub at: u64,
    /// The name, byte for byte.
    pub name: Vec<u8>,
    /// Other names that some reader goes by.
    pub aliases: Vec<Vec<u8>>,
    /// What unpacking would make of it.
    pub kind: Kind,
}

/// What unpacking makes of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link to this target.
    SymbolicLink(Vec<u8>),
    /// Another name of an earlier member, or of a file outside.
    HardLink(Vec<u8>),
    /// A device, a FIFO, a socket: the word for it.
    Special(&'static str),
}

impl Listed {
    /// The name in words.
    pub fn shown(&self) -> String {
        shown(&self.name)
    }
}

impl Asset for Listing {
    fn format(&self) -> &'static str {
        "listing"
    }
}

/// A name from an archive in words: UTF-8 where it is, escaped where it is not.
pub fn shown(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(text) => text.to_owned(),
        Err(_) => name.escape_ascii().to_string(),
    }
}
