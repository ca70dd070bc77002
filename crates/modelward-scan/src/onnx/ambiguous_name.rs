//! MW1410 `graph-ambiguous-name`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::onnx::{File, FlawKind};

use crate::Check;

/// A name, or what it stands for, that is there twice.
pub(super) struct AmbiguousName;

impl Check for AmbiguousName {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1410",
        name: "graph-ambiguous-name",
        severity: Severity::High,
        title: "a name of the graph, or its data, is there twice",
        why: "Each value of a graph is given once. Where two tensors, or a tensor and a node, have one \
              name, or a tensor has its numbers in two places, one runtime takes the first and the next \
              takes the last: a scanner, a converter and a server see different models in one file.",
        advice: "Do not use the file; export the model again, and compare the digest with the \
                 publisher's.",
        class: Class::MaliciousFile,
        cwe: &[436],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        super::report(file, FlawKind::AmbiguousName, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{bytes, graph, input, model, node, raw, tensor, text, with};
        let weights = |second: &str| {
            model(&[
                node("Add", &["x", "w"], &["y"]),
                tensor("w", &[1], &raw(&[0; 4])),
                tensor(second, &[1], &raw(&[1; 4])),
            ])
        };
        let relu = |names: [&str; 4]| {
            let [a, b, c, d] = names;
            model(&[node("Relu", &[a], &[b]), node("Relu", &[c], &[d])])
        };
        let both = [raw(&[0; 4]), bytes(4, &[0; 4])].concat();
        let head = [text(2, "g")].concat();
        crate::Samples {
            fires: vec![
                weights("w"),
                relu(["x", "y", "x", "y"]),
                model(&[node("Add", &["x", "w"], &["y"]), tensor("w", &[1], &both)]),
                model(&[node("Relu", &["x"], &["y"]), tensor("y", &[1], &raw(&[0; 4]))]),
                model(&[node("Relu", &["x"], &["y"]), input("x")]),
                with(&graph(&[head, node("Relu", &["x"], &["y"])]), &[bytes(8, &[16, 9])]),
            ],
            silent: vec![
                weights("v"),
                relu(["x", "m", "m", "y"]),
                // As before version 4 of the format: a constant is an input as well.
                model(&[
                    node("Add", &["x", "w"], &["y"]),
                    input("w"),
                    tensor("w", &[1], &raw(&[0; 4])),
                ]),
            ],
        }
    }
}
