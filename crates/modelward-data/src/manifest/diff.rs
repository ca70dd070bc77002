//! Where two sets differ, row by row.

use std::{collections::HashMap, io};

use super::{
    Table,
    pairing::Pairing,
    sorted::{Record, Sorting},
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
        let sorted = |table| {
            let mut names = names(table);
            names.sort_unstable();
            names
        };
        let why = if sorted(old) == sorted(new) {
            "their columns stand in another order, which manifests do not see through: name a set for one of them"
        } else {
            "the sets have other columns"
        };
        difference.blind = Some(why.to_owned());
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
    let mut sorting = Sorting::new(old.rows.saturating_add(new.rows), memory)?;
    old.each(|number, row| sorting.push(Record { row, number, new: false }))?;
    new.each(|number, row| sorting.push(Record { row, number, new: true }))?;
    let most = usize::try_from(memory / 256).unwrap_or(usize::MAX).max(LEAST);
    let mut pairing = Pairing::new(difference, most);
    sorting.each(|record| pairing.take(record))?;
    pairing.finish();
    let Difference { removed, added, changed, unlisted, .. } = difference;
    removed.sort_unstable();
    added.sort_unstable();
    changed.sort_unstable();
    // What was taken from a place and what came to it, where no row moved.
    if old.key.is_none() && *unlisted == 0 && old.rows == new.rows {
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

/// Rows that are listed whatever the memory.
const LEAST: usize = 10_000;
