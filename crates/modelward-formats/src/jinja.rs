//! Jinja templates, which chat templates are: programs, read into a syntax tree with offsets.
//!
//! The grammar is that of Jinja2 3.1, since what Jinja2 refuses to compile has no effect, and what
//! it compiles must not escape us. No crate gives this tree: `minijinja` keeps its own to itself
//! and refuses escapes and methods that Jinja2 knows.

use crate::{Asset, Bytes, Gap, Refusal};

mod escape;
mod expression;
mod lexer;
mod parser;
mod statement;
pub mod syntax;

/// The name of the format.
pub(crate) const NAME: &str = "jinja";

/// A template.
#[derive(Debug)]
pub struct Template {
    /// Its source.
    pub source: String,
    /// Its statements.
    pub body: Vec<syntax::Statement>,
}

impl Template {
    /// The most bytes of source that are read. The longest chat template in use has 60 KiB.
    pub const MOST: u64 = 4 << 20;
    /// The most templates of one document that are read, and their bytes in all.
    pub(crate) const MANY: usize = 10_000;
    pub(crate) const MUCH: usize = 8 << 20;

    /// Parse a template's source.
    pub fn parse(source: &str) -> Result<Self, Refusal> {
        let body = parser::Parser::new(lexer::tokens(source)?).template()?;
        Ok(Self { source: source.to_owned(), body })
    }

    /// Whether text may hold a tag that does something: what has none prints itself.
    pub fn has_tags(text: &str) -> bool {
        text.contains("{{") || text.contains("{%")
    }
}

impl Asset for Template {
    fn format(&self) -> &'static str {
        NAME
    }
}

/// Why bytes that stand where a container expects a template cannot be judged as one; `None`
/// where they can, or print themselves.
pub fn refusal_of_template(bytes: &Bytes) -> Option<Refusal> {
    match source(bytes) {
        Ok(source) if Template::has_tags(&source) => Template::parse(&source).err(),
        Ok(_) => None,
        Err(refusal) => Some(refusal),
    }
}

/// The source of a template.
pub(crate) fn source(bytes: &Bytes) -> Result<String, Refusal> {
    if bytes.len() > Template::MOST {
        let why = format!("a template of more than {} bytes", Template::MOST);
        return Err(Refusal::new(0, Gap::LargeMemory, why));
    }
    // Weights are told by their first bytes. What is short may have been broken to slip through.
    if bytes.len() > LENIENT && !begins_as_utf8(bytes)? {
        return Err(Refusal::new(0, Gap::Unsupported, "expected a template in UTF-8"));
    }
    let bytes = bytes.head(Template::MOST)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Bytes up to which a template is read though it is not UTF-8.
const LENIENT: u64 = 64 << 10;

fn begins_as_utf8(bytes: &Bytes) -> Result<bool, Refusal> {
    let head = bytes.head(4096)?;
    // The last character may be cut.
    Ok(std::str::from_utf8(&head).map_or_else(|error| error.error_len().is_none(), |_| true))
}
