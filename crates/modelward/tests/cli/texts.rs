//! Attacks on a classifier of texts that ships with the project.

use std::path::Path;

use serde_json::Value;

use crate::{Bench, Run};

/// A folder with the classifier, its tokenizer and texts.
fn guard() -> Bench {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/robustness");
    for name in ["guard.onnx", "guard.tokenizer.json", "guard.csv"] {
        bench.file(name, &std::fs::read(folder.join(name)).unwrap());
    }
    bench.file("words.tsv", b"ignore\tskip\toverlook\nreveal\tshow\nforget\tdrop\n");
    bench
}

const ATTACK: [&str; 10] = [
    "attack",
    "guard.onnx",
    "--data",
    "guard.csv",
    "--tokenizer",
    "guard.tokenizer.json",
    "--effort",
    "quick",
    "--samples",
    "24",
];

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap()
}

fn measured(bench: &Bench, more: &[&str]) -> (i32, Value) {
    let run = bench.run(&[&ATTACK[..], more, &["--format", "json"]].concat());
    (run.code, json(&run)["measurements"][0].clone())
}

#[test]
fn texts_are_attacked_and_each_witness_is_written() {
    let bench = guard();
    let more = ["--edits", "2", "--words", "words.tsv", "--witnesses", "w.jsonl"];
    let (code, found) = measured(&bench, &more);
    assert_eq!(code, 0, "{found}");
    assert_eq!(found["kind"], "text-robustness");
    assert_eq!(found["clean_accuracy"]["value"], 1.0);
    let families = found["per_family"].as_array().unwrap();
    let names = families.iter().map(|family| family["family"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["homoglyph", "invisible", "typo", "words", "mixed"]);
    let lines = std::fs::read_to_string(bench.path("w.jsonl")).unwrap();
    assert!(lines.is_ascii() && !lines.is_empty());
    assert_eq!(lines.lines().count() as u64, found["witnesses"].as_u64().unwrap());
    for line in lines.lines() {
        let witness: Value = serde_json::from_str(line).unwrap();
        assert_ne!(witness["label"], witness["predicted"]);
        assert_ne!(witness["original"], witness["adversarial"]);
        assert!((1..=2).contains(&witness["edits"].as_array().unwrap().len()));
    }
}

#[test]
fn threads_change_nothing_of_texts() {
    let bench = guard();
    let of = |threads: &str| {
        let (_, mut found) = measured(&bench, &["--threads", threads]);
        let fields = found.as_object_mut().unwrap();
        for name in ["seconds_cpu", "peak_bytes", "threads"] {
            fields.remove(name);
        }
        for family in fields["per_family"].as_array_mut().unwrap() {
            family.as_object_mut().unwrap().remove("seconds_cpu");
        }
        found
    };
    assert_eq!(of("1"), of("3"));
}

#[test]
fn a_run_that_is_cut_short_says_so_in_every_form() {
    let bench = guard();
    let (code, found) = measured(&bench, &["--max-time", "1ms"]);
    assert_eq!(code, 3, "{found}");
    assert_eq!(
        (&found["reliability"], &found["stopped"]),
        (&"unknown".into(), &"the time is up".into())
    );
    let family = &found["per_family"][0];
    assert_eq!((&family["tried"], &family["stopped"]), (&0.into(), &"the time is up".into()));
    assert_eq!(family["robust_accuracy"], Value::Null);
    let run = bench.run(&[&ATTACK[..], &["--max-time", "1ms"]].concat());
    assert!(run.out.contains("unknown: the time is up"), "{}", run.out);
    assert!(!run.out.contains("no text has a place"), "{}", run.out);
}

#[test]
fn every_form_shows_texts_and_nothing_that_hides() {
    let bench = guard();
    for form in ["plain", "html", "sarif"] {
        let run = bench.run(&[&ATTACK[..], &["--fail-under", "1.0", "--format", form]].concat());
        assert_eq!(run.code, 1, "{}", run.out);
        assert!(run.out.contains("MW4005"), "{form}");
        assert!(!run.out.contains('\u{200b}') && !run.out.contains('\u{430}'), "{form}");
    }
}

#[test]
fn what_makes_no_sense_of_texts_is_refused() {
    let bench = guard();
    bench.file("none.json", b"{\"model\": {\"type\": \"None\"}}");
    bench.file("turned.csv", b"text,label\n");
    let refused = |more: &[&str], word: &str| {
        let run = bench.run(&[&ATTACK[..], more].concat());
        assert_eq!(run.code, 2, "{more:?}: {}", run.out);
        assert!(run.err.contains(word), "{more:?}: {}", run.err);
    };
    refused(&["--eps", "0.1"], "--eps");
    refused(&["--families", "words"], "--words");
    refused(&["--families", "runes"], "runes");
    refused(&["--text", "body"], "`body`");
    refused(&["--classes", "ham,spam"], "expected one of ham, spam");
    refused(&["--host", "example"], "served");
    refused(&["--witnesses", "guard.tokenizer.json"], "which is a file of the target");
    let run =
        bench.run(&["attack", "guard.onnx", "--data", "guard.csv", "--tokenizer", "none.json"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("cannot read `none.json`"), "{}", run.err);
    let run = bench.run(&["attack", "guard.onnx", "--data", "guard.csv", "--edits", "2"]);
    assert_eq!(run.code, 2);
}

#[test]
fn a_classifier_that_is_wrong_from_the_start_is_not_attacked() {
    let bench = guard();
    let run =
        bench.run(&[&ATTACK[..], &["--classes", "benign,attack", "--format", "json"]].concat());
    let report = json(&run);
    assert_eq!((run.code, &report["findings"][0]["rule"]), (1, &"MW4003".into()), "{report}");
    let message = report["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("other order: 24"), "{message}");
}
