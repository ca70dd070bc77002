//! What makes two values the same value, whatever type holds them: NaN is one value, -0.0 is 0.0, a
//! number of 32 bits is the same as one of 64 that was widened from it, whole numbers go by value, texts
//! as they stand. What is missing is unlike anything that is there.

use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, GenericListArray, OffsetSizeTrait, RunArray,
    cast::AsArray,
    types::{
        ArrowDictionaryKeyType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
        Int32Type, Int64Type, RunEndIndexType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::DataType;

/// The word of what is missing.
pub(crate) const MISSING: u64 = 0xa0b4_28db_7e15_3c96;
/// The word of NaN.
pub(crate) const NAN: u64 = 0x7ff8_0000_0000_0000;

/// A number as a word: NaN is one, -0.0 is 0.0.
fn number(number: f64) -> u64 {
    if number.is_nan() {
        NAN
    } else if number == 0.0 {
        0
    } else {
        number.to_bits()
    }
}

/// A word for each value of a column: equal for equal values, and unlike for others but by chance.
pub(crate) fn words(array: &ArrayRef, into: &mut Vec<u64>) {
    into.clear();
    into.reserve(array.len());
    macro_rules! of {
        ($type:ty, $word:expr) => {
            if let Some(array) = array.as_primitive_opt::<$type>() {
                let word = $word;
                into.extend(array.values().iter().map(|value| word(*value)));
                missing(array, into);
                return;
            }
        };
    }
    match array.data_type() {
        DataType::Float64 => of!(Float64Type, number),
        DataType::Float32 => of!(Float32Type, |value: f32| number(f64::from(value))),
        DataType::Float16 => {
            if let Some(array) = array.as_primitive_opt::<Float16Type>() {
                into.extend(array.values().iter().map(|value| number(value.to_f64())));
                missing(array, into);
                return;
            }
        }
        DataType::Int64 => of!(Int64Type, i64::cast_unsigned),
        DataType::Int32 => of!(Int32Type, |value: i32| i64::from(value).cast_unsigned()),
        DataType::Int16 => of!(Int16Type, |value: i16| i64::from(value).cast_unsigned()),
        DataType::Int8 => of!(Int8Type, |value: i8| i64::from(value).cast_unsigned()),
        DataType::UInt64 => of!(UInt64Type, |value: u64| value),
        DataType::UInt32 => of!(UInt32Type, u64::from),
        DataType::UInt16 => of!(UInt16Type, u64::from),
        DataType::UInt8 => of!(UInt8Type, u64::from),
        DataType::Boolean => {
            if let Some(array) = array.as_boolean_opt() {
                into.extend(array.values().iter().map(u64::from));
                missing(array, into);
                return;
            }
        }
        DataType::Utf8 => {
            let texts = array.as_string::<i32>().iter();
            into.extend(texts.map(|text| text.map_or(MISSING, |text| hash(text.as_bytes()))));
            return;
        }
        DataType::LargeUtf8 => {
            let texts = array.as_string::<i64>().iter();
            into.extend(texts.map(|text| text.map_or(MISSING, |text| hash(text.as_bytes()))));
            return;
        }
        DataType::Utf8View => {
            let texts = array.as_string_view().iter();
            into.extend(texts.map(|text| text.map_or(MISSING, |text| hash(text.as_bytes()))));
            return;
        }
        DataType::Binary => {
            let all = array.as_binary::<i32>().iter();
            into.extend(all.map(|bytes| bytes.map_or(MISSING, hash)));
            return;
        }
        DataType::LargeBinary => {
            let all = array.as_binary::<i64>().iter();
            into.extend(all.map(|bytes| bytes.map_or(MISSING, hash)));
            return;
        }
        DataType::FixedSizeList(..) => {
            if let Some(list) = array.as_any().downcast_ref::<FixedSizeListArray>() {
                let mut inner = Vec::new();
                words(list.values(), &mut inner);
                let width = usize::try_from(list.value_length()).unwrap_or(0);
                into.extend((0..list.len()).map(|row| {
                    let values = inner.get(row * width..(row + 1) * width).unwrap_or_default();
                    values.iter().fold(SEED, |hash, word| fold(hash ^ word, FIRST))
                }));
                missing(list, into);
                return;
            }
        }
        _ => {}
    }
    let mut bytes = Vec::new();
    for row in 0..array.len() {
        bytes.clear();
        write(array, row, &mut bytes);
        into.push(if bytes == [NOTHING] { MISSING } else { hash(&bytes) });
    }
}

fn missing(array: &dyn Array, into: &mut [u64]) {
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        for (word, there) in into.iter_mut().zip(nulls.iter()) {
            if !there {
                *word = MISSING;
            }
        }
    }
}

/// Write a value so that equal values, and no others, are the same bytes.
pub(crate) fn write(array: &dyn Array, row: usize, into: &mut Vec<u8>) {
    if array.is_null(row) {
        into.push(NOTHING);
        return;
    }
    macro_rules! whole {
        ($type:ty) => {
            if let Some(array) = array.as_primitive_opt::<$type>() {
                into.push(WHOLE);
                into.extend_from_slice(&i128::from(array.value(row)).to_le_bytes());
                return;
            }
        };
    }
    fn real(value: f64, into: &mut Vec<u8>) {
        into.push(REAL);
        into.extend_from_slice(&number(value).to_le_bytes());
    }
    fn bytes(tag: u8, bytes: &[u8], into: &mut Vec<u8>) {
        into.push(tag);
        into.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        into.extend_from_slice(bytes);
    }
    match array.data_type() {
        DataType::Float64 => return real(array.as_primitive::<Float64Type>().value(row), into),
        DataType::Float32 => {
            return real(f64::from(array.as_primitive::<Float32Type>().value(row)), into);
        }
        DataType::Float16 => {
            return real(array.as_primitive::<Float16Type>().value(row).to_f64(), into);
        }
        DataType::Int64 => whole!(Int64Type),
        DataType::Int32 => whole!(Int32Type),
        DataType::Int16 => whole!(Int16Type),
        DataType::Int8 => whole!(Int8Type),
        DataType::UInt64 => whole!(UInt64Type),
        DataType::UInt32 => whole!(UInt32Type),
        DataType::UInt16 => whole!(UInt16Type),
        DataType::UInt8 => whole!(UInt8Type),
        DataType::Boolean => {
            into.extend_from_slice(&[TRUTH, array.as_boolean().value(row).into()]);
            return;
        }
        DataType::Utf8 => return bytes(TEXT, array.as_string::<i32>().value(row).as_bytes(), into),
        DataType::LargeUtf8 => {
            return bytes(TEXT, array.as_string::<i64>().value(row).as_bytes(), into);
        }
        DataType::Utf8View => {
            return bytes(TEXT, array.as_string_view().value(row).as_bytes(), into);
        }
        DataType::Binary => return bytes(BYTES, array.as_binary::<i32>().value(row), into),
        DataType::LargeBinary => return bytes(BYTES, array.as_binary::<i64>().value(row), into),
        DataType::BinaryView => return bytes(BYTES, array.as_binary_view().value(row), into),
        DataType::FixedSizeBinary(_) => {
            return bytes(BYTES, array.as_fixed_size_binary().value(row), into);
        }
        DataType::List(_) => return items::<i32>(array.as_list::<i32>(), row, into),
        DataType::LargeList(_) => return items::<i64>(array.as_list::<i64>(), row, into),
        DataType::FixedSizeList(..) => {
            return each(&array.as_fixed_size_list().value(row), into);
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            return each(&entries, into);
        }
        DataType::ListView(_) => return each(&array.as_list_view::<i32>().value(row), into),
        DataType::LargeListView(_) => return each(&array.as_list_view::<i64>().value(row), into),
        DataType::RunEndEncoded(ends, _) => {
            return match ends.data_type() {
                DataType::Int16 => run::<Int16Type>(array, row, into),
                DataType::Int32 => run::<Int32Type>(array, row, into),
                _ => run::<Int64Type>(array, row, into),
            };
        }
        DataType::Union(..) => {
            let union = array.as_union();
            into.extend_from_slice(&[CASE, union.type_id(row).cast_unsigned()]);
            return write(&union.value(row), 0, into);
        }
        DataType::Struct(_) => {
            into.push(RECORD);
            for column in array.as_struct().columns() {
                write(column, row, into);
            }
            return;
        }
        DataType::Dictionary(key, _) => {
            macro_rules! entry {
                ($($kind:ident => $type:ty),*) => {
                    match **key {
                        $(DataType::$kind => return named::<$type>(array, row, into),)*
                        _ => {}
                    }
                };
            }
            entry!(Int8 => Int8Type, Int16 => Int16Type, Int32 => Int32Type, Int64 => Int64Type,
                UInt8 => UInt8Type, UInt16 => UInt16Type, UInt32 => UInt32Type, UInt64 => UInt64Type);
        }
        _ => {}
    }
    // Dates, times, decimals: the bytes of the number that stands for them.
    let data = array.to_data();
    let width = array.data_type().primitive_width();
    let value = width.and_then(|width| {
        let at = (data.offset() + row) * width;
        data.buffers().first()?.get(at..at + width)
    });
    match value {
        Some(value) => bytes(OTHER, value, into),
        None => bytes(OTHER, format!("{:?}", array.slice(row, 1)).as_bytes(), into),
    }
}

fn items<O: OffsetSizeTrait>(array: &GenericListArray<O>, row: usize, into: &mut Vec<u8>) {
    each(&array.value(row), into);
}

/// A value of a run is the value, however many rows have it.
fn run<R: RunEndIndexType>(array: &dyn Array, row: usize, into: &mut Vec<u8>) {
    match array.as_any().downcast_ref::<RunArray<R>>() {
        Some(runs) => write(runs.values(), runs.get_physical_index(row), into),
        None => into.push(NOTHING),
    }
}

fn each(items: &dyn Array, into: &mut Vec<u8>) {
    into.push(LIST);
    into.extend_from_slice(&(items.len() as u64).to_le_bytes());
    for item in 0..items.len() {
        write(items, item, into);
    }
}

fn named<K: ArrowDictionaryKeyType>(array: &dyn Array, row: usize, into: &mut Vec<u8>) {
    let named = array.as_dictionary::<K>();
    match named.key(row) {
        Some(key) if key < named.values().len() => write(named.values(), key, into),
        _ => into.push(NOTHING),
    }
}

/// A hash of bytes, as good as a table or a sketch needs; whoever wants to can make two that collide.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = SEED ^ bytes.len() as u64;
    for word in words {
        hash = fold(hash ^ u64::from_le_bytes(*word), FIRST);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(hash ^ u64::from_le_bytes(last), SECOND)
}

/// Both halves of a product, one over the other (as wyhash and foldhash mix).
pub(crate) fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Mix a word into the two halves of a row's hash.
pub(crate) fn mix(row: &mut [u64; 2], word: u64) {
    row[0] = fold(row[0] ^ word, FIRST);
    row[1] = fold(row[1].rotate_left(29).wrapping_add(word) ^ SEED, SECOND);
}

/// Digits of pi, as the folded product wants numbers without a pattern.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const FIRST: u64 = 0x1319_8a2e_0370_7345;
const SECOND: u64 = 0xa409_3822_299f_31d1;

/// What the bytes of a value begin with.
const NOTHING: u8 = 0;
const WHOLE: u8 = 1;
const REAL: u8 = 2;
const TRUTH: u8 = 3;
const TEXT: u8 = 4;
const BYTES: u8 = 5;
const LIST: u8 = 6;
const RECORD: u8 = 7;
const OTHER: u8 = 8;
const CASE: u8 = 9;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        Float32Array, Float64Array, Int32Array, ListArray, ListViewArray, StringArray,
    };
    use arrow_buffer::OffsetBuffer;
    use arrow_schema::Field;

    use super::*;

    fn word(array: ArrayRef) -> Vec<u64> {
        let mut into = Vec::new();
        words(&array, &mut into);
        into
    }

    #[test]
    fn a_value_is_itself_whatever_holds_it() {
        let odd = f64::from_bits(0x7ff8_0000_0000_0001);
        let wide = word(Arc::new(Float64Array::from(vec![
            Some(-0.0),
            Some(0.1_f32.into()),
            Some(odd),
            None,
        ])));
        let narrow =
            word(Arc::new(Float32Array::from(vec![Some(0.0), Some(0.1), Some(f32::NAN), None])));
        assert_eq!(wide, narrow);
        assert_eq!(wide[2..], [NAN, MISSING]);
        let whole = word(Arc::new(arrow_array::Int8Array::from(vec![-3])));
        assert_eq!(whole, word(Arc::new(arrow_array::Int64Array::from(vec![-3]))));
    }

    #[test]
    fn long_values_of_rare_kinds_are_told_apart_by_their_middle() {
        let with = |middle: i32| {
            let mut items = (0..50).collect::<Vec<_>>();
            items[25] = middle;
            Int32Array::from(items)
        };
        let field = Arc::new(Field::new("item", DataType::Int32, true));
        let view = |middle: i32| {
            let (offset, size) = (vec![0].into(), vec![50].into());
            let items = Arc::new(with(middle));
            ListViewArray::new(field.clone(), offset, size, items, None)
        };
        let run = |middle: i32| {
            let list = ListArray::new(
                field.clone(),
                OffsetBuffer::from_lengths([50]),
                Arc::new(with(middle)),
                None,
            );
            let runs = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![2]), &list).unwrap();
            runs.slice(1, 1)
        };
        let bytes = |array: &dyn Array| {
            let mut bytes = Vec::new();
            write(array, 0, &mut bytes);
            bytes
        };
        assert_ne!(bytes(&view(3)), bytes(&view(4)));
        assert_ne!(bytes(&run(3)), bytes(&run(4)));
        assert_eq!(bytes(&run(3)), bytes(&view(3)));
    }

    #[test]
    fn texts_are_told_apart_by_a_byte() {
        let texts = StringArray::from(vec!["", "\0", "a", "a\0", "12345678", "123456780"]);
        let mut words = word(Arc::new(texts));
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 6);
    }
}
