//! ONNX models as the scanner meets them: their graphs, and the data that lie beside them.

use std::{fs, path::Path};

use crate::{
    Bench,
    models::{bytes, classifier, model, node, number, port, text},
};

/// A model that `onnx.save` wrote with its weights in a file of their own.
fn external() -> Bench {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/external");
    for name in ["model.onnx", "model.onnx.data"] {
        bench.file(format!("m/{name}"), &fs::read(folder.join(name)).unwrap());
    }
    bench
}

fn verdict(bench: &Bench, target: &str) -> String {
    bench.report(&[target])["verdict"].as_str().unwrap().to_owned()
}

#[test]
fn data_beside_a_model_are_judged_with_it() {
    let bench = external();
    let report = bench.report(&["m"]);
    assert_eq!(report["verdict"], "clean", "{report}");
    assert_eq!(report["counts"]["files"], 2);
    // Alone, neither is all of a model.
    assert_eq!(verdict(&bench, "m/model.onnx"), "unread");
    assert_eq!(verdict(&bench, "m/model.onnx.data"), "unread");
    // In a folder above, and named twice.
    assert_eq!(verdict(&bench, "."), "clean");
    assert_eq!(bench.report(&["m", "."])["verdict"], "clean");
}

#[test]
fn data_that_are_not_what_the_model_says_are_not_clean() {
    let data = fs::read(external().path("m/model.onnx.data")).unwrap();
    let with = |data: &[u8]| {
        let bench = external();
        bench.file("m/model.onnx.data", data);
        bench.report(&["m"])
    };
    let short = with(&data[..data.len() - 1]);
    assert_eq!(short["findings"][0]["rule"], "MW1401", "{short}");
    let long = with(&[&data[..], b"\x9d\x11\xb2\x3f\x01"].concat());
    assert_eq!(long["verdict"], "unread", "{long}");
    let pickle = b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R.";
    assert_eq!(with(&[&data[..], pickle].concat())["verdict"], "denied");
    let bench = external();
    fs::remove_file(bench.path("m/model.onnx.data")).unwrap();
    let report = bench.report(&["m"]);
    assert_eq!(report["unread"][0]["rule"], "MW0005", "{report}");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_no_data_of_a_model() {
    let bench = external();
    fs::rename(bench.path("m/model.onnx.data"), bench.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", bench.path("m/model.onnx.data")).unwrap();
    let report = bench.report(&["m"]);
    assert_eq!(report["findings"][0]["rule"], "MW1401", "{report}");
}

#[test]
fn a_model_is_read_in_archives_and_under_any_name() {
    let bench = Bench::new();
    bench.file("notes.txt", &classifier()).file("m/deep/weights", &classifier());
    let report = bench.report(&["."]);
    assert_eq!((&report["verdict"], &report["counts"]["files"]), (&"clean".into(), &2.into()));
}

#[test]
fn a_hostile_model_is_told_in_words() {
    let bench = Bench::new();
    let entry = |key: &str, value: &str| bytes(13, &[text(1, key), text(2, value)].concat());
    let tensor = |name: &str, data: &[u8]| {
        bytes(5, &[&[number(1, 4), number(2, 1), text(8, name)].concat()[..], data].concat())
    };
    let foreign = [text(1, "a"), text(2, "b"), text(4, "Run"), text(7, "com.evil"), text(3, "n")];
    let python = [text(1, "b"), text(2, "c"), text(4, "PyOp"), text(7, "ai.onnx.contrib")];
    let graph = [
        node("Add", "sum", &["x", "outside"], "a"),
        bytes(1, &foreign.concat()),
        bytes(1, &python.concat()),
        node("Add", "", &["c", "short"], "d"),
        node("Add", "", &["d", "nowhere\u{1b}[2J"], "y"),
        tensor("outside", &[entry("location", "../../etc/passwd"), number(14, 1)].concat()),
        tensor("short", &bytes(9, &[0; 15])),
        tensor("short", &bytes(9, &[0; 16])),
        port(11, "x", &[Some(1), Some(4)]),
        port(12, "y", &[Some(1), Some(4)]),
    ];
    bench.file("hostile.onnx", &model(&graph, ""));
    let run = bench.run(&["audit", "hostile.onnx"]);
    assert_eq!(run.code, 1, "{run:?}");
    let shown = run.out.rsplit_once(" in ").unwrap().0;
    assert!(!shown.contains('\u{1b}'), "{shown}");
    insta::assert_snapshot!(shown);
}
