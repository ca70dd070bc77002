//! Where two sets differ, row by row.

use std::{collections::HashMap, io};

use super::{
    Table,
    parts::{Parts, Record},
};

/// Where two sets differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Columns that the new set lacks.
    pub missing: Vec<String>,
    /// Columns that it has beside.
    pub extra: Vec<String>,
    /// Columns whose type is another, each with both.
    pub retyped: Vec<(String, String, String)>,
    /// Rows of the old set that the new one lacks, by their number there.
    pub removed: Vec<u64>,
    /// Rows of the new set that the old one lacks, by their number there.
    pub added: Vec<u64>,
    /// Rows of one key, or of one place in sets of the same length, whose values differ: the number in the
    /// old set and in the new.
    pub changed: Vec<(u64, u64)>,
    /// Rows that differ beyond those that are listed.
    pub unlisted: u64,
    /// Whether the rows are the same in another order.
    pub moved: bool,
    /// Stretches of rows that differ, where no single rows are known: the first and how many.
    pub stretches: Vec<(u64, u64)>,
    /// Why rows were not compared.
    pub blind: Option<String>,
}

impl Difference {
    /// Whether there is any.
    pub fn is_some(&self) -> bool {
        *self != Self { blind: self.blind.clone(), ..Self::default() }
    }

    /// How many rows differ.
    pub fn rows(&self) -> u64 {
        let listed = [self.removed.len(), self.added.len(), self.changed.len()];
        listed.iter().fold(self.unlisted, |sum, more| sum.saturating_add(*more as u64))
    }
}

/// Compare two sets in so much memory. Where their columns differ, both have to be of the columns they share.
///
/// # Errors
/// Where a temporary file cannot be used.
pub fn diff(old: &Table, new: &Table, memory: u64) -> io::Result<Difference> {
    let mut difference = Difference::default();
    if names(old) != names(new) {
        difference.blind = Some("the sets have other columns".to_owned());
    } else if old.key != new.key {
        difference.blind = Some("the sets are known by other keys".to_owned());
    } else if !old.names_rows() || !new.names_rows() {
        stretches(old, new, &mut difference);
    } else if old.key.is_some() || old.sha256 != new.sha256 {
        rows(old, new, memory, &mut difference)?;
        let same = difference.rows() == 0;
        difference.moved = same && old.sha256 != new.sha256;
    }
    Ok(difference)
}

impl Difference {
    /// Tell what became of the columns of a set.
    pub fn columns(&mut self, old: &[(String, String)], new: &[(String, String)]) {
        let of = |columns: &[(String, String)]| -> HashMap<String, String> {
            columns.iter().cloned().collect()
        };
        let (in_old, in_new) = (of(old), of(new));
        for (name, kind) in old {
            match in_new.get(name) {
                None => self.missing.push(name.clone()),
                Some(now) if now != kind => {
                    self.retyped.push((name.clone(), kind.clone(), now.clone()));
                }
                Some(_) => {}
            }
        }
        let extra = new.iter().filter(|(name, _)| !in_old.contains_key(name));
        self.extra.extend(extra.map(|(name, _)| name.clone()));
    }
}

fn names(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|(name, _)| name.as_str()).collect()
}

/// Stretches whose digests differ; where one side has them otherwise, all of it is one.
fn stretches(old: &Table, new: &Table, difference: &mut Difference) {
    if old.sha256 == new.sha256 {
        return;
    }
    let place = |table: &Table| {
        table.groups.iter().map(|group| (group.first, group.rows)).collect::<Vec<_>>()
    };
    difference.stretches = if place(old) == place(new) {
        let pairs = old.groups.iter().zip(&new.groups);
        let other = pairs.filter(|(one, other)| one.sha256 != other.sha256);
        other.map(|(one, _)| (one.first, one.rows)).collect()
    } else {
        vec![(0, old.rows.max(new.rows))]
    };
}

fn rows(old: &Table, new: &Table, memory: u64, difference: &mut Difference) -> io::Result<()> {
    let mut parts = Parts::new(old.rows.saturating_add(new.rows), memory)?;
    old.each(|number, row| parts.push(&Record { row, new: false, number }))?;
    new.each(|number, row| parts.push(&Record { row, new: true, number }))?;
    let most = usize::try_from(memory / 256).unwrap_or(usize::MAX).max(LEAST);
    let keyed = old.key.is_some();
    parts.each(|records| {
        for group in records.chunk_by(|one, other| one.row.key == other.row.key) {
            of_key(group, keyed, most, difference);
        }
    })?;
    let Difference { removed, added, changed, unlisted, .. } = difference;
    removed.sort_unstable();
    added.sort_unstable();
    changed.sort_unstable();
    // What was taken from a place and what came to it, where no row moved.
    if !keyed && *unlisted == 0 && old.rows == new.rows {
        let mut left = Vec::new();
        for row in std::mem::take(removed) {
            match added.binary_search(&row) {
                Ok(_) => changed.push((row, row)),
                Err(_) => left.push(row),
            }
        }
        *removed = left;
        added.retain(|row| changed.binary_search(&(*row, *row)).is_err());
    }
    Ok(())
}

/// Rows of one key: those of the same values are the same, and of the others one becomes the next.
fn of_key(records: &[Record], keyed: bool, most: usize, difference: &mut Difference) {
    let at = records.partition_point(|record| !record.new);
    let (old, new) = records.split_at_checked(at).unwrap_or_default();
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    if keyed {
        let mut known: HashMap<[u8; 16], u64> = HashMap::new();
        for record in new {
            let count = known.entry(record.row.values).or_default();
            *count = count.saturating_add(1);
        }
        let mut left: HashMap<[u8; 16], u64> = HashMap::new();
        for record in old {
            match known.get_mut(&record.row.values).filter(|count| **count > 0) {
                Some(count) => {
                    *count = count.saturating_sub(1);
                    let matched = left.entry(record.row.values).or_default();
                    *matched = matched.saturating_add(1);
                }
                None => gone.push(record.number),
            }
        }
        for record in new {
            match left.get_mut(&record.row.values).filter(|count| **count > 0) {
                Some(count) => *count = count.saturating_sub(1),
                None => come.push(record.number),
            }
        }
    } else {
        let same = old.len().min(new.len());
        gone.extend(old.iter().skip(same).map(|record| record.number));
        come.extend(new.iter().skip(same).map(|record| record.number));
    }
    let pairs = gone.len().min(come.len());
    let listed = difference.removed.len().max(difference.added.len()).max(difference.changed.len());
    if listed.saturating_add(gone.len()).saturating_add(come.len()) > most {
        let count = gone.len().max(come.len()) as u64;
        difference.unlisted = difference.unlisted.saturating_add(count);
        return;
    }
    let paired = gone.iter().zip(&come).take(pairs);
    difference.changed.extend(paired.map(|(old, new)| (*old, *new)));
    difference.removed.extend(gone.into_iter().skip(pairs));
    difference.added.extend(come.into_iter().skip(pairs));
}

/// Rows that are listed whatever the memory.
const LEAST: usize = 10_000;
