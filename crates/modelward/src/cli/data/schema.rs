//! The schema that a user declares, in TOML or JSON, or the report of an earlier check.

use std::{fs::File, io::Read, path::Path};

use modelward_data::check::schema::Declared;
use serde_json::{Map, Value};
use toml_edit::{Document, Item, TableLike};

use crate::{cli::Failure, content::cause, listing::shown};

/// Read a schema.
pub(super) fn read(path: &Path) -> Result<Declared, Failure> {
    let refused = |why: String| Failure::new(format!("cannot read `{}`: {why}", shown(path)));
    let mut text = String::new();
    let file = File::open(path).map_err(|error| refused(cause(&error)))?;
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    if !is_file {
        return Err(refused("expected a file".to_owned()));
    }
    let read = file.take(MOST.saturating_add(1)).read_to_string(&mut text);
    read.map_err(|error| refused(cause(&error)))?;
    if text.len() as u64 > MOST {
        return Err(refused(format!("expected at most {} MiB", MOST >> 20)));
    }
    let json = if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| refused(format!("expected JSON, {error}")))?
    } else {
        let document = Document::parse(&*text).map_err(|error| {
            refused(format!("expected TOML or JSON: {}", error.message().replace('\n', ", ")))
        })?;
        of_table(document.as_table())
    };
    Declared::of_json(&json).map_err(|trouble| Failure::from(trouble).at(shown(path)))
}

fn of_table(table: &dyn TableLike) -> Value {
    let entries = table.iter().map(|(key, item)| {
        let value = match item {
            Item::Value(value) => of_value(value),
            item => item.as_table_like().map_or(Value::Null, of_table),
        };
        (key.to_owned(), value)
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

fn of_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::String(text.value().clone()),
        toml_edit::Value::Integer(number) => (*number.value()).into(),
        toml_edit::Value::Float(number) => (*number.value()).into(),
        toml_edit::Value::Boolean(truth) => Value::Bool(*truth.value()),
        toml_edit::Value::Datetime(time) => Value::String(time.value().to_string()),
        toml_edit::Value::Array(list) => Value::Array(list.iter().map(of_value).collect()),
        toml_edit::Value::InlineTable(table) => of_table(table),
    }
}

/// The most bytes of a schema or a report.
const MOST: u64 = 64 << 20;
