//! Licences: which of the names that people write are those of SPDX.

use super::text::{address, clean, name};

mod expression;
mod recognised;

pub(super) use recognised::recognise;

/// A licence of the model, by whom it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// Which.
    pub term: Term,
    /// Where its text can be read, if that is told.
    pub address: Option<String>,
    /// The file that tells.
    pub by: String,
    /// Whether it was concluded from the text of a licence, rather than declared.
    pub concluded: bool,
}

/// How a licence is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// An identifier of the SPDX licence list.
    Id(&'static str),
    /// Several of them: an SPDX licence expression.
    Expression(String),
    /// A name of its own.
    Name(String),
}

impl Licence {
    /// A licence that a file declares.
    pub(super) fn declared(text: &str, link: Option<&str>, by: &str) -> Option<Self> {
        let term = Term::read(text)?;
        Some(Self { term, address: link.and_then(address), by: by.into(), concluded: false })
    }
}

impl Term {
    /// What a text names; `None` where it names nothing.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = clean(text, 1024);
        // What the Hub's own words say that SPDX has under another name.
        let known = ALIASES.iter().find(|(alias, _)| text.eq_ignore_ascii_case(alias));
        if let Some(id) = identifier(known.map_or(&text, |(_, id)| id)) {
            return Some(Self::Id(id));
        }
        match expression::canonical(&text) {
            Some(expression) => Some(Self::Expression(expression)),
            None => name(&text).map(Self::Name),
        }
    }

    /// The name, identifier or expression.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Expression(text) | Self::Name(text) => text,
        }
    }
}

/// The identifier of the SPDX list that this is, whatever its case.
fn identifier(text: &str) -> Option<&'static str> {
    IDENTIFIERS.lines().find(|id| id.eq_ignore_ascii_case(text))
}

/// Words of the Hugging Face Hub that mean a licence of SPDX.
const ALIASES: &[(&str, &str)] = &[
    ("pddl", "PDDL-1.0"),
    ("odc-by", "ODC-By-1.0"),
    ("odbl", "ODbL-1.0"),
    ("lgpl-lr", "LGPLLR"),
    ("cc0", "CC0-1.0"),
];

/// SPDX licence list as the schemas of CycloneDX 1.6 and 1.7 have it.
const IDENTIFIERS: &str = include_str!("licence/identifiers.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_spdx_are_known_in_any_case() {
        assert_eq!(Term::read("apache-2.0"), Some(Term::Id("Apache-2.0")));
        assert_eq!(Term::read(" ODbL "), Some(Term::Id("ODbL-1.0")));
        assert_eq!(Term::read("llama3"), Some(Term::Name("llama3".into())));
        assert_eq!(
            Term::read("mit or apache-2.0"),
            Some(Term::Expression("MIT OR Apache-2.0".into()))
        );
        assert_eq!(Term::read("\u{202e}\n"), None);
        // The list ends with exceptions, which are no licences.
        assert_eq!(
            Term::read("Classpath-exception-2.0"),
            Some(Term::Name("Classpath-exception-2.0".into()))
        );
    }
}
