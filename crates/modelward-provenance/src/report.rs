//! Reports that travel with a model: an in-toto statement over its root digest.
//!
//! The envelope and the bundle are those of a signature ([`oms`](crate::oms)). The first subject is the
//! model, by the root that a signature with `files` and `sha256` states; the others are its files. The
//! predicate carries the JSON report of a scan as it was written, with the version of the tool, the
//! digests of its rules and of its policy, and its limits:
//!
//! ```json
//! {"_type": "https://in-toto.io/Statement/v1",
//!  "subject": [{"name": "model", "digest": {"sha256": "26b9f0..."}},
//!              {"name": "config.json", "digest": {"sha256": "bb15..."}}],
//!  "predicateType": "https://modelward/scan-report/v1",
//!  "predicate": {"time": "2026-01-01T00:00:00Z",
//!                "report": {"schema": 1, "tool": {"name": "modelward", "version": "0.1.0"},
//!                           "basis": {"rules": "...", "policy": "...", "limits": {"depth": 16}}}}}
//! ```

use std::{collections::BTreeMap, path::Path};

use crate::{
    Defect, Kind, Trouble,
    digest::{Digest, Function},
    oms::{
        Method, Order, Parts, Signed, State, Verification, name,
        request::Exclusions,
        sign::{Surveyed, survey},
        sign_statement,
    },
    x509::Moment,
};

mod scanned;
mod statement;

pub use self::{
    scanned::{Scanned, Verdict},
    statement::{Attestation, PREDICATE},
};

/// Sign the JSON report of a scan of a model.
///
/// The report has to be about this model as it is now: it names every file that a signature covers, by
/// its SHA-256. Of the order, method and function are those of the root.
///
/// # Errors
/// Where the report is none, or about other files, or where the model cannot be signed.
pub fn sign(
    target: &Path,
    report: &[u8],
    time: Moment,
    order: &Order<'_>,
) -> Result<Signed, Trouble> {
    let scan = Scanned::of_report(report).map_err(|why| {
        Trouble::new(format!("this is no report of modelward that can be signed: {why}"))
            .help("make one with `modelward scan DIR --format json -o R.json`")
    })?;
    let order = Order { method: Method::Files, function: Function::Sha256, ..*order };
    let Surveyed { tree, files, left_out, warnings } = survey(target, &order)?;
    let files = files.into_iter().filter_map(|(name, parts)| match parts {
        Parts::Whole(digest) => Some((name, digest)),
        Parts::Shards { .. } => None,
    });
    let files = files.collect::<BTreeMap<_, _>>();
    about(&scan, &files, &left_out)?;
    let root = statement::root(&files);
    let payload = statement::write(&tree.name, &root, &files, time, report)?;
    Ok(Signed {
        bundle: sign_statement(&payload, order.key, order.certificates)?,
        root,
        files: files.len(),
        bytes: tree.bytes(),
        exclusions: left_out.into_iter().collect(),
        warnings,
    })
}

/// Refuse a report about other files than these.
fn about(
    scan: &Scanned,
    files: &BTreeMap<String, Digest>,
    left_out: &Exclusions,
) -> Result<(), Trouble> {
    let other = |why: String| {
        Err(Trouble::new(format!("the report is not about this model: {why}"))
            .help("scan the model anew: `modelward scan DIR --format json -o R.json`"))
    };
    for (name, digest) in files {
        match scan.digest(name) {
            None => return other(format!("it says nothing of `{name}`")),
            Some(None) => return other(format!("it has no digest of `{name}`")),
            Some(Some(said)) if said != digest => {
                return other(format!("`{name}` had sha256 {said}, and has {digest} now"));
            }
            Some(Some(_)) => {}
        }
    }
    let is_here = |name: &str| {
        files.contains_key(name)
            || scan.is_of_one_file()
            || left_out.iter().any(|path| name::lies_in(name, path))
    };
    match scan.files.keys().find(|name| !is_here(name)) {
        Some(name) => other(format!("it names `{name}`, which is not there")),
        None => Ok(()),
    }
}

impl Attestation {
    /// Read the payload of a bundle, or say in one sentence what is wrong with it.
    ///
    /// # Errors
    /// Where it is no statement of this kind, or one that contradicts itself.
    pub fn read(payload: &[u8]) -> Result<Self, String> {
        statement::read(payload)
    }

    /// Whether a payload is a statement of this kind, sound or not.
    pub fn is(payload: &[u8]) -> bool {
        statement::kind(payload).is_ok_and(|kind| kind == PREDICATE)
    }

    /// What keeps the scan from speaking for its model.
    pub fn flaw(&self) -> Option<Defect> {
        let Scanned { denied, unread, .. } = self.scan;
        let why = match self.scan.verdict {
            Verdict::Clean => return None,
            Verdict::Denied => format!("the scan denied the model ({denied} of its findings)"),
            Verdict::Unread => format!("the scan did not read all of the model ({unread} unread)"),
        };
        Some(Defect::of_signature(Kind::ReportNotClean, why))
    }

    /// Where the signed files of a verified model are not those of the report; see
    /// [`Request::sha256`](crate::oms::Request). The report itself may be one of them, by the name `own`.
    /// Of a model whose signature does not hold nothing is said.
    pub fn other_than(&self, verification: &Verification, own: Option<&str>) -> Option<Defect> {
        verification.serialization.as_ref()?;
        let mut known = BTreeMap::new();
        for file in &verification.files {
            known.insert(file.name.as_str(), file.state);
            let said = self.files.get(&file.name);
            match (file.state, &file.sha256) {
                _ if said.is_none() && own == Some(&*file.name) => {}
                (State::Match | State::Changed, Some(found)) if said != Some(found) => {
                    let why = match said {
                        Some(_) => format!("`{}` is another file than the report says", file.name),
                        None => format!("it says nothing of `{}`", file.name),
                    };
                    return Some(self.other(why, verification));
                }
                _ => {}
            }
        }
        let left_out = || verification.excluded.iter().chain(&verification.ignored);
        let gone = self.files.keys().find(|name| {
            !known.contains_key(name.as_str()) && !left_out().any(|path| name::lies_in(name, path))
        });
        gone.map(|name| self.other(format!("it names `{name}`, which is not there"), verification))
    }

    fn other(&self, why: String, verification: &Verification) -> Defect {
        let why = format!("the report is about another model: {why}");
        let mut defect = Defect::of_signature(Kind::ReportForOther, why);
        let now = verification.root.as_ref().map(|root| format!(", signed {root}"));
        defect.shown = Some(format!("reported {}{}", self.root, now.unwrap_or_default()));
        defect
    }
}

#[cfg(test)]
mod tests;
