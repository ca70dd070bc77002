//! A list of files to read, and what of it cannot be read.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use modelward_core::{Place, Skipped};
use modelward_formats::{Bytes, Gap, Refusal};

use crate::content::Content;

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
    /// Whether an earlier target has it too, where it is read.
    pub(crate) again: bool,
}

impl Listed {
    pub(crate) fn new(relative: String, place: Place, content: Content) -> Self {
        Self { relative, place, content, again: false }
    }
}

impl Listing {
    /// Mark the files that an earlier target has. They stay in the list of a folder, since what
    /// it is as a whole depends on them. A second name is read, for names are judged too.
    pub(crate) fn read_once(&mut self, seen: &mut HashSet<(PathBuf, String)>) {
        let mut again = 0_usize;
        let known = |file: &Listed| {
            let name = file.relative.rsplit('/').next().unwrap_or_default();
            Some((file.content.path()?.to_owned(), name.to_owned()))
        };
        for file in &mut self.files {
            file.again = known(file).is_some_and(|known| seen.contains(&known));
            again = again.saturating_add(usize::from(file.again));
        }
        seen.extend(self.files.iter().filter_map(known));
        match again {
            0 => {}
            _ if !self.folder => self.skip("read already, as part of an earlier target".into()),
            1 => self.skip("1 file that is read already, as part of an earlier target".into()),
            _ => self
                .skip(format!("{again} files that are read already, as part of an earlier target")),
        }
    }

    pub(crate) fn skip(&mut self, why: String) {
        self.skipped.push(Skipped { place: Place::file(&self.shown), why });
    }

    /// Files that are at hand: one file where its name is the target's own, otherwise a folder.
    pub(crate) fn memory(target: &str, files: Vec<(String, Bytes)>) -> Self {
        let mut listing = Self { shown: target.into(), folder: true, ..Self::default() };
        for (name, bytes) in files {
            if name == target {
                return Self::file(name, Content::Memory(bytes));
            }
            let place = Place::file(below(target, &name));
            listing.files.push(Listed::new(name, place, Content::Memory(bytes)));
        }
        listing.files.sort_by(|a, b| a.relative.cmp(&b.relative));
        listing
    }

    pub(crate) fn file(shown: String, content: Content) -> Self {
        let relative = shown.rsplit('/').next().unwrap_or_default().to_owned();
        let files = vec![Listed::new(relative, Place::file(shown.as_str()), content)];
        Self { shown, files, ..Self::default() }
    }

    pub(crate) fn gap(shown: String, gap: Gap, why: String) -> Self {
        let refused = vec![(Place::file(shown.as_str()), Refusal::new(0, gap, why))];
        Self { shown, refused, ..Self::default() }
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
