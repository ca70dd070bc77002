//! Rows whose labels say what the rest of another row is like: its nearest ones, however distance is
//! measured.

use super::Labelled;
use crate::learn::random::drawn;

/// Labelled rows, and those of them that neighbours are taken from.
pub(super) struct Voters<'a> {
    pub(super) labels: &'a [u32],
    classes: usize,
    reference: Vec<u32>,
}

/// Neighbours that are asked.
const NEIGHBOURS: usize = 9;

impl<'a> Voters<'a> {
    /// Twenty rows a class, and enough to know the classes; more would cost without changing answers.
    pub(super) fn new(rows: &Labelled<'a>) -> Self {
        let most = (20 * rows.classes).clamp(2048, 4096);
        let reference = drawn(most, rows.len()).into_iter().map(|row| row as u32).collect();
        Self { labels: rows.labels, classes: rows.classes, reference }
    }

    /// The rows that may be neighbours of a row.
    pub(super) fn others(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        self.reference.iter().copied().filter(move |other| *other != row)
    }

    /// Room for counting votes.
    pub(super) fn votes(&self) -> Vec<u32> {
        vec![0; self.classes]
    }

    /// Whether no class is named by more neighbours than this one.
    pub(super) fn agree(&self, class: u32, nearest: &Nearest, votes: &mut [u32]) -> bool {
        votes.fill(0);
        for (_, other) in nearest.0.iter().filter(|(distance, _)| *distance < f32::MAX) {
            votes[self.labels[*other as usize] as usize] += 1;
        }
        let own = votes[class as usize];
        votes.iter().all(|votes| *votes <= own)
    }
}

/// The nearest rows, nearest first.
#[derive(Clone, Copy)]
pub(super) struct Nearest([(f32, u32); NEIGHBOURS]);

impl Default for Nearest {
    fn default() -> Self {
        Self([(f32::MAX, 0); NEIGHBOURS])
    }
}

impl Nearest {
    #[inline]
    pub(super) fn take(&mut self, distance: f32, row: u32) {
        if distance >= self.0[NEIGHBOURS - 1].0 {
            return;
        }
        let mut at = NEIGHBOURS - 1;
        while at > 0 && self.0[at - 1].0 > distance {
            self.0[at] = self.0[at - 1];
            at -= 1;
        }
        self.0[at] = (distance, row);
    }
}
