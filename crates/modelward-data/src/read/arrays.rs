//! npz and npy: each array is a column, its first index the rows.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, PrimitiveArray, RecordBatch, RecordBatchOptions,
    builder::StringBuilder,
    types::{
        ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use modelward_formats::{
    Bytes, Gap, Refusal,
    tables::{self, Named},
    tensors::Elements,
};

use super::{Options, Source, budget};
use crate::{
    Chunk, Note, Piece, Rows, Set, Unread,
    columns::SHAPE,
    limits::{BATCH_BYTES, BATCH_ROWS},
    rules::{DATA_MALFORMED, OBJECT_ARRAY},
};

/// Whether bytes begin as an npz or npy does.
pub(super) fn is(head: &[u8]) -> bool {
    [&b"\x93NUMPY"[..], b"PK\x03\x04", b"PK\x05\x06"].iter().any(|magic| head.starts_with(magic))
}

/// Open an npz or npy.
pub(super) fn open(source: &Source, bytes: &Bytes, options: &Options) -> Result<Set, Unread> {
    let unread = |gap, why: String| Unread::new(&source.name, gap, why);
    let Some(mut table) = tables::arrays(bytes, &budget(&options.limits)) else {
        return Err(unread(Gap::UnknownFormat, "expected arrays of numpy".into()).at(0));
    };
    let is_limit = |gap: &&Refusal| {
        matches!(gap.gap, Gap::HighExpansionRatio | Gap::LargeExpansion | Gap::LargeMemory)
    };
    if let Some(refusal) = table.gaps.iter().find(is_limit).or(table.gaps.first()) {
        return Err(source.refused(refusal));
    }
    let mut notes = Vec::new();
    let mut note = |rule, why| {
        notes.push(Note { rule, file: source.name.clone(), line: None, why });
    };
    // Loaders that go by the archive's directory give the last of equal names.
    let mut last = HashMap::new();
    for (at, named) in table.arrays.iter().enumerate() {
        if last.insert(named.name.clone(), at).is_some() {
            let why = format!(
                "the array `{}` stands twice, of which loaders give different ones; the last is read",
                named.name
            );
            note(&DATA_MALFORMED, why);
        }
    }
    let mut at = 0_usize;
    table.arrays.retain(|named| {
        let kept = last.get(&named.name) == Some(&at);
        at = at.saturating_add(1);
        kept
    });
    if table.arrays.len() > options.limits.columns {
        let why = format!(
            "expected at most {} arrays, got {}",
            options.limits.columns,
            table.arrays.len()
        );
        return Err(unread(Gap::LargeMemory, why));
    }
    let (mut columns, mut rows) = (Vec::new(), None);
    for named in &table.arrays {
        let name = shown_name(named);
        if leaves(name) {
            note(&DATA_MALFORMED, format!("the name of the array `{name}` leaves the archive"));
        }
        let Some(count) = named.array.shape.first() else {
            let why = format!("expected rows in `{name}`, got one value");
            return Err(unread(Gap::Malformed, why));
        };
        let (first, expected) = rows.get_or_insert_with(|| (name.to_owned(), *count));
        if expected != count {
            let why = format!(
                "expected as many rows in `{name}` as in `{first}`, {expected}, got {count}"
            );
            return Err(unread(Gap::Malformed, why));
        }
        if named.array.objects {
            let why = format!(
                "`{name}` is an array of objects, which is a pickle: it was not loaded, and its column is left out"
            );
            note(&OBJECT_ARRAY, why);
            continue;
        }
        if named.array.shape.get(1..).is_some_and(|rest| rest.contains(&0)) {
            note(
                &DATA_MALFORMED,
                format!("`{name}` has no number in a row: its column is left out"),
            );
            continue;
        }
        columns.push(Column::of(source, named, options)?);
    }
    let Some((_, rows)) = rows else {
        return Err(unread(Gap::Malformed, "expected arrays, found none".into()));
    };
    let fields = columns.iter().map(|column| column.field.clone()).collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let name = source.name.clone();
    let piece = Arrays { name: name.clone(), schema: schema.clone(), columns, rows };
    Ok(Set { name, format: table.format, schema, pieces: vec![Arc::new(piece)], notes })
}

fn shown_name(named: &Named) -> &str {
    if named.name.is_empty() { "x" } else { &named.name }
}

/// Whether a member of this name is written outside the folder it is unpacked in.
pub(super) fn leaves(name: &str) -> bool {
    name.starts_with(['/', '\\'])
        || name.get(1..2) == Some(":")
        || name.split(['/', '\\']).any(|step| step == "..")
}

/// One array as a column.
struct Column {
    field: Field,
    /// Numbers of a row.
    width: usize,
    /// Bytes of an element.
    size: usize,
    /// Whether its elements are texts in characters of 32 bits, or bytes.
    text: Option<Text>,
    elements: Elements,
}

#[derive(Clone, Copy)]
enum Text {
    Characters,
    Bytes,
}

impl Column {
    fn of(source: &Source, named: &Named, options: &Options) -> Result<Self, Unread> {
        let (name, array) = (shown_name(named), &named.array);
        let unread = |gap, why: String| Unread::new(&source.name, gap, why);
        let elements = match &named.elements {
            Ok(elements) => elements.clone(),
            Err(refusal) => {
                return Err(unread(refusal.gap, format!("`{name}`: {}", refusal.why)));
            }
        };
        let rest = array.shape.get(1..).unwrap_or_default();
        let width = rest.iter().try_fold(1_u64, |width, size| width.checked_mul(*size));
        let size = usize::try_from(array.item_size).unwrap_or(usize::MAX);
        let width = width.and_then(|width| usize::try_from(width).ok());
        let fits = |width: &usize| {
            *width <= MOST_WIDTH && width.saturating_mul(size) <= options.limits.cell
        };
        let Some(width) = width.filter(fits) else {
            let why = format!(
                "expected at most {MOST_WIDTH} numbers and {} bytes in a row of `{name}`",
                options.limits.cell
            );
            return Err(unread(Gap::LargeMemory, why));
        };
        let letter = array.letter.map(|(letter, _)| letter);
        let text = match letter {
            Some('U') => Some(Text::Characters),
            Some('S') => Some(Text::Bytes),
            _ => None,
        };
        let inner = match text {
            Some(_) if rest.is_empty() => Some(DataType::Utf8),
            Some(_) => None,
            None => letter.and_then(|letter| data_type(letter, size)),
        };
        let Some(inner) = inner else {
            let what = letter.map_or("records".to_owned(), |letter| format!("`{letter}{size}`"));
            let why = format!("expected numbers or a column of texts in `{name}`, got {what}");
            return Err(unread(Gap::Unsupported, why));
        };
        let field = if rest.is_empty() {
            Field::new(name, inner, false)
        } else {
            let inner = Arc::new(Field::new("item", inner, false));
            let length = i32::try_from(width).unwrap_or(i32::MAX);
            let shape = rest.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            Field::new(name, DataType::FixedSizeList(inner, length), false)
                .with_metadata(HashMap::from([(SHAPE.to_owned(), shape)]))
        };
        Ok(Self { field, width, size, text, elements })
    }

    fn name(&self) -> &str {
        self.field.name()
    }

    /// Bytes of a row.
    fn row_bytes(&self) -> usize {
        self.width.saturating_mul(self.size)
    }

    /// The array over the bytes of so many rows; `None` where they are too few, or no texts.
    fn array(&self, bytes: Vec<u8>, rows: usize) -> Option<ArrayRef> {
        if let Some(text) = self.text {
            return texts(&bytes, text, self.size, rows);
        }
        let numbers = rows.checked_mul(self.width)?;
        let (inner, list) = match self.field.data_type() {
            DataType::FixedSizeList(inner, length) => (inner.data_type(), Some((inner, *length))),
            other => (other, None),
        };
        let values = primitive(inner, bytes, numbers)?;
        match list {
            None => Some(values),
            Some((inner, length)) => {
                let list = FixedSizeListArray::try_new(inner.clone(), length, values, None);
                Some(Arc::new(list.ok()?))
            }
        }
    }
}

/// The type of numbers of this letter and so many bytes in numpy.
fn data_type(letter: char, size: usize) -> Option<DataType> {
    Some(match (letter, size) {
        ('?' | 'b', 1) => DataType::Boolean,
        ('i', 1) => DataType::Int8,
        ('i', 2) => DataType::Int16,
        ('i', 4) => DataType::Int32,
        ('i', 8) => DataType::Int64,
        ('u', 1) => DataType::UInt8,
        ('u', 2) => DataType::UInt16,
        ('u', 4) => DataType::UInt32,
        ('u', 8) => DataType::UInt64,
        ('f', 2) => DataType::Float16,
        ('f', 4) => DataType::Float32,
        ('f', 8) => DataType::Float64,
        _ => return None,
    })
}

/// Texts of a fixed length, which zeros fill up.
fn texts(bytes: &[u8], text: Text, size: usize, rows: usize) -> Option<ArrayRef> {
    if Some(bytes.len()) != rows.checked_mul(size) {
        return None;
    }
    let mut builder = StringBuilder::new();
    let mut shown = String::new();
    for row in 0..rows {
        let start = row.checked_mul(size)?;
        let element = bytes.get(start..start.checked_add(size)?)?;
        shown.clear();
        match text {
            Text::Characters => {
                for character in element.as_chunks::<4>().0 {
                    shown.push(char::from_u32(u32::from_le_bytes(*character))?);
                }
            }
            Text::Bytes => shown.push_str(std::str::from_utf8(element).ok()?),
        }
        builder.append_value(shown.trim_end_matches('\0'));
    }
    Some(Arc::new(builder.finish()))
}

fn primitive(kind: &DataType, bytes: Vec<u8>, numbers: usize) -> Option<ArrayRef> {
    fn of<T: ArrowPrimitiveType>(bytes: Vec<u8>, numbers: usize) -> Option<ArrayRef> {
        if bytes.len() != numbers.checked_mul(size_of::<T::Native>())? {
            return None;
        }
        // A buffer of its own is aligned for every type.
        let buffer = Buffer::from_slice_ref(&bytes);
        Some(Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::new(buffer, 0, numbers), None)))
    }
    match kind {
        DataType::Boolean => {
            let truths = bytes.iter().map(|byte| Some(*byte != 0));
            Some(Arc::new(truths.collect::<BooleanArray>()))
        }
        DataType::Int8 => of::<Int8Type>(bytes, numbers),
        DataType::Int16 => of::<Int16Type>(bytes, numbers),
        DataType::Int32 => of::<Int32Type>(bytes, numbers),
        DataType::Int64 => of::<Int64Type>(bytes, numbers),
        DataType::UInt8 => of::<UInt8Type>(bytes, numbers),
        DataType::UInt16 => of::<UInt16Type>(bytes, numbers),
        DataType::UInt32 => of::<UInt32Type>(bytes, numbers),
        DataType::UInt64 => of::<UInt64Type>(bytes, numbers),
        DataType::Float16 => of::<Float16Type>(bytes, numbers),
        DataType::Float32 => of::<Float32Type>(bytes, numbers),
        DataType::Float64 => of::<Float64Type>(bytes, numbers),
        _ => None,
    }
}

/// The arrays of one file.
struct Arrays {
    name: String,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: u64,
}

impl Piece for Arrays {
    fn name(&self) -> &str {
        &self.name
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn open(&self) -> Result<Box<dyn Rows + '_>, Unread> {
        let refused = |refusal| Unread::refused(&self.name, &refusal);
        let readers = self.columns.iter().map(|column| {
            let windows = column.elements.reader().map_err(refused)?;
            Ok(Stream { windows, rest: Vec::new(), at: 0 })
        });
        let readers = readers.collect::<Result<Vec<_>, Unread>>()?;
        let bytes =
            self.columns.iter().fold(0_usize, |sum, column| sum.saturating_add(column.row_bytes()));
        let rows = BATCH_BYTES.checked_div(bytes).unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS);
        Ok(Box::new(Reading { arrays: self, readers, at: 0, rows }))
    }
}

/// The elements of one array, from the first to the last.
struct Stream {
    windows: modelward_formats::tensors::Windows,
    rest: Vec<u8>,
    at: usize,
}

impl Stream {
    /// The next so many bytes.
    fn take(&mut self, wanted: usize) -> Result<Vec<u8>, modelward_formats::Refusal> {
        let mut taken = Vec::with_capacity(wanted);
        while taken.len() < wanted {
            let left = self.rest.get(self.at..).unwrap_or_default();
            if left.is_empty() {
                match self.windows.next_window()? {
                    Some(window) => {
                        self.rest.clear();
                        self.rest.extend_from_slice(window);
                        self.at = 0;
                    }
                    None => break,
                }
                continue;
            }
            let some = left.len().min(wanted.saturating_sub(taken.len()));
            taken.extend_from_slice(left.get(..some).unwrap_or_default());
            self.at = self.at.saturating_add(some);
        }
        Ok(taken)
    }
}

struct Reading<'a> {
    arrays: &'a Arrays,
    readers: Vec<Stream>,
    at: u64,
    /// Rows of a batch.
    rows: usize,
}

impl Rows for Reading<'_> {
    fn next(&mut self) -> Result<Option<Chunk>, Unread> {
        let left = self.arrays.rows.saturating_sub(self.at);
        let rows = usize::try_from(left).unwrap_or(usize::MAX).min(self.rows);
        if rows == 0 {
            return Ok(None);
        }
        let name = &self.arrays.name;
        let mut arrays = Vec::with_capacity(self.readers.len());
        for (column, reader) in self.arrays.columns.iter().zip(&mut self.readers) {
            let wanted = column.row_bytes().saturating_mul(rows);
            let bytes = reader.take(wanted).map_err(|refusal| Unread::refused(name, &refusal))?;
            let array = column.array(bytes, rows).ok_or_else(|| {
                let (what, column) =
                    (if column.text.is_some() { " of text" } else { "" }, column.name());
                let why = format!("expected {wanted} bytes{what} for {rows} rows of `{column}`");
                Unread::new(name, Gap::Malformed, why)
            })?;
            arrays.push(array);
        }
        self.at = self.at.saturating_add(rows as u64);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let rows = RecordBatch::try_new_with_options(self.arrays.schema.clone(), arrays, &options)
            .map_err(|error| Unread::new(name, Gap::Malformed, error.to_string()))?;
        Ok(Some(Chunk { rows, places: None }))
    }
}

/// The most numbers of a row.
const MOST_WIDTH: usize = 1 << 26;

#[cfg(test)]
mod tests {
    #[test]
    fn an_array_without_numbers_is_left_out_and_told_of() {
        let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 0), }";
        bytes.extend(format!("{header:<117}\n").into_bytes());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let set = crate::read::open(file.path(), &crate::read::Options::default()).unwrap();
        assert_eq!(set.schema.fields().len(), 0);
        assert!(set.notes.iter().any(|note| note.why.contains("no number in a row")));
        let (rows, _) = set.walk(|_| Ok(())).unwrap();
        assert_eq!(rows, 3);
    }
}
