//! Tails of scores: where the scores of ordinary rows end.

/// The standard deviation of the middle of some numbers about 0: their median distance from it, scaled as
/// for a normal distribution.
pub(crate) fn deviation(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut sizes = numbers.map(f64::abs).collect::<Vec<_>>();
    if sizes.is_empty() {
        return 0.0;
    }
    let middle = sizes.len() / 2;
    let (_, median, _) = sizes.select_nth_unstable_by(middle, f64::total_cmp);
    *median * 1.4826
}

/// The tail of the scores of ordinary rows, taken from scores of which some may be of other rows.
///
/// The excesses over the 60 % quantile are taken as a generalised Pareto tail whose shape and scale are
/// fitted by three quantiles that each halve the share above (Pickands, Ann. Stat. 3, 1975), so that up to a
/// tenth of wild rows does not lift it.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    /// Scores in their order.
    sorted: Vec<f64>,
    from: f64,
    scale: f64,
    shape: f64,
}

impl Tail {
    /// The tail of some scores; `None` where they are too few to tell.
    pub(crate) fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        Self::with(numbers, (0.0, 0.5))
    }

    /// The same where what is to be told is how long the tail is: it may end, and be as long as that of Cauchy's
    /// distribution and longer.
    pub(crate) fn free(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        Self::with(numbers, (-0.5, 1.5))
    }

    /// The same where no tail is taken to end.
    pub(crate) fn long(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        Self::with(numbers, (0.0, 1.5))
    }

    fn with(numbers: impl Iterator<Item = f64>, (least, most): (f64, f64)) -> Option<Self> {
        let mut sorted = numbers.filter(|number| number.is_finite()).collect::<Vec<_>>();
        if sorted.len() < 20 {
            return None;
        }
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
        let (one, two, three) = (at(0.60), at(0.80), at(0.90));
        let shape = if two > one && three > two {
            ((three - two) / (two - one)).log2().clamp(least, most)
        } else {
            0.0
        };
        let scale = (three - one) / growth(shape, 0.1);
        Some(Self { from: one, scale, shape, sorted })
    }

    /// The score that ordinary rows cross with probability `share`.
    pub(crate) fn limit(&self, share: f64) -> f64 {
        self.from + self.scale * growth(self.shape, share)
    }

    /// The score of half the rows.
    pub(crate) fn usual(&self) -> f64 {
        self.sorted[self.sorted.len() / 2]
    }

    /// How rare a score is: minus the logarithm of the share of rows above, and beyond `limit` by how many
    /// scales it lies there.
    pub(crate) fn rarity(&self, score: f64, limit: f64) -> f64 {
        let below = self.sorted.partition_point(|other| *other < score);
        let equal = self.sorted.partition_point(|other| *other <= score) - below;
        let count = self.sorted.len() as f64;
        let rank = (below as f64 + 0.5 * (equal as f64 + 1.0)).min(count);
        let beyond = (score - limit).max(0.0) / self.scale.max(1e-9 * limit.abs()).max(1e-300);
        -(1.0 - rank / (count + 1.0)).ln() + beyond.min(MOST_BEYOND)
    }
}

/// The excess that a share of 0.4 times the tail crosses, in scales.
fn growth(shape: f64, share: f64) -> f64 {
    if shape.abs() < 1e-6 { (0.4 / share).ln() } else { ((0.4 / share).powf(shape) - 1.0) / shape }
}

/// Scales beyond which all is equally rare.
const MOST_BEYOND: f64 = 20.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random::Random;

    #[test]
    fn the_limit_of_a_tail_is_crossed_as_often_as_it_says() {
        let mut random = Random::new(2, 0);
        let numbers = (0..20_000).map(|_| -random.unit().ln()).collect::<Vec<_>>();
        let limit = Tail::of(numbers.iter().copied()).unwrap().limit(0.001);
        let above = numbers.iter().filter(|number| **number > limit).count();
        assert!((4..60).contains(&above), "{above}");
    }
}
