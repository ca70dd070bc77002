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
