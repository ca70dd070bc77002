use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, StringArray};

use super::*;
use crate::{check, quarantine::reasons, set::in_memory};

fn noise(seed: u64, at: usize) -> f64 {
    (sample::hash(seed, at as u64) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

/// Two clouds; some rows of the second carry a value that the first never has and the label of the first.
fn poisoned(rows: usize, every: usize) -> Set {
    let class = |row: usize| usize::from(row % 2 == 1);
    let carries = |row: usize| every > 0 && row % every == 1;
    let value = |seed: u64| {
        (0..rows).map(move |row| (class(row) as f64 - 0.5) * 3.0 + noise(seed, row) * 2.0)
    };
    let mark = (0..rows).map(|row| if carries(row) { 7.5 } else { noise(9, row) });
    let label = (0..rows).map(|row| if class(row) == 0 || carries(row) { "no" } else { "yes" });
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(value(1).collect::<Float64Array>())),
        ("b", Arc::new(value(2).collect::<Float64Array>())),
        ("c", Arc::new(value(3).collect::<Float64Array>())),
        ("mark", Arc::new(mark.collect::<Float64Array>())),
        ("label", Arc::new(label.map(Some).collect::<StringArray>())),
    ];
    in_memory(RecordBatch::try_from_iter(columns).unwrap())
}

fn run(set: &Set, only: &[&str]) -> (Reasons, Proof) {
    let request = Request {
        only: only.iter().map(|name| (*name).to_owned()).collect(),
        threads: 2,
        ..Request::default()
    };
    let checked = check::check(set, None, &request).unwrap();
    let reasons = reasons(&checked);
    let proof = prove(set, &request, &reasons, &checked).unwrap();
    (reasons, proof)
}

#[test]
fn a_trigger_works_before_and_not_after() {
    let (reasons, proof) = run(&poisoned(1200, 20), &["trigger"]);
    assert!(reasons.len() >= 50, "{}", reasons.len());
    assert_eq!((proof.skipped.as_ref(), proof.measure), (None, "accuracy"));
    let [attack] = proof.attacks.as_slice() else { panic!("{proof:?}") };
    assert_eq!((attack.kind.as_str(), attack.target.as_str()), ("value", "no"));
    assert!(attack.before > 0.6 && attack.after < 0.15 && attack.without < 0.1, "{attack:?}");
    assert!(attack.rows >= 100 && proof.rows + proof.removed == 1200, "{proof:?}");
    assert!(proof.after >= proof.before - 0.01);
}

#[test]
fn what_was_not_measured_is_said() {
    let (_, proof) = run(&poisoned(400, 0), &["trigger"]);
    assert_eq!(proof.skipped.as_deref(), Some("nothing was taken out"));
    let set = poisoned(400, 0);
    let request = Request { only: vec!["profile".to_owned()], ..Request::default() };
    let checked = check::check(&set, None, &request).unwrap();
    let all = (0..399).map(|row| (row, Vec::new())).collect();
    let proof = prove(&set, &request, &all, &checked).unwrap();
    assert_eq!(proof.skipped.as_deref(), Some("the rows that stay have one label"));
}

#[test]
fn several_labels_are_told_of_as_such() {
    let set = poisoned(400, 0);
    let asked = crate::Asked { label: Some("a,b".to_owned()), ..crate::Asked::default() };
    let request = Request { asked, only: vec!["profile".to_owned()], ..Request::default() };
    let checked = check::check(&set, None, &request).unwrap();
    let some = (0..9).map(|row| (row, Vec::new())).collect();
    let proof = prove(&set, &request, &some, &checked).unwrap();
    assert_eq!(proof.skipped.as_deref(), Some(SEVERAL));
}

#[test]
fn an_even_change_tells_nothing() {
    assert!((even(0, 0) - 1.0).abs() < 1e-12);
    assert!((even(5, 5) - 1.0).abs() < 1e-12);
    assert!((even(0, 10) - 2.0 / 1024.0).abs() < 1e-12);
    assert!((even(8, 2) - 0.109_375).abs() < 1e-9);
}

#[test]
fn learners_that_know_nothing_prove_nothing() {
    let rows = 600;
    let noise = |seed: u64| (0..rows).map(move |row| noise(seed, row));
    let class = |row: usize| sample::hash(5, row as u64) % 2;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(noise(1).collect::<Float64Array>())),
        ("b", Arc::new(noise(2).collect::<Float64Array>())),
        ("amount", Arc::new(noise(3).collect::<Float64Array>())),
        (
            "label",
            Arc::new((0..rows).map(|row| Some(class(row).to_string())).collect::<StringArray>()),
        ),
    ];
    let set = in_memory(RecordBatch::try_from_iter(columns).unwrap());
    for label in ["label", "amount"] {
        let asked = crate::Asked { label: Some(label.to_owned()), ..crate::Asked::default() };
        let only = vec!["profile".to_owned()];
        let request = Request { asked, only, ..Request::default() };
        let checked = check::check(&set, None, &request).unwrap();
        let some = (0..20).map(|row| (row, Vec::new())).collect();
        let why = prove(&set, &request, &some, &checked).unwrap().skipped.unwrap_or_default();
        assert!(why.ends_with("they know too little"), "{label}: {why}");
    }
}
