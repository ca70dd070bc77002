//! Digests of rows in their order: in a temporary file without a name, which only this process reads and the
//! system takes back however the process ends.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
};

use super::Row;

/// Digests that were written, to be gone through any number of times.
pub(super) struct Spool {
    file: File,
    keyed: bool,
    rows: u64,
}

/// Digests that are being written.
pub(super) struct Writing {
    out: BufWriter<File>,
    keyed: bool,
    rows: u64,
}

impl Writing {
    pub(super) fn new(keyed: bool) -> io::Result<Self> {
        Ok(Self { out: BufWriter::with_capacity(1 << 16, tempfile::tempfile()?), keyed, rows: 0 })
    }

    pub(super) fn push(&mut self, row: &Row) -> io::Result<()> {
        self.rows = self.rows.saturating_add(1);
        self.out.write_all(&row.values)?;
        if self.keyed { self.out.write_all(&row.key) } else { Ok(()) }
    }

    pub(super) fn finish(self) -> io::Result<Spool> {
        let Self { out, keyed, rows } = self;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spool { file, keyed, rows })
    }
}

impl Spool {
    pub(super) fn each(&self, visit: &mut dyn FnMut(u64, Row) -> io::Result<()>) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut file = BufReader::with_capacity(1 << 16, file);
        for number in 0..self.rows {
            let mut row = Row::default();
            file.read_exact(&mut row.values)?;
            // Without a key a row is known by all of it.
            row.key = row.values;
            if self.keyed {
                file.read_exact(&mut row.key)?;
            }
            visit(number, row)?;
        }
        Ok(())
    }
}
