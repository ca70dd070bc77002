//! Operators of ONNX-ML make of rows what ONNX Runtime makes of them.

use std::path::Path;

use modelward_engine::{
    Data, Limits, Model, Tensor,
    npz::{self, Arrays},
};
use modelward_formats::Bytes;

/// Trees, without what exponentials make of them, to the last bit; all else nearly.
fn exact(name: &str) -> bool {
    let trees = name.starts_with("regressor") || name.starts_with("ensemble");
    trees && !["softmax", "logistic", "probit", "transform"].iter().any(|part| name.contains(part))
}

fn same(name: &str, expected: &Tensor, got: &Tensor) -> bool {
    if expected.kind() != got.kind() {
        return false;
    }
    if let (Data::Text(expected), Data::Text(got)) = (expected.data(), got.data()) {
        return expected == got;
    }
    let (expected, got) = (expected.floats().unwrap(), got.floats().unwrap());
    let most = if exact(name) { 0.0 } else { 1e-5 };
    expected.iter().zip(&got).all(|(e, g)| {
        e == g || (e.is_nan() && g.is_nan()) || (e - g).abs() <= most * (0.1 + e.abs())
    })
}

#[test]
fn operators_agree_with_onnx_runtime() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ml/cases.npz");
    let limits = Limits::default();
    let arrays = npz::read_file(&path, &limits).unwrap();
    let part = |prefix: String| -> Arrays {
        let own = arrays.iter().filter_map(|(key, tensor)| {
            Some((key.strip_prefix(&prefix)?.to_owned(), tensor.clone()))
        });
        own.collect()
    };
    let mut wrong = Vec::new();
    let mut cases = 0;
    for name in arrays.keys().filter_map(|key| key.strip_suffix("/model")) {
        cases += 1;
        let bytes = Bytes::from(arrays[&format!("{name}/model")].values::<u8>().unwrap());
        let found = Model::from_bytes(bytes, None, &limits).and_then(|model| {
            let fed = model.feed(&part(format!("{name}/in/")))?;
            model.run(&fed, &limits)
        });
        let found = match found {
            Ok(found) => found,
            Err(trouble) => {
                wrong.push(format!("{name}: {trouble}"));
                continue;
            }
        };
        for (output, expected) in &part(format!("{name}/out/")) {
            let found = &found[output];
            if !same(name, expected, found) {
                wrong.push(format!("{name}, {output}: expected {expected:?}, got {found:?}"));
            }
        }
    }
    assert!(cases > 100, "{cases}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
