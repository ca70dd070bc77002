//! Any bytes as a data set: opening it and walking through its rows neither panics nor hangs, batches keep
//! to their bounds, and a second walk gives as many rows. Readers want a file: with the temporary folder in
//! memory (`TMPDIR`) that costs little.

#![no_main]

use std::{io::Write, time::Duration};

use libfuzzer_sys::fuzz_target;
use modelward_data::{
    Limits,
    read::{Options, open},
};

fuzz_target!(|data: &[u8]| {
    let Ok(mut file) = tempfile::NamedTempFile::new() else { return };
    if file.write_all(data).is_err() {
        return;
    }
    let limits = Limits {
        memory: 64 << 20,
        expanded: 16 << 20,
        pixels: 1 << 20,
        files: 10_000,
        time: Duration::from_secs(5),
        ..Limits::default()
    };
    let Ok(set) = open(file.path(), &Options { limits, label: None }) else { return };
    let walk = || {
        set.walk(|batch| {
            assert!(batch.len() <= 8192);
            assert_eq!(batch.rows.num_columns(), set.schema.fields().len());
            Ok(())
        })
        .map(|(rows, _)| rows)
    };
    assert_eq!(walk().ok(), walk().ok());
});
