//! What lies outside a signature: weights, code and configuration that the signer left out, and what
//! git runs.

use std::{io, path::Path};

use crate::{
    Defect, Kind,
    defect::Weight,
    oms::{
        json::brief,
        role::{self, Role},
    },
    tree::{self, DEFAULT_EXCLUSIONS, File, Identity, Tree},
};

/// What of the paths that the signature leaves out can do harm.
pub(super) fn of(tree: &Tree, excluded: &[String], signatures: &[Identity]) -> Vec<Defect> {
    let mut defects = Vec::new();
    for path in excluded {
        match path.as_str() {
            ".git" => git(&tree.root, &mut defects),
            ".gitattributes" => attributes(&tree.root, &mut defects),
            ".github" => workflows(&tree.root, &mut defects),
            path if DEFAULT_EXCLUSIONS.contains(&path) => {}
            path => left_out(&tree.root, path, signatures, &mut defects),
        }
    }
    defects
}

/// What the signer left out by name and what matters: weights, code, configuration, templates, and what
/// nobody can tell.
fn left_out(root: &Path, path: &str, signatures: &[Identity], defects: &mut Vec<Defect>) {
    let kind = Kind::UnsignedByExclusion;
    let below = below(root, path, signatures);
    let harm = |file: &File| match Role::of(file) {
        Role::Text => None,
        Role::Unknown if role::is_text(file) => Some((Weight::Text, Role::Unknown.name())),
        role => Some((Weight::Load, role.name())),
    };
    let files = below.files.iter().filter_map(|file| {
        let (weight, what) = harm(file)?;
        let why = format!("the signer left this file out of the signature ({what})");
        Some(Defect::of_file(kind, &file.name, weight, why))
    });
    let strange = below.strange.iter().filter(|(name, _)| Role::named(name) != Role::Text);
    let strange = strange.map(|(name, what)| {
        let why = format!("the signer left this out of the signature, and it is {what}");
        Defect::of_file(kind, name, Weight::Load, why)
    });
    let mut found = files.chain(strange).collect::<Vec<_>>();
    found.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.file.cmp(&b.file)));
    let more = found.split_off(found.len().min(MOST));
    defects.extend(found);
    if let Some(worst) = more.first() {
        let more = more.len();
        let why = format!("the signer left {more} more such files out of the signature");
        defects.push(Defect::of_file(kind, path, worst.weight, why));
    }
}

/// Hooks that git runs, and settings of the repository that run commands.
fn git(root: &Path, defects: &mut Vec<Defect>) {
    for file in below(root, ".git/hooks", &[]).told(defects) {
        if file.name.ends_with(".sample") {
            continue;
        }
        let executable = if file.executable { "executable" } else { "not executable yet" };
        note(defects, &file.name, format!("a hook that git runs ({executable})"));
    }
    for file in below(root, ".git/config", &[]).told(defects) {
        let Some(text) = role::content(&file) else { continue };
        for line in runs_commands(&text) {
            note(
                defects,
                &file.name,
                format!("git runs what this setting says: `{}`", brief(line)),
            );
        }
    }
}

/// Lines of a git configuration that run a command. The sections of Git LFS are left out.
fn runs_commands(config: &str) -> Vec<&str> {
    let mut section = "";
    let mut lines = Vec::new();
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        let lfs = section.starts_with("[filter \"lfs\"]");
        let filter = section.starts_with("[filter")
            && matches!(key.as_str(), "clean" | "smudge" | "process");
        let alias = section.starts_with("[alias") && value.trim_matches('"').starts_with('!');
        let off = value.eq_ignore_ascii_case("false");
        if (filter && !lfs) || alias || (COMMANDS.contains(&key.as_str()) && !off) {
            lines.push(line);
        }
    }
    lines.truncate(MOST);
    lines
}

/// Filters that git runs on checkout, other than that of Git LFS.
fn attributes(root: &Path, defects: &mut Vec<Defect>) {
    for file in below(root, ".gitattributes", &[]).told(defects) {
        let text = role::content(&file).unwrap_or_default();
        let filters = text.split_whitespace().filter_map(|word| word.strip_prefix("filter="));
        let mut filters = filters.filter(|name| *name != "lfs").collect::<Vec<_>>();
        filters.sort_unstable();
        filters.dedup();
        for filter in filters.into_iter().take(MOST) {
            note(
                defects,
                &file.name,
                format!("git runs the filter `{}` on checkout", brief(filter)),
            );
        }
    }
}

/// Workflows that a forge runs once the model is pushed there.
fn workflows(root: &Path, defects: &mut Vec<Defect>) {
    let files = below(root, ".github/workflows", &[]).told(defects);
    for file in files.into_iter().take(MOST) {
        note(defects, &file.name, "a workflow, which runs where the model is pushed to".into());
    }
}

fn note(defects: &mut Vec<Defect>, file: &str, why: String) {
    let why = format!("not covered by the signature: {why}");
    defects.push(Defect::of_file(Kind::UnsignedByExclusion, file, Weight::Text, why));
}

/// What lies at a path below the model, by paths from the model down.
#[derive(Default)]
struct Below {
    files: Vec<File>,
    /// What is no regular file or was not looked into, with what it is.
    strange: Vec<(String, String)>,
}

/// The regular files at a path. Links are not followed, neither on the way nor below.
fn below(root: &Path, path: &str, without: &[Identity]) -> Below {
    let mut place = root.to_owned();
    for step in path.split('/') {
        place.push(step);
        match place.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => return Below::strange(path, "a link"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Below::default(),
            Err(error) => return Below::strange(path, format!("unreadable: {error}")),
            Ok(_) => {}
        }
    }
    if tree::identity(&place).is_some_and(|identity| without.contains(&identity)) {
        return Below::default();
    }
    let options = tree::Options { without: without.to_vec(), ..tree::Options::default() };
    let tree = match Tree::list(&place, &options) {
        Ok(tree) => tree,
        Err(trouble) => return Below::strange(path, format!("unreadable: {trouble}")),
    };
    let single = tree.single;
    let named = |name: &str| if single { path.to_owned() } else { format!("{path}/{name}") };
    let strange = tree.odd.iter().map(|odd| (named(&odd.name), odd.what.name().to_owned()));
    let strange = strange.collect();
    let files = tree.files.into_iter().map(|file| File { name: named(&file.name), ..file });
    Below { files: files.collect(), strange }
}

impl Below {
    fn strange(path: &str, what: impl Into<String>) -> Self {
        Self { files: Vec::new(), strange: vec![(path.to_owned(), what.into())] }
    }

    /// The files of a place that something runs; what could not be looked into is told of.
    fn told(self, defects: &mut Vec<Defect>) -> Vec<File> {
        for (name, what) in self.strange.into_iter().take(MOST) {
            note(defects, &name, format!("{what}, which was not looked into"));
        }
        self.files
    }
}

/// Settings whose values git runs.
const COMMANDS: [&str; 9] = [
    "fsmonitor",
    "hookspath",
    "sshcommand",
    "pager",
    "editor",
    "askpass",
    "gitproxy",
    "external",
    "textconv",
];
/// Files of one path that are named.
const MOST: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_run_commands_are_told_from_those_that_do_not() {
        let config = "[core]\n\tbare = false\n\tfsmonitor = /tmp/x\n[filter \"lfs\"]\n\tclean = git-lfs\n\
                      [filter \"evil\"]\n\tsmudge = sh x\n[alias]\n\tst = status\n\tx = !sh\n";
        assert_eq!(runs_commands(config), ["fsmonitor = /tmp/x", "smudge = sh x", "x = !sh"]);
    }

    #[cfg(unix)]
    #[test]
    fn what_the_signer_left_out_is_told_also_where_links_hide_it() {
        use std::{fs, os::unix::fs::symlink};
        let (model, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = &fs::canonicalize(model.path()).unwrap();
        fs::write(elsewhere.path().join("modeling.py"), "import os").unwrap();
        fs::write(root.join("notes.txt"), "read me").unwrap();
        fs::write(root.join("extra"), "plain words").unwrap();
        fs::write(root.join("model.onnx.data"), [0, 0, 128, 63]).unwrap();
        fs::write(root.join("blob"), [0, 0, 128, 63]).unwrap();
        symlink(elsewhere.path().join("modeling.py"), root.join("modeling.py")).unwrap();
        symlink(elsewhere.path(), root.join("custom")).unwrap();
        fs::create_dir(root.join("more")).unwrap();
        symlink(elsewhere.path().join("modeling.py"), root.join("more/x.py")).unwrap();
        let told = |path: &str| {
            let mut defects = Vec::new();
            left_out(root, path, &[], &mut defects);
            defects.into_iter().map(|defect| (defect.file, defect.weight)).collect::<Vec<_>>()
        };
        assert_eq!(told("notes.txt"), []);
        assert_eq!(told("nothing here"), []);
        assert_eq!(told("extra"), [("extra".into(), Weight::Text)]);
        for path in ["model.onnx.data", "blob", "modeling.py", "custom", "custom/modeling.py"] {
            assert_eq!(told(path), [(path.to_owned(), Weight::Load)]);
        }
        assert_eq!(told("more"), [("more/x.py".into(), Weight::Load)]);
    }
}
