//! The texts in a text: lines of JSON keep lists and records as JSON, in which characters that are not seen, and
//! the ends of lines, are spelt out.

use serde_json::Value;

/// See the texts of a cell: those in it where it is a list or a record in JSON, else the cell itself.
pub(super) fn each(text: &str, mut see: impl FnMut(&str)) {
    let begun = text.starts_with('{') && text.ends_with('}')
        || text.starts_with('[') && text.ends_with(']');
    // JSON of more than this many bytes is read as it stands: as a value it would take many times the room.
    let value = (begun && text.len() <= MOST).then(|| serde_json::from_str::<Value>(text));
    match value {
        Some(Ok(value)) => strings(&value, &mut see),
        _ => see(text),
    }
}

/// The reader refuses to go deeper than the stack does.
fn strings(value: &Value, see: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => see(text),
        Value::Array(list) => list.iter().for_each(|value| strings(value, see)),
        Value::Object(record) => record.iter().for_each(|(name, value)| {
            see(name);
            strings(value, see);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Bytes of JSON that are read as a value.
const MOST: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn the_texts_of_lists_and_records_are_seen_as_they_are_read() {
        let of = |text: &str| {
            let mut seen = Vec::new();
            each(text, |text| seen.push(text.to_owned()));
            seen
        };
        assert_eq!(of(r#"[{"a": "x\u202ey"}, ["l\nm", 3]]"#), ["a", "x\u{202e}y", "l\nm"]);
        for whole in ["plain", "{no json}", "[1, 2", "3", "\"quoted\"", ""] {
            assert_eq!(of(whole), [whole]);
        }
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(of(&deep).len(), 1);
    }
}
