//! For programs: schema 1. Fields may be added to it; none is changed or removed.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use modelward_core::{Evidence, Finding, Place, Report, ScannedFile, Skipped, Unread, Verdict};
use serde::Serialize;

use crate::report::hex;

mod measured;
mod schema;

pub(super) use measured::measured;
pub use schema::schema;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document::of(report))?;
    writeln!(out)
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool: Tool,
    target: &'a [String],
    verdict: &'static str,
    files: Vec<File<'a>>,
    findings: Vec<Found<'a>>,
    unread: Vec<Gap<'a>>,
    skipped: Vec<Left<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    measurements: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<WentBy>,
    counts: Counts,
    seconds: f64,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

/// What the scan went by.
#[derive(Serialize)]
struct WentBy {
    rules: String,
    policy: String,
    limits: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    format: &'static str,
    verdict: &'static str,
    bytes: u64,
    sha256: Option<String>,
}

#[derive(Serialize)]
struct Found<'a> {
    rule: &'static str,
    name: &'static str,
    severity: &'static str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    place: Where<'a>,
    message: &'a str,
    evidence: Seen<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<&'a str>,
    /// No finding of this version carries a fix.
    fix: Option<()>,
}

#[derive(Serialize)]
struct Where<'a> {
    path: &'a str,
    inside: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
}

/// What was seen. A number that is not finite is written as `null`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Seen<'a> {
    Bytes { at: u64, shown: &'a str },
    Measured { what: &'static str, value: f64, limit: f64 },
    Absent { looked_for: &'a str },
}

#[derive(Serialize)]
struct Gap<'a> {
    rule: &'static str,
    place: Where<'a>,
    why: &'a str,
}

#[derive(Serialize)]
struct Left<'a> {
    place: Where<'a>,
    why: &'a str,
}

#[derive(Serialize)]
struct Counts {
    files: usize,
    unread: usize,
    checks: usize,
    findings: usize,
    denied: usize,
    allowed: usize,
}

impl<'a> Document<'a> {
    fn of(report: &'a Report) -> Self {
        let base = Base::of(report);
        let found = |(finding, verdict)| Found::of(finding, verdict, &base);
        Self {
            schema: 1,
            tool: Tool { name: "modelward", version: env!("CARGO_PKG_VERSION") },
            target: &report.target,
            verdict: report.verdict(),
            files: report.files.iter().map(|file| File::of(file, &base)).collect(),
            findings: report.judged.iter().map(|(f, v)| found((f, v))).collect(),
            unread: report.unread.iter().map(|gap| Gap::of(gap, &base)).collect(),
            skipped: report.skipped.iter().map(|left| Left::of(left, &base)).collect(),
            measurements: report.measurements.iter().map(measured).collect(),
            basis: report.basis.as_ref().map(|basis| WentBy {
                rules: hex(&basis.rules),
                policy: hex(&basis.policy),
                limits: basis.limits.iter().copied().collect(),
            }),
            counts: Counts {
                files: report.files.len(),
                unread: report.unread.len(),
                checks: report.checks,
                findings: report.judged.len(),
                denied: report.denied(),
                allowed: report.allowed(),
            },
            seconds: report.seconds,
        }
    }
}

impl<'a> File<'a> {
    fn of(file: &'a ScannedFile, base: &Base<'a>) -> Self {
        Self {
            path: base.path(&file.path),
            format: file.format,
            verdict: file.outcome.name(),
            bytes: file.bytes,
            sha256: file.sha256.as_ref().map(hex),
        }
    }
}

impl<'a> Found<'a> {
    fn of(finding: &'a Finding, verdict: &'a Verdict, base: &Base<'a>) -> Self {
        let (evidence, at) = match &finding.evidence {
            Evidence::Bytes { at, shown } => (Seen::Bytes { at: *at, shown }, Some(*at)),
            Evidence::Measured { what, value, limit } => {
                (Seen::Measured { what, value: *value, limit: *limit }, None)
            }
            Evidence::Absent { looked_for } => (Seen::Absent { looked_for }, None),
        };
        let (verdict, reason) = match verdict {
            Verdict::Deny => ("deny", None),
            Verdict::Warn => ("warn", None),
            Verdict::Allow(reason) => ("allow", Some(reason.as_str())),
        };
        Self {
            rule: finding.rule.id,
            name: finding.rule.name,
            severity: finding.severity.name(),
            verdict,
            reason,
            place: base.place(&finding.place, at),
            message: &finding.message,
            evidence,
            allow: finding.allow.as_deref(),
            fix: None,
        }
    }
}

impl<'a> Gap<'a> {
    fn of(gap: &'a Unread, base: &Base<'a>) -> Self {
        Self { rule: gap.rule, place: base.place(&gap.place, gap.at), why: &gap.why }
    }
}

impl<'a> Left<'a> {
    fn of(left: &'a Skipped, base: &Base<'a>) -> Self {
        Self { place: base.place(&left.place, None), why: &left.why }
    }
}

/// What paths are relative to: the target, where there is one and it is a folder.
struct Base<'a>(Option<&'a str>);

impl<'a> Base<'a> {
    fn of(report: &'a Report) -> Self {
        match report.target.as_slice() {
            [only] => Self(Some(only)),
            _ => Self(None),
        }
    }

    fn path(&self, path: &'a str) -> &'a str {
        let below = self.0.and_then(|base| path.strip_prefix(base.trim_end_matches('/')));
        below.and_then(|below| below.strip_prefix('/')).unwrap_or(path)
    }

    fn place(&self, place: &'a Place, at: Option<u64>) -> Where<'a> {
        Where { path: self.path(place.path()), inside: place.steps(), at }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::samples;

    fn text(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn golden() {
        insta::assert_snapshot!(text(&samples::usual()));
    }

    #[test]
    fn every_report_keeps_to_the_schema() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let reports =
            [samples::usual(), samples::hostile(), samples::repeated(3), Report::default()];
        for report in reports {
            let report = serde_json::from_str(&text(&report)).unwrap();
            let errors = schema.iter_errors(&report).map(|e| e.to_string()).collect::<Vec<_>>();
            assert!(errors.is_empty(), "{errors:?}");
        }
        assert!(!schema.is_valid(&json!({"schema": 1})));
    }
}
