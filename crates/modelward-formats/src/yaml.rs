//! YAML text, for the templates that lie in its scalars.
//!
//! Only events are read: no alias is expanded and no tag is acted upon, so nothing grows.

use std::{ops::ControlFlow, sync::Arc};

use saphyr_parser::{Event, Parser};

use crate::{Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal, jinja::Template, json};

/// Text with the structure of YAML.
pub const FORMAT: Format = Format { name: "yaml", read };

/// What a YAML text holds that may have an effect.
#[derive(Debug, Default)]
pub struct Yaml {
    /// The scalars that hold template tags: the key they stand under, and their text.
    pub templates: Vec<(String, String)>,
    /// The tags that make Python objects: an offset, and the tag in full.
    pub python: Vec<(u64, String)>,
    /// Whether the text read as it stands holds template tags that its scalars do not.
    pub(crate) stray: bool,
}

impl Yaml {
    /// Longer texts are configurations of no model.
    const MOST: u64 = 4 << 20;
    /// Collections within one another.
    const DEPTH: usize = 256;

    /// Read text that is a mapping or a sequence; `None` where it is not.
    pub(crate) fn read(text: &str, budget: &Budget) -> Option<Result<Self, Refusal>> {
        if !starts_like_yaml(text) {
            return None;
        }
        let mut yaml = Self::default();
        let mut keys = Vec::new();
        let mut read = 0;
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { return None };
            let at = span.start.index() as u64;
            if let Err(refusal) = budget.tick(at) {
                return Some(Err(refusal));
            }
            if let Event::Scalar(.., tag)
            | Event::SequenceStart(_, tag)
            | Event::MappingStart(_, tag) = &event
                && let Some(tag) = tag
            {
                yaml.tag(at, &format!("{}{}", tag.handle, tag.suffix));
            }
            match event {
                Event::MappingStart(..) => keys.push(Some((true, String::new()))),
                Event::SequenceStart(..) => keys.push(None),
                Event::MappingEnd | Event::SequenceEnd => {
                    keys.pop();
                    turn(&mut keys);
                }
                Event::Scalar(value, ..) => {
                    read = value.len().saturating_add(read);
                    yaml.scalar(&value, &mut keys);
                }
                Event::Alias(_) => turn(&mut keys),
                _ => {}
            }
            if keys.len() > Self::DEPTH {
                let why = format!("a document nested more than {} deep", Self::DEPTH);
                return Some(Err(Refusal::new(at, Gap::DeepNesting, why)));
            }
        }
        let held = yaml.templates.iter().map(|(_, text)| tags(text)).sum::<usize>();
        yaml.stray |= held < tags(text);
        Some(Ok(yaml))
    }

    /// PyYAML takes a tag in full, by its handle, and with escapes.
    fn tag(&mut self, at: u64, tag: &str) {
        let tag = percent_decoded(tag);
        if tag.contains("python/") && self.python.len() < 100 {
            self.python.push((at, tag));
        }
    }

    fn scalar(&mut self, value: &str, keys: &mut [Option<(bool, String)>]) {
        if Template::has_tags(value) {
            let named = keys.iter().flatten().map(|(_, key)| key.as_str());
            let named = named.filter(|key| !key.is_empty()).collect::<Vec<_>>().join(".");
            // Quotes and backslashes read differently in the text as it stands.
            self.stray |= value.contains(['\'', '\\', '"']) || Template::parse(value).is_err();
            self.templates.push((named, value.to_owned()));
        }
        if let Some(Some((true, key))) = keys.last_mut() {
            *key = value.chars().take(64).collect();
        }
        turn(keys);
    }
}

impl Asset for Yaml {
    fn format(&self) -> &'static str {
        FORMAT.name
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        for (key, text) in &self.templates {
            let expects =
                if key.contains("chat_template") { Expects::Template } else { Expects::Data };
            let bytes = Ok(Bytes::from(text.as_bytes()));
            if visit(Part { name: key.clone(), bytes, expects }).is_break() {
                return;
            }
        }
    }
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    if bytes.len() > Yaml::MOST {
        return None;
    }
    let bytes = bytes.head(Yaml::MOST).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    // Every JSON is YAML too, and read as what it is.
    if text.trim_start().starts_with(['{', '['])
        && (tags(text) == 0 && !text.contains('!')
            || (json::FORMAT.read)(&bytes.as_slice().into(), budget).is_some())
    {
        return None;
    }
    let yaml = Yaml::read(text, budget)?;
    Some(yaml.map(|yaml| Box::new(yaml) as Box<dyn Asset>))
}

/// A tag with its `%XX` escapes undone (YAML 1.2, section 5.6).
fn percent_decoded(tag: &str) -> String {
    let mut bytes = Vec::with_capacity(tag.len());
    let mut rest = tag.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) => {
                bytes.push(escaped);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// In a mapping, keys and values take turns.
fn turn(keys: &mut [Option<(bool, String)>]) {
    if let Some(Some((key, _))) = keys.last_mut() {
        *key = !*key;
    }
}

fn tags(text: &str) -> usize {
    text.matches("{{").count().saturating_add(text.matches("{%").count())
}

/// Whether the first line that says anything is a key or an item, as configurations begin, or opens
/// a collection in flow style. Prose, programs and templates do not, and are not tried.
fn starts_like_yaml(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_end);
    let first = lines.find(|line| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with('#') && line != "---" && !line.starts_with("%")
    });
    let Some(first) = first.map(str::trim_start) else { return false };
    let first = first.strip_prefix("---").map_or(first, str::trim_start);
    let template = ["{{", "{%", "{#"].iter().any(|tag| first.starts_with(tag));
    if first == "-" || first.starts_with("- ") || (first.starts_with(['{', '[', '!']) && !template)
    {
        return true;
    }
    let unquoted = first.trim_start_matches(['"', '\'']);
    let key = unquoted.split(':').next().unwrap_or_default();
    let after = unquoted.get(key.len()..).unwrap_or_default();
    let named = !key.is_empty() && key.len() < 80 && !key.contains(['{', '(', '<', ';']);
    named && (after == ":" || after.starts_with(": ")) && key.split(' ').count() <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(text: &str) -> Vec<(String, String)> {
        Yaml::read(text, &Budget::default()).unwrap().unwrap().templates
    }

    #[test]
    fn scalars_of_every_style_are_read() {
        let text = "a:\n  b: |\n    {{ x }}\n    y\n  c: '{{ ''z'' }}'\nd: [1, \"{{ \\x61\\\n  b }}\"]\ne: &anchor >-\n  {% if a\n  %}{% endif %}\nf: *anchor\ng: !!str \"{{ q }}\"\n";
        let found = templates(text);
        let found = found.iter().map(|(key, text)| (key.as_str(), text.as_str()));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [
                ("a.b", "{{ x }}\ny\n"),
                ("a.c", "{{ 'z' }}"),
                ("d", "{{ ab }}"),
                ("e", "{% if a %}{% endif %}"),
                ("g", "{{ q }}"),
            ]
        );
    }

    #[test]
    fn flow_style_is_read_unless_it_is_json() {
        let flow = "{chat_template: \"{{ ''.\\x5f\\x5fclass__ }}\", b: [1, '{{ y }}']}";
        let found = templates(flow);
        let found = found.iter().map(|(key, text)| (key.as_str(), text.as_str()));
        let expected = [("chat_template", "{{ ''.__class__ }}"), ("b", "{{ y }}")];
        assert_eq!(found.collect::<Vec<_>>(), expected);
        let is_yaml = |text: &str| read(&text.as_bytes().into(), &Arc::default()).is_some();
        assert!(is_yaml(flow) && !is_yaml("{\"chat_template\": \"{{ x }}\"}"));
    }

    #[test]
    fn prose_and_programs_are_no_yaml() {
        for text in
            ["Hello there", "import os\nx: int = 1", "{{ x }}", "", "def f(x):\n  y", "# a\n"]
        {
            assert!(Yaml::read(text, &Budget::default()).is_none(), "{text}");
        }
    }
}
