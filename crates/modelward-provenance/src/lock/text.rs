//! A lock file as text: written in one order, read strictly.

use std::collections::BTreeMap;

use toml_edit::{Document, Item, TableLike, Value};

use super::{Lock, Locked, Model, Source, origin::is_revision};
use crate::{
    Trouble,
    digest::{Digest, Function},
};

/// The version of the form.
const VERSION: i64 = 1;

/// Write a lock file.
pub(super) fn write(lock: &Lock) -> String {
    let mut text = String::from(HEAD);
    text.push_str(&format!("version = {VERSION}\n"));
    for model in lock.models() {
        text.push_str("\n[[model]]\n");
        let mut line = |key: &str, value: &str| {
            text.push_str(&format!("{key} = {}\n", quoted(value)));
        };
        line("source", &model.source.to_string());
        let root = Some(model.root().to_string());
        let lines = [
            ("revision", &model.revision),
            ("path", &model.path),
            ("root", &root),
            ("signer", &model.signer),
            ("licence", &model.licence),
        ];
        for (key, value) in lines {
            if let Some(value) = value {
                line(key, value);
            }
        }
        text.push_str("files = [\n");
        for (path, Locked { bytes, sha256 }) in &model.files {
            let path = quoted(path);
            text.push_str(&format!(
                "    {{ path = {path}, bytes = {bytes}, sha256 = \"{sha256}\" }},\n"
            ));
        }
        text.push_str("]\n");
    }
    text
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Read a lock file.
pub(super) fn parse(bytes: &[u8]) -> Result<Lock, Trouble> {
    if bytes.len() > MOST_BYTES {
        return Err(broken(format!("it has {} bytes, more than {MOST_BYTES}", bytes.len())));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| broken("it is not UTF-8"))?;
    let document = Document::parse(text).map_err(|error| {
        let line = error.span().map(|span| {
            let before = text.get(..span.start).unwrap_or_default();
            before.matches('\n').count().saturating_add(1)
        });
        let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        broken(format!("{line}{}", error.message().lines().next().unwrap_or_default()))
    })?;
    let mut lock = Lock::default();
    let mut version = None;
    for (key, item) in document.as_table().iter() {
        match (key, item) {
            ("version", item) => version = item.as_integer(),
            ("model", Item::ArrayOfTables(models)) => {
                for table in models {
                    insert(&mut lock, model(table)?)?;
                }
            }
            ("model", Item::Value(Value::Array(models))) if models.is_empty() => {}
            (key, _) => return Err(broken(format!("unexpected key `{key}`"))),
        }
    }
    let mut places = BTreeMap::new();
    for model in lock.models() {
        let twice = model.place().and_then(|place| places.insert(place, &model.source));
        if let Some(twice) = twice {
            return Err(broken(format!("`{twice}` and `{}` lie at one place", model.source)));
        }
    }
    match version {
        Some(VERSION) => Ok(lock),
        Some(other) => Err(broken(format!("expected version {VERSION}, got {other}"))
            .help("it was written by another version of modelward")),
        None => Err(broken("expected a version")),
    }
}

fn insert(lock: &mut Lock, model: Model) -> Result<(), Trouble> {
    match lock.insert(model) {
        None => Ok(()),
        Some(twice) => Err(broken(format!("`{}` stands twice", twice.source))),
    }
}

fn model(table: &dyn TableLike) -> Result<Model, Trouble> {
    let (mut source, mut root, mut files) = (None, None, None);
    let (mut revision, mut path, mut signer, mut licence) = (None, None, None, None);
    for (key, item) in table.iter() {
        match key {
            "source" => source = Some(Source::parse(&string(key, item)?)?),
            "root" => root = Some(sha256(key, item)?),
            "revision" => revision = Some(string(key, item)?),
            "path" => path = Some(string(key, item)?),
            "signer" => signer = Some(string(key, item)?),
            "licence" => licence = Some(string(key, item)?),
            "files" => files = Some(locked(item)?),
            _ => return Err(broken(format!("unexpected key `{key}` of a model"))),
        }
    }
    let missing = |key: &'static str| move || broken(format!("expected `{key}` of a model"));
    let source = source.ok_or_else(missing("source"))?;
    let root = root.ok_or_else(missing("root"))?;
    let files = files.ok_or_else(missing("files"))?;
    if let Some(revision) = revision.as_ref().filter(|revision| !is_revision(revision)) {
        let why = format!("expected a revision of 40 hexadecimal digits, got `{revision}`");
        return Err(broken(why));
    }
    if path.is_some() && matches!(source, Source::File(_)) {
        return Err(broken(format!("`{source}` says where it lies, and has a `path` too")));
    }
    let model = Model { source, revision, path, signer, licence, files };
    let found = model.root();
    if found != root {
        let source = &model.source;
        let why = format!("the files of `{source}` give the root {found}, it says {root}");
        return Err(broken(why).help(
            "it was edited or merged by hand; write it anew with `modelward lock PATH --update`",
        ));
    }
    Ok(model)
}

fn locked(item: &Item) -> Result<BTreeMap<String, Locked>, Trouble> {
    let array = item.as_array().ok_or_else(|| broken("expected `files` to be an array"))?;
    let mut files = BTreeMap::new();
    for value in array {
        let table = value.as_inline_table().ok_or_else(|| broken("expected a file's table"))?;
        let (mut path, mut bytes, mut digest) = (None, None, None);
        for (key, value) in table.iter() {
            let item = Item::Value(value.clone());
            match key {
                "path" => path = Some(string(key, &item)?),
                "bytes" => {
                    let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
                    bytes = Some(number.ok_or_else(|| broken("expected `bytes` to be a count"))?);
                }
                "sha256" => digest = Some(sha256(key, &item)?),
                _ => return Err(broken(format!("unexpected key `{key}` of a file"))),
            }
        }
        let (Some(path), Some(bytes), Some(sha256)) = (path, bytes, digest) else {
            return Err(broken("expected `path`, `bytes` and `sha256` of a file"));
        };
        let plain =
            !path.contains('\0') && !path.split('/').any(|step| matches!(step, "" | "." | ".."));
        if !plain {
            return Err(broken(format!("the path `{path}` does not lie in a model")));
        }
        if files.insert(path.clone(), Locked { bytes, sha256 }).is_some() {
            return Err(broken(format!("`{path}` stands twice")));
        }
    }
    Ok(files)
}

fn string(key: &str, item: &Item) -> Result<String, Trouble> {
    let text = item.as_str().ok_or_else(|| broken(format!("expected `{key}` to be a text")))?;
    Ok(text.to_owned())
}

fn sha256(key: &str, item: &Item) -> Result<Digest, Trouble> {
    let text = string(key, item)?;
    Digest::parse(&text, Function::Sha256).ok_or_else(|| {
        broken(format!("expected `{key}` in 64 digits of lower-case hexadecimal, got `{text}`"))
    })
}

fn broken(why: impl AsRef<str>) -> Trouble {
    Trouble::new(format!("cannot read the lock: {}", why.as_ref()))
        .help("write it anew with `modelward lock PATH --update`")
}

/// What stands above the models.
const HEAD: &str = "\
# Which models this project depends on, and exactly which bytes.
# Written by `modelward lock`; `modelward lock --check` holds the models against it.
";

/// The largest lock that is read, in bytes.
const MOST_BYTES: usize = 64 << 20;
