//! What verifying came to, as a report tells it.

use std::collections::HashMap;

use modelward_core::{
    Measurement, Outcome, Place, Policy, Report, ScannedFile, Unread, Value, Verdict,
};
use modelward_provenance::{
    Defect,
    oms::{Method, SignedBy, State, Verification, Verified},
};
use modelward_scan::provenance;

use super::Arguments;
use crate::listing::{below, shown};

/// Judge the defects under a policy, and put all into a report.
pub(super) fn tell(
    verification: &Verification,
    arguments: &Arguments,
    policy: &Policy,
    report: &mut Report,
) {
    let signature = shown(&arguments.signature);
    let place = |file: &str| match file {
        "" => signature.clone(),
        file => of_file(file, verification, arguments),
    };
    judge(&verification.defects, place, policy, report);
    for (file, why) in &verification.unread {
        let rule = if why.starts_with("signed, and") { MISSING } else { UNREADABLE };
        let place = Place::file(place(file));
        report.unread.push(Unread { place, at: None, rule, why: why.clone() });
    }
    let mut worst: HashMap<String, Outcome> = HashMap::new();
    for (finding, _) in &report.judged {
        let outcome = worst.entry(finding.place.path().to_owned()).or_insert(Outcome::Clean);
        *outcome = Outcome::of(finding.severity).max(*outcome);
    }
    for file in verification.files.iter().filter(|file| file.state != State::Missing) {
        let path = place(&file.name);
        let outcome = match file.state {
            State::Unread => Outcome::Unread,
            _ => worst.get(&path).copied().unwrap_or(Outcome::AsSigned),
        };
        report.files.push(scanned(file, path, outcome));
    }
    report.measurements.push(measurement(verification, arguments));
}

/// Judge defects under a policy.
pub(super) fn judge(
    defects: &[Defect],
    place: impl Fn(&str) -> String,
    policy: &Policy,
    report: &mut Report,
) {
    for defect in defects {
        let finding = provenance::finding(defect, Place::file(place(&defect.file)));
        let verdict = match policy.judge(&finding) {
            // The specification leaves no room: a model with one changed file is not what was signed.
            Verdict::Warn if provenance::voids(defect.kind) => Verdict::Deny,
            // A file can be let through; a signature that is none cannot be made one.
            Verdict::Allow(_) if defect.kind.is_of_signature() => Verdict::Deny,
            verdict => verdict,
        };
        report.judged.push((finding, verdict));
    }
}

fn of_file(file: &str, verification: &Verification, arguments: &Arguments) -> String {
    let target = shown(&arguments.target);
    let single = arguments.target.is_file() && verification.files.len() <= 1;
    if single { target } else { below(&target, file) }
}

fn scanned(file: &Verified, path: String, outcome: Outcome) -> ScannedFile {
    let sha256 = file.sha256.as_ref().and_then(|digest| digest.bytes().try_into().ok());
    ScannedFile { path, format: "file", outcome, bytes: file.bytes, sha256 }
}

fn measurement(verification: &Verification, arguments: &Arguments) -> Measurement {
    let Verification { signed_by, counts, serialization, .. } = verification;
    let signer = signed_by.as_ref().map(|signed_by| {
        Value::Record(match signed_by {
            SignedBy::Key(hint) => vec![("kind", "key".into()), ("hint", hint.as_str().into())],
            SignedBy::Certificate { subject, valid: (from, to) } => vec![
                ("kind", "certificate".into()),
                ("subject", subject.as_str().into()),
                ("valid_from", from.to_string().into()),
                ("valid_to", to.to_string().into()),
            ],
            SignedBy::Identity { name, issuer, at } => vec![
                ("kind", "keyless".into()),
                ("identity", name.as_str().into()),
                ("issuer", issuer.as_str().into()),
                ("at", at.map(|at| at.to_string()).into()),
            ],
        })
    });
    let method = serialization.as_ref().map(|serialization| match serialization.method {
        Method::Files => "files",
        Method::Shards(_) => "shards",
    });
    let hash = serialization.as_ref().map(|serialization| serialization.function.name());
    let files = [counts.matching, counts.changed, counts.missing, counts.unsigned];
    Measurement {
        kind: "verification",
        fields: vec![
            ("signature", shown(&arguments.signature).into()),
            ("signer", signer.unwrap_or(Value::Null)),
            ("subject", verification.subject.as_str().into()),
            ("root", verification.root.as_ref().map(ToString::to_string).into()),
            ("method", method.into()),
            ("hash", hash.into()),
            ("files", files.iter().sum::<usize>().into()),
            ("match", counts.matching.into()),
            ("changed", counts.changed.into()),
            ("missing", counts.missing.into()),
            ("unsigned", counts.unsigned.into()),
            ("excluded", verification.excluded.clone().into()),
            ("ignored", verification.ignored.clone().into()),
        ],
        lines: lines(verification, arguments),
        ..Measurement::default()
    }
}

/// The same for people.
fn lines(verification: &Verification, arguments: &Arguments) -> Vec<String> {
    let mut lines = Vec::new();
    match &verification.signed_by {
        Some(signed_by) => {
            lines.push(format!("signed by  {signed_by}"));
            if matches!(signed_by, SignedBy::Certificate { .. }) {
                lines.push("           no timestamp in the signature says when".into());
                if arguments.trusted.is_anybody() {
                    let pin = "--expect-subject";
                    lines.push(format!("           any certificate under these roots could have; pin one with `{pin}`"));
                }
            }
        }
        None => lines.push("signed by  nobody whose signature could be verified".into()),
    }
    let mut list = |what: &str, paths: &[String]| {
        if !paths.is_empty() {
            lines.push(format!("{what} {}", paths.join(" ")));
        }
    };
    list("left out by the signature: ", &verification.excluded);
    list("left out by you:           ", &verification.ignored);
    lines
}

/// The rule of a part that is not there.
const MISSING: &str = "MW0005";
/// The rule of what could not be read.
const UNREADABLE: &str = "MW0007";
