//! Windows that many images share: mined by place, and by their look alone.

use super::{pixels::Pixels, rest::Rest};
use crate::{
    check::trigger::{Evidence, Labelled},
    learn::random::drawn,
};

/// A window that one label has too often.
pub(super) struct Candidate {
    /// Rows and columns of the window.
    pub(super) size: [usize; 2],
    /// Whether it stands at one place.
    pub(super) fixed: bool,
    /// The label.
    pub(super) class: u32,
    /// The rows of this label that have it and whose rest disagrees, with the place of its corner.
    pub(super) rows: Vec<(u32, [u16; 2])>,
    /// Disagreement times the logarithm of the tail: what candidates are ranked by.
    pub(super) rank: f64,
}

/// Squares and lines; what is of another form contains one of these and is found by growing it.
const FIXED: [[usize; 2]; 9] =
    [[1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [1, 3], [3, 1], [1, 5], [5, 1]];
/// Windows that are looked for at any place: smaller ones are everywhere.
const FREE: [[usize; 2]; 2] = [[2, 2], [3, 3]];
/// Steps of mining; above it only a part of the rows is mined.
const MOST_STEPS: usize = 1_000_000_000;
/// Places of windows that are held at once while they are looked for anywhere.
const MOST_PLACES: usize = 4_000_000;

/// All candidates, and how many windows were tried.
pub(super) fn mine(
    pixels: &Pixels,
    rows: &Labelled<'_>,
    evidence: &Evidence,
    rest: &Rest<'_>,
    disagree: &[bool],
) -> (Vec<Candidate>, u64) {
    let mut mining = Mining {
        pixels,
        rows,
        evidence,
        rest,
        disagree,
        candidates: Vec::new(),
        tried: 0,
        of_class: vec![0; rows.classes],
    };
    let cells = FIXED.iter().map(|[height, width]| height * width).sum::<usize>();
    let steps = rows.len() * pixels.area() * cells;
    let part = rows.len() / steps.div_ceil(MOST_STEPS).max(1);
    let mined = drawn(part, rows.len()).into_iter().map(|row| row as u32).collect::<Vec<_>>();
    for size in FIXED.into_iter().filter(|size| fits(pixels, *size)) {
        mining.at_places(size, &mined);
    }
    for size in FREE.into_iter().filter(|size| fits(pixels, *size)) {
        mining.anywhere(size, &mined, MOST_PLACES);
    }
    let Mining { mut candidates, tried, .. } = mining;
    candidates.sort_by(|one, other| other.rank.total_cmp(&one.rank));
    (candidates, tried)
}

fn fits(pixels: &Pixels, [height, width]: [usize; 2]) -> bool {
    height <= pixels.height && width <= pixels.width
}

struct Mining<'a> {
    pixels: &'a Pixels,
    rows: &'a Labelled<'a>,
    evidence: &'a Evidence,
    rest: &'a Rest<'a>,
    /// `[rows, MASKS]`.
    disagree: &'a [bool],
    candidates: Vec<Candidate>,
    tried: u64,
    /// Room for counting.
    of_class: Vec<u32>,
}

/// A row that has the window, and where.
#[derive(Clone, Copy)]
struct Carrier {
    key: u64,
    row: u32,
    at: [u16; 2],
}

impl Mining<'_> {
    /// The window of a row as one number.
    fn key(&self, row: u32, at: [usize; 2], [height, width]: [usize; 2]) -> u64 {
        let codes = self.pixels.row(row as usize);
        let mut key = 0_u64;
        for y in at[0]..at[0] + height {
            for code in &codes[y * self.pixels.width + at[1]..][..width] {
                key = (key ^ (u64::from(*code) + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                key ^= key >> 29;
            }
        }
        key
    }

    /// Windows at one place each.
    fn at_places(&mut self, size: [usize; 2], mined: &[u32]) {
        let least = Evidence::least(mined.len());
        let slots = (mined.len() * 4).next_power_of_two();
        let mut counts = vec![0_u32; slots];
        let mut keys = vec![0_u64; mined.len()];
        for y in 0..=self.pixels.height - size[0] {
            for x in 0..=self.pixels.width - size[1] {
                counts.fill(0);
                for (row, key) in mined.iter().zip(&mut keys) {
                    *key = self.key(*row, [y, x], size);
                    counts[*key as usize & (slots - 1)] += 1;
                }
                let carriers = mined.iter().zip(&keys).filter(|(_, key)| {
                    let count = counts[**key as usize & (slots - 1)] as usize;
                    count >= least && count <= mined.len() / 2
                });
                let at = [y as u16, x as u16];
                let carriers = carriers.map(|(row, key)| Carrier { key: *key, row: *row, at });
                self.judge(carriers.collect(), size, true, mined.len());
            }
        }
    }

    /// Windows at any place, of each row the first; so many places of them are held at once.
    fn anywhere(&mut self, size: [usize; 2], mined: &[u32], most: usize) {
        const SLOTS: usize = 1 << 20;
        let least = Evidence::least(mined.len());
        // How many rows have a window, by a hash of it: never less than there are.
        let (mut counts, mut last) = (vec![0_u32; SLOTS], vec![u32::MAX; SLOTS]);
        let places = (0..=self.pixels.height - size[0])
            .flat_map(|y| (0..=self.pixels.width - size[1]).map(move |x| [y, x]));
        let places = places.collect::<Vec<_>>();
        for row in mined {
            for at in &places {
                let slot = self.key(*row, *at, size) as usize & (SLOTS - 1);
                if last[slot] != *row {
                    last[slot] = *row;
                    counts[slot] += 1;
                }
            }
        }
        let wanted = |count: u32| (least..=mined.len() / 2).contains(&(count as usize));
        let all = counts.iter().filter(|count| wanted(**count));
        let all = all.map(|count| *count as usize).sum::<usize>();
        let parts = all.div_ceil(most).max(1) as u64;
        for part in 0..parts {
            let mut carriers = Vec::new();
            for row in mined {
                let mut of_row = Vec::new();
                for at in &places {
                    let key = self.key(*row, *at, size);
                    if (key >> 40) % parts == part && wanted(counts[key as usize & (SLOTS - 1)]) {
                        of_row.push(Carrier { key, row: *row, at: at.map(|at| at as u16) });
                    }
                }
                // A window that fills an image is held once.
                of_row.sort_by_key(|carrier| carrier.key);
                of_row.dedup_by_key(|carrier| carrier.key);
                carriers.extend(of_row);
            }
            self.judge(carriers, size, false, mined.len());
        }
    }

    /// Test each window that enough of these have.
    fn judge(&mut self, mut carriers: Vec<Carrier>, size: [usize; 2], fixed: bool, of: usize) {
        carriers.sort_by_key(|carrier| (carrier.key, carrier.row));
        carriers.dedup_by_key(|carrier| (carrier.key, carrier.row));
        let least = Evidence::least(of);
        for carriers in carriers.chunk_by(|one, other| one.key == other.key) {
            if carriers.len() < least {
                continue;
            }
            self.tried += 1;
            self.of_class.fill(0);
            for carrier in carriers {
                self.of_class[self.rows.label(carrier.row) as usize] += 1;
            }
            let Some((class, ln_p)) = self.evidence.purest(carriers.len(), &self.of_class, of)
            else {
                continue;
            };
            let masks = super::rest::MASKS;
            let own = carriers.iter().filter(|carrier| self.rows.label(carrier.row) == class);
            let (mut rows, mut all, mut expected) = (Vec::new(), 0_u32, 0.0);
            for carrier in own {
                let mask = self.rest.mask_over(carrier.at.map(usize::from), size);
                all += 1;
                expected += self.evidence.base(class, mask);
                if self.disagree[carrier.row as usize * masks + mask] {
                    rows.push((carrier.row, carrier.at));
                }
            }
            let share = rows.len() as f64 / f64::from(all.max(1));
            if !Evidence::stands_out(share, expected / f64::from(all.max(1))) {
                continue;
            }
            self.candidates.push(Candidate { size, fixed, class, rows, rank: -share * ln_p });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Matrix, check::near::shingles::mix};

    #[test]
    fn windows_that_are_held_in_parts_are_those_that_are_held_at_once() {
        let (rows, side) = (120, 6);
        let data = (0..rows * side * side).map(|at| (mix(at as u64) % 2) as f32).collect();
        let matrix = Matrix { columns: side * side, data, names: Vec::new() };
        let pixels = Pixels::of(&matrix, (side, side, 1, true));
        let labels = (0..rows as u32).map(|row| row % 2).collect::<Vec<_>>();
        let labelled = Labelled { labels: &labels, classes: 2 };
        let rest = Rest::new(&pixels, &labelled);
        let disagree = rest.under_masks();
        let evidence = Evidence::new(&labelled, &disagree, super::super::rest::MASKS);
        let mined = (0..rows as u32).collect::<Vec<_>>();
        let tried = |most: usize| {
            let mut mining = Mining {
                pixels: &pixels,
                rows: &labelled,
                evidence: &evidence,
                rest: &rest,
                disagree: &disagree,
                candidates: Vec::new(),
                tried: 0,
                of_class: vec![0; 2],
            };
            mining.anywhere([3, 3], &mined, most);
            mining.tried
        };
        assert!(tried(usize::MAX) > 20, "{}", tried(usize::MAX));
        assert_eq!(tried(usize::MAX), tried(40));
    }
}
