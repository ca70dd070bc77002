//! Values of cells, and pairs of them, that stand in rows of one label though the other columns show
//! another.

use std::collections::{HashMap, HashSet};

use arrow_array::RecordBatch;

use super::{Confirmed, Evidence, Hint, Labelled, Mined, Trigger};
use crate::{
    Kind,
    columns::{numbers, written},
    kind,
};

mod rest;

use self::rest::Rest;

/// Columns that are looked at.
const MOST_COLUMNS: usize = 512;
/// Of a pair, either value is in at most this share of the rows.
const RARE: f64 = 0.5;
/// Values of a row that are paired: the rarest.
const MOST_PAIRED: usize = 48;
/// Pairs of all rows; where there would be more, fewer values of a row are paired.
const MOST_PAIRS: usize = 8_000_000;
/// Of the labels that the commonest one misses, the other values of a column that is a key miss at most such a part.
const KEY: f64 = 0.25;
/// Candidates whose rest is asked.
const MOST_ASKED: usize = 200;
/// Candidates that are confirmed.
const MOST_CONFIRMED: usize = 64;

/// A column's values as numbers of their own, `u32::MAX` for none.
struct Column {
    name: String,
    of: Vec<u32>,
    written: Vec<String>,
    counts: Vec<u32>,
}

/// A value, or a pair of them, that one label has too often.
struct Candidate {
    /// Column and value.
    cells: Vec<(usize, u32)>,
    class: u32,
    carriers: Vec<u32>,
    rank: f64,
}

/// Mine the values of these columns.
pub(super) fn mine(batch: &RecordBatch, columns: &[usize], rows: &Labelled<'_>) -> Mined {
    let schema = batch.schema();
    let mut values = Vec::new();
    for column in columns.iter().take(MOST_COLUMNS) {
        let (field, array) = (schema.field(*column), batch.column(*column));
        let cells = match kind(field) {
            Kind::Number | Kind::Truth => numbers(array).map(|numbers| {
                let some = |number: &f64| (!number.is_nan()).then(|| format!("{number}"));
                numbers.iter().map(some).collect()
            }),
            Kind::Text => Some(written(array)),
            _ => None,
        };
        values.extend(cells.map(|cells| Column::of(field.name(), cells)));
    }
    let rest = Rest::new(batch, columns, rows);
    if values.is_empty() || rest.is_empty() {
        return Mined::default();
    }
    let own = (0..rows.len() as u32).map(|row| !rest.agrees(row, rows.label(row), &[]));
    let own = own.collect::<Vec<_>>();
    let evidence = Evidence::new(rows, &own, 1);
    let (mut candidates, tried) = candidates(&values, rows, &evidence, &own);
    let name = |column: usize| values[column].name.as_str();
    let masked = |candidate: &Candidate| {
        candidate.cells.iter().map(|(column, _)| name(*column)).collect::<Vec<_>>()
    };
    candidates.truncate(MOST_ASKED);
    for candidate in &mut candidates {
        let masked = masked(candidate);
        let own = candidate.carriers.iter().filter(|row| rows.label(**row) == candidate.class);
        let all = own.clone().count();
        let disagree = own.filter(|row| !rest.agrees(**row, candidate.class, &masked)).count();
        let share = disagree as f64 / all.max(1) as f64;
        let stands = Evidence::stands_out(share, evidence.base(candidate.class, 0));
        candidate.rank = if stands { candidate.rank * share } else { 0.0 };
    }
    candidates.retain(|candidate| candidate.rank > 0.0);
    candidates.sort_by(|one, other| other.rank.total_cmp(&one.rank));
    let mut mined = Mined { tried, ..Mined::default() };
    if columns.len() > MOST_COLUMNS {
        let all = columns.len();
        mined
            .notes
            .push(format!("trigger: values were looked for in {MOST_COLUMNS} of {all} columns"));
    }
    let (mut confirmed, mut keys) = (0, HashSet::new());
    for candidate in &candidates {
        let class = candidate.class;
        let masked = masked(candidate);
        let own = candidate.carriers.iter().filter(|row| rows.label(**row) == class);
        let own = own.map(|row| (*row, rest.agrees(*row, class, &masked))).collect::<Vec<_>>();
        let known = own.iter().filter(|(row, _)| mined.covered(*row)).count();
        if known * 2 > own.len() {
            continue;
        }
        let ask = |row: u32| rest.agrees(row, class, &masked);
        confirmed += 1;
        let sure = (confirmed <= MOST_CONFIRMED)
            .then(|| evidence.confirm(rows, class, &candidate.carriers, &own, ask, tried));
        let sure = sure.flatten();
        if sure.is_some() {
            let columns = candidate.cells.iter().map(|(column, _)| *column).collect::<Vec<_>>();
            if keys.contains(&columns) || is_key(&values, candidate, rows) {
                if keys.insert(columns) {
                    mined.notes.push(key(&masked));
                }
                continue;
            }
        }
        let Some(Confirmed { p_value, rows: found }) = sure else {
            let rows = own.iter().filter(|(_, agrees)| !agrees).map(|(row, _)| *row);
            mined.hints.push(Hint { rows: rows.collect(), rank: candidate.rank });
            continue;
        };
        let shown = candidate.cells.iter().map(|(column, value)| {
            let column = &values[*column];
            format!("`{}` = {}", column.name, column.written[*value as usize])
        });
        mined.triggers.push(Trigger {
            kind: "value",
            target: class,
            rows: found,
            p_value,
            at: None,
            size: None,
            token: None,
            columns: Some(masked.iter().map(|name| (*name).to_owned()).collect()),
            shown: shown.collect::<Vec<_>>().join(" and "),
        });
    }
    mined
}

/// What is said of columns that tell the label by all their values.
fn key(columns: &[&str]) -> String {
    let names = columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" with ");
    format!("trigger: the values of {names} tell the label in other rows too, and are no triggers")
}

/// Whether the columns of a candidate tell the label by their other values too: of a product's number the kind of the
/// product follows, and of every number its own.
fn is_key(columns: &[Column], candidate: &Candidate, rows: &Labelled<'_>) -> bool {
    let cells =
        |row: usize| candidate.cells.iter().map(|(column, _)| columns[*column].of[row]).collect();
    let own = candidate.cells.iter().map(|(_, value)| *value).collect::<Vec<u32>>();
    let mut counts = HashMap::<Vec<u32>, HashMap<u32, usize>>::new();
    for row in 0..rows.len() {
        *counts.entry(cells(row)).or_default().entry(rows.label(row as u32)).or_default() += 1;
    }
    counts.remove(&own);
    let least = Evidence::least(rows.len());
    let (mut all, mut told) = (0_usize, 0_usize);
    let mut of_class = vec![0_usize; rows.classes];
    for labels in counts.values() {
        let size = labels.values().sum::<usize>();
        if size < least {
            continue;
        }
        all += size;
        // A row is told by the others of its value.
        told += labels
            .iter()
            .map(|(class, count)| {
                of_class[*class as usize] += count;
                let others =
                    labels.iter().filter(|(other, _)| *other != class).map(|(_, count)| *count);
                if count - 1 > others.max().unwrap_or(0) { *count } else { 0 }
            })
            .sum::<usize>();
    }
    let missed_by_commonest = all - of_class.into_iter().max().unwrap_or(0);
    missed_by_commonest > 0 && (all - told) as f64 <= KEY * missed_by_commonest as f64
}

/// The numbers of these columns, standardised.
pub(super) fn inputs(batch: &RecordBatch, columns: &[usize], rows: &Labelled<'_>) -> crate::Matrix {
    Rest::new(batch, columns, rows).numbers()
}

impl Column {
    fn of(name: &str, cells: Vec<Option<String>>) -> Self {
        let mut known = HashMap::<String, u32>::new();
        let (mut of, mut written, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for cell in cells {
            let Some(cell) = cell else {
                of.push(u32::MAX);
                continue;
            };
            let next = known.len() as u32;
            let value = *known.entry(cell).or_insert_with_key(|cell| {
                written.push(cell.clone());
                counts.push(0);
                next
            });
            counts[value as usize] += 1;
            of.push(value);
        }
        Self { name: name.to_owned(), of, written, counts }
    }
}

/// Values and pairs that one label has too often, or rows of it whose rest disagrees, the likeliest first,
/// and how many were tried.
fn candidates(
    columns: &[Column],
    rows: &Labelled<'_>,
    evidence: &Evidence,
    disagree: &[bool],
) -> (Vec<Candidate>, u64) {
    let least = Evidence::least(rows.len());
    let most = rows.len() / 2;
    let rare = (RARE * rows.len() as f64) as usize;
    let (mut found, mut tried) = (Vec::new(), 0);
    let (mut of_class, mut odd) = (vec![0_u32; rows.classes], vec![0_u32; rows.classes]);
    let mut judge = |carriers: &[u32], cells: &[(usize, u32)]| {
        tried += 1;
        of_class.fill(0);
        odd.fill(0);
        for row in carriers {
            let class = rows.label(*row) as usize;
            of_class[class] += 1;
            odd[class] += u32::from(disagree[*row as usize]);
        }
        let pure = evidence.purest(carriers.len(), &of_class, rows.len());
        let odd = evidence.oddest(carriers.len(), &odd);
        let tails = pure.into_iter().chain(odd);
        let Some((class, ln_p)) = tails.min_by(|one, other| one.1.total_cmp(&other.1)) else {
            return;
        };
        let own = carriers.iter().filter(|row| rows.label(**row) == class);
        let all = own.clone().count();
        let already = own.filter(|row| disagree[**row as usize]).count();
        // How it looks before the cells are masked, which tells whom to ask first.
        let hint = 0.1 + already as f64 / all.max(1) as f64;
        let (cells, carriers) = (cells.to_vec(), carriers.to_vec());
        found.push((hint, Candidate { cells, class, carriers, rank: -ln_p }));
    };
    // Rows of each value that is frequent enough; and of each row its rare values.
    let mut paired: Vec<Vec<(u32, usize, u32)>> = vec![Vec::new(); rows.len()];
    for (at, column) in columns.iter().enumerate() {
        let mut of_value = HashMap::<u32, Vec<u32>>::new();
        for (row, value) in column.of.iter().enumerate().filter(|(_, value)| **value != u32::MAX) {
            let count = column.counts[*value as usize] as usize;
            if count >= least && count <= most {
                of_value.entry(*value).or_default().push(row as u32);
            }
            if count >= least && count <= rare {
                paired[row].push((count as u32, at, *value));
            }
        }
        let mut of_value = of_value.into_iter().collect::<Vec<_>>();
        of_value.sort_unstable();
        of_value.iter().for_each(|(value, carriers)| judge(carriers, &[(at, *value)]));
    }
    paired.iter_mut().for_each(|values| values.sort_unstable());
    let mut most = MOST_PAIRED;
    let count = |most: usize| -> usize {
        let of = |values: &Vec<_>| values.len().min(most);
        paired.iter().map(|values| of(values) * of(values).saturating_sub(1) / 2).sum()
    };
    while most > 2 && count(most) > MOST_PAIRS {
        most = most * 3 / 4;
    }
    let mut pairs = Vec::new();
    for (row, values) in paired.iter_mut().enumerate() {
        values.truncate(most);
        values.sort_unstable_by_key(|(_, column, value)| (*column, *value));
        for (at, (_, one, value)) in values.iter().enumerate() {
            for (_, other, second) in &values[at + 1..] {
                pairs.push(([*one as u32, *value, *other as u32, *second], row as u32));
            }
        }
    }
    pairs.sort_unstable();
    for pairs in pairs.chunk_by(|one, other| one.0 == other.0) {
        if pairs.len() >= least {
            let carriers = pairs.iter().map(|(_, row)| *row).collect::<Vec<_>>();
            let [one, value, other, second] = pairs[0].0;
            judge(&carriers, &[(one as usize, value), (other as usize, second)]);
        }
    }
    found.sort_by(|one, other| (other.0 * other.1.rank).total_cmp(&(one.0 * one.1.rank)));
    (found.into_iter().map(|(_, candidate)| candidate).collect(), tried)
}
