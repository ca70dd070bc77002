//! Trees predict what their libraries predict, to the last bit of their float type.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use modelward_engine::{Data, Kind, Limits, Tensor, npz, trees::Ensemble};

const MODELS: &[&str] = &[
    "xgb-regression.json",
    "xgb-binary-missing.ubj",
    "xgb-softprob.json",
    "xgb-softmax.ubj",
    "xgb-dart.json",
    "xgb-forest.json",
    "xgb-poisson.json",
    "xgb-logitraw.json",
    "xgb-hinge.json",
    "xgb-categories.ubj",
    "xgb-targets.json",
    "xgb-vectors.ubj",
    "lgb-regression.txt",
    "lgb-binary-missing.txt",
    "lgb-zero-missing.txt",
    "lgb-no-missing.txt",
    "lgb-multiclass.txt",
    "lgb-ova.txt",
    "lgb-categories.txt",
    "lgb-dart.txt",
    "lgb-forest.txt",
    "lgb-poisson.txt",
    "lgb-constant.txt",
    "lgb-sqrt.txt",
    "lgb-cross-entropy-lambda.txt",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/trees")
}

/// How many elements differ, and the largest difference, relative.
fn apart(got: &Tensor, expected: &Tensor) -> (usize, f64) {
    let bits = |tensor: &Tensor| -> Vec<u64> {
        match tensor.data() {
            Data::F32(v) => v.iter().map(|v| v.to_bits().into()).collect(),
            Data::F64(v) => v.iter().map(|v| v.to_bits()).collect(),
            _ => Vec::new(),
        }
    };
    assert_eq!(got.dims(), expected.dims());
    let different = bits(got).iter().zip(&bits(expected)).filter(|(a, b)| a != b).count();
    let (got, expected) = (got.floats().unwrap(), expected.floats().unwrap());
    let far = got.iter().zip(&expected).map(|(a, b)| (a - b).abs() / b.abs().max(1e-30));
    (different, far.fold(0.0, f64::max))
}

#[test]
fn predictions_are_those_of_the_libraries() {
    let folder = fixtures();
    let expected = npz::read_file(&folder.join("expected.npz"), &Limits::default()).unwrap();
    let mut wrong = Vec::new();
    for file in MODELS {
        let name = file.split('.').next().unwrap();
        let find = |part: &str| &expected[&format!("{name}.{part}")];
        let ensemble = Ensemble::read(&fs::read(folder.join(file)).unwrap());
        let found = ensemble.and_then(|ensemble| ensemble.predict(find("x")));
        let found = match found {
            Ok(found) => found,
            Err(trouble) => {
                wrong.push(format!("{file}: {trouble}"));
                continue;
            }
        };
        let element = if file.starts_with("xgb") { "f32" } else { "f64" };
        assert_eq!(found.raw.element().to_string(), element);
        let (different, far) = apart(&found.raw, find("raw"));
        if different > 0 {
            wrong.push(format!("{file}: {different} raw scores differ, by {far:.1e}"));
        }
        let out = find("out").cast(found.transformed.element()).unwrap();
        let (different, far) = apart(&found.transformed, &out);
        // Exponentials differ by platform.
        let most = if element == "f32" { 3e-7 } else { 1e-15 };
        if far > most {
            wrong.push(format!("{file}: {different} predictions differ, by {far:.1e}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn kind(model: &str) -> Kind {
    Ensemble::read(model.as_bytes()).unwrap_err().kind
}

/// A model of XGBoost with one tree that has these lists.
fn forged(replace: &[(&str, &str)]) -> String {
    let mut text =
        r#"{"learner":{"gradient_booster":{"name":"gbtree","model":{"tree_info":[0],"trees":[{
        "left_children":[1,-1,-1],"right_children":[2,-1,-1],"split_indices":[0,0,0],
        "split_conditions":[5E-1,1E0,2E0],"default_left":[0,0,0]}]}},
        "learner_model_param":{"base_score":"5E-1","num_class":"0","num_feature":"2"},
        "objective":{"name":"reg:squarederror"}}}"#
            .to_owned();
    for (from, to) in replace {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

#[test]
fn a_stump_of_an_old_version() {
    let ensemble = Ensemble::read(forged(&[("[0,0,0],\n", "[0,0,0],\n ")]).as_bytes()).unwrap();
    let rows = Tensor::new([3, 2], vec![0.4_f32, 0.0, 0.5, 0.0, f32::NAN, 0.0]).unwrap();
    let found = ensemble.predict(&rows).unwrap();
    assert_eq!(found.raw.values::<f32>().unwrap(), [1.5, 2.5, 2.5]);
    let left =
        Ensemble::read(forged(&[(r#""default_left":[0"#, r#""default_left":[true"#)]).as_bytes());
    let found = left.unwrap().predict(&rows).unwrap();
    assert_eq!(found.raw.values::<f32>().unwrap(), [1.5, 2.5, 1.5]);
}

/// A dump of XGBoost with a tree of a branch, and one that is a leaf.
const DUMP: &str = r#"[
  { "nodeid": 0, "depth": 0, "split": 1, "split_condition": 0.1, "yes": 1, "no": 2, "missing": 2,
    "children": [ { "nodeid": 1, "leaf": -0.5 }, { "nodeid": 2, "leaf": 0.25 } ] },
  { "nodeid": 0, "leaf": 0.125 }
]"#;

#[test]
fn a_dump_is_a_margin_of_two_classes() {
    let rows = vec![0.0, 0.1_f32.next_down(), 0.0, 0.1, 0.0, f32::NAN];
    let rows = Tensor::new([3, 2], rows).unwrap();
    let named = DUMP.replace(r#""split": 1"#, r#""split": "f1""#);
    for dump in [DUMP, &named] {
        let found = Ensemble::read(dump.as_bytes()).unwrap().predict(&rows).unwrap();
        assert_eq!(found.raw.values::<f32>().unwrap(), [-0.375, 0.375, 0.375]);
        assert_eq!(found.transformed.values::<f32>().unwrap(), [0.0, 1.0, 1.0]);
    }
    for (from, to, kind) in [
        (r#""yes": 1"#, r#""yes": 7"#, Kind::Graph),
        (r#""leaf": -0.5"#, r#""leaf": "no""#, Kind::Graph),
        (r#""split": 1"#, r#""split": -1"#, Kind::Unsupported),
        (r#""split": 1"#, r#""split": "age""#, Kind::Unsupported),
        (r#""split": 1"#, r#""split": 99999999"#, Kind::Unsupported),
        ("\n]", "", Kind::Malformed),
    ] {
        assert!(DUMP.contains(from), "{from}");
        assert_eq!(self::kind(&DUMP.replace(from, to)), kind, "{to}");
    }
}

#[test]
fn forged_trees_are_refused() {
    let graph = [
        ("cycle", r#""left_children":[1,-1,-1]"#, r#""left_children":[0,-1,-1]"#),
        ("a child that is not there", r#""left_children":[1"#, r#""left_children":[7"#),
        ("both children one branch", r#"[2,-1,-1]"#, r#"[0,-1,-1]"#),
        ("lists of other lengths", r#"[2,-1,-1]"#, r#"[2,-1]"#),
        ("a feature that is not there", r#""split_indices":[0"#, r#""split_indices":[2"#),
        ("a negative feature", r#""split_indices":[0"#, r#""split_indices":[-2"#),
        ("a group that is not there", r#""tree_info":[0]"#, r#""tree_info":[3]"#),
        ("no tree for the group", r#""tree_info":[0]"#, r#""tree_info":[0,0]"#),
        ("a threshold that is no number", "5E-1,1E0", "nought,1E0"),
        ("a base score that is no number", r#""5E-1""#, r#""x""#),
        ("two base scores for one target", r#""5E-1""#, r#""[1,2]""#),
    ];
    for (why, from, to) in graph {
        assert_eq!(kind(&forged(&[(from, to)])), Kind::Graph, "{why}");
    }
    let limit = forged(&[(r#""num_class":"0""#, r#""num_class":"4611686018427387904""#)]);
    assert_eq!(kind(&limit), Kind::Limit);
    assert_eq!(kind(&"{\"a\":".repeat(100_000)), Kind::Limit);
    assert_eq!(kind(&format!("{{\"a\":{}", "[".repeat(100_000))), Kind::Limit);
    assert_eq!(kind(&forged(&[("gbtree", "gblinear")])), Kind::Unsupported);
    assert_eq!(kind("hello"), Kind::Unsupported);
    assert_eq!(kind("tree\nversion=v9\n"), Kind::Unsupported);
    assert_eq!(kind("{"), Kind::Malformed);
    assert_eq!(kind("{L"), Kind::Malformed);
}

#[test]
fn every_prefix_and_every_changed_byte_is_answered() {
    let folder = fixtures();
    for file in ["xgb-categories.ubj", "xgb-vectors.ubj", "xgb-forest.json", "lgb-categories.txt"] {
        let bytes = fs::read(folder.join(file)).unwrap();
        for end in (0..bytes.len()).step_by(7) {
            let _ = Ensemble::read(&bytes[..end]);
        }
        for at in (0..bytes.len()).step_by(5) {
            for value in [0, 0xff, b'9', b'-', bytes[at] ^ 1] {
                let mut changed = bytes.clone();
                changed[at] = value;
                if let Ok(ensemble) = Ensemble::read(&changed) {
                    let rows = vec![0.5_f32; ensemble.features.min(64) * 2];
                    let rows = Tensor::new([2, ensemble.features.min(64)], rows).unwrap();
                    let _ = ensemble.predict(&rows);
                }
            }
        }
    }
}
