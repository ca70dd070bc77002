//! What became of one file of the original: a line of `files.jsonl`.

use serde_json::{Value, json};

use super::digest::Digest;

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Its path within the folder, with `/`; empty where the original is one file.
    pub(super) path: String,
    pub(super) original: Digest,
    /// What it is in the cleaned set; `None` where it is not in it.
    pub(super) cleaned: Option<Digest>,
    /// Who may do what with it.
    pub(super) mode: u32,
    pub(super) way: Way,
}

/// How the original is put together again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is the cleaned file.
    Same,
    /// A file of the quarantine.
    Taken(String),
    /// A file of the quarantine that is packed.
    Packed(String),
    /// The cleaned file, and ranges of bytes that were cut out of it.
    Spliced(u64),
    /// A folder.
    Folder,
}

impl Record {
    /// Whether it is a folder rather than a file.
    pub(super) fn is_folder(&self) -> bool {
        self.way == Way::Folder
    }

    pub(super) fn json(&self) -> Value {
        let mut line =
            json!({ "path": self.path, "original": self.original.json(), "mode": self.mode });
        let (way, more) = match &self.way {
            Way::Same => ("same", None),
            Way::Taken(part) => ("taken", Some(("part", part.as_str().into()))),
            Way::Packed(part) => ("packed", Some(("part", part.as_str().into()))),
            Way::Spliced(places) => ("spliced", Some(("places", (*places).into()))),
            Way::Folder => ("folder", None),
        };
        if let Value::Object(line) = &mut line {
            line.insert("way".to_owned(), way.into());
            if let Some(cleaned) = &self.cleaned {
                line.insert("cleaned".to_owned(), cleaned.json());
            }
            if let Some((key, value)) = more {
                line.insert(key.to_owned(), value);
            }
        }
        line
    }

    /// Read a line; `None` where it is none, or names what does not lie in the folder.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        let line: Value = serde_json::from_slice(line).ok()?;
        let path = line.get("path")?.as_str().filter(|path| path.is_empty() || is_within(path))?;
        let part = || {
            let part = line.get("part")?.as_str().filter(|part| is_ours(part))?;
            Some(part.to_owned())
        };
        let way = match line.get("way")?.as_str()? {
            "same" => Way::Same,
            "taken" => Way::Taken(part()?),
            "packed" => Way::Packed(part()?),
            "spliced" => Way::Spliced(line.get("places")?.as_u64()?),
            "folder" => Way::Folder,
            _ => return None,
        };
        let cleaned = line.get("cleaned").map(Digest::parse);
        // Of a quarantine that does not say it: its owner alone.
        let mode = line.get("mode").map_or(Some(0o600), Value::as_u64)?;
        Some(Self {
            mode: u32::try_from(mode).ok().filter(|mode| *mode <= 0o777)?,
            path: path.to_owned(),
            original: Digest::parse(line.get("original")?)?,
            cleaned: match cleaned {
                Some(cleaned) => Some(cleaned?),
                None => None,
            },
            way,
        })
    }
}

/// Whether a path leads to a place within a folder and nowhere else.
pub(super) fn is_within(path: &str) -> bool {
    path.len() <= LONGEST_PATH
        && !path.contains(['\0', '\\'])
        && path.split('/').count() <= DEEPEST
        && path.split('/').all(|step| !matches!(step, "" | "." | "..") && step.len() <= 255)
}

/// Whether a name is one that files of a quarantine have.
pub(super) fn is_ours(name: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let (first, rest) = match name.split_once('/') {
        Some(("taken", rest)) => ("taken", rest),
        Some(_) => return false,
        None => ("", name),
    };
    let known = !first.is_empty() || rest.starts_with("original-");
    known && rest.len() <= 64 && rest.bytes().all(plain) && !rest.starts_with('.')
}

/// The number in such a name: files are numbered as they come.
pub(super) fn number(name: &str) -> Option<u64> {
    let name = name.strip_prefix("taken/").or_else(|| name.strip_prefix("original-"))?;
    name.split('.').next()?.parse().ok()
}

/// The most bytes of a path.
pub(super) const LONGEST_PATH: usize = 4096;
/// The most folders within one another.
pub(super) const DEEPEST: usize = 64;
/// The most bytes of a line.
pub(super) const LONGEST_LINE: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hostile_manifests_are_refused() {
        for path in ["../a", "/etc/passwd", "a/../b", "a//b", ".", "a/", "a\\b", "a\0b", ""] {
            assert!(!is_within(path), "{path}");
        }
        assert!(is_within("a/b.png") && is_within(".hidden") && is_within("ä/..b"));
        for part in
            ["../x", "taken/../x", "/x", "removed.bin", "taken/.x", "taken/a/b", "original-/x"]
        {
            assert!(!is_ours(part), "{part}");
        }
        assert!(is_ours("taken/000001.png") && is_ours("original-000001.zst"));
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let digest = Digest { bytes: 3, sha256: "0a".repeat(32), blake3: "0b".repeat(32) };
        for way in [Way::Same, Way::Taken("taken/1".into()), Way::Spliced(7), Way::Folder] {
            let record = Record {
                path: "a \"b\"/c".into(),
                original: digest.clone(),
                cleaned: matches!(way, Way::Same).then(|| digest.clone()),
                mode: 0o640,
                way,
            };
            let line = record.json().to_string();
            assert_eq!(Record::parse(line.as_bytes()), Some(record));
            let hostile = line.replace("\"mode\":416", "\"mode\":2541");
            assert!(hostile != line && Record::parse(hostile.as_bytes()).is_none());
        }
    }
}
