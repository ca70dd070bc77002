//! Arrays of numpy with fewer rows: the numbers of a row lie together, unless the first index runs
//! fastest; the header says how many rows there are.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
};

use modelward_formats::{
    Bytes, Gap,
    npy::Array,
    tables::{self, Named},
};

use super::{Choice, Edit, Options, Source, Stream, failed};
use crate::{Unread, read::budget};

/// An array, and where its header begins.
pub(super) struct Placed {
    pub(super) array: Array,
    pub(super) header: u64,
}

/// The arrays of an npy, each of which has rows of numbers or texts.
pub(super) fn arrays(
    source: &Source,
    bytes: &Bytes,
    options: &Options,
) -> Result<Vec<Placed>, Unread> {
    let named = tables::arrays(bytes, &budget(&options.limits));
    let Some(named) = named.filter(|named| named.format == "npy") else {
        let why = "expected an array of numpy";
        return Err(Unread::new(&source.name, Gap::Malformed, why));
    };
    if let Some(refusal) = named.gaps.first() {
        return Err(source.refused(refusal));
    }
    let mut header = 0;
    let placed = named.arrays.into_iter().map(|Named { array, .. }| {
        if array.objects {
            let why = "an array of objects is a pickle: rows cannot be taken out of it";
            return Err(Unread::new(&source.name, Gap::Unsupported, why));
        }
        if array.shape.is_empty() {
            let why = "expected rows, got one value";
            return Err(Unread::new(&source.name, Gap::Malformed, why));
        }
        let end = array.data.end;
        Ok(Placed { array, header: std::mem::replace(&mut header, end) })
    });
    placed.collect()
}

impl Placed {
    /// How many rows it has.
    pub(super) fn rows(&self) -> u64 {
        self.array.shape.first().copied().unwrap_or(0)
    }

    /// Numbers of a row.
    fn width(&self) -> u64 {
        let rest = self.array.shape.get(1..).unwrap_or_default();
        rest.iter().fold(1, |width: u64, size| width.saturating_mul(*size))
    }

    /// Whether the numbers of a row lie together.
    fn is_by_row(&self) -> bool {
        !self.array.fortran_order || self.width() <= 1 || self.rows() <= 1
    }

    fn row_bytes(&self) -> u64 {
        self.width().saturating_mul(self.array.item_size)
    }

    /// Its header for another number of rows, as long as it is now.
    fn header(&self, bytes: &Bytes, rows: u64) -> Option<Vec<u8>> {
        let length = self.array.data.start.checked_sub(self.header)?;
        let mut header = bytes.take(self.header, length).ok()?;
        // The type of plain numbers and texts holds no word, so there is one `shape`.
        let key = header.windows(5).position(|word| word == b"shape")?;
        let open = header.iter().skip(key).position(|byte| *byte == b'(')?;
        let open = key.checked_add(open)?.checked_add(1)?;
        let digits = |byte: &u8| byte.is_ascii_digit();
        let from = open.checked_add(header.iter().skip(open).position(digits)?)?;
        let many = header.iter().skip(from).take_while(|byte| digits(byte)).count();
        let end = from.checked_add(many)?;
        if header.get(from..end)? != self.rows().to_string().as_bytes() {
            return None;
        }
        let said = rows.to_string();
        let free = many.checked_sub(said.len())?;
        header.splice(from..end, said.into_bytes());
        let ends = header.last() == Some(&b'\n');
        let at = header.len().checked_sub(usize::from(ends))?;
        header.splice(at..at, std::iter::repeat_n(b' ', free));
        Some(header)
    }

    /// How many bytes it takes with so many rows.
    pub(super) fn length(&self, rows: u64) -> u64 {
        let header = self.array.data.start.saturating_sub(self.header);
        header.saturating_add(rows.saturating_mul(self.row_bytes()))
    }

    /// Write it with some of its rows.
    pub(super) fn write(
        &self,
        bytes: &Bytes,
        choice: &Choice<'_>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let odd = || io::Error::other("expected the number of rows in the header of an array");
        let header = self.header(bytes, choice.count(self.rows())).ok_or_else(odd)?;
        out.write_all(&header)?;
        let runs = choice.runs(self.rows());
        let (parts, unit) = match self.is_by_row() {
            true => (1, self.row_bytes()),
            false => (self.width(), self.array.item_size),
        };
        let mut from = BufReader::with_capacity(1 << 16, Stream::new(bytes));
        from.seek(SeekFrom::Start(self.array.data.start))?;
        let mut at = 0_u64;
        for part in 0..parts {
            let first = part.saturating_mul(self.rows());
            for run in &runs {
                let start = first.saturating_add(run.start).saturating_mul(unit);
                let skip = i64::try_from(start.saturating_sub(at)).map_err(io::Error::other)?;
                from.seek_relative(skip)?;
                let length = run.end.saturating_sub(run.start).saturating_mul(unit);
                let copied = io::copy(&mut from.by_ref().take(length), out)?;
                if copied != length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                at = start.saturating_add(length);
            }
        }
        Ok(())
    }
}

/// Whether each row of an npy is a range of its bytes.
pub(super) fn is_ranges(source: &Source, bytes: &Bytes, options: &Options) -> Result<bool, Unread> {
    Ok(arrays(source, bytes, options)?.iter().all(Placed::is_by_row))
}

/// The bytes of some rows, and the headers that say how many are left.
pub(super) fn edits(
    source: &Source,
    bytes: &Bytes,
    options: &Options,
    rows: &[u64],
) -> Result<Vec<Edit>, Unread> {
    let mut edits = Vec::new();
    for placed in arrays(source, bytes, options)? {
        let choice = Choice { rows, these: true };
        let left = placed.rows().saturating_sub(choice.count(placed.rows()));
        let header = placed.header(bytes, left).ok_or_else(|| {
            let why = "expected the number of rows in the header of an array";
            Unread::new(&source.name, Gap::Malformed, why)
        })?;
        let data = placed.array.data.start;
        edits.push(Edit { range: placed.header..data, with: header });
        let at = |row: u64| data.saturating_add(row.saturating_mul(placed.row_bytes()));
        let runs = choice.runs(placed.rows()).into_iter();
        edits.extend(runs.map(|run| Edit { range: at(run.start)..at(run.end), with: Vec::new() }));
    }
    Ok(edits)
}

/// Write an npy with some of its rows.
pub(super) fn write(
    source: &Source,
    bytes: &Bytes,
    options: &Options,
    choice: &Choice<'_>,
    out: &File,
) -> Result<(), Unread> {
    let mut out = BufWriter::new(out);
    for placed in arrays(source, bytes, options)? {
        placed.write(bytes, choice, &mut out).map_err(|error| failed(source, &error))?;
    }
    out.flush().map_err(|error| failed(source, &error))
}
