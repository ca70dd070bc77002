//! Which rows of two sets are the same: of those with the same values first the ones of the same number, then
//! any; and of those of one key that are left one becomes the other.

use std::collections::VecDeque;

use super::{Difference, Row, sorted::Record};

/// Rows that are paired as they come, sorted.
pub(super) struct Pairing<'a> {
    difference: &'a mut Difference,
    /// The most rows that are listed.
    most: usize,
    /// The key and values of the rows that came last.
    row: Option<Row>,
    /// The row before, where it may be the same as the next.
    last: Option<Record>,
    /// Rows of these values that no row of the other set is like; they are all of one set.
    waiting: VecDeque<Record>,
    /// How many more wait.
    more: Side<u64>,
    /// Rows of this key that are in one set alone.
    left: Side<Vec<u64>>,
    /// How many more of them there are.
    beyond: Side<u64>,
}

/// What there is of either set.
#[derive(Default)]
struct Side<T> {
    old: T,
    new: T,
}

impl<T> Side<T> {
    fn of(&mut self, new: bool) -> &mut T {
        if new { &mut self.new } else { &mut self.old }
    }
}

impl<'a> Pairing<'a> {
    pub(super) fn new(difference: &'a mut Difference, most: usize) -> Self {
        Self {
            difference,
            most,
            row: None,
            last: None,
            waiting: VecDeque::new(),
            more: Side::default(),
            left: Side::default(),
            beyond: Side::default(),
        }
    }

    /// Take in the next row.
    pub(super) fn take(&mut self, record: &Record) {
        if let Some(row) = self.row.filter(|row| *row != record.row) {
            self.end_of_values();
            if row.key != record.row.key {
                self.end_of_key();
            }
        }
        self.row = Some(record.row);
        match self.last.take() {
            Some(last) if last.number == record.number => {}
            last => {
                last.into_iter().for_each(|last| self.wait(last));
                self.last = Some(*record);
            }
        }
    }

    /// A row that none of its own number is like: the same as one that waits, or it waits itself.
    fn wait(&mut self, record: Record) {
        let other = self.more.of(!record.new);
        if *other > 0 {
            *other = other.saturating_sub(1);
        } else if self.waiting.front().is_some_and(|first| first.new != record.new) {
            self.waiting.pop_front();
        } else if self.waiting.len() < self.most {
            self.waiting.push_back(record);
        } else {
            let more = self.more.of(record.new);
            *more = more.saturating_add(1);
        }
    }

    fn end_of_values(&mut self) {
        self.last.take().into_iter().for_each(|last| self.wait(last));
        for new in [false, true] {
            let more = std::mem::take(self.more.of(new));
            let beyond = self.beyond.of(new);
            *beyond = beyond.saturating_add(more);
        }
        for record in self.waiting.drain(..) {
            let left = self.left.of(record.new);
            if left.len() < self.most {
                left.push(record.number);
            } else {
                let beyond = self.beyond.of(record.new);
                *beyond = beyond.saturating_add(1);
            }
        }
    }

    fn end_of_key(&mut self) {
        let (left, beyond) = (std::mem::take(&mut self.left), std::mem::take(&mut self.beyond));
        let (mut gone, mut come) = (left.old, left.new);
        let Difference { removed, added, changed, unlisted, .. } = &mut *self.difference;
        let listed = removed.len().max(added.len()).max(changed.len());
        let all = listed.saturating_add(gone.len()).saturating_add(come.len());
        if all > self.most || beyond.old > 0 || beyond.new > 0 {
            let gone = beyond.old.saturating_add(gone.len() as u64);
            let come = beyond.new.saturating_add(come.len() as u64);
            *unlisted = unlisted.saturating_add(gone.max(come));
            return;
        }
        gone.sort_unstable();
        come.sort_unstable();
        let pairs = gone.len().min(come.len());
        changed.extend(gone.iter().copied().zip(come.iter().copied()));
        removed.extend(gone.into_iter().skip(pairs));
        added.extend(come.into_iter().skip(pairs));
    }

    /// All rows came.
    pub(super) fn finish(mut self) {
        self.end_of_values();
        self.end_of_key();
    }
}
