//! What the columns of a set hold, and the numbers in them.

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, Float64Array, RecordBatch,
    cast::AsArray,
    types::{
        Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type, Float32Type,
        Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
        UInt64Type,
    },
};
use arrow_schema::{DataType, Field};

use crate::instant;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// A truth.
    Truth,
    /// A text.
    Text,
    /// So many numbers in every row: an array of the row, the pixels of an image.
    Numbers(usize),
    /// An image as it lies in its file.
    Image,
    /// Bytes.
    Bytes,
    /// A date or a time.
    Time,
    /// Where the row comes from: the path of its file, the key of its sample. It is no feature.
    Path,
    /// Anything else: lists, records.
    Other,
}

/// What a column holds.
pub fn kind(field: &Field) -> Kind {
    match field.data_type() {
        _ if field.metadata().contains_key(PATH) => Kind::Path,
        DataType::Boolean => Kind::Truth,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
        DataType::Dictionary(_, value)
            if matches!(**value, DataType::Utf8 | DataType::LargeUtf8) =>
        {
            Kind::Text
        }
        DataType::Binary | DataType::LargeBinary if field.metadata().contains_key(IMAGE) => {
            Kind::Image
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Kind::Bytes,
        DataType::FixedSizeList(inner, length) if inner.data_type().is_numeric() => {
            Kind::Numbers(usize::try_from(*length).unwrap_or(0))
        }
        DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..) => Kind::Time,
        other if other.is_numeric() => Kind::Number,
        _ => Kind::Other,
    }
}

/// The key of a field's metadata that marks encoded images.
pub(crate) const IMAGE: &str = "modelward.image";
/// The key of a field's metadata that marks where a row comes from.
pub(crate) const PATH: &str = "modelward.path";
/// The key of a field's metadata with the shape of an array of numbers: `1,8,8`.
pub(crate) const SHAPE: &str = "modelward.shape";

/// The shape of a column of arrays as images: height, width, channels, and whether the channels come
/// first; `None` where a row is no image.
pub fn image_shape(field: &Field) -> Option<(usize, usize, usize, bool)> {
    let shape = field.metadata().get(SHAPE)?;
    let shape =
        shape.split(',').map(|size| size.parse::<usize>().ok()).collect::<Option<Vec<_>>>()?;
    match *shape.as_slice() {
        [height, width] if height > 1 && width > 1 => Some((height, width, 1, true)),
        [channels @ (1 | 3 | 4), height, width] => Some((height, width, channels, true)),
        [height, width, channels @ (1 | 3 | 4)] => Some((height, width, channels, false)),
        _ => None,
    }
}

/// The numbers of a column of numbers or truths, NaN where there is none.
pub(crate) fn numbers(array: &ArrayRef) -> Option<Vec<f64>> {
    let mut numbers = Vec::new();
    numbers_into(array, &mut numbers).then_some(numbers)
}

/// The same into a place that is used again; gives whether it is such a column. A decimal is the number
/// of 64 bits that is next to it.
pub(crate) fn numbers_into(array: &ArrayRef, into: &mut Vec<f64>) -> bool {
    into.clear();
    macro_rules! of {
        ($type:ty, $as:expr) => {{
            let Some(array) = array.as_primitive_opt::<$type>() else { return false };
            into.extend(array.values().iter().map($as));
        }};
    }
    let scaled = |scale: i8| 10_f64.powi(i32::from(scale));
    match *array.data_type() {
        DataType::Float64 => of!(Float64Type, |value| *value),
        DataType::Float32 => of!(Float32Type, |value| f64::from(*value)),
        DataType::Float16 => of!(Float16Type, |value| value.to_f64()),
        DataType::Int64 => of!(Int64Type, |value| *value as f64),
        DataType::Int32 => of!(Int32Type, |value| f64::from(*value)),
        DataType::Int16 => of!(Int16Type, |value| f64::from(*value)),
        DataType::Int8 => of!(Int8Type, |value| f64::from(*value)),
        DataType::UInt64 => of!(UInt64Type, |value| *value as f64),
        DataType::UInt32 => of!(UInt32Type, |value| f64::from(*value)),
        DataType::UInt16 => of!(UInt16Type, |value| f64::from(*value)),
        DataType::UInt8 => of!(UInt8Type, |value| f64::from(*value)),
        DataType::Decimal32(_, scale) => {
            of!(Decimal32Type, |value| f64::from(*value) / scaled(scale));
        }
        DataType::Decimal64(_, scale) => of!(Decimal64Type, |value| *value as f64 / scaled(scale)),
        DataType::Decimal128(_, scale) => {
            of!(Decimal128Type, |value| *value as f64 / scaled(scale));
        }
        DataType::Decimal256(_, scale) => of!(Decimal256Type, |value| {
            value.to_string().parse::<f64>().unwrap_or(f64::NAN) / scaled(scale)
        }),
        DataType::Boolean => {
            let Some(array) = array.as_boolean_opt() else { return false };
            into.extend(array.values().iter().map(|value| if value { 1.0 } else { 0.0 }));
        }
        _ => return false,
    }
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        for (number, there) in into.iter_mut().zip(nulls.iter()) {
            if !there {
                *number = f64::NAN;
            }
        }
    }
    true
}

/// How the values of a column are written; `None` for what is missing.
pub(crate) fn written(array: &ArrayRef) -> Vec<Option<String>> {
    fn texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Vec<Option<String>> {
        texts.map(|text| text.map(str::to_owned)).collect()
    }
    match array.data_type() {
        DataType::Utf8 => texts(array.as_string::<i32>().iter()),
        DataType::LargeUtf8 => texts(array.as_string::<i64>().iter()),
        DataType::Utf8View => texts(array.as_string_view().iter()),
        DataType::Boolean => {
            let truths = array.as_boolean().iter();
            truths.map(|truth| truth.map(|truth| truth.to_string())).collect()
        }
        _ => match numbers(array) {
            // Whole numbers are written without a point, whatever type holds them.
            Some(numbers) => numbers
                .into_iter()
                .map(|number| (!number.is_nan()).then(|| format!("{number}")))
                .collect(),
            None => vec![None; array.len()],
        },
    }
}

/// How the values of a column are called that tells groups or classes apart: as they are written, and points in
/// time too; `None` for what is missing.
pub(crate) fn named(array: &ArrayRef) -> Vec<Option<String>> {
    match array.data_type() {
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => {
            let instants = instant::instants(array).unwrap_or_default();
            instants.into_iter().map(|instant| instant.map(instant::exact)).collect()
        }
        _ => written(array),
    }
}

/// Rows of numbers, one row behind the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// How many columns.
    pub columns: usize,
    /// The numbers, `[rows, columns]`; NaN where one is missing.
    pub data: Vec<f32>,
    /// The names of the columns.
    pub names: Vec<String>,
}

impl Matrix {
    /// The numbers of some columns of rows as they stand; a column of arrays gives as many columns as an
    /// array has numbers. Columns of other kinds are left out.
    pub fn of(rows: &RecordBatch, columns: impl IntoIterator<Item = usize>) -> Self {
        let height = rows.num_rows();
        let mut parts: Vec<(String, Vec<f32>, usize)> = Vec::new();
        for column in columns {
            let schema = rows.schema();
            let (field, array) = (schema.field(column), rows.column(column));
            match kind(field) {
                Kind::Number | Kind::Truth => {
                    let Some(numbers) = numbers(array) else { continue };
                    let numbers = numbers.into_iter().map(|number| number as f32).collect();
                    parts.push((field.name().clone(), numbers, 1));
                }
                Kind::Numbers(width) if width > 0 => {
                    let Some(list) = array.as_any().downcast_ref::<FixedSizeListArray>() else {
                        continue;
                    };
                    let Some(inner) = flat(list, width) else { continue };
                    parts.push((field.name().clone(), inner, width));
                }
                _ => {}
            }
        }
        let columns = parts.iter().map(|(_, _, width)| width).sum();
        let mut data = vec![0.0; height * columns];
        let mut names = Vec::with_capacity(columns);
        let mut at = 0;
        for (name, numbers, width) in &parts {
            for row in 0..height {
                data[row * columns + at..][..*width]
                    .copy_from_slice(&numbers[row * width..][..*width]);
            }
            match width {
                1 => names.push(name.clone()),
                _ => names.extend((0..*width).map(|index| format!("{name}[{index}]"))),
            }
            at += width;
        }
        Self { columns, data, names }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.data.len().checked_div(self.columns).unwrap_or(0)
    }

    /// A row.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.data[at * self.columns..][..self.columns]
    }
}

/// The numbers of arrays of one length, NaN for a row that is null.
fn flat(list: &FixedSizeListArray, width: usize) -> Option<Vec<f32>> {
    let values = list.values();
    let all = match values.data_type() {
        DataType::Float32 => {
            let values = values.as_any().downcast_ref::<Float32Array>()?;
            if values.null_count() == 0 {
                values.values().to_vec()
            } else {
                values.iter().map(|value| value.unwrap_or(f32::NAN)).collect()
            }
        }
        DataType::Float64 => {
            let values = values.as_any().downcast_ref::<Float64Array>()?;
            values.iter().map(|value| value.map_or(f32::NAN, |value| value as f32)).collect()
        }
        _ => numbers(values)?.into_iter().map(|number| number as f32).collect(),
    };
    let mut all: Vec<f32> = all;
    for row in (0..list.len()).filter(|row| list.is_null(*row)) {
        all.get_mut(row * width..(row + 1) * width)?.fill(f32::NAN);
    }
    Some(all)
}

/// The texts of a column of texts, `None` where there is none.
pub(crate) fn texts(array: &ArrayRef) -> Option<Vec<Option<&str>>> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().iter().collect()),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().iter().collect()),
        DataType::Utf8View => Some(array.as_string_view().iter().collect()),
        _ => None,
    }
}

/// Whether cells hold sentences rather than names of categories: on average three words or more; of scripts
/// without spaces as many characters as such words have.
pub(crate) fn reads_as_text(texts: &[Option<&str>]) -> bool {
    let some = texts.iter().flatten().take(1000);
    let words = some.clone().map(|text| {
        let words = text.split_whitespace();
        match crate::normalise::has_no_spaces(text) {
            true => words.map(|word| word.chars().count().div_ceil(WORD)).sum::<usize>(),
            false => words.count(),
        }
    });
    words.sum::<usize>() >= 3 * some.count().max(1)
}

/// Characters of a word in scripts without spaces, about.
const WORD: usize = 3;
