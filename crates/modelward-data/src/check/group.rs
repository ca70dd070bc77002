//! Groups and classes: how many rows each has, and how often which label stands in which group.

use std::collections::BTreeMap;

use modelward_core::Value;

use super::{Context, Done, Found};
use crate::columns::named;
use crate::{Accumulate, Batch, Unread, accumulate, rules, tail};

/// So many times as many rows as the smallest class has are an imbalance.
const IMBALANCE: f64 = 10.0;
/// The least gap of label rates that is told.
const LEAST_GAP: f64 = 0.1;
/// The probability that groups without a gap show one.
const ALARM: f64 = 0.01;
/// Groups, and classes, that are told apart.
const MOST: usize = 10_000;

/// Rows of each group by label.
struct Groups {
    columns: [Option<usize>; 2],
    counts: BTreeMap<String, BTreeMap<String, u64>>,
    many: bool,
}

impl Groups {
    fn add(&mut self, group: String, label: String, rows: u64) {
        let labels = self.counts.entry(group).or_default();
        let count = labels.entry(label).or_default();
        *count = count.saturating_add(rows);
        if labels.len() > MOST || self.counts.len() > MOST {
            self.many = true;
            self.counts.clear();
        }
    }
}

impl Accumulate for Groups {
    type Evidence = Option<BTreeMap<String, BTreeMap<String, u64>>>;

    fn empty(&self) -> Self {
        Self { columns: self.columns, counts: BTreeMap::new(), many: false }
    }

    fn update(&mut self, batch: &Batch) {
        if self.many {
            return;
        }
        let texts = self.columns.map(|column| match column {
            Some(column) => named(batch.rows.column(column)),
            None => vec![Some(String::new()); batch.len()],
        });
        let [groups, labels] = texts;
        for (group, label) in groups.into_iter().zip(labels) {
            if self.many {
                return;
            }
            let missing = || "(missing)".to_owned();
            self.add(group.unwrap_or_else(missing), label.unwrap_or_else(missing), 1);
        }
    }

    fn merge(&mut self, later: Self) {
        self.many |= later.many;
        for (group, labels) in later.counts {
            for (label, rows) in labels {
                if !self.many {
                    self.add(group.clone(), label, rows);
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
    let mut groups = Groups { columns, counts: BTreeMap::new(), many: false };
    accumulate::drive(context.set, &mut groups, context.request.threads)?;
    let Some(counts) = groups.finish() else {
        return Ok(Done::skipped(format!("more than {MOST} groups or labels")));
    };
    let mut classes = BTreeMap::<&str, u64>::new();
    for (label, rows) in counts.values().flatten() {
        *classes.entry(label).or_default() += rows;
    }
    let mut done = Done::default();
    if columns[1].is_some() {
        imbalance(&classes, &mut done);
    }
    if let Some(group) = columns[0] {
        let name = context.set.schema.field(group).name().clone();
        of_groups(&name, &counts, &classes, columns[1].is_some(), &mut done);
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
    counts: &BTreeMap<String, BTreeMap<String, u64>>,
    classes: &BTreeMap<&str, u64>,
    labelled: bool,
    done: &mut Done,
) {
    let size = |labels: &BTreeMap<String, u64>| labels.values().sum::<u64>();
    let records = counts.iter().map(|(group, labels)| {
        let rows = size(labels);
        let rates = classes.keys().map(|class| {
            let count = labels.get(*class).copied().unwrap_or(0);
            ((*class).to_owned(), (count as f64 / rows.max(1) as f64).into())
        });
        let mut fields = vec![("rows", rows.into())];
        if labelled {
            fields.push(("rates", Value::Map(rates.collect())));
        }
        (group.clone(), Value::Record(fields))
    });
    done.fields.push(("column", name.into()));
    done.fields.push(("groups", Value::Map(records.collect())));
    if labelled && counts.len() > 1 {
        gap(name, counts, classes, done);
    }
    let sizes = counts.values().map(size);
    if let Some(ratio) = ratio(sizes) {
        done.fields.push(("imbalance", ratio.into()));
        let small = counts.iter().min_by_key(|(_, labels)| size(labels));
        if let Some((group, labels)) = small {
            done.lines.push(format!(
                "{} groups by `{name}`; the smallest is `{group}` with {} rows, the largest has {ratio:.1} \
                 times as many",
                counts.len(),
                size(labels)
            ));
        }
    }
}

/// The largest gap between the label rates of two groups.
fn gap(
    name: &str,
    counts: &BTreeMap<String, BTreeMap<String, u64>>,
    classes: &BTreeMap<&str, u64>,
    done: &mut Done,
) {
    let mut largest = (0.0, "", "", "");
    for class in classes.keys() {
        let rates = counts.iter().map(|(group, labels)| {
            let rows = labels.values().sum::<u64>();
            let count = labels.get(*class).copied().unwrap_or(0);
            (count as f64 / rows.max(1) as f64, group.as_str())
        });
        let rates = rates.collect::<Vec<_>>();
        let by_rate = |one: &&(f64, &str), other: &&(f64, &str)| one.0.total_cmp(&other.0);
        let (Some(low), Some(high)) = (rates.iter().min_by(by_rate), rates.iter().max_by(by_rate))
        else {
            continue;
        };
        if high.0 - low.0 > largest.0 {
            largest = (high.0 - low.0, *class, high.1, low.1);
        }
    }
    let (gap, class, high, low) = largest;
    done.fields.push(("largest gap", gap.into()));
    let p_value = independent(counts, classes);
    done.fields.push(("p_value", p_value.into()));
    if gap >= LEAST_GAP && p_value <= ALARM {
        let message = format!(
            "label `{class}` is {:.0} points more frequent in group `{high}` of `{name}` than in `{low}`",
            gap * 100.0
        );
        found(&rules::GROUP_GAP, message, ("gap of label rates", gap, LEAST_GAP), done);
    }
}

/// The p-value of the chi-square test that label and group are independent.
fn independent(
    counts: &BTreeMap<String, BTreeMap<String, u64>>,
    classes: &BTreeMap<&str, u64>,
) -> f64 {
    let all = classes.values().sum::<u64>() as f64;
    let mut statistic = 0.0;
    for labels in counts.values() {
        let rows = labels.values().sum::<u64>() as f64;
        for (class, of_class) in classes {
            let expected = rows * *of_class as f64 / all;
            let count = labels.get(*class).copied().unwrap_or(0) as f64;
            if expected > 0.0 {
                statistic += (count - expected).powi(2) / expected;
            }
        }
    }
    let freedom = counts.len().saturating_sub(1) * classes.len().saturating_sub(1);
    tail::chi_square(statistic, freedom as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

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
                let mut groups =
                    Groups { columns: [Some(0), Some(1)], counts: BTreeMap::new(), many: false };
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
