//! What the rows of a file come to once they are written out: a long text that many rows name is one in
//! the file, and is looked at as often as it is named.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{BinaryViewType, ByteViewType, StringViewType},
};
use arrow_schema::DataType;
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

    /// Take in rows.
    ///
    /// # Errors
    /// Where they come to more than is left.
    pub(super) fn take(&mut self, name: &str, rows: &RecordBatch) -> Result<(), Unread> {
        let bytes =
            rows.columns().iter().fold(0, |sum: u64, column| sum.saturating_add(bytes(column)));
        match self.left.checked_sub(bytes) {
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

/// The bytes of an array, of values that are named those of each name.
fn bytes(array: &dyn Array) -> u64 {
    fn views<T: ByteViewType>(array: &dyn Array) -> u64 {
        let Some(array) = array.as_byte_view_opt::<T>() else { return 0 };
        // The low half of the low word of a view is its length.
        let lengths = array.views().iter().map(|view| u64::from((view & 0xffff_ffff) as u32));
        lengths.fold(0, u64::saturating_add)
    }
    let each = |array: &dyn Array| bytes(array);
    match array.data_type() {
        DataType::Utf8View => views::<StringViewType>(array),
        DataType::BinaryView => views::<BinaryViewType>(array),
        DataType::Dictionary(..) => {
            let named = array.as_any_dictionary();
            let sizes = (0..named.values().len()).map(|at| each(&named.values().slice(at, 1)));
            let sizes = sizes.collect::<Vec<_>>();
            let keys = named.normalized_keys().into_iter();
            keys.fold(0, |sum: u64, key| sum.saturating_add(sizes.get(key).copied().unwrap_or(0)))
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            columns.fold(0, |sum: u64, column| sum.saturating_add(each(column)))
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            (0..list.len()).fold(0, |sum: u64, row| sum.saturating_add(each(&list.value(row))))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            (0..list.len()).fold(0, |sum: u64, row| sum.saturating_add(each(&list.value(row))))
        }
        _ => {
            let size = array.to_data().get_slice_memory_size();
            size.map_or(0, |size| u64::try_from(size).unwrap_or(u64::MAX))
        }
    }
}

/// What the rows of any file may come to.
const FREE: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringArray, StringViewArray};

    use super::*;

    #[test]
    fn a_text_counts_as_often_as_it_is_named() {
        let long = "x".repeat(1000);
        let plain = StringArray::from(vec![long.as_str(); 50]);
        let named = DictionaryArray::new(
            Int32Array::from(vec![0; 50]),
            Arc::new(StringArray::from(vec![long.as_str()])) as ArrayRef,
        );
        let views = StringViewArray::from(vec![long.as_str(); 50]);
        for array in [&plain as &dyn Array, &named, &views] {
            assert!((50_000..60_000).contains(&bytes(array)), "{}", bytes(array));
            assert!((1000..2000).contains(&bytes(&array.slice(3, 1))));
        }
        let rows = RecordBatch::try_from_iter([("a", Arc::new(plain) as ArrayRef)]).unwrap();
        let mut meter = Meter { most: 120_000, left: 120_000 };
        assert!(meter.take("f", &rows).is_ok() && meter.take("f", &rows).is_ok());
        assert_eq!(meter.take("f", &rows).unwrap_err().gap, Gap::HighExpansionRatio);
    }
}
