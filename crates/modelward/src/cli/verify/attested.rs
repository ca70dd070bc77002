//! The signed report of a scan, held against the model that was verified.

use modelward_core::Measurement;
use modelward_provenance::{
    Defect, Kind,
    oms::{self, Trust, Verification},
    report::Attestation,
    tree,
    x509::Moment,
};

use super::Arguments;
use crate::{listing::shown, report::group::plural};

/// What became of a signed report.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) defects: Vec<Defect>,
    pub(super) measurement: Option<Measurement>,
}

/// Check the signed report under the same trust as the signature of the model.
pub(super) fn check(
    bundle: Option<&[u8]>,
    trust: &Trust<'_>,
    verification: &Verification,
    arguments: &Arguments,
) -> Checked {
    let Some(bundle) = bundle else {
        let why = "no signed report was given, and `--require-scan` asks for one";
        let missing =
            arguments.require_scan.then(|| Defect::of_signature(Kind::ReportMissing, why));
        return Checked { defects: missing.into_iter().collect(), ..Checked::default() };
    };
    let (opened, mut defects) = oms::open(bundle, trust);
    let Some(opened) = opened else { return Checked { defects, measurement: None } };
    let attestation = match Attestation::read(&opened.payload) {
        Ok(attestation) => attestation,
        Err(why) => {
            defects.push(Defect::of_signature(Kind::StatementUnsound, why));
            return Checked { defects, measurement: None };
        }
    };
    let own = arguments.report.as_deref();
    let own = own.and_then(|report| tree::below(&arguments.target, report));
    let other = attestation.other_than(verification, own.as_deref());
    let of = if other.is_some() { "another model, " } else { "" };
    defects.extend(other);
    defects.extend(attestation.flaw());
    let measurement = Some(measurement(&attestation, of, arguments));
    Checked { defects, measurement }
}

fn measurement(attestation: &Attestation, of: &str, arguments: &Arguments) -> Measurement {
    let Attestation { root, time, scan, .. } = attestation;
    let age = Moment::now().0.saturating_sub(time.0);
    let days = u64::try_from(age).ok().and_then(|age| age.checked_div(86_400));
    let ago = match days {
        None => "by its own date not yet".to_owned(),
        Some(0) => "today".to_owned(),
        Some(days) => format!("{days} {} ago", plural(usize::try_from(days).unwrap_or(0), "day")),
    };
    let own = env!("CARGO_PKG_VERSION");
    let other = if scan.version == own { "" } else { ", another version than this" };
    let allowed = match scan.allowed {
        0 => String::new(),
        allowed => format!(" ({allowed} let through by the policy of the scan)"),
    };
    let report = arguments.report.as_deref().map(shown).unwrap_or_default();
    Measurement {
        kind: "scan-report",
        fields: vec![
            ("report", report.into()),
            ("verdict", scan.verdict.name().into()),
            ("version", scan.version.as_str().into()),
            ("time", time.to_string().into()),
            ("root", root.to_string().into()),
            ("rules", scan.rules.to_string().into()),
            ("policy", scan.policy.to_string().into()),
            ("findings", scan.findings.into()),
            ("denied", scan.denied.into()),
            ("allowed", scan.allowed.into()),
            ("unread", scan.unread.into()),
        ],
        lines: vec![
            format!(
                "scanned    {of}{}: {} {}{allowed}, {} unread",
                scan.verdict.name(),
                scan.findings,
                plural(scan.findings, "finding"),
                scan.unread
            ),
            format!("           signed {ago}, {time}, by modelward {}{other}", scan.version),
        ],
        ..Measurement::default()
    }
}
