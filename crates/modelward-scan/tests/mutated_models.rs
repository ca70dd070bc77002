//! ONNX models with some bytes changed: whatever they are then, they are judged, without a panic, to
//! the same end each time.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test")]

use std::{fs, path::Path, sync::LazyLock};

use modelward_core::Place;
use modelward_formats::Limits;
use modelward_scan::{Beside, Context, examine};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_model_with_bytes_changed_is_judged(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..64_u8), 1..12),
    ) {
        let mut bytes = which.get(&MODELS).clone();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                // Lengths stand everywhere, so most changes keep them.
                0 => bytes.insert(at, byte),
                1 => { bytes.remove(at); }
                2..=32 => bytes[at] = byte,
                _ => bytes[at] ^= 1 << (byte & 7),
            }
            if bytes.is_empty() {
                bytes.push(byte);
            }
        }
        let context = Context::new(Limits::default(), &[]);
        let judge = || {
            let mut examined = examine(&Place::file("m.onnx"), &bytes.as_slice().into(), &context);
            examined.settle(&|_| Beside::File(64));
            format!("{examined:?}")
        };
        prop_assert_eq!(judge(), judge());
    }
}

static MODELS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../modelward/tests/fixtures/real");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .collect::<Vec<_>>();
    paths.sort();
    assert!(paths.len() > 10, "only {} models were found", paths.len());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
});
