use std::{fs, sync::LazyLock};

use serde_json::{Value, json};

use super::*;
use crate::{
    keys::{Curve, SigningKey},
    oms::{self, Reading, Request, Trust},
};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Curve::P256).unwrap());

fn order() -> Order<'static> {
    Order {
        key: &KEY,
        certificates: &[],
        method: Method::Files,
        function: Function::Sha256,
        ignore: &[],
        allow_symlinks: false,
        outputs: &[],
        reading: Reading::default(),
    }
}

/// A model, and the report that a clean scan of it would give.
fn model() -> (tempfile::TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let sha256 = |bytes: &[u8]| crate::digest::of(Function::Sha256, bytes).to_string();
    let mut files = Vec::new();
    for (name, bytes) in [("config.json", b"{}".as_slice()), ("w.bin", &[7; 100])] {
        fs::write(folder.path().join(name), bytes).unwrap();
        files.push(json!({"path": name, "sha256": sha256(bytes)}));
    }
    let report = json!({
        "schema": 1, "tool": {"name": "modelward", "version": "1.2.3"}, "target": ["m"],
        "basis": {"rules": sha256(b"r"), "policy": sha256(b"p"), "limits": {"depth": 16}},
        "verdict": "clean", "files": files, "findings": [], "unread": [], "seconds": 0.25,
    });
    (folder, report)
}

fn signed(folder: &Path, report: &Value) -> Result<Vec<u8>, Trouble> {
    sign(folder, report.to_string().as_bytes(), Moment(1_700_000_000), &order())
        .map(|signed| signed.bundle)
}

fn opened(bundle: &[u8]) -> Attestation {
    let (opened, defects) = oms::open(bundle, &Trust::Key(&KEY.public()));
    assert_eq!(defects, []);
    let payload = opened.unwrap().payload;
    assert!(Attestation::is(&payload));
    Attestation::read(&payload).unwrap()
}

fn verified(folder: &Path, order: &Order<'_>) -> Verification {
    let bundle = oms::sign(folder, order).unwrap().bundle;
    let key = KEY.public();
    let request = Request {
        trust: Trust::Key(&key),
        ignore: order.ignore,
        ignore_unsigned: false,
        partial: false,
        signatures: &[],
        sha256: true,
        against: None,
        reading: Reading::default(),
    };
    oms::verify(folder, &bundle, &request).unwrap()
}

#[test]
fn a_report_says_of_its_model_what_the_scan_said() {
    let (folder, report) = model();
    let attestation = opened(&signed(folder.path(), &report).unwrap());
    assert_eq!(attestation.time, Moment(1_700_000_000));
    assert_eq!((attestation.scan.version.as_str(), attestation.files.len()), ("1.2.3", 2));
    assert_eq!(attestation.flaw(), None);
    let order = order();
    assert_eq!(attestation.root, oms::sign(folder.path(), &order).unwrap().root);
    for function in Function::ALL {
        let verification = verified(folder.path(), &Order { function, ..order });
        assert_eq!(attestation.other_than(&verification, None), None, "{function:?}");
    }
}

#[test]
fn a_report_speaks_for_no_other_model() {
    let (folder, report) = model();
    let attestation = opened(&signed(folder.path(), &report).unwrap());
    let why = |order: &Order<'_>| {
        let defect = attestation.other_than(&verified(folder.path(), order), None)?;
        assert_eq!(defect.kind, Kind::ReportForOther);
        Some(defect.why)
    };
    fs::write(folder.path().join("new.bin"), b"1").unwrap();
    assert!(why(&order()).unwrap().ends_with("it says nothing of `new.bin`"));
    let ignore = ["new.bin".to_owned()];
    assert_eq!(why(&Order { ignore: &ignore, ..order() }), None);
    fs::remove_file(folder.path().join("new.bin")).unwrap();
    fs::write(folder.path().join("w.bin"), [8; 100]).unwrap();
    for function in Function::ALL {
        assert!(why(&Order { function, ..order() }).unwrap().contains("`w.bin` is another file"));
    }
    fs::remove_file(folder.path().join("w.bin")).unwrap();
    assert!(why(&order()).unwrap().ends_with("it names `w.bin`, which is not there"));
}

#[test]
fn a_report_about_other_files_is_not_signed() {
    let (folder, report) = model();
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut report = report.clone();
        change(&mut report);
        signed(folder.path(), &report).unwrap_err().to_string()
    };
    let other = "the report is not about this model: ";
    let why = refused(&|report| drop(report["files"].as_array_mut().unwrap().pop()));
    assert_eq!(why, format!("{other}it says nothing of `w.bin`"));
    let why = refused(&|report| report["files"][0]["sha256"] = Value::Null);
    assert_eq!(why, format!("{other}it has no digest of `config.json`"));
    let why = refused(&|report| report["files"][0]["sha256"] = "0".repeat(64).into());
    assert!(why.starts_with(&format!("{other}`config.json` had sha256 0000")), "{why}");
    let more = json!({"path": "x", "sha256": null});
    let why = refused(&|report| report["files"].as_array_mut().unwrap().push(more.clone()));
    assert_eq!(why, format!("{other}it names `x`, which is not there"));
    for (key, value) in [
        ("schema", json!(2)),
        ("verdict", json!("denied")),
        ("tool", json!({"name": "other", "version": "1"})),
        ("target", json!(["a", "b"])),
        ("findings", json!([{"verdict": "deny"}])),
        ("basis", json!({})),
    ] {
        let why = refused(&|report| report[key] = value.clone());
        assert!(why.starts_with("this is no report of modelward"), "{key}: {why}");
    }
}

#[test]
fn a_scan_that_was_not_clean_speaks_against_its_model() {
    let (folder, mut report) = model();
    let flaw = |report: &Value| opened(&signed(folder.path(), report).unwrap()).flaw();
    report["unread"] = json!([{}]);
    report["verdict"] = "unread".into();
    assert!(flaw(&report).unwrap().why.contains("(1 unread)"));
    report["findings"] = json!([{"verdict": "deny"}, {"verdict": "allow"}]);
    report["verdict"] = "denied".into();
    let flaw = flaw(&report).unwrap();
    assert!(flaw.kind == Kind::ReportNotClean && flaw.why.contains("denied the model (1"));
}

#[test]
fn a_statement_that_contradicts_itself_is_refused() {
    let (folder, report) = model();
    let bundle = signed(folder.path(), &report).unwrap();
    let payload = oms::Bundle::read(&bundle).unwrap().payload;
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut statement: Value = serde_json::from_slice(&payload).unwrap();
        change(&mut statement);
        Attestation::read(statement.to_string().as_bytes()).unwrap_err()
    };
    let zero = || Value::from("0".repeat(64));
    assert!(refused(&|it| it["subject"][0]["digest"]["sha256"] = zero()).contains("the root is"));
    assert!(refused(&|it| it["subject"][1]["name"] = "../x".into()).contains("`..`"));
    assert!(refused(&|it| it["subject"] = json!([])).contains("found none"));
    assert!(refused(&|it| it["predicate"]["time"] = "today".into()).contains("RFC 3339"));
    assert!(refused(&|it| it["predicate"]["more"] = 1.into()).contains("unknown key `more`"));
    assert!(refused(&|it| it["predicateType"] = "x".into()).contains("predicate of the type"));
    let said = |it: &mut Value| it["predicate"]["report"]["files"][1]["sha256"] = zero();
    assert!(refused(&said).contains("do not say the same of `w.bin`"));
    assert!(Attestation::read(b"{}").is_err() && !Attestation::is(b"[]"));
}
