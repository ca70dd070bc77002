//! What lies in single cells of text: formulas, hidden characters, instructions to a model.

use std::collections::BTreeSet;

use arrow_schema::Schema;
use modelward_core::{Rule, Value};

use super::{Context, Done, Found};
use crate::{Accumulate, Batch, Kind, Roles, Unread, columns::texts, kind, rules};

mod formula;
mod hidden;
mod injection;

/// The checks of cells, by their place in the report.
const WHAT: [(&str, &Rule); 3] = [
    ("formula", &rules::FORMULA_CELL),
    ("hidden-character", &rules::HIDDEN_CHARACTER),
    ("prompt-injection", &rules::PROMPT_INJECTION),
];

/// A cell that is flagged.
#[derive(Clone, Debug)]
struct Flag {
    row: u64,
    column: usize,
    why: String,
}

/// What the cells of the rows that were seen hold.
pub(super) struct Cells {
    columns: Vec<usize>,
    asked: [bool; 3],
    kept: [Vec<Flag>; 3],
    /// How many cells, also those that are not kept.
    count: [u64; 3],
    words: String,
}

impl Cells {
    /// Before any row; `None` where no check of cells is run.
    pub(super) fn new(schema: &Schema, roles: &Roles, checks: &[&str]) -> Option<Self> {
        let asked = WHAT.map(|(name, _)| checks.contains(&name));
        let fields = schema.fields().iter().enumerate();
        let columns = fields.filter(|(at, field)| {
            kind(field) == Kind::Text && roles.text.is_none_or(|text| text == *at)
        });
        let columns = columns.map(|(at, _)| at).collect::<Vec<_>>();
        asked.contains(&true).then(|| Self {
            columns,
            asked,
            kept: Default::default(),
            count: [0; 3],
            words: String::new(),
        })
    }
}

impl Accumulate for Cells {
    type Evidence = Self;

    fn empty(&self) -> Self {
        Self {
            columns: self.columns.clone(),
            asked: self.asked,
            kept: Default::default(),
            count: [0; 3],
            words: String::new(),
        }
    }

    fn update(&mut self, batch: &Batch) {
        for &column in &self.columns {
            let Some(texts) = batch.rows.columns().get(column).and_then(texts) else { continue };
            for (at, text) in texts.into_iter().enumerate() {
                let Some(text) = text else { continue };
                let words = &mut self.words;
                let why = [
                    self.asked[0].then(|| formula::why(text).map(str::to_owned)).flatten(),
                    self.asked[1].then(|| hidden::why(text)).flatten(),
                    self.asked[2].then(|| injection::why(text, words).map(str::to_owned)).flatten(),
                ];
                for (check, why) in why.into_iter().enumerate() {
                    let Some(why) = why else { continue };
                    self.count[check] += 1;
                    if self.kept[check].len() < MOST_KEPT {
                        self.kept[check].push(Flag { row: batch.row(at), column, why });
                    }
                }
            }
        }
    }

    fn merge(&mut self, later: Self) {
        for (check, kept) in later.kept.into_iter().enumerate() {
            self.count[check] += later.count[check];
            let room = MOST_KEPT.saturating_sub(self.kept[check].len());
            self.kept[check].extend(kept.into_iter().take(room));
        }
    }

    fn finish(self) -> Self {
        self
    }
}

#[cfg(test)]
impl Cells {
    /// The cells that were flagged, by check, and how many there are.
    pub(super) fn seen(&self) -> (Vec<(usize, u64, usize)>, [u64; 3]) {
        let kept = self.kept.iter().enumerate();
        let kept = kept.flat_map(|(at, kept)| kept.iter().map(move |it| (at, it.row, it.column)));
        (kept.collect(), self.count)
    }
}

/// Formulas.
pub(super) fn formula(context: &Context<'_>) -> Result<Done, Unread> {
    Ok(done(context, 0, "would be run by a spreadsheet"))
}

/// Hidden characters.
pub(super) fn hidden(context: &Context<'_>) -> Result<Done, Unread> {
    Ok(done(context, 1, "with characters that are not seen"))
}

/// Instructions to a model.
pub(super) fn injection(context: &Context<'_>) -> Result<Done, Unread> {
    Ok(done(context, 2, "that looks like an instruction to a model"))
}

fn done(context: &Context<'_>, check: usize, what: &str) -> Done {
    let Some(cells) = &context.cells else { return Done::skipped("the cells were not looked at") };
    let (name, rule) = WHAT[check];
    if cells.columns.is_empty() {
        return Done::skipped("expected a column of text, found none");
    }
    let mut kept = cells.kept[check].iter().collect::<Vec<_>>();
    kept.sort_by_key(|flag| (flag.row, flag.column));
    let column = |at: usize| context.set.schema.field(at).name().as_str();
    let flagged = kept.iter().map(|flag| {
        Value::Record(vec![
            ("row", flag.row.into()),
            ("score", 1.0.into()),
            ("column", column(flag.column).into()),
            ("why", flag.why.as_str().into()),
        ])
    });
    let count = cells.count[check];
    let fields = vec![
        ("flagged", Value::List(flagged.collect())),
        ("count", count.into()),
        (
            "expected_false_alarms",
            Value::Record(vec![
                ("value", Value::Null),
                ("why", "fixed patterns, not measured".into()),
            ]),
        ),
    ];
    if count == 0 {
        return Done { fields, ..Done::default() };
    }
    let lines = kept
        .iter()
        .take(MOST_SHOWN)
        .map(|flag| format!("{name}  row {}, `{}`: {}", flag.row, column(flag.column), flag.why));
    let rows = kept.iter().map(|flag| flag.row).collect::<BTreeSet<_>>();
    let cells = if count == 1 { "cell" } else { "cells" };
    let found = Found {
        rule,
        severity: rule.severity,
        message: format!("{count} {cells} {what}"),
        rows: rows.into_iter().collect(),
        measured: ("cells", count as f64, 0.0),
    };
    let more = count.saturating_sub(kept.len() as u64);
    let beyond = (more > 0).then(|| format!("{more} more cells are counted and not listed"));
    Done { fields, lines: lines.collect(), found: vec![found], beyond, ..Done::default() }
}

/// Flagged cells that are kept; the count goes on.
const MOST_KEPT: usize = 100_000;
/// Those that are shown to people.
const MOST_SHOWN: usize = 5;
