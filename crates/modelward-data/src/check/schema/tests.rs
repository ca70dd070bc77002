//! Sets that are as they were declared or learned, and sets that are not.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    check::{self, Checked, Request},
    learn::random::Random,
    set::in_memory,
};

fn checked(rows: &RecordBatch, test: Option<&RecordBatch>, schema: Option<Declared>) -> Checked {
    let set = in_memory(rows.clone());
    let test = test.map(|test| in_memory(test.clone()));
    let only = vec!["schema".to_owned()];
    let request = Request { only, threads: 1, schema, ..Request::default() };
    check::check(&set, test.as_ref(), &request).unwrap_or_else(|_| panic!("it can be read"))
}

fn messages(checked: &Checked, side: &str) -> Vec<(String, String)> {
    let fields = &checked.checks[0].1.fields;
    let list = fields.iter().find(|(name, _)| *name == side).map(|(_, list)| list.clone());
    let Some(Value::List(list)) = list else { panic!("{fields:?}") };
    let text = |item: &Value, name: &str| {
        let Value::Record(fields) = item else { panic!("{item:?}") };
        match fields.iter().find(|(key, _)| *key == name) {
            Some((_, Value::Text(text))) => text.clone(),
            other => panic!("{other:?}"),
        }
    };
    list.iter().map(|item| (text(item, "column"), text(item, "what"))).collect()
}

fn people(ages: Vec<Option<i64>>, cities: Vec<&str>) -> RecordBatch {
    let ages: ArrayRef = Arc::new(Int64Array::from(ages));
    let cities: ArrayRef = Arc::new(StringArray::from(cities));
    RecordBatch::try_from_iter([("age", ages), ("city", cities)]).unwrap()
}

#[test]
fn what_is_declared_holds_without_exception() {
    let declared = Declared::of_json(&json!({
        "extra": "deny",
        "column": {
            "age": {"type": "integer", "min": 0, "max": 120, "nulls": false},
            "city": {"type": "text", "categories": ["Oslo", "Rome"]},
            "country": {"type": "text"},
            "street": {"required": false},
        }
    }));
    let rows = people(vec![Some(3), Some(-1), None], vec!["Oslo", "Rome", "Bonn"]);
    let found = checked(&rows, None, Some(declared.unwrap()));
    let pair = |column: &str, what: &str| (column.to_owned(), what.to_owned());
    assert_eq!(
        messages(&found, "set"),
        [
            pair("age", "nulls"),
            pair("age", "range"),
            pair("city", "category"),
            pair("country", "missing")
        ]
    );
    assert_eq!(found.checks[0].1.found[0].rows, [1, 2]);
    let declared =
        Declared::of_json(&json!({"extra": "deny", "column": {"city": {"type": "integer"}}}));
    let found = checked(&rows, None, Some(declared.unwrap()));
    assert_eq!(messages(&found, "set"), [pair("city", "type"), pair("age", "extra")]);
    assert_eq!(found.checks[0].1.found[0].rows, [0, 1, 2]);
}

#[test]
fn a_schema_is_read_strictly() {
    let refused = |json: serde_json::Value| Declared::of_json(&json).unwrap_err().to_string();
    assert!(refused(json!({"colum": {}})).contains("`colum`"));
    assert!(refused(json!({"column": {"a": {"typ": "text"}}})).contains("`typ`"));
    assert!(refused(json!({"column": {"a": {"type": "txt"}}})).contains("expected a type"));
    assert!(refused(json!({"column": {"a": {"min": 2, "max": 1}}})).contains("range"));
    assert!(refused(json!({"measurements": []})).contains("profile"));
    let report = json!({"measurements": [{"checks": {"profile": {"columns": [
        {"column": "age", "type": "int64", "nulls": 0}, {"column": "city", "type": "utf8", "nulls": 2}]}}}]});
    let read = Declared::of_json(&report).unwrap();
    assert_eq!((read.columns[0].kind, read.columns[0].nulls), (Some(Type::Integer), Some(0.0)));
    assert_eq!((read.columns[1].kind, read.columns[1].nulls), (Some(Type::Text), None));
}

#[test]
fn changes_of_the_test_set_are_told_and_chance_is_not() {
    let cities = |rows: usize, odd: &'static str, every: usize| {
        (0..rows)
            .map(|row| if row % every == 1 { odd } else { ["Oslo", "Rome"][row % 2] })
            .collect::<Vec<_>>()
    };
    let ages = |rows: i64| (0..rows).map(|row| Some(row % 90)).collect::<Vec<_>>();
    let train = people(ages(400), cities(400, "Oslo", 400));
    let pair = |column: &str, what: &str| (column.to_owned(), what.to_owned());
    let test = people(ages(200), cities(200, "Bonn", 10));
    assert_eq!(messages(&checked(&train, Some(&test), None), "test"), [pair("city", "category")]);
    // A single row of a rare city may well fall to one side.
    let test = people(ages(200), cities(200, "Bonn", 200));
    assert!(messages(&checked(&train, Some(&test), None), "test").is_empty());
    let none = (0..200).map(|row| (row % 5 > 0).then_some(row)).collect();
    let test = people(none, cities(200, "Rome", 3));
    assert_eq!(messages(&checked(&train, Some(&test), None), "test"), [pair("age", "nulls")]);
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0; 200]));
    let test = RecordBatch::try_from_iter([("city", numbers.clone()), ("new", numbers)]).unwrap();
    assert_eq!(
        messages(&checked(&train, Some(&test), None), "test"),
        [pair("age", "missing"), pair("city", "type"), pair("new", "extra")]
    );
}

#[test]
fn splits_of_one_set_are_silent() {
    let mut alarms = 0;
    for seed in 0..200 {
        let mut random = Random::new(seed, 0);
        let mut side = |rows: usize| {
            let columns = (0..10).map(|column| {
                // Categories of falling frequency: the last stand once or not at all.
                let names = (0..rows).map(|_| {
                    let one = (random.below(1 << 20) as f64 + 1.0) / f64::from(1 << 20);
                    format!("v{}", (1.0 / one).log2().floor())
                });
                let names: ArrayRef =
                    Arc::new(StringArray::from_iter_values(names.collect::<Vec<_>>()));
                (format!("c{column}"), names)
            });
            RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
        };
        let (train, test) = (side(500), side(200));
        alarms += usize::from(!messages(&checked(&train, Some(&test), None), "test").is_empty());
    }
    // One in a hundred is stated; 6 or more in 200 has a chance of 2 %.
    assert!(alarms <= 6, "{alarms} of 200");
}

/// The problems of one column that is declared like this.
fn of_column(values: ArrayRef, declared: serde_json::Value) -> Vec<String> {
    let declared = Declared::of_json(&json!({"column": {"c": declared}})).unwrap();
    let rows = RecordBatch::try_from_iter([("c", values)]).unwrap();
    let what = messages(&checked(&rows, None, Some(declared)), "set");
    what.into_iter().map(|(_, what)| what).collect()
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[test]
fn values_are_held_by_what_they_are_and_not_by_what_holds_them() {
    let days = texts(&[Some("2026-11-27"), Some("2026-11-28T10:00:00Z"), None]);
    assert!(of_column(days.clone(), json!({"type": "time"})).is_empty());
    assert!(of_column(days.clone(), json!({"min": "2026-01-01"})).is_empty());
    assert_eq!(of_column(days.clone(), json!({"type": "time", "max": "2026-11-27"})), ["range"]);
    assert_eq!(of_column(texts(&[Some("2026-02-31")]), json!({"type": "time"})), ["type"]);
    let dates: ArrayRef = Arc::new(Date32Array::from(vec![20_784, 20_785]));
    assert_eq!(of_column(dates.clone(), json!({"min": "2026-11-28"})), ["range"]);
    assert_eq!(of_column(dates, json!({"categories": ["2026-11-27"]})), ["category"]);
    // A range without a type is one of numbers, also where one text made the column text.
    let mixed = texts(&[Some("3"), Some("abc"), Some("70")]);
    assert_eq!(of_column(mixed, json!({"min": 0, "max": 50})), ["type", "range"]);
    let nothing: ArrayRef = texts(&[None, None]);
    assert!(of_column(nothing, json!({"type": "integer", "min": 0})).is_empty());
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::NAN, 2.5]));
    assert_eq!(of_column(numbers.clone(), json!({"type": "integer"})), ["range"]);
    assert!(of_column(numbers.clone(), json!({"min": 0, "categories": [1, 2.5]})).is_empty());
    let infinite: ArrayRef = Arc::new(Float64Array::from(vec![f64::INFINITY, -1.0]));
    assert_eq!(of_column(infinite, json!({"max": 1e9})), ["range"]);
    // Two numbers that one float stands for are two categories.
    let large: ArrayRef = Arc::new(Int64Array::from(vec![9_007_199_254_740_993]));
    let known = json!({"categories": [9_007_199_254_740_992_i64]});
    assert_eq!(of_column(large, known), ["category"]);
}

#[test]
fn a_range_is_told_in_the_words_of_its_column() {
    let declared = json!({"column": {"c": {"type": "integer", "min": 0}}});
    let rows: ArrayRef = Arc::new(Float64Array::from(vec![3.5, 4.0]));
    let rows = RecordBatch::try_from_iter([("c", rows)]).unwrap();
    let found = checked(&rows, None, Some(Declared::of_json(&declared).unwrap()));
    let told = &found.checks[0].1.found[0].message;
    assert!(told.contains("whole numbers from 0 on in `c`, 1 is not, such as 3.5"), "{told}");
    let refused = |column: serde_json::Value| {
        Declared::of_json(&json!({"column": {"c": column}})).unwrap_err().to_string()
    };
    assert!(refused(json!({"type": "text", "min": 1})).contains("numbers or times"));
    assert!(refused(json!({"type": "time", "min": 1})).contains("numbers or times"));
    assert!(refused(json!({"min": 1, "max": "2026-11-27"})).contains("`min`"));
    assert!(refused(json!({"min": "soon"})).contains("2026-11-27"));
}

#[test]
fn ten_thousand_categories_are_held_at_once() {
    let names = (0..200_000).map(|row| format!("v{}", row % 20_000));
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(names));
    let known = (0..20_000).map(|name| format!("v{name}")).collect::<Vec<_>>();
    assert!(of_column(column, json!({"categories": known})).is_empty());
}

proptest! {
    #[test]
    fn any_split_keeps_the_same(ages in prop::collection::vec(prop::option::of(-5_i64..130), 1..60), at in any::<prop::sample::Index>()) {
        let declared = Declared::of_json(&json!({"column": {
            "age": {"type": "integer", "min": 0, "max": 120},
            "city": {"categories": ["a"]}}})).unwrap();
        let cities = ages.iter().map(|age| if age.is_some_and(|age| age % 2 == 0) { "a" } else { "b" });
        let rows = people(ages.clone(), cities.collect());
        let at = at.index(ages.len() + 1);
        let batch = |rows: RecordBatch, first_row| Batch { rows, first_row, piece: 0, places: None };
        let mut whole = Kept::new(&declared, &rows.schema());
        let (mut one, mut other) = (whole.empty(), whole.empty());
        whole.update(&batch(rows.clone(), 0));
        one.update(&batch(rows.slice(0, at), 0));
        other.update(&batch(rows.slice(at, ages.len() - at), at as u64));
        one.merge(other);
        prop_assert_eq!(format!("{:?}", (one.of(0), one.of(1))), format!("{:?}", (whole.of(0), whole.of(1))));
    }
}
