//! Time: whether a split by time lets training see what comes after the first test row.
//!
//! A set that is split by time is tested on rows later than all it was trained on. Where nearly all test rows
//! are later and some are not, the cut leaks; where they lie among the training rows all over, the split was
//! not by time, which is said and no alarm.

use modelward_core::Value;

use crate::{
    check::{Context, Found, beside},
    instant::{most_instants, shown},
    rules,
    sample::Rows,
};

/// A column of times in both sets.
pub(super) struct Times {
    pub(super) column: String,
    train: [i128; 2],
    test: [i128; 2],
    /// Texts of both sets that are no dates.
    others: usize,
    /// Test rows that are older than the last training row, of how many.
    older: usize,
    of: usize,
    /// Training rows that are later than the first test row.
    later: Vec<u64>,
}

/// The columns of times that both sets have.
pub(super) fn columns(context: &Context<'_>, test: &crate::Set, rows: &Rows) -> Vec<Times> {
    let shared = beside::shared(context, test);
    let columns = shared.into_iter().filter_map(|(at, other)| {
        let (train, unread) = most_instants(context.sample.rows.columns().get(at)?)?;
        let (tested, others) = most_instants(rows.rows.columns().get(other)?)?;
        let ends = |instants: &[Option<i128>]| {
            let there = instants.iter().flatten().copied();
            (there.clone().count() >= LEAST_ROWS)
                .then(|| Some([there.clone().min()?, there.max()?]))?
        };
        let (of_train, of_test) = (ends(&train)?, ends(&tested)?);
        let older = tested.iter().flatten().filter(|instant| **instant < of_train[1]).count();
        let later = train.iter().zip(&context.sample.numbers);
        let later =
            later.filter(|(instant, _)| instant.is_some_and(|instant| instant > of_test[0]));
        Some(Times {
            column: context.set.schema.field(at).name().clone(),
            others: unread + others,
            train: of_train,
            test: of_test,
            older,
            of: tested.iter().flatten().count(),
            later: later.map(|(_, number)| *number).take(MOST_ROWS).collect(),
        })
    });
    columns.collect()
}

impl Times {
    /// Whether the sets were meant to be split by this column, and the cut leaks.
    fn leaks(&self) -> bool {
        self.older > 0 && (self.older as f64) < MIXED * self.of as f64
    }

    /// What is said of it, and what is wrong.
    pub(super) fn told(&self) -> (String, Option<Found>) {
        let Self { column, train, test, others, older, of, .. } = self;
        let no_dates = match others {
            0 => String::new(),
            1 => "; 1 value is no date and was not looked at".to_owned(),
            _ => format!("; {others} values are no dates and were not looked at"),
        };
        let span = |[from, to]: &[i128; 2]| format!("{} to {}", shown(*from), shown(*to));
        if self.leaks() {
            let message = format!(
                "the split by time of `{column}` overlaps: {older} of {of} test rows {} older than the last \
                 training row ({}){no_dates}",
                if *older == 1 { "is" } else { "are" },
                shown(train[1])
            );
            let rule = &rules::LEAK_TRAIN_TEST;
            let measured = ("test rows older than the last training row", *older as f64, 0.0);
            let rows = self.later.clone();
            return (
                message.clone(),
                Some(Found { rule, severity: rule.severity, message, rows, measured }),
            );
        }
        let line = match older {
            0 if test[0] == train[1] => format!(
                "leak  `{column}`: no test row is older than training, which ends {}, as the first test row",
                shown(train[1])
            ),
            0 => format!(
                "leak  `{column}`: every test row is later than training, which ends {}",
                shown(train[1])
            ),
            _ => format!(
                "leak  `{column}`: the split is not by time, training {}, test {}",
                span(train),
                span(test)
            ),
        };
        (line + &no_dates, None)
    }

    pub(super) fn record(&self) -> Value {
        let pair = |pair: &[i128; 2]| Value::from(pair.map(shown).to_vec());
        Value::Record(vec![
            ("column", self.column.as_str().into()),
            ("train", pair(&self.train)),
            ("test", pair(&self.test)),
            ("no_dates", self.others.into()),
            ("older", self.older.into()),
            ("of", self.of.into()),
            ("leaks", self.leaks().into()),
        ])
    }
}

/// With a larger share of older test rows than this the sets were not split by time.
const MIXED: f64 = 0.2;
/// Times that both sets have to hold.
const LEAST_ROWS: usize = 20;
/// Rows that a finding names.
const MOST_ROWS: usize = 1000;
