//! The manifest of a quarantine: what is in it, what it was made of, and a digest over all that it says.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    path::{Component, Path, PathBuf},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    MANIFEST, create,
    digest::{Digest, hexadecimal, regular},
    failed,
    record::is_ours,
};
use crate::Trouble;

/// What a manifest says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) command: Vec<String>,
    pub(super) format: String,
    pub(super) rows: u64,
    pub(super) removed: u64,
    pub(super) name: String,
    /// Whether the set is a folder.
    pub(super) folder: bool,
    /// Of a folder: over the digests of its files in the order of `files.jsonl`.
    pub(super) original: Digest,
    pub(super) cleaned: Digest,
    /// Where the cleaned set lies, seen from the quarantine.
    pub(super) beside: String,
    /// Where it was written.
    pub(super) absolute: String,
    /// The files of the quarantine.
    pub(super) parts: BTreeMap<String, Digest>,
}

impl Manifest {
    /// Write it into the folder of a quarantine.
    pub(super) fn write(&self, folder: &Path) -> Result<std::fs::File, Trouble> {
        let parts = self.parts.iter().map(|(name, digest)| (name.clone(), digest.json()));
        let mut original = self.original.json();
        let mut cleaned = self.cleaned.json();
        if let (Value::Object(original), Value::Object(cleaned)) = (&mut original, &mut cleaned) {
            original.insert("name".into(), self.name.as_str().into());
            original.insert("folder".into(), self.folder.into());
            cleaned.insert("path".into(), self.beside.as_str().into());
            cleaned.insert("absolute".into(), self.absolute.as_str().into());
        }
        let contents = json!({
            "version": VERSION,
            "modelward": env!("CARGO_PKG_VERSION"),
            "command": self.command,
            "format": self.format,
            "rows": self.rows,
            "removed": self.removed,
            "original": original,
            "cleaned": cleaned,
            "parts": parts.collect::<serde_json::Map<_, _>>(),
        });
        let seal = hexadecimal(&Sha256::digest(contents.to_string()));
        let text = format!("{:#}\n", json!({ "contents": contents, "sha256": seal }));
        if text.len() as u64 > MOST {
            let files = self.parts.len();
            let why =
                format!("expected rows out of fewer files, got {files} files for the quarantine");
            return Err(Trouble::new(why).help("clean a part of the folder at a time"));
        }
        let path = folder.join(MANIFEST);
        let mut file = create(&path)?;
        file.write_all(text.as_bytes()).map_err(|error| failed(&path, &error))?;
        Ok(file)
    }

    /// Read it, and hold every part that it names against what it says.
    pub(super) fn read(folder: &Path) -> Result<Self, Trouble> {
        let path = folder.join(MANIFEST);
        let mut text = Vec::new();
        let file = regular(&path)?;
        file.take(MOST).read_to_end(&mut text).map_err(|error| failed(&path, &error))?;
        let other = || changed("the manifest");
        let manifest: Value = serde_json::from_slice(&text).map_err(|_| other())?;
        let contents = manifest.get("contents").ok_or_else(other)?;
        let version = contents.get("version").and_then(Value::as_u64);
        if let Some(version) = version.filter(|version| *version != VERSION) {
            let why = format!("expected a quarantine of version {VERSION}, got {version}");
            return Err(Trouble::new(why).help("it was written by another version of modelward"));
        }
        // The text itself as well: a space between its words is a change, too.
        let seal = hexadecimal(&Sha256::digest(contents.to_string()));
        let same = manifest.get("sha256").and_then(Value::as_str) == Some(seal.as_str());
        if !same || version.is_none() || text != format!("{manifest:#}\n").into_bytes() {
            return Err(other());
        }
        let read = Self::parse(contents).ok_or_else(other)?;
        for (name, digest) in &read.parts {
            if Digest::of(&folder.join(name))? != *digest {
                return Err(changed(&format!("`{name}`")));
            }
        }
        Ok(read)
    }

    fn parse(contents: &Value) -> Option<Self> {
        let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let (original, cleaned) = (contents.get("original")?, contents.get("cleaned")?);
        let parts = contents.get("parts")?.as_object()?.iter().map(|(name, digest)| {
            let known = NAMES.contains(&name.as_str()) || is_ours(name) || is_rows(name);
            known.then_some(())?;
            Some((name.clone(), Digest::parse(digest)?))
        });
        let command = contents.get("command")?.as_array()?.iter();
        let parts = parts.collect::<Option<BTreeMap<_, _>>>()?;
        // Without these the digests of nothing would be held against nothing.
        NAMES.iter().all(|name| parts.contains_key(*name)).then_some(())?;
        Some(Self {
            command: command.map(|word| Some(word.as_str()?.to_owned())).collect::<Option<_>>()?,
            format: text(contents, "format")?,
            rows: contents.get("rows")?.as_u64()?,
            removed: contents.get("removed")?.as_u64()?,
            name: text(original, "name")?,
            folder: original.get("folder")?.as_bool()?,
            original: Digest::parse(original)?,
            cleaned: Digest::parse(cleaned)?,
            beside: text(cleaned, "path")?,
            absolute: text(cleaned, "absolute")?,
            parts,
        })
    }

    /// Where the cleaned set lies: where it lay seen from the quarantine, else where it was written.
    pub(super) fn cleaned_at(&self, folder: &Path) -> PathBuf {
        let real = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let beside = real.join(&self.beside);
        if self.beside.is_empty() || std::fs::symlink_metadata(&beside).is_err() {
            PathBuf::from(&self.absolute)
        } else {
            beside
        }
    }
}

/// Names of copies of the rows that were taken out, for people.
fn is_rows(name: &str) -> bool {
    let rest = name.strip_prefix("rows-").unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.';
    !rest.is_empty() && rest.len() <= 64 && rest.bytes().all(plain)
}

/// The way from one folder to something, both without links in their paths.
pub(super) fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to) = (from.components().collect::<Vec<_>>(), to.components().collect::<Vec<_>>());
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from.iter().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.iter().skip(shared).copied()).collect()
}

/// What is not as it was written.
pub(super) fn changed(what: &str) -> Trouble {
    Trouble::new(format!("expected {what} as it was written, got other bytes"))
}

/// The version of the form.
const VERSION: u64 = 2;
/// The files that every quarantine has.
const NAMES: [&str; 4] = [super::REASONS, super::FILES, super::PLACES, super::REMOVED];
/// The most bytes of a manifest: as values they take some twenty times as much memory.
const MOST: u64 = 32 << 20;
