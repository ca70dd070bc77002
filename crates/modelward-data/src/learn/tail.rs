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

/// The value that ordinary rows cross with probability `share`, by the tail of these numbers of which some
/// may be of other rows.
///
/// The excesses over the 90 % quantile are taken as a generalised Pareto tail (Pickands, Ann. Stat. 3, 1975)
/// whose shape and scale are fitted by medians, so that a tenth of wild rows among them does not lift it.
pub(crate) fn limit(numbers: &[f64], share: f64) -> f64 {
    let mut sorted =
        numbers.iter().copied().filter(|number| number.is_finite()).collect::<Vec<_>>();
    if sorted.len() < 20 {
        return f64::INFINITY;
    }
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    // Pickands' estimate over three quantiles that each halve the share above.
    let (one, two, three) = (at(0.60), at(0.80), at(0.90));
    let shape = if two > one && three > two {
        (((three - two) / (two - one)).log2()).clamp(0.0, 0.5)
    } else {
        0.0
    };
    let growth = |share: f64| match shape {
        shape if shape < 1e-6 => (0.4 / share).ln(),
        shape => ((0.4 / share).powf(shape) - 1.0) / shape,
    };
    let scale = (three - one) / growth(0.1);
    one + scale * growth(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::random::Random;

    #[test]
    fn the_limit_of_a_tail_is_crossed_as_often_as_it_says() {
        let mut random = Random::new(2, 0);
        let numbers = (0..20_000).map(|_| -random.unit().ln()).collect::<Vec<_>>();
        let limit = limit(&numbers, 0.001);
        let above = numbers.iter().filter(|number| **number > limit).count();
        assert!((4..60).contains(&above), "{above}");
    }
}
