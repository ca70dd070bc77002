//! What leaves are worth on the way from one class to another, and how far what a library decides can
//! lie from what exact sums of their weights give.
//!
//! A library sums in `f32` or `f64`, in the order of the trees. The search sums whole numbers, which
//! are exact in any order. Sums that are farther from a limit than rounding can carry them are
//! decided; all others are left to the library.

use modelward_engine::{
    Result, Trouble,
    trees::{Ensemble, Precision, Rule},
};

use super::grid::{Grid, Leaf};

/// The values of leaves on the way from one class to another.
#[derive(Clone, Debug)]
pub(super) struct Margin {
    /// The value of each leaf of the grid.
    pub(super) values: Vec<i64>,
    /// From here on an input has left its class.
    pub(super) sure: i64,
    /// Below this it has not come to the other.
    pub(super) never: i64,
}

impl Margin {
    /// Whether the value alone decides.
    pub(super) fn exact(&self) -> bool {
        self.sure == self.never
    }
}

/// How a class follows from sums.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    /// The rule.
    pub(super) rule: Rule,
    /// How far scores may lie from their limit, or from each other, and be equal afterwards.
    pub(super) blur: f64,
    /// What the weights of a target are divided by.
    pub(super) divisor: f64,
    /// Half a unit in the last place of one.
    pub(super) unit: f64,
    /// The scale of a logistic function through which scores go before they are compared: what is
    /// large comes out as one.
    pub(super) saturating: Option<f64>,
    /// Whether sums alone are compared, so that weights of one size may be counted.
    pub(super) plain: bool,
    /// The base value of each target that is part of its sum.
    pub(super) base: Vec<f64>,
}

impl Decision {
    /// The values of leaves by which an input goes from a class to another.
    ///
    /// # Errors
    /// Where weights are no finite numbers, or a class may be without any vote.
    pub(super) fn margin(
        &self,
        grid: &Grid,
        ensemble: &Ensemble,
        from: usize,
        to: usize,
    ) -> Result<Margin> {
        if let Some(margin) = self.counted(grid, ensemble, from, to)? {
            return Ok(margin);
        }
        // The margin is `sum of sign * weight + offset`, and it is to be above zero. Rounding goes by
        // the size of what is added, which may cancel in the offset.
        let near = |base: f64| match ensemble.precision {
            Precision::Single => f64::from(base as f32),
            Precision::Double => base,
        };
        let (targets, offset, size) = match &self.rule {
            Rule::Above { target, base, limit } => {
                let (sign, base) = (if to == 1 { 1.0 } else { -1.0 }, near(*base));
                (vec![(*target, sign)], sign * (base - limit), base.abs() + limit)
            }
            Rule::Largest(bases) => {
                let base = |class: usize| near(bases.get(class).copied().flatten().unwrap_or(0.0));
                let (to_base, from_base) = (base(to), base(from));
                let size = to_base.abs() + from_base.abs();
                (vec![(to, 1.0), (from, -1.0)], to_base - from_base, size)
            }
            Rule::One | Rule::First(_) => return Err(Trouble::unsupported("expected two classes")),
        };
        let inner = |target: usize| self.base.get(target).copied().unwrap_or(0.0);
        let offset =
            offset + targets.iter().map(|&(of, sign)| sign * inner(of) / self.divisor).sum::<f64>();
        let mut values = Vec::with_capacity(grid.leaves.len());
        for leaf in &grid.leaves {
            let mut value = 0.0;
            for &(target, sign) in &targets {
                for weight in weights(ensemble, leaf.place, target) {
                    value += sign * weight / self.divisor;
                }
            }
            values.push(value);
        }
        let reach = targets.iter().map(|&(target, _)| self.reach(grid, ensemble, target));
        let reach = reach.collect::<Result<Vec<_>>>()?;
        let mut error = self.blur;
        for &(most, terms) in &reach {
            // Summation in any order, the base values, the division, and the sums here in `f64`.
            let steps = terms as f64 + 8.0;
            error += 1.01 * steps * (self.unit + f64::EPSILON) * (most + size);
        }
        if let Some(scale) = self.saturating {
            let most = reach.iter().map(|(most, _)| *most).fold(0.0, f64::max);
            error += 8.0 * self.unit * (scale * most).exp() / scale;
        }
        let most = reach.iter().map(|(most, _)| most).sum::<f64>() + size;
        // Whole numbers of a unit so small that rounding to it is far below the error of the library.
        let scale = f64::powi(
            2.0,
            58 - (most.max(f64::MIN_POSITIVE).log2().ceil() as i32).clamp(-900, 900),
        );
        let slack = grid.trees.len() as f64 + 2.0;
        let error = (error.min(2.0 * most) * scale).ceil() + slack;
        let limit = -offset * scale;
        Ok(Margin {
            values: values.into_iter().map(|value| (value * scale).round() as i64).collect(),
            sure: (limit + error).ceil() as i64,
            never: (limit - error).floor() as i64,
        })
    }

    /// The largest sum of sizes of weights for a target, and of how many at most.
    fn reach(&self, grid: &Grid, ensemble: &Ensemble, target: usize) -> Result<(f64, usize)> {
        let mut most = self.base.get(target).copied().unwrap_or(0.0).abs();
        let mut terms = 1;
        for tree in grid.trees.windows(2) {
            let (mut largest, mut longest) = (0.0_f64, 0);
            for leaf in &grid.leaves[tree[0]..tree[1]] {
                let sizes = weights(ensemble, leaf.place, target).map(f64::abs);
                let (size, count) =
                    sizes.fold((0.0, 0), |(sum, count), size| (sum + size, count + 1));
                // NaN is larger than all.
                largest = if size <= largest { largest } else { size };
                longest = longest.max(count);
            }
            most += largest;
            terms += longest;
        }
        if most.is_nan() || most > f64::from(f32::MAX) / 4.0 {
            return Err(Trouble::graph(
                "trees whose weights are no finite numbers, or sum to none",
            ));
        }
        Ok((most / self.divisor, terms))
    }

    /// Where all weights are zero or of one size, sums depend on their number alone.
    fn counted(
        &self,
        grid: &Grid,
        ensemble: &Ensemble,
        from: usize,
        to: usize,
    ) -> Result<Option<Margin>> {
        match &self.rule {
            Rule::Largest(bases) if self.plain && ensemble.targets > 2 => {
                for class in [from, to] {
                    if bases.get(class).copied().flatten().is_none() {
                        named(grid, ensemble, class)?;
                    }
                }
            }
            // The base value counts where a tree has voted.
            Rule::Above { target, base, .. }
                if *base != 0.0 && !always(grid, ensemble, *target) =>
            {
                return Err(voteless());
            }
            _ => {}
        }
        let targets = match &self.rule {
            Rule::Above { target, .. } => vec![(*target, if to == 1 { 1 } else { -1 })],
            Rule::Largest(bases) if bases.iter().all(|base| base.unwrap_or(0.0) == 0.0) => {
                vec![(to, 1), (from, -1)]
            }
            _ => return Ok(None),
        };
        if !self.plain {
            return Ok(None);
        }
        let mut size = None;
        let mut values = Vec::with_capacity(grid.leaves.len());
        let mut most = 0_i64;
        for leaf in &grid.leaves {
            let mut value = 0_i64;
            for &(target, sign) in &targets {
                for weight in weights(ensemble, leaf.place, target).filter(|weight| *weight != 0.0)
                {
                    if !(weight > 0.0 && *size.get_or_insert(weight) == weight) {
                        return Ok(None);
                    }
                    value += sign;
                }
            }
            most += value.abs();
            values.push(value);
        }
        // So few that one more is a larger sum in either float type.
        if most > 1 << 20 {
            return Ok(None);
        }
        let limit = match &self.rule {
            Rule::Above { base, limit, .. } => {
                let first =
                    first_above(size.unwrap_or(0.0), *base, *limit, most, ensemble.precision);
                if to == 1 { first } else { 1 - first }
            }
            // Of equals the first.
            _ => i64::from(to > from),
        };
        Ok(Some(Margin { values, sure: limit, never: limit }))
    }
}

/// The smallest number of weights of a size whose sum is above a limit; one more than `most` where
/// none is.
fn first_above(size: f64, base: f64, limit: f64, most: i64, precision: Precision) -> i64 {
    let (mut wide, mut narrow) = (0.0_f64, 0.0_f32);
    let above = |wide: f64, narrow: f32| match precision {
        Precision::Double => wide + base > limit,
        Precision::Single => narrow + base as f32 > limit as f32,
    };
    for count in 0..=most {
        if above(wide, narrow) {
            return count;
        }
        wide += size;
        narrow += size as f32;
    }
    most + 1
}

/// Whether a target has a vote on every way through the trees.
fn always(grid: &Grid, ensemble: &Ensemble, target: usize) -> bool {
    let votes = |leaf: &Leaf| weights(ensemble, leaf.place, target).next().is_some();
    grid.trees.windows(2).any(|tree| grid.leaves[tree[0]..tree[1]].iter().all(votes))
}

/// Refuse a class of three or more that might be the largest and have no vote: it is not named.
fn named(grid: &Grid, ensemble: &Ensemble, class: usize) -> Result<()> {
    let positive = |leaf: &Leaf| ensemble.leaf(leaf.place).all(|(_, weight)| weight >= 0.0);
    if always(grid, ensemble, class) || grid.leaves.iter().all(positive) {
        return Ok(());
    }
    Err(voteless())
}

fn voteless() -> Trouble {
    Trouble::unsupported("expected votes for every class on every way through the trees")
}

/// The weights that a leaf of the grid has for a target, one after another.
fn weights(ensemble: &Ensemble, place: u32, target: usize) -> impl Iterator<Item = f64> {
    ensemble.leaf(place).filter(move |(of, _)| *of == target).map(|(_, weight)| weight)
}
