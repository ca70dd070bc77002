#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of the tests' own"
)]

use arrow_array::{
    ArrayRef, DictionaryArray, Int64Array, StringArray, cast::AsArray, types::Int8Type,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use proptest::prelude::*;

use super::*;

fn batch() -> RecordBatch {
    let a: ArrayRef = Arc::new(Int64Array::from((0..10_000).map(Some).collect::<Vec<_>>()));
    let texts = (0..10_000).map(|row| if row % 3 == 0 { None } else { Some("word") });
    let b: ArrayRef = Arc::new(texts.collect::<StringArray>());
    let named = (0..10_000).map(|row| if row % 2 == 0 { "x" } else { "y" });
    let c: ArrayRef = Arc::new(named.collect::<DictionaryArray<Int8Type>>());
    RecordBatch::try_from_iter([("a", a), ("b", b), ("c", c)]).unwrap()
}

fn stream() -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch().schema()).unwrap();
    writer.write(&batch()).unwrap();
    writer.write(&batch().slice(0, 5)).unwrap();
    writer.into_inner().unwrap()
}

fn file() -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch().schema()).unwrap();
    writer.write(&batch()).unwrap();
    writer.write(&batch().slice(0, 5)).unwrap();
    writer.into_inner().unwrap()
}

fn read(bytes: Vec<u8>) -> Result<Vec<RecordBatch>, Unread> {
    let source = Source { path: "x".into(), name: "x".into() };
    let set = open(&source, &bytes.into(), &Options::default())?;
    let mut batches = Vec::new();
    set.walk(|batch| {
        batches.push(batch.rows.clone());
        Ok(())
    })?;
    Ok(batches)
}

#[test]
fn streams_and_files_give_their_rows() {
    for bytes in [stream(), file()] {
        let batches = read(bytes).unwrap();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 10_005);
        assert!(batches.iter().all(|batch| batch.num_rows() <= 8192));
        let named = batches[0].column(2).as_string::<i32>();
        assert_eq!((named.value(0), named.value(1)), ("x", "y"));
        assert_eq!(batches[2].column(0), &batch().slice(0, 5).column(0).clone());
    }
}

#[test]
fn what_is_cut_or_lies_is_refused() {
    let bytes = stream();
    assert_eq!(read(bytes[..bytes.len() - 200].to_vec()).unwrap_err().gap, Gap::OversizedLength);
    let mut lies = bytes.clone();
    lies[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(lies).unwrap_err().gap, Gap::OversizedLength);
    let bytes = file();
    assert_eq!(read(bytes[..bytes.len() - 1].to_vec()).unwrap_err().gap, Gap::Truncated);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn broken_bytes_are_refused_or_read(
        file_form: bool, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut: prop::sample::Index)
    {
        let mut bytes = if file_form { file() } else { stream() };
        for (index, value) in changes {
            // The first bytes are metadata, where a change breaks most.
            let at = index.index(bytes.len().min(2000));
            bytes[at] = value;
        }
        let end = bytes.len() - cut.index(bytes.len()) % 500;
        bytes.truncate(end);
        let _ = read(bytes);
    }
}
