//! Files that git keeps for itself: no loader reads them, and a clone is full of them.
//!
//! Only what has both the name and the first bytes of git's own storage is left out. Anything
//! else in `.git` is read like any file: hooks above all, which git runs.

use std::{io::Read, path::Path};

use crate::content;

/// Whether a file of the target is git's own storage.
pub(super) fn is_own(path: &Path, relative: &str) -> bool {
    let Some(inside) = inside(relative) else { return false };
    match inside.split('/').collect::<Vec<_>>().as_slice() {
        ["hooks", hook] => hook.ends_with(".sample"),
        ["index"] => starts_with(path, &[b"DIRC"]),
        ["objects", "pack", pack] => match pack.rsplit_once('.') {
            Some((_, "pack")) => starts_with(path, &[b"PACK"]),
            Some((_, "idx")) => starts_with(path, &[b"\xfftOc"]),
            Some((_, "rev")) => starts_with(path, &[b"RIDX"]),
            _ => false,
        },
        ["objects", fan, object] => {
            is_hex(fan, 2)
                && (is_hex(object, 38) || is_hex(object, 62))
                && starts_with(path, &[b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"])
        }
        _ => false,
    }
}

/// The path below `.git`, also below the `.git/modules/NAME` of a submodule.
fn inside(relative: &str) -> Option<&str> {
    let inside = match relative.strip_prefix(".git/") {
        Some(inside) => inside,
        None => relative.split_once("/.git/")?.1,
    };
    let module = inside.strip_prefix("modules/").and_then(|rest| rest.split_once('/'));
    Some(module.map_or(inside, |(_, inside)| inside))
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn starts_with(path: &Path, magics: &[&[u8]]) -> bool {
    let mut head = Vec::new();
    let read =
        content::open(path).is_ok_and(|(file, _)| file.take(4).read_to_end(&mut head).is_ok());
    read && magics.iter().any(|magic| head.starts_with(magic))
}
