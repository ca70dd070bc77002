//! What no single rule can show: pieces within a model that are files of their own, gaps, and data
//! in files beside it.

use modelward_core::{Outcome, Place};
use modelward_formats::{Bytes, signature};

use crate::{
    Beside, Context, Examined, examine, examine_data,
    onnx::samples::{
        attribute, body, bytes, external, function, graph, model, node, node_with, number, raw,
        tensor, text, typed, with,
    },
};

const COMMAND: &[u8] = b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R.";

fn judged(bytes: &[u8]) -> Examined {
    examine(&Place::file("model.onnx"), &bytes.into(), &Context::default())
}

/// The rules of what was not read.
fn gaps(bytes: &[u8]) -> Vec<&'static str> {
    judged(bytes).unread.iter().map(|gap| gap.rule).collect()
}

fn relu() -> Vec<u8> {
    graph(&[node("Relu", &["x"], &["y"])])
}

#[test]
fn a_file_within_a_model_is_read_wherever_it_lies() {
    assert!(signature::find(&COMMAND.into()).is_some());
    let add = || node("Add", &["x", "w"], &["y"]);
    let length = i64::try_from(COMMAND.len()).unwrap();
    let noted = |field: u64| bytes(field, COMMAND);
    let value = attribute("v", &bytes(4, COMMAND), 3);
    let values = attribute("v", &bytes(9, COMMAND), 8);
    for (what, file) in [
        ("behind the end", [with(&relu(), &[]), COMMAND.to_vec()].concat()),
        ("an unknown field of the model", with(&relu(), &[noted(99)])),
        (
            "an unknown field of a node",
            model(&[bytes(1, &[body("Relu", "", &["x"], &["y"], &[]), noted(77)].concat())]),
        ),
        ("bytes as numbers", model(&[add(), typed("w", 2, &[length], &raw(COMMAND))])),
        ("a text of a tensor", model(&[add(), typed("w", 8, &[1], &bytes(6, COMMAND))])),
        ("a text of an attribute", model(&[node_with("Relu", "", &["x"], &["y"], &[value])])),
        ("texts of an attribute", model(&[node_with("Relu", "", &["x"], &["y"], &[values])])),
        (
            "the documentation of a node",
            model(&[bytes(1, &[body("Relu", "", &["x"], &["y"], &[]), noted(6)].concat())]),
        ),
        ("the documentation of the model", with(&relu(), &[noted(6)])),
        (
            "the metadata of a tensor",
            model(&[add(), tensor("w", &[1], &[raw(&[0; 4]), noted(12)].concat())]),
        ),
    ] {
        assert_eq!(judged(&file).outcome(), Outcome::Malicious, "{what}");
    }
    // The nearest harmless neighbours.
    let plain = b"a plain text of so many letters";
    for file in [
        with(&relu(), &[bytes(6, plain)]),
        model(&[add(), typed("w", 8, &[1], &bytes(6, plain))]),
        with(&relu(), &[bytes(14, &[text(1, "author"), text(2, "nobody")].concat())]),
    ] {
        assert_eq!(judged(&file).outcome(), Outcome::Clean);
    }
}

#[test]
fn metadata_are_read_as_those_of_other_formats() {
    let noted = |key: &str, value: &str| {
        with(&relu(), &[bytes(14, &[text(1, key), text(2, value)].concat())])
    };
    let rules = |bytes: &[u8]| {
        judged(bytes).findings.iter().map(|finding| finding.rule.id).collect::<Vec<_>>()
    };
    assert_eq!(rules(&noted("note", "<script>fetch('http://127.0.0.1')</script>")), ["MW1312"]);
    let template = "{{ ''.__class__.__base__.__subclasses__() }}";
    assert!(rules(&noted("tokenizer.chat_template", template)).contains(&"MW1601"));
    assert_eq!(rules(&with(&relu(), &[bytes(99, &[7; 64])])), ["MW1305"]);
    assert!(rules(&with(&relu(), &[bytes(99, &[7; 8]), number(98, 1)])).is_empty());
}

#[test]
fn every_graph_is_looked_at_wherever_it_stands() {
    let evil = || node_with("Run", "com.evil", &["x"], &["y"], &[]);
    let short = || tensor("w", &[2], &raw(&[0; 4]));
    let training = |field: Vec<u8>| with(&relu(), &[bytes(20, &bytes(2, &field))]);
    let sparse =
        [bytes(1, &number(2, 1)), bytes(2, &[number(1, 3), number(2, 7)].concat())].concat();
    for (what, file) in [
        ("training", training(evil())),
        ("a tensor of training", training(short())),
        ("a sparse tensor", model(&[node("Relu", &["x"], &["y"]), bytes(15, &sparse)])),
        (
            "the default of a function",
            with(
                &relu(),
                &[{
                    let value =
                        attribute("v", &bytes(5, &[number(1, 9), number(2, 1)].concat()), 4);
                    let names = [text(1, "F"), text(10, "mine")].concat();
                    bytes(25, &[names, bytes(11, &value)].concat())
                }],
            ),
        ),
    ] {
        assert_ne!(judged(&file).outcome(), Outcome::Clean, "{what}");
    }
}

#[test]
fn a_graph_that_cannot_run_is_a_gap() {
    let two = |a: [&str; 2], b: [&str; 2]| {
        model(&[node("Relu", &[a[0]], &[a[1]]), node("Neg", &[b[0]], &[b[1]])])
    };
    assert_eq!(gaps(&two(["nowhere", "m"], ["m", "y"])), ["MW0010"]);
    assert_eq!(gaps(&two(["m", "y"], ["y", "m"])), ["MW0010"]);
    assert_eq!(gaps(&two(["y", "y"], ["x", "m"])), ["MW0010"]);
    // Nodes in another order than the format wants are sorted by runtimes, to the same end.
    assert!(gaps(&two(["m", "y"], ["x", "m"])).is_empty());
    let call = |name: &str| body(name, "mine", &["a"], &["b"], &[]);
    let own = with(&relu(), &[function("mine", "F", &call("F"))]);
    assert_eq!(gaps(&own), ["MW0010"]);
    let functions = (0..30).map(|at| {
        let next = format!("F{}", at + 1);
        let names = [text(1, &format!("F{at}")), text(4, "a"), text(5, "c")].concat();
        let last = body("Neg", "", &["a"], &["c"], &[]);
        let first = body(&next, "mine", &["a"], &["b"], &[]);
        let second = body(&next, "mine", &["b"], &["c"], &[]);
        let nodes =
            if at == 29 { bytes(7, &last) } else { [bytes(7, &first), bytes(7, &second)].concat() };
        bytes(25, &[names, nodes, text(10, "mine")].concat())
    });
    let start = graph(&[node_with("F0", "mine", &["x"], &["y"], &[])]);
    assert_eq!(gaps(&with(&start, &functions.collect::<Vec<_>>())), ["MW0104"]);
    assert_eq!(gaps(&[number(1, 9), relu()].concat()), ["MW0010"], "no operator set");
}

#[test]
fn a_file_that_is_cut_or_broken_is_a_gap() {
    let whole = model(&[node("Add", &["x", "w"], &["y"]), tensor("w", &[64], &raw(&[0; 256]))]);
    assert_eq!(judged(&whole).outcome(), Outcome::Clean);
    for end in 8..whole.len() {
        assert_ne!(judged(&whole[..end]).outcome(), Outcome::Clean, "cut at {end}");
    }
    assert_eq!(gaps(&whole[..whole.len() - 100]), ["MW0108"]);
    assert_eq!(gaps(&[relu(), with(&relu(), &[])].concat()), ["MW0008"], "two graphs");
    let mut deep = attribute("g", &bytes(6, &node("Relu", &["x"], &["y"])), 5);
    for _ in 0..40 {
        deep = attribute("g", &bytes(6, &node_with("If", "", &["x"], &["y"], &[deep])), 5);
    }
    assert_eq!(gaps(&model(&[node_with("If", "", &["x"], &["y"], &[deep])])), ["MW0101"]);
}

#[test]
fn data_beside_a_model_are_clean_only_where_they_are_there() {
    let entries = [("location", "w.bin"), ("offset", "16")];
    let file = model(&[node("Add", &["x", "w"], &["y"]), external("w", &[4], &entries)]);
    let settled = |beside| {
        let mut examined = judged(&file);
        assert_eq!(examined.outcome(), Outcome::Unread, "before it is settled");
        examined.settle(&|need| {
            assert_eq!(need.external.location, "w.bin");
            beside
        });
        examined.outcome()
    };
    assert_eq!(settled(Beside::File(32)), Outcome::Clean);
    assert_eq!(settled(Beside::File(31)), Outcome::Malicious);
    assert_eq!(settled(Beside::Outside), Outcome::Malicious);
    assert_eq!(settled(Beside::Nothing), Outcome::Unread);
}

#[test]
fn bytes_of_data_that_no_tensor_takes_are_a_gap() {
    let judged = |bytes: &[u8], taken: &[(u64, u64)]| {
        let taken = taken.iter().map(|&(start, end)| start..end).collect::<Vec<_>>();
        let (place, context) = (Place::file("w.bin"), Context::default());
        examine_data(&place, &Bytes::from(bytes), &taken, &context).outcome()
    };
    let numbers = [0x3f, 0x9d, 0x11, 0xb2].repeat(16);
    assert_eq!(judged(&numbers, &[(0, 32), (32, 64)]), Outcome::Clean);
    assert_eq!(judged(&numbers, &[(0, 40), (8, 64)]), Outcome::Clean, "shared");
    assert_eq!(judged(&numbers, &[(0, 32)]), Outcome::Unread);
    let padded = [&numbers[..], &[0; 4032], &numbers].concat();
    assert_eq!(judged(&padded, &[(0, 64), (4096, 4160)]), Outcome::Clean);
    let payload = [&numbers[..], COMMAND].concat();
    assert_eq!(judged(&payload, &[(0, 64)]), Outcome::Malicious);
    let end = payload.len() as u64;
    assert_eq!(judged(&payload, &[(0, 64), (64, end)]), Outcome::Malicious, "as a tensor");
}

#[test]
fn a_tree_that_leads_nowhere_or_in_circles_is_a_gap() {
    let ints = |name: &str, values: [i64; 3]| {
        let values = values.map(|value| number(8, value)).concat();
        attribute(name, &values, 7)
    };
    let tree = |ids: [i64; 3], yes: [i64; 3], no: [i64; 3], modes: &[&str]| {
        let modes = modes.iter().map(|mode| text(9, mode)).collect::<Vec<_>>().concat();
        let attributes = [
            ints("nodes_treeids", [0; 3]),
            ints("nodes_nodeids", ids),
            ints("nodes_truenodeids", yes),
            ints("nodes_falsenodeids", no),
            attribute("nodes_modes", &modes, 8),
        ];
        gaps(&model(&[node_with(
            "TreeEnsembleRegressor",
            "ai.onnx.ml",
            &["x"],
            &["y"],
            &attributes,
        )]))
    };
    let modes = &["BRANCH_LEQ", "LEAF", "LEAF"];
    assert!(tree([0, 1, 2], [1, 0, 0], [2, 0, 0], modes).is_empty());
    assert_eq!(tree([0, 1, 2], [0, 0, 0], [2, 0, 0], modes), ["MW0010"], "a circle");
    assert_eq!(tree([0, 1, 2], [7, 0, 0], [2, 0, 0], modes), ["MW0010"], "no such child");
    assert_eq!(tree([0, 1, 1], [1, 0, 0], [1, 0, 0], modes), ["MW0010"], "twice");
    assert_eq!(tree([0, 1, 2], [1, 0, 0], [2, 0, 0], &modes[..2]), ["MW0010"], "ragged");
}
