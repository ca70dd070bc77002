//! The operators of a model, held against the list of those that only compute.
//!
//! The list (`operators.names`) is data; an operator that is not on it, and that the model does not
//! define itself, is code of a library that the model's author expects to be there.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use modelward_formats::onnx::{File, Operator};

use crate::weights::operations::{Operation, Operations};

/// What the operators of a model do that is not proven harmless.
pub(crate) fn operations(file: &File) -> Operations {
    let mut operations = Operations::default();
    for operator in file.operators.iter().filter(|operator| !is_known(operator)) {
        operations.unproven.push(unproven(operator));
    }
    for function in file.functions.iter().filter(|function| is_known(function)) {
        let Operator { domain, name, at, .. } = function;
        let message = format!(
            "defines `{name}` of `{domain}` anew: runtimes differ in which of the two they run"
        );
        let shown = format!("{domain}.{name}");
        operations.unproven.push(Operation { at: *at, shown, message, severe: false });
    }
    operations
}

fn unproven(operator: &Operator) -> Operation {
    let Operator { domain, name, at, node } = operator;
    let of = if node.is_empty() { String::new() } else { format!(" (node `{node}`)") };
    let severe = PYTHON.contains(&name.as_str());
    let what = match name.as_str() {
        _ if severe => "which calls Python code",
        "EPContext" => "which hands a compiled program to the driver of an accelerator",
        "ATen" => "which calls any operator of torch by its name",
        _ if OPERATORS.contains_key(domain.as_str()) => "which is not known to be harmless",
        _ => "which comes from a library that the runtime is told to load",
    };
    let message = format!("uses `{name}` of `{domain}`{of}, {what}");
    Operation { at: *at, shown: format!("{domain}.{name}"), message, severe }
}

fn is_known(operator: &Operator) -> bool {
    let names = OPERATORS.get(operator.domain.as_str());
    names.is_some_and(|names| names.contains(operator.name.as_str()))
}

/// Operators that call Python, in whatever domain: those of onnxruntime-extensions and of training.
const PYTHON: &[&str] = &["PyOp", "PyCustomOp", "PythonOp", "PythonOpGrad", "PyFunc", "TritonOp"];

static OPERATORS: LazyLock<HashMap<&str, HashSet<&str>>> = LazyLock::new(|| {
    let mut domains: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut domain = "";
    for line in LIST.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => domain = name,
            None => {
                domains.entry(domain).or_default().insert(line);
            }
        }
    }
    domains
});

const LIST: &str = include_str!("operators.names");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_what_exporters_write_and_nothing_that_loads_code() {
        let has =
            |domain: &str, name: &str| OPERATORS.get(domain).is_some_and(|d| d.contains(name));
        for (domain, name) in [
            ("ai.onnx", "Conv"),
            ("ai.onnx", "Upsample"),
            ("ai.onnx.ml", "TreeEnsembleClassifier"),
            ("ai.onnx.preview.training", "Adam"),
            ("com.microsoft", "QLinearAdd"),
        ] {
            assert!(has(domain, name), "{name}");
        }
        for names in OPERATORS.values() {
            for name in PYTHON.iter().chain(&["ATen", "EPContext", "Snpe"]) {
                assert!(!names.contains(name), "{name}");
            }
        }
    }
}
