//! A YAML document as a tree of texts, for those who ask what it says.

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::{Budget, Gap, Refusal};

/// A value of a YAML document. Scalars stay as they are written: whether `no` is a truth value or
/// the language of Norway is for the reader to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A scalar, and whether it is written without quotes.
    Text(String, bool),
    /// A sequence.
    List(Vec<Self>),
    /// A mapping of scalars, in the order of the document.
    Map(Vec<(String, Self)>),
}

/// A collection that is not closed yet.
enum Open {
    List(Vec<Node>),
    /// With the key whose value comes next.
    Map(Vec<(String, Node)>, Option<String>),
}

impl Node {
    /// Collections within one another.
    const DEPTH: usize = 32;
    /// Values in all.
    const MOST: usize = 100_000;

    /// The first document of a text; `None` where it has none. An alias stands for nothing, so that
    /// nothing grows, and so does a key that is no scalar.
    ///
    /// # Errors
    /// Where the text is no YAML, or is nested deeper than 32 or has more than 100,000 values.
    pub fn read(text: &str, budget: &Budget) -> Result<Option<Self>, Refusal> {
        let mut open: Vec<Open> = Vec::new();
        let mut values = 0_usize;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| {
                let at = error.marker().index() as u64;
                Refusal::truncated(at, format!("no YAML: {}", error.info()))
            })?;
            let at = span.start.index() as u64;
            budget.tick(at)?;
            values = values.saturating_add(1);
            if values > Self::MOST || open.len() > Self::DEPTH {
                let why = "a document of more values, or nested deeper, than is read";
                return Err(Refusal::new(at, Gap::DeepNesting, why));
            }
            let done = match event {
                Event::SequenceStart(..) => {
                    open.push(Open::List(Vec::new()));
                    continue;
                }
                Event::MappingStart(..) => {
                    open.push(Open::Map(Vec::new(), None));
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                    Some(Open::List(list)) => Self::List(list),
                    Some(Open::Map(entries, _)) => Self::Map(entries),
                    None => continue,
                },
                Event::Scalar(value, style, ..) => {
                    Self::Text(value.into_owned(), style == ScalarStyle::Plain)
                }
                Event::Alias(_) => Self::Text(String::new(), true),
                _ => continue,
            };
            match open.last_mut() {
                None => return Ok(Some(done)),
                Some(Open::List(list)) => list.push(done),
                Some(Open::Map(entries, key)) => match (key.take(), done) {
                    (Some(key), value) => entries.push((key, value)),
                    (None, Self::Text(text, _)) => *key = Some(text),
                    (None, _) => *key = Some(String::new()),
                },
            }
        }
        Ok(None)
    }

    /// The value of a key of a mapping; the last one, as loaders have it.
    pub fn at(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A scalar that says something: neither empty nor `null`.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text, plain) => {
                let nothing =
                    *plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
                (!nothing && !text.trim().is_empty()).then_some(text)
            }
            Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The scalars of a sequence, or the one that stands in its place.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::List(list) => list.iter().filter_map(Self::text).collect(),
            other => other.text().into_iter().collect(),
        }
    }

    /// The values of a sequence.
    pub fn list(&self) -> &[Self] {
        if let Self::List(list) = self { list } else { &[] }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> &[(String, Self)] {
        if let Self::Map(entries) = self { entries } else { &[] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Node>, Refusal> {
        Node::read(text, &Budget::default())
    }

    #[test]
    fn scalars_stay_as_they_are_written() {
        let text =
            "language: [no, en]\nlicense: mit\nn: 1.10\ne: ~\nq: '~'\nm: {a: b}\na: &x 1\nb: *x\n";
        let node = read(text).unwrap().unwrap();
        assert_eq!(node.at("language").unwrap().texts(), ["no", "en"]);
        assert_eq!(node.at("license").unwrap().texts(), ["mit"]);
        assert_eq!(node.at("n").unwrap().text(), Some("1.10"));
        assert_eq!(node.at("e").unwrap().text(), None);
        assert_eq!(node.at("q").unwrap().text(), Some("~"));
        assert_eq!(node.at("m").unwrap().at("a").unwrap().text(), Some("b"));
        assert_eq!(node.at("b").unwrap().text(), None);
        assert!(node.at("z").is_none() && node.list().is_empty() && node.entries().len() == 8);
    }

    #[test]
    fn what_is_no_yaml_or_too_deep_is_refused() {
        assert!(read("a: [1").is_err() && read("a: 'b").is_err());
        assert_eq!(read(&"[".repeat(40)).unwrap_err().gap, Gap::DeepNesting);
        assert_eq!(read("").unwrap(), None);
        let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
        assert!(read(laughs).unwrap().unwrap().at("c").unwrap().texts().is_empty());
    }
}
