//! One test for each known way round a scanner of model files. `docs/bypasses.md` tells them in
//! words, and names the tests.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test"
)]

use modelward_core::{Outcome, Place};
use modelward_scan::{Context, Examined, examine};

#[path = "../carriers/mod.rs"]
mod carriers;
mod files;
mod listed;
mod names;
#[path = "../pickles/mod.rs"]
mod pickles;
mod programs;
mod zips;

/// A pickle that runs a command.
const COMMAND: &[u8] = b"\x80\x02cposix\nsystem\nX\x01\0\0\0x\x85R.";

fn examined(name: &str, bytes: &[u8]) -> Examined {
    examine(&Place::file(name), &bytes.into(), &Context::default())
}

fn outcome(bytes: &[u8]) -> Outcome {
    examined("sample", bytes).outcome()
}

fn breaks(bytes: &[u8], rule: &str) -> bool {
    examined("sample", bytes).findings.iter().any(|finding| finding.rule.id == rule)
}

/// Fail with the names of all that are not as they should be, not with the first.
fn none(wrong: Vec<String>) {
    let first = wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of them:\n{first}", wrong.len());
}

#[test]
fn every_test_that_the_page_names_exists() {
    let page = include_str!("../../../../docs/bypasses.md");
    let sources = [
        ("files", include_str!("files.rs")),
        ("names", include_str!("names.rs")),
        ("programs", include_str!("programs.rs")),
        ("zips", include_str!("zips.rs")),
    ];
    let mut named = 0;
    for quoted in page.split('`').skip(1).step_by(2) {
        let Some((file, test)) = quoted.split_once("::") else { continue };
        let Some((_, source)) = sources.iter().find(|(name, _)| *name == file) else { continue };
        named += 1;
        assert!(source.contains(&format!("fn {test}()")), "{quoted}");
    }
    let tests = sources.iter().map(|(_, source)| source.matches("#[test]").count());
    assert_eq!(named, tests.sum::<usize>(), "each test is named once");
}
