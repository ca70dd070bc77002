//! What one sample may become.

use num_traits::{Signed, Zero};

use super::{
    cost,
    feature::Feature,
    grid::{Grid, about},
};
use crate::exact::{self, Rational};

/// The points that a sample may become, and the box that holds them.
#[derive(Debug)]
pub struct Space<'a> {
    features: &'a [Feature],
    pub(super) groups: &'a [Vec<usize>],
    budget: Option<&'a Rational>,
    pub(super) original: Vec<f32>,
    eps: Option<Rational>,
    /// Where a changed value may lie; `None` where none may.
    pub(super) ranges: Vec<Option<(f32, f32)>>,
    pub(super) grids: Vec<Option<Grid<'a>>>,
    /// The members of each group that may be the one that holds.
    pub(super) holders: Vec<Vec<usize>>,
    low: Vec<f32>,
    high: Vec<f32>,
}

impl<'a> Space<'a> {
    pub(super) fn new(
        features: &'a [Feature],
        groups: &'a [Vec<usize>],
        budget: Option<&'a Rational>,
        original: &[f32],
        eps: Option<&Rational>,
    ) -> Self {
        let mut space = Self {
            features,
            groups,
            budget,
            original: original.to_vec(),
            eps: eps.cloned(),
            ranges: Vec::with_capacity(features.len()),
            grids: features.iter().map(Grid::of).collect(),
            holders: Vec::with_capacity(groups.len()),
            low: original.to_vec(),
            high: original.to_vec(),
        };
        for at in 0..features.len() {
            let range = space.range(at);
            space.ranges.push(range);
            if let Some((low, high)) = range {
                space.low[at] = space.low[at].min(low);
                space.high[at] = space.high[at].max(high);
            }
        }
        for group in groups {
            let holders = group.iter().copied().filter(|&one| space.can_hold(group, one));
            let holders = holders.collect::<Vec<_>>();
            for &at in group {
                for &one in &holders {
                    let value = if one == at { 1.0 } else { 0.0 };
                    space.low[at] = space.low[at].min(value);
                    space.high[at] = space.high[at].max(value);
                }
            }
            space.holders.push(holders);
        }
        space
    }

    /// The least value of each feature among all points here.
    pub fn low(&self) -> &[f32] {
        &self.low
    }

    /// The largest value of each feature.
    pub fn high(&self) -> &[f32] {
        &self.high
    }

    /// Where a feature outside of groups may go, as floats that lie inside exactly.
    fn range(&self, at: usize) -> Option<(f32, f32)> {
        let feature = &self.features[at];
        if feature.immutable || feature.group.is_some() {
            return None;
        }
        let original = exact::of(self.original[at].into())?;
        let mut lows = Vec::new();
        let mut highs = Vec::new();
        let grid = self.grids[at].as_ref();
        if grid.is_none() {
            // Of a feature with steps the step is within these, which `Grid` judges.
            lows.extend(feature.min.clone());
            highs.extend(feature.max.clone());
        }
        let spent = self.budget.filter(|_| !feature.cost.is_zero());
        let reach = [self.eps.clone(), spent.map(|budget| budget / &feature.cost)];
        for reach in reach.into_iter().flatten() {
            lows.push(&original - &reach);
            highs.push(&original + reach);
        }
        if feature.increase_only {
            lows.push(original);
        }
        let low = lows.iter().max().map_or(Some(f32::MIN), exact::above)?;
        let high = highs.iter().min().map_or(Some(f32::MAX), exact::below)?;
        if low > high {
            return None;
        }
        let Some(grid) = grid else { return Some((low, high)) };
        let least = grid.snap(low, low, high)?;
        let most = grid.snap(high, low, high)?;
        Some((least, most))
    }

    /// Whether a group may be changed so that one of its features is 1 and the others are 0.
    fn can_hold(&self, group: &[usize], one: usize) -> bool {
        let all = group.iter().all(|&at| {
            let value = if at == one { 1.0 } else { 0.0 };
            self.refuses(at, value).is_none()
        });
        let spent = || {
            group.iter().map(|&at| {
                let value = if at == one { 1.0 } else { 0.0 };
                cost::of(&self.features[at], self.original[at], value)
            })
        };
        all && self.budget.is_none_or(|budget| spent().sum::<Rational>() <= *budget)
    }

    /// Why a feature may not have a value.
    fn refuses(&self, at: usize, value: f32) -> Option<String> {
        let (feature, before) = (&self.features[at], self.original[at]);
        if unchanged(value, before) {
            return None;
        }
        if feature.immutable {
            return Some("it is immutable".into());
        }
        let (Some(exact), Some(original)) = (exact::of(value.into()), exact::of(before.into()))
        else {
            return Some(format!("{value} is not finite, or what it was is missing"));
        };
        if feature.increase_only && exact < original {
            return Some(format!("{value} is less than {before}, and it only increases"));
        }
        if self.eps.as_ref().is_some_and(|eps| (&exact - &original).abs() > *eps) {
            return Some(format!("{value} is more than eps from {before}"));
        }
        match Grid::of(feature) {
            Some(grid) if !grid.holds(value) => Some(format!("{value} is none of its steps")),
            Some(_) => None,
            None => feature.refuses(&exact),
        }
    }

    /// Whether a point is one of these, in exact arithmetic.
    ///
    /// # Errors
    /// With why it is none.
    pub fn admits(&self, point: &[f32]) -> Result<(), String> {
        let (expected, got) = (self.features.len(), point.len());
        if expected != got {
            return Err(format!("expected {expected} features, got {got}"));
        }
        for (at, &value) in point.iter().enumerate() {
            if let Some(why) = self.refuses(at, value) {
                return Err(format!("feature {at}: {why}"));
            }
        }
        for group in self.groups {
            let same = group.iter().all(|&at| unchanged(point[at], self.original[at]));
            let ones = group.iter().filter(|&&at| point[at] == 1.0).count();
            let zeros = group.iter().filter(|&&at| point[at] == 0.0).count();
            if !same && (ones != 1 || zeros.saturating_add(ones) != group.len()) {
                let members = group.iter().map(ToString::to_string).collect::<Vec<_>>();
                let members = members.join(", ");
                return Err(format!("of the features {members} not exactly one is 1"));
            }
        }
        if let Some(budget) = self.budget {
            let total = cost::total(self.features, &self.original, point);
            if total > *budget {
                let (total, budget) = (exact::float(&total), exact::float(budget));
                return Err(format!("the change costs {total}, over the budget of {budget}"));
            }
        }
        Ok(())
    }

    /// Move a point to one of these; what is one already stays as it is.
    ///
    /// Each feature goes to the nearest value that it may have, a group to its member with the
    /// largest coordinate that may hold. A change over the budget loses its dearest groups until
    /// they fit, and the other features are brought nearer to the sample by
    /// [Duchi et al. 2008](https://dl.acm.org/doi/10.1145/1390156.1390191) for costs as weights.
    pub fn project(&self, point: &mut [f32]) {
        for (at, value) in point.iter_mut().enumerate().take(self.features.len()) {
            if self.features[at].group.is_none() {
                *value = self.snap(at, *value);
            }
        }
        for (group, holders) in self.groups.iter().zip(&self.holders) {
            self.choose(group, holders, point);
        }
        if let Some(budget) = self.budget {
            self.save(budget, point);
        }
    }

    /// The nearest value that a feature may have.
    fn snap(&self, at: usize, value: f32) -> f32 {
        let before = self.original[at];
        let Some((low, high)) = self.ranges[at].filter(|_| !value.is_nan()) else { return before };
        if value == before {
            return before;
        }
        let inside = value.clamp(low, high);
        let inside = match &self.grids[at] {
            None => inside,
            Some(grid) => grid.snap(inside, low, high).unwrap_or(before),
        };
        let far = |from: f32| (f64::from(value) - f64::from(from)).abs();
        if far(before) <= far(inside) && inside != value { before } else { inside }
    }

    /// Let one member of a group hold, or all be as they were.
    fn choose(&self, group: &[usize], holders: &[usize], point: &mut [f32]) {
        let same = group.iter().all(|&at| unchanged(point[at], self.original[at]));
        let largest = holders.iter().copied().reduce(|best, at| {
            if point[at] > point[best] || point[best].is_nan() { at } else { best }
        });
        match largest {
            Some(one) if !same => {
                for &at in group {
                    point[at] = if at == one { 1.0 } else { 0.0 };
                }
            }
            _ => self.restore(group, point),
        }
    }

    fn restore(&self, group: &[usize], point: &mut [f32]) {
        for &at in group {
            point[at] = self.original[at];
        }
    }

    /// Bring a change within the budget.
    fn save(&self, budget: &Rational, point: &mut [f32]) {
        if cost::within(self.features, &self.original, point, budget) {
            return;
        }
        let mut left = budget.clone();
        let price = |group: &[usize], point: &[f32]| {
            let each =
                group.iter().map(|&at| cost::of(&self.features[at], self.original[at], point[at]));
            each.sum::<Rational>()
        };
        let mut groups = self.groups.iter().map(|group| (price(group, point), group));
        let mut priced = groups.by_ref().collect::<Vec<_>>();
        priced.sort_by(|a, b| a.0.cmp(&b.0));
        for (price, group) in priced {
            if price <= left {
                left -= price;
            } else {
                self.restore(group, point);
            }
        }
        self.shrink(&left, point);
    }

    /// Bring the features outside of groups within what is left of the budget.
    fn shrink(&self, left: &Rational, point: &mut [f32]) {
        let priced = (0..self.features.len()).filter(|&at| {
            let feature = &self.features[at];
            feature.group.is_none() && !feature.cost.is_zero() && point[at] != self.original[at]
        });
        let priced = priced.filter(|&at| !point[at].is_nan()).collect::<Vec<_>>();
        let total = |point: &[f32]| {
            let each =
                priced.iter().map(|&at| cost::of(&self.features[at], self.original[at], point[at]));
            each.sum::<Rational>()
        };
        if total(point) <= *left {
            return;
        }
        let change = |at: usize, point: &[f32]| f64::from(point[at]) - f64::from(self.original[at]);
        let changes =
            priced.iter().map(|&at| (about(&self.features[at].cost), change(at, point).abs()));
        let threshold = cost::threshold(&changes.collect::<Vec<_>>(), about(left));
        for &at in &priced {
            let (before, change) = (f64::from(self.original[at]), change(at, point));
            let less = (change.abs() - threshold * about(&self.features[at].cost)).max(0.0);
            let value = before + less * change.signum();
            #[expect(clippy::cast_possible_truncation, reason = "what it costs is judged below")]
            let value = self.inward(at, value as f32);
            point[at] = value;
        }
        // Rounding may leave it a little above: what is dearest goes a step back, then all the way.
        for _ in 0..64 {
            if total(point) <= *left {
                return;
            }
            for &at in &priced {
                let before = self.original[at];
                point[at] = self.inward(at, toward(point[at], before));
            }
        }
        let mut order = priced.clone();
        order.sort_by_cached_key(|&at| -cost::of(&self.features[at], self.original[at], point[at]));
        for at in order {
            if total(point) <= *left {
                return;
            }
            point[at] = self.original[at];
        }
    }

    /// The value that a feature may have and that is nearest to another on the sample's side of it.
    fn inward(&self, at: usize, value: f32) -> f32 {
        let before = self.original[at];
        let Some((low, high)) = self.ranges[at] else { return before };
        let (low, high) = if value >= before {
            (low.max(before), high.min(value))
        } else {
            (low.max(value), high.min(before))
        };
        if low > high {
            return before;
        }
        match &self.grids[at] {
            None => value.clamp(low, high),
            Some(grid) => grid.snap(value, low, high).unwrap_or(before),
        }
    }
}

/// Whether a value is what it was; a missing one is still missing.
pub(super) fn unchanged(value: f32, before: f32) -> bool {
    value == before || (value.is_nan() && before.is_nan())
}

/// The next float on the way from one to another.
fn toward(from: f32, to: f32) -> f32 {
    if from < to {
        from.next_up()
    } else if from > to {
        from.next_down()
    } else {
        from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_goes_to_its_neighbour() {
        assert_eq!(toward(1.0, 2.0), 1.0_f32.next_up());
        assert_eq!(toward(1.0, -2.0), 1.0_f32.next_down());
        assert_eq!(toward(1.0, 1.0), 1.0);
    }
}
