//! What the rows of a file come to once they are written out: a long text that many rows name is one in
//! the file, and is looked at as often as it is named.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use arrow_array::{
    Array, FixedSizeListArray, GenericListViewArray, OffsetSizeTrait, RecordBatch, RunArray,
    cast::AsArray,
    types::{
        ArrowDictionaryKeyType, BinaryViewType, ByteViewType, Int16Type, Int32Type, Int64Type,
        RunEndIndexType, StringViewType,
    },
};
use arrow_buffer::ArrowNativeType;
use arrow_schema::{DataType, UnionMode};
use modelward_formats::Gap;

use crate::{Limits, Unread};

/// How many bytes rows may still come to.
pub(super) struct Meter {
    most: u64,
    left: u64,
}

impl Meter {
    /// For a file of so many bytes, which may grow as packed ones may.
    pub(super) fn new(length: u64, limits: &Limits) -> Self {
        let most = length.saturating_mul(limits.ratio).max(FREE).min(limits.expanded);
        Self { most, left: most }
    }

    /// Take in rows as they were read, before what they name is written out.
    ///
    /// # Errors
    /// Where they come to more than is left.
    pub(super) fn take(&mut self, name: &str, rows: &RecordBatch) -> Result<(), Unread> {
        let mut left = Left(Some(self.left));
        rows.columns().iter().for_each(|column| left.take(column));
        match left.0 {
            Some(left) => self.left = left,
            None => {
                let why = format!(
                    "expected rows of at most {} bytes as its length allows, got more: it names the same \
                     values again and again",
                    self.most
                );
                return Err(Unread::new(name, Gap::HighExpansionRatio, why));
            }
        }
        Ok(())
    }
}

/// What is left of the bytes; `None` from when on there were too few, and nothing more is looked at: what is
/// named over and over takes as long to count as to write out.
struct Left(Option<u64>);

impl Left {
    fn spend(&mut self, bytes: u64) {
        self.0 = self.0.and_then(|left| left.checked_sub(bytes));
    }

    /// The bytes of an array, of values that are named those of each name.
    fn take(&mut self, array: &dyn Array) {
        if self.0.is_none() || array.is_empty() {
            return;
        }
        if let Some(nulls) = array.nulls() {
            self.spend(nulls.len().div_ceil(8) as u64);
        }
        match array.data_type() {
            DataType::Utf8View => self.views::<StringViewType>(array),
            DataType::BinaryView => self.views::<BinaryViewType>(array),
            DataType::Dictionary(..) => self.named(array),
            DataType::RunEndEncoded(ends, _) => match ends.data_type() {
                DataType::Int16 => self.runs::<Int16Type>(array),
                DataType::Int32 => self.runs::<Int32Type>(array),
                _ => self.runs::<Int64Type>(array),
            },
            DataType::Struct(_) => {
                array.as_struct().columns().iter().for_each(|column| self.take(column));
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                self.items(list.offsets(), list.values());
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                self.items(list.offsets(), list.values());
            }
            DataType::Map(..) => {
                let map = array.as_map();
                self.items(map.offsets(), map.entries());
            }
            DataType::FixedSizeList(..) => {
                // A slice of it has its own values alone.
                let list = array.as_any().downcast_ref::<FixedSizeListArray>();
                list.into_iter().for_each(|list| self.take(list.values()));
            }
            DataType::ListView(_) => self.list_view::<i32>(array),
            DataType::LargeListView(_) => self.list_view::<i64>(array),
            DataType::Union(fields, mode) => {
                let union = array.as_union();
                self.spend(array.len() as u64);
                if *mode == UnionMode::Sparse {
                    fields.iter().for_each(|(id, _)| self.take(union.child(id)));
                    return;
                }
                for row in 0..array.len() {
                    let child = union.child(union.type_id(row));
                    self.entry(child, union.value_offset(row));
                }
            }
            _ => {
                let size = array.to_data().get_slice_memory_size();
                self.spend(size.map_or(u64::MAX, |size| size as u64));
            }
        }
    }

    fn views<T: ByteViewType>(&mut self, array: &dyn Array) {
        let Some(array) = array.as_byte_view_opt::<T>() else { return };
        // The low half of the low word of a view is its length.
        let lengths = array.views().iter().map(|view| u64::from((view & 0xffff_ffff) as u32));
        let views = (array.len() as u64).saturating_mul(16);
        self.spend(lengths.fold(views, u64::saturating_add));
    }

    /// What lies between the first and the last offset: lists follow one another.
    fn items<O: OffsetSizeTrait>(&mut self, offsets: &[O], values: &dyn Array) {
        self.spend(size_of_val(offsets) as u64);
        if let (Some(first), Some(last)) = (offsets.first(), offsets.last()) {
            let (first, last) = (first.as_usize(), last.as_usize());
            self.take(&values.slice(first, last.saturating_sub(first)));
        }
    }

    /// Lists that may lie over one another.
    fn list_view<O: OffsetSizeTrait>(&mut self, array: &dyn Array) {
        let Some(list) = array.as_any().downcast_ref::<GenericListViewArray<O>>() else { return };
        self.spend((array.len() as u64).saturating_mul(16));
        for row in 0..list.len() {
            if self.0.is_none() {
                return;
            }
            self.take(&list.value(row));
        }
    }

    fn named(&mut self, array: &dyn Array) {
        macro_rules! of {
            ($($kind:ident => $type:ident),*) => {
                match array.data_type() {
                    $(DataType::Dictionary(key, _) if **key == DataType::$kind => {
                        self.keys::<arrow_array::types::$type>(array);
                    })*
                    _ => {}
                }
            };
        }
        of!(Int8 => Int8Type, Int16 => Int16Type, Int32 => Int32Type, Int64 => Int64Type,
            UInt8 => UInt8Type, UInt16 => UInt16Type, UInt32 => UInt32Type, UInt64 => UInt64Type);
    }

    fn keys<K: ArrowDictionaryKeyType>(&mut self, array: &dyn Array) {
        let named = array.as_dictionary::<K>();
        self.spend(size_of_val(named.keys().values().as_ref()) as u64);
        let values: &dyn Array = named.values();
        // Of what is missing the key may name anything.
        named.keys().iter().flatten().for_each(|key| self.entry(values, key.as_usize()));
    }

    /// A run counts as often as its rows.
    fn runs<R: RunEndIndexType>(&mut self, array: &dyn Array) {
        let Some(runs) = array.as_any().downcast_ref::<RunArray<R>>() else { return };
        let begin = runs.run_ends().get_start_physical_index();
        let mut last = 0;
        for (at, end) in runs.run_ends().sliced_values().enumerate() {
            let end = end.as_usize().min(array.len());
            let before = self.0;
            self.entry(runs.values(), begin.saturating_add(at));
            let (Some(before), Some(after)) = (before, self.0) else { return };
            let once = before.saturating_sub(after);
            let again = end.saturating_sub(last).saturating_sub(1);
            self.spend(once.saturating_mul(again as u64));
            last = end;
        }
    }

    /// One value of an array; texts are looked at for every name, so these go without a slice of their own.
    fn entry(&mut self, values: &dyn Array, at: usize) {
        if self.0.is_none() || at >= values.len() {
            return;
        }
        let length = match values.data_type() {
            DataType::Utf8 => values.as_string::<i32>().value_length(at).as_usize(),
            DataType::LargeUtf8 => values.as_string::<i64>().value_length(at).as_usize(),
            DataType::Binary => values.as_binary::<i32>().value_length(at).as_usize(),
            DataType::LargeBinary => values.as_binary::<i64>().value_length(at).as_usize(),
            kind => match kind.primitive_width() {
                Some(width) => width,
                None => return self.take(&values.slice(at, 1)),
            },
        };
        self.spend(length as u64);
    }
}

/// What the rows of any file may come to.
const FREE: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    #![allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "small numbers of the tests' own"
    )]

    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, DictionaryArray, FixedSizeListArray, Int32Array, ListArray, ListViewArray,
        MapArray, StringArray, StringViewArray, StructArray, UnionArray,
    };
    use arrow_buffer::{OffsetBuffer, ScalarBuffer};
    use arrow_schema::{Field, Fields, UnionFields};

    use super::*;

    fn bytes(array: &dyn Array) -> u64 {
        let mut left = Left(Some(u64::MAX));
        left.take(array);
        u64::MAX - left.0.unwrap()
    }

    /// Fifty rows that name one long text.
    fn named(long: &str) -> ArrayRef {
        let keys = Int32Array::from(vec![0; 50]);
        Arc::new(DictionaryArray::new(keys, Arc::new(StringArray::from(vec![long])) as ArrayRef))
    }

    #[test]
    fn a_text_counts_as_often_as_it_is_named() {
        let long = "x".repeat(1000);
        let plain = StringArray::from(vec![long.as_str(); 50]);
        let views = StringViewArray::from(vec![long.as_str(); 50]);
        for array in [&plain as &dyn Array, &named(&long), &views] {
            assert!((50_000..60_000).contains(&bytes(array)), "{}", bytes(array));
            assert!((1000..2000).contains(&bytes(&array.slice(3, 1))));
        }
        let rows = RecordBatch::try_from_iter([("a", Arc::new(plain) as ArrayRef)]).unwrap();
        let mut meter = Meter { most: 120_000, left: 120_000 };
        assert!(meter.take("f", &rows).is_ok() && meter.take("f", &rows).is_ok());
        assert_eq!(meter.take("f", &rows).unwrap_err().gap, Gap::HighExpansionRatio);
    }

    #[test]
    fn a_text_counts_as_often_as_it_is_named_within_other_values() {
        let long = "x".repeat(1000);
        let inner = named(&long);
        let field = |name: &str| Arc::new(Field::new(name, inner.data_type().clone(), true));
        let fixed = FixedSizeListArray::new(field("item"), 5, inner.clone(), None);
        let lists = OffsetBuffer::new((0..=10).map(|at| at * 5).collect());
        let list = ListArray::new(field("item"), lists.clone(), inner.clone(), None);
        let keys = Arc::new(Int32Array::from(vec![1; 50])) as ArrayRef;
        let entries =
            Fields::from(vec![Arc::new(Field::new("key", DataType::Int32, false)), field("value")]);
        let of_entries = Arc::new(Field::new("entries", DataType::Struct(entries.clone()), false));
        let entries = StructArray::new(entries, vec![keys, inner.clone()], None);
        let map = MapArray::new(of_entries, lists, entries, None, false);
        // Each of ten lists is all fifty rows.
        let (offsets, sizes) = (ScalarBuffer::from(vec![0; 10]), ScalarBuffer::from(vec![50; 10]));
        let over = ListViewArray::new(field("item"), offsets, sizes, inner.clone(), None);
        let ends = Int32Array::from(vec![10, 30]);
        let run = RunArray::<Int32Type>::try_new(&ends, &StringArray::from(vec!["y", &long]));
        let run = run.unwrap();
        let union = UnionFields::from_iter([(3, field("a"))]);
        let union = UnionArray::try_new(union, vec![3; 50].into(), None, vec![inner.clone()]);
        let union = union.unwrap();
        for (array, first, all) in [
            (&fixed as &dyn Array, 5000, 50_000),
            (&list, 5000, 50_000),
            (&map, 5000, 50_000),
            (&over, 50_000, 500_000),
            (&run, 1, 20_010),
            (&run.slice(5, 20), 1, 15_005),
            (&run.slice(12, 3), 1000, 3000),
            (&union, 1000, 50_000),
        ] {
            let room = |bytes: u64| bytes..bytes + bytes / 10 + 100;
            assert!(room(all).contains(&bytes(array)), "{:?} {}", array.data_type(), bytes(array));
            let one = bytes(&array.slice(0, 1));
            assert!(room(first).contains(&one), "{:?} {one}", array.data_type());
        }
    }

    #[test]
    fn what_is_missing_names_nothing() {
        let nothing = StringArray::from(Vec::<&str>::new());
        let keys = Int32Array::from(vec![None; 9]);
        let array = DictionaryArray::new(keys, Arc::new(nothing) as ArrayRef);
        assert!(bytes(&array) < 100);
    }
}
