//! Pages that are made from the code, so that they cannot say something else than it does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

mod commands;
mod rules;
mod threats;

/// Every generated file, by its path from the root of the repository.
type Pages = BTreeMap<PathBuf, Vec<u8>>;

/// Write every page, and remove those that nothing generates any more.
pub(crate) fn write() -> Result<bool, String> {
    let root = root();
    let pages = pages().map_err(|error| error.to_string())?;
    for stale in orphans(&root, &pages) {
        fs::remove_file(root.join(&stale))
            .map_err(|error| format!("{}: {error}", stale.display()))?;
    }
    for (path, text) in &pages {
        let file = root.join(path);
        let folder = file.parent().unwrap_or(&root);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, text))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    println!("{} pages written", pages.len());
    Ok(true)
}

/// Whether every page is as the code would write it.
pub(crate) fn check() -> Result<bool, String> {
    let stale = stale().map_err(|error| error.to_string())?;
    for path in &stale {
        println!("stale: {}", path.display());
    }
    if !stale.is_empty() {
        println!("run `cargo run -p xtask -- generate`");
    }
    Ok(stale.is_empty())
}

fn stale() -> io::Result<Vec<PathBuf>> {
    let (root, pages) = (root(), pages()?);
    let fresh =
        |path: &Path, text: &[u8]| fs::read(root.join(path)).is_ok_and(|found| found == text);
    let changed = pages.iter().filter(|(path, text)| !fresh(path, text));
    let changed = changed.map(|(path, _)| path.clone()).collect::<Vec<_>>();
    Ok(changed.into_iter().chain(orphans(&root, &pages)).collect())
}

fn pages() -> io::Result<Pages> {
    let mut pages = Pages::new();
    rules::pages(&mut pages);
    threats::page(&mut pages);
    commands::pages(&mut pages)?;
    let schema = serde_json::to_string_pretty(&modelward::report::schema())?;
    pages.insert("docs/report.schema.json".into(), format!("{schema}\n").into_bytes());
    Ok(pages)
}

/// Files in folders that hold nothing but generated pages, which nothing generates.
fn orphans(root: &Path, pages: &Pages) -> BTreeSet<PathBuf> {
    let mut orphans = BTreeSet::new();
    for folder in ["docs/rules", "docs/man", "completions"] {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let path = Path::new(folder).join(entry.file_name());
            if !pages.contains_key(&path) {
                orphans.insert(path);
            }
        }
    }
    orphans
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_generated_page_is_stale() {
        let stale = super::stale().unwrap();
        assert!(stale.is_empty(), "run `cargo run -p xtask -- generate`: {stale:?}");
    }
}
