//! What differs in a file, where an older version of it is at hand.

use std::{io::Read, path::Path, time::Instant};

use serde_json::Value;

use crate::{
    manifest::{
        Options,
        diff::{self, Named, Pair, Side},
    },
    oms::{Reading, Role, json::brief, role},
    tree::{File, open},
};

/// What differs between a file of an older version of the model and the one that is there now: the keys
/// of a configuration, the tensors of weights.
pub(super) fn of(old: &Path, file: &File, reading: &Reading<'_>) -> Option<String> {
    let path = old.join(&file.name);
    if Role::named(&file.name) == Role::Weights {
        return tensors(&path, &file.path, reading);
    }
    let mut text = String::new();
    open::regular(&path).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    keys(&text, &role::content(file)?)
}

/// The tensors that two files do not share, and the first element of those with others.
fn tensors(old: &Path, new: &Path, reading: &Reading<'_>) -> Option<String> {
    let mut options = Options { contents: true, threads: reading.threads, ..Options::default() };
    if let Some(deadline) = reading.deadline {
        options.limits.time = deadline.saturating_duration_since(Instant::now());
    }
    let side = |path| Side::read(path, &options, None).ok();
    let compared = diff::compare(&side(old)?, &side(new)?, &options);
    // A view of the tensors that were read alone might call the rest gone.
    if !compared.unread.is_empty() {
        return None;
    }
    let name = |named: &Named| brief(&named.name);
    let tensors = compared.tensors;
    let changed = tensors.changed.iter().map(|Pair { new, dtype, shape, place, .. }| {
        let how = match place {
            Some(place) => format!(
                "{} {:?} was {}, is {}; {} {}",
                place.unit,
                place.index,
                place.old,
                place.new,
                place.count,
                if place.count == 1 { "differs" } else { "differ" },
            ),
            None => format!("was {} {:?}, is {} {:?}", dtype.0, shape.0, dtype.1, shape.1),
        };
        format!("tensor `{}`: {how}", name(new))
    });
    let renamed = tensors.renamed.iter();
    let renamed =
        renamed.map(|(old, new)| format!("tensor `{}` is `{}` now", name(old), name(new)));
    let added = tensors.added.iter().map(|new| format!("tensor `{}` came", name(new)));
    let removed = tensors.removed.iter().map(|old| format!("tensor `{}` went", name(old)));
    few(changed.chain(renamed).chain(added).chain(removed).collect(), "tensors")
}

/// The keys that two JSON objects do not share, and those with other values.
fn keys(old: &str, new: &str) -> Option<String> {
    let (Ok(Value::Object(old)), Ok(Value::Object(new))) =
        (serde_json::from_str(old), serde_json::from_str(new))
    else {
        return None;
    };
    let shown = |value: &Value| brief(&value.to_string());
    let mut differ = Vec::new();
    for (key, value) in &new {
        let name = brief(key);
        match old.get(key) {
            None => differ.push(format!("`{name}` came: {}", shown(value))),
            Some(before) if before != value => {
                differ.push(format!("`{name}` was {}, is {}", shown(before), shown(value)));
            }
            Some(_) => {}
        }
    }
    differ.extend(
        old.keys()
            .filter(|key| !new.contains_key(*key))
            .map(|key| format!("`{}` went", brief(key))),
    );
    few(differ, "keys")
}

/// The first of what differs, and how much more there is.
fn few(mut differ: Vec<String>, what: &str) -> Option<String> {
    let more = differ.len().saturating_sub(FEW);
    differ.truncate(FEW);
    if more > 0 {
        differ.push(format!("{more} more {what}"));
    }
    (!differ.is_empty()).then(|| differ.join(", "))
}

/// What is read of an older configuration.
const MOST: u64 = 16 << 20;
/// Keys or tensors that are named.
const FEW: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// A safetensors file with two tensors of two numbers.
    fn weights(first: &str, numbers: [f32; 4]) -> Vec<u8> {
        let header = format!(
            r#"{{"{first}":{{"dtype":"F32","shape":[2],"data_offsets":[0,8]}},"b":{{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}}}"#
        );
        let data = numbers.iter().flat_map(|number| number.to_le_bytes());
        (header.len() as u64)
            .to_le_bytes()
            .into_iter()
            .chain(header.into_bytes())
            .chain(data)
            .collect()
    }

    #[test]
    fn tensors_that_changed_or_have_other_names_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
        std::fs::write(&old, weights("a", [1.0, 2.0, 3.0, 4.0])).unwrap();
        let differ = |bytes: &[u8]| {
            std::fs::write(&new, bytes).unwrap();
            tensors(&old, &new, &Reading::default())
        };
        let changed = differ(&weights("a", [1.0, 2.0, 3.0, 5.0])).unwrap();
        assert_eq!(changed, "tensor `b`: element [1] was 4, is 5; 1 differs");
        let renamed = differ(&weights("c", [1.0, 2.0, 3.0, 4.0])).unwrap();
        assert_eq!(renamed, "tensor `a` is `c` now");
        assert_eq!(differ(b"no weights").unwrap(), "tensor `a` went, tensor `b` went");
    }

    #[test]
    fn keys_that_came_went_and_changed_are_named() {
        let differ = keys(r#"{"a":1,"b":2,"c":3}"#, r#"{"a":1,"b":4,"auto_map":{"x":"y.Z"}}"#);
        assert_eq!(differ.unwrap(), r#"`auto_map` came: {"x":"y.Z"}, `b` was 2, is 4, `c` went"#);
        assert_eq!(keys("{}", "{}"), None);
        let long = format!(r#"{{"{}": 1}}"#, "k".repeat(200));
        assert_eq!(keys(&long, &long), None);
        assert_eq!(keys("[1]", "{}"), None);
    }
}
