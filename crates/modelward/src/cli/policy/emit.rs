//! `modelward policy emit`: the allowed names as the loader takes them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use modelward_core::Policy;

use crate::cli::Failure;

/// Print what `torch.load(weights_only=True)` is to accept.
pub(super) fn torch(policy: &Policy) -> Result<(), Failure> {
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for allowed in &policy.names {
        let (module, name) = name(&allowed.entry)?;
        names.entry(module).or_default().insert(name);
    }
    write(&names, &mut io::stdout().lock()).map_err(|error| Failure::output(&error))
}

/// Module and qualified name of an entry. What is printed here becomes Python: nothing but a
/// name gets through.
fn name(entry: &str) -> Result<(&str, &str), Failure> {
    let mut words = entry.split(':').next().unwrap_or_default().split_whitespace();
    let pair = (words.next(), words.next(), words.next());
    match pair {
        (Some(module), Some(name), None) if is_dotted(module) && is_dotted(name) => {
            Ok((module, name))
        }
        _ => Err(Failure::new(format!("expected `module Name : kind`, found `{entry}`"))
            .help("the part before the colon is the module, a space, and the name in it")),
    }
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(|part| {
        let mut letters = part.chars();
        letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
            && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

fn write(names: &BTreeMap<&str, BTreeSet<&str>>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "import torch.serialization")?;
    for module in names.keys() {
        writeln!(out, "import {module}")?;
    }
    writeln!(out, "\ntorch.serialization.add_safe_globals([")?;
    for (module, names) in names {
        for name in names {
            writeln!(out, "    {module}.{name},")?;
        }
    }
    writeln!(out, "])")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_python_and_nothing_else_does() {
        assert_eq!(name("my.package Settings : class (int)").unwrap(), ("my.package", "Settings"));
        for entry in ["my.package", "a b c : class", "os;import x y", "a 1b : class", "a.b .c"] {
            assert!(name(entry).is_err(), "{entry}");
        }
        let mut out = Vec::new();
        let names = BTreeMap::from([("my.package", BTreeSet::from(["Settings"]))]);
        write(&names, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("add_safe_globals([\n    my.package.Settings,\n])\n"), "{text}");
    }
}
