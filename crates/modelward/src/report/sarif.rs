//! For code scanning: SARIF 2.1.0 (OASIS, errata 01), within what GitHub accepts of it.
//!
//! GitHub takes at most 25,000 results a run and 20 tags a rule, wants relative paths, and shows
//! only results, so what was not read is written as a result too. A model file has no lines:
//! every region is line 1, and the byte offset stands beside it.

use std::{
    cmp::Reverse,
    collections::HashMap,
    io::{self, Write},
};

use modelward_core::{Finding, Place, Report, Rule, ScannedFile, Severity, Unread, Verdict};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    report::{
        escape,
        group::{at, brief, shown},
        hex,
        json::measured,
    },
    rules, standards,
};

pub(super) fn write(report: &Report, exit_code: u8, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &log(report, exit_code))?;
    writeln!(out)
}

fn log(report: &Report, exit_code: u8) -> Value {
    let (results, left_out) = results(report);
    let mut invocation =
        json!({"executionSuccessful": exit_code != FAILURE, "exitCode": exit_code});
    if left_out > 0 {
        let text = format!(
            "{left_out} results beyond the limit of {MOST} were left out, the mildest first"
        );
        insert(
            &mut invocation,
            "toolExecutionNotifications",
            json!([{"level": "warning", "message": {"text": text}}]),
        );
    }
    let mut log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "modelward",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules().iter().map(|rule| descriptor(rule)).collect::<Vec<_>>(),
            }},
            "automationDetails": {"id": "modelward/"},
            "columnKind": "utf16CodeUnits",
            "invocations": [invocation],
            "artifacts": report.files.iter().map(|file| artifact(report, file)).collect::<Vec<_>>(),
            "results": results,
        }],
    });
    if !report.measurements.is_empty()
        && let Some(run) = log.pointer_mut("/runs/0")
    {
        let measurements = report.measurements.iter().map(measured).collect::<Value>();
        insert(run, "properties", json!({"measurements": measurements}));
    }
    log
}

/// Findings and gaps, the worst first where there are too many; and how many were left out.
fn results(report: &Report) -> (Vec<Value>, usize) {
    let mut judged = report.judged.iter().enumerate().collect::<Vec<_>>();
    if judged.len() > MOST {
        judged.sort_by_key(|(_, (finding, _))| Reverse(finding.severity));
        judged.truncate(MOST);
        judged.sort_by_key(|(at, _)| *at);
    }
    let all = report.judged.len().saturating_add(report.unread.len());
    let left_out = all.saturating_sub(MOST);
    let mut seen = HashMap::new();
    let found = judged.into_iter();
    let found = found.map(|(_, (finding, verdict))| found_one(report, finding, verdict, &mut seen));
    let mut results = found.collect::<Vec<_>>();
    let room = MOST.saturating_sub(results.len());
    results.extend(report.unread.iter().take(room).map(|gap| unread(report, gap, &mut seen)));
    (results, left_out)
}

fn found_one(
    report: &Report,
    finding: &Finding,
    verdict: &Verdict,
    seen: &mut HashMap<String, usize>,
) -> Value {
    let (shown, message) = (shown(finding), &finding.message);
    let text = if *message == shown { shown.clone() } else { format!("{message}: {shown}") };
    let text = format!("{}: {}", finding.rule.title, text);
    let mut result = json!({
        "ruleId": finding.rule.id,
        "level": level(finding.severity),
        "message": {"text": message_text(&text)},
        "locations": [location(report, &finding.place, at(finding))],
        "partialFingerprints": {"modelward/v1": fingerprint(finding.rule.id, &finding.place, &shown, seen)},
    });
    if let Verdict::Allow(reason) = verdict {
        let suppressed = json!([{"kind": "external", "justification": escape(reason)}]);
        insert(&mut result, "suppressions", suppressed);
    }
    result
}

fn unread(report: &Report, gap: &Unread, seen: &mut HashMap<String, usize>) -> Value {
    json!({
        "ruleId": gap.rule,
        "level": "note",
        "message": {"text": message_text(&format!("not read: {}", gap.why))},
        "locations": [location(report, &gap.place, gap.at)],
        "partialFingerprints": {"modelward/v1": fingerprint(gap.rule, &gap.place, &gap.why, seen)},
    })
}

fn location(report: &Report, place: &Place, at: Option<u64>) -> Value {
    let mut region = json!({"startLine": 1});
    if let (Some(at), []) = (at, place.steps()) {
        insert(&mut region, "byteOffset", i64::try_from(at).unwrap_or(i64::MAX).into());
    }
    let mut location = json!({
        "physicalLocation": {"artifactLocation": {"uri": uri(report, place.path())}, "region": region},
    });
    if !place.steps().is_empty() {
        let at = at.map(|at| format!(" at byte {at:#x}")).unwrap_or_default();
        let name = escape(&format!("{place}{at}"));
        let member = json!([{"fullyQualifiedName": name, "kind": "member"}]);
        insert(&mut location, "logicalLocations", member);
    }
    location
}

fn artifact(report: &Report, file: &ScannedFile) -> Value {
    let mut artifact = json!({
        "location": {"uri": uri(report, &file.path)},
        "length": i64::try_from(file.bytes).unwrap_or(i64::MAX),
        "properties": {"format": file.format, "verdict": file.outcome.name()},
    });
    if let Some(digest) = &file.sha256 {
        insert(&mut artifact, "hashes", json!({"sha-256": hex(digest)}));
    }
    artifact
}

fn descriptor(rule: &Rule) -> Value {
    let Rule { id, name, severity, title, why, advice, class, cwe } = rule;
    let standards = standards(*class);
    let cwe = if cwe.is_empty() { standards.cwe.as_slice() } else { cwe };
    let weaknesses = cwe.iter().map(|number| format!("external/cwe/cwe-{number:03}"));
    let tags = ["security".to_owned()].into_iter().chain(weaknesses);
    let tags = tags.chain(standards.ids.iter().cloned()).take(MOST_TAGS).collect::<Vec<_>>();
    let more = format!("`modelward explain {id}` says more.");
    json!({
        "id": id,
        "name": name,
        "shortDescription": {"text": title},
        "fullDescription": {"text": why},
        "help": {
            "text": format!("{why}\n\nWhat to do: {advice}"),
            "markdown": format!("{why}\n\n**What to do.** {advice}\n\n{more}"),
        },
        "defaultConfiguration": {"level": level(*severity)},
        "properties": {
            "security-severity": security_severity(*severity),
            "precision": "high",
            "tags": tags,
        },
    })
}

/// The level of a result (SARIF 3.27.10).
const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The number by which GitHub ranks a rule, from 0 to 10.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}

/// What stays the same about a result when the file around it changes: the rule, the way down
/// to the piece, and what was seen there, but not the offset. Equal ones are numbered.
fn fingerprint(
    rule: &str,
    place: &Place,
    shown: &str,
    seen: &mut HashMap<String, usize>,
) -> String {
    let mut hash = Sha256::new();
    for part in [rule, place.path()].into_iter().chain(place.steps().iter().map(String::as_str)) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(shown);
    let print = hex(&hash.finalize().into());
    let count = seen.entry(print.clone()).or_default();
    *count = count.saturating_add(1);
    format!("{print}:{count}")
}

/// Text as a message: brief, in one line, with no link hidden in it (SARIF 3.11.6).
fn message_text(text: &str) -> String {
    let text = brief(&escape(text));
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
}

/// A path as a relative URI reference (RFC 3986, section 4.2): an absolute path is given from
/// the target down.
fn uri(report: &Report, path: &str) -> String {
    let below = |target: &String| {
        let folder = target.trim_end_matches('/').rsplit_once('/').map_or("", |(head, _)| head);
        path.strip_prefix(folder).map(|rest| rest.trim_start_matches('/'))
    };
    let absolute = path.starts_with('/');
    let path = absolute.then(|| report.target.iter().find_map(below)).flatten().unwrap_or(path);
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn insert(record: &mut Value, key: &str, value: Value) {
    if let Some(record) = record.as_object_mut() {
        record.insert(key.into(), value);
    }
}

/// The exit code of a run that did not do all that it was asked.
const FAILURE: u8 = 2;
/// Results that GitHub takes from one run.
const MOST: usize = 25_000;
/// Tags that GitHub takes for one rule.
const MOST_TAGS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn every_report_keeps_to_the_official_schema() {
        let schema = include_str!("../../tests/sarif-schema-2.1.0.json");
        // The pattern of language tags carries a stray bracket, which not every engine takes.
        let schema = schema.replace("-[a-zA-Z]{2}]?$", "-[a-zA-Z]{2}$");
        let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
        for report in
            [samples::usual(), samples::hostile(), samples::repeated(3), Report::default()]
        {
            let log = log(&report, report.exit_code());
            let errors = schema.iter_errors(&log).map(|e| e.to_string()).collect::<Vec<_>>();
            assert!(errors.is_empty(), "{errors:?}");
        }
        assert!(!schema.is_valid(&json!({"version": "2.1.0"})));
    }

    #[test]
    fn golden() {
        let mut log = log(&samples::usual(), 1);
        // The rules have pages of their own; here they would only make the test stale.
        log["runs"][0]["tool"]["driver"]["rules"] = json!([]);
        insta::assert_snapshot!(serde_json::to_string_pretty(&log).unwrap());
    }

    #[test]
    fn no_run_has_more_results_than_github_takes_and_no_rule_more_tags() {
        let log = log(&samples::repeated(25_010), 1);
        let run = &log["runs"][0];
        assert_eq!(run["results"].as_array().unwrap().len(), MOST);
        let left_out = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
        assert!(left_out.as_str().unwrap().starts_with("10 results"));
        for rule in run["tool"]["driver"]["rules"].as_array().unwrap() {
            assert!(rule["properties"]["tags"].as_array().unwrap().len() <= MOST_TAGS);
        }
    }

    #[test]
    fn a_fingerprint_outlives_a_move_and_tells_equals_apart() {
        let mut seen = HashMap::new();
        let place = Place::file("a.pt").inside("data.pkl");
        let first = fingerprint("MW1101", &place, "os.system", &mut seen);
        let second = fingerprint("MW1101", &place, "os.system", &mut seen);
        assert_eq!(first.split(':').next(), second.split(':').next());
        assert_ne!(first, second);
        assert_eq!(fingerprint("MW1101", &place, "os.system", &mut HashMap::new()), first);
    }

    #[test]
    fn a_uri_is_relative_and_has_no_odd_characters() {
        let report = |target: &str| Report { target: vec![target.into()], ..Report::default() };
        assert_eq!(uri(&report("m"), "m/a b\u{202e}.pkl"), "m/a%20b%E2%80%AE.pkl");
        assert_eq!(uri(&report("/data/m"), "/data/m/a.pkl"), "m/a.pkl");
        assert_eq!(uri(&report("/data/a.pkl"), "/data/a.pkl"), "a.pkl");
    }

    #[test]
    fn a_message_hides_no_link() {
        assert_eq!(message_text("[here](http://127.0.0.1)"), "\\[here\\](http://127.0.0.1)");
    }
}
