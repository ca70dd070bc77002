//! A zip archive that is written to its end (PKWARE APPNOTE 6.3.10): stored and deflated members, with the
//! sizes of 64 bits where they are needed.

use std::{
    fs::File,
    io::{self, BufWriter, Seek, SeekFrom, Write},
};

use flate2::{Compression, write::DeflateEncoder};

/// How the content of a member is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// An archive that is being written.
pub(super) struct Zip<'a> {
    out: BufWriter<&'a File>,
    at: u64,
    members: Vec<Member>,
}

/// What the directory says of a member.
struct Member {
    name: Vec<u8>,
    method: Method,
    crc: u32,
    packed: u64,
    size: u64,
    at: u64,
}

impl<'a> Zip<'a> {
    pub(super) fn new(out: &'a File) -> Self {
        Self { out: BufWriter::new(out), at: 0, members: Vec::new() }
    }

    /// Add a member whose content has so many bytes.
    pub(super) fn member(
        &mut self,
        name: &[u8],
        method: Method,
        size: u64,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        // Deflated bytes are hardly more than the content.
        let wide = size >= WIDE;
        let mut member =
            Member { name: name.to_vec(), method, crc: 0, packed: 0, size, at: self.at };
        let header = member.local(wide)?;
        self.out.write_all(&header)?;
        let mut counted = Counted { out: &mut self.out, bytes: 0 };
        let (crc, written) = match method {
            Method::Stored => {
                let mut content = Content::new(&mut counted);
                write(&mut content)?;
                (content.crc.finalize(), content.bytes)
            }
            Method::Deflated => {
                let mut packed = DeflateEncoder::new(&mut counted, Compression::default());
                let mut content = Content::new(&mut packed);
                write(&mut content)?;
                let (crc, written) = (content.crc.finalize(), content.bytes);
                packed.finish()?;
                (crc, written)
            }
        };
        if written != size {
            return Err(io::Error::other("an array of another length than its header says"));
        }
        (member.crc, member.packed) = (crc, counted.bytes);
        let end = self.at.saturating_add(header.len() as u64).saturating_add(member.packed);
        self.out.seek(SeekFrom::Start(self.at))?;
        self.out.write_all(&member.local(wide)?)?;
        self.out.seek(SeekFrom::Start(end))?;
        self.at = end;
        self.members.push(member);
        Ok(())
    }

    /// Write the directory.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let (start, count) = (self.at, self.members.len() as u64);
        let mut size = 0_u64;
        for member in &self.members {
            let entry = member.central()?;
            size = size.saturating_add(entry.len() as u64);
            self.out.write_all(&entry)?;
        }
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let few = u16::try_from(count).unwrap_or(u16::MAX);
        if few == u16::MAX || narrow(start) == u32::MAX || narrow(size) == u32::MAX {
            let mut end = b"PK\x06\x06".to_vec();
            end.extend(44_u64.to_le_bytes());
            end.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            for number in [count, count, size, start] {
                end.extend(number.to_le_bytes());
            }
            end.extend(b"PK\x06\x07\0\0\0\0");
            end.extend(start.saturating_add(size).to_le_bytes());
            end.extend(1_u32.to_le_bytes());
            self.out.write_all(&end)?;
        }
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend(few.to_le_bytes());
        end.extend(few.to_le_bytes());
        end.extend(narrow(size).to_le_bytes());
        end.extend(narrow(start).to_le_bytes());
        end.extend([0, 0]);
        self.out.write_all(&end)?;
        self.out.flush()
    }
}

impl Member {
    /// What both headers have: version, flags, method, time, checksum, sizes and the name's length.
    fn shared(&self, wide: bool) -> io::Result<Vec<u8>> {
        let mut bytes = vec![if wide { 45 } else { 20 }, 0];
        // Names beyond ASCII are UTF-8, as numpy writes them.
        let utf8 = !self.name.is_ascii() && std::str::from_utf8(&self.name).is_ok();
        bytes.extend([0, if utf8 { 8 } else { 0 }]);
        bytes.extend([if self.method == Method::Stored { 0 } else { 8 }, 0]);
        // The first of January 1980, as numpy writes it.
        bytes.extend([0, 0, 0x21, 0]);
        bytes.extend(self.crc.to_le_bytes());
        for size in [self.packed, self.size] {
            let narrow = if wide { u32::MAX } else { u32::try_from(size).unwrap_or(u32::MAX) };
            bytes.extend(narrow.to_le_bytes());
        }
        let length = u16::try_from(self.name.len()).map_err(io::Error::other)?;
        bytes.extend(length.to_le_bytes());
        Ok(bytes)
    }

    fn local(&self, wide: bool) -> io::Result<Vec<u8>> {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.extend(self.shared(wide)?);
        let extra: u16 = if wide { 20 } else { 0 };
        bytes.extend(extra.to_le_bytes());
        bytes.extend(&self.name);
        if wide {
            bytes.extend([1, 0, 16, 0]);
            bytes.extend(self.size.to_le_bytes());
            bytes.extend(self.packed.to_le_bytes());
        }
        Ok(bytes)
    }

    fn central(&self) -> io::Result<Vec<u8>> {
        let wide = self.size.max(self.packed).max(self.at) >= WIDE;
        let mut bytes = b"PK\x01\x02".to_vec();
        bytes.extend([if wide { 45 } else { 20 }, 3]);
        bytes.extend(self.shared(wide)?);
        let extra: u16 = if wide { 28 } else { 0 };
        bytes.extend(extra.to_le_bytes());
        // No comment, the first disk, bytes; a regular file that its owner writes.
        bytes.extend([0, 0, 0, 0, 0, 0]);
        bytes.extend((0o100_644_u32 << 16).to_le_bytes());
        let at = if wide { u32::MAX } else { u32::try_from(self.at).unwrap_or(u32::MAX) };
        bytes.extend(at.to_le_bytes());
        bytes.extend(&self.name);
        if wide {
            bytes.extend([1, 0, 24, 0]);
            for number in [self.size, self.packed, self.at] {
                bytes.extend(number.to_le_bytes());
            }
        }
        Ok(bytes)
    }
}

/// The content of a member, as it is summed up.
struct Content<W> {
    out: W,
    crc: crc32fast::Hasher,
    bytes: u64,
}

impl<W: Write> Content<W> {
    fn new(out: W) -> Self {
        Self { out, crc: crc32fast::Hasher::new(), bytes: 0 }
    }
}

impl<W: Write> Write for Content<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.crc.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes of a member as they go to the file.
struct Counted<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sizes and offsets from here on are written with 64 bits; what deflation may add lies above.
const WIDE: u64 = 0xffff_ffff - (64 << 20);
