//! `data check`, `clean` and `restore`: what is planted is found, and what is taken out comes back.

use std::fs;

use serde_json::Value;

use crate::Bench;

/// Two clouds of points, of which some have the label of the other; and a few odd cells.
fn table() -> (String, Vec<u64>) {
    let mut text = String::from("a,b,note,y\n");
    let mut wrong = Vec::new();
    let mut state = 7_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1_u32 << 24) - 0.5
    };
    for row in 0..400_u64 {
        let class = row % 2;
        let centre = if class == 0 { -3.0 } else { 3.0 };
        let is_wrong = row % 23 == 5;
        let label = class ^ u64::from(is_wrong);
        if is_wrong {
            wrong.push(row);
        }
        let note = match row {
            7 => "\"=HYPERLINK(\"\"http://example.invalid\"\",\"\"x\"\")\"".to_owned(),
            _ => format!("item {row}"),
        };
        let (a, b) = (centre + noise(), centre - noise());
        text.push_str(&format!("{a:.4},{b:.4},{note},{label}\n"));
    }
    (text, wrong)
}

fn checks(bench: &Bench, more: &[&str]) -> (i32, Value) {
    let run = bench.run(&[&["data", "check", "t.csv", "--format", "json"], more].concat());
    let report: Value = serde_json::from_str(&run.out).unwrap_or_default();
    let data = report["measurements"][0].clone();
    assert_eq!(data["kind"], "data", "{run:?}");
    (run.code, data)
}

#[test]
fn wrong_labels_and_hostile_cells_are_found_whatever_the_threads() {
    let (text, wrong) = table();
    let bench = Bench::new();
    bench.file("t.csv", text.as_bytes());
    let (code, data) = checks(&bench, &["--label", "y", "--threads", "1"]);
    assert_eq!((code, &data["rows"], &data["columns"]), (1, &400.into(), &3.into()));
    let flagged = data["checks"]["label-error"]["flagged"].as_array().unwrap();
    let found = flagged.iter().map(|each| each["row"].as_u64().unwrap()).collect::<Vec<_>>();
    assert!(found.len() >= 6 && found.iter().all(|row| wrong.contains(row)), "{found:?} {wrong:?}");
    assert_eq!(data["checks"]["formula"]["flagged"][0]["row"], 7);
    let (_, other) = checks(&bench, &["--label", "y", "--threads", "3"]);
    let mut pair = [data, other];
    pair.iter_mut().for_each(|data| data["seconds_cpu"] = Value::Null);
    assert_eq!(pair[0], pair[1]);
}

#[test]
fn what_is_taken_out_comes_back_byte_for_byte() {
    let (text, _) = table();
    let bench = Bench::new();
    bench.file("t.csv", text.as_bytes());
    let clean = [
        "data",
        "clean",
        "t.csv",
        "--label",
        "y",
        "--only",
        "label-error,formula",
        "-o",
        "c.csv",
        "--quarantine",
        "q",
    ];
    let run = bench.run(&clean);
    assert_eq!(run.code, 0, "{run:?}");
    let cleaned = fs::read_to_string(bench.path("c.csv")).unwrap();
    assert!(cleaned.lines().count() < 401 && !cleaned.contains("HYPERLINK"), "{run:?}");
    assert!(cleaned.lines().all(|line| text.contains(line)));
    assert_eq!(bench.run(&clean).code, 2, "neither is written over");
    let back = bench.run(&["data", "restore", "q", "-o", "back.csv"]);
    assert_eq!(back.code, 0, "{back:?}");
    assert_eq!(fs::read_to_string(bench.path("back.csv")).unwrap(), text);
    fs::write(bench.path("c.csv"), cleaned.replace('a', "b")).unwrap();
    let reasons = fs::read_to_string(bench.path("q/quarantine.jsonl")).unwrap();
    let rule = |line: &str| serde_json::from_str::<Value>(line).unwrap()["why"][0]["rule"].clone();
    assert!(
        reasons.lines().map(rule).all(|rule| rule == "MW3101" || rule == "MW3501"),
        "{reasons}"
    );
    let other = bench.run(&["data", "restore", "q", "-o", "other.csv"]);
    assert!(other.code == 2 && !bench.path("other.csv").exists(), "{other:?}");
}

#[test]
fn what_is_not_there_or_not_readable_is_said() {
    let bench = Bench::new();
    bench.file("t.csv", b"age,income,label\n1,2,a\n3,4,b\n").file("bad.csv", b"a,b\n\"1,2\n");
    let run = bench.run(&["data", "check", "t.csv", "--label", "lable"]);
    assert!(run.code == 2 && run.err.contains("did you mean `label`?"), "{run:?}");
    let run = bench.run(&["data", "check", "t.csv", "--only", "label-eror"]);
    assert!(run.code == 2 && run.err.contains("label-error"), "{run:?}");
    let run = bench.run(&["data", "check", "bad.csv"]);
    assert!(run.code == 3 && run.out.contains("line 2"), "{run:?}");
    // Four rows say nothing: skipped, and no alarm.
    let (code, data) = checks(&bench, &["--label", "label"]);
    assert_eq!(code, 0);
    assert!(data["checks"]["label-error"]["skipped"].is_string(), "{data}");
}

#[test]
fn named_rows_go_and_come_back_wherever_the_pair_lies() {
    let (text, _) = table();
    let bench = Bench::new();
    bench.file("set/a.csv", text.as_bytes()).file("set/b.csv", b"a,b,note,y\n1,2,x,0\n3,4,z,1\n");
    bench.file("rows", b"0 3\n399\n400\n");
    let clean = [
        "data",
        "clean",
        "set",
        "--rows",
        "rows",
        "-o",
        "c",
        "--quarantine",
        "q",
        "--format",
        "json",
    ];
    let run = bench.run(&clean);
    assert_eq!(run.code, 0, "{run:?}");
    let told: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (&told["rows"], &told["removed"], &told["checks"]["named"]),
        (&402.into(), &4.into(), &4.into())
    );
    assert_eq!(fs::read_to_string(bench.path("c/b.csv")).unwrap(), "a,b,note,y\n3,4,z,1\n");
    fs::create_dir(bench.path("far")).unwrap();
    fs::rename(bench.path("c"), bench.path("far/c")).unwrap();
    fs::rename(bench.path("q"), bench.path("far/q")).unwrap();
    let back = bench.run(&["data", "restore", "far/q", "-o", "back"]);
    assert!(back.code == 0 && back.out.contains("2 files"), "{back:?}");
    assert_eq!(fs::read_to_string(bench.path("back/a.csv")).unwrap(), text);
    bench.file("rows", b"402");
    let run = bench.run(&clean);
    assert!(run.code == 2 && run.err.contains("below 402"), "{run:?}");
    bench.file("rows", b"1 two");
    assert_eq!(bench.run(&clean).code, 2);
}

#[test]
fn where_it_goes_is_asked_before_anything_is_read() {
    let bench = Bench::new();
    bench.file("bad.csv", b"a,b\n\"1,2\n").file("there", b"").file("rows", b"0");
    let clean = |output: &str, rows: &str| {
        let words = ["data", "clean", "bad.csv", "--rows", rows, "-o", output, "--quarantine", "q"];
        bench.run(&words)
    };
    let run = clean("there", "rows");
    assert!(run.code == 2 && run.err.contains("expected nothing at `there`"), "{run:?}");
    assert_eq!(clean("c", "rows").code, 3);
    bench.file("rows", b"+1");
    assert_eq!(clean("c", "rows").code, 2);
    let numbers = (0..5000).map(|row| format!("{row}\n")).collect::<String>();
    bench.file("rows", numbers.as_bytes());
    let words = ["data", "clean", "bad.csv", "--rows", "rows", "-o", "c", "--quarantine", "q"];
    let run = bench.run(&[words.as_slice(), &["--max-memory", "1MiB"]].concat());
    assert!(run.code == 2 && run.err.contains("at most 4096 rows"), "{run:?}");
}

#[cfg(unix)]
#[test]
fn what_was_not_read_may_differ() {
    let bench = Bench::new();
    bench.file("set/a.csv", b"a,b\n1,2\n").file("same/a.csv", b"a,b\n1,2\n");
    std::os::unix::fs::symlink("/dev/null", bench.path("set/.device")).unwrap();
    let run = bench.run(&["data", "diff", "same", "set"]);
    assert!(run.code == 3 && run.err.contains(".device"), "{run:?}");
    assert!(run.out.contains("of those that were read differs"), "{run:?}");
    assert_eq!(bench.run(&["data", "diff", "same", "same"]).code, 0);
    assert_eq!(bench.run(&["data", "manifest", "same", "-o", "m.json"]).code, 0);
    let check = ["data", "check", "set", "--only", "profile", "--against", "m.json"];
    let run = bench.run(&check);
    assert!(run.code == 3 && run.out.contains(".device"), "{run:?}");
    let run = bench.run(&["data", "manifest", "same", "-o", "same/m.json"]);
    assert!(run.code == 2 && run.err.contains("outside of the set"), "{run:?}");
    // Columns in another order are no other columns.
    bench.file("one.csv", b"a,b\n1,2\n").file("other.csv", b"b,a\n2,1\n");
    assert_eq!(bench.run(&["data", "manifest", "one.csv", "-o", "one.json"]).code, 0);
    assert_eq!(bench.run(&["data", "manifest", "other.csv", "-o", "other.json"]).code, 0);
    let run = bench.run(&["data", "diff", "one.json", "other.json"]);
    assert!(run.code == 1 && run.out.contains("in another order"), "{run:?}");
}

#[test]
fn versions_are_told_apart_by_their_rows() {
    let bench = Bench::new();
    bench.file("old.csv", b"id,v\n1,a\n2,b\n3,c\n").file("new.csv", b"id,v\n3,c\n1,x\n4,d\n");
    let manifest = ["data", "manifest", "old.csv", "--key", "id", "-o", "m.json"];
    let run = bench.run(&manifest);
    assert!(run.code == 0 && run.out.contains("3 rows x 2 columns"), "{run:?}");
    assert_eq!(bench.run(&manifest).code, 2, "it is not written over");
    assert_eq!(bench.run(&["data", "diff", "m.json", "old.csv"]).code, 0);
    let told = |sides: [&str; 2], more: &[&str]| {
        let run =
            bench.run(&[&["data", "diff", sides[0], sides[1], "--format", "json"], more].concat());
        assert_eq!(run.code, 1, "{run:?}");
        serde_json::from_str::<Value>(&run.out).unwrap()["rows"].clone()
    };
    // It is signed as any file is.
    assert_eq!(bench.run(&["keygen", "-o", "k.pem"]).code, 0);
    assert_eq!(bench.run(&["sign", "m.json", "--key", "k.pem", "-o", "m.sig"]).code, 0);
    let verify = ["verify", "m.json", "--signature", "m.sig", "--public-key", "k.pub.pem"];
    assert_eq!(bench.run(&verify).code, 0);
    let by_key = told(["m.json", "new.csv"], &[]);
    assert_eq!(by_key["removed"], serde_json::json!([1]));
    assert_eq!(by_key["added"], serde_json::json!([2]));
    assert_eq!(by_key["changed"], serde_json::json!([[0, 1]]));
    let cells = &told(["old.csv", "new.csv"], &["--key", "id"])["cells"][0];
    assert_eq!(
        cells,
        &serde_json::json!({"row": 0, "cells": [{"column": "v", "old": "a", "new": "x"}]})
    );
    let plain = bench.run(&["data", "diff", "old.csv", "new.csv", "--key", "id"]);
    assert!(plain.code == 1 && plain.out.contains("`v` a -> x"), "{plain:?}");
    // Another form and another type of the same values.
    bench.file(
        "same.jsonl",
        b"{\"id\": 1.0, \"v\": \"a\"}\n{\"id\": 2, \"v\": \"b\"}\n{\"id\": 3, \"v\": \"c\"}\n",
    );
    let run =
        bench.run(&["data", "diff", "old.csv", "same.jsonl", "--key", "id", "--format", "json"]);
    let same: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(same["rows"]["removed"].as_array().map(Vec::len), Some(0), "{run:?}");
    let run = bench.run(&["data", "diff", "old.csv", "none.csv"]);
    assert_eq!(run.code, 3, "{run:?}");
    let text = fs::read_to_string(bench.path("m.json")).unwrap();
    bench.file("m.json", text.replace("\"rows\":3,", "\"rows\":4,").as_bytes());
    assert_eq!(bench.run(&verify).code, 1);
    let run = bench.run(&["data", "diff", "m.json", "old.csv"]);
    assert!(run.code == 2 && run.err.contains("contradicts itself"), "{run:?}");
}

#[test]
fn a_set_that_is_not_its_manifest_is_found() {
    let bench = Bench::new();
    let (text, _) = table();
    bench.file("t.csv", text.as_bytes());
    assert_eq!(bench.run(&["data", "manifest", "t.csv", "-o", "m.json"]).code, 0);
    let check = ["data", "check", "t.csv", "--only", "duplicate", "--against", "m.json"];
    assert_eq!(bench.run(&check).code, 0);
    bench.file("t.csv", text.replace("item 11,", "item 12,").as_bytes());
    let run = bench.run(&check);
    assert!(
        run.code == 1 && run.out.contains("MW3601") && run.out.contains("changed row 11"),
        "{run:?}"
    );
    let run = bench.run(&["data", "check", "t.csv", "--against", "t.csv"]);
    assert!(run.code == 2 && run.err.contains("expected a manifest"), "{run:?}");
}

#[test]
fn cleaning_is_proven_on_the_rows_that_stay() {
    let (text, wrong) = table();
    let bench = Bench::new();
    bench.file("t.csv", text.as_bytes());
    let clean = ["data", "clean", "t.csv", "--label", "y", "--only", "label-error", "--prove"];
    let to = ["-o", "c.csv", "--quarantine", "q", "--format", "json"];
    let run = bench.run(&[&clean[..], &to].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let told: Value = serde_json::from_str(&run.out).unwrap();
    let proof = &told["proof"];
    assert_eq!(proof["measure"], "accuracy", "{told}");
    let removed = told["removed"].as_u64().unwrap();
    assert!(removed >= 6 && removed <= wrong.len() as u64, "{told}");
    assert_eq!(proof["rows"].as_u64().unwrap() + removed, 400);
    assert!(proof["after"].as_f64().unwrap() >= proof["before"].as_f64().unwrap(), "{told}");
}

#[test]
fn rows_of_the_test_set_are_taken_out_of_training() {
    let bench = Bench::new();
    let line = |row: usize| format!("{},{},{}\n", row, (row * row) % 97, (row * 31) % 89);
    let train = (0..60).map(line).collect::<String>();
    // Three of them again, one twice.
    let train = format!("a,b,c\n{train}{}", line(7));
    let test = format!("a,b,c\n{}{}{}{}", line(7), line(500), line(21), line(33));
    bench.file("train.csv", train.as_bytes());
    bench.file("test.csv", test.as_bytes());
    let beside = ["--test", "test.csv", "--only", "leak", "--threads", "1"];
    let clean = ["data", "clean", "train.csv", "-o", "c.csv", "--quarantine", "q"];
    let run = bench.run(&[&clean[..], &beside].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let cleaned = fs::read_to_string(bench.path("c.csv")).unwrap();
    let gone = train.lines().filter(|line| !cleaned.contains(&format!("{line}\n")));
    assert_eq!(gone.collect::<Vec<_>>(), ["7,49,39", "21,53,28", "33,22,44", "7,49,39"]);
    let reasons = fs::read_to_string(bench.path("q/quarantine.jsonl")).unwrap();
    assert!(reasons.contains("equal to row 2 of the test set"), "{reasons}");
    let again = bench.run(&[&["data", "check", "c.csv"][..], &beside].concat());
    assert_eq!(again.code, 0, "{again:?}");
}
