//! JSON documents: configurations, vocabularies, and whatever templates lie in them.

use std::{ops::ControlFlow, sync::Arc};

use crate::{Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal, jinja::Template};

mod walk;

use walk::{Found, Step};

/// A JSON document, or several with white space between them (JSON Lines).
pub const FORMAT: Format = Format { name: "json", read };

/// What a JSON document holds that may have an effect.
#[derive(Debug, Default)]
pub struct Json {
    /// The strings that hold template tags.
    pub templates: Vec<Text>,
    /// The strings under keys by which configurations name code to load.
    pub references: Vec<Text>,
    /// The keys of the outermost object, at most 256 of them.
    pub keys: Vec<String>,
    /// Whether the document read as plain text holds template tags that its strings do not.
    pub(crate) stray: bool,
    documents: u64,
    kept: usize,
    /// Bytes of the templates.
    held: usize,
    refusal: Option<Refusal>,
}

/// A string of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Offset of its opening quote.
    pub at: u64,
    /// The way down to it: `chat_template[1].template`.
    pub path: String,
    /// The text.
    pub text: String,
}

impl Json {
    /// What is kept of one document, in bytes.
    const MOST: usize = 24 << 20;

    /// Read a document to its end.
    pub fn read(bytes: &Bytes, budget: &Budget) -> Result<Self, Refusal> {
        let mut json = Self::default();
        json.documents = walk::walk(bytes, budget, &mut |found| json.note(found))?;
        Ok(json)
    }

    fn note(&mut self, found: &Found<'_>) {
        if found.key {
            if let ([_], true) = (found.steps, self.keys.len() < 256) {
                self.keys.push(found.text.chars().take(64).collect());
            }
        } else if names_code(found.steps)
            && let Some(text) = self.keep(found)
        {
            self.references.push(text);
        }
        if !Template::has_tags(found.text) && !found.text.contains("{#") {
            return;
        }
        if self.templates.len() >= Template::MANY || self.held > Template::MUCH {
            self.stray = true;
            self.refuse(found);
            return;
        }
        let expected = is_template(found.steps);
        let closed = found.text.contains("}}") || found.text.contains("%}");
        let parsed = closed && Template::parse(found.text).is_ok();
        self.stray |= found.backslash || !parsed;
        if (closed || expected)
            && Template::has_tags(found.text)
            && let Some(text) = self.keep(found)
        {
            self.held = self.held.saturating_add(text.text.len());
            self.templates.push(text);
        }
    }

    fn refuse(&mut self, found: &Found<'_>) {
        let why = "more templates and names of code than are held at a time";
        self.refusal.get_or_insert(Refusal::new(found.at, Gap::LargeMemory, why));
    }

    /// Keep a string, as long as there is room.
    fn keep(&mut self, found: &Found<'_>) -> Option<Text> {
        let path = path(found.steps);
        let size = found.text.len().saturating_add(path.len()).saturating_add(128);
        self.kept = self.kept.saturating_add(size);
        if self.kept > Self::MOST || found.cut {
            self.refuse(found);
            return None;
        }
        Some(Text { at: found.at, path, text: found.text.to_owned() })
    }
}

impl Asset for Json {
    fn format(&self) -> &'static str {
        if self.documents > 1 { "json-lines" } else { FORMAT.name }
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        for template in &self.templates {
            let expects = if template.path.contains(CHAT_TEMPLATE) {
                Expects::Template
            } else {
                Expects::Data
            };
            let bytes = Ok(Bytes::from(template.text.as_bytes()));
            if visit(Part { name: template.path.clone(), bytes, expects }).is_break() {
                return;
            }
        }
        if let Some(refusal) = &self.refusal {
            let name = "templates".to_owned();
            let _ = visit(Part { name, bytes: Err(refusal.clone()), expects: Expects::Template });
        }
    }
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let head = bytes.head(4096).ok()?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    let first = head.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if !matches!(first, b'{' | b'[') {
        return None;
    }
    match Json::read(bytes, budget) {
        Ok(json) => Some(Ok(Box::new(json))),
        // What breaks the grammar is no JSON to any loader; what breaks a limit is a gap.
        Err(refusal) if refusal.gap == Gap::Truncated => None,
        Err(refusal) => Some(Err(refusal)),
    }
}

/// `chat_template[1].template`
fn path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

fn is_template(steps: &[Step]) -> bool {
    steps.iter().any(|step| matches!(step, Step::Key(key) if key.contains(CHAT_TEMPLATE)))
}

/// Whether a string here may name code that a loader imports.
fn names_code(steps: &[Step]) -> bool {
    match steps {
        // Components of a diffusers pipeline: `"unet": ["module", "Class"]`.
        [Step::Key(_), Step::Index(0 | 1)] => true,
        // Modules of sentence-transformers: `[{"type": "module.Class"}]`.
        [Step::Index(_), Step::Key(key)] if key == "type" => true,
        steps => {
            steps.iter().any(|step| matches!(step, Step::Key(key) if CODE.contains(&key.as_str())))
        }
    }
}

const CHAT_TEMPLATE: &str = "chat_template";

/// Keys under which configurations of transformers, diffusers, PEFT and TorchServe name code.
const CODE: &[&str] = &[
    "_attn_implementation",
    "_attn_implementation_internal",
    "attn_implementation",
    "auto_map",
    "custom_pipeline",
    "custom_pipelines",
    "_class_name",
    "parent_library",
    "handler",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<Json, Refusal> {
        Json::read(&Bytes::from(text.as_bytes()), &Budget::default())
    }

    #[test]
    fn templates_are_found_by_their_way_down() {
        let text = r#"{"a": [1, -2.5e3, null, NaN, {"b": "{{ \u0078\n }}"}], "chat_template":
            [{"name": "x", "template": "{% if a %}\ud83d\ude00{% endif %}"}], "c": {}, "d": []}"#;
        let json = json(text).unwrap();
        let found = json.templates.iter().map(|t| (t.path.as_str(), t.text.as_str()));
        assert_eq!(
            found.collect::<Vec<_>>(),
            [
                ("a[4].b", "{{ x\n }}"),
                ("chat_template[0].template", "{% if a %}\u{1f600}{% endif %}")
            ]
        );
        assert_eq!(json.keys, ["a", "chat_template", "c", "d"]);
    }

    #[test]
    fn what_python_refuses_is_no_json() {
        for text in [
            "{",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "[\"\t\"]",
            "[\"\\x\"]",
            "[tru]",
            "[1 2]",
            "{a: 1}",
            "[\"\\u12g4\"]",
            "[\"",
            "[1}",
            "{\"a\":1]",
            "[-]",
            "{1: 2}",
        ] {
            assert!(json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_and_lines_are_documents() {
        assert_eq!(json(&"[".repeat(100_000)).unwrap_err().gap, Gap::DeepNesting);
        assert_eq!(json("{\"a\": 1}\n{\"a\": 2}\n").unwrap().format(), "json-lines");
        assert_eq!(json(&format!("[{}]", "1".repeat(1000))).unwrap().documents, 1);
    }
}
