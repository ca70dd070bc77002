//! One picture laid over another: moved and stretched until they fit (Lucas and Kanade, IJCAI 1981, with
//! gain and offset of the brightness solved for beside).

use crate::{
    learn::dense::Cholesky,
    pictures::{Picture, pool},
};

/// How a second picture lies on a first: where the first has `y`, from -1 to 1 over its height, the second
/// has `down.0 * y + down.1`; and so to the right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    down: (f64, f64),
    right: (f64, f64),
}

impl Place {
    /// Edge on edge.
    pub(super) const SAME: Self = Self { down: (1.0, 0.0), right: (1.0, 0.0) };

    /// Where one part of the first lies on one of the second, from and to in parts of the sides.
    pub(super) fn between(
        rows: [f64; 2],
        on_rows: [f64; 2],
        columns: [f64; 2],
        on_columns: [f64; 2],
    ) -> Self {
        let line = |one: [f64; 2], other: [f64; 2]| {
            let stretch = (other[1] - other[0]) / (one[1] - one[0]);
            let middle = |of: [f64; 2]| of[0] + of[1] - 1.0;
            (stretch, middle(other) - stretch * middle(one))
        };
        Self { down: line(rows, on_rows), right: line(columns, on_columns) }
    }

    /// Whether it is no more than copies are moved and stretched by.
    fn is_small(&self) -> bool {
        let small =
            |(stretch, moved): (f64, f64)| (0.8..=1.25).contains(&stretch) && moved.abs() <= 0.3;
        small(self.down) && small(self.right)
    }
}

/// A picture in a small size, smoothed so that a move by part of a pixel changes little.
pub(super) struct Small {
    /// `[channels, SIDE, SIDE]`; one channel of a picture whose channels are equal.
    colours: Vec<f32>,
    /// Of each channel, the share of the pixels that are black and that are white.
    pub(super) ends: Vec<Ends>,
    /// In half the size, and in this.
    levels: [Level; 2],
    /// The mean of the channels, about its own mean and of length 1.
    unit: Vec<f32>,
}

/// The shares of the pixels of a channel at either end of its range.
pub(super) type Ends = [f64; 2];

/// The mean of the channels.
struct Level {
    side: usize,
    grey: Vec<f32>,
    /// What it changes by from one pixel to the next, down and to the right.
    down: Vec<f32>,
    right: Vec<f32>,
}

/// Side of the picture.
const SIDE: usize = 32;
/// Its pixels.
const AREA: usize = SIDE * SIDE;
/// Pictures that correlate less in half the size are not looked at in the whole.
const ROUGHLY: f64 = 0.85;
/// Steps on each level.
const STEPS: usize = 5;
/// The least part of a picture that has to lie on the other.
const LEAST_PART: f64 = 0.5;
/// The least share of the pixels of some channel that has to lie between the ends.
const LEAST_CLEAR: f64 = 0.1;
/// The least difference between the shares at an end that tells of another brightness.
const LEAST_SPOILED: f64 = 0.01;

impl Small {
    /// An image in a small size, cut off at the ends of its channels until at least these shares are black
    /// and white. Where it lies in a file its values go from 0 to 255, and pixels at either end may have
    /// been beyond.
    pub(super) fn cut(picture: &Picture, encoded: bool, wanted: &[Ends]) -> Self {
        let whole = [0.0, 0.0, picture.height as f64, picture.width as f64];
        let mut planes =
            (0..picture.channels.min(3)).map(|it| picture.plane(it)).collect::<Vec<_>>();
        if planes.windows(2).all(|pair| pair[0] == pair[1]) {
            planes.truncate(1);
        }
        let share = |plane: &[f32], at: fn(f32) -> bool| {
            plane.iter().filter(|value| at(**value)).count() as f64 / plane.len().max(1) as f64
        };
        let ends = planes.iter().map(|plane| match encoded {
            true => [share(plane, |value| value < 1.5), share(plane, |value| value > 253.5)],
            false => [0.0; 2],
        });
        let ends = ends.collect();
        for (plane, [black, white]) in planes.iter_mut().zip(wanted) {
            let mut sorted = plane.clone();
            let most = (sorted.len() - 1) as f64;
            let mut quantile = |share: f64| {
                let at = (share.clamp(0.0, 1.0) * most) as usize;
                *sorted.select_nth_unstable_by(at, f32::total_cmp).1
            };
            let (low, high) = (quantile(*black), quantile(1.0 - white));
            plane.iter_mut().for_each(|value| *value = value.max(low).min(high));
        }
        let colours =
            planes.iter().flat_map(|plane| smooth(&pool(plane, picture.width, whole, SIDE, SIDE)));
        let colours = colours.collect::<Vec<f32>>();
        let count = (colours.len() / AREA) as f32;
        let grey = (0..AREA)
            .map(|at| colours.iter().skip(at).step_by(AREA).sum::<f32>() / count)
            .collect::<Vec<_>>();
        let all = SIDE as f64;
        let half = pool(&grey, SIDE, [0.0, 0.0, all, all], SIDE / 2, SIDE / 2);
        let mean = grey.iter().sum::<f32>() / AREA as f32;
        let length = grey.iter().map(|value| (value - mean).powi(2)).sum::<f32>().sqrt().max(1e-9);
        let unit = grey.iter().map(|value| (value - mean) / length).collect();
        Self { colours, ends, levels: [Level::of(half, SIDE / 2), Level::of(grey, SIDE)], unit }
    }

    /// The correlation of the mean of the channels as they lie.
    pub(super) fn rough(&self, other: &Self) -> f64 {
        let parts = self.unit.chunks_exact(16).zip(other.unit.chunks_exact(16));
        let sums = parts.fold([0.0_f32; 16], |mut sums, (one, other)| {
            sums.iter_mut().zip(one).zip(other).for_each(|((sum, a), b)| *sum += a * b);
            sums
        });
        f64::from(sums.iter().sum::<f32>())
    }

    /// The correlation of two pictures where they fit best near a place; roughly, where it is low.
    pub(super) fn similarity(&self, other: &Self, start: Place) -> f64 {
        let [half, full] = &self.levels;
        let [its_half, its_full] = &other.levels;
        let near = half.laid(its_half, start);
        let rough = half.correlation(its_half, start).max(half.correlation(its_half, near));
        if rough < ROUGHLY {
            return rough;
        }
        let place = full.laid(its_full, near);
        self.correlation(other, start).max(self.correlation(other, place))
    }

    /// At which ends both have to be cut off to be alike, where one was made brighter or darker than the
    /// other; `None` where nothing speaks for it.
    pub(super) fn spoiled(&self, other: &Self) -> Option<Vec<Ends>> {
        let pairs = self.ends.iter().zip(&other.ends);
        let differ = pairs.clone().any(|(one, other)| {
            one.iter().zip(other).any(|(one, other)| (one - other).abs() > LEAST_SPOILED)
        });
        let ends = pairs.map(|(one, other)| [one[0].max(other[0]), one[1].max(other[1])]);
        let ends = ends.collect::<Vec<_>>();
        let clear = ends.iter().any(|[black, white]| 1.0 - black - white >= LEAST_CLEAR);
        (differ && clear && self.ends.len() == other.ends.len()).then_some(ends)
    }

    /// The correlation of all channels.
    fn correlation(&self, other: &Self, place: Place) -> f64 {
        // A grey copy of a coloured picture is compared as grey.
        let coloured = self.colours.len() == other.colours.len();
        let channels = if coloured { self.colours.len() / AREA } else { 1 };
        fn plane(of: &Small, coloured: bool, channel: usize) -> &[f32] {
            if coloured { &of.colours[channel * AREA..][..AREA] } else { &of.levels[1].grey }
        }
        let (mut product, mut ones, mut others, mut laid) = (0.0, 0.0, 0.0, 0);
        for channel in 0..channels {
            let (one, two) = (plane(self, coloured, channel), plane(other, coloured, channel));
            let mut sums = Sums::default();
            for y in 0..SIDE {
                for x in 0..SIDE {
                    let Some(corner) = Corner::of(place, y, x, SIDE) else { continue };
                    sums.add(f64::from(one[y * SIDE + x]), f64::from(corner.value(two)));
                    laid += 1;
                }
            }
            sums.add_to(&mut product, &mut ones, &mut others);
        }
        let enough = f64::from(laid) >= LEAST_PART * (channels * AREA) as f64;
        let squares = ones * others;
        if enough && squares > 0.0 { product / squares.sqrt() } else { 0.0 }
    }
}

/// Sums over pairs of numbers.
#[derive(Default)]
struct Sums {
    count: f64,
    one: f64,
    other: f64,
    ones: f64,
    others: f64,
    product: f64,
}

impl Sums {
    fn add(&mut self, one: f64, other: f64) {
        self.count += 1.0;
        self.one += one;
        self.other += other;
        self.ones += one * one;
        self.others += other * other;
        self.product += one * other;
    }

    /// Add product and squares about the means to those of other channels.
    fn add_to(&self, product: &mut f64, one: &mut f64, other: &mut f64) {
        if self.count > 0.0 {
            *product += self.product - self.one * self.other / self.count;
            *one += (self.ones - self.one * self.one / self.count).max(0.0);
            *other += (self.others - self.other * self.other / self.count).max(0.0);
        }
    }
}

/// Between which four pixels a point of the first picture lies on the second.
struct Corner {
    at: usize,
    side: usize,
    weights: [f32; 4],
}

impl Corner {
    /// `None` where it lies outside.
    fn of(place: Place, y: usize, x: usize, side: usize) -> Option<Self> {
        let unit = |at: usize| (at as f64 + 0.5) / side as f64 * 2.0 - 1.0;
        let pixel = |(stretch, moved): (f64, f64), at: usize| {
            (stretch * unit(at) + moved + 1.0) * side as f64 / 2.0 - 0.5
        };
        let (down, right) = (pixel(place.down, y), pixel(place.right, x));
        let most = (side - 1) as f64 + 1e-6;
        if !(-1e-6..=most).contains(&down) || !(-1e-6..=most).contains(&right) {
            return None;
        }
        let first = |at: f64| (at.max(0.0) as usize).min(side - 2);
        let (top, left) = (first(down), first(right));
        let (below, behind) = ((down - top as f64) as f32, (right - left as f64) as f32);
        let weights = [
            (1.0 - below) * (1.0 - behind),
            (1.0 - below) * behind,
            below * (1.0 - behind),
            below * behind,
        ];
        Some(Self { at: top * side + left, side, weights })
    }

    fn value(&self, plane: &[f32]) -> f32 {
        let [a, b, c, d] = self.weights;
        let (one, two) = (&plane[self.at..], &plane[self.at + self.side..]);
        a * one[0] + b * one[1] + c * two[0] + d * two[1]
    }
}

impl Level {
    fn of(grey: Vec<f32>, side: usize) -> Self {
        let slope = |at: usize, step: usize, place: usize| {
            let before = if place > 0 { at - step } else { at };
            let behind = if place + 1 < side { at + step } else { at };
            let width = if before < at && behind > at { 2.0 } else { 1.0 };
            (grey[behind] - grey[before]) / width
        };
        let down = (0..side * side).map(|at| slope(at, side, at / side)).collect();
        let right = (0..side * side).map(|at| slope(at, 1, at % side)).collect();
        Self { side, grey, down, right }
    }

    /// The correlation with another at a place.
    fn correlation(&self, other: &Self, place: Place) -> f64 {
        let mut sums = Sums::default();
        for y in 0..self.side {
            for x in 0..self.side {
                if let Some(corner) = Corner::of(place, y, x, self.side) {
                    let own = self.grey[y * self.side + x];
                    sums.add(f64::from(own), f64::from(corner.value(&other.grey)));
                }
            }
        }
        let (mut product, mut one, mut two) = (0.0, 0.0, 0.0);
        sums.add_to(&mut product, &mut one, &mut two);
        if one * two > 0.0 { product / (one * two).sqrt() } else { 0.0 }
    }

    /// Where the other fits best near a place, by least squares; the place itself where that leads astray.
    fn laid(&self, other: &Self, start: Place) -> Place {
        let (mut place, half) = (start, self.side as f64 / 2.0);
        for _ in 0..STEPS {
            let Some(step) = self.step(other, place, half) else { return start };
            place.down.1 += step[0];
            place.down.0 += step[1];
            place.right.1 += step[2];
            place.right.0 += step[3];
            if !place.is_small() {
                return start;
            }
            if step.iter().all(|part| part.abs() < 1e-4) {
                break;
            }
        }
        place
    }

    /// The step to a better place: moved and stretched, down and to the right.
    fn step(&self, other: &Self, place: Place, half: f64) -> Option<[f64; 4]> {
        const WIDTH: usize = 6;
        let mut square = vec![0.0_f64; WIDTH * WIDTH];
        let mut product = [0.0_f64; WIDTH];
        let mut count = 0;
        for y in 0..self.side {
            for x in 0..self.side {
                let Some(corner) = Corner::of(place, y, x, self.side) else { continue };
                let unit = |at: usize| (at as f64 + 0.5) / half - 1.0;
                let down = f64::from(corner.value(&other.down)) * half;
                let right = f64::from(corner.value(&other.right)) * half;
                let grey = f64::from(corner.value(&other.grey));
                let line = [grey, 1.0, down, down * unit(y), right, right * unit(x)];
                let own = f64::from(self.grey[y * self.side + x]);
                for (at, value) in line.iter().enumerate() {
                    product[at] += value * own;
                    for (sum, other) in square[at * WIDTH..][..=at].iter_mut().zip(&line) {
                        *sum += value * other;
                    }
                }
                count += 1;
            }
        }
        if f64::from(count) < LEAST_PART * (self.side * self.side) as f64 {
            return None;
        }
        for at in 0..WIDTH {
            square[at * WIDTH + at] *= 1.0 + 1e-3;
            square[at * WIDTH + at] += 1e-9;
        }
        let solved = Cholesky::of(square, WIDTH)?.solve(&product);
        let gain = solved[0];
        // Light and dark are not to change places.
        (gain > 1e-3).then(|| std::array::from_fn(|at| solved[at + 2] / gain))
    }
}

/// Each pixel averaged with those about it, a quarter from either side.
fn smooth(plane: &[f32]) -> Vec<f32> {
    let along = |from: &[f32], step: usize, place: fn(usize) -> usize| {
        (0..AREA)
            .map(|at| {
                let before = if place(at) > 0 { at - step } else { at };
                let behind = if place(at) + 1 < SIDE { at + step } else { at };
                0.25 * (from[before] + from[behind]) + 0.5 * from[at]
            })
            .collect::<Vec<_>>()
    };
    along(&along(plane, 1, |at| at % SIDE), SIDE, |at| at / SIDE)
}
