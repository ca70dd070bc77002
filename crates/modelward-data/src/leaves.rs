//! The texts and bytes of a column at whatever depth they lie: a conversation is a list of records, and so are the
//! pictures of a question.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::DataType;

/// What lies at the end of lists and records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// The types of a column that leaves of it have: whether there are texts, whether there are bytes.
pub(crate) fn kinds(of: &DataType) -> (bool, bool) {
    kinds_within(of, DEEPEST)
}

fn kinds_within(of: &DataType, depth: usize) -> (bool, bool) {
    let Some(depth) = depth.checked_sub(1) else { return (false, false) };
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => (true, false),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => (false, true),
        DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::FixedSizeList(inner, _)
        | DataType::Map(inner, _) => kinds_within(inner.data_type(), depth),
        DataType::Dictionary(_, values) => kinds_within(values, depth),
        DataType::Struct(fields) => {
            let parts = fields.iter().map(|field| kinds_within(field.data_type(), depth));
            parts.fold((false, false), |(text, bytes), (one, other)| (text || one, bytes || other))
        }
        _ => (false, false),
    }
}

/// See every text and every piece of bytes in a column, with the row that it lies in.
pub(crate) fn each<'a>(array: &'a ArrayRef, mut see: impl FnMut(usize, Leaf<'a>)) {
    walk(array.as_ref(), None, DEEPEST, &mut see);
}

/// `rows` says in which row of the column each value lies, [`NONE`] where in none; without it each in its own.
fn walk<'a>(
    array: &'a dyn Array,
    rows: Option<&[usize]>,
    depth: usize,
    see: &mut dyn FnMut(usize, Leaf<'a>),
) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let row_of = |at: usize| match rows {
        Some(rows) => rows.get(at).copied().filter(|row| *row != NONE),
        None => Some(at),
    };
    macro_rules! leaves {
        ($array:expr, $leaf:path) => {
            for (at, leaf) in $array.iter().enumerate() {
                if let (Some(leaf), Some(row)) = (leaf, row_of(at)) {
                    see(row, $leaf(leaf));
                }
            }
        };
    }
    macro_rules! lists {
        ($list:expr, $values:expr) => {{
            let (list, values) = ($list, $values);
            let mut inner = vec![NONE; values.len()];
            for (at, ends) in list.offsets().windows(2).enumerate() {
                let Some(row) = row_of(at).filter(|_| list.is_valid(at)) else { continue };
                let [from, to] = [ends.first(), ends.last()]
                    .map(|end| end.and_then(|end| usize::try_from(*end).ok()).unwrap_or(0));
                inner.get_mut(from..to).unwrap_or_default().fill(row);
            }
            walk(values, Some(&inner), depth, see);
        }};
    }
    match array.data_type() {
        DataType::Utf8 => leaves!(array.as_string::<i32>(), Leaf::Text),
        DataType::LargeUtf8 => leaves!(array.as_string::<i64>(), Leaf::Text),
        DataType::Utf8View => leaves!(array.as_string_view(), Leaf::Text),
        DataType::Binary => leaves!(array.as_binary::<i32>(), Leaf::Bytes),
        DataType::LargeBinary => leaves!(array.as_binary::<i64>(), Leaf::Bytes),
        DataType::BinaryView => leaves!(array.as_binary_view(), Leaf::Bytes),
        DataType::FixedSizeBinary(_) => leaves!(array.as_fixed_size_binary(), Leaf::Bytes),
        // Without texts or bytes in them, numbers are not walked one by one.
        kind if kinds(kind) == (false, false) => {}
        DataType::List(_) => {
            lists!(array.as_list::<i32>(), array.as_list::<i32>().values().as_ref())
        }
        DataType::LargeList(_) => {
            lists!(array.as_list::<i64>(), array.as_list::<i64>().values().as_ref());
        }
        DataType::Map(..) => lists!(array.as_map(), array.as_map().entries() as &dyn Array),
        DataType::FixedSizeList(_, width) => {
            let list = array.as_fixed_size_list();
            let width = usize::try_from(*width).unwrap_or(0);
            let row = |at: usize| row_of(at).filter(|_| list.is_valid(at)).unwrap_or(NONE);
            let inner = (0..list.len()).flat_map(|at| std::iter::repeat_n(row(at), width));
            let inner = inner.collect::<Vec<_>>();
            walk(list.values().as_ref(), Some(&inner), depth, see);
        }
        DataType::Struct(_) => {
            let record = array.as_struct();
            let row = |at: usize| row_of(at).filter(|_| record.is_valid(at)).unwrap_or(NONE);
            let inner = (0..record.len()).map(row).collect::<Vec<_>>();
            record.columns().iter().for_each(|part| walk(part.as_ref(), Some(&inner), depth, see));
        }
        DataType::Dictionary(..) => {
            let named = array.as_any_dictionary();
            if named.values().is_empty() {
                return;
            }
            let mut found = Vec::new();
            walk(named.values().as_ref(), None, depth, &mut |value, leaf| {
                found.push((value, leaf));
            });
            found.sort_by_key(|(value, _)| *value);
            // What the rows come to was metered where they were read.
            for (at, key) in named.normalized_keys().into_iter().enumerate() {
                let Some(row) = row_of(at).filter(|_| named.keys().is_valid(at)) else { continue };
                let from = found.partition_point(|(value, _)| *value < key);
                let of_key = found.iter().skip(from).take_while(|(value, _)| *value == key);
                of_key.for_each(|(_, leaf)| see(row, *leaf));
            }
        }
        _ => {}
    }
}

/// No row of the column.
const NONE: usize = usize::MAX;
/// Lists in lists that are walked into.
const DEEPEST: usize = 16;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        BinaryArray, DictionaryArray, ListArray, StringArray, StructArray,
        builder::{ListBuilder, StringBuilder},
        types::Int8Type,
    };
    use arrow_buffer::{NullBuffer, OffsetBuffer};
    use arrow_schema::{Field, Fields};

    use super::*;

    fn seen(array: &ArrayRef) -> Vec<(usize, String)> {
        let mut all = Vec::new();
        each(array, |row, leaf| match leaf {
            Leaf::Text(text) => all.push((row, text.to_owned())),
            Leaf::Bytes(bytes) => all.push((row, format!("{bytes:?}"))),
        });
        all.sort();
        all
    }

    #[test]
    fn texts_in_lists_of_records_have_the_row_of_the_list() {
        let texts = StringArray::from(vec!["a", "b", "c", "d"]);
        let bytes = BinaryArray::from(vec![Some(&b"1"[..]), None, None, None]);
        let fields = Fields::from(vec![
            Field::new("content", DataType::Utf8, true),
            Field::new("image", DataType::Binary, true),
        ]);
        let nulls = NullBuffer::from(vec![true, true, false, true]);
        let records =
            StructArray::new(fields.clone(), vec![Arc::new(texts), Arc::new(bytes)], Some(nulls));
        let field = Arc::new(Field::new("item", DataType::Struct(fields), true));
        let offsets = OffsetBuffer::from_lengths([1, 0, 3]);
        let lists: ArrayRef = Arc::new(ListArray::new(field, offsets, Arc::new(records), None));
        assert_eq!(kinds(lists.data_type()), (true, true));
        let text = |row: usize, text: &str| (row, text.to_owned());
        assert_eq!(seen(&lists), [text(0, "[49]"), text(0, "a"), text(2, "b"), text(2, "d")]);
        assert_eq!(seen(&lists.slice(1, 2)), [text(1, "b"), text(1, "d")]);
    }

    #[test]
    fn any_nesting_is_walked_or_left() {
        let mut builder = ListBuilder::new(StringBuilder::new());
        builder.append_value([Some("x"), None]);
        builder.append_null();
        builder.append_value([Some("y")]);
        let mut lists: ArrayRef = Arc::new(builder.finish());
        for _ in 0..40 {
            assert!(seen(&lists).len() == 2 || kinds(lists.data_type()) == (false, false));
            let field = Arc::new(Field::new("item", lists.data_type().clone(), true));
            let offsets = OffsetBuffer::from_lengths([lists.len()]);
            lists = Arc::new(ListArray::new(field, offsets, lists, None));
        }
        assert!(seen(&lists).is_empty());
    }

    #[test]
    fn what_many_rows_name_is_seen_in_each() {
        let named = ["a", "b", "a", "a", "b"].into_iter().collect::<DictionaryArray<Int8Type>>();
        let field = Arc::new(Field::new("item", named.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths([2, 0, 3]);
        let lists: ArrayRef = Arc::new(ListArray::new(field, offsets, Arc::new(named), None));
        let text = |row: usize, text: &str| (row, text.to_owned());
        let all = [text(0, "a"), text(0, "b"), text(2, "a"), text(2, "a"), text(2, "b")];
        assert_eq!(seen(&lists), all);
    }
}
