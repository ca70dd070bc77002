//! What learns, over sets that are made here: wrong labels and rows out of place are found, clean sets stay
//! silent, and the number of threads is nothing to the result.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, types::Int64Type,
};
use modelward_core::Value;
use modelward_data::{
    Asked, Chunk, Matrix, Piece, Rows, Set, Unread,
    check::{self, Done, Request},
};

mod groups;

/// Rows in memory as a set.
struct Memory(RecordBatch);

impl Piece for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    fn rows(&self) -> Option<u64> {
        Some(self.0.num_rows() as u64)
    }

    fn open(&self) -> Result<Box<dyn Rows + '_>, Unread> {
        Ok(Box::new(Reading(Some(self.0.clone()))))
    }
}

struct Reading(Option<RecordBatch>);

impl Rows for Reading {
    fn next(&mut self) -> Result<Option<Chunk>, Unread> {
        Ok(self.0.take().map(|rows| Chunk { rows, places: None }))
    }
}

fn set(columns: Vec<(&str, ArrayRef)>) -> Set {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let schema = rows.schema();
    let pieces: Vec<Arc<dyn Piece>> = vec![Arc::new(Memory(rows))];
    Set { name: "memory".into(), format: "memory", schema, pieces, notes: Vec::new() }
}

/// A generator of normal numbers.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

fn run(set: &Set, only: &str, request: Request) -> Done {
    let label = set.column("y").map(|_| "y".to_owned());
    let request =
        Request { asked: Asked { label, ..Asked::default() }, only: vec![only.into()], ..request };
    let Ok(mut checked) = check::check(set, None, &request) else { unreachable!() };
    checked.checks.remove(0).1
}

fn flagged(done: &Done) -> Vec<u64> {
    done.found.iter().flat_map(|found| found.rows.iter().copied()).collect()
}

/// Three heaps of rows, some of their labels changed.
fn heaps(rows: usize, wrong: usize) -> (Vec<[f64; 4]>, Vec<i64>) {
    heaps_apart(rows, wrong, 5.0, 7)
}

fn heaps_apart(rows: usize, wrong: usize, apart: f64, seed: u64) -> (Vec<[f64; 4]>, Vec<i64>) {
    let mut random = Random(seed);
    let mut data = Vec::new();
    let mut labels = Vec::new();
    for row in 0..rows {
        let class = row % 3;
        data.push(
            [0, 1, 2, 3].map(|column| random.normal() + if column == class { apart } else { 0.0 }),
        );
        labels.push(class as i64);
    }
    for at in 0..wrong {
        let row = at * rows / wrong.max(1);
        labels[row] = (labels[row] + 1 + at as i64 % 2) % 3;
    }
    (data, labels)
}

fn numbers(data: &[[f64; 4]]) -> Vec<(&'static str, ArrayRef)> {
    let column = |at: usize| -> ArrayRef {
        Arc::new(data.iter().map(|row| row[at]).collect::<Float64Array>())
    };
    vec![("a", column(0)), ("b", column(1)), ("c", column(2)), ("d", column(3))]
}

fn labelled(rows: usize, wrong: usize) -> Set {
    let (data, labels) = heaps(rows, wrong);
    let mut columns = numbers(&data);
    columns.push(("y", Arc::new(Int64Array::from(labels))));
    set(columns)
}

#[test]
fn changed_labels_are_found_and_right_ones_are_left_alone() {
    let done = run(&labelled(600, 30), "label-error", Request::default());
    let rows = flagged(&done);
    assert!(rows.iter().filter(|row| *row % 20 == 0).count() >= 26, "{rows:?}");
    let scores = done.scores.unwrap();
    let mut order = (0..600).collect::<Vec<usize>>();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    assert!(order[..30].iter().filter(|row| **row % 20 == 0).count() >= 26, "{:?}", &order[..30]);
    assert!(rows.iter().filter(|row| *row % 20 != 0).count() <= 3, "{rows:?}");
    let clean = run(&labelled(600, 0), "label-error", Request::default());
    assert!(flagged(&clean).len() <= 3);
    assert!(clean.skipped.is_none());
}

/// Right labels of overlapping classes (scikit-learn's `make_classification`, rounded) that learners of so few rows
/// took for wrong ones, 10 and 20 of 150.
#[test]
fn few_rows_of_overlapping_classes_are_left_alone() {
    for (text, classes) in
        [(include_str!("clean_4_classes.csv"), 4), (include_str!("clean_6_classes.csv"), 6)]
    {
        let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect();
        let rows = text.lines().map(row).collect::<Vec<Vec<i64>>>();
        let column = |at: usize| rows.iter().map(move |row| row[at]);
        let names = (0..15).map(|at| if at == 0 { "y".to_owned() } else { format!("x{at}") });
        let names = names.collect::<Vec<_>>();
        let columns = names.iter().enumerate().map(|(at, name)| -> (&str, ArrayRef) {
            match at {
                0 => (name, Arc::new(column(0).collect::<Int64Array>())),
                _ => (name, Arc::new(column(at).map(|cell| cell as f64).collect::<Float64Array>())),
            }
        });
        let done = run(&set(columns.collect()), "label-error", Request::default());
        assert!(done.skipped.is_none(), "{classes}");
        assert!(flagged(&done).is_empty(), "{classes}: {:?}", flagged(&done));
    }
}

#[test]
fn labels_changed_in_one_direction_are_found() {
    let (data, mut labels) = heaps(1200, 0);
    let wrong = |row: &u64| row.is_multiple_of(30);
    labels.iter_mut().step_by(30).for_each(|label| *label = 1);
    let mut columns = numbers(&data);
    columns.push(("y", Arc::new(Int64Array::from(labels))));
    let rows = flagged(&run(&set(columns), "label-error", Request::default()));
    assert!(rows.iter().filter(|row| wrong(row)).count() >= 32, "{rows:?}");
    assert!(rows.iter().filter(|row| !wrong(row)).count() <= 4, "{rows:?}");
}

#[test]
fn what_is_flagged_stands_before_what_is_not() {
    for seed in 0..12 {
        let (data, labels) = heaps_apart(240, 24, 2.8, seed);
        let mut columns = numbers(&data);
        columns.push(("y", Arc::new(Int64Array::from(labels))));
        let done = run(&set(columns), "label-error", Request::default());
        let (rows, scores) = (flagged(&done), done.scores.unwrap());
        let least = rows.iter().map(|row| scores[*row as usize]).fold(1.0, f32::min);
        let above = scores.iter().filter(|score| **score >= least).count();
        assert!(above == rows.len() || rows.is_empty(), "seed {seed}: {above}, {}", rows.len());
    }
}

#[test]
fn labels_that_all_go_on_to_the_next_class_are_found() {
    let (data, mut labels) = heaps(1800, 0);
    labels.iter_mut().step_by(20).for_each(|label| *label = (*label + 1) % 3);
    let mut columns = numbers(&data);
    columns.push(("y", Arc::new(Int64Array::from(labels))));
    let rows = flagged(&run(&set(columns), "label-error", Request::default()));
    assert!(rows.iter().filter(|row| row.is_multiple_of(20)).count() >= 80, "{rows:?}");
    assert!(rows.iter().filter(|row| !row.is_multiple_of(20)).count() <= 4, "{rows:?}");
}

/// Rows of `columns` normal numbers about a middle, with a deviation.
fn about(random: &mut Random, middle: &[f64], deviation: f64) -> Vec<f64> {
    middle.iter().map(|middle| middle + deviation * random.normal()).collect()
}

fn of_rows(rows: &[Vec<f64>], labels: Vec<i64>) -> Set {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let columns = names.into_iter().take(rows[0].len()).enumerate();
    let columns = columns.map(|(at, name)| -> (&str, ArrayRef) {
        (name, Arc::new(rows.iter().map(|row| row[at]).collect::<Float64Array>()))
    });
    let labels: ArrayRef = Arc::new(Int64Array::from(labels));
    set(columns.chain([("y", labels)]).collect())
}

#[test]
fn classes_of_a_row_or_two_are_not_judged_and_hide_nothing() {
    let (data, mut labels) = heaps(600, 30);
    labels.iter_mut().skip(7).step_by(30).zip(100..).for_each(|(label, new)| *label = new);
    let mut columns = numbers(&data);
    columns.push(("y", Arc::new(Int64Array::from(labels))));
    let done = run(&set(columns), "label-error", Request::default());
    let rows = flagged(&done);
    assert!(rows.iter().filter(|row| row.is_multiple_of(20)).count() >= 26, "{rows:?}");
    let told = "20 rows are not judged: 20 classes have fewer than 5 rows";
    assert!(done.lines.iter().any(|line| line.contains(told)), "{:?}", done.lines);
}

#[test]
fn classes_that_are_alike_are_no_direction_of_wrong_labels() {
    let (mut wrong, mut hits, mut others) = (0, 0, 0);
    for seed in 0..4 {
        let mut random = Random(seed);
        let pairs = [(); 3].map(|()| about(&mut random, &[0.0; 6], 4.0));
        let middles = [0, 0, 1, 1, 2, 2].map(|pair: usize| about(&mut random, &pairs[pair], 0.5));
        let rows = (0..3000).map(|row| about(&mut random, &middles[row % 6], 1.0));
        let rows = rows.collect::<Vec<_>>();
        let mut labels = (0..3000).map(|row| row % 6).collect::<Vec<i64>>();
        for label in labels.iter_mut().step_by(10) {
            *label = (*label + 1 + (random.unit() * 5.0) as i64) % 6;
        }
        let rows = flagged(&run(&of_rows(&rows, labels), "label-error", Request::default()));
        let right = rows.iter().filter(|row| row.is_multiple_of(10)).count();
        (wrong, hits, others) = (wrong + 300, hits + right, others + rows.len() - right);
    }
    assert!(hits * 100 >= wrong * 45, "{hits} of {wrong}");
    assert!(others * 20 <= hits, "{others} beside {hits}");
}

#[test]
fn a_narrow_class_in_a_broad_one_is_no_wrong_label() {
    let mut alarms = Vec::new();
    for seed in 0..4 {
        let mut random = Random(seed);
        let labels = (0..3000).map(|_| i64::from(random.unit() < 0.5)).collect::<Vec<_>>();
        let rows =
            labels.iter().map(|label| about(&mut random, &[0.0; 4], 3.0 - 2.0 * *label as f64));
        let rows = rows.collect::<Vec<_>>();
        alarms
            .push(flagged(&run(&of_rows(&rows, labels), "label-error", Request::default())).len());
    }
    assert!(alarms.iter().sum::<usize>() <= 15, "{alarms:?}");
}

#[test]
fn threads_are_nothing_to_the_result() {
    let set = labelled(300, 15);
    for check in ["label-error", "outlier"] {
        let with = |threads| run(&set, check, Request { threads, ..Request::default() });
        let (one, two, four) = (with(1), with(2), with(4));
        assert_eq!(format!("{:?}", one.fields), format!("{:?}", two.fields));
        assert_eq!(format!("{:?}", one.fields), format!("{:?}", four.fields));
        assert_eq!(format!("{:?}", one.scores), format!("{:?}", four.scores));
    }
}

#[test]
fn what_cannot_be_judged_is_skipped() {
    let (data, labels) = heaps(200, 0);
    let with = |labels: Vec<i64>| {
        let mut columns = numbers(&data);
        columns.push(("y", Arc::new(Int64Array::from(labels))));
        run(&set(columns), "label-error", Request::default()).skipped
    };
    assert!(with(vec![1; 200]).unwrap().contains("one label"));
    let mut random = Random(1);
    let any = (0..200).map(|_| i64::from(random.unit() > 0.5)).collect();
    assert!(with(any).unwrap().contains("know too little"));
    assert!(with(labels).is_none());
    let (few, labels) = heaps(4, 0);
    let mut columns = numbers(&few);
    columns.push(("y", Arc::new(Int64Array::from(labels))));
    let done = run(&set(columns), "label-error", Request::default());
    assert!(done.skipped.unwrap().contains("at least 5 rows"));
}

#[test]
fn probabilities_of_the_user_take_the_place_of_the_learners() {
    let (data, labels) = heaps(300, 15);
    let set = labelled(300, 15);
    let shares = (0..300).flat_map(|row: usize| {
        [0, 1, 2].map(|class| {
            if class == row % 3 { 0.94 - 1e-4 * row as f32 } else { 0.03 + 5e-5 * row as f32 }
        })
    });
    let names = Vec::new();
    let probabilities = Some(Matrix { columns: 3, data: shares.collect(), names });
    let done = run(&set, "label-error", Request { probabilities, ..Request::default() });
    let mut rows = flagged(&done);
    rows.sort_unstable();
    let wrong =
        (0..300_u64).filter(|row| labels[*row as usize] != (*row % 3) as i64).collect::<Vec<_>>();
    assert_eq!(rows, wrong);
    assert_eq!(data.len(), 300);
    let short = Some(Matrix { columns: 3, data: vec![0.3; 9], names: Vec::new() });
    let done = run(&set, "label-error", Request { probabilities: short, ..Request::default() });
    assert!(done.skipped.unwrap().contains("300 rows, got 3"));
}

#[test]
fn several_labels_of_a_row_are_judged_each() {
    let (data, labels) = heaps(300, 0);
    let mut lists =
        labels.iter().map(|label| Some(vec![Some(*label), Some(9)])).collect::<Vec<_>>();
    lists[31] = Some(vec![Some((labels[31] + 1) % 3), Some(9)]);
    // As JSON has them, too.
    let texts = lists.iter().flatten();
    let texts = texts.map(|list| Some(format!("[{}, \"{}\"]", list[0].unwrap(), list[1].unwrap())));
    let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
    for column in [lists, texts] {
        let mut columns = numbers(&data);
        columns.push(("y", column));
        let done = run(&set(columns), "label-error", Request::default());
        let scores = done.scores.unwrap();
        let highest = (0..300).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        assert_eq!(highest, Some(31));
    }
}

#[test]
fn an_amount_far_from_what_its_row_says_is_found() {
    let (data, _) = heaps(400, 0);
    let mut random = Random(3);
    let mut amounts =
        data.iter().map(|row| row[0] + 2.0 * row[1] + 0.3 * random.normal()).collect::<Vec<_>>();
    amounts[123] += 25.0;
    let mut columns = numbers(&data);
    columns.push(("y", Arc::new(Float64Array::from(amounts))));
    let done = run(&set(columns), "label-error", Request::default());
    assert_eq!(flagged(&done).first(), Some(&123));
    assert!(flagged(&done).len() <= 3);
}

/// Rows of normal numbers of which `d` is nearly `a`.
fn related(rows: usize) -> Vec<[f64; 4]> {
    let mut random = Random(11);
    let row = |_| {
        let [a, b, c, rest] = [0; 4].map(|_| random.normal());
        [a, b, c, a + 0.1 * rest]
    };
    (0..rows).map(row).collect()
}

#[test]
fn rows_out_of_place_are_found_with_the_columns_and_clean_ones_are_left_alone() {
    let clean = run(&set(numbers(&related(2000))), "outlier", Request::default());
    assert!(flagged(&clean).len() <= 10, "{:?}", flagged(&clean));
    let mut data = related(2000);
    data[17][1] = 14.0;
    data[900] = [1.5, 0.1, 0.2, -1.5];
    let done = run(&set(numbers(&data)), "outlier", Request::default());
    let rows = flagged(&done);
    assert!(rows.contains(&17) && rows.contains(&900), "{rows:?}");
    let Some((_, Value::List(list))) = done.fields.iter().find(|(name, _)| *name == "flagged")
    else {
        unreachable!()
    };
    let told = |row: u64| {
        list.iter()
            .map(|flag| format!("{flag:?}"))
            .find(|flag| flag.contains(&format!("Count({row})")))
    };
    assert!(told(17).unwrap().contains("Text(\"b\")"));
    let relation = told(900).unwrap();
    assert!(relation.contains("Text(\"a\")") || relation.contains("Text(\"d\")"), "{relation}");
}

#[test]
fn several_columns_of_labels_are_judged_each_for_itself() {
    let (data, mut labels) = heaps(600, 0);
    let mut columns = numbers(&data);
    let mut is_one = labels.iter().map(|label| i64::from(*label == 1)).collect::<Vec<_>>();
    let wrong = (0..600).step_by(30).collect::<Vec<usize>>();
    wrong.iter().for_each(|row| is_one[*row] = 1 - is_one[*row]);
    labels[17] = 100;
    columns.push(("kind", Arc::new(Int64Array::from(labels))));
    columns.push(("one", Arc::new(Int64Array::from(is_one))));
    let set = set(columns);
    let asked = Asked { label: Some("kind, one".into()), ..Asked::default() };
    let request = Request { asked, only: vec!["label-error".into()], ..Request::default() };
    let Ok(mut checked) = check::check(&set, None, &request) else { unreachable!() };
    assert_eq!((checked.label.as_deref(), checked.columns), (Some("kind,one"), 4));
    let done = checked.checks.remove(0).1;
    let told = "`kind`: 1 row is not judged: 1 class has fewer than 5 rows";
    assert!(done.lines.iter().any(|line| line.contains(told)), "{:?}", done.lines);
    let worst = worst(&done, wrong.len());
    let hits = worst.iter().filter(|row| wrong.contains(row)).count();
    assert!(hits >= 18, "{hits}: {worst:?}");
    let asked = Asked { label: Some("kind,twos".into()), ..Asked::default() };
    let request = Request { asked, ..Request::default() };
    assert!(check::check(&set, None, &request).is_err());
}

#[test]
fn copies_with_noise_do_not_vouch_for_each_others_wrong_labels() {
    let (mut data, mut labels) = heaps(600, 0);
    let mut random = Random(5);
    // Twenty wrong rows, each four times, all but equal.
    let wrong = (0..20_usize).map(|at| at * 29).collect::<Vec<_>>();
    for row in &wrong {
        labels[*row] = (labels[*row] + 1) % 3;
        for _ in 0..3 {
            data.push(data[*row].map(|value| value + 1e-3 * random.normal()));
            labels.push(labels[*row]);
        }
    }
    let mut columns = numbers(&data);
    columns.push(("y", Arc::new(Int64Array::from(labels))));
    let done = run(&set(columns), "label-error", Request::default());
    let worst = worst(&done, 80);
    let hits = worst.iter().filter(|row| **row >= 600 || wrong.contains(row)).count();
    assert!(hits >= 76, "{hits} of 80: {worst:?}");
}

/// The rows of the highest scores.
fn worst(done: &Done, count: usize) -> Vec<usize> {
    let scores = done.scores.as_ref().unwrap();
    let mut order = (0..scores.len()).collect::<Vec<_>>();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    order.truncate(count);
    order
}
