//! The documents name tests and files, and those must be there.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests may fail as tests do"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn every_test_that_a_document_names_is_there() {
    let sources = sources();
    let document = fs::read_to_string(root().join("docs/bypasses.md")).unwrap();
    let mut named = 0;
    for word in document.split('`').skip(1).step_by(2) {
        let is_test = !word.starts_with('_')
            && word.matches('_').count() > 2
            && word.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
        if is_test {
            named += 1;
            let there = format!("fn {word}(");
            assert!(sources.iter().any(|(_, text)| text.contains(&there)), "no test `{word}`");
        } else if word.ends_with(".rs") && !word.contains('*') {
            assert!(sources.iter().any(|(path, _)| path.ends_with(word)), "no file `{word}`");
        }
    }
    assert!(named > 5, "the document names tests");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut documents = vec![];
    for folder in ["", "docs", "docs/guide", "docs/rules"] {
        let entries = fs::read_dir(root().join(folder)).unwrap().map(|e| e.unwrap().path());
        documents.extend(entries.filter(|path| path.extension().is_some_and(|e| e == "md")));
    }
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
            let path = link.0.split('#').next().unwrap();
            if !path.is_empty() && !path.contains("://") {
                let target = document.parent().unwrap().join(path);
                assert!(target.exists(), "{}: {path}", document.display());
            }
        }
    }
}

/// Every Rust file of the crates, with its text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut pending = vec![root().join("crates")];
    let mut sources = vec![];
    while let Some(folder) = pending.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push((path, text));
            }
        }
    }
    sources
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}
