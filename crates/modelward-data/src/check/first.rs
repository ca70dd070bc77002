//! The one pass that all checks share: the profile, how many rows have which label, and the sample.

use std::collections::BTreeMap;

use super::{Check, Request, cells, duplicate, labels, profile, schema};
use crate::{Accumulate, Batch, Roles, Sample, Set, Watch, sample};

/// What the first pass gathers.
pub(super) struct First {
    profile: profile::Profile,
    classes: labels::Counts,
    sample: Option<Sample>,
    hashes: Option<duplicate::Hashes>,
    cells: Option<cells::Cells>,
    declared: Option<schema::Kept>,
    /// The first row of each piece.
    starts: Vec<(u64, usize)>,
    watch: Watch,
}

/// What it came to.
pub(super) struct Evidence {
    pub(super) profile: Vec<profile::Column>,
    pub(super) classes: BTreeMap<String, u64>,
    pub(super) sample: sample::Rows,
    pub(super) repeated: Option<std::io::Result<duplicate::Repeated>>,
    pub(super) cells: Option<cells::Cells>,
    pub(super) declared: Option<schema::Kept>,
    pub(super) starts: Vec<(u64, usize)>,
}

impl First {
    /// Before any row; what is gathered beside the profile is what the checks want.
    pub(super) fn new(set: &Set, roles: &Roles, request: &Request, checks: &[&Check]) -> Self {
        let names = checks.iter().map(|check| check.name).collect::<Vec<_>>();
        let learns = checks.iter().any(|check| check.learns);
        let hashed = names.contains(&"duplicate");
        let most = usize::try_from(request.limits.memory / 4).unwrap_or(usize::MAX);
        Self {
            profile: profile::Profile::new(&set.schema, request),
            classes: labels::Counts::new(roles.label),
            hashes: hashed.then(|| {
                let columns = duplicate::columns(&set.schema, roles);
                duplicate::Hashes::new(columns, request.limits.memory)
            }),
            cells: cells::Cells::new(&set.schema, &names),
            sample: learns.then(|| Sample::new(set.schema.clone(), most, request.seed)),
            declared: (request.schema.as_ref())
                .filter(|_| names.contains(&"schema"))
                .map(|declared| schema::Kept::new(declared, &set.schema)),
            starts: Vec::new(),
            watch: request.watch.clone(),
        }
    }
}

impl Accumulate for First {
    type Evidence = Evidence;

    fn empty(&self) -> Self {
        Self {
            profile: self.profile.empty(),
            classes: self.classes.empty(),
            hashes: self.hashes.as_ref().map(Accumulate::empty),
            cells: self.cells.as_ref().map(Accumulate::empty),
            sample: self.sample.as_ref().map(Accumulate::empty),
            declared: self.declared.as_ref().map(Accumulate::empty),
            starts: Vec::new(),
            watch: self.watch.clone(),
        }
    }

    fn update(&mut self, batch: &Batch) {
        self.watch.read(batch.len());
        self.profile.update(batch);
        self.classes.update(batch);
        if let Some(sample) = &mut self.sample {
            sample.update(batch);
        }
        if let Some(hashes) = &mut self.hashes {
            hashes.update(batch);
        }
        if let Some(cells) = &mut self.cells {
            cells.update(batch);
        }
        if let Some(declared) = &mut self.declared {
            declared.update(batch);
        }
        if self.starts.last().is_none_or(|(_, piece)| *piece != batch.piece) {
            self.starts.push((batch.first_row, batch.piece));
        }
    }

    fn merge(&mut self, later: Self) {
        self.profile.merge(later.profile);
        self.classes.merge(later.classes);
        if let (Some(sample), Some(later)) = (&mut self.sample, later.sample) {
            sample.merge(later);
        }
        if let (Some(hashes), Some(later)) = (&mut self.hashes, later.hashes) {
            hashes.merge(later);
        }
        if let (Some(cells), Some(later)) = (&mut self.cells, later.cells) {
            cells.merge(later);
        }
        if let (Some(declared), Some(later)) = (&mut self.declared, later.declared) {
            declared.merge(later);
        }
        let known = self.starts.last().map(|(_, piece)| *piece);
        self.starts.extend(later.starts.into_iter().skip_while(|(_, piece)| Some(*piece) == known));
    }

    fn finish(self) -> Evidence {
        Evidence {
            profile: self.profile.finish(),
            classes: self.classes.finish(),
            cells: self.cells.map(Accumulate::finish),
            declared: self.declared,
            starts: self.starts,
            repeated: self.hashes.map(Accumulate::finish),
            sample: self.sample.map_or_else(sample::Rows::none, Accumulate::finish),
        }
    }
}

#[cfg(test)]
mod tests;
