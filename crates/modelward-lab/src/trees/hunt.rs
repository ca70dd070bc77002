//! The hunt for the nearest input that goes from one class to another.
//!
//! Of the finitely many distances at which a leaf comes into reach the smallest is looked for at which
//! something is found: upwards from the first that is not ruled out by a sum of largest values, in
//! doubling strides, as small radii are cheap, and then between the last two.

use std::time::Instant;

use modelward_engine::{Result, Trouble};

use super::{
    arena::{Arena, Scope, Wanted},
    bounds::Bounds,
    grid::{Grid, Side},
    margin::Margin,
    search::{Outcome, Search},
};

/// What is hunted, and where.
pub(super) struct Hunt<'a> {
    pub(super) grid: &'a Grid,
    pub(super) margin: &'a Margin,
    pub(super) bounds: &'a Bounds<'a>,
    /// How far each leaf of the grid is away.
    pub(super) far: &'a [f64],
    /// Whether the library gives an input another label.
    pub(super) flips: &'a dyn Fn(&[f32]) -> Result<bool>,
    /// When it is given up.
    pub(super) deadline: Option<Instant>,
}

/// An input, and how far it is away.
pub(super) type Prey = (f64, Vec<f32>);

impl Hunt<'_> {
    /// The distance below which there is nothing, and the nearest prey that was found, where it is
    /// nearer than `known`.
    pub(super) fn nearest(&self, known: f64) -> Result<(f64, Option<Prey>)> {
        let steps = self.steps(known);
        // There is nothing at the steps before `empty`, and something from `full` on.
        let (mut empty, mut full) = (0, steps.len());
        let mut best: Option<Prey> = None;
        let mut stride = 1;
        while empty < full {
            let middle = match best {
                None => (empty + stride - 1).min(full - 1),
                // What is there is found sooner than it is ruled out.
                Some(_) => empty + (full - empty) * 3 / 4,
            };
            stride = stride.saturating_mul(2).min(steps.len());
            match self.within(steps[middle])? {
                Outcome::Found(prey) => {
                    full = steps.partition_point(|&step| step < prey.0).min(middle);
                    best = Some(prey);
                }
                Outcome::Empty => empty = middle + 1,
                Outcome::GivenUp => break,
            }
        }
        let lower = steps.get(empty).copied().unwrap_or(known);
        Ok((lower, best))
    }

    /// Look for anything up to a distance.
    pub(super) fn within(&self, limit: f64) -> Result<Outcome<Prey>> {
        let wanted = Wanted {
            grid: self.grid,
            values: &self.margin.values,
            far: self.far,
            never: self.margin.never,
            by_value: self.margin.exact(),
        };
        let arena = match Arena::within(&wanted, limit) {
            Scope::Nothing => return Ok(Outcome::Empty),
            Scope::Large => return Ok(Outcome::GivenUp),
            Scope::Some(arena) => arena,
        };
        let judge = |value: i64, sides: &mut dyn Iterator<Item = Side>| {
            let (distance, point) = self.bounds.nearest(self.grid, sides);
            match (self.flips)(&point)? {
                true => Ok(Some((distance, point))),
                // What is proven of sums would say nothing of the library.
                false if value >= self.margin.sure => {
                    Err(Trouble::graph("an input whose label is not the one that its votes give"))
                }
                false => Ok(None),
            }
        };
        let stop = || self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if stop() {
            return Ok(Outcome::GivenUp);
        }
        // A part of a leaf may be out of reach where another part is not.
        let (low, high) = arena.reached(|side| self.bounds.reaches(self.grid, side, limit));
        Search::new(&arena, self.margin.never, &low, &high).run(judge, stop)
    }

    /// The distances at which there may be something first, ascending, and below one that is known.
    fn steps(&self, known: f64) -> Vec<f64> {
        let (margin, grid, far) = (self.margin, self.grid, self.far);
        let mut order = Vec::with_capacity(far.len());
        for (tree, range) in grid.trees.windows(2).enumerate() {
            let near = (range[0]..range[1]).filter(|&leaf| far[leaf] < known);
            order.extend(near.map(|leaf| (far[leaf], tree, margin.values[leaf])));
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut best = vec![None; grid.trees.len() - 1];
        let (mut total, mut empty) = (0_i64, best.len());
        let mut steps: Vec<f64> = Vec::new();
        for (distance, tree, value) in order {
            match &mut best[tree] {
                Some(best) if *best >= value => {}
                Some(best) => {
                    total += value - *best;
                    *best = value;
                }
                none => {
                    *none = Some(value);
                    total += value;
                    empty -= 1;
                }
            }
            if empty == 0 && total >= margin.never && steps.last() != Some(&distance) {
                steps.push(distance);
            }
        }
        steps
    }
}
