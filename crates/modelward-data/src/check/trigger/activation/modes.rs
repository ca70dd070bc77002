//! Whether numbers fall into two modes, and which is in which.

/// Two normal distributions are apart if their means differ by more than this, in root mean squares of
/// their deviations (Ashman, Bird and Zepf, 1994).
const APART: f64 = 2.0;
/// The two have to explain the numbers better than one by this much of the Bayesian information criterion
/// (Kass and Raftery, 1995: beyond it the evidence is very strong).
const BETTER: f64 = 10.0;

/// A mixture of two normal distributions.
#[derive(Clone, Copy)]
struct Two {
    share: f64,
    means: [f64; 2],
    variances: [f64; 2],
    likelihood: f64,
}

/// The probability of each number to be of the upper of two modes; `None` where one explains them as well.
pub(super) fn split(numbers: &[f64]) -> Option<Vec<f64>> {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let variance = numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    if numbers.len() < 20 || variance < 1e-12 {
        return None;
    }
    let one = -0.5 * count * ((2.0 * std::f64::consts::PI * variance).ln() + 1.0);
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let starts = [0.05, 0.2, 0.5, 0.8, 0.95].map(|share| fit(numbers, &sorted, share, variance));
    let two = starts.into_iter().max_by(|a, b| a.likelihood.total_cmp(&b.likelihood))?;
    let better = 2.0 * (two.likelihood - one) - 3.0 * count.ln();
    let width = ((two.variances[0] + two.variances[1]) / 2.0).sqrt();
    let apart = (two.means[1] - two.means[0]).abs() / width;
    if better < BETTER || apart < APART {
        return None;
    }
    let upper = usize::from(two.means[1] > two.means[0]);
    Some(numbers.iter().map(|x| two.of(*x)[upper]).collect())
}

impl Two {
    fn densities(&self, x: f64) -> [f64; 2] {
        let shares = [1.0 - self.share, self.share];
        std::array::from_fn(|at| {
            let off = (x - self.means[at]).powi(2) / self.variances[at];
            let scale = (2.0 * std::f64::consts::PI * self.variances[at]).sqrt();
            shares[at] * (-0.5 * off).exp() / scale
        })
    }

    /// The probability of a number to be of either.
    fn of(&self, x: f64) -> [f64; 2] {
        let [a, b] = self.densities(x);
        let sum = a + b;
        if sum > 1e-300 {
            return [a / sum, b / sum];
        }
        let near = (x - self.means[0]).abs() < (x - self.means[1]).abs();
        if near { [1.0, 0.0] } else { [0.0, 1.0] }
    }
}

/// Expectation-maximisation from a split at a share of the numbers.
fn fit(numbers: &[f64], sorted: &[f64], share: f64, variance: f64) -> Two {
    let count = numbers.len() as f64;
    let at = ((sorted.len() as f64 * share) as usize).clamp(1, sorted.len() - 1);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let mut two = Two {
        share: 1.0 - share,
        means: [mean(&sorted[..at]), mean(&sorted[at..])],
        variances: [variance / 2.0; 2],
        likelihood: f64::NEG_INFINITY,
    };
    for _ in 0..200 {
        let (mut weights, mut sums, mut squares) = ([0.0; 2], [0.0; 2], [0.0; 2]);
        let mut likelihood = 0.0;
        for x in numbers {
            likelihood += two.densities(*x).iter().sum::<f64>().max(1e-300).ln();
            for (at, weight) in two.of(*x).into_iter().enumerate() {
                weights[at] += weight;
                sums[at] += weight * x;
                squares[at] += weight * x * x;
            }
        }
        let gained = likelihood - two.likelihood;
        two.likelihood = likelihood;
        if gained.abs() < 1e-9 * count || weights.iter().any(|weight| *weight < 2.0) {
            break;
        }
        two.share = weights[1] / count;
        for at in 0..2 {
            two.means[at] = sums[at] / weights[at];
            let spread = squares[at] / weights[at] - two.means[at].powi(2);
            // A mode of no width would explain a single number without end.
            two.variances[at] = spread.max(variance * 1e-3);
        }
    }
    two
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(count: usize, mean: f64) -> Vec<f64> {
        // Sums of twelve even numbers are near to normal.
        let even = |at: usize| {
            (crate::check::near::shingles::mix(at as u64) >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..count).map(|at| mean - 6.0 + (0..12).map(|k| even(at * 12 + k)).sum::<f64>()).collect()
    }

    #[test]
    fn two_modes_are_told_and_one_is_not() {
        assert!(split(&normal(500, 0.0)).is_none());
        let both = [normal(300, 0.0), normal(40, 6.0)].concat();
        let upper = split(&both).unwrap_or_default();
        // A number of the lower mode may lie nearer to the upper.
        let count = upper.iter().filter(|upper| **upper > 0.5).count();
        assert!((39..=41).contains(&count), "{count}");
    }
}
