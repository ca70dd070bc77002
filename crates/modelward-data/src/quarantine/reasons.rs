//! Which rows a check found, and why they may be taken out.

use std::collections::BTreeMap;

use modelward_core::Value;

use crate::check::Checked;

/// The rows that the checks flagged, each with the names of these checks; of rows that are copies of one
/// another all but the first.
pub fn reasons(checked: &Checked) -> BTreeMap<u64, Vec<String>> {
    let mut reasons: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for (check, done) in &checked.checks {
        let mut add = |row: &Value| {
            let Value::Count(row) = row else { return };
            let names = reasons.entry(*row).or_default();
            if names.last().is_none_or(|name| name != check.name) {
                names.push(check.name.to_owned());
            }
        };
        for (key, value) in &done.fields {
            let Value::List(items) = value else { continue };
            match (check.name, *key) {
                (_, "flagged") => {
                    items.iter().filter_map(|item| field(item, "row")).for_each(&mut add)
                }
                ("near-duplicate", "pairs") => {
                    items.iter().filter_map(|item| field(item, "b")).for_each(&mut add);
                }
                ("duplicate", "groups") => {
                    let groups = items.iter().filter_map(|group| match group {
                        Value::List(rows) => Some(rows),
                        _ => None,
                    });
                    groups.flat_map(|rows| rows.iter().skip(1)).for_each(&mut add);
                }
                _ => {}
            }
        }
    }
    reasons
}

fn field<'a>(item: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Record(fields) = item else { return None };
    fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}
