//! Rows that are equal in every column but the label.
//!
//! The first pass hashes every row to 128 bits; rows whose hashes meet are read again and compared by
//! the SHA-256 of what they hold, so that no chance and no design makes two unlike rows a pair.

use arrow_array::RecordBatch;
use modelward_core::Value;
use sha2::{Digest, Sha256};

use super::{Context, Done, Found};
use crate::{Batch, Roles, Unread, row, rules::DUPLICATE};

mod hashes;
mod record;
mod spill;

pub(super) use self::hashes::{Hashes, Repeated};

/// The columns that make a row what it is: all but the label and where the row comes from.
pub(super) fn columns(schema: &arrow_schema::Schema, roles: &Roles) -> Vec<usize> {
    let fields = schema.fields().iter().enumerate();
    let own = fields
        .filter(|(at, field)| !roles.is_label(*at) && crate::kind(field) != crate::Kind::Path);
    own.map(|(at, _)| at).collect()
}

/// Rows that are equal in every column but the label.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let columns = columns(&context.set.schema, &context.roles);
    if columns.is_empty() {
        return Ok(Done::skipped("expected a column beside the label, found none"));
    }
    let repeated = match &context.repeated {
        Some(Ok(repeated)) => repeated,
        Some(Err(why)) => return Ok(Done::skipped(format!("its file of hashes failed: {why}"))),
        None => return Ok(Done::skipped("the rows were not hashed")),
    };
    let groups = verified(context, repeated, &columns)?;
    let copies = groups.iter().map(|group| group.len() as u64 - 1).sum::<u64>();
    let copies = copies + repeated.unlisted;
    let listed = groups
        .iter()
        .map(|group| Value::List(group.iter().map(|row| Value::from(*row)).collect::<Vec<_>>()));
    let fields = vec![
        ("groups", Value::List(listed.collect())),
        ("copies", copies.into()),
        ("unlisted", repeated.unlisted.into()),
    ];
    if copies == 0 {
        return Ok(Done { fields, ..Done::default() });
    }
    let of_label = if context.roles.label.is_some() { " but the label" } else { "" };
    let rows = groups.iter().flat_map(|group| group.iter().skip(1)).copied().take(MOST_NAMED);
    let message = format!(
        "{copies} {} equal to an earlier one in every column{of_label}",
        if copies == 1 { "row is" } else { "rows are" }
    );
    let shown = groups.iter().take(MOST_SHOWN).map(|group| {
        let rows = group.iter().take(MOST_SHOWN).map(u64::to_string).collect::<Vec<_>>();
        let more = group.len().saturating_sub(MOST_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("duplicate  rows {}{more} are equal", rows.join(", "))
    });
    let mut lines = shown.collect::<Vec<_>>();
    if groups.len() > MOST_SHOWN {
        lines.push(format!("duplicate  and {} groups more", groups.len() - MOST_SHOWN));
    }
    let found = Found {
        rule: &DUPLICATE,
        severity: DUPLICATE.severity,
        message,
        rows: rows.collect(),
        measured: ("copies", copies as f64, 0.0),
    };
    let more = repeated.unlisted;
    let beyond = (more > 0).then(|| format!("{more} more copies are counted and not listed"));
    Ok(Done { fields, lines, found: vec![found], beyond, ..Done::default() })
}

/// The groups whose rows hold the same, by their first row.
fn verified(
    context: &Context<'_>,
    repeated: &Repeated,
    columns: &[usize],
) -> Result<Vec<Vec<u64>>, Unread> {
    if repeated.rows.is_empty() {
        return Ok(Vec::new());
    }
    // Each row, its group, and what it holds.
    let mut rows = repeated.rows.iter().map(|(row, group)| (*row, *group, [0; 32]));
    let mut rows = rows.by_ref().collect::<Vec<_>>();
    rows.sort_unstable();
    let mut bytes = Vec::new();
    let mut digest = |batch: &RecordBatch, at: usize| -> [u8; 32] {
        bytes.clear();
        columns.iter().for_each(|column| row::write(batch.column(*column), at, &mut bytes));
        Sha256::digest(&bytes).into()
    };
    let sample = &context.sample;
    if sample.numbers.len() as u64 == context.rows {
        // All rows are in memory.
        for (row, _, of) in &mut rows {
            *of = digest(&sample.rows, *row as usize);
        }
    } else {
        let starts = rows.iter().map(|(row, ..)| *row).collect::<Vec<_>>();
        let wanted = |range: std::ops::Range<u64>| {
            let at = starts.partition_point(|row| *row < range.start);
            starts.get(at).is_some_and(|row| *row < range.end)
        };
        let mut next = 0;
        context.set.walk_where(wanted, |batch: &Batch| {
            let end = batch.first_row + batch.len() as u64;
            while let Some((row, _, of)) = rows.get_mut(next).filter(|(row, ..)| *row < end) {
                *of = digest(&batch.rows, (*row - batch.first_row) as usize);
                next += 1;
            }
            Ok(())
        })?;
    }
    rows.sort_unstable_by_key(|(row, group, digest)| (*group, *digest, *row));
    let equal = rows.chunk_by(|one, other| (one.1, one.2) == (other.1, other.2));
    let groups = equal.filter(|group| group.len() > 1);
    let mut groups =
        groups.map(|group| group.iter().map(|(row, ..)| *row).collect()).collect::<Vec<Vec<_>>>();
    groups.sort_unstable();
    Ok(groups)
}

/// Rows that a finding names.
const MOST_NAMED: usize = 1000;
/// Groups, and rows of one, that are shown to people.
const MOST_SHOWN: usize = 5;
