//! The files of a folder, all that lie in it and below.

use std::path::Path;

use super::{
    failed,
    record::{DEEPEST, is_within},
};
use crate::Trouble;

/// Go through the files and folders below a folder, each by its path with `/`, in the order of the names;
/// a folder stands before what is in it.
///
/// # Errors
/// Where there is something other than files and folders, or a name that a manifest cannot hold.
pub(super) fn each<E: From<Trouble>>(
    folder: &Path,
    visit: &mut dyn FnMut(&str, bool) -> Result<(), E>,
) -> Result<(), E> {
    within(folder, "", DEEPEST, visit)
}

fn within<E: From<Trouble>>(
    folder: &Path,
    above: &str,
    depth: usize,
    visit: &mut dyn FnMut(&str, bool) -> Result<(), E>,
) -> Result<(), E> {
    let Some(depth) = depth.checked_sub(1) else {
        let why = format!("expected folders of at most {DEEPEST} levels");
        return Err(Trouble::new(why).into());
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let entry = entry.map_err(|error| failed(folder, &error))?;
        let kind = entry.file_type().map_err(|error| failed(folder, &error))?;
        entries.push((entry.file_name(), kind));
    }
    entries.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    for (name, kind) in entries {
        let path = folder.join(&name);
        let shown = path.display();
        if !kind.is_file() && !kind.is_dir() {
            let why = format!("expected files and folders, found a link or a device at `{shown}`");
            let trouble = Trouble::new(why);
            return Err(trouble.help("copy the set first, with what its links lead to").into());
        }
        let relative = name.to_str().map(|name| match above {
            "" => name.to_owned(),
            above => format!("{above}/{name}"),
        });
        let Some(relative) = relative.filter(|relative| is_within(relative)) else {
            let why = format!("expected a name of UTF-8 without `\\`, found `{shown}`");
            return Err(Trouble::new(why).help("give the file another name").into());
        };
        visit(&relative, kind.is_dir())?;
        if kind.is_dir() {
            within(&path, &relative, depth, visit)?;
        }
    }
    Ok(())
}
