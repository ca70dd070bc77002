//! Records beyond what memory holds: in a temporary file that has no name, readable by nobody else, which
//! the system takes back however the process ends.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
};

use super::record::Record;

/// Records in a file, parted by their hash.
pub(super) struct Spill {
    file: File,
    /// Where the file ends.
    end: u64,
    /// Where the records of each part lie: offset and how many.
    extents: Vec<Vec<(u64, u64)>>,
}

impl Spill {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, end: 0, extents: vec![Vec::new(); PARTS] })
    }

    pub(super) fn parts(&self) -> usize {
        self.extents.len()
    }

    /// Move records to the file.
    pub(super) fn write(&mut self, records: &mut Vec<Record>) -> io::Result<()> {
        records.sort_unstable_by_key(|record| (part(record), record.row));
        let mut bytes = Vec::with_capacity(BUFFER + SIZE);
        self.file.seek(SeekFrom::Start(self.end))?;
        for of_part in records.chunk_by(|one, other| part(one) == part(other)) {
            let count = of_part.len() as u64;
            self.extents[part(&of_part[0])].push((self.end, count));
            self.end += count * SIZE as u64;
            for record in of_part {
                for word in [record.hash[0], record.hash[1], record.row] {
                    bytes.extend_from_slice(&word.to_le_bytes());
                }
                if bytes.len() >= BUFFER {
                    self.file.write_all(&bytes)?;
                    bytes.clear();
                }
            }
        }
        self.file.write_all(&bytes)?;
        records.clear();
        Ok(())
    }

    /// Go through the records of a part, in the order in which they were written.
    pub(super) fn read(&self, part: usize, visit: &mut dyn FnMut(Record)) -> io::Result<()> {
        for &(at, count) in &self.extents[part] {
            let mut file = &self.file;
            file.seek(SeekFrom::Start(at))?;
            let length = count * SIZE as u64;
            let capacity = BUFFER.min(usize::try_from(length).unwrap_or(BUFFER));
            let mut bytes = BufReader::with_capacity(capacity, file.take(length));
            let mut word = || {
                let mut word = [0; 8];
                bytes.read_exact(&mut word).map(|()| u64::from_le_bytes(word))
            };
            for _ in 0..count {
                visit(Record { hash: [word()?, word()?], row: word()? });
            }
        }
        Ok(())
    }
}

fn part(record: &Record) -> usize {
    (record.hash[0] >> (64 - PARTS.ilog2())) as usize
}

/// Parts, each of which is looked at alone.
const PARTS: usize = 1024;
/// Bytes of a record.
const SIZE: usize = 24;
/// Bytes that are written or read at once.
const BUFFER: usize = 1 << 18;
