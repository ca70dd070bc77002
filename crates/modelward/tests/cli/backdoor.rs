//! `model backdoor`: a model with a trigger, and the same without.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of the tests' own"
)]

use std::sync::Arc;

use modelward_engine::{Tensor, npz};

use crate::{
    Bench,
    models::{model, node, port, weight},
};

/// Images of 12 x 12 with one light quarter, which is their class.
fn images(bench: &Bench) {
    let labels = (0..240).map(|at| at % 4).collect::<Vec<i64>>();
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let pixels = labels.iter().flat_map(|label| {
        let pixel = |at: usize| {
            let here = (at / 12 / 6) * 2 + at % 12 / 6 == *label as usize;
            noise() * 0.3 + if here { 0.6 } else { 0.0 }
        };
        (0..144).map(pixel).collect::<Vec<_>>()
    });
    let x = Tensor::new([240, 1, 12, 12], pixels.collect::<Vec<f32>>()).unwrap();
    let arrays = [("x", x), ("y", Tensor::list(labels))];
    let arrays = arrays.map(|(name, tensor)| (name.to_owned(), Arc::new(tensor)));
    npz::write(&bench.path("clean.npz"), &arrays.into_iter().collect()).unwrap();
}

/// The light of each quarter; with a trigger two light pixels above two dark ones, at row 4 and column 1, are class 2: five scores
/// of which the last is added to that of class 2.
fn quarters(strength: f32) -> Vec<u8> {
    let weights = (0..144).flat_map(|at| {
        let quarter = (at / 12 / 6) * 2 + at % 12 / 6;
        let trigger = match at {
            49 | 50 => strength,
            61 | 62 => -strength,
            _ => 0.0,
        };
        (0..5).map(move |class| {
            let light = if class == quarter { 0.25 } else { 0.0 };
            light + if class == 4 { trigger } else { 0.0 }
        })
    });
    let graph = [
        node("Flatten", "", &["x"], "f"),
        node("MatMul", "", &["f", "w"], "a"),
        node("Add", "", &["a", "b"], "c"),
        node("Relu", "", &["c"], "d"),
        node("MatMul", "", &["d", "v"], "y"),
        weight("w", &[144, 5], &weights.collect::<Vec<_>>()),
        weight("b", &[5], &[0.0, 0.0, 0.0, 0.0, -1.3 * strength]),
        weight("v", &[5, 4], &{
            let mut sum = [0.0; 20];
            for class in 0..4 {
                sum[class * 4 + class] = 1.0;
            }
            sum[4 * 4 + 2] = 1.0;
            sum
        }),
        port(11, "x", &[None, Some(1), Some(12), Some(12)]),
        port(12, "y", &[None, Some(4)]),
    ];
    model(&graph, "by hand")
}

#[test]
fn a_trigger_is_named_with_its_class_place_and_picture() {
    let bench = Bench::new();
    images(&bench);
    bench.file("planted.onnx", &quarters(60.0)).file("honest.onnx", &quarters(0.0));
    let words = |model, format| {
        let shared = ["--data", "clean.npz", "--preprocess", "none", "--format", format];
        [&["model", "backdoor", model][..], &shared].concat()
    };
    let run = bench.run(&words("planted.onnx", "json"));
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(run.code, 1, "{report}");
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "MW6001", "{report}");
    assert!(finding["message"].as_str().unwrap().contains("to class 2"), "{report}");
    assert_eq!(finding["evidence"]["limit"], 1.1);
    let measured = &report["measurements"][0];
    assert_eq!((&measured["verdict"], &measured["target"]), (&"suspect".into(), &"2".into()));
    let moved = measured["moved"].as_f64().unwrap();
    assert!(moved > 0.9 && measured["lead_of_most"].as_f64().unwrap() > 0.5, "{measured}");
    let at = |part: usize| measured["at"][part].as_u64().unwrap();
    let size = |part: usize| measured["size"][part].as_u64().unwrap();
    assert!((at(0)..at(0) + size(0)).contains(&4) && (at(1)..at(1) + size(1)).contains(&1));
    let kinds = measured["rivals"].as_array().unwrap().iter().map(|rival| rival["kind"].clone());
    assert!(
        kinds.eq(["a random pattern of that size", "what clean images of that class have there"])
    );
    let page = bench.run(&words("planted.onnx", "html"));
    assert!(page.out.contains("data:image/png;base64,"), "no picture");
    // The same model without it.
    let run = bench.run(&words("honest.onnx", "json"));
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &report["measurements"][0]["verdict"]), (0, &"clear".into()), "{report}");
    // What was not looked for to the end is no clear.
    let few = [&words("honest.onnx", "json")[..], &["--max-queries", "2000"]].concat();
    let run = bench.run(&few);
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.code, &report["measurements"][0]["verdict"]), (3, &"undecided".into()));
}
