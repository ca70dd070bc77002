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
