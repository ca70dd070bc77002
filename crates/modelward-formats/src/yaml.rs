//! YAML text, for the templates that lie in its scalars.
//!
//! Only events are read: no alias is expanded and no tag is acted upon, so nothing grows.

use std::{ops::ControlFlow, sync::Arc};

use saphyr_parser::{Event, Parser};

use crate::{Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal, jinja::Template, json};

mod marks;
mod node;

pub use node::Node;

use marks::Marks;

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
    /// Whether the text breaks no rule of YAML.
    whole: bool,
    /// Bytes of the templates.
    held: usize,
    gap: Option<Refusal>,
}

impl Yaml {
    /// Longer texts are configurations of no model.
    const MOST: u64 = 4 << 20;
    /// Collections within one another.
    const DEPTH: usize = 256;

    /// Read text that is a mapping or a sequence from end to end; `None` where it is not.
    pub(crate) fn read(text: &str, budget: &Budget) -> Option<Self> {
        let yaml = starts_like_yaml(text).then(|| Self::parse(text, budget))?;
        (yaml.whole && yaml.gap.is_none()).then_some(yaml)
    }

    /// Read text up to where it breaks a rule of YAML.
    fn parse(text: &str, budget: &Budget) -> Self {
        let mut yaml = Self::default();
        let mut keys = Vec::new();
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { return yaml };
            let at = span.start.index() as u64;
            if let Err(refusal) = budget.tick(at) {
                yaml.gap = Some(refusal);
                return yaml;
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
                Event::Scalar(value, _, _, tag) => {
                    let binary = tag.is_some_and(|tag| tag.suffix.ends_with("binary"));
                    let decoded = if binary { base64(&value) } else { None };
                    yaml.scalar(at, decoded.as_deref().unwrap_or(&value), &mut keys);
                }
                Event::Alias(_) => turn(&mut keys),
                _ => {}
            }
            if keys.len() > Self::DEPTH {
                let why = format!("a document nested more than {} deep", Self::DEPTH);
                yaml.gap = Some(Refusal::new(at, Gap::DeepNesting, why));
                return yaml;
            }
        }
        let held = yaml.templates.iter().map(|(_, text)| tags(text)).sum::<usize>();
        yaml.stray |= held < tags(text);
        yaml.whole = true;
        yaml
    }

    /// Read text as YAML 1.2 has it, and as PyYAML has it, which knows more ends of a line.
    fn parse_both(text: &str, budget: &Budget) -> Self {
        let mut yaml = Self::parse(text, budget);
        if text.contains(BREAKS) {
            let other = Self::parse(&text.replace(BREAKS, "\n"), budget);
            yaml.templates.extend(other.templates);
            yaml.python.extend(other.python);
            yaml.whole &= other.whole;
            yaml.gap = yaml.gap.or(other.gap);
        }
        yaml
    }

    /// PyYAML takes a tag in full, by its handle, and with escapes.
    fn tag(&mut self, at: u64, tag: &str) {
        let tag = String::from_utf8_lossy(&marks::percent_decoded(tag.as_bytes())).into_owned();
        if tag.contains("python/") && self.python.len() < 100 {
            self.python.push((at, tag));
        }
    }

    fn scalar(&mut self, at: u64, value: &str, keys: &mut [Option<(bool, String)>]) {
        let full = self.templates.len() >= Template::MANY || self.held > Template::MUCH;
        if full && Template::has_tags(value) {
            let why = "more templates than are held at a time";
            self.gap.get_or_insert(Refusal::new(at, Gap::LargeMemory, why));
        } else if Template::has_tags(value) {
            self.held = self.held.saturating_add(value.len());
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

    fn gaps(&self) -> Vec<Refusal> {
        self.gap.iter().cloned().collect()
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        for (key, text) in &self.templates {
            let expects =
                if key.contains(CHAT_TEMPLATE) { Expects::Template } else { Expects::Data };
            let bytes = Ok(Bytes::from(text.as_bytes()));
            if visit(Part { name: key.clone(), bytes, expects }).is_break() {
                return;
            }
        }
    }
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let marks = match Marks::find(bytes, budget) {
        Ok(marks) => marks,
        Err(refusal) => return Some(Err(refusal)),
    };
    let yaml = if bytes.len() > Yaml::MOST {
        long(bytes, marks, budget)
    } else {
        let head = bytes.head(Yaml::MOST).ok()?;
        short(&head, marks, budget)
    };
    Some(Ok(Box::new(yaml?)))
}

fn short(bytes: &[u8], marks: Marks, budget: &Arc<Budget>) -> Option<Yaml> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        // PyYAML reads what was decoded from another encoding.
        let python = outside_quotes(marks);
        return (!python.is_empty()).then(|| Yaml { python, ..Yaml::default() });
    };
    // Every JSON is YAML too, and read as what it is.
    if text.trim_start().starts_with(['{', '['])
        && (tags(text) == 0 && !text.contains('!')
            || (json::FORMAT.read)(&bytes.into(), budget).is_some())
    {
        return None;
    }
    let like_yaml = starts_like_yaml(text);
    if !like_yaml && marks.tags.is_empty() && !MAY_MATTER.iter().any(|mark| text.contains(mark)) {
        return None;
    }
    let mut yaml = Yaml::parse_both(text, budget);
    if yaml.whole && like_yaml {
        return Some(yaml);
    }
    // Prose and programs that hold nothing stay what they are.
    yaml.templates.retain(|(key, _)| key.contains(CHAT_TEMPLATE));
    yaml.gap = yaml.gap.filter(|_| like_yaml);
    if !yaml.whole && yaml.python.is_empty() {
        yaml.python = if like_yaml { every(marks) } else { outside_quotes(marks) };
    }
    let holds = !yaml.python.is_empty() || !yaml.templates.is_empty() || yaml.gap.is_some();
    holds.then_some(yaml)
}

/// Text that no parser holds.
fn long(bytes: &Bytes, marks: Marks, budget: &Arc<Budget>) -> Option<Yaml> {
    let told = !marks.tags.is_empty() || marks.chat_template;
    if !told || (json::FORMAT.read)(bytes, budget).is_some() {
        return None;
    }
    let why = format!("a text of more than {} MiB that may be a template", Yaml::MOST >> 20);
    let gap = marks.chat_template.then(|| Refusal::new(0, Gap::LargeMemory, why));
    Some(Yaml { python: every(marks), gap, ..Yaml::default() })
}

fn every(marks: Marks) -> Vec<(u64, String)> {
    marks.tags.into_iter().map(|mark| (mark.at, mark.tag)).collect()
}

/// Programs and manuals speak of such tags.
fn outside_quotes(marks: Marks) -> Vec<(u64, String)> {
    let outside = marks.tags.into_iter().filter(|mark| !mark.quoted);
    outside.map(|mark| (mark.at, mark.tag)).collect()
}

/// The text of a `!!binary` scalar, as Python's `base64.decodebytes` gives it: what is no digit is
/// passed over. `None` where it is no text with template tags.
fn base64(value: &str) -> Option<String> {
    let digits = value.bytes().filter_map(|byte| {
        let digit = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        Some(u32::from(digit))
    });
    let digits = digits.collect::<Vec<_>>();
    let bytes = digits.chunks(4).flat_map(|four| {
        let number = (0..4).fold(0, |sum, at| sum << 6 | four.get(at).copied().unwrap_or_default());
        let [_, bytes @ ..] = u32::to_be_bytes(number);
        bytes.into_iter().take(four.len().saturating_sub(1))
    });
    let text = String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned();
    Template::has_tags(&text).then_some(text)
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
    let mut lines = text.split(BREAKS).flat_map(|text| text.split(['\n', '\r'])).map(str::trim_end);
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

const CHAT_TEMPLATE: &str = "chat_template";
/// Ends of a line to YAML 1.1 and PyYAML, and to YAML 1.2 no more.
const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];
/// What text that does not begin like YAML has, if it holds a chat template: its key may be escaped.
const MAY_MATTER: &[&str] = &["template", "!!binary", "\\x", "\\u", "\\U"];

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(text: &str) -> Vec<(String, String)> {
        Yaml::read(text, &Budget::default()).unwrap().templates
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
    fn binary_scalars_are_what_they_decode_to() {
        let found = templates(
            "chat_template: !!binary |\n  e3sgJycu\n  X19jbGFzc19fIH19\nb: e3sgeCB9fQ==\n",
        );
        assert_eq!(found, [("chat_template".to_owned(), "{{ ''.__class__ }}".to_owned())]);
        assert_eq!(base64("e3sgeCB9fQ=="), Some("{{ x }}".to_owned()));
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
