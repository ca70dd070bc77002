//! npz and npy: each array is a column, its first index the rows.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, FixedSizeListArray, PrimitiveArray, RecordBatch,
    types::{
        ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use modelward_formats::{
    Bytes, Gap, tables,
    tensors::{Elements, Place, Tensor},
};

use super::{Options, Source, budget};
use crate::{
    Chunk, Piece, Rows, Set, Unread,
    columns::SHAPE,
    limits::{BATCH_BYTES, BATCH_ROWS},
};

/// Open an npz or npy.
pub(super) fn open(source: &Source, bytes: &Bytes, options: &Options) -> Result<Set, Unread> {
    let unread = |gap, why: String| Unread::new(&source.name, gap, why);
    let Some(table) = tables::read(bytes, &budget(&options.limits)) else {
        return Err(unread(Gap::UnknownFormat, "expected arrays of numpy".into()).at(0));
    };
    if let Some(refusal) = table.gaps.first() {
        return Err(source.refused(refusal));
    }
    let mut columns = Vec::new();
    for tensor in &table.tensors {
        columns.push(Column::of(source, tensor)?);
    }
    let Some(rows) = columns.first().map(|column| column.rows) else {
        return Err(unread(Gap::Malformed, "expected arrays, found none".into()));
    };
    if let Some(other) = columns.iter().find(|column| column.rows != rows) {
        let first = columns.first().map_or("", |column| column.name());
        let why = format!(
            "expected as many rows in `{}` as in `{first}`, {rows}, got {}",
            other.name(),
            other.rows
        );
        return Err(unread(Gap::Malformed, why));
    }
    let fields = columns.iter().map(|column| column.field.clone()).collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let name = source.name.clone();
    let piece = Arrays { name: name.clone(), schema: schema.clone(), columns, rows };
    Ok(Set { name, format: table.format, schema, pieces: vec![Arc::new(piece)], notes: Vec::new() })
}

/// One array as a column.
struct Column {
    field: Field,
    rows: u64,
    /// Numbers of a row.
    width: usize,
    /// Bytes of a number.
    size: usize,
    elements: Elements,
}

impl Column {
    fn of(source: &Source, tensor: &Tensor) -> Result<Self, Unread> {
        let name = if tensor.name.is_empty() { "x" } else { &tensor.name };
        let unread = |gap, why: String| Unread::new(&source.name, gap, why);
        let elements = match &tensor.elements {
            Ok(Place::Here(elements)) => elements.clone(),
            Ok(Place::Beside { location, .. }) => {
                return Err(unread(Gap::Unsupported, format!("`{name}` lies in `{location}`")));
            }
            Err(refusal) => {
                return Err(unread(refusal.gap, format!("`{name}`: {}", refusal.why)));
            }
        };
        let [rows, rest @ ..] = tensor.shape.as_slice() else {
            return Err(unread(
                Gap::Malformed,
                format!("expected rows in `{name}`, got one number"),
            ));
        };
        let width = rest.iter().try_fold(1_u64, |width, size| width.checked_mul(*size));
        let width = width.and_then(|width| usize::try_from(width).ok());
        let Some(width) = width.filter(|width| *width <= MOST_WIDTH) else {
            let why = format!("expected at most {MOST_WIDTH} numbers in a row of `{name}`");
            return Err(unread(Gap::LargeMemory, why));
        };
        let Some(inner) = data_type(tensor.kind.name) else {
            let why =
                format!("expected numbers in `{name}`, got elements of type {}", tensor.kind.name);
            return Err(unread(Gap::Unsupported, why));
        };
        let size = tensor.kind.width().and_then(|size| usize::try_from(size).ok()).unwrap_or(1);
        let field = if rest.is_empty() {
            Field::new(name, inner, false)
        } else {
            let inner = Arc::new(Field::new("item", inner, false));
            let length = i32::try_from(width).unwrap_or(i32::MAX);
            let shape = rest.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            Field::new(name, DataType::FixedSizeList(inner, length), false)
                .with_metadata(HashMap::from([(SHAPE.to_owned(), shape)]))
        };
        Ok(Self { field, rows: *rows, width, size, elements })
    }

    fn name(&self) -> &str {
        self.field.name()
    }

    /// Bytes of a row.
    fn row_bytes(&self) -> usize {
        self.width.saturating_mul(self.size)
    }

    /// The array over the bytes of so many rows.
    fn array(&self, bytes: Vec<u8>, rows: usize) -> Option<ArrayRef> {
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

/// The type of a column of numbers of this name.
fn data_type(name: &str) -> Option<DataType> {
    Some(match name {
        "bool" => DataType::Boolean,
        "i8" => DataType::Int8,
        "i16" => DataType::Int16,
        "i32" => DataType::Int32,
        "i64" => DataType::Int64,
        "u8" => DataType::UInt8,
        "u16" => DataType::UInt16,
        "u32" => DataType::UInt32,
        "u64" => DataType::UInt64,
        "f16" => DataType::Float16,
        "f32" => DataType::Float32,
        "f64" => DataType::Float64,
        _ => return None,
    })
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
                let why = format!("expected {wanted} bytes for {rows} rows of `{}`", column.name());
                Unread::new(name, Gap::Truncated, why)
            })?;
            arrays.push(array);
        }
        self.at = self.at.saturating_add(rows as u64);
        let rows = RecordBatch::try_new(self.arrays.schema.clone(), arrays)
            .map_err(|error| Unread::new(name, Gap::Malformed, error.to_string()))?;
        Ok(Some(Chunk { rows, places: None }))
    }
}

/// The most numbers of a row.
const MOST_WIDTH: usize = 1 << 26;
