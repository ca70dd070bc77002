//! What differs in a file, where an older version of it is at hand.

use std::{io::Read, path::Path};

use serde_json::Value;

use crate::{
    oms::{json::brief, role},
    tree::{File, open},
};

/// What differs between a file of an older version of the model and the one that is there now: the keys
/// of a configuration.
pub(super) fn of(old: &Path, file: &File) -> Option<String> {
    let path = old.join(&file.name);
    let mut text = String::new();
    open::regular(&path).ok()?.take(MOST).read_to_string(&mut text).ok()?;
    keys(&text, &role::content(file)?)
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
    let more = differ.len().saturating_sub(FEW);
    differ.truncate(FEW);
    if more > 0 {
        differ.push(format!("{more} more keys"));
    }
    (!differ.is_empty()).then(|| differ.join(", "))
}

/// What is read of an older configuration.
const MOST: u64 = 16 << 20;
/// Keys that are named.
const FEW: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

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
