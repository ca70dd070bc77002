//! Any bytes as a table of samples, or as arrays of them: what is read has a label and a row each.

#![no_main]

use std::{fs, process};

use libfuzzer_sys::fuzz_target;
use modelward_engine::Limits;
use modelward_lab::samples::{Options, Samples};

fuzz_target!(|data: &[u8]| {
    let kinds = ["csv", "tsv", "npz", "png"];
    let Some((kind, data)) = data.split_first() else { return };
    let kind = kinds[usize::from(*kind) % kinds.len()];
    let path = std::env::temp_dir().join(format!("samples-{}.{kind}", process::id()));
    if fs::write(&path, data).is_err() {
        return;
    }
    let limits = Limits { memory: 64 << 20, file: 1 << 20, ..Limits::default() };
    let options = Options { label: (kind != "npz").then(|| "y".to_owned()), limits };
    if let Ok(samples) = Samples::read(&path, &options) {
        assert_eq!(samples.x.len(), samples.len() * samples.width());
        assert!(samples.y.as_ref().is_none_or(|labels| labels.len() == samples.len()));
        let _ = samples.first(1);
    }
});
