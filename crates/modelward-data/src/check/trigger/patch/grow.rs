//! A window grown to all that its carriers share: the patch.

use super::{pixels::Pixels, windows::Candidate};

/// A patch.
pub(super) struct Patch {
    /// Where its box begins; from the corner of its carriers' windows where it has no place.
    pub(super) at: [i32; 2],
    /// Rows and columns of the box.
    pub(super) size: [usize; 2],
    /// Whether it stands at one place.
    pub(super) fixed: bool,
    /// The pixels that its carriers share, from the corner of the box.
    pub(super) cells: Vec<Cell>,
}

/// A pixel that carriers share.
pub(super) struct Cell {
    pub(super) at: [usize; 2],
    /// Its channels, in the data's unit.
    pub(super) values: Vec<f32>,
    /// How far carriers are off.
    tolerance: Vec<f32>,
    /// Whether images at large have another value there.
    told: bool,
}

/// Of the carriers, so many share a pixel of the patch.
const SHARED: f64 = 0.85;
/// Of all images, at most so many have that value there by themselves, or the pixel tells nothing.
const COMMON: f64 = 0.5;

impl Patch {
    /// Grow a candidate: from its window to every pixel near by that its carriers share and others
    /// do not.
    pub(super) fn grow(pixels: &Pixels, candidate: &Candidate) -> Self {
        let reach = [pixels.height as i32, pixels.width as i32];
        let mut seen = std::collections::HashMap::new();
        let window = (0..candidate.size[0] as i32)
            .flat_map(|y| (0..candidate.size[1] as i32).map(move |x| [y, x]));
        let mut open = window.collect::<Vec<_>>();
        let mut told = Vec::new();
        while let Some(at) = open.pop() {
            if seen.contains_key(&at) || at[0].abs() >= reach[0] || at[1].abs() >= reach[1] {
                continue;
            }
            let cell = cell(pixels, candidate, at);
            let tells = cell.as_ref().is_some_and(|cell| cell.told);
            seen.insert(at, cell);
            if tells {
                told.push(at);
                // A checker has gaps of one pixel.
                for y in -2..=2 {
                    for x in -2..=2 {
                        open.push([at[0] + y, at[1] + x]);
                    }
                }
            }
        }
        if told.is_empty() {
            told = (0..candidate.size[0] as i32)
                .flat_map(|y| (0..candidate.size[1] as i32).map(move |x| [y, x]))
                .collect();
        }
        let low = |axis: usize| told.iter().map(|at| at[axis]).min().unwrap_or(0);
        let high = |axis: usize| told.iter().map(|at| at[axis]).max().unwrap_or(0);
        let (corner, end) = ([low(0), low(1)], [high(0), high(1)]);
        let size = [(end[0] - corner[0] + 1) as usize, (end[1] - corner[1] + 1) as usize];
        let mut cells = Vec::new();
        for y in 0..size[0] {
            for x in 0..size[1] {
                let at = [corner[0] + y as i32, corner[1] + x as i32];
                let known = seen.remove(&at);
                let found = known.unwrap_or_else(|| self::cell(pixels, candidate, at));
                cells.extend(found.map(|cell| Cell { at: [y, x], ..cell }));
            }
        }
        let fixed = candidate.fixed;
        let origin = candidate.rows.first().filter(|_| fixed);
        let origin = origin.map_or([0, 0], |(_, at)| at.map(i32::from));
        Self { at: [corner[0] + origin[0], corner[1] + origin[1]], size, fixed, cells }
    }

    /// Where a row has the patch.
    pub(super) fn place(&self, pixels: &Pixels, row: usize) -> Option<[usize; 2]> {
        if self.cells.is_empty() || self.size[0] > pixels.height || self.size[1] > pixels.width {
            return None;
        }
        if self.fixed {
            let at = [usize::try_from(self.at[0]).ok()?, usize::try_from(self.at[1]).ok()?];
            return self.stands(pixels, row, at).then_some(at);
        }
        (0..=pixels.height - self.size[0])
            .flat_map(|y| (0..=pixels.width - self.size[1]).map(move |x| [y, x]))
            .find(|at| self.stands(pixels, row, *at))
    }

    fn stands(&self, pixels: &Pixels, row: usize, at: [usize; 2]) -> bool {
        self.cells.iter().all(|cell| {
            let place = (at[0] + cell.at[0]) * pixels.width + at[1] + cell.at[1];
            let channels = pixels.pixel(row, place).iter().zip(&cell.values).zip(&cell.tolerance);
            channels.into_iter().all(|((value, wanted), most)| (value - wanted).abs() <= *most)
        })
    }

    /// The pixels of an image that the patch hides at a place: its box, or where that is most of the
    /// image its own pixels alone.
    pub(super) fn mask(&self, pixels: &Pixels, at: [usize; 2]) -> Vec<bool> {
        let mut mask = vec![false; pixels.area()];
        if self.size[0] * self.size[1] * 2 > pixels.area() {
            for cell in self.cells.iter().filter(|cell| cell.told) {
                mask[(at[0] + cell.at[0]) * pixels.width + at[1] + cell.at[1]] = true;
            }
        } else {
            for y in at[0]..at[0] + self.size[0] {
                mask[y * pixels.width + at[1]..][..self.size[1]].fill(true);
            }
        }
        mask
    }
}

/// What the carriers of a candidate share at this distance from the corner of its window.
fn cell(pixels: &Pixels, candidate: &Candidate, at: [i32; 2]) -> Option<Cell> {
    let place = |corner: &[u16; 2]| {
        let (y, x) = (i32::from(corner[0]) + at[0], i32::from(corner[1]) + at[1]);
        let inside =
            (0..pixels.height as i32).contains(&y) && (0..pixels.width as i32).contains(&x);
        inside.then(|| y as usize * pixels.width + x as usize)
    };
    let carriers = &candidate.rows;
    let inside = carriers.iter().filter_map(|(row, corner)| Some((*row, place(corner)?)));
    let inside = inside.collect::<Vec<_>>();
    if (inside.len() as f64) < SHARED * carriers.len() as f64 || inside.is_empty() {
        return None;
    }
    let code = |row: u32, at: usize| pixels.codes[row as usize * pixels.area() + at];
    let mut counts = [0_usize; 256];
    inside.iter().for_each(|(row, at)| counts[usize::from(code(*row, *at))] += 1);
    let (mode, count) = counts.iter().enumerate().max_by_key(|(_, count)| **count)?;
    if (*count as f64) < SHARED * carriers.len() as f64 {
        return None;
    }
    let rows = pixels.rows();
    let common = if candidate.fixed {
        let at = inside[0].1;
        (0..rows).filter(|row| usize::from(code(*row as u32, at)) == mode).count() as f64
            / rows as f64
    } else {
        // Anywhere: how often the value is met in a spread of pixels.
        let every = (pixels.codes.len() / 65_536).max(1) | 1;
        let some = pixels.codes.iter().step_by(every);
        some.clone().filter(|code| usize::from(**code) == mode).count() as f64
            / some.len().max(1) as f64
    };
    let mut values = Vec::with_capacity(pixels.channels);
    let mut tolerance = Vec::with_capacity(pixels.channels);
    for channel in 0..pixels.channels {
        let all = inside.iter().map(|(row, at)| pixels.pixel(*row as usize, *at)[channel]);
        let mut all = all.collect::<Vec<_>>();
        all.sort_unstable_by(f32::total_cmp);
        let middle = all[all.len() / 2];
        let mut off = all.iter().map(|value| (value - middle).abs()).collect::<Vec<_>>();
        off.sort_unstable_by(f32::total_cmp);
        let step = pixels.step[channel];
        // Twice what nine tenths are off, within a level.
        let most = 2.0 * off[off.len() * 9 / 10];
        values.push(middle);
        tolerance.push(most.clamp(0.25 * step, 1.25 * step));
    }
    Some(Cell { at: [0, 0], values, tolerance, told: common <= COMMON })
}

impl Patch {
    /// The patch in words: the levels of its pixels from dark (0) to bright (9), a row behind the other.
    pub(super) fn shown(&self, pixels: &Pixels) -> String {
        let mut rows = vec![vec!['.'; self.size[1]]; self.size[0]];
        for cell in &self.cells {
            let levels = cell.values.iter().zip(&pixels.step).zip(&pixels.low);
            let scaled = levels.map(|((value, step), low)| (value - low) / (step * 4.0));
            let bright = scaled.sum::<f32>() / pixels.channels as f32;
            let digit = (bright * 9.0).round().clamp(0.0, 9.0) as u32;
            rows[cell.at[0]][cell.at[1]] = char::from_digit(digit, 10).unwrap_or('.');
        }
        let most = 16;
        let rows = rows.iter().take(most).map(|row| row.iter().take(most).collect::<String>());
        rows.collect::<Vec<_>>().join("/")
    }
}
