//! `graph-custom-operation`: operations that are on no list.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};

use super::operations::Operations;
use crate::Check;

pub(super) struct GraphCustomOperation;

impl Check for GraphCustomOperation {
    type Asset = Operations;

    const RULE: Rule = Rule {
        id: "MW1402",
        name: "graph-custom-operation",
        severity: Severity::Medium,
        title: "this model uses an operation that is not known to be harmless",
        why: "A graph may name any operation that is registered where it runs. Those that come \
              with the framework and only compute are known. Any other is code of a library that \
              the model's author expects to be installed, and may do anything.",
        advice: "Find out which library registers the operation, and what it does, before you run \
                 the model.",
        class: Class::MaliciousFile,
        cwe: &[829],
    };

    fn check(operations: &Operations, out: &mut Findings<'_>) {
        for operation in &operations.unproven {
            let severity = if operation.severe { Severity::High } else { Self::RULE.severity };
            let evidence = Evidence::bytes(operation.at, &*operation.shown);
            out.report_as(severity, &*operation.message, evidence);
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::torchscript;
        use crate::onnx::samples::{
            attribute, body, bytes, function, graph, model, node, node_with, with,
        };
        let onnx =
            |domain: &str, name: &str| model(&[node_with(name, domain, &["x"], &["y"], &[])]);
        // An operator within the branch of a node, and within a function.
        let branch = |domain: &str, name: &str| {
            let inner =
                [node_with(name, domain, &["x"], &["z"], &[]), bytes(12, b"\x0a\x01z")].concat();
            let branch = |which| attribute(which, &bytes(6, &inner), 5);
            let both = [branch("then_branch"), branch("else_branch")];
            model(&[node_with("If", "", &["x"], &["y"], &both)])
        };
        let defined = |domain: &str, name: &str, inner: (&str, &str)| {
            let call = graph(&[node_with(name, domain, &["x"], &["y"], &[])]);
            let inner = body(inner.1, inner.0, &["a"], &["b"], &[]);
            with(&call, &[function(domain, name, &inner)])
        };
        crate::Samples {
            fires: vec![
                torchscript("y = ops.mine.operation(x)"),
                torchscript("y = torch.mine(x)"),
                torchscript("t = ops"),
                torchscript("y = __torch__.torch.classes.mine.Class(x)"),
                onnx("com.evil", "Run"),
                onnx("", "Frobnicate"),
                onnx("ai.onnx.contrib", "PyOp"),
                onnx("com.microsoft", "PythonOp"),
                onnx("com.microsoft", "EPContext"),
                branch("com.evil", "Run"),
                defined("mine", "F", ("com.evil", "Run")),
                defined("", "Relu", ("", "Neg")),
            ],
            silent: vec![
                torchscript("y = torch.add(x, x)"),
                torchscript("y = ops.quantized.linear(x, self.packed, 0.5, 0)"),
                torchscript("y = (x).size(0)\n    if torch.gt(y, 0):\n      y = len(x)"),
                onnx("ai.onnx", "Relu"),
                onnx("com.microsoft", "Gelu"),
                onnx("ai.onnx.ml", "Normalizer"),
                branch("", "Relu"),
                defined("mine", "F", ("", "Neg")),
                model(&[node("Relu", &["x"], &["y"])]),
            ],
        }
    }
}
