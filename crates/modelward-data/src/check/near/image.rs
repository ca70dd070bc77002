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

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, OnceLock},
};

use arrow_array::RecordBatch;

use super::pairs::{Pairs, Proposals};
use crate::{
    Limits,
    learn::{random::drawn, workers},
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
    /// Images that are there and cannot be decoded.
    pub(crate) broken: usize,
}

/// The least correlation of two pictures of one thing.
pub(crate) const ALIKE: f64 = 0.95;
/// The same where the set has too few images to tell how alike its unlike ones are.
const SURE: f64 = 0.98;
/// What is left between copies is at most this part of what is left between either and others. On digits
/// drawn by hand the least of 1.6 million pairs is .13, on cuts of photographs .097.
const RATIO: f64 = 0.09;
/// The others: of images that are drawn from the set, the so-manieth that is most like one.
const OTHER: usize = 4;
/// Images that are drawn from the set.
const DRAWN: usize = 512;
/// Of these, such as are laid over an image, the most like first. Copies may be among them: what is left
/// leaps behind the last of them.
const LAID: usize = 12;
/// Where all of these may be copies, as many more as a set may have of one image: one of so many. What more images
/// are like is the form of them all.
const COPIES: usize = 20;
/// The least side of an image: below it digits of one kind look alike.
const LEAST_SIDE: usize = 24;
/// Proposals of an image that may fail one after the other before it is left alone.
const PATIENCE: usize = 8;
/// In a bucket of too many, hashes that each is compared with: those behind it in their order.
const NEXT: usize = 64;
/// Images whose hashes one thread makes at a time.
const BLOCK: usize = 32;
/// Pictures that are kept.
const KEPT: usize = 128;

impl Images {
    /// The images of a column, `None` where it has none, or such as are too small to tell copies from
    /// what is alike.
    pub(crate) fn of(
        rows: &RecordBatch,
        column: usize,
        limits: &Limits,
        threads: usize,
    ) -> Option<Self> {
        let pictures = Pictures::of(rows, column, limits)?;
        if pictures.shape().is_some_and(|(height, width, ..)| height.min(width) < LEAST_SIDE) {
            return None;
        }
        let rows = pictures.len();
        let hashes = workers::each(rows.div_ceil(BLOCK), threads, |block| {
            let rows = block * BLOCK..((block + 1) * BLOCK).min(rows);
            let large = |it: &Picture| it.height >= LEAST_SIDE && it.width >= LEAST_SIDE;
            let each = rows.map(|row| match pictures.get(row) {
                Some(picture) => {
                    (Some(picture).filter(large).and_then(|it| Hashes::of(&it)), false)
                }
                None => (None, pictures.is_there(row)),
            });
            each.collect::<Vec<_>>()
        });
        let (hashes, broken): (Vec<_>, Vec<_>) = hashes.into_iter().flatten().unzip();
        let broken = broken.into_iter().filter(|broken| *broken).count();
        Some(Self { hashes, columns: vec![pictures], broken })
    }

    /// Put others behind these.
    pub(crate) fn extend(&mut self, later: Self) {
        self.columns.extend(later.columns);
        self.hashes.extend(later.hashes);
        self.broken += later.broken;
    }

    /// The pairs that look alike.
    pub(crate) fn pairs(&self, threads: usize) -> Pairs {
        let known = Known::new(self);
        let apart = |a: u32, b: u32| match (&self.hashes[a as usize], &self.hashes[b as usize]) {
            (Some(one), Some(other)) => hash::apart(one, other),
            _ => u32::MAX,
        };
        let verifier = || {
            let mut verifier = Verifier::new(&known);
            move |a, b| verifier.alike(a, b)
        };
        let mut proposals = Proposals::new(apart, verifier, threads);
        let mut entries = Vec::new();
        for (of, part) in hash::tables() {
            entries.clear();
            for (row, hashes) in self.hashes.iter().enumerate() {
                let hashes = hashes.iter().flat_map(|hashes| hashes.of_table(of));
                entries.extend(hashes.map(|hash| (hash::part(hash, part), hash, row as u32)));
            }
            let near = |one: &(u64, u64, u32), other: &(u64, u64, u32)| {
                hash::distance(one.1, other.1) <= hash::MOST_BITS
            };
            proposals.table(&mut entries, NEXT, |entry| (entry.0, entry.2), near);
        }
        let mut pairs = proposals.finish();
        pairs.broken = self.broken;
        pairs.left = known.left.lock().map_or(0, |left| left.len());
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

/// What is known of a set and its images, whoever finds it out.
struct Known<'a> {
    images: &'a Images,
    /// Images drawn from the set; none where they are too few.
    drawn: OnceLock<Vec<(u32, Small)>>,
    /// What is left between an image and those most like it.
    gaps: Mutex<HashMap<u32, f64>>,
    /// Images that were left alone.
    left: Mutex<HashSet<u32>>,
}

/// Lays images over each other.
struct Verifier<'a> {
    known: &'a Known<'a>,
    kept: HashMap<u32, Small>,
    /// The image whose proposals come, and how many of them failed since one was alike.
    now: (u32, usize),
}

impl<'a> Known<'a> {
    fn new(images: &'a Images) -> Self {
        let (drawn, gaps, left) = (OnceLock::new(), Mutex::default(), Mutex::default());
        Self { images, drawn, gaps, left }
    }

    fn drawn(&self) -> &[(u32, Small)] {
        self.drawn.get_or_init(|| {
            let there = self.images.hashes.iter().enumerate().filter(|(_, it)| it.is_some());
            let there = there.map(|(row, _)| row as u32).collect::<Vec<_>>();
            let drawn = drawn(DRAWN, there.len()).into_iter().map(|at| there[at]);
            drawn.filter_map(|row| Some((row, self.images.small(row)?))).collect()
        })
    }
}

impl<'a> Verifier<'a> {
    fn new(known: &'a Known<'a>) -> Self {
        Self { known, kept: HashMap::new(), now: (0, 0) }
    }

    fn alike(&mut self, a: u32, b: u32) -> Option<f64> {
        if self.now.0 != a {
            self.now = (a, 0);
        }
        if self.now.1 >= PATIENCE {
            if let Ok(mut left) = self.known.left.lock() {
                left.insert(a);
            }
            return None;
        }
        self.now.1 += 1;
        let mut similarity = self.similarity(a, b)?;
        if similarity < ALIKE || !self.stands_out(a, b, similarity)? {
            similarity = self.spoiled(a, b)?;
            if similarity < ALIKE || !self.stands_out(a, b, similarity)? {
                return None;
            }
        }
        self.now.1 = 0;
        Some(similarity)
    }

    fn similarity(&mut self, a: u32, b: u32) -> Option<f64> {
        let hashes = |row: u32| self.known.images.hashes[row as usize].as_ref();
        let start = hash::start(hashes(a)?, hashes(b)?);
        self.keep(a)?;
        self.keep(b)?;
        let (one, other) = (self.kept.get(&a)?, self.kept.get(&b)?);
        Some(one.similarity(other, start))
    }

    /// The same where one was made so bright or dark that its ends are cut off; `None` where neither was.
    fn spoiled(&self, a: u32, b: u32) -> Option<f64> {
        let hashes = |row: u32| self.known.images.hashes[row as usize].as_ref();
        let (first, second) = (hashes(a)?, hashes(b)?);
        // What was made brighter has the same shadows, what was made darker the same lights.
        if !hash::share_a_tone(first, second) {
            return None;
        }
        let ends = self.kept.get(&a)?.spoiled(self.kept.get(&b)?)?;
        let (one, other) = (self.known.images.cut(a, &ends)?, self.known.images.cut(b, &ends)?);
        // Hashes that brightness has spoiled say nothing of where a copy lies.
        let place = one.similarity(&other, hash::start(first, second));
        Some(place.max(one.similarity(&other, Place::SAME)))
    }

    /// Have a picture at hand.
    fn keep(&mut self, row: u32) -> Option<()> {
        if !self.kept.contains_key(&row) {
            let small = self.known.images.small(row)?;
            if self.kept.len() >= KEPT {
                let now = self.now.0;
                self.kept.retain(|row, _| *row == now);
            }
            self.kept.insert(row, small);
        }
        Some(())
    }

    /// Whether these two are more alike than unlike images of the set are.
    fn stands_out(&mut self, a: u32, b: u32, similarity: f64) -> Option<bool> {
        if self.known.drawn().len() < LAID + 2 {
            return Some(similarity >= SURE);
        }
        let left = 1.0 - similarity;
        for row in [a, b] {
            let known = self.known.gaps.lock().ok()?.get(&row).copied();
            let gap = match known {
                Some(gap) => gap,
                None => {
                    let others = self.others(row)?;
                    // Laid over each other they are only more alike; but where all may be copies it is none of
                    // them that counts.
                    let rough = others.get(LAID - 1).map_or(0.0, |(rough, _)| *rough);
                    if rough < SURE && left > RATIO * (1.0 - rough) {
                        return Some(false);
                    }
                    let gap = self.gap(row, &others)?;
                    self.known.gaps.lock().ok()?.insert(row, gap);
                    gap
                }
            };
            if left > RATIO * gap {
                return Some(false);
            }
        }
        Some(true)
    }

    /// The drawn images that are most like one, roughly, the most like first.
    fn others(&mut self, row: u32) -> Option<Vec<(f64, usize)>> {
        self.keep(row)?;
        let own = self.kept.get(&row)?;
        let drawn = self.known.drawn();
        let others = drawn.iter().enumerate().filter(|(_, (other, _))| *other != row);
        let mut others = others.map(|(at, (_, small))| (own.rough(small), at)).collect::<Vec<_>>();
        others.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        others.truncate(LAID.max(drawn.len() / COPIES));
        Some(others)
    }

    /// What is left between an image and such as are no copies of it.
    fn gap(&self, row: u32, others: &[(f64, usize)]) -> Option<f64> {
        let own = self.kept.get(&row)?;
        let hashes = |row: u32| self.known.images.hashes[row as usize].as_ref();
        let mut left = Vec::with_capacity(others.len());
        for (_, at) in others {
            // More are laid over it only while all of them may be copies.
            if left.len() >= LAID && left.iter().any(|left| *left > 1.0 - SURE) {
                break;
            }
            let (other, small) = &self.known.drawn()[*at];
            let start = hash::start(hashes(row)?, hashes(*other)?);
            left.push((1.0 - own.similarity(small, start)).max(0.0));
        }
        left.sort_by(f64::total_cmp);
        // The last: equal ones are leapt from to copies that were saved again.
        let leap = left.windows(2).rfind(|pair| pair[0] <= RATIO * pair[1]).map(|pair| pair[1]);
        leap.or_else(|| left.get(OTHER - 1).copied())
    }
}

#[cfg(test)]
mod tests;
