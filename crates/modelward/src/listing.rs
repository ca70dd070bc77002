//! What the user pointed at, turned into a list of files to read.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use modelward_core::{Place, Skipped};
use modelward_formats::{Bytes, Gap, Limits, Refusal};

use crate::{
    content::{Content, cause},
    walk,
};

/// One target, listed.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The target, as the user would write it.
    pub(crate) shown: String,
    /// Whether it is a folder.
    pub(crate) folder: bool,
    /// Its files, in the order of their paths.
    pub(crate) files: Vec<Listed>,
    /// What of it cannot be read.
    pub(crate) refused: Vec<(Place, Refusal)>,
    /// What of it no loader reads.
    pub(crate) skipped: Vec<Skipped>,
}

/// One file to read.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Where it is, from the target down; the file's own name where the target is a file.
    pub(crate) relative: String,
    /// Where it is, as the user would write it.
    pub(crate) place: Place,
    /// Its bytes.
    pub(crate) content: Content,
}

impl Listing {
    /// List a target: `-` for standard input, otherwise a path.
    pub(crate) fn of(target: &Path, limits: &Limits) -> Self {
        if target == Path::new("-") {
            return Self::standard_input(limits);
        }
        let shown = shown(target);
        match fs::metadata(target) {
            Ok(metadata) if metadata.is_dir() => walk::folder(target, shown, limits),
            Ok(metadata) if metadata.is_file() => match fs::canonicalize(target) {
                Ok(path) => Self::file(shown, Content::Disk { path, len: metadata.len() }),
                Err(error) => Self::gap(shown, Gap::Unreadable, cause(&error)),
            },
            Ok(_) => Self::gap(shown, Gap::SpecialFile, "expected a file or a folder".into()),
            Err(error) => Self::gap(shown, Gap::Unreadable, cause(&error)),
        }
    }

    /// Files that are at hand: one file where its name is the target's own, otherwise a folder.
    pub(crate) fn memory(target: &str, files: Vec<(String, Bytes)>) -> Self {
        let mut listing = Self { shown: target.into(), folder: true, ..Self::default() };
        for (name, bytes) in files {
            if name == target {
                return Self::file(name, Content::Memory(bytes));
            }
            let place = Place::file(below(target, &name));
            listing.files.push(Listed { relative: name, place, content: Content::Memory(bytes) });
        }
        listing.files.sort_by(|a, b| a.relative.cmp(&b.relative));
        listing
    }

    fn file(shown: String, content: Content) -> Self {
        let relative = shown.rsplit('/').next().unwrap_or_default().to_owned();
        let files = vec![Listed { relative, place: Place::file(shown.as_str()), content }];
        Self { shown, files, ..Self::default() }
    }

    fn gap(shown: String, gap: Gap, why: String) -> Self {
        let refused = vec![(Place::file(shown.as_str()), Refusal::new(0, gap, why))];
        Self { shown, refused, ..Self::default() }
    }

    fn standard_input(limits: &Limits) -> Self {
        match standard_input(limits.memory) {
            Ok(bytes) => Self::file("-".into(), Content::Memory(bytes)),
            Err(refusal) => Self::gap("-".into(), refusal.gap, refusal.why.into_owned()),
        }
    }
}

/// A path in words: with `/`, without a leading `./`, and with the bytes that are not UTF-8
/// written `\xff`, in such a way that two paths never look the same.
pub(crate) fn shown(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some((before, after)) = rest.split_once('\\') {
            text.push_str(before);
            // A name may spell out an escape: its backslash is escaped in its turn.
            text.push_str(if is_escape(after) { "\\x5c" } else { "\\" });
            rest = after;
        }
        text.push_str(rest);
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    if cfg!(windows) {
        text = text.replace('\\', "/");
    }
    let bare = text.trim_start_matches("./").trim_start_matches('/');
    if text.starts_with("./") { bare.into() } else { text }
}

/// A path below a folder, as the user would write it.
pub(crate) fn below(folder: &str, relative: &str) -> String {
    match folder {
        "." | "" => relative.into(),
        folder => format!("{}/{relative}", folder.trim_end_matches('/')),
    }
}

fn is_escape(after: &str) -> bool {
    let mut letters = after.chars();
    letters.next() == Some('x')
        && letters.by_ref().take(2).filter(char::is_ascii_hexdigit).count() == 2
}

/// Standard input: a window where it is a file, otherwise as much of it as may be held.
fn standard_input(most: u64) -> Result<Bytes, Refusal> {
    let refused = |error: io::Error| Refusal::new(0, Gap::Unreadable, cause(&error));
    let stdin = io::stdin();
    #[cfg(unix)]
    {
        use std::{fs::File, os::fd::AsFd};
        let file = File::from(stdin.as_fd().try_clone_to_owned().map_err(refused)?);
        let metadata = file.metadata().map_err(refused)?;
        if metadata.is_file() {
            return Bytes::file(file, metadata.len()).map_err(refused);
        }
    }
    let mut bytes = Vec::new();
    stdin.lock().take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() as u64 > most {
        let why = format!("more than the limit of {most} bytes on standard input");
        return Err(Refusal::new(most, Gap::LargeMemory, why));
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn two_paths_never_look_the_same() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let shown = |bytes: &[u8]| shown(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(shown(b"./a/b.pkl"), "a/b.pkl");
        assert_eq!(shown(b"a\\b"), "a\\b");
        assert_eq!(shown(b"a\xff"), "a\\xff");
        assert_eq!(shown(b"a\\xff"), "a\\x5cxff");
        assert_eq!(shown(b"."), ".");
        assert_eq!(shown(b"/a"), "/a");
    }
}
