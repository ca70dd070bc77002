//! Whether one way is better than another on the same samples: the exact sign test.
//!
//! McNemar, Note on the sampling error of the difference between correlated proportions (1947), in
//! its exact one-sided form: of the samples on which two ways disagree, each is right on half by
//! chance.

/// The probability of at least `wins` heads in `wins + losses` throws.
pub(super) fn p_value(wins: usize, losses: usize) -> f64 {
    let throws = wins + losses;
    // Sum from the far end; each term from the one before it. In logarithms, for 2^-throws may be 0.
    let mut term = -(throws as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for heads in (wins..=throws).rev() {
        sum += term.exp();
        // C(n, k - 1) = C(n, k) * k / (n - k + 1)
        term += (heads as f64).ln() - ((throws - heads + 1) as f64).ln();
    }
    sum.min(1.0)
}

/// How often one is right where the other is not, and the reverse.
pub(super) fn disagreements(one: &[bool], other: &[bool]) -> (usize, usize) {
    let count = |won: bool| one.iter().zip(other).filter(|&(&a, &b)| a != b && a == won).count();
    (count(true), count(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_binomial() {
        assert_eq!(p_value(0, 0), 1.0);
        assert!((p_value(5, 0) - 1.0 / 32.0).abs() < 1e-15);
        assert!((p_value(8, 2) - 56.0 / 1024.0).abs() < 1e-14);
        assert!((p_value(3, 4) - 99.0 / 128.0).abs() < 1e-14);
        assert!(p_value(2000, 1000) < 1e-70 && p_value(2000, 1000) > 0.0);
        assert!((p_value(0, 9) - 1.0).abs() < 1e-12);
        assert_eq!(disagreements(&[true, true, false], &[false, true, true]), (1, 1));
    }
}
