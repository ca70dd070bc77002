//! The header of a 7z archive: where the data lies, how it is packed, what the files are called.

use super::folder::{Coder, Folder};
use crate::{Gap, Refusal};

/// What a header says.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) streams: Streams,
    pub(super) files: Vec<File>,
}

/// The packed data: folders, and the sizes of the files in each.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) folders: Vec<Folder>,
    pub(super) sizes: Vec<Vec<u64>>,
}

/// A file, as its properties describe it.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    pub(super) name: Vec<u8>,
    pub(super) has_content: bool,
    pub(super) is_folder: bool,
    attributes: u32,
}

impl File {
    /// The Unix mode, where the writer left one: 7-Zip marks that with bit 15.
    pub(super) fn unix_mode(&self) -> u32 {
        if self.attributes & 0x8000 == 0 { 0 } else { self.attributes >> 16 }
    }
}

/// Takes a header apart. What is counted must be there: no list grows beyond the header's bytes.
pub(super) struct Parser<'a> {
    rest: &'a [u8],
    /// Where the header lies, for refusals.
    at: u64,
}

impl<'a> Parser<'a> {
    pub(super) fn new(bytes: &'a [u8], at: u64) -> Self {
        Self { rest: bytes, at }
    }

    /// The header, or where a packed one lies.
    pub(super) fn header(&mut self) -> Result<Result<Header, Streams>, Refusal> {
        if self.rest.is_empty() {
            return Ok(Ok(Header { streams: Streams::default(), files: Vec::new() }));
        }
        match self.byte()? {
            HEADER => {}
            ENCODED_HEADER => return Ok(Err(self.streams()?)),
            _ => return Err(self.broken("expected a 7z header")),
        }
        let (mut streams, mut files) = (Streams::default(), Vec::new());
        loop {
            match self.byte()? {
                END => return Ok(Ok(Header { streams, files })),
                ARCHIVE_PROPERTIES => self.skip_properties()?,
                MAIN_STREAMS => streams = self.streams()?,
                FILES => files = self.files()?,
                _ => return Err(self.unsupported("additional streams in a 7z header")),
            }
        }
    }

    fn streams(&mut self) -> Result<Streams, Refusal> {
        let (mut packed, mut streams) = ((0, Vec::new()), Streams::default());
        loop {
            match self.byte()? {
                END => break,
                PACK_INFO => packed = self.packed()?,
                UNPACK_INFO => streams.folders = self.folders()?,
                SUB_STREAMS => streams.sizes = self.sub_streams(&streams.folders)?,
                _ => return Err(self.broken("expected where the packed streams lie")),
            }
        }
        if streams.sizes.is_empty() {
            streams.sizes = streams.folders.iter().map(|folder| vec![folder.size()]).collect();
        }
        let (mut at, mut sizes) = (32_u64.saturating_add(packed.0), packed.1.into_iter());
        for folder in &mut streams.folders {
            for _ in 0..folder.packed_streams {
                let size = sizes.next().ok_or_else(|| self.broken("too few packed streams"))?;
                folder.packed.push((at, size));
                at = at.saturating_add(size);
            }
        }
        Ok(streams)
    }

    /// Where the packed streams start, and how long each is.
    fn packed(&mut self) -> Result<(u64, Vec<u64>), Refusal> {
        let at = self.number()?;
        let count = self.count()?;
        let mut sizes = Vec::new();
        loop {
            match self.byte()? {
                END => return Ok((at, sizes)),
                SIZE => sizes = self.numbers(count)?,
                CRC => self.skip_digests(count)?,
                _ => return Err(self.broken("expected the sizes of the packed streams")),
            }
        }
    }

    fn folders(&mut self) -> Result<Vec<Folder>, Refusal> {
        if self.byte()? != FOLDER {
            return Err(self.broken("expected 7z folders"));
        }
        let count = self.count()?;
        self.not_external()?;
        let mut folders = (0..count).map(|_| self.folder()).collect::<Result<Vec<_>, _>>()?;
        loop {
            match self.byte()? {
                END => return Ok(folders),
                UNPACK_SIZE => {
                    for folder in &mut folders {
                        folder.sizes = self.numbers(folder.outputs)?;
                    }
                }
                CRC => {
                    let defined = self.digests(count)?;
                    folders.iter_mut().zip(defined).for_each(|(folder, has)| folder.has_crc = has);
                }
                _ => return Err(self.broken("expected the sizes of the unpacked streams")),
            }
        }
    }

    fn folder(&mut self) -> Result<Folder, Refusal> {
        let mut folder = Folder::default();
        let coders = self.number()?;
        if coders == 0 || coders > MOST_CODERS {
            return Err(self.broken("a 7z folder of an unlikely number of coders"));
        }
        let mut inputs = 0_u64;
        for _ in 0..coders {
            let flags = self.byte()?;
            let id = self.take(usize::from(flags & 0xf))?;
            let id = id.iter().fold(0_u64, |id, &byte| id << 8 | u64::from(byte));
            let (takes, gives) =
                if flags & 0x10 == 0 { (1, 1) } else { (self.number()?, self.number()?) };
            if takes > MOST_CODERS || gives > MOST_CODERS {
                return Err(self.broken("a 7z coder of an unlikely number of streams"));
            }
            let length = if flags & 0x20 == 0 { 0 } else { self.count()? };
            let properties = self.take(length)?.to_vec();
            inputs = inputs.saturating_add(takes);
            folder.outputs = folder.outputs.saturating_add(usize::try_from(gives).unwrap_or(0));
            folder.coders.push(Coder { id, properties, simple: (takes, gives) == (1, 1) });
        }
        let bonds = folder.outputs.saturating_sub(1);
        for _ in 0..bonds {
            folder.bonds.push((self.number()?, self.number()?));
        }
        folder.packed_streams = usize::try_from(inputs).unwrap_or(0).saturating_sub(bonds);
        if folder.packed_streams > 1 {
            self.numbers(folder.packed_streams)?;
        }
        Ok(folder)
    }

    /// The sizes of the files in each folder.
    fn sub_streams(&mut self, folders: &[Folder]) -> Result<Vec<Vec<u64>>, Refusal> {
        let mut counts = vec![1; folders.len()];
        let mut kind = self.byte()?;
        if kind == COUNTS {
            for count in &mut counts {
                *count = self.number()?;
            }
            kind = self.byte()?;
        }
        let mut all = Vec::new();
        for (folder, &count) in folders.iter().zip(&counts) {
            let (mut sizes, mut left) = (Vec::new(), folder.size());
            // The last size is what is left.
            for _ in 1..count {
                let size = if kind == SIZE { self.number()? } else { 0 };
                if kind != SIZE {
                    return Err(self.broken("expected the sizes of the files"));
                }
                left = left.saturating_sub(size);
                sizes.push(size);
            }
            if count > 0 {
                sizes.push(left);
            }
            all.push(sizes);
        }
        if kind == SIZE {
            kind = self.byte()?;
        }
        let unknown = folders
            .iter()
            .zip(&all)
            .filter(|(folder, sizes)| !(sizes.len() == 1 && folder.has_crc));
        let unknown = unknown.map(|(_, sizes)| sizes.len()).sum();
        loop {
            match kind {
                END => return Ok(all),
                CRC => self.skip_digests(unknown)?,
                _ => return Err(self.broken("expected the checksums of the files")),
            }
            kind = self.byte()?;
        }
    }

    fn files(&mut self) -> Result<Vec<File>, Refusal> {
        let count = self.count()?;
        let mut files = vec![File { has_content: true, ..File::default() }; count];
        loop {
            let kind = self.byte()?;
            if kind == END {
                return Ok(files);
            }
            let length = self.count()?;
            let mut property = Self::new(self.take(length)?, self.at);
            match kind {
                EMPTY_STREAM => {
                    for (file, empty) in files.iter_mut().zip(property.bits(count)?) {
                        (file.has_content, file.is_folder) = (!empty, empty);
                    }
                }
                EMPTY_FILE => {
                    let empty = files.iter_mut().filter(|file| !file.has_content);
                    let empty = empty.collect::<Vec<_>>();
                    let bits = property.bits(empty.len())?;
                    empty.into_iter().zip(bits).for_each(|(file, bit)| file.is_folder = !bit);
                }
                NAMES => {
                    property.not_external()?;
                    for file in &mut files {
                        file.name = property.name()?;
                    }
                }
                ATTRIBUTES => {
                    let defined = property.defined(count)?;
                    property.not_external()?;
                    for file in
                        files.iter_mut().zip(defined).filter_map(|(f, has)| has.then_some(f))
                    {
                        file.attributes = u32::from_le_bytes(property.array()?);
                    }
                }
                // Times, comments and padding mean nothing to a loader.
                _ => {}
            }
        }
    }

    /// A name in UTF-16, up to its zero.
    fn name(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut units = Vec::new();
        loop {
            match u16::from_le_bytes(self.array()?) {
                0 => return Ok(String::from_utf16_lossy(&units).into_bytes()),
                unit => units.push(unit),
            }
        }
    }

    fn skip_properties(&mut self) -> Result<(), Refusal> {
        while self.byte()? != END {
            let length = self.count()?;
            self.take(length)?;
        }
        Ok(())
    }

    fn skip_digests(&mut self, count: usize) -> Result<(), Refusal> {
        self.digests(count).map(drop)
    }

    /// Which of some streams have a checksum; the checksums are passed over.
    fn digests(&mut self, count: usize) -> Result<Vec<bool>, Refusal> {
        let defined = self.defined(count)?;
        for _ in defined.iter().filter(|has| **has) {
            self.array::<4>()?;
        }
        Ok(defined)
    }

    fn defined(&mut self, count: usize) -> Result<Vec<bool>, Refusal> {
        if self.byte()? == 0 { self.bits(count) } else { Ok(vec![true; count.min(self.most())]) }
    }

    fn bits(&mut self, count: usize) -> Result<Vec<bool>, Refusal> {
        let bytes = self.take(count.div_ceil(8))?;
        let bits = bytes.iter().flat_map(|&byte| (0..8).map(move |bit| byte & (0x80 >> bit) != 0));
        Ok(bits.take(count).collect())
    }

    fn numbers(&mut self, count: usize) -> Result<Vec<u64>, Refusal> {
        (0..count).map(|_| self.number()).collect()
    }

    /// How many of something follow. Each takes a bit of the header at least.
    fn count(&mut self) -> Result<usize, Refusal> {
        let count = self.number()?;
        match usize::try_from(count) {
            Ok(count) if count <= self.most() => Ok(count),
            _ => {
                let why = format!("{count} of something in a header of fewer bits");
                Err(Refusal::new(self.at, Gap::OversizedLength, why))
            }
        }
    }

    fn most(&self) -> usize {
        self.rest.len().saturating_mul(8)
    }

    /// A number whose first byte says how many more follow.
    fn number(&mut self) -> Result<u64, Refusal> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let mut number = 0_u64;
        for shift in (0..more).map(|byte| byte.saturating_mul(8)) {
            number |= u64::from(self.byte()?) << shift;
        }
        let high = u64::from(first) & (0x7f_u64 >> more);
        let high = high.checked_shl(more.saturating_mul(8)).unwrap_or(0);
        Ok(number | high)
    }

    fn not_external(&mut self) -> Result<(), Refusal> {
        match self.byte()? {
            0 => Ok(()),
            _ => Err(self.unsupported("a part of a 7z header in a stream of its own")),
        }
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (array, rest) = self.rest.split_first_chunk().ok_or_else(|| self.short())?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Refusal> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.short())?;
        self.rest = rest;
        Ok(taken)
    }

    fn short(&self) -> Refusal {
        self.broken("the 7z header ends early")
    }

    fn broken(&self, why: &'static str) -> Refusal {
        Refusal::truncated(self.at, why)
    }

    fn unsupported(&self, why: &'static str) -> Refusal {
        Refusal::new(self.at, Gap::Unsupported, why)
    }
}

const END: u8 = 0;
const HEADER: u8 = 1;
const ARCHIVE_PROPERTIES: u8 = 2;
const MAIN_STREAMS: u8 = 4;
const FILES: u8 = 5;
const PACK_INFO: u8 = 6;
const UNPACK_INFO: u8 = 7;
const SUB_STREAMS: u8 = 8;
const SIZE: u8 = 9;
const CRC: u8 = 10;
const FOLDER: u8 = 11;
const UNPACK_SIZE: u8 = 12;
const COUNTS: u8 = 13;
const EMPTY_STREAM: u8 = 14;
const EMPTY_FILE: u8 = 15;
const NAMES: u8 = 17;
const ATTRIBUTES: u8 = 21;
const ENCODED_HEADER: u8 = 23;

/// 7-Zip itself takes 64 coders of 64 streams at the most.
const MOST_CODERS: u64 = 64;
