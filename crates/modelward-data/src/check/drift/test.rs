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
    Some((most, tail::kolmogorov(most, a.len() as f64, b.len() as f64)))
}

/// Cramer's V of two samples of categories and the p-value of the chi-square test.
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
    let (all, of_other) = ((one.len() + other.len()) as f64, other.len() as f64);
    let least = of_other.min(all - of_other) / all;
    let alone = columns
        .iter()
        .take(MOST_CATEGORIES)
        .take_while(|[a, b]| (a + b) * least >= LEAST_EXPECTED)
        .count();
    let rest = columns.split_off(alone);
    if let Some(rest) = rest.into_iter().reduce(|[a, b], [c, d]| [a + c, b + d]) {
        columns.push(rest);
    }
    Some(categories(&columns))
}

/// Cramer's V of counts, a category each, and the p-value of the chi-square test.
pub(super) fn categories(counts: &[[f64; 2]]) -> (f64, f64) {
    let sums = counts.iter().fold([0.0, 0.0], |[a, b], [c, d]| [a + c, b + d]);
    let all = sums[0] + sums[1];
    let terms = counts.iter().flat_map(|both| {
        let sum = both[0] + both[1];
        [0, 1].map(|side| {
            let expected = sum * sums[side] / all;
            if expected > 0.0 { (both[side] - expected).powi(2) / expected } else { 0.0 }
        })
    });
    let statistic = terms.sum::<f64>();
    let freedom = counts.len().saturating_sub(1) as f64;
    ((statistic / all.max(1.0)).sqrt(), tail::chi_square(statistic, freedom))
}

/// How the rank correlation of every two columns changed (Spearman; Fisher's z with the variance of
/// Fieller, Hartley and Pearson, 1957).
pub(super) fn correlations<'a>(columns: &[(&'a str, &[f64], &[f64])]) -> Vec<Correlated<'a>> {
    let side = |values: &[f64]| standard(values);
    let one = columns.iter().map(|(_, values, _)| side(values)).collect::<Vec<_>>();
    let two = columns.iter().map(|(_, _, values)| side(values)).collect::<Vec<_>>();
    let mut found = Vec::new();
    for at in 0..columns.len() {
        for to in at + 1..columns.len() {
            let ([a, b], [c, d]) = ([&one[at], &one[to]], [&two[at], &two[to]]);
            let (Some(a), Some(b), Some(c), Some(d)) = (a, b, c, d) else { continue };
            let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            let (before, after) = (dot(a, b), dot(c, d));
            let z = |correlation: f64| correlation.clamp(-0.999_999, 0.999_999).atanh();
            let spread = |rows: usize| 1.06 / (rows as f64 - 3.0).max(1.0);
            let deviation = (spread(a.len()) + spread(c.len())).sqrt();
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

/// Ranks of mean 0 and length 1, equal values sharing one; missing values lie in the middle. `None` for a
/// column of one value.
fn standard(values: &[f64]) -> Option<Vec<f64>> {
    let mut order = (0..values.len()).collect::<Vec<_>>();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    let middle = (values.len() as f64 - 1.0) / 2.0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = from as f64 + (equal.len() as f64 - 1.0) / 2.0 - middle;
        equal.iter().for_each(|row| ranks[*row] = if values[*row].is_nan() { 0.0 } else { rank });
        from += equal.len();
    }
    let length = ranks.iter().map(|rank| rank * rank).sum::<f64>().sqrt();
    if length < 1e-9 {
        return None;
    }
    ranks.iter_mut().for_each(|rank| *rank /= length);
    Some(ranks)
}

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
    fn correlations_of_ranks() {
        let one = (0..200).map(f64::from).collect::<Vec<_>>();
        let cube = one.iter().map(|x| x * x * x).collect::<Vec<_>>();
        let turned = one.iter().map(|x| -x).collect::<Vec<_>>();
        let found = correlations(&[("a", &one, &one), ("b", &cube, &turned)]);
        assert!((found[0].before - 1.0).abs() < 1e-9 && (found[0].after + 1.0).abs() < 1e-9);
        assert!(found[0].p_value < 1e-9);
    }
}
