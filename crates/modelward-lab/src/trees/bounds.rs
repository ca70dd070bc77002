//! Where inputs may lie, and how far they are from a sample.

use super::grid::{Grid, Side};

/// Where inputs may lie, and the sample from which distances count.
pub(super) struct Bounds<'a> {
    /// From where distances count.
    pub(super) sample: &'a [f32],
    /// The least value of each feature.
    pub(super) low: &'a dyn Fn(usize) -> f32,
    /// The largest.
    pub(super) high: &'a dyn Fn(usize) -> f32,
}

impl Bounds<'_> {
    /// How far the nearest allowed value of a feature in these cells is away.
    fn reach(&self, grid: &Grid, side: Side) -> Option<f32> {
        let at = side.feature as usize;
        let last = grid.cuts[at].len();
        let low = grid.ends(at, side.low as usize).0.max((self.low)(at));
        let high = grid.ends(at, (side.high as usize).min(last)).1.min((self.high)(at));
        (low <= high).then(|| self.sample[at].clamp(low, high))
    }

    /// Whether any allowed value of a feature in these cells is at most so far away.
    pub(super) fn reaches(&self, grid: &Grid, side: Side, limit: f64) -> bool {
        let value = self.reach(grid, side);
        value.is_some_and(|value| self.distance(side.feature as usize, value) <= limit)
    }

    fn distance(&self, at: usize, value: f32) -> f64 {
        (f64::from(value) - f64::from(self.sample[at])).abs()
    }

    /// How far each leaf of a grid is away.
    pub(super) fn far(&self, grid: &Grid) -> Vec<f64> {
        let least = (0..self.sample.len())
            .map(|at| self.distance(at, self.sample[at].clamp((self.low)(at), (self.high)(at))))
            .fold(0.0, f64::max);
        let far = |leaf| {
            grid.sides_of(leaf).iter().try_fold(least, |far: f64, &side| {
                let value = self.reach(grid, side)?;
                Some(far.max(self.distance(side.feature as usize, value)))
            })
        };
        (0..grid.leaves.len()).map(|leaf| far(leaf).unwrap_or(f64::INFINITY)).collect()
    }

    /// The nearest point of a box of cells, and how far it is away.
    pub(super) fn nearest(
        &self,
        grid: &Grid,
        sides: &mut dyn Iterator<Item = Side>,
    ) -> (f64, Vec<f32>) {
        let start =
            (0..self.sample.len()).map(|at| self.sample[at].clamp((self.low)(at), (self.high)(at)));
        let mut point = start.collect::<Vec<_>>();
        for side in sides {
            if let Some(value) = self.reach(grid, side) {
                point[side.feature as usize] = value;
            }
        }
        let far = point.iter().enumerate().map(|(at, &value)| self.distance(at, value));
        (far.fold(0.0, f64::max), point)
    }
}
