//! Tests of two samples.

use std::collections::BTreeMap;

use crate::tail;

/// Two columns whose rank correlation was compared.
pub(super) struct Correlated<'a> {
    pub(super) columns: [&'a str; 2],
    pub(super) before: f64,
    pub(super) after: f64,
    pub(super) p_value: f64,
}

/// Categories that are told apart; the rest stands together.
const MOST_CATEGORIES: usize = 200;
/// Rows that are expected in either set for a category to stand alone (Cochran, 1954).
const LEAST_EXPECTED: f64 = 5.0;

/// The Kolmogorov-Smirnov distance of two samples of numbers and its p-value; NaN is left out.
pub(super) fn numbers(one: &[f64], other: &[f64]) -> Option<(f64, f64)> {
    let sorted = |values: &[f64]| {
        let mut sorted = values.iter().copied().filter(|value| !value.is_nan()).collect::<Vec<_>>();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    let (a, b) = (sorted(one), sorted(other));
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let (mut at, mut to, mut most) = (0, 0, 0.0_f64);
    while at < a.len() && to < b.len() {
        let value = a[at].min(b[to]);
        while at < a.len() && a[at] <= value {
            at += 1;
        }
        while to < b.len() && b[to] <= value {
            to += 1;
        }
        most = most.max((at as f64 / a.len() as f64 - to as f64 / b.len() as f64).abs());
    }
    Some((most, tail::smirnov(most, a.len(), b.len())))
}

/// The same as [`categories`] of two samples as they are written.
pub(super) fn counted(one: &[Option<String>], other: &[Option<String>]) -> Option<(f64, f64)> {
    let mut counts = BTreeMap::<Option<&str>, [f64; 2]>::new();
    for (side, values) in [one, other].into_iter().enumerate() {
        for value in values {
            counts.entry(value.as_deref()).or_default()[side] += 1.0;
        }
    }
    let mut columns = counts.into_values().collect::<Vec<_>>();
    // An identifier has no categories to compare.
    if columns.len() * 2 > one.len() + other.len() || columns.len() < 2 {
        return None;
    }
    columns.sort_by(|a, b| (b[0] + b[1]).total_cmp(&(a[0] + a[1])));
    Some(categories(&columns))
}

/// How unlike the shares of categories are in two samples, and the probability that one distribution gives
/// samples as unlike. Categories come the most frequent first.
///
/// The first is Cramer's V of the shares, as if both samples had one size: a small sample beside a large one
/// would else have no effect, however unlike they are. The second is the chi-square test; categories too rare
/// for it stand together, and where only two are left and one is rare, it is Fisher's exact test: one value in
/// forty that none of a hundred thousand has is chance.
pub(super) fn categories(counts: &[[f64; 2]]) -> (f64, f64) {
    let sums = counts.iter().fold([0.0, 0.0], |[a, b], [c, d]| [a + c, b + d]);
    let all = sums[0] + sums[1];
    let least = sums[0].min(sums[1]) / all.max(1.0);
    let frequent = |both: &&[f64; 2]| (both[0] + both[1]) * least >= LEAST_EXPECTED;
    let alone = counts.iter().take(MOST_CATEGORIES).take_while(frequent).count();
    let (alone, rest) = counts.split_at_checked(alone).unwrap_or((counts, &[]));
    let mut columns = alone.to_vec();
    if let Some(rest) = rest.iter().copied().reduce(|[a, b], [c, d]| [a + c, b + d]) {
        match columns.last_mut().filter(|_| alone.len() > 1 && !frequent(&&rest)) {
            Some(last) => *last = [last[0] + rest[0], last[1] + rest[1]],
            None => columns.push(rest),
        }
    }
    let squares = columns.iter().filter(|both| both[0] + both[1] > 0.0).map(|[a, b]| {
        let (p, q) = (a / sums[0].max(1.0), b / sums[1].max(1.0));
        (p - q).powi(2) / (p + q)
    });
    let effect = (squares.sum::<f64>() / 2.0).sqrt();
    if let [one, other] = columns.as_slice()
        && !(frequent(&one) && frequent(&other))
    {
        return (effect, tail::fisher(*one, *other));
    }
    let terms = columns.iter().flat_map(|both| {
        let sum = both[0] + both[1];
        [0, 1].map(|side| {
            let expected = sum * sums[side] / all;
            if expected > 0.0 { (both[side] - expected).powi(2) / expected } else { 0.0 }
        })
    });
    let freedom = columns.len().saturating_sub(1) as f64;
    (effect, tail::chi_square(terms.sum::<f64>(), freedom))
}

/// How the rank correlation of every two columns changed (Spearman; Fisher's z with the variance of
/// Fieller, Hartley and Pearson, 1957), over the rows that miss neither value.
pub(super) fn correlations<'a>(columns: &[(&'a str, &[f64], &[f64])]) -> Vec<Correlated<'a>> {
    let one = columns.iter().map(|(_, values, _)| Ranks::of(values)).collect::<Vec<_>>();
    let two = columns.iter().map(|(_, _, values)| Ranks::of(values)).collect::<Vec<_>>();
    let mut found = Vec::new();
    for at in 0..columns.len() {
        for to in at + 1..columns.len() {
            let (first, second) = (one[at].with(&one[to]), two[at].with(&two[to]));
            let (Some((before, rows)), Some((after, others))) = (first, second) else { continue };
            let z = |correlation: f64| correlation.clamp(-0.999_999, 0.999_999).atanh();
            let spread = |rows: usize| 1.06 / (rows as f64 - 3.0).max(1.0);
            let deviation = (spread(rows) + spread(others)).sqrt();
            found.push(Correlated {
                columns: [columns[at].0, columns[to].0],
                before,
                after,
                p_value: tail::two_sided((z(before) - z(after)) / deviation),
            });
        }
    }
    found
}

/// The ranks of the values of a column, equal ones sharing theirs, with mean 0 and length 1; NaN where one is
/// missing.
struct Ranks {
    ranks: Vec<f64>,
    missing: bool,
}

impl Ranks {
    fn of(values: &[f64]) -> Self {
        let mut order = (0..values.len()).filter(|row| !values[*row].is_nan()).collect::<Vec<_>>();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        let mut ranks = vec![f64::NAN; values.len()];
        let (mut from, middle) = (0, (order.len() as f64 - 1.0) / 2.0);
        for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
            let rank = from as f64 + (equal.len() as f64 - 1.0) / 2.0 - middle;
            equal.iter().for_each(|row| ranks[*row] = rank);
            from += equal.len();
        }
        let there = order.iter().map(|row| ranks[*row] * ranks[*row]);
        let length = there.sum::<f64>().sqrt();
        ranks.iter_mut().for_each(|rank| *rank /= length.max(1e-9));
        Self { ranks, missing: order.len() < values.len() }
    }

    /// The correlation with other ranks over the rows that have both, and how many these are; `None` where they
    /// are few, or all alike.
    fn with(&self, other: &Self) -> Option<(f64, usize)> {
        let rows = self.ranks.iter().zip(&other.ranks);
        if !self.missing && !other.missing {
            let differ = |ranks: &[f64]| ranks.iter().any(|rank| *rank != 0.0);
            let sum = || rows.map(|(a, b)| a * b).sum();
            let both = differ(&self.ranks) && differ(&other.ranks);
            return both.then(|| (sum(), self.ranks.len()));
        }
        let both = rows.filter(|(a, b)| !a.is_nan() && !b.is_nan());
        let (mut count, mut sums) = (0_usize, [0.0; 5]);
        for (a, b) in both {
            count += 1;
            let terms = [*a, *b, a * a, b * b, a * b];
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
        let [a, b, aa, bb, ab] = sums.map(|sum| sum / count.max(1) as f64);
        let spread = ((aa - a * a) * (bb - b * b)).sqrt();
        (count >= LEAST_BOTH && spread > 1e-15).then(|| ((ab - a * b) / spread, count))
    }
}

/// Rows that a correlation is of, where some values are missing.
const LEAST_BOTH: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_distribution_functions() {
        let (distance, p_value) =
            numbers(&[1.0, 2.0, f64::NAN, 3.0], &[2.0, 3.0, 4.0]).unwrap_or_default();
        assert!((distance - 1.0 / 3.0).abs() < 1e-12, "{distance}");
        assert!(p_value > 0.9, "{p_value}");
        assert_eq!(numbers(&[1.0], &[f64::NAN]), None);
    }

    #[test]
    fn categories_follow_the_chi_square_test() {
        // 10/20/30 against 30/20/10: the statistic is 20, with two degrees of freedom.
        let (v, p_value) = categories(&[[10.0, 30.0], [20.0, 20.0], [30.0, 10.0]]);
        assert!((v - (20.0_f64 / 120.0).sqrt()).abs() < 1e-12);
        assert!((p_value - (-10.0_f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn a_rare_value_of_a_small_sample_is_chance_and_a_whole_change_is_not() {
        // `scipy.stats.fisher_exact`: 0.007936507936507936.
        let (_, p_value) = categories(&[[5000.0, 39.0], [0.0, 1.0]]);
        assert!((p_value - 40.0 / 5040.0).abs() < 1e-9, "{p_value}");
        let (_, p_value) = categories(&[[3000.0, 25.0], [2000.0, 14.0], [0.0, 1.0]]);
        assert!(p_value > 0.05, "{p_value}");
        // Half of one, half of the other, beside a hundred of one alone.
        let (effect, p_value) = categories(&[[25_000.0, 100.0], [25_000.0, 0.0]]);
        assert!(effect > 0.5 && p_value < 1e-20, "{effect} {p_value}");
        let (effect, _) = categories(&[[500.0, 505.0], [500.0, 495.0]]);
        assert!(effect < 0.01, "{effect}");
    }

    #[test]
    fn missing_values_change_no_correlation() {
        let one = (0..400).map(f64::from).collect::<Vec<_>>();
        let other = one.iter().map(|x| x + 40.0 * (x * 1.7).sin()).collect::<Vec<_>>();
        let every = |odd: f64| one.iter().map(move |x| if x % 2.0 == odd { f64::NAN } else { *x });
        let found =
            correlations(&[("a", &one, &every(0.0).collect::<Vec<_>>()), ("b", &other, &other)]);
        assert!(
            (found[0].before - found[0].after).abs() < 0.01,
            "{} {}",
            found[0].before,
            found[0].after
        );
        let gone = correlations(&[("a", &one, &vec![f64::NAN; 400]), ("b", &one, &one)]);
        assert!(gone.is_empty());
    }

    #[test]
    fn correlations_of_ranks() {
        let one = (0..200).map(f64::from).collect::<Vec<_>>();
        let cube = one.iter().map(|x| x * x * x).collect::<Vec<_>>();
        let turned = one.iter().map(|x| -x).collect::<Vec<_>>();
        let found = correlations(&[("a", &one, &one), ("b", &cube, &turned)]);
        assert!((found[0].before - 1.0).abs() < 1e-9 && (found[0].after + 1.0).abs() < 1e-9);
        assert!(found[0].p_value < 1e-9);
    }
}
