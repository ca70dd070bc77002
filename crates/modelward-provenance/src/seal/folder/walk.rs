//! From member to member of an archive, by ranges that only ever go forward.

use std::io::Read;

use super::{
    name::Names,
    tar::{BLOCK, EXTENDED, FILE, FOLDER, GLOBAL, Header, padding, records},
};
use crate::seal::{
    fault::{Fault, Result},
    opened::Opened,
};

/// Where an archive is read from. No range begins before the end of the one before it.
pub(super) trait Ranges {
    /// Fill all of `into` from `at` on; fewer bytes only at the end.
    fn read(&mut self, at: u64, into: &mut [u8]) -> Result<usize>;
}

/// A member of an archive.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) is_folder: bool,
    pub(super) executable: bool,
    /// Where its content begins, and how long it is.
    pub(super) at: u64,
    pub(super) len: u64,
}

/// A walk along an archive.
#[derive(Debug, Default)]
pub(super) struct Walk {
    names: Names,
    at: u64,
}

impl Walk {
    /// The next member; none at the end of the archive, after which only zeros may come.
    pub(super) fn next(&mut self, from: &mut dyn Ranges) -> Result<Option<Found>> {
        let (mut name, mut size) = (None, None);
        loop {
            let mut block = [0; BLOCK];
            if from.read(self.at, &mut block)? < BLOCK {
                return Err(Fault::broken("the archive ends without its end mark"));
            }
            if block == [0; BLOCK] {
                if name.is_some() || size.is_some() {
                    return Err(Fault::broken(
                        "the archive ends after a header of its next member",
                    ));
                }
                self.only_zeros(from)?;
                return Ok(None);
            }
            let header = Header::read(&block).ok_or_else(|| {
                Fault::broken(format!("no header of tar stands at byte {} of the archive", self.at))
            })?;
            self.at = self.at.saturating_add(BLOCK as u64);
            match header.kind {
                EXTENDED => {
                    let content = self.small(from, &header)?;
                    for (key, value) in parsed(&content)? {
                        match key {
                            "path" => name = Some(value.to_vec()),
                            "size" => size = Some(decimal(value)?),
                            key if key.starts_with("GNU.sparse") => return Err(sparse()),
                            _ => {}
                        }
                    }
                }
                GLOBAL => {
                    let content = self.small(from, &header)?;
                    let names = ["path", "size", "linkpath"];
                    if parsed(&content)?.iter().any(|(key, _)| names.contains(key)) {
                        return Err(Fault::broken("one header of the archive renames all members"));
                    }
                }
                GNU_LONG_NAME => {
                    let mut content = self.small(from, &header)?;
                    content.truncate(content.iter().position(|b| *b == 0).unwrap_or(content.len()));
                    name = Some(content);
                }
                // What `tar c .` begins with is the folder itself.
                FOLDER if name.is_none() && matches!(&header.name[..], b"." | b"./") => {}
                _ => return self.member(header, name, size).map(Some),
            }
        }
    }

    fn member(
        &mut self,
        header: Header,
        name: Option<Vec<u8>>,
        size: Option<u64>,
    ) -> Result<Found> {
        let name = name.unwrap_or(header.name);
        let refuse = |why: &str| Err(Fault::in_member(&String::from_utf8_lossy(&name), why));
        let is_folder = match header.kind {
            FILE | 0 => false,
            FOLDER => true,
            b'1' | b'2' => return refuse("is a link, which is never unpacked"),
            b'3' | b'4' => return refuse("is a device, which is never unpacked"),
            b'6' => return refuse("is a pipe, which is never unpacked"),
            b'S' => return Err(sparse()),
            _ => return refuse("is of a kind that is never unpacked"),
        };
        let len = size.unwrap_or(header.size);
        if is_folder && len > 0 {
            return refuse("is a folder that has content");
        }
        let at = self.at;
        let end = at.checked_add(len).and_then(|end| end.checked_add(padding(len)));
        let Some(end) = end else { return refuse("is longer than any file") };
        let (name, executable) = (self.names.take(&name, is_folder)?, header.executable);
        self.at = end;
        Ok(Found { name, is_folder, executable, at, len })
    }

    /// The content of a header that speaks of another.
    fn small(&mut self, from: &mut dyn Ranges, header: &Header) -> Result<Vec<u8>> {
        let len = usize::try_from(header.size).ok().filter(|len| *len <= LONGEST);
        let len = len.ok_or_else(|| Fault::broken("a header of the archive is over 64 KiB"))?;
        let mut content = vec![0; len];
        if from.read(self.at, &mut content)? < len {
            return Err(Fault::broken("the archive ends within a header"));
        }
        self.at = self.at.saturating_add(header.size).saturating_add(padding(header.size));
        Ok(content)
    }

    /// Whether nothing comes but zeros.
    fn only_zeros(&mut self, from: &mut dyn Ranges) -> Result<()> {
        let mut rest = [0; 8192];
        loop {
            let read = from.read(self.at, &mut rest)?;
            if rest.iter().take(read).any(|byte| *byte != 0) {
                return Err(Fault::broken("more follows the end of the archive"));
            }
            if read < rest.len() {
                return Ok(());
            }
            self.at = self.at.saturating_add(read as u64);
        }
    }
}

impl Ranges for &Opened {
    fn read(&mut self, at: u64, into: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(at.saturating_add(filled as u64), rest)? {
                0 => break,
                read => filled = filled.saturating_add(read),
            }
        }
        Ok(filled)
    }
}

/// A stream, of which what lies between ranges is read and dropped.
pub(super) struct Forward<R> {
    from: R,
    at: u64,
}

impl<R: Read> Forward<R> {
    pub(super) fn new(from: R) -> Self {
        Self { from, at: 0 }
    }
}

impl<R: Read> Ranges for Forward<R> {
    fn read(&mut self, at: u64, into: &mut [u8]) -> Result<usize> {
        let between = at.saturating_sub(self.at);
        let skipped = std::io::copy(&mut (&mut self.from).take(between), &mut std::io::sink())?;
        self.at = self.at.saturating_add(skipped);
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.from.read(rest) {
                Ok(0) => break,
                Ok(read) => filled = filled.saturating_add(read),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.at = self.at.saturating_add(filled as u64);
        Ok(filled)
    }
}

fn parsed(content: &[u8]) -> Result<Vec<(&str, &[u8])>> {
    records(content).ok_or_else(|| Fault::broken("an extended header of the archive is malformed"))
}

fn decimal(value: &[u8]) -> Result<u64> {
    let text = str::from_utf8(value).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let number = text.and_then(|text| text.parse().ok());
    number.ok_or_else(|| Fault::broken("a size in the archive is no decimal number"))
}

fn sparse() -> Fault {
    Fault::broken("the archive holds a file with holes, which is not supported")
}

const GNU_LONG_NAME: u8 = b'L';
/// Bytes of the longest header that speaks of another.
const LONGEST: usize = 64 << 10;
