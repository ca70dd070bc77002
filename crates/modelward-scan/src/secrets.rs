//! Checks of text for credentials that were left in it.

use modelward_core::{Evidence, Findings};
use modelward_formats::credentials::{self, Form};

use crate::{Entry, file::File};

mod cloud_key;
mod model_hub_token;
mod private_key;

pub(crate) const CHECKS: &[Entry] = &[
    Entry::of::<cloud_key::CloudKey>(),
    Entry::of::<model_hub_token::ModelHubToken>(),
    Entry::of::<private_key::PrivateKey>(),
];

/// Report every token of these forms in a file of text. A secret is never shown whole: its first
/// letters tell its owner which one it is.
fn report(file: &File, forms: &[Form], out: &mut Findings<'_>) {
    if !TEXT.iter().any(|format| file.is(format)) {
        return;
    }
    for found in credentials::find(&file.bytes, forms) {
        let shown = format!("{}... ({} characters)", found.head, found.length);
        out.report(format!("holds {}", found.what), Evidence::bytes(found.at, shown));
    }
}

/// The formats that people write credentials into.
const TEXT: &[&str] = &["text", "json", "yaml", "jinja", "script"];
