//! The operations of a graph or of graph code, held against the list of those that only compute.
//!
//! No reader gives this asset: what counts as an operation differs from format to format, what is
//! to be said of it does not. The list (`operations/operators.names`) is data; an operation that
//! is not on it is not proven harmless.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use modelward_formats::{
    Asset,
    torchscript::{Code, Source, Use},
};

/// What some operations do that is not proven harmless.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    /// Those that read or write files.
    pub(crate) files: Vec<Operation>,
    /// Those that are on no list.
    pub(crate) unproven: Vec<Operation>,
}

/// An operation in use.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Offset of its name.
    pub(crate) at: u64,
    /// As the code writes it.
    pub(crate) shown: String,
    /// What is to be said of it.
    pub(crate) message: String,
    /// Whether it is known to run code that is not the framework's.
    pub(crate) severe: bool,
}

impl Asset for Operations {
    fn format(&self) -> &'static str {
        "operations"
    }
}

impl Operations {
    /// What one member of TorchScript code does; `code` is all of the archive's.
    pub(crate) fn of_source(source: &Source, code: &Code) -> Self {
        let mut operations = Self::default();
        for (used, &at) in &source.uses {
            let Some(doubt) = doubt(used, source, code) else { continue };
            let path = used.path.join(".");
            let dot = if used.of_value { "(...)." } else { "" };
            let shown = format!("{dot}{path}{}", if used.called { "(...)" } else { "" });
            let (list, message) = match doubt {
                Doubt::File => {
                    (&mut operations.files, format!("uses `{path}`, which reads or writes files"))
                }
                Doubt::Unlisted => {
                    let message = format!("uses `{path}`, which is not known to be harmless");
                    (&mut operations.unproven, message)
                }
                Doubt::Namespace => {
                    let message = format!("hands the whole namespace `{path}` around");
                    (&mut operations.unproven, message)
                }
            };
            list.push(Operation { at, shown, message, severe: false });
        }
        operations.files.sort_by_key(|operation| operation.at);
        operations.unproven.sort_by_key(|operation| operation.at);
        operations
    }
}

/// Why a name in TorchScript code is not proven harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    File,
    Unlisted,
    /// Operators may be taken out of it by another name.
    Namespace,
}

/// Judge a name as torch's compiler resolves it: `torch` and `ops` are namespaces of operators,
/// `__torch__` is the archive's own code, and a method is the code's own or an operator of `aten`.
///
/// Source: PyTorch 2.7, `SourceImporterImpl`, `BuiltinModule::attr`, `Environment`.
fn doubt(used: &Use, source: &Source, code: &Code) -> Option<Doubt> {
    let path = used.path.iter().map(String::as_str).collect::<Vec<_>>();
    match *path.as_slice() {
        ["torch", "ops", ref rest @ ..] | ["ops", ref rest @ ..] if !used.of_value => {
            let [namespace, rest @ ..] = rest else { return Some(Doubt::Namespace) };
            operator(namespace, rest)
        }
        ["torch", ref rest @ ..] if !used.of_value => operator("aten", rest),
        ["__torch__", "torch", "classes", ref rest @ ..] if !used.of_value => match rest {
            [namespace, ..] if CLASSES.contains(namespace) => None,
            _ => Some(Doubt::Unlisted),
        },
        // What the archive's code does not define, the loader refuses.
        ["__torch__" | "CONSTANTS", ..] if !used.of_value => None,
        [name] if !used.of_value => {
            // What a name is bound to was judged where it is named.
            let own = code.defines_function(name) || source.bound.contains(name);
            let known = BUILTINS.contains(&name) || own;
            (used.called && !known).then_some(Doubt::Unlisted)
        }
        ref path => {
            let looked_up = if used.of_value { path } else { path.get(1..).unwrap_or_default() };
            method(looked_up, used.called, code)
        }
    }
}

/// An operator of a namespace.
fn operator(namespace: &str, path: &[&str]) -> Option<Doubt> {
    match path {
        [] => Some(Doubt::Namespace),
        // torch gives the same operators once more under this name.
        ["autograd", rest @ ..] => operator("aten", rest),
        [name, ..] if is_file_operator(name) => Some(Doubt::File),
        [name] if OPERATORS.get(namespace).is_some_and(|names| names.contains(name)) => None,
        _ => Some(Doubt::Unlisted),
    }
}

/// What is looked up on a value: an attribute, or a method of the code or of the value's type.
fn method(path: &[&str], called: bool, code: &Code) -> Option<Doubt> {
    let own = |name: &&&str| !code.defines_function(name);
    if path.iter().filter(own).any(|name| is_file_operator(name)) {
        return Some(Doubt::File);
    }
    let name = path.last().filter(own).filter(|_| called)?;
    let known = ["aten", "prim"]
        .iter()
        .any(|namespace| OPERATORS.get(namespace).is_some_and(|names| names.contains(name)));
    (!known && !METHODS.contains(name)).then_some(Doubt::Unlisted)
}

/// Whether an operator of this name touches files in some version of torch, whatever the namespace.
fn is_file_operator(name: &str) -> bool {
    FILES.contains(&name)
}

static OPERATORS: LazyLock<HashMap<&str, HashSet<&str>>> = LazyLock::new(|| {
    let mut namespaces: HashMap<_, HashSet<_>> = HashMap::new();
    let mut names = None;
    for line in LIST.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(namespace) => names = Some(namespaces.entry(namespace).or_default()),
            None => {
                if let Some(names) = &mut names {
                    names.insert(line);
                }
            }
        }
    }
    namespaces
});

const LIST: &str = include_str!("operations/operators.names");

/// Operators that touch files: torch's, and those that torchvision and torchaudio add.
const FILES: &[&str] = &[
    "from_file",
    "load",
    "load_tensor",
    "read_file",
    "save",
    "save_tensor",
    "sox_io_load_audio_file",
    "sox_io_save_audio_file",
    "write_file",
];

/// Functions of the language itself (`ir_emitter.cpp`, `Environment::getSugaredVar`), and forms
/// that its printer writes.
const BUILTINS: &[&str] = &[
    "AssertionError",
    "Exception",
    "IndexError",
    "KeyError",
    "NotImplementedError",
    "RuntimeError",
    "TypeError",
    "ValueError",
    "abs",
    "all",
    "annotate",
    "any",
    "awaitable",
    "bin",
    "bool",
    "chr",
    "complex",
    "dict",
    "divmod",
    "enumerate",
    "float",
    "fork",
    "getattr",
    "hasattr",
    "hash",
    "hex",
    "int",
    "isinstance",
    "len",
    "list",
    "max",
    "min",
    "oct",
    "ord",
    "pow",
    "print",
    "range",
    "rangelist",
    "round",
    "sorted",
    "str",
    "sum",
    "tuple",
    "unchecked_cast",
    "uninitialized",
    "zip",
];

/// Methods of classes that torch itself registers.
const METHODS: &[&str] = &["__getstate__", "__setstate__", "forward", "unpack"];

/// Namespaces of classes that torch itself registers and that hold packed weights.
const CLASSES: &[&str] = &["quantized", "rnn", "sparse", "xnnpack"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_resolved_as_the_compiler_does() {
        let code = Code::default();
        let source = Source { bound: ["_0".to_owned()].into(), ..Source::default() };
        let doubt = |path: &str| {
            let (of_value, called) = (path.starts_with('.'), path.ends_with("()"));
            let path = path.trim_start_matches('.').trim_end_matches("()");
            let path = path.split('.').map(ToOwned::to_owned).collect();
            super::doubt(&Use { path, of_value, called }, &source, &code)
        };
        for fine in [
            "torch.add()",
            "ops.aten.relu_()",
            "ops.prim.NumToTensor()",
            "x",
            "x.shape",
            ".size()",
            "__torch__.a.b()",
            "len()",
            "_0()",
            "ops.quantized.linear()",
            "self.training",
            "__torch__.torch.classes.quantized.LinearPackedParamsBase",
            "ops.torchvision.nms()",
        ] {
            assert_eq!(doubt(fine), None, "{fine}");
        }
        for file in [
            "torch.save()",
            "ops.aten.save",
            "torch.ops.aten.from_file()",
            "x.save()",
            ".save()",
            "torch.autograd.save()",
            "ops.image.read_file()",
            "ops.mine.save()",
        ] {
            assert_eq!(doubt(file), Some(Doubt::File), "{file}");
        }
        for unlisted in [
            "torch.nothing()",
            "ops.mine.relu()",
            "mine()",
            "x.mine()",
            "torch.add.mine",
            "__torch__.torch.classes.mine.Class",
        ] {
            assert_eq!(doubt(unlisted), Some(Doubt::Unlisted), "{unlisted}");
        }
        for namespace in ["torch", "ops", "ops.aten", "torch.ops"] {
            assert_eq!(doubt(namespace), Some(Doubt::Namespace), "{namespace}");
        }
    }

    #[test]
    fn no_listed_operator_touches_files() {
        assert!(OPERATORS.get("aten").is_some_and(|names| names.len() > 1500));
        let mut names = OPERATORS.values().flatten();
        assert!(!names.any(|name| is_file_operator(name)));
    }
}
