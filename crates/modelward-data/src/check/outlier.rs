//! Rows that are out of place, each with the reason: cells or a relation between columns, a place that few
//! cuts set apart, no neighbours, a value out of its column's range.

use arrow_array::RecordBatch;
use modelward_core::Value;

use super::{Context, Done, Found, binomial, counted};
use crate::{
    Unread,
    rules::{OUT_OF_RANGE, OUTLIER},
};

mod columns;
mod detectors;
mod own;

use self::detectors::{Detectors, Reason};

/// The check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let sample = &context.sample;
    let rows = sample.numbers.len();
    if rows < FEWEST {
        let why = format!("expected at least {FEWEST} rows, got {rows}");
        return Ok(Done::skipped(why));
    }
    let Some(detectors) = Detectors::fit(context) else {
        return Ok(Done::skipped("no column of numbers or images tells rows apart"));
    };
    let columns = columns::Columns::of(context);
    let mut told = Told { scores: context.unscored(), flagged: Vec::new() };
    if sample.is_part() {
        // Learned from a part, told of all.
        context.set.walk(|batch| {
            let numbers = (0..batch.len()).map(|at| batch.row(at)).collect::<Vec<_>>();
            told.take(context, &detectors, &columns, &batch.rows, &numbers);
            Ok(())
        })?;
    } else {
        told.take(context, &detectors, &columns, &sample.rows, &sample.numbers);
    }
    Ok(told.done(context, &detectors, &columns))
}

/// A row that is out of place.
struct Flagged {
    row: u64,
    score: f64,
    reason: Reason,
}

/// What was found so far.
struct Told {
    scores: Vec<f32>,
    flagged: Vec<Flagged>,
}

impl Told {
    fn take(
        &mut self,
        context: &Context<'_>,
        detectors: &Detectors,
        columns: &columns::Columns,
        rows: &RecordBatch,
        numbers: &[u64],
    ) {
        let judged = detectors.judge(rows, numbers, context.request.threads);
        let out_of_range = columns.judge(rows);
        for (at, (judged, range)) in judged.into_iter().zip(out_of_range).enumerate() {
            let row = numbers[at];
            let mut score = judged.rarity;
            // What its column alone rules out is the plainest reason.
            let reason = match (range, judged.reason) {
                (Some(range), reason) => {
                    score += range.rarity;
                    let others = reason.map_or_else(Vec::new, |reason| reason.columns);
                    let others = others.into_iter().filter(|other| *other != range.column);
                    let columns = std::iter::once(range.column.clone()).chain(others).collect();
                    Some(Reason { detector: "column", columns, why: range.why })
                }
                (None, reason) => reason,
            };
            if let Some(score_of) = self.scores.get_mut(row as usize) {
                *score_of = score as f32;
            }
            if let Some(reason) = reason {
                self.flagged.push(Flagged { row, score, reason });
            }
        }
    }

    fn done(
        mut self,
        context: &Context<'_>,
        detectors: &Detectors,
        columns: &columns::Columns,
    ) -> Done {
        self.flagged
            .sort_by(|one, other| other.score.total_cmp(&one.score).then(one.row.cmp(&other.row)));
        let rows = context.rows;
        let expected = detectors.alarms() * rows as f64 + columns.alarms(rows);
        let list = self.flagged.iter().map(|flag| {
            let names = flag.reason.columns.iter().map(|name| name.as_str().into());
            Value::Record(vec![
                ("row", flag.row.into()),
                ("score", flag.score.into()),
                ("detector", flag.reason.detector.into()),
                ("columns", Value::List(names.collect())),
                ("why", flag.reason.why.as_str().into()),
            ])
        });
        let mut fields = vec![
            (
                "unit",
                "minus the logarithm of how rare the row is, summed over the detectors".into(),
            ),
            ("flagged", Value::List(list.collect())),
            ("expected_false_alarms", binomial::alarms(expected, rows as usize)),
        ];
        let learned = context.sample.numbers.len() as u64;
        if context.sample.is_part() {
            fields.push(("sampled", learned.into()));
        }
        let mut done = Done {
            fields,
            scores: (!self.scores.is_empty()).then_some(self.scores),
            ..Done::default()
        };
        let (low, high) = binomial::spread(expected, rows as usize);
        for (rule, of_columns) in [(&OUTLIER, false), (&OUT_OF_RANGE, true)] {
            let flags =
                self.flagged.iter().filter(|flag| (flag.reason.detector == "column") == of_columns);
            let flags = flags.collect::<Vec<_>>();
            let Some(first) = flags.first() else { continue };
            let (one, many) = if of_columns {
                (
                    "row holds a value that its column rules out",
                    "rows hold a value that its column rules out",
                )
            } else {
                ("row is out of place", "rows are out of place")
            };
            done.found.push(Found {
                rule,
                severity: rule.severity,
                message: format!(
                    "{} (expected false alarms: {expected:.1}, {low} to {high} at 95 %); row {}: {}",
                    counted(flags.len(), one, many),
                    first.row,
                    first.reason.why
                ),
                rows: flags.iter().map(|flag| flag.row).collect(),
                measured: ("rows that are out of place", flags.len() as f64, high as f64),
            });
        }
        if done.found.is_empty() {
            done.lines.push(format!("ok  outlier: none of {rows} rows is out of place"));
        }
        done
    }
}

/// Fewer rows have no tail.
const FEWEST: usize = 50;
