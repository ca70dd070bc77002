//! What lies outside a signature: weights, code and configuration that the signer left out, and what
//! git runs.

use std::path::Path;

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

/// What the signer left out by name and what matters: weights, code, configuration, templates.
fn left_out(root: &Path, path: &str, signatures: &[Identity], defects: &mut Vec<Defect>) {
    let kind = Kind::UnsignedByExclusion;
    let mut found = 0_usize;
    for file in below(root, path, signatures) {
        let role = Role::of(&file);
        if matches!(role, Role::Text | Role::Unknown) {
            continue;
        }
        found = found.saturating_add(1);
        if found <= MOST {
            let why = format!("the signer left this file out of the signature ({})", role.name());
            defects.push(Defect::of_file(kind, &file.name, Weight::Load, why));
        }
    }
    if let more @ 1.. = found.saturating_sub(MOST) {
        let why = format!("the signer left {more} more such files out of the signature");
        defects.push(Defect::of_file(kind, path, Weight::Load, why));
    }
}

/// Hooks that git runs, and settings of the repository that run commands.
fn git(root: &Path, defects: &mut Vec<Defect>) {
    for file in below(root, ".git/hooks", &[]) {
        if file.name.ends_with(".sample") {
            continue;
        }
        let executable = if file.executable { "executable" } else { "not executable yet" };
        note(defects, &file.name, format!("a hook that git runs ({executable})"));
    }
    for file in below(root, ".git/config", &[]) {
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
    for file in below(root, ".gitattributes", &[]) {
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
    for file in below(root, ".github/workflows", &[]).into_iter().take(MOST) {
        note(defects, &file.name, "a workflow, which runs where the model is pushed to".into());
    }
}

fn note(defects: &mut Vec<Defect>, file: &str, why: String) {
    let why = format!("not covered by the signature: {why}");
    defects.push(Defect::of_file(Kind::UnsignedByExclusion, file, Weight::Text, why));
}

/// The regular files at a path below the model, by their paths from the model down. A link on the way
/// is not followed.
fn below(root: &Path, path: &str, without: &[Identity]) -> Vec<File> {
    let mut place = root.to_owned();
    for step in path.split('/') {
        place.push(step);
        if place.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Vec::new();
        }
    }
    if tree::identity(&place).is_some_and(|identity| without.contains(&identity)) {
        return Vec::new();
    }
    let options = tree::Options { without: without.to_vec(), ..tree::Options::default() };
    let Ok(tree) = Tree::list(&place, &options) else { return Vec::new() };
    let single = tree.single;
    let named = |mut file: File| {
        file.name = if single { path.to_owned() } else { format!("{path}/{}", file.name) };
        file
    };
    tree.files.into_iter().map(named).collect()
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
}
