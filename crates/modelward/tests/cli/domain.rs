//! `--spec`, `--patch` and `--spatial`: what an attacker may do beside a norm.

use std::sync::Arc;

use modelward_engine::{Tensor, npz};

use crate::{
    Bench,
    models::{model, node, port, weight},
};

/// Class 1 where `age + de + fr` is above 2.5.
fn linear() -> Vec<u8> {
    let graph = [
        node("MatMul", "", &["x", "w"], "a"),
        node("Add", "", &["a", "b"], "y"),
        weight("w", &[3, 2], &[0.0, 1.0]),
        weight("b", &[2], &[2.5, 0.0]),
        port(11, "x", &[None, Some(3)]),
        port(12, "y", &[None, Some(2)]),
    ];
    model(&graph, "by hand")
}

const SPEC: &str = "[feature.age]\nkind = \"int\"\nmin = 0\nmax = 4\n\
    [feature.de]\nkind = \"onehot:country\"\n[feature.fr]\nkind = \"onehot:country\"\n";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.file("m.onnx", &linear());
    bench.file("d.csv", b"age,de,fr,label\n1,1,0,0\n0,1,0,0\n");
    bench.file("s.toml", SPEC.as_bytes());
    bench
}

fn measurement(bench: &Bench, arguments: &[&str]) -> serde_json::Value {
    let shared = ["m.onnx", "--data", "d.csv", "--label", "label", "--clip", "none"];
    let more = ["--preprocess", "none", "--format", "json"];
    let run = bench.run(&[&arguments[..1], &shared[..], &more, &arguments[1..]].concat());
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    report["measurements"][0].clone()
}

/// The second sample falls only to two countries at once, or to a country that is more than one.
#[test]
fn attack_and_certificate_read_the_same_rules() {
    let bench = bench();
    let free = measurement(&bench, &["attack", "--eps", "1"]);
    assert_eq!(free["robust_accuracy"]["value"], 0.0, "{free}");
    let bound = measurement(&bench, &["attack", "--eps", "1", "--spec", "s.toml"]);
    assert_eq!(bound["robust_accuracy"]["value"], 0.5, "{bound}");
    assert_eq!(bound["spec"], "s.toml");
    let proven = measurement(&bench, &["certify", "--eps", "1", "--spec", "s.toml"]);
    assert_eq!(proven["certified_accuracy"]["value"], 0.5, "{proven}");
    assert_eq!(proven["violated"]["value"], 0.5, "{proven}");
    assert_eq!(proven["spec"], "s.toml");
}

#[test]
fn rules_that_cannot_be_are_refused() {
    let bench = bench();
    bench.file("wrong.toml", b"[feature.height]\nmin = 0\n");
    let attack = ["attack", "m.onnx", "--data", "d.csv", "--label", "label", "--clip", "0,4"];
    for (more, says) in [
        (&["--eps", "1", "--spec", "wrong.toml"][..], "height"),
        (&["--eps", "1", "--spec", "none.toml"], "none.toml"),
        (&["--spec", "wrong.toml"], "give `--eps` too"),
        (&["--eps", "1", "--patch", "2"], "--patch"),
        (&["--patch", "2"], "expected images"),
        (&["--spatial", "30,3"], "expected images"),
        (&["--spatial", "30"], "30,3"),
        (&[], "--eps"),
    ] {
        let run = bench.run(&[&attack[..], more].concat());
        assert!(run.code == 2 && run.err.contains(says), "{more:?}: {} {}", run.code, run.err);
    }
}

/// Class 1 where the four numbers of the upper left corner sum to more than 2.
#[test]
fn patches_and_places_of_images() {
    let bench = Bench::new();
    let flat = [
        node("Flatten", "", &["x"], "f"),
        node("MatMul", "", &["f", "w"], "a"),
        node("Add", "", &["a", "b"], "y"),
        weight("w", &[16, 2], &corner()),
        weight("b", &[2], &[2.0, 0.0]),
        port(11, "x", &[None, Some(1), Some(4), Some(4)]),
        port(12, "y", &[None, Some(2)]),
    ];
    bench.file("m.onnx", &model(&flat, "by hand"));
    // A black image and a white one.
    let pixels = [[0.0_f32; 16], [1.0; 16]].concat();
    let x = Tensor::new([2, 1, 4, 4], pixels).unwrap();
    let arrays = [("x", x), ("y", Tensor::list(vec![0_i64, 1]))];
    let arrays = arrays.map(|(name, tensor)| (name.to_owned(), Arc::new(tensor)));
    npz::write(&bench.path("d.npz"), &arrays.into_iter().collect()).unwrap();
    let attack = |more: &[&str]| {
        let shared = ["attack", "m.onnx", "--data", "d.npz", "--preprocess", "none"];
        let run = bench.run(&[&shared[..], &["--format", "json"], more].concat());
        let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        report["measurements"][0].clone()
    };
    let wide = attack(&["--patch", "2"]);
    assert_eq!((&wide["robust_accuracy"]["value"], &wide["patch"]), (&0.0.into(), &2.into()));
    assert!(wide["norm"].is_null() && wide["eps"].is_null(), "{wide}");
    // One number of four is not enough for the black image, nor for the white one.
    let narrow = attack(&["--patch", "1"]);
    assert_eq!(narrow["robust_accuracy"]["value"], 1.0, "{narrow}");
    // A black image stays black; a white one leaves the corner.
    let moved = attack(&["--spatial", "0,2"]);
    assert_eq!(moved["robust_accuracy"]["value"], 0.5, "{moved}");
    assert_eq!(moved["spatial"], serde_json::json!([0.0, 2.0]));
}

/// Weights `[16, 2]`: of class 1 the upper left corner.
fn corner() -> Vec<f32> {
    let weight = |at: usize| f32::from(u8::from(at / 4 < 2 && at % 4 < 2));
    (0..16).flat_map(|at| [0.0, weight(at)]).collect()
}
