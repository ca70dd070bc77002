//! The statement around a report (in-toto Statement v1).

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

use super::scanned::{Scanned, sha256};
use crate::{
    Trouble,
    digest::{Digest, Function, Hasher},
    oms::{
        json::{self, Object, Value},
        name,
    },
    x509::Moment,
};

/// The type of the predicate.
pub const PREDICATE: &str = "https://modelward/scan-report/v1";

/// A report of a scan, and the model that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// The name of the model.
    pub model: String,
    /// SHA-256 over the SHA-256 of the files, in the order of their names by code point.
    pub root: Digest,
    /// SHA-256 of the files by their names.
    pub files: BTreeMap<String, Digest>,
    /// When it was signed, as the signer says.
    pub time: Moment,
    /// What the scan came to.
    pub scan: Scanned,
}

/// The type of the predicate of a statement, and the rest of it.
fn open(payload: &[u8]) -> Result<(Cow<'_, str>, Object<'_>), String> {
    let mut statement = json::read(payload)?.object("the statement")?;
    let kind = statement.take("_type")?.text("`_type`")?;
    if kind != TYPE {
        let kind = json::brief(&kind);
        return Err(format!("expected a statement of the type `{TYPE}`, found `{kind}`"));
    }
    let predicate = statement.take("predicateType")?.text("`predicateType`")?;
    Ok((predicate, statement))
}

/// The type of the predicate of a statement.
pub(super) fn kind(payload: &[u8]) -> Result<String, String> {
    open(payload).map(|(kind, _)| kind.into_owned())
}

pub(super) fn read(payload: &[u8]) -> Result<Attestation, String> {
    let (kind, mut statement) = open(payload)?;
    if kind != PREDICATE {
        let kind = json::brief(&kind);
        return Err(format!("expected a predicate of the type `{PREDICATE}`, found `{kind}`"));
    }
    let mut subjects = statement.take("subject")?.list("`subject`")?.into_iter();
    let model = subjects.next().ok_or("expected a subject, found none")?;
    let (model, claimed) = subject(model)?;
    let mut files = BTreeMap::new();
    for file in subjects {
        let (path, digest) = subject(file)?;
        if let Some(flaw) = name::flaw(&path) {
            return Err(format!("the subject `{}` is {flaw}", json::brief(&path)));
        }
        if files.insert(path.clone(), digest).is_some() {
            return Err(format!("the subject `{}` is there twice", json::brief(&path)));
        }
    }
    if files.is_empty() {
        return Err("expected the files of the model as subjects, found none".into());
    }
    let root = root(&files);
    if root != claimed {
        return Err(format!("the root is said to be {claimed}, but the files give {root}"));
    }
    let mut predicate = statement.take("predicate")?.object("`predicate`")?;
    statement.close("the statement")?;
    let time = predicate.take("time")?.text("`time`")?;
    let time = Moment::parse(&time)
        .ok_or_else(|| format!("expected a time of RFC 3339, found `{}`", json::brief(&time)))?;
    let scan = Scanned::read(predicate.take("report")?)?;
    predicate.close("the predicate")?;
    let unlike = files.iter().find(|(path, digest)| scan.digest(path) != Some(Some(digest)));
    if let Some((path, _)) = unlike {
        let path = json::brief(path);
        return Err(format!("subject and report do not say the same of `{path}`"));
    }
    Ok(Attestation { model, root, files, time, scan })
}

/// SHA-256 over the SHA-256 of files, in the order of their names by code point.
pub(super) fn root(files: &BTreeMap<String, Digest>) -> Digest {
    let mut hasher = Hasher::new(Function::Sha256);
    files.values().for_each(|digest| hasher.update(digest.bytes()));
    hasher.finish()
}

/// The name and the SHA-256 of a subject.
fn subject(value: Value<'_>) -> Result<(String, Digest), String> {
    let mut subject = value.object("a subject")?;
    let name = subject.take("name")?.text("the name of a subject")?.into_owned();
    if name.is_empty() {
        return Err("expected a name for a subject, found an empty one".into());
    }
    let mut digests = subject.take("digest")?.object("the digest of a subject")?;
    let digest = sha256(&digests.take("sha256")?.text("`sha256`")?, &name)?;
    Ok((name, digest))
}

/// The bytes to sign.
pub(super) fn write(
    model: &str,
    root: &Digest,
    files: &BTreeMap<String, Digest>,
    time: Moment,
    report: &[u8],
) -> Result<Vec<u8>, Trouble> {
    let refused = |error: serde_json::Error| Trouble::new(error.to_string());
    let subject =
        |name, digest: &Digest| Subject { name, digest: Sha256 { sha256: digest.to_string() } };
    let files = files.iter().map(|(name, digest)| subject(name.as_str(), digest));
    let written = Written {
        kind: TYPE,
        subject: std::iter::once(subject(model, root)).chain(files).collect(),
        predicate_type: PREDICATE,
        predicate: Predicate {
            time: time.to_string(),
            report: serde_json::from_slice(report).map_err(refused)?,
        },
    };
    serde_json::to_vec(&written).map_err(refused)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Subject<'a>>,
    predicate_type: &'static str,
    predicate: Predicate,
}

#[derive(Serialize)]
struct Subject<'a> {
    name: &'a str,
    digest: Sha256,
}

#[derive(Serialize)]
struct Sha256 {
    sha256: String,
}

#[derive(Serialize)]
struct Predicate {
    time: String,
    report: serde_json::Value,
}

/// The type of every statement.
const TYPE: &str = "https://in-toto.io/Statement/v1";
