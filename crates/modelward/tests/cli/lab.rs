//! Attacks, certificates and witnesses: on a network and trees that ship with the project.

use std::path::Path;

use modelward_engine::npz;
use serde_json::Value;

use crate::{Bench, Run};

/// A folder with the network, the trees and the data.
fn tumours() -> Bench {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/robustness");
    for name in ["tumours.onnx", "tumours.npz", "tumours.xgboost.json"] {
        bench.file(name, &std::fs::read(folder.join(name)).unwrap());
    }
    bench
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

/// The measurement of a run.
fn measured(bench: &Bench, arguments: &[&str]) -> (i32, Value) {
    let run = bench.run(&[arguments, &["--format", "json"]].concat());
    (run.code, json(&run)["measurements"][0].clone())
}

const ATTACK: [&str; 6] = ["attack", "tumours.onnx", "--data", "tumours.npz", "--eps", "0.05"];
const CERTIFY: [&str; 6] = ["certify", "tumours.onnx", "--data", "tumours.npz", "--eps", "0.05"];

#[test]
fn an_attack_and_a_proof_meet() {
    let bench = tumours();
    let (code, attack) = measured(&bench, &[&ATTACK[..], &["--witnesses", "w.npz"]].concat());
    assert_eq!(code, 0, "{attack}");
    assert_eq!(attack["clean_accuracy"]["value"], 0.96);
    assert_eq!(attack["reliability"], "trustworthy", "{attack}");
    let robust = attack["robust_accuracy"]["value"].as_f64().unwrap();
    // Margin PGD with 20 restarts of 100 steps leaves as many.
    assert!((robust - 0.5667).abs() < 1e-4, "{robust}");
    let (code, certify) = measured(&bench, &CERTIFY);
    assert_eq!(code, 0, "{certify}");
    assert_eq!(certify["certified_accuracy"]["value"].as_f64().unwrap(), robust);
    assert_eq!(certify["unknown"]["value"], 0.0);

    // Every witness is inside the budget and wrong, by the model itself.
    let arrays =
        npz::read_file(&bench.path("w.npz"), &modelward_engine::Limits::default()).unwrap();
    let data =
        npz::read_file(&bench.path("tumours.npz"), &modelward_engine::Limits::default()).unwrap();
    let (x, index) = (arrays["x"].floats().unwrap(), arrays["index"].ints().unwrap());
    let (old, labels) = (data["x"].floats().unwrap(), data["y"].ints().unwrap());
    assert_eq!(index.len(), 59);
    let limits = modelward_engine::Limits::default();
    let model = modelward_engine::Model::read(&bench.path("tumours.onnx"), &limits).unwrap();
    let fed = vec![(model.graph.inputs[0], arrays["x"].clone())];
    let outputs = model.run(&fed, &limits).unwrap();
    let scores = outputs.values().next().unwrap().floats().unwrap();
    for (at, &sample) in index.iter().enumerate() {
        let sample = usize::try_from(sample).unwrap();
        let pairs = x[at * 30..][..30].iter().zip(&old[sample * 30..][..30]);
        assert!(
            pairs.clone().all(|(new, old)| (new - old).abs() <= 0.05 && (0.0..=1.0).contains(new))
        );
        let said = i64::from(scores[at * 2 + 1] > scores[at * 2]);
        assert_ne!(said, labels[sample]);
    }
}

#[test]
fn what_is_said_under_noise_is_certified_in_l2() {
    let bench = tumours();
    let smooth = ["certify", "tumours.onnx", "--data", "tumours.npz", "--norm", "l2", "--eps"];
    let noise = ["0.25", "--smooth", "0.25", "--noise-samples", "100,2000", "--verdicts", "v.npz"];
    let (code, certify) = measured(&bench, &[&smooth[..], &noise].concat());
    assert_eq!(code, 0, "{certify}");
    let certified = certify["certified_accuracy"]["value"].as_f64().unwrap();
    assert!(certified > 0.35 && certified < 0.5, "{certified}");
    let points = certify["smoothing"]["curve"].as_array().unwrap();
    assert_eq!(points.len(), 5);
    assert_eq!(points[2]["certified_accuracy"]["value"].as_f64().unwrap(), certified);
    let arrays =
        npz::read_file(&bench.path("v.npz"), &modelward_engine::Limits::default()).unwrap();
    let (verdicts, radii) = (arrays["verdict"].ints().unwrap(), arrays["radius"].floats().unwrap());
    for (verdict, radius) in verdicts.iter().zip(&radii) {
        assert_eq!(*verdict == 1, *radius >= 0.25, "{verdict} {radius}");
    }
    // More copies than anybody waits for are refused, and those that there is no time for not drawn.
    let copies = ["0.25", "--smooth", "0.25", "--noise-samples", "100,1000000000"];
    let run = bench.run(&[&smooth[..], &copies].concat());
    assert!(run.code == 2 && run.err.contains("10000000"), "{}", run.err);
    let late = ["0.25", "--smooth", "0.25", "--noise-samples", "10000000,10000000"];
    let late = [&late[..], &["--max-time-each", "1ms", "--samples", "5"]].concat();
    let (code, found) = measured(&bench, &[&smooth[..], &late].concat());
    assert_eq!((code, &found["unknown"]["value"]), (3, &1.0.into()), "{found}");
    // Nothing else is known in l2.
    assert_eq!(bench.run(&[&smooth[..], &["0.25"]].concat()).code, 2);
}

#[test]
fn threads_change_nothing() {
    let bench = tumours();
    let of = |threads: &str| {
        let (_, mut attack) = measured(&bench, &[&ATTACK[..], &["--threads", threads]].concat());
        let fields = attack.as_object_mut().unwrap();
        for name in ["seconds_cpu", "peak_bytes", "threads"] {
            fields.remove(name);
        }
        for step in fields["steps"].as_array_mut().unwrap() {
            step.as_object_mut().unwrap().remove("seconds_cpu");
        }
        attack
    };
    assert_eq!(of("1"), of("3"));
}

#[test]
fn a_gate_fails_the_run() {
    let bench = tumours();
    assert_eq!(bench.run(&[&ATTACK[..], &["--fail-under", "0.5"]].concat()).code, 0);
    let run = bench.run(&[&ATTACK[..], &["--fail-under", "60%", "--format", "json"]].concat());
    assert_eq!(run.code, 1);
    let report = json(&run);
    assert_eq!(report["findings"][0]["rule"], "MW4001");
    assert_eq!(report["findings"][0]["severity"], "high");
}

#[test]
fn distances_of_trees_are_those_of_integer_programming() {
    let bench = tumours();
    let trees = ["certify", "tumours.xgboost.json", "--data", "tumours.npz", "--eps", "0.05"];
    let more = ["--minimal", "--samples", "40", "--verdicts", "v.npz"];
    let (code, certify) = measured(&bench, &[&trees[..], &more].concat());
    assert_eq!(code, 0, "{certify}");
    let mean = certify["mean_minimal_distance"].as_f64().unwrap();
    assert!((mean - 0.105_415_264).abs() < 1e-6, "{mean}");
    let arrays =
        npz::read_file(&bench.path("v.npz"), &modelward_engine::Limits::default()).unwrap();
    assert_eq!(arrays["verdict"].ints().unwrap().iter().filter(|v| **v == -2).count(), 2);
    assert_eq!(arrays["witness"].dims(), [40, 30]);
}

/// A property of the network: a box around a point, and a class that is wrong there.
fn property(around: f64, size: f64, wrong: &str) -> String {
    let mut text = String::from("(declare-const Y_0 Real)\n(declare-const Y_1 Real)\n");
    for at in 0..30 {
        text += &format!("(declare-const X_{at} Real)\n");
        let (low, high) = (around - size, around + size);
        text += &format!("(assert (>= X_{at} {low}))\n(assert (<= X_{at} {high}))\n");
    }
    text + wrong
}

#[test]
fn a_property_holds_is_violated_or_is_not_known() {
    let bench = tumours();
    let above = "(assert (>= Y_0 Y_1))";
    let below = "(assert (<= Y_0 Y_1))";
    bench.file("above.vnnlib", property(0.3, 0.001, above).as_bytes());
    bench.file("below.vnnlib", property(0.3, 0.001, below).as_bytes());
    let of = |name: &str| {
        let words = ["certify", "tumours.onnx", "--property", name, "--witnesses", "w.npz"];
        measured(&bench, &words)
    };
    let both = [of("above.vnnlib"), of("below.vnnlib")];
    let verdicts = both.each_ref().map(|(code, found)| (*code, found["verdict"].as_str().unwrap()));
    // At one point one class wins, so one of the two is violated everywhere and the other holds.
    assert!(verdicts.contains(&(0, "holds")) && verdicts.contains(&(1, "violated")), "{both:?}");
    let violated = if verdicts[0].0 == 1 { "above.vnnlib" } else { "below.vnnlib" };

    // The witness is a counterexample, and one that was moved out of the box is none.
    let arrays =
        npz::read_file(&bench.path("w.npz"), &modelward_engine::Limits::default()).unwrap();
    let x = arrays["x"].floats().unwrap();
    let written = |x: &[f64]| {
        let points = x.iter().enumerate().map(|(at, x)| format!("(X_{at} {x:.20})\n"));
        format!("sat\n({}(Y_0 0.0)\n(Y_1 0.0))\n", points.collect::<String>())
    };
    bench.file("good.counterexample", written(&x).as_bytes());
    let mut moved = x.clone();
    moved[7] += 0.002;
    bench.file("moved.counterexample", written(&moved).as_bytes());
    let judge = |name: &str| measured(&bench, &["check-witness", "tumours.onnx", violated, name]);
    let (code, good) = judge("good.counterexample");
    assert_eq!((code, good["judgement"].as_str().unwrap()), (0, "valid"), "{good}");
    let (code, bad) = judge("moved.counterexample");
    assert_eq!((code, bad["judgement"].as_str().unwrap()), (1, "invalid"), "{bad}");
    assert_eq!(bad["inputs_outside"], 1);
}

#[test]
fn an_audit_runs_the_experiments_of_its_policy() {
    let bench = tumours();
    bench.file("m/README.md", b"# a model\n");
    let policy = "[[attack]]\nmodel = \"tumours.onnx\"\ndata = \"tumours.npz\"\neps = \"0.05\"\n\
                  effort = \"quick\"\nfail-under = 0.9\n";
    bench.file("modelward.toml", policy.as_bytes());
    let run = bench.run(&["audit", "m", "--format", "json"]);
    let report = json(&run);
    assert_eq!(run.code, 1, "{report}");
    assert_eq!(report["measurements"][0]["kind"], "attack");
    assert_eq!(report["findings"][0]["rule"], "MW4001");
    assert_eq!(bench.run(&["scan", "m"]).code, 0);
    bench.file("modelward.toml", policy.replace("effort", "efort").as_bytes());
    let run = bench.run(&["audit", "m"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("--efort") && run.err.contains("[[attack]]"), "{}", run.err);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_runs() {
    let bench = tumours();
    let refused = |more: &[&str], word: &str| {
        let run = bench.run(&[&["attack", "tumours.onnx", "--data", "tumours.npz"], more].concat());
        assert_eq!(run.code, 2, "{more:?}: {}", run.out);
        assert!(run.err.contains(word), "{more:?}: {}", run.err);
    };
    refused(&["--eps", "8"], "larger than the range");
    refused(&["--eps", "-1"], "expected a size");
    refused(&["--eps", "0.1", "--norm", "l7"], "unknown norm");
    refused(&["--eps", "0.1", "--clip", "1,0"], "expected a range");
    refused(&["--eps", "0.1", "--preprocess", "scale=0"], "scale");
    refused(&["--eps", "0.1", "--label", "nothing"], "nothing");
    refused(&["--eps", "0.1", "--samples", "0"], "from 1 on");
}

#[test]
fn what_is_read_is_never_written_over() {
    let bench = tumours();
    let before =
        ["tumours.onnx", "tumours.npz"].map(|name| std::fs::read(bench.path(name)).unwrap());
    for [verb, option, path] in [
        ["attack", "--witnesses", "tumours.onnx"],
        ["attack", "--witnesses", "tumours.npz"],
        ["attack", "--witnesses", "./tumours.npz"],
        ["certify", "--verdicts", "tumours.onnx"],
    ] {
        let words = [verb, "tumours.onnx", "--data", "tumours.npz", "--eps", "0.05", option, path];
        let run = bench.run(&words);
        assert_eq!(run.code, 2, "{words:?}: {}", run.out);
        assert!(run.err.contains("which is a file of the target"), "{}", run.err);
    }
    let after =
        ["tumours.onnx", "tumours.npz"].map(|name| std::fs::read(bench.path(name)).unwrap());
    assert!(before == after);
    // In an audit too.
    let policy = "[[attack]]\nmodel = \"tumours.onnx\"\ndata = \"tumours.npz\"\neps = \"0.05\"\n\
                  witnesses = \"tumours.npz\"\n";
    bench.file("m/README.md", b"# a model\n").file("modelward.toml", policy.as_bytes());
    assert_eq!(bench.run(&["audit", "m"]).code, 2);
}

#[test]
fn a_model_that_is_wrong_from_the_start_is_not_attacked() {
    let bench = tumours();
    let limits = modelward_engine::Limits::default();
    let mut arrays = npz::read_file(&bench.path("tumours.npz"), &limits).unwrap();
    let turned = arrays["y"].ints().unwrap().iter().map(|y| 1 - y).collect::<Vec<_>>();
    arrays.insert("y".into(), std::sync::Arc::new(modelward_engine::Tensor::list(turned)));
    npz::write(&bench.path("turned.npz"), &arrays).unwrap();
    let words =
        ["attack", "tumours.onnx", "--data", "turned.npz", "--eps", "0.05", "--format", "json"];
    let run = bench.run(&words);
    let report = json(&run);
    assert_eq!(
        (run.code, report["findings"][0]["rule"].as_str().unwrap()),
        (1, "MW4003"),
        "{report}"
    );
    assert!(report["measurements"].is_null());
}
