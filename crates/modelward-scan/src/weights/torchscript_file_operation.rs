//! `torchscript-file-operation`: TorchScript code that reads or writes files.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};

use super::operations::Operations;
use crate::Check;

pub(super) struct TorchScriptFileOperation;

impl Check for TorchScriptFileOperation {
    type Asset = Operations;

    const RULE: Rule = Rule {
        id: "MW1408",
        name: "torchscript-file-operation",
        severity: Severity::High,
        title: "the code of this TorchScript archive reads or writes files",
        why: "A TorchScript archive is a program of its own, which `torch.jit.load` compiles. Its \
              operators `save` and `from_file` write and read whatever path the code gives them: \
              an SSH key, a start-up script. They run when the model is called, and those in a \
              `__setstate__` already when it is loaded. No model needs them.",
        advice: "Do not load the archive. Ask for the weights alone, in safetensors.",
        class: Class::MaliciousFile,
        cwe: &[73, 829],
    };

    fn check(operations: &Operations, out: &mut Findings<'_>) {
        for operation in &operations.files {
            out.report(&*operation.message, Evidence::bytes(operation.at, &*operation.shown));
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::torchscript;
        crate::Samples {
            fires: vec![
                torchscript("torch.save(x, \"/tmp/x\")"),
                torchscript("ops.aten.save(x, \"/tmp/x\")"),
                torchscript("y = torch . from_file(\"/etc/passwd\")"),
                torchscript("f = torch.ops.aten.save"),
                torchscript("t = torch\n    t.save(x, \"/tmp/x\")"),
                torchscript("torch.autograd.save(x, \"/tmp/x\")"),
            ],
            silent: vec![
                torchscript("print(\"torch.save(x)\") # ops.aten.save(x)"),
                torchscript("y = torch.add(x, x)\n  def save(self):\n    return self.save()"),
            ],
        }
    }
}
