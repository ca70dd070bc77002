//! The words for a name that is not listed.

use super::{
    super::facts::{Name, Standing},
    Effect, Kinds,
};

/// The effect of an import that is never called.
pub(super) fn imported(name: &Name) -> Effect {
    let shown = name.shown.clone();
    effect(name, name.at, shown, "imports", Kinds::UnlistedImport, "value")
}

/// The effect of a call.
pub(super) fn called(name: &Name, at: u64, line: String, by: &str) -> Effect {
    let shown = format!("{line}        ({}.{}, by {by})", name.module, name.name);
    effect(name, at, shown, "calls", Kinds::UnlistedCall, "call (any*), class")
}

pub(super) fn effect(
    name: &Name,
    at: u64,
    shown: String,
    verb: &str,
    unlisted: Kinds,
    kinds: &str,
) -> Effect {
    let full = format!("{}.{}", name.module, name.name);
    let (kind, message, harmful, allow) = match name.standing {
        Standing::Dangerous(sentence) => {
            (Kinds::ForeignCall, format!("{verb} `{full}`, which {sentence}"), true, None)
        }
        Standing::Code => (
            Kinds::CodeObject,
            format!("{verb} `{full}`, which makes functions of bytes"),
            true,
            None,
        ),
        Standing::Dotted => {
            let harmful = !names_nested_class(&name.name);
            let message = format!("{verb} `{full}`, a name that walks through attributes");
            (Kinds::DottedName, message, harmful, None)
        }
        _ => {
            let message = format!("{verb} `{full}`, which is not known to be harmless");
            (unlisted, message, false, Some(format!("{} {} : {kinds}", name.module, name.name)))
        }
    };
    Effect { kind, at, shown, message, harmful, dangerous: false, allow }
}

/// Whether the dots of a name lead through classes alone, as the name of a nested class does.
fn names_nested_class(name: &str) -> bool {
    let mut through = name.rsplit('.').skip(1);
    through.all(|part| part.starts_with(|c: char| c.is_uppercase())) && !name.contains("__")
}
