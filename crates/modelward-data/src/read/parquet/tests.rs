#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of the tests' own"
)]

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int64Array, ListArray,
    RecordBatch, StringArray, types::Int32Type,
};
use arrow_select::concat::concat_batches;
use parquet::{
    arrow::ArrowWriter,
    file::properties::{WriterProperties, WriterVersion},
};
use proptest::prelude::*;

use super::*;

/// Rows of many types, some of them missing.
fn rows(seeds: &[Option<i64>]) -> RecordBatch {
    let whole: ArrayRef = Arc::new(Int64Array::from(seeds.to_vec()));
    let real = seeds.iter().map(|seed| seed.map(|seed| seed as f32 / 3.0));
    let real: ArrayRef = Arc::new(real.collect::<Float32Array>());
    let sure = seeds.iter().map(|seed| seed.unwrap_or(0) as f64);
    let sure: ArrayRef = Arc::new(Float64Array::from_iter_values(sure));
    let truth = seeds.iter().map(|seed| seed.map(|seed| seed % 2 == 0));
    let truth: ArrayRef = Arc::new(truth.collect::<BooleanArray>());
    let text =
        seeds.iter().map(|seed| seed.map(|seed| "wörd".repeat(seed.unsigned_abs() as usize % 5)));
    let text: ArrayRef = Arc::new(text.collect::<StringArray>());
    let bytes = seeds.iter().map(|seed| seed.map(|seed| seed.to_le_bytes()));
    let bytes: ArrayRef = Arc::new(bytes.collect::<BinaryArray>());
    let list = seeds.iter().map(|seed| {
        seed.map(|seed| {
            (0..seed.rem_euclid(4))
                .map(|item| (item != 2).then_some(item as i32))
                .collect::<Vec<_>>()
        })
    });
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(list));
    RecordBatch::try_from_iter([
        ("whole", whole),
        ("real", real),
        ("sure", sure),
        ("truth", truth),
        ("text", text),
        ("bytes", bytes),
        ("list", list),
    ])
    .unwrap()
}

fn written(rows: &RecordBatch, second: bool, dictionary: bool, group: usize) -> Vec<u8> {
    let version = if second { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_dictionary_enabled(dictionary)
        .set_data_page_row_count_limit(7)
        .set_write_batch_size(5)
        .set_max_row_group_row_count(Some(group));
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties.build())).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
    bytes
}

fn read(bytes: Vec<u8>, limits: Limits) -> Result<RecordBatch, Unread> {
    let source = Source { path: "x".into(), name: "x".into() };
    let set = open(&source, &bytes.into(), &Options { limits, ..Options::default() })?;
    let mut batches = Vec::new();
    set.walk(|batch| {
        batches.push(batch.rows.clone());
        Ok(())
    })?;
    Ok(concat_batches(&set.schema, &batches).unwrap())
}

#[test]
fn rows_that_the_footer_makes_up_are_refused() {
    let good = written(&rows(&[Some(1); 40]), false, true, 100);
    let footer =
        modelward_formats::parquet::read(&good.clone().into(), &budget(&Limits::default()));
    let start = usize::try_from(footer.unwrap().unwrap().place.start).unwrap();
    // Forty rows are written as 80, in the file and in its row group.
    let mut lies = good.clone();
    for at in start..good.len() {
        if good[at] == 80 && good[at - 1] == 0x16 {
            lies[at] = 90;
        }
    }
    assert!(read(good, Limits::default()).is_ok());
    let unread = read(lies, Limits::default()).unwrap_err();
    assert!(unread.why.contains("expected 45 rows"), "{}", unread.why);
}

#[test]
fn long_texts_come_in_smaller_batches() {
    // One text of 40 kB is named in every row: ten of them are more than a batch may have.
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(40_000); 100]));
    let rows = RecordBatch::try_from_iter([("text", text)]).unwrap();
    let limits = Limits { memory: 3 << 20, ..Limits::default() };
    for (dictionary, second) in [(true, false), (true, true), (false, false)] {
        let bytes = written(&rows, second, dictionary, 100);
        let source = Source { path: "x".into(), name: "x".into() };
        let set = open(&source, &bytes.into(), &Options { limits, ..Options::default() }).unwrap();
        let (mut most, mut all) = (0, 0);
        set.walk(|batch| {
            most = most.max(batch.len());
            all += batch.len();
            Ok(())
        })
        .unwrap();
        assert!(all == 100 && most <= 10, "{all} rows, {most} at a time");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_written_is_read(
        seeds in prop::collection::vec(prop::option::of(-50_i64..50), 1..80), second: bool, dictionary: bool, group in 1_usize..60)
    {
        let rows = rows(&seeds);
        let got = read(written(&rows, second, dictionary, group), Limits::default()).unwrap();
        prop_assert_eq!(got.columns(), rows.columns());
    }

    #[test]
    fn broken_files_are_refused_or_read(
        second: bool, dictionary: bool, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6))
    {
        let seeds = (0..40).map(|seed| (seed % 7 != 0).then_some(seed)).collect::<Vec<_>>();
        let mut bytes = written(&rows(&seeds), second, dictionary, 25);
        for (index, value) in changes {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let limits = Limits { memory: 64 << 20, ..Limits::default() };
        let _ = read(bytes, limits);
    }
}
