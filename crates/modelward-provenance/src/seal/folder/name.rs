//! Names of members: which are refused, and which cannot stand side by side.

use std::collections::HashMap;
use std::path::{Component, Path};

use crate::seal::fault::{Fault, Result};

/// The names of an archive so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Each name, and each folder above one, without its case: as it is written, and whether it is
    /// a folder.
    seen: HashMap<String, (String, bool)>,
    members: usize,
    bytes: usize,
}

impl Names {
    /// Take a further name, in its plain form, or say why it cannot be.
    pub(super) fn take(&mut self, name: &[u8], is_folder: bool) -> Result<String> {
        let shown = String::from_utf8_lossy(name).into_owned();
        let refuse = |why: &str| Err(Fault::in_member(&shown, why));
        let Ok(text) = str::from_utf8(name) else { return refuse("is no name in UTF-8") };
        let plain = text.strip_prefix("./").unwrap_or(text);
        let plain = if is_folder { plain.trim_end_matches('/') } else { plain };
        if text.starts_with('/') || Path::new(text).has_root() {
            return refuse("is an absolute name, outside the folder");
        }
        if plain.len() > LONGEST {
            return refuse("is longer than 4096 bytes");
        }
        let mut depth = 0_usize;
        for part in plain.split('/') {
            depth = depth.saturating_add(1);
            let mut components = Path::new(part).components();
            let normal = matches!(
                (components.next(), components.next()),
                (Some(Component::Normal(same)), None) if same == part
            );
            if part == ".." {
                return refuse("leads outside the folder");
            }
            if !normal || part.contains('\0') {
                return refuse("is no plain relative name");
            }
        }
        if depth > DEEPEST {
            return refuse("lies more than 128 folders deep");
        }
        self.members = self.members.saturating_add(1);
        self.bytes = self.bytes.saturating_add(plain.len().saturating_mul(depth));
        if self.members > MOST || self.bytes > MOST_BYTES {
            return Err(Fault::broken("the folder has more members than can be unpacked"));
        }
        self.above(plain)?;
        let old = self.seen.insert(plain.to_lowercase(), (plain.to_owned(), is_folder));
        match old {
            None => Ok(plain.to_owned()),
            // An archive may name a folder that it has put files into.
            Some((old, true)) if is_folder && old == plain => Ok(plain.to_owned()),
            Some((old, _)) if old == plain => refuse("is there twice"),
            Some((old, _)) => refuse(&format!("differs from `{old}` only in upper and lower case")),
        }
    }

    /// Take the folders above a name.
    fn above(&mut self, name: &str) -> Result<()> {
        for (at, _) in name.match_indices('/') {
            let folder = name.get(..at).unwrap_or_default();
            let entry = self.seen.entry(folder.to_lowercase());
            let (old, is_folder) = entry.or_insert_with(|| (folder.to_owned(), true));
            if !*is_folder {
                return Err(Fault::in_member(name, format!("lies below `{old}`, which is a file")));
            }
            if old != folder {
                let why = format!("differs from `{old}` only in upper and lower case");
                return Err(Fault::in_member(folder, why));
            }
        }
        Ok(())
    }
}

/// Bytes of the longest name, as Linux has it.
const LONGEST: usize = 4096;
const DEEPEST: usize = 128;
/// Members of the largest folder.
const MOST: usize = 1_000_000;
/// Bytes of all names, with those of the folders above them.
const MOST_BYTES: usize = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_or_collide_are_refused() {
        let refused = |names: &[&str]| {
            let mut all = Names::default();
            names.iter().any(|name| {
                let is_folder = name.ends_with('/');
                all.take(name.as_bytes(), is_folder).is_err()
            })
        };
        for bad in [
            &["/etc/passwd"][..],
            &["../escape"],
            &["a/../../escape"],
            &[".."],
            &["a//b"],
            &["a/./b"],
            &[""],
            &["."],
            &["a\0b"],
            &["a", "a"],
            &["a", "A"],
            &["a/x", "A/y"],
            &["a", "a/b"],
            &["a/b", "a"],
            &["\u{c4}", "\u{e4}"],
            &["./a", "a"],
        ] {
            assert!(refused(bad), "{bad:?}");
        }
        for good in [&["a", "b/a", "b/c/a", "co:lon", "..a", "a b"][..], &["a/b", "a/", "a/c"]] {
            assert!(!refused(good), "{good:?}");
        }
        let mut names = Names::default();
        assert!(names.take(b"\xff", false).is_err());
        assert!(names.take(&[b'a'; 5000], false).is_err());
        assert!(names.take(&b"a/".repeat(200), true).is_err());
        assert_eq!(names.take(b"./a/b", false).unwrap(), "a/b");
    }
}
