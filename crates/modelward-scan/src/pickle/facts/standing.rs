//! Where a name stands: on a list, on none, or known to be dangerous.

use std::rc::Rc;

use modelward_formats::pickle::Import;

use super::{
    super::{
        compatibility::mapped,
        known::{self, Entry},
    },
    Facts,
};

/// A name that the program imports, and what is known of it.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) standing: Standing,
    pub(crate) at: u64,
    /// How the import is written, for a finding of an import that is never called.
    pub(crate) shown: String,
}

#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// On the allow-list, or on the user's.
    Listed(Rc<Entry>),
    /// A class of TorchScript, which its own archive defines.
    TorchScript,
    /// Not listed.
    Unlisted,
    /// Not listed and known to be dangerous.
    Dangerous(&'static str),
    /// Not listed, and its dots lead through attributes.
    Dotted,
    /// Builds functions from bytes.
    Code,
    /// Computed: seen as an oddity already.
    Computed,
}

impl Facts<'_> {
    /// Hold a name against the lists.
    pub(crate) fn weigh(&self, import: &Import, at: u64) -> Name {
        let (Some(module), Some(name)) = (&import.module, &import.name) else {
            let (module, name) = (import.module.clone(), import.name.clone());
            let (module, name) = (module.unwrap_or_default(), name.unwrap_or_default());
            return Name { module, name, standing: Standing::Computed, at, shown: String::new() };
        };
        let shown = format!("import {module}.{name}");
        let (module, name) = mapped(module, name, import.protocol);
        let standing = self.standing(module, name);
        Name { module: module.into(), name: name.into(), standing, at, shown }
    }

    pub(crate) fn standing(&self, module: &str, name: &str) -> Standing {
        let allowed = self.allowed.get(&(module.to_owned(), name.to_owned()));
        let listed = known::kinds(module, name).and_then(|kinds| Entry::parse(kinds).ok());
        let allowed = allowed.and_then(|kinds| Entry::parse(kinds).ok());
        // What the user allows widens what ships, and takes nothing away.
        let entry = match (listed, allowed) {
            (Some(listed), Some(allowed)) => Some(listed.or(allowed)),
            (listed, allowed) => listed.or(allowed),
        };
        if let Some(entry) = entry {
            return Standing::Listed(Rc::new(entry));
        }
        let of_archive = module == "__torch__" || module.starts_with("__torch__.");
        if of_archive && self.neighbours.code.is_some_and(|code| code.defines_class(module, name)) {
            return Standing::TorchScript;
        }
        if is_code(module, name) {
            return Standing::Code;
        }
        if let Some(sentence) = danger_of(module, name) {
            return Standing::Dangerous(sentence);
        }
        if name.contains('.') { Standing::Dotted } else { Standing::Unlisted }
    }
}

/// The danger of a name, also where its dots lead into a module of another name.
pub(crate) fn danger_of(module: &str, name: &str) -> Option<&'static str> {
    // No name that is known is as long, and each dot of one is looked up.
    const LONGEST: usize = 256;
    if module.len().max(name.len()) > LONGEST {
        return None;
    }
    let mut reached = known::danger(module, name);
    let mut rest = name;
    while let (None, Some((through, tail))) = (reached, rest.split_once('.')) {
        let through = through.trim_start_matches('_');
        reached = known::danger(through, tail);
        rest = tail;
    }
    reached
}

/// Names that make functions of bytes.
pub(crate) fn is_code(module: &str, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    match module {
        "types" => matches!(name, "CodeType" | "FunctionType"),
        "marshal" => matches!(name, "loads" | "load"),
        "dill._dill" | "dill.dill" => {
            matches!(last, "_create_code" | "_create_function" | "_create_type")
        }
        "cloudpickle.cloudpickle" | "cloudpickle.cloudpickle_fast" | "cloudpickle" => matches!(
            last,
            "_make_function"
                | "_make_skel_func"
                | "_fill_function"
                | "_builtin_type"
                | "_make_cell"
                | "_make_empty_cell"
                | "_function_setstate"
                | "_make_skeleton_class"
                | "_class_setstate"
        ),
        _ => false,
    }
}
