//! MW1407 `graph-tensor-mismatch`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::onnx::{File, FlawKind};

use crate::Check;

/// Tensors whose bytes are not those of their shape.
pub(super) struct TensorMismatch;

impl Check for TensorMismatch {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1407",
        name: "graph-tensor-mismatch",
        severity: Severity::Medium,
        title: "a tensor of the graph has not the bytes that its shape asks for",
        why: "Shape and element type say how many bytes a tensor takes. A loader that believes the shape \
              reads beyond the bytes, or allocates what the file never had; one that believes the bytes \
              sees another tensor.",
        advice: "Export the model again with a current version of its framework; if it was downloaded, \
                 compare its digest with the publisher's.",
        class: Class::MaliciousFile,
        cwe: &[125, 131, 190],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        super::report(file, FlawKind::TensorMismatch, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{
            attribute, bytes, external, model, node, node_with, number, raw, tensor, typed,
        };
        let holding = |dims: &[i64], data: &[u8]| {
            model(&[node("Add", &["x", "w"], &["y"]), tensor("w", dims, data)])
        };
        let of = |kind: u64, dims: &[i64], data: &[u8]| {
            model(&[node("Identity", &["w"], &["y"]), typed("w", kind, dims, data)])
        };
        let constant = |dims: &[i64]| {
            let value = [number(2, 1), raw(&[0; 4])].concat();
            let dims = dims.iter().map(|&size| number(1, size)).collect::<Vec<_>>().concat();
            let value = attribute("value", &bytes(5, &[dims, value].concat()), 4);
            model(&[node_with("Constant", "", &[], &["y"], &[value])])
        };
        let beside = |length: &str| {
            let entries = [("location", "w.bin"), ("length", length)];
            model(&[node("Add", &["x", "w"], &["y"]), external("w", &[4], &entries)])
        };
        crate::Samples {
            fires: vec![
                holding(&[4], &raw(&[0; 15])),
                holding(&[4], &raw(&[0; 17])),
                holding(&[4], &[]),
                holding(&[-4, 4], &raw(&[0; 64])),
                holding(&[1 << 32, 1 << 32, 16], &raw(&[])),
                holding(&[3], &bytes(4, &[0; 8])),
                holding(&[2], &bytes(7, &[1, 2])),
                of(99, &[1], &raw(&[0; 4])),
                of(7, &[3], &bytes(7, &[1, 0x80, 1])),
                of(8, &[2], &bytes(6, b"one")),
                of(22, &[3], &raw(&[0; 3])),
                constant(&[2]),
                beside("8"),
            ],
            silent: vec![
                holding(&[4], &raw(&[0; 16])),
                holding(&[], &raw(&[0; 4])),
                holding(&[0, i64::MAX], &[]),
                holding(&[2], &bytes(4, &[0; 8])),
                of(7, &[2], &bytes(7, &[1, 0x80, 1])),
                of(8, &[1], &bytes(6, b"one")),
                of(22, &[3], &raw(&[0; 2])),
                of(10, &[2], &bytes(5, &[1, 2])),
                constant(&[1]),
                beside("16"),
            ],
        }
    }
}
