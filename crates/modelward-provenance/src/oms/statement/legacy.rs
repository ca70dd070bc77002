//! Statements of model-signing 0.2.0: a subject for each file, and nothing said of how they were
//! found (OpenSSF Model Signing v1.0, section 11).

use std::collections::BTreeMap;

use crate::{
    digest::Function,
    oms::{
        json::{self, Value},
        name,
        resources::{Parts, digest},
    },
};

/// Read the subjects, which are the files; the predicate says nothing.
pub(super) fn read(subjects: Vec<Value<'_>>) -> Result<BTreeMap<String, Parts>, String> {
    if subjects.is_empty() {
        return Err("expected at least one subject, found none".into());
    }
    let mut files = BTreeMap::new();
    for subject in subjects {
        let mut subject = subject.object("a subject")?;
        let name = subject.take("name")?.text("the name of a subject")?.into_owned();
        if let Some(flaw) = name::flaw(&name) {
            return Err(format!("`{}` is {flaw}", json::brief(&name)));
        }
        let mut digests = subject.take("digest")?.object("the digest of a subject")?;
        let sha256 = digests.take("sha256")?.text("`sha256`")?;
        let digest = digest(&sha256, Function::Sha256, &name)?;
        if files.insert(name.clone(), Parts::Whole(digest)).is_some() {
            return Err(format!("the file `{}` is listed twice", json::brief(&name)));
        }
    }
    Ok(files)
}

/// The type of its predicate.
pub(super) const PREDICATE: &str = "https://model_signing/Digests/v0.1";
