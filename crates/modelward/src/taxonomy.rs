//! What the world's standards call a threat class: `rules/taxonomy.toml`, built in.
//!
//! A rule names a class, never a foreign id, so that a new edition of a standard is one edit.

use std::{collections::BTreeMap, sync::LazyLock};

use modelward_core::Class;
use toml_edit::{Document, Item, Table};

/// A threat class under the names of others.
#[derive(Debug)]
pub struct Standards {
    /// The threat in a few words.
    pub threat: String,
    /// Rows of the project's own list of threats, `T5`.
    pub rows: Vec<String>,
    /// Ids with their editions, `OWASP LLM04:2026`, the most specific first.
    pub ids: Vec<String>,
    /// Weaknesses (CWE numbers).
    pub cwe: Vec<u16>,
}

/// What standards call a class.
pub fn standards(class: Class) -> &'static Standards {
    CLASSES.get(class.name()).unwrap_or(&NONE)
}

/// The ids of a class in a field of the file, and how an id is written out in full.
const FIELDS: [(&str, &str, &str); 8] = [
    ("owasp-ml", "OWASP ", ":2023"),
    ("owasp-llm-2025", "OWASP ", ":2025"),
    ("owasp-llm-2026", "OWASP ", ":2026"),
    ("atlas-techniques", "MITRE ATLAS AML.", " (5.6.1)"),
    ("atlas-mitigations", "MITRE ATLAS AML.", " (5.6.1)"),
    ("nist", "NIST AI 100-2 E2025 NISTAML.", ""),
    ("eu-ai-act", "EU AI Act (2024/1689) ", ""),
    ("cwe", "CWE-", ""),
];

static NONE: Standards =
    Standards { threat: String::new(), rows: Vec::new(), ids: Vec::new(), cwe: Vec::new() };

static CLASSES: LazyLock<BTreeMap<String, Standards>> = LazyLock::new(|| {
    let document = Document::parse(TEXT).ok();
    let classes = document.as_ref().and_then(|document| document.get("class"));
    let tables = classes.and_then(Item::as_table).into_iter().flat_map(Table::iter);
    tables.filter_map(|(name, class)| Some((name.to_owned(), read(class.as_table()?)))).collect()
});

fn read(class: &Table) -> Standards {
    let texts = |field| texts(class, field);
    let ids =
        FIELDS.iter().filter(|(field, ..)| *field != "cwe").flat_map(|(field, head, tail)| {
            texts(field).into_iter().map(move |id| format!("{head}{id}{tail}"))
        });
    let cwe = texts("cwe").iter().filter_map(|number| number.parse().ok()).collect();
    let threat = class.get("threat").and_then(Item::as_str).unwrap_or_default().to_owned();
    Standards { threat, rows: texts("rows"), ids: ids.collect(), cwe }
}

fn texts(class: &Table, field: &str) -> Vec<String> {
    let array = class.get(field).and_then(Item::as_array);
    array.into_iter().flatten().filter_map(|id| id.as_str().map(Into::into)).collect()
}

const TEXT: &str = include_str!("../../../rules/taxonomy.toml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    #[test]
    fn every_class_of_every_rule_is_in_the_taxonomy_and_nothing_else_is() {
        let known = Class::ALL.map(Class::name);
        assert_eq!(CLASSES.len(), known.len());
        for class in Class::ALL {
            let standards = standards(class);
            assert!(!standards.threat.is_empty() && !standards.rows.is_empty(), "{class:?}");
        }
        assert!(rules().iter().all(|rule| known.contains(&rule.class.name())));
    }

    #[test]
    fn ids_have_the_shape_of_their_standard() {
        let document = Document::parse(TEXT).unwrap();
        let digits =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
        let shape = |field: &str, id: &str| match field {
            "owasp-ml" => id.strip_prefix("ML").is_some_and(digits) && id.len() == 4,
            "owasp-llm-2025" | "owasp-llm-2026" => {
                id.strip_prefix("LLM").is_some_and(digits) && id.len() == 5
            }
            "atlas-techniques" => id.strip_prefix('T').is_some_and(|number| {
                let (whole, part) = number.split_once('.').unwrap_or((number, "000"));
                whole.len() == 4 && part.len() == 3 && digits(whole) && digits(part)
            }),
            "atlas-mitigations" => id.strip_prefix('M').is_some_and(digits) && id.len() == 5,
            "nist" => digits(id) && (2..=3).contains(&id.len()),
            "eu-ai-act" => id.starts_with("Art. ") || id.starts_with("Annex "),
            _ => digits(id),
        };
        for (name, class) in document["class"].as_table().unwrap() {
            let class = class.as_table().unwrap();
            for (key, _) in class {
                let known = FIELDS.iter().any(|(field, ..)| *field == key);
                assert!(known || ["threat", "rows"].contains(&key), "{name}: {key}");
            }
            for (field, ..) in FIELDS {
                for id in texts(class, field) {
                    assert!(shape(field, &id), "{name}: {field}: {id}");
                }
            }
            for row in texts(class, "rows") {
                let number: u8 = row.strip_prefix('T').unwrap().parse().unwrap();
                assert!((1..=11).contains(&number), "{name}: {row}");
            }
        }
    }
}
