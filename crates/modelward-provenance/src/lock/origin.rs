//! Where a model comes from, as a lock names it.

use std::{
    fmt,
    path::{Component, Path},
};

use crate::Trouble;

/// A source and, where it is known, the revision there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The source.
    pub source: Source,
    /// The revision: 40 hexadecimal digits.
    pub revision: Option<String>,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A repository of Hugging Face: `hf:org/name`, `hf:datasets/org/name`.
    Hub(String),
    /// A folder or file, relative to the lock or absolute: `file:models/gpt2`.
    File(String),
    /// An address: `https://host/path`.
    Web(String),
}

impl Source {
    /// A source as it is written.
    ///
    /// # Errors
    /// Where it is of no kind that a lock knows.
    pub fn parse(text: &str) -> Result<Self, Trouble> {
        let plain = |rest: &str| !rest.is_empty() && !rest.chars().any(char::is_control);
        let source = match text.split_once(':') {
            Some(("hf", name)) if is_repository(name) => Some(Self::Hub(name.into())),
            Some(("file", path)) if plain(path) => Some(Self::File(path.into())),
            Some(("https", rest)) if plain(rest) && rest.starts_with("//") && rest.len() > 2 => {
                Some(Self::Web(text.into()))
            }
            _ => None,
        };
        source.ok_or_else(|| {
            let why = format!("expected a source such as `hf:org/name`, got `{text}`");
            Trouble::new(why).help("sources are `hf:org/name`, `file:path` and `https://host/path`")
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub(name) => write!(f, "hf:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Web(address) => f.write_str(address),
        }
    }
}

impl Origin {
    /// What the place of a model says: the repository and the revision in a cache of Hugging Face, a
    /// file anywhere else. Both paths are absolute and without links; `base` is the lock's folder.
    pub fn of(model: &Path, base: &Path) -> Self {
        cached(model)
            .unwrap_or_else(|| Self { source: Source::File(place(model, base)), revision: None })
    }
}

/// Where a model lies, as a lock says it: from the lock's folder down, absolute where it lies elsewhere.
/// Both paths are absolute and without links.
pub fn place(model: &Path, base: &Path) -> String {
    let inside = model.strip_prefix(base).ok().map(|path| {
        let steps = path.components().map(|step| step.as_os_str().to_string_lossy());
        steps.collect::<Vec<_>>().join("/")
    });
    match inside {
        Some(path) if path.is_empty() => ".".to_owned(),
        Some(path) => path,
        None => model.to_string_lossy().into_owned(),
    }
}

/// `models--org--name/snapshots/REVISION`.
fn cached(model: &Path) -> Option<Origin> {
    let mut steps = model.components().rev().filter_map(|step| match step {
        Component::Normal(step) => Some(step.to_str()),
        _ => None,
    });
    let (revision, snapshots, folder) = (steps.next()??, steps.next()??, steps.next()??);
    if snapshots != "snapshots" || !is_revision(revision) {
        return None;
    }
    let (kind, name) = folder.split_once("--")?;
    let name = name.replace("--", "/");
    let name = match kind {
        "models" => name,
        "datasets" => format!("datasets/{name}"),
        _ => return None,
    };
    is_repository(&name)
        .then(|| Origin { source: Source::Hub(name), revision: Some(revision.into()) })
}

/// Whether these are 40 digits in lower-case hexadecimal.
pub(super) fn is_revision(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_repository(name: &str) -> bool {
    let plain = |step: &str| {
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !matches!(step, "" | "." | "..") && step.chars().all(letters)
    };
    name.len() <= 256 && name.split('/').count() <= 3 && name.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_names_the_repository_and_the_revision() {
        let revision = "607a30d783dfa663caf39e06633721c8d4cfcd7e";
        let of = |path: &str| Origin::of(Path::new(path), Path::new("/models"));
        let cached = of(&format!("/c/models--openai-community--gpt2/snapshots/{revision}"));
        assert_eq!(cached.source.to_string(), "hf:openai-community/gpt2");
        assert_eq!(cached.revision.as_deref(), Some(revision));
        let data = of(&format!("/c/datasets--a--b/snapshots/{revision}"));
        assert_eq!(data.source.to_string(), "hf:datasets/a/b");
        for other in ["/c/models--a--b/snapshots/main", "/c/spaces--a--b/snapshots/x"] {
            assert_eq!(of(other).source.to_string(), format!("file:{other}"));
        }
        assert_eq!(of("/models/m/n").source.to_string(), "file:m/n");
        assert_eq!(of("/models").source.to_string(), "file:.");
    }

    #[test]
    fn sources_are_of_three_kinds() {
        for good in ["hf:gpt2", "hf:org/name", "file:/a", "file:m", "https://host/a"] {
            assert_eq!(Source::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "gpt2", "hf:", "hf:a//b", "hf:../b", "http://host/a", "https:", "file:"] {
            assert!(Source::parse(bad).is_err(), "{bad}");
        }
    }
}
