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
            out.report(&*operation.message, Evidence::bytes(operation.at, &*operation.shown));
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::torchscript;
        crate::Samples {
            fires: vec![
                torchscript("y = ops.mine.operation(x)"),
                torchscript("y = torch.mine(x)"),
                torchscript("t = ops"),
                torchscript("y = __torch__.torch.classes.mine.Class(x)"),
            ],
            silent: vec![
                torchscript("y = torch.add(x, x)"),
                torchscript("y = ops.quantized.linear(x, self.packed, 0.5, 0)"),
                torchscript("y = (x).size(0)\n    if torch.gt(y, 0):\n      y = len(x)"),
            ],
        }
    }
}
