//! The names that the allow-list holds, read from its files as the tests find them.

use std::{collections::BTreeSet, fs, path::Path};

/// Module, qualified name and kinds of every entry.
pub(crate) fn entries() -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pickle/known");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let lists = files.filter(|path| {
        path.extension().is_some_and(|extension| extension == "names")
            && path.file_stem().is_some_and(|stem| stem != "dangerous")
    });
    let mut entries = Vec::new();
    for list in lists {
        for line in fs::read_to_string(list).unwrap().lines() {
            if !line.starts_with(['#', '[', '='])
                && let Some((names, kinds)) = line.split_once(" : ")
                && let Some((module, name)) = names.trim().split_once(' ')
            {
                entries.push((module.into(), name.trim().into(), kinds.into()));
            }
        }
    }
    assert!(entries.len() > 1000, "only {} entries were found", entries.len());
    entries.sort();
    entries
}

/// Every module of the list.
pub(crate) fn modules() -> BTreeSet<String> {
    entries().into_iter().map(|(module, ..)| module).collect()
}
