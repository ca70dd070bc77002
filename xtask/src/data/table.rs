//! Tables of comma-separated values, some of them quoted (RFC 4180).

use std::{collections::BTreeMap, fs, path::Path};

/// The rows of a table, by the names of its columns.
pub(super) fn read(path: &Path) -> Result<Vec<BTreeMap<String, String>>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines = text.lines();
    let names = lines.next().map(fields).unwrap_or_default();
    let rows = lines.map(|line| {
        let row = names.iter().cloned().zip(fields(line));
        row.collect()
    });
    Ok(rows.collect())
}

/// The fields of a line.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for char in line.chars() {
        match (char, quoted) {
            ('"', _) => quoted = !quoted,
            (',', false) => fields.push(String::new()),
            (char, _) => {
                if let Some(field) = fields.last_mut() {
                    field.push(char);
                }
            }
        }
    }
    fields
}
