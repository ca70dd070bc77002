//! Labels that are judged beside groups, given probabilities and several columns; and honest tables, which stay
//! silent.

use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, StringArray};
use modelward_data::{
    Asked, Matrix,
    check::{self, Done, Request},
};

use crate::{Random, set};

type Columns = Vec<(&'static str, ArrayRef)>;

fn run(columns: Columns, check: &str, asked: Asked, probabilities: Option<Matrix>) -> Done {
    let set = set(columns);
    let request = Request { asked, only: vec![check.into()], probabilities, ..Request::default() };
    let Ok(mut checked) = check::check(&set, None, &request) else { unreachable!() };
    checked.checks.remove(0).1
}

fn asked(label: &str, group: Option<&str>) -> Asked {
    Asked { label: Some(label.into()), group: group.map(Into::into), ..Asked::default() }
}

fn floats(values: impl Iterator<Item = f64>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

fn wholes(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

fn texts(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<StringArray>())
}

/// Heaps of rows in two columns, one a class.
fn heaps(rows: usize, classes: usize) -> (Columns, Vec<i64>) {
    let mut random = Random(17);
    let labels = (0..rows).map(|row| (row % classes) as i64).collect::<Vec<_>>();
    let mut column = |first: bool| {
        let place = |label: &i64| if first { *label % 2 } else { *label / 2 };
        floats(labels.iter().map(|label| 6.0 * place(label) as f64 + random.normal()))
    };
    (vec![("a", column(true)), ("b", column(false))], labels)
}

fn rows(done: &Done) -> Vec<u64> {
    done.found.iter().flat_map(|found| found.rows.iter().copied()).collect()
}

#[test]
fn a_class_that_is_one_group_is_not_judged_and_said_so() {
    let (mut columns, labels) = heaps(600, 3);
    let group = |(row, label): (usize, &i64)| match label {
        2 => "only".to_owned(),
        _ => format!("g{}", row % 40),
    };
    columns.push(("g", texts(labels.iter().enumerate().map(group))));
    columns.push(("y", wholes(labels.iter().copied())));
    let done = run(columns, "label-error", asked("y", Some("g")), None);
    assert!(rows(&done).len() <= 3, "{:?}", rows(&done));
    assert!(
        done.lines.iter().any(|line| line.contains("labelled 2 were not judged")),
        "{:?}",
        done.lines
    );
    let scores = done.scores.unwrap();
    assert!(scores[2].is_nan() && !scores[0].is_nan());
}

#[test]
fn copies_across_groups_do_not_tie_them_all_together() {
    let (_, labels) = heaps(600, 2);
    let mut random = Random(3);
    // Few values, so that many rows of unlike groups are equal.
    let mut value = |label: &i64| 4.0 * *label as f64 + random.normal().round();
    let columns = vec![
        ("a", floats(labels.iter().map(&mut value))),
        ("g", wholes((0..600).map(|row| row / 30))),
        ("y", wholes(labels.iter().copied())),
    ];
    let done = run(columns, "label-error", asked("y", Some("g")), None);
    assert_eq!(done.skipped, None);
}

#[test]
fn dates_are_groups_and_labels() {
    let (mut columns, labels) = heaps(400, 2);
    let days = (0..400).map(|row| Some(18_000 + row / 200)).collect::<Date32Array>();
    columns.push(("day", Arc::new(days)));
    columns.push(("y", wholes(labels.iter().copied())));
    let done = run(columns, "label-error", asked("y", Some("day")), None);
    assert!(done.skipped.unwrap().contains("groups that are told apart"));
    let (mut columns, labels) = heaps(400, 2);
    let days = labels.iter().map(|label| Some(*label as i32)).collect::<Date32Array>();
    columns.push(("y", Arc::new(days)));
    assert_eq!(run(columns, "label-error", asked("y", None), None).skipped, None);
}

#[test]
fn probabilities_that_know_nothing_are_refused_and_none_is_passed_over() {
    let (columns, labels) = heaps(300, 2);
    let with = |label: &'static str, turned: bool, scale: f32| {
        let mut columns = columns.clone();
        columns.push(("y", wholes(labels.iter().copied())));
        columns.push(("z", wholes(labels.iter().map(|label| 1 - label))));
        let row = |label: &i64| match (*label == 0) != turned {
            true => [0.9 * scale, 0.1 * scale],
            false => [0.1 * scale, 0.9 * scale],
        };
        let data = labels.iter().flat_map(row).collect();
        let probabilities = Some(Matrix { columns: 2, data, names: Vec::new() });
        run(columns, "label-error", asked(label, None), probabilities)
    };
    assert_eq!(with("y", false, 1.0).skipped, None);
    let turned = with("y", true, 1.0).skipped.unwrap();
    assert!(turned.contains("in the order of the classes, which is 0, 1"), "{turned}");
    assert!(with("y,z", false, 1.0).skipped.unwrap().contains("of one label"));
    let scaled = with("y", false, 3.0);
    assert!(
        scaled.lines.iter().any(|line| line.contains("300 rows do not sum to 1")),
        "{:?}",
        scaled.lines
    );
}

#[test]
fn labels_that_are_not_judged_are_told() {
    let (mut columns, labels) = heaps(300, 2);
    columns.push(("y", wholes(labels.iter().copied())));
    columns.push(("one", wholes(labels.iter().map(|_| 1))));
    let done = run(columns, "label-error", asked("y,one", None), None);
    assert!(
        done.lines.iter().any(|line| line.contains("`one` was not judged")),
        "{:?}",
        done.lines
    );
    assert!(
        done.lines.iter().any(|line| line.contains("none of 300 x 1 labels")),
        "{:?}",
        done.lines
    );
}

#[test]
fn learners_that_miss_most_labels_do_not_call_right_ones_wrong() {
    // Eight classes that lie over one another: what is clean has to stay so.
    let mut alarmed = 0;
    for seed in 0..8 {
        let mut random = Random(100 + seed);
        let labels = (0..400).map(|row| row % 8).collect::<Vec<i64>>();
        let centres = (0..8 * 6).map(|_| 0.9 * random.normal()).collect::<Vec<_>>();
        let names = ["a", "b", "c", "d", "e", "f"];
        let mut columns = Vec::new();
        for (at, name) in names.into_iter().enumerate() {
            let value = |label: &i64| centres[*label as usize * 6 + at] + random.normal();
            columns.push((name, floats(labels.iter().map(value))));
        }
        columns.push(("y", wholes(labels.iter().copied())));
        let done = run(columns, "label-error", asked("y", None), None);
        alarmed += usize::from(rows(&done).len() > 4);
    }
    assert!(alarmed <= 1, "{alarmed}");
}

#[test]
fn honest_flags_and_amounts_with_long_tails_are_not_out_of_place() {
    let mut random = Random(9);
    let rare = |random: &mut Random, share: f64| f64::from(u8::from(random.unit() < share));
    let rows = (0..4000).map(|_| {
        let amount = if random.unit() < 0.08 { (8.0 + random.normal()).exp().round() } else { 0.0 };
        let [a, b, c] = [0; 3].map(|_| random.normal());
        let flags = [rare(&mut random, 0.01), rare(&mut random, 0.02)];
        [a, b, (0.8 * c).exp(), amount, flags[0], flags[1]]
    });
    let mut rows = rows.collect::<Vec<_>>();
    let columns = |rows: &[[f64; 6]]| {
        let names = ["a", "b", "c", "amount", "x", "z"];
        let columns = names.into_iter().enumerate();
        columns
            .map(|(at, name)| (name, floats(rows.iter().map(|row| row[at]))))
            .collect::<Columns>()
    };
    let done = run(columns(&rows), "outlier", Asked::default(), None);
    assert!(self::rows(&done).len() <= 20, "{}: {:?}", self::rows(&done).len(), done.found);
    rows[71][3] = 1e9;
    let found = self::rows(&run(columns(&rows), "outlier", Asked::default(), None));
    assert_eq!(found.first(), Some(&71), "{found:?}");
    assert!(found.len() <= 20, "{found:?}");
}
