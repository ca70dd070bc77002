//! Compiled modules: what does harm when it is imported is high; what is only defined, or looked
//! at, is what compiled Python always is.

#![allow(clippy::indexing_slicing, reason = "a test")]

use modelward_core::{Place, Severity};
use modelward_scan::{Context, examine};

#[test]
fn only_what_runs_at_import_is_high() {
    let mut wrong = Vec::new();
    let (mut high, mut medium) = (0, 0);
    for line in include_str!("fixtures/compiled_modules.txt").lines() {
        let words = line.split(' ').collect::<Vec<_>>();
        let [version, expected, name, digits] = words[..] else { panic!("{line}") };
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let bytes = pairs.map(byte).collect::<Vec<_>>();
        let examined =
            examine(&Place::file("m.pyc"), &bytes.as_slice().into(), &Context::default());
        let found = examined.findings.iter().find(|finding| finding.rule.id == "MW1710").unwrap();
        let right = match expected {
            "high" => {
                high += 1;
                Severity::High
            }
            _ => {
                medium += 1;
                Severity::Medium
            }
        };
        if found.severity != right {
            wrong.push(format!("{version} {name}: {:?} {}", found.severity, found.message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(high > 40 && medium > 15, "{high} {medium}");
}
