//! `modelward attack` on trees: no gradient is needed where every sample is settled exactly.

use std::sync::Arc;

use modelward_engine::{Tensor, npz};
use serde_json::Value;

use crate::Bench;

/// A dump of XGBoost: class 1 where the first feature is not below 0.5.
const STUMP: &str = r#"[{"nodeid": 0, "depth": 0, "split": "0", "split_condition": 0.5,
  "yes": 1, "no": 2, "missing": 1, "children": [
    {"nodeid": 1, "leaf": -1.0}, {"nodeid": 2, "leaf": 1.0}]}]"#;

fn bench() -> Bench {
    let bench = Bench::new();
    bench.file("stump.json", STUMP.as_bytes());
    let x = vec![0.1_f32, 0.375, 0.6, 0.9, 0.3, 0.8];
    let arrays =
        [("x", Tensor::new([6, 1], x).unwrap()), ("y", Tensor::list(vec![0_i64, 0, 1, 1, 0, 1]))];
    let arrays = arrays.into_iter().map(|(name, tensor)| (name.to_owned(), Arc::new(tensor)));
    npz::write(&bench.path("xy.npz"), &arrays.collect()).unwrap();
    bench
}

fn measured(bench: &Bench, more: &[&str]) -> Value {
    let common = ["attack", "stump.json", "--data", "xy.npz", "--format", "json"];
    let run = bench.run(&[&common[..], more].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let report = serde_json::from_str::<Value>(&run.out).unwrap();
    report["measurements"][0].clone()
}

#[test]
fn trees_are_settled_exactly_in_linf() {
    let bench = bench();
    // 0.375 reaches 0.5 by 0.125 exactly, and by nothing less; 0.6 is at most 0.1 from below 0.5.
    for (eps, stood) in [("0.125", 4), ("0.1249999", 5), ("0.05", 6), ("1/5", 3)] {
        let measured = measured(&bench, &["--eps", eps, "--effort", "quick"]);
        assert_eq!(measured["proven"], stood, "{measured}");
        let robust = measured["robust_accuracy"]["value"].as_f64().unwrap();
        assert!((robust - f64::from(stood) / 6.0).abs() < 1e-9, "{eps}: {measured}");
        assert_eq!(measured["steps"].as_array().unwrap().len(), 1);
        assert_eq!(measured["reliability"], "trustworthy");
    }
}

#[test]
fn trees_are_attacked_by_scores_and_labels_in_other_norms() {
    let bench = bench();
    let measured = measured(&bench, &["--eps", "0.15", "--norm", "l2"]);
    let robust = measured["robust_accuracy"]["value"].as_f64().unwrap();
    assert!((robust - 4.0 / 6.0).abs() < 1e-9, "{measured}");
    assert_eq!((&measured["proven"], &measured["reliability"]), (&0.into(), &"trustworthy".into()));
}
