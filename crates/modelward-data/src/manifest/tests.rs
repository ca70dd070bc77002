#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of the tests' own"
)]

use std::{collections::BTreeMap, path::Path};

use proptest::prelude::*;

use super::*;
use crate::read as reading;

fn table(at: &Path, key: Option<&str>, threads: usize) -> Table {
    let set = reading::open(at, &reading::Options::default()).unwrap();
    Table::of(&set, None, key, threads).unwrap()
}

fn csv(at: &Path, rows: &[(u32, u32)]) {
    let rows = rows.iter().map(|(id, value)| format!("{id},{value}\n"));
    std::fs::write(at, format!("id,value\n{}", rows.collect::<String>())).unwrap();
}

fn saved(table: &Table) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(table, "{\"schema\":1}", "ab", &mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn rows_that_differ_are_named(
        old in prop::collection::vec((0_u32..12, 0_u32..3), 1..40),
        new in prop::collection::vec((0_u32..12, 0_u32..3), 1..40))
    {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        csv(&at("old"), &old);
        csv(&at("new"), &new);
        let [one, other] = ["old", "new"].map(|name| table(&at(name), None, 1));
        let told = diff(&one, &other, 1 << 20).unwrap();
        // What the differences make of the old rows is the new rows.
        let mut count = BTreeMap::<(u32, u32), i64>::new();
        old.iter().for_each(|row| *count.entry(*row).or_default() += 1);
        let paired = told.changed.iter();
        let gone = told.removed.iter().chain(paired.clone().map(|(old, _)| old));
        gone.for_each(|row| *count.entry(old[*row as usize]).or_default() -= 1);
        let come = told.added.iter().chain(paired.map(|(_, new)| new));
        come.for_each(|row| *count.entry(new[*row as usize]).or_default() += 1);
        new.iter().for_each(|row| *count.entry(*row).or_default() -= 1);
        prop_assert!(count.values().all(|count| *count == 0), "{:?}", told);
        prop_assert_eq!(told.is_some(), old != new);
        // Any number of threads, and a manifest, say the same.
        let threaded = table(&at("old"), None, 3);
        prop_assert_eq!(saved(&one), saved(&threaded));
        let back = read(saved(&one).as_slice(), 0).unwrap();
        prop_assert_eq!(diff(&back.table, &other, 1 << 20).unwrap(), told);
    }

    #[test]
    fn by_key_a_row_becomes_another(
        old in prop::collection::btree_map(0_u32..60, 0_u32..5, 1..40),
        new in prop::collection::btree_map(0_u32..60, 0_u32..5, 1..40))
    {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let rows = |map: &BTreeMap<u32, u32>| map.iter().map(|(id, value)| (*id, *value)).collect::<Vec<_>>();
        let (olds, news) = (rows(&old), rows(&new));
        csv(&at("old"), &olds);
        csv(&at("new"), &news);
        let [one, other] = ["old", "new"].map(|name| table(&at(name), Some("id"), 2));
        let one = read(saved(&one).as_slice(), 0).unwrap().table;
        let told = diff(&one, &other, 1 << 20).unwrap();
        let id = |rows: &[(u32, u32)], row: u64| rows[row as usize].0;
        let removed = told.removed.iter().map(|row| id(&olds, *row)).collect::<Vec<_>>();
        let added = told.added.iter().map(|row| id(&news, *row)).collect::<Vec<_>>();
        let changed = told.changed.iter().map(|(row, _)| id(&olds, *row)).collect::<Vec<_>>();
        let only = |one: &BTreeMap<u32, u32>, other: &BTreeMap<u32, u32>| {
            one.keys().filter(|id| !other.contains_key(id)).copied().collect::<Vec<_>>()
        };
        prop_assert_eq!(removed, only(&old, &new));
        prop_assert_eq!(added, only(&new, &old));
        let other = |(id, value): &(&u32, &u32)| new.get(id).is_some_and(|new| new != *value);
        prop_assert_eq!(changed, old.iter().filter(other).map(|(id, _)| *id).collect::<Vec<_>>());
    }
}

#[test]
fn a_manifest_that_was_changed_contradicts_itself() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("t");
    csv(&at, &[(1, 2), (3, 4), (5, 6)]);
    let text = String::from_utf8(saved(&table(&at, None, 1))).unwrap();
    let digits = text.rfind('"').unwrap() - 1;
    for changed in [
        text.replace("\"rows\":3", "\"rows\":4"),
        text.replace("\"data_manifest\":1", "\"data_manifest\":2"),
        text.replace("\"first\":0", "\"first\":1"),
        format!(
            "{}{}{}",
            &text[..digits],
            if &text[digits..=digits] == "0" { "1" } else { "0" },
            &text[digits + 1..]
        ),
        text.replace("\"merkle\"", "\"mercle\""),
        text[..text.len() / 2].to_owned(),
        "[]".to_owned(),
    ] {
        assert_ne!(changed, text);
        assert!(read(changed.as_bytes(), 0).is_err(), "{changed}");
    }
}

#[test]
fn of_equal_rows_the_one_whose_place_has_another_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    csv(&at("old"), &[(1, 1), (1, 1), (2, 2)]);
    csv(&at("new"), &[(1, 1), (2, 2), (2, 2)]);
    let [old, new] = ["old", "new"].map(|name| table(&at(name), None, 1));
    let told = diff(&old, &new, 1 << 20).unwrap();
    assert_eq!((told.removed, told.added, told.changed), (vec![], vec![], vec![(1, 1)]));
    csv(&at("new"), &[(1, 1), (2, 2)]);
    let told = diff(&old, &table(&at("new"), None, 1), 1 << 20).unwrap();
    assert_eq!((told.removed, told.added, told.changed), (vec![1], vec![], vec![]));
}

#[test]
fn rows_beyond_what_memory_lists_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let equal = |count: usize| vec![(7, 7); count];
    csv(&at("old"), &equal(30_000));
    csv(&at("new"), &[(1, 1), (7, 7)]);
    for key in [None, Some("id")] {
        let [old, new] = ["old", "new"].map(|name| table(&at(name), key, 1));
        let told = diff(&old, &new, 0).unwrap();
        assert_eq!((told.unlisted, told.added), (29_999, vec![0]), "{key:?}");
    }
}

#[test]
fn a_manifest_holds_no_more_than_memory_allows() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("t");
    csv(&at, &(0..40_000).map(|row| (row, row)).collect::<Vec<_>>());
    let text = String::from_utf8(saved(&table(&at, None, 1))).unwrap();
    // Digests of rows are not held.
    assert!(text.len() > 1 << 20 && read(text.as_bytes(), 0).is_ok());
    let blown = "[],".repeat(1 << 19);
    let files = text.replace("{\"schema\":1}", &format!("[{blown}[]]"));
    let line = text.replace("\"row_digests\":[", &format!("\"row_digests\":[\"{blown}\","));
    for hostile in [files, line] {
        let trouble = read(hostile.as_bytes(), 0).err().unwrap();
        assert!(trouble.why.contains("at most 1048576 bytes"), "{}", trouble.why);
    }
}

#[test]
fn types_that_hold_more_change_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("old"), "a,b\n1,x\n2,y\n").unwrap();
    std::fs::write(at("new"), "a,b\n1,x\n2,y\n2.5,z\n").unwrap();
    let [old, new] = ["old", "new"].map(|name| table(&at(name), None, 1));
    let mut told = diff(&old, &new, 1 << 20).unwrap();
    told.columns(&old.columns, &new.columns);
    assert_eq!((told.added, told.removed.len(), told.retyped.len()), (vec![2], 0, 1));
    let (old, new) = (old.without_rows(), new.without_rows());
    assert_eq!(diff(&old, &new, 1 << 20).unwrap().stretches, [(0, 3)]);
}
