//! Groups and classes: how many rows each has, and how often which label stands in which group.

use std::collections::BTreeMap;

use modelward_core::Value;

use super::{Context, Done, Found, label_error::are_amounts};
use crate::columns::named;
use crate::{Accumulate, Batch, Unread, accumulate, rules, tail};

/// So many times as many rows as the smallest class has are an imbalance.
const IMBALANCE: f64 = 10.0;
/// The least gap of label rates that is told.
const LEAST_GAP: f64 = 0.1;
/// The probability that groups without a gap show one.
const ALARM: f64 = 0.01;
/// The least rows with a label of a group whose rates are compared.
const LEAST_ROWS: u64 = 20;
/// Groups that are told apart, labels of all of them, and bytes of their names.
const MOST: usize = 10_000;
const MOST_PAIRS: usize = 200_000;
const MOST_BYTES: usize = 32 << 20;

/// The rows of each group, and of them those of each label.
type Counts = BTreeMap<String, Group>;

/// The rows of a group.
#[derive(Clone, Debug, Default, PartialEq)]
struct Group {
    rows: u64,
    /// Those that have a label.
    labels: BTreeMap<String, u64>,
}

impl Group {
    fn labelled(&self) -> u64 {
        self.labels.values().sum()
    }

    /// The share of a label among the rows that have one.
    fn rate(&self, class: &str) -> f64 {
        let count = self.labels.get(class).copied().unwrap_or(0);
        count as f64 / self.labelled().max(1) as f64
    }
}

/// Counts the rows of each group by label.
struct Groups {
    columns: [Option<usize>; 2],
    counts: Counts,
    /// Pairs of a group and a label, and the bytes of their names.
    pairs: usize,
    bytes: usize,
    many: bool,
}

impl Groups {
    fn new(columns: [Option<usize>; 2]) -> Self {
        Self { columns, counts: Counts::new(), pairs: 0, bytes: 0, many: false }
    }

    fn add(&mut self, name: String, label: Option<String>, rows: u64) {
        let groups = self.counts.len();
        let length = name.len();
        let group = self.counts.entry(name).or_default();
        group.rows = group.rows.saturating_add(rows);
        if let Some(label) = label {
            let (known, bytes) = (group.labels.len(), label.len());
            let count = group.labels.entry(label).or_default();
            *count = count.saturating_add(rows);
            if group.labels.len() > known {
                self.pairs = self.pairs.saturating_add(1);
                self.bytes = self.bytes.saturating_add(bytes);
            }
        }
        if self.counts.len() > groups {
            self.bytes = self.bytes.saturating_add(length);
        }
        // What is counted only grows, so that whether it is too much hangs on no order of the rows.
        if self.counts.len() > MOST || self.pairs > MOST_PAIRS || self.bytes > MOST_BYTES {
            self.many = true;
            self.counts.clear();
        }
    }
}

impl Accumulate for Groups {
    type Evidence = Option<Counts>;

    fn empty(&self) -> Self {
        Self::new(self.columns)
    }

    fn update(&mut self, batch: &Batch) {
        if self.many {
            return;
        }
        let texts = |column: Option<usize>| column.map(|column| named(batch.rows.column(column)));
        let [groups, labels] = self.columns.map(texts);
        for row in 0..batch.len() {
            if self.many {
                return;
            }
            let of = |texts: &Option<Vec<Option<String>>>| texts.as_ref()?.get(row)?.clone();
            let group = match &groups {
                Some(_) => of(&groups).unwrap_or_else(|| "(missing)".to_owned()),
                None => String::new(),
            };
            self.add(group, of(&labels), 1);
        }
    }

    fn merge(&mut self, later: Self) {
        self.many |= later.many;
        for (name, group) in later.counts {
            let unlabelled = group.rows.saturating_sub(group.labelled());
            if !self.many {
                self.add(name.clone(), None, unlabelled);
            }
            for (label, rows) in group.labels {
                if !self.many {
                    self.add(name.clone(), Some(label), rows);
                }
            }
        }
        if self.many {
            self.counts.clear();
        }
    }

    fn finish(self) -> Self::Evidence {
        (!self.many).then_some(self.counts)
    }
}

/// The check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let columns = [context.roles.group, context.roles.label];
    if columns == [None, None] {
        return Ok(Done::skipped("expected a group (`--group`) or a label (`--label`)"));
    }
    let mut groups = Groups::new(columns);
    accumulate::drive(context.set, &mut groups, context.request.threads)?;
    let Some(counts) = groups.finish() else {
        let why = format!("expected at most {MOST} groups and {MOST_PAIRS} labels of groups");
        return Ok(Done::skipped(why));
    };
    let mut classes = BTreeMap::<&str, u64>::new();
    for (label, rows) in counts.values().flat_map(|group| &group.labels) {
        *classes.entry(label).or_default() += rows;
    }
    let rows = counts.values().map(Group::labelled).sum::<u64>();
    let mut done = Done::default();
    // Amounts are no classes: one stands often and another once, and none is missed.
    let amounts = columns[1].is_some_and(|label| {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        are_amounts(context.set.schema.field(label), classes.keys().copied(), rows)
    });
    let labelled = columns[1].is_some() && !amounts;
    if labelled {
        imbalance(&classes, &mut done);
    }
    if let Some(group) = columns[0] {
        let name = context.set.schema.field(group).name().clone();
        of_groups(&name, &counts, &classes, labelled, &mut done);
    }
    Ok(done)
}

/// How unlike in size two counts are, the larger over the smaller.
fn ratio(sizes: impl Iterator<Item = u64> + Clone) -> Option<f64> {
    let least = sizes.clone().min()?;
    (least > 0).then(|| sizes.max().unwrap_or(0) as f64 / least as f64)
}

fn imbalance(classes: &BTreeMap<&str, u64>, done: &mut Done) {
    let Some(ratio) = ratio(classes.values().copied()) else { return };
    done.fields.push(("class imbalance", ratio.into()));
    if ratio < IMBALANCE {
        return;
    }
    let by_rows = |entry: &(&&str, &u64)| *entry.1;
    let (least, most) = (classes.iter().min_by_key(by_rows), classes.iter().max_by_key(by_rows));
    if let (Some((small, few)), Some((large, many))) = (least, most) {
        let message = format!(
            "{ratio:.0} times as many rows are labelled `{large}` ({many}) as `{small}` ({few})"
        );
        found(&rules::CLASS_IMBALANCE, message, ("ratio of classes", ratio, IMBALANCE), done);
    }
}

fn found(
    rule: &'static modelward_core::Rule,
    message: String,
    measured: (&'static str, f64, f64),
    done: &mut Done,
) {
    done.lines.push(message.clone());
    let rows = Vec::new();
    done.found.push(Found { rule, severity: rule.severity, message, rows, measured });
}

fn of_groups(
    name: &str,
    counts: &Counts,
    classes: &BTreeMap<&str, u64>,
    labelled: bool,
    done: &mut Done,
) {
    let records = counts.iter().map(|(name, group)| {
        let rates = classes.keys().map(|class| ((*class).to_owned(), group.rate(class).into()));
        let mut fields = vec![("rows", group.rows.into())];
        if labelled {
            fields.push(("rates", Value::Map(rates.collect())));
        }
        (name.clone(), Value::Record(fields))
    });
    done.fields.push(("column", name.into()));
    done.fields.push(("groups", Value::Map(records.collect())));
    if labelled && counts.len() > 1 {
        gap(name, counts, classes, done);
    }
    let sizes = counts.values().map(|group| group.rows);
    if let Some(ratio) = ratio(sizes) {
        done.fields.push(("imbalance", ratio.into()));
        let small = counts.iter().min_by_key(|(_, group)| group.rows);
        if let Some((small, group)) = small {
            let rows = if group.rows == 1 { "row" } else { "rows" };
            done.lines.push(format!(
                "{} groups by `{name}`; the smallest is `{small}` with {} {rows}, the largest has {ratio:.1} \
                 times as many",
                counts.len(),
                group.rows
            ));
        }
    }
}

/// The largest gap between the label rates of two groups. Of a group of a few rows the rates are chance, and the test
/// is none: such groups are left out, and that is said.
fn gap(name: &str, counts: &Counts, classes: &BTreeMap<&str, u64>, done: &mut Done) {
    let large = |group: &Group| group.labelled() >= LEAST_ROWS;
    let told = counts.iter().filter(|(_, group)| large(group)).collect::<Vec<_>>();
    let small = counts.len() - told.len();
    if small > 0 {
        let word = if small == 1 { "group has" } else { "groups have" };
        done.lines.push(format!(
            "{small} {word} fewer than {LEAST_ROWS} rows with a label: the rates of these are not compared"
        ));
    }
    let mut largest = (0.0, "", "", "");
    for class in classes.keys() {
        let rates = told.iter().map(|(name, group)| (group.rate(class), name.as_str()));
        let by_rate = |one: &(f64, &str), other: &(f64, &str)| one.0.total_cmp(&other.0);
        let (Some(low), Some(high)) = (rates.clone().min_by(by_rate), rates.max_by(by_rate)) else {
            continue;
        };
        if high.0 - low.0 > largest.0 {
            largest = (high.0 - low.0, *class, high.1, low.1);
        }
    }
    let (gap, class, high, low) = largest;
    done.fields.push(("largest gap", gap.into()));
    let p_value = independent(&told.iter().map(|(_, group)| *group).collect::<Vec<_>>(), classes);
    done.fields.push(("p_value", p_value.into()));
    if gap >= LEAST_GAP && p_value <= ALARM {
        let message = format!(
            "label `{class}` is {:.0} points more frequent in group `{high}` of `{name}` than in `{low}`",
            gap * 100.0
        );
        found(&rules::GROUP_GAP, message, ("gap of label rates", gap, LEAST_GAP), done);
    }
}

/// The p-value of the chi-square test that label and group are independent, over the labels that these groups have.
fn independent(groups: &[&Group], classes: &BTreeMap<&str, u64>) -> f64 {
    let of_class =
        |class: &str| groups.iter().filter_map(|group| group.labels.get(class)).sum::<u64>();
    let classes = classes.keys().map(|class| (*class, of_class(class)));
    let classes = classes.filter(|(_, rows)| *rows > 0).collect::<Vec<_>>();
    let all = classes.iter().map(|(_, rows)| *rows).sum::<u64>() as f64;
    let mut statistic = 0.0;
    for group in groups {
        let rows = group.labelled() as f64;
        for (class, of_class) in &classes {
            let expected = rows * *of_class as f64 / all;
            let count = group.labels.get(*class).copied().unwrap_or(0) as f64;
            statistic += (count - expected).powi(2) / expected;
        }
    }
    let freedom = groups.len().saturating_sub(1) * classes.len().saturating_sub(1);
    tail::chi_square(statistic, freedom as f64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};

    use super::*;
    use crate::{
        Asked,
        check::{self, Request},
        set::in_memory,
    };

    fn summary(groups: ArrayRef, labels: ArrayRef) -> Done {
        let set = in_memory(RecordBatch::try_from_iter([("g", groups), ("y", labels)]).unwrap());
        let asked = Asked { group: Some("g".to_owned()), ..Asked::default() };
        let only = vec!["group-summary".to_owned()];
        let request = Request { asked, only, threads: 1, ..Request::default() };
        let checked =
            check::check(&set, None, &request).unwrap_or_else(|_| panic!("it can be read"));
        checked.checks.into_iter().next().unwrap().1
    }

    #[test]
    fn amounts_missing_labels_and_tiny_groups_are_no_gaps() {
        let texts = |of: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
            Arc::new((0..2000).map(of).collect::<StringArray>())
        };
        let two = texts(&|row| Some(format!("g{}", row % 2)));
        // Every price but one stands once.
        let prices = (0..2000).map(|row| if row % 9 == 0 { 5.0 } else { f64::from(row) + 0.5 });
        let done = summary(two.clone(), Arc::new(prices.collect::<Float64Array>()));
        assert!(done.found.is_empty(), "{:?}", done.found);
        // Few rows have a label.
        let done = summary(two, texts(&|row| (row % 40 < 2).then(|| format!("y{}", row / 40 % 2))));
        assert!(done.found.is_empty(), "{:?}", done.found);
        // Patients with a row or two each.
        let patients = texts(&|row| Some(format!("p{}", row / 2)));
        let done = summary(patients, texts(&|row| Some(format!("y{}", row / 2 % 3))));
        assert!(done.found.is_empty() && done.lines[0].starts_with("1000 groups have"), "{done:?}");
        // And a gap is a gap.
        let three = texts(&|row| Some(format!("g{}", if row == 7 { 2 } else { row % 2 })));
        let done =
            summary(three, texts(&|row| Some(format!("y{}", usize::from(row % 8 < 2 - row % 2)))));
        assert_eq!(done.found.len(), 1, "{done:?}");
        assert!(!done.found[0].message.contains("g2"), "{done:?}");
    }

    #[test]
    fn long_names_do_not_fill_the_memory() {
        let long = |_| Some("x".repeat(1 << 20));
        let names =
            (0..64).map(long).enumerate().map(|(at, name)| name.map(|name| format!("{at}{name}")));
        let groups: ArrayRef = Arc::new(names.collect::<StringArray>());
        let done = summary(groups.clone(), groups);
        assert!(done.skipped.is_some_and(|why| why.contains("at most")));
    }

    proptest::proptest! {
        #[test]
        fn any_split_gives_the_same_counts(
            rows in proptest::collection::vec((0_u8..4, 0_u8..3), 1..60),
            cut: proptest::sample::Index,
        ) {
            let texts = |of: fn(&(u8, u8)) -> u8| -> arrow_array::ArrayRef {
                let texts = rows.iter().map(|row| Some(format!("v{}", of(row))));
                std::sync::Arc::new(texts.collect::<arrow_array::StringArray>())
            };
            let columns = [("group", texts(|row| row.0)), ("y", texts(|row| row.1))];
            let all = arrow_array::RecordBatch::try_from_iter(columns).unwrap();
            let of = |from: usize, to: usize| {
                let mut groups = Groups::new([Some(0), Some(1)]);
                let rows = all.slice(from, to - from);
                groups.update(&Batch { rows, first_row: from as u64, piece: 0, places: None });
                groups
            };
            let cut = cut.index(rows.len() + 1);
            let mut parts = of(0, cut);
            parts.merge(of(cut, rows.len()));
            proptest::prop_assert_eq!(parts.finish(), of(0, rows.len()).finish());
        }
    }
}
