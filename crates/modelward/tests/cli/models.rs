//! `modelward model`: small ONNX models, written here byte by byte.

#![allow(clippy::cast_possible_truncation, reason = "small models")]

use crate::Bench;

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn number(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, field << 3);
    varint(&mut out, value);
    out
}

pub(crate) fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, field << 3 | 2);
    varint(&mut out, value.len() as u64);
    out.extend_from_slice(value);
    out
}

pub(crate) fn text(field: u64, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

pub(crate) fn node(operator: &str, name: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let mut node = inputs.iter().flat_map(|input| text(1, input)).collect::<Vec<_>>();
    node.extend([text(2, output), text(3, name), text(4, operator)].concat());
    bytes(1, &node)
}

/// Floats under a name, the same few again and again.
pub(crate) fn weight(name: &str, dims: &[u64], values: &[f32]) -> Vec<u8> {
    let mut tensor = dims.iter().flat_map(|size| number(1, *size)).collect::<Vec<_>>();
    tensor.extend([number(2, 1), text(8, name)].concat());
    let count = dims.iter().product::<u64>() as usize;
    let raw = values.iter().cycle().take(count).flat_map(|value| value.to_le_bytes());
    tensor.extend(bytes(9, &raw.collect::<Vec<_>>()));
    bytes(5, &tensor)
}

/// An input (11) or an output (12); `None` is a batch `N`.
pub(crate) fn port(field: u64, name: &str, dims: &[Option<u64>]) -> Vec<u8> {
    let dims = dims.iter().flat_map(|size| match size {
        Some(size) => bytes(1, &number(1, *size)),
        None => bytes(1, &text(2, "N")),
    });
    let kind = [number(1, 1), bytes(2, &dims.collect::<Vec<_>>())].concat();
    bytes(field, &[text(1, name), bytes(2, &bytes(1, &kind))].concat())
}

pub(crate) fn model(graph: &[Vec<u8>], producer: &str) -> Vec<u8> {
    let graph = bytes(7, &graph.concat());
    [number(1, 8), text(2, producer), graph, bytes(8, &number(2, 17))].concat()
}

/// Two layers behind a division by 255, and a Softmax.
pub(crate) fn classifier() -> Vec<u8> {
    let graph = [
        node("Div", "scale", &["x", "most"], "a"),
        node("MatMul", "first", &["a", "v"], "b"),
        node("Tanh", "bend", &["b"], "c"),
        node("MatMul", "second", &["c", "w"], "logits"),
        node("Softmax", "", &["logits"], "y"),
        weight("most", &[1], &[255.0]),
        weight("v", &[6, 5], &[0.5, -0.25, 1.5, 0.75, -1.0, 0.125, 0.3]),
        weight("w", &[5, 3], &[0.25, -0.5, 1.0, -0.75]),
        port(11, "x", &[None, Some(6)]),
        port(12, "y", &[None, Some(3)]),
    ];
    model(&graph, "by hand")
}

/// Names that mean harm to a screen, a weight that is no number, and no gradient by the input.
fn odd() -> Vec<u8> {
    let graph = [
        node("Mul", "", &["x\u{1b}[2J", "w\u{202e}"], "a"),
        node("ArgMax", "best\u{7}", &["a"], "y"),
        weight("w\u{202e}", &[4], &[f32::NAN, f32::INFINITY]),
        port(11, "x\u{1b}[2J", &[Some(1), Some(4)]),
        port(12, "y", &[Some(1), Some(1)]),
    ];
    model(&graph, "\u{1b}]0;owned\u{7}")
}

/// Four terabytes, by declaration.
fn huge() -> Vec<u8> {
    let graph = [
        node("Relu", "", &["x"], "y"),
        port(11, "x", &[Some(1), Some(1 << 40)]),
        port(12, "y", &[Some(1), Some(1 << 40)]),
    ];
    model(&graph, "")
}

/// The mean of so many inputs.
#[cfg(feature = "ort")]
pub(crate) fn mean(count: u64) -> Vec<u8> {
    let axes = bytes(5, &[text(1, "axes"), number(8, 1), number(20, 7)].concat());
    let names = [text(1, "x"), text(2, "y"), text(4, "ReduceMean"), axes].concat();
    let graph = [
        bytes(1, &names),
        text(2, "g"),
        port(11, "x", &[None, Some(count)]),
        port(12, "y", &[None, Some(1)]),
    ];
    model(&graph, "")
}

/// A loop of as many rounds as there are numbers.
#[cfg(feature = "ort")]
pub(crate) fn endless() -> Vec<u8> {
    let scalar = |kind: u64| bytes(2, &bytes(1, &[number(1, kind), bytes(2, &[])].concat()));
    let value =
        |field: u64, name: &str, kind: u64| bytes(field, &[text(1, name), scalar(kind)].concat());
    let floats = |field: u64, name: &str| port(field, name, &[Some(1), Some(1)]);
    let body = [
        node("Identity", "", &["go"], "still"),
        node("Cos", "", &["before"], "after"),
        text(2, "body"),
        value(11, "at", 7),
        value(11, "go", 9),
        floats(11, "before"),
        value(12, "still", 9),
        floats(12, "after"),
    ];
    let attribute = bytes(5, &[text(1, "body"), bytes(6, &body.concat()), number(20, 5)].concat());
    let inputs = ["most", "", "x"].iter().flat_map(|name| text(1, name)).collect::<Vec<_>>();
    let round = bytes(1, &[inputs, text(2, "y"), text(4, "Loop"), attribute].concat());
    let most = [number(2, 7), text(8, "most"), bytes(9, &i64::MAX.to_le_bytes())].concat();
    let graph = [round, text(2, "g"), bytes(5, &most), floats(11, "x"), floats(12, "y")];
    model(&graph, "")
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.file("classifier.onnx", &classifier()).file("odd.onnx", &odd());
    bench.file("huge.onnx", &huge());
    bench
}

const SAME: [&str; 4] = ["--cpu", "scalar", "--threads", "1"];

#[test]
fn info_describes_a_model() {
    let bench = bench();
    let mut all = String::new();
    for arguments in [&["classifier.onnx", "--batch", "32"][..], &["odd.onnx"], &["huge.onnx"]] {
        let run = bench.run(&[&["model", "info"], arguments, &SAME].concat());
        assert_eq!(run.code, 0, "{run:?}");
        assert!(!run.out.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{}", run.out);
        all.push_str(&run.out);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn info_describes_a_model_for_a_program() {
    let bench = bench();
    let run =
        bench.run(&[&["model", "info", "classifier.onnx", "--format", "json"][..], &SAME].concat());
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
    let run = bench.run(&["model", "info", "odd.onnx", "--format", "json"]);
    assert!(run.out.is_ascii() && !run.out.contains('\u{1b}'));
    let json: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(json["inputs"][0]["name"], "x\u{1b}[2J");
    assert_eq!(json["weights"]["not_finite"][0], "w\u{202e}");
}

#[test]
fn what_is_over_a_limit_is_described_and_not_run() {
    let bench = bench();
    for verb in [&["bench"][..], &["check-grad"]] {
        let run = bench.run(&[&["model"], verb, &["huge.onnx"]].concat());
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains("is over a limit"), "{run:?}");
    }
}

#[cfg(not(feature = "ort"))]
#[test]
fn a_build_without_the_runtime_says_how_to_get_it() {
    let bench = bench();
    for verb in [&["run", "--input", "x.npz", "-o", "y.npz"][..], &["bench"]] {
        let run = bench.run(&[&["model"], verb, &["classifier.onnx", "--engine", "ort"]].concat());
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.err.contains("built without ONNX Runtime"), "{run:?}");
        assert!(run.err.contains("--features ort"), "{run:?}");
    }
    // What another program would be handed is no verb here.
    assert_eq!(bench.run(&["__ort-worker"]).code, 2);
}

#[test]
fn gradients_agree_with_differences() {
    let bench = bench();
    let run = bench.run(&["model", "check-grad", "classifier.onnx", "--samples", "3"]);
    assert_eq!(run.code, 0, "{run:?}");
    let lines = run.out.lines().collect::<Vec<_>>();
    assert_eq!(lines.len(), 2, "{run:?}");
    assert!(lines[0].starts_with("grad x  against f64 central differences, 3 examples x 16"));
    assert!(lines[1].starts_with("grad 3 weights  against"));
    assert!(lines.iter().all(|line| line.ends_with("; 0 directions at a kink left out")));
    let run = bench.run(&["model", "check-grad", "classifier.onnx", "--wrt", "v,w"]);
    assert!(run.code == 0 && run.out.starts_with("grad v, w  against"), "{run:?}");
    let run = bench.run(&["model", "check-grad", "classifier.onnx", "--wrt", "nowhere"]);
    assert_eq!(run.code, 2, "{run:?}");
}
