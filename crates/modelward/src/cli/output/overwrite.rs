//! A report never takes the place of what it speaks of.

use std::{
    fs::{self, Metadata},
    io::Read,
    path::{Path, PathBuf},
};

use crate::{cli::Failure, listing::shown, walk};
use modelward_engine::replace::{end_of_links, folder};

/// Refuse to write to these paths where one of them is a file of the targets.
pub(super) fn refuse(outputs: &[PathBuf], targets: &[PathBuf]) -> Result<(), Failure> {
    for output in outputs {
        let Some(target) = targets.iter().find(|target| is_of(output, target)) else { continue };
        let message = format!("expected a file to write to, found `{}`", shown(output));
        let message = format!("{message}, which is a file of the target `{}`", shown(target));
        return Err(Failure::new(message)
            .at(shown(output))
            .help("write elsewhere; an older plain report may be removed first"));
    }
    Ok(())
}

/// Whether what would be written to `output` is a file of a target now.
fn is_of(output: &Path, target: &Path) -> bool {
    let there = fs::metadata(output).ok();
    if target == Path::new("-") {
        return is_standard_input(there.as_ref());
    }
    match (there, fs::metadata(target)) {
        // Whatever is neither file nor folder is never read.
        (Some(output), _) if !output.is_file() => false,
        // The report of the last run may lie in the folder that is audited.
        (Some(_), Ok(folder)) if folder.is_dir() => lies_in(output, target) && !is_report(output),
        (Some(output), Ok(target)) if is_same(&output, &target) => true,
        (_, Ok(folder)) if folder.is_dir() => false,
        _ => place(output).is_some_and(|output| place(target) == Some(output)),
    }
}

/// Whether a file lies in a folder, or where the links of that folder may lead.
fn lies_in(file: &Path, target: &Path) -> bool {
    let (Ok(file), Ok(root)) = (fs::canonicalize(file), fs::canonicalize(target)) else {
        return false;
    };
    file.starts_with(walk::boundary(&root))
}

/// Whether a file begins as a report does that can be told from a model.
fn is_report(path: &Path) -> bool {
    const LOOK: u64 = 1024;
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(LOOK).read_to_end(&mut head));
    let head = String::from_utf8_lossy(&head);
    let marks = ["\"name\": \"modelward\"", "sarif-schema-2.1.0", "<title>modelward: "];
    read.is_ok() && marks.iter().any(|mark| head.contains(mark))
}

/// Whether two paths lead to one place, whether there is a file or not.
pub(super) fn is_one(a: &Path, b: &Path) -> bool {
    let same = fs::metadata(a).ok().zip(fs::metadata(b).ok()).is_some_and(|(a, b)| is_same(&a, &b));
    same || place(a).is_some_and(|a| place(b) == Some(a))
}

/// Where a path leads, with no link left in it, whether there is a file or not.
fn place(path: &Path) -> Option<PathBuf> {
    let end = end_of_links(path).ok()?;
    Some(fs::canonicalize(folder(&end)).ok()?.join(end.file_name()?))
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn is_standard_input(output: Option<&Metadata>) -> bool {
    use std::{fs::File, os::fd::AsFd};
    let input = std::io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let input = input.and_then(|file| file.metadata()).ok().filter(Metadata::is_file);
    output.zip(input.as_ref()).is_some_and(|(output, input)| is_same(output, input))
}

#[cfg(not(unix))]
fn is_standard_input(_: Option<&Metadata>) -> bool {
    false
}
