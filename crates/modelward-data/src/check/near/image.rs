//! Images that look alike: saved again, moved or cut by a few pixels, in another size, brighter.
//!
//! Hashes of 64 bits propose pairs: the signs of a small grey picture's differences (dHash), and its low
//! frequencies against their median (pHash; Zauner, 2010), of the whole image and of a few cuts, so that a
//! copy that was moved or cut shares one with its source; and low frequencies of its shadows and of its
//! lights alone, which stay where a copy was made so bright or dark that the rest went white or black. What
//! is proposed is laid over each other ([`align`]) and verified by its correlation.
//!
//! How much two unlike images correlate hangs on the set: two photographs hardly, two drawings of one digit
//! up to .99. A pair is told only if what is left between its images is a small part of what is left between
//! each of them and the images of the set that are most like it (the ratio test of Lowe, IJCV 60, 2004).

use std::collections::HashMap;

use arrow_array::RecordBatch;

use super::pairs::{Pairs, Proposals};
use crate::{
    Limits,
    pictures::{Picture, Pictures},
};

mod align;
mod hash;

use self::{
    align::{Ends, Place, Small},
    hash::Hashes,
};

/// Images and their hashes.
pub(crate) struct Images {
    columns: Vec<Pictures>,
    /// None of a flat image, of one that is too small, and where there is no image: like no other.
    hashes: Vec<Option<Hashes>>,
}

/// The least correlation of two pictures of one thing.
pub(crate) const ALIKE: f64 = 0.95;
/// The same where the set has too few images to tell how alike its unlike ones are.
const SURE: f64 = 0.98;
/// What is left between copies is at most this part of what is left between either and others. On digits
/// drawn by hand the least of 1.6 million pairs is .13, on cuts of photographs .097.
const RATIO: f64 = 0.08;
/// The others: of images that are drawn from the set, the so-manieth that is most like one. Copies of it that
/// were drawn too come before.
const OTHER: usize = 5;
/// Images that are drawn from the set.
const DRAWN: usize = 128;
/// Of these, such as are laid over an image, the most like first.
const LAID: usize = 8;
/// The least side of an image: below it digits of one kind look alike.
const LEAST_SIDE: usize = 24;
/// Proposals of an image that may fail one after the other before it is left alone.
const PATIENCE: usize = 64;
/// Pictures that are kept.
const KEPT: usize = 128;

impl Images {
    /// The images of a column, `None` where it has none, or such as are too small to tell copies from
    /// what is alike.
    pub(crate) fn of(rows: &RecordBatch, column: usize, limits: &Limits) -> Option<Self> {
        let pictures = Pictures::of(rows, column, limits)?;
        if pictures.shape().is_some_and(|(height, width, ..)| height.min(width) < LEAST_SIDE) {
            return None;
        }
        let hashes = (0..pictures.len()).map(|row| {
            let large = |it: &Picture| it.height >= LEAST_SIDE && it.width >= LEAST_SIDE;
            Hashes::of(&pictures.get(row).filter(large)?)
        });
        Some(Self { hashes: hashes.collect(), columns: vec![pictures] })
    }

    /// Put others behind these.
    pub(crate) fn extend(&mut self, later: Self) {
        self.columns.extend(later.columns);
        self.hashes.extend(later.hashes);
    }

    /// The pairs that look alike.
    pub(crate) fn pairs(&self) -> Pairs {
        let mut verifier = Verifier::new(self);
        let mut proposals = Proposals::new(|a, b| verifier.alike(a, b));
        let mut entries = Vec::new();
        for (of, part) in hash::tables() {
            entries.clear();
            for (row, hashes) in self.hashes.iter().enumerate() {
                let hashes = hashes.iter().flat_map(|hashes| hashes.of_table(of));
                entries.extend(hashes.map(|hash| (hash::part(hash, part), row as u32, hash)));
            }
            let near = |one: &(u64, u32, u64), other: &(u64, u32, u64)| {
                hash::distance(one.2, other.2) <= hash::MOST_BITS
            };
            proposals.table(&mut entries, |entry| (entry.0, entry.1), near);
        }
        let mut pairs = proposals.finish();
        pairs.capped |= verifier.gave_up;
        pairs
    }

    /// The picture of a row; it was read before.
    fn small(&self, row: u32) -> Option<Small> {
        self.cut(row, &[])
    }

    /// The same, cut off at its ends.
    fn cut(&self, row: u32, ends: &[Ends]) -> Option<Small> {
        let mut row = row as usize;
        for pictures in &self.columns {
            match row.checked_sub(pictures.len()) {
                Some(behind) => row = behind,
                None => return Some(Small::cut(&pictures.get(row)?, pictures.encoded(), ends)),
            }
        }
        None
    }
}

/// Lays images over each other.
struct Verifier<'a> {
    images: &'a Images,
    /// Images drawn from the set; none where they are too few.
    drawn: Vec<(u32, Small)>,
    /// What is left between an image and those most like it.
    gaps: HashMap<u32, f64>,
    kept: HashMap<u32, Small>,
    /// The image whose proposals come, and how many of them failed since one was alike.
    now: (u32, usize),
    gave_up: bool,
}

impl<'a> Verifier<'a> {
    fn new(images: &'a Images) -> Self {
        let gaps = HashMap::new();
        Self { images, drawn: Vec::new(), gaps, kept: HashMap::new(), now: (0, 0), gave_up: false }
    }

    fn alike(&mut self, a: u32, b: u32) -> Option<f64> {
        if self.now.0 != a {
            self.now = (a, 0);
        }
        if self.now.1 >= PATIENCE {
            self.gave_up = true;
            return None;
        }
        self.now.1 += 1;
        let similarity = self.similarity(a, b)?;
        if similarity < ALIKE || similarity < self.least(a, b)? {
            return None;
        }
        self.now.1 = 0;
        Some(similarity)
    }

    fn similarity(&mut self, a: u32, b: u32) -> Option<f64> {
        let hashes = |row: u32| self.images.hashes[row as usize].as_ref();
        let start = hash::start(hashes(a)?, hashes(b)?);
        self.keep(a)?;
        self.keep(b)?;
        let (one, other) = (self.kept.get(&a)?, self.kept.get(&b)?);
        let similarity = one.similarity(other, start);
        if similarity >= ALIKE {
            return Some(similarity);
        }
        let Some(ends) = one.spoiled(other) else { return Some(similarity) };
        // Hashes that brightness has spoiled say nothing of where a copy lies.
        let (one, other) = (self.images.cut(a, &ends)?, self.images.cut(b, &ends)?);
        let spoiled = one.similarity(&other, start).max(one.similarity(&other, Place::SAME));
        Some(similarity.max(spoiled))
    }

    /// Have a picture at hand.
    fn keep(&mut self, row: u32) -> Option<()> {
        if !self.kept.contains_key(&row) {
            let small = self.images.small(row)?;
            if self.kept.len() >= KEPT {
                let now = self.now.0;
                self.kept.retain(|row, _| *row == now);
            }
            self.kept.insert(row, small);
        }
        Some(())
    }

    /// The least correlation of these two as copies.
    fn least(&mut self, a: u32, b: u32) -> Option<f64> {
        if self.drawn.is_empty() {
            let there = self.images.hashes.iter().enumerate().filter(|(_, it)| it.is_some());
            let there = there.map(|(row, _)| row as u32).collect::<Vec<_>>();
            let every = there.len().div_ceil(DRAWN).max(1);
            let drawn = there.iter().step_by(every);
            let drawn = drawn.filter_map(|row| Some((*row, self.images.small(*row)?)));
            self.drawn = drawn.collect();
        }
        if self.drawn.len() < 2 * LAID {
            return Some(SURE);
        }
        let gap = self.gap(a)?.min(self.gap(b)?);
        Some(1.0 - RATIO * gap)
    }

    fn gap(&mut self, row: u32) -> Option<f64> {
        if let Some(gap) = self.gaps.get(&row) {
            return Some(*gap);
        }
        self.keep(row)?;
        let own = self.kept.get(&row)?;
        let others = self.drawn.iter().enumerate().filter(|(_, (other, _))| *other != row);
        let mut others = others.map(|(at, (_, small))| (own.rough(small), at)).collect::<Vec<_>>();
        others.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        let hashes = |row: u32| self.images.hashes[row as usize].as_ref();
        let mut laid = Vec::with_capacity(LAID);
        for (_, at) in others.into_iter().take(LAID) {
            let (other, small) = &self.drawn[at];
            laid.push(own.similarity(small, hash::start(hashes(row)?, hashes(*other)?)));
        }
        laid.sort_by(|one, other| other.total_cmp(one));
        let gap = 1.0 - laid.get(OTHER - 1).copied().unwrap_or(0.0);
        self.gaps.insert(row, gap);
        Some(gap)
    }
}

#[cfg(test)]
mod tests;
