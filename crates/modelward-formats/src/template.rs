//! Files that are a template themselves, told from documents that hold some.

use std::sync::Arc;

use crate::{
    Asset, Budget, Bytes, Format, Gap, Refusal,
    jinja::{self, Template},
    json::Json,
    yaml::Yaml,
};

/// Text that Jinja2 would compile, and that does more than stand there.
pub(crate) const FORMAT: Format = Format { name: jinja::NAME, read };

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    // What is too long for a template is taken for one only where a container says so.
    let source = jinja::source(bytes).ok().filter(|source| Template::has_tags(source))?;
    match Template::parse(&source) {
        Ok(_) if is_held_elsewhere(&source, budget) => None,
        Ok(template) => Some(Ok(Box::new(template))),
        Err(refusal) if matches!(refusal.gap, Gap::DeepNesting | Gap::LargeMemory) => {
            Some(Err(refusal))
        }
        // Jinja2 refuses it too: text that merely holds a brace.
        Err(_) => None,
    }
}

/// Whether every tag stands in a string of a JSON or YAML document, where it is read as it is meant.
fn is_held_elsewhere(source: &str, budget: &Budget) -> bool {
    if source.trim_start().starts_with(['{', '[']) {
        let json = Json::read(&Bytes::from(source.as_bytes()), budget);
        return json.is_ok_and(|json| !json.stray);
    }
    Yaml::read(source, budget).is_some_and(|yaml| !yaml.stray)
}
