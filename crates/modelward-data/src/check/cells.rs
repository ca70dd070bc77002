//! What lies in single cells: of text formulas, hidden characters, instructions to a model, credentials and
//! bad addresses; of images and bytes other files.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::{Field, Schema};
use modelward_core::{Rule, Severity, Value};

use super::{Context, Done, Found};
use crate::{
    Accumulate, Batch, Kind, Unread,
    columns::texts,
    kind,
    leaves::{self, Leaf},
    rules,
};

mod address;
mod ahead;
mod formula;
mod hidden;
mod injection;
mod secret;
mod stowaway;
mod within;

/// How many checks of cells there are.
const CHECKS: usize = 6;
/// The checks of cells, by their place in the report.
const WHAT: [(&str, &Rule); CHECKS] = [
    ("formula", &rules::FORMULA_CELL),
    ("hidden-character", &rules::HIDDEN_CHARACTER),
    ("prompt-injection", &rules::PROMPT_INJECTION),
    ("secret", &rules::SECRET_IN_DATA),
    ("bad-address", &rules::BAD_ADDRESS),
    ("hidden-file", &rules::HIDDEN_FILE),
];
/// The place of the one that looks at images and bytes; those before it look at texts.
const OF_BYTES: usize = 5;

/// A cell that is flagged.
#[derive(Clone, Debug)]
struct Flag {
    row: u64,
    column: usize,
    why: String,
    /// Whether it is as bad as its rule says, and not less.
    grave: bool,
}

/// What the cells of the rows that were seen hold.
pub(super) struct Cells {
    texts: Vec<usize>,
    /// Columns of images and of bytes.
    files: Vec<usize>,
    asked: [bool; CHECKS],
    kept: [Vec<Flag>; CHECKS],
    /// How many cells, also those that are not kept.
    count: [u64; CHECKS],
    words: String,
}

impl Cells {
    /// Before any row; `None` where no check of cells is run.
    pub(super) fn new(schema: &Schema, checks: &[&str]) -> Option<Self> {
        let asked = WHAT.map(|(name, _)| checks.contains(&name));
        let those = |wanted: &dyn Fn(&Field) -> bool| {
            let fields = schema.fields().iter().enumerate();
            fields.filter(|(_, field)| wanted(field)).map(|(at, _)| at).collect::<Vec<_>>()
        };
        asked.contains(&true).then(|| Self {
            // Also beside the column that is named as the text: a cell does harm wherever it stands.
            texts: those(&|field| kind(field) != Kind::Path && leaves::kinds(field.data_type()).0),
            files: those(&|field| leaves::kinds(field.data_type()).1),
            asked,
            kept: Default::default(),
            count: [0; CHECKS],
            words: String::new(),
        })
    }

    /// Take in what a check says of a cell.
    fn flag(&mut self, check: usize, flag: Flag) {
        self.count[check] += 1;
        if self.kept[check].len() < MOST_KEPT {
            self.kept[check].push(flag);
        }
    }

    fn update_texts(&mut self, batch: &Batch, column: usize) {
        let Some(array) = batch.rows.columns().get(column) else { return };
        let whole = texts(array).is_some();
        // Of each check what it says first of a row.
        let mut said: [BTreeMap<usize, String>; OF_BYTES] = Default::default();
        let (asked, words) = (self.asked, &mut self.words);
        leaves::each(array, |row, leaf| {
            let Leaf::Text(text) = leaf else { return };
            let mut say = |check: usize, why: Option<String>| {
                if let Some(why) = why {
                    said[check].entry(row).or_insert(why);
                }
            };
            // A spreadsheet sees the whole cell; what lies within one is no formula to it.
            if asked[0] && whole {
                say(0, formula::why(text).map(str::to_owned));
            }
            within::each(text, |text| {
                let why = [
                    asked[1].then(|| hidden::why(text)).flatten(),
                    asked[2].then(|| injection::why(text, words).map(str::to_owned)).flatten(),
                    asked[3].then(|| secret::why(text)).flatten(),
                    asked[4].then(|| address::why(text)).flatten(),
                ];
                why.into_iter().enumerate().for_each(|(at, why)| say(at + 1, why));
            });
        });
        for (check, said) in said.into_iter().enumerate() {
            for (row, why) in said {
                self.flag(check, Flag { row: batch.row(row), column, why, grave: true });
            }
        }
    }

    fn update_files(&mut self, batch: &Batch, column: usize) {
        let Some(array) = batch.rows.columns().get(column) else { return };
        let mut said = BTreeMap::new();
        leaves::each(array, |row, leaf| {
            let Leaf::Bytes(bytes) = leaf else { return };
            if let Some(found) = stowaway::in_image(bytes).or_else(|| stowaway::in_bytes(bytes)) {
                said.entry(row).or_insert(found);
            }
        });
        for (row, stowaway::Hidden { why, grave }) in said {
            self.flag(OF_BYTES, Flag { row: batch.row(row), column, why, grave });
        }
    }
}

impl Accumulate for Cells {
    type Evidence = Self;

    fn empty(&self) -> Self {
        Self {
            texts: self.texts.clone(),
            files: self.files.clone(),
            asked: self.asked,
            kept: Default::default(),
            count: [0; CHECKS],
            words: String::new(),
        }
    }

    fn update(&mut self, batch: &Batch) {
        for column in self.texts.clone() {
            self.update_texts(batch, column);
        }
        for column in self.files.clone() {
            if self.asked[OF_BYTES] {
                self.update_files(batch, column);
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
    pub(super) fn seen(&self) -> (Vec<(usize, u64, usize)>, [u64; CHECKS]) {
        let kept = self.kept.iter().enumerate();
        let kept = kept.flat_map(|(at, kept)| kept.iter().map(move |it| (at, it.row, it.column)));
        (kept.collect(), self.count)
    }
}

/// What the bytes of a cell hide: a file behind the end of an image or in its notes, or that they are a program.
pub fn hidden_file(bytes: &[u8]) -> Option<String> {
    let found = stowaway::in_image(bytes).or_else(|| stowaway::in_bytes(bytes));
    found.map(|found| found.why)
}

/// What is wrong with an address in a text.
pub fn bad_address(text: &str) -> Option<String> {
    address::why(text)
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

/// Credentials.
pub(super) fn secret(context: &Context<'_>) -> Result<Done, Unread> {
    Ok(done(context, 3, "with a credential"))
}

/// Addresses that lead to bad places.
pub(super) fn address(context: &Context<'_>) -> Result<Done, Unread> {
    Ok(done(context, 4, "with an address that leads to a bad place"))
}

/// Files inside images, programs in cells.
pub(super) fn file(context: &Context<'_>) -> Result<Done, Unread> {
    Ok(done(context, OF_BYTES, "that hold another file or more than they show"))
}

fn done(context: &Context<'_>, check: usize, what: &str) -> Done {
    let Some(cells) = &context.cells else { return Done::skipped("the cells were not looked at") };
    let (name, rule) = WHAT[check];
    if check != OF_BYTES && cells.texts.is_empty() {
        return Done::skipped("expected a column of text, found none");
    }
    if check == OF_BYTES && cells.files.is_empty() {
        return Done::skipped("expected a column of images or bytes, found none");
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
    let grave = kept.iter().any(|flag| flag.grave);
    let found = Found {
        rule,
        severity: if grave { rule.severity } else { Severity::Low },
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

#[cfg(test)]
mod tests;
