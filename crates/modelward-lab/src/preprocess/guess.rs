//! What a model says of samples.

/// What a model says of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guess {
    /// The class of each sample.
    pub labels: Vec<i64>,
    /// A score for each class of each sample `[n, classes]`, logits or probabilities; empty where
    /// the model gives labels alone.
    pub scores: Vec<f32>,
}

/// The negative log-likelihood of each sample's label; `None` where there are no scores of two
/// classes or more, or a label is none of them.
pub(super) fn losses(guess: &Guess, labels: &[i64]) -> Option<Vec<f64>> {
    let classes = guess.scores.len().checked_div(labels.len())?;
    if classes < 2 || classes * labels.len() != guess.scores.len() {
        return None;
    }
    let rows = || guess.scores.chunks_exact(classes);
    let chances = rows().all(|row| {
        let sum = row.iter().map(|&score| f64::from(score)).sum::<f64>();
        row.iter().all(|&score| score >= 0.0) && (sum - 1.0).abs() < 1e-3
    });
    let each = rows().zip(labels).map(|(row, &label)| {
        let own = f64::from(*row.get(usize::try_from(label).ok()?)?);
        if chances {
            return Some(-own.max(1e-30).ln());
        }
        let most = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        let sum = row.iter().map(|&score| (f64::from(score) - most).exp()).sum::<f64>();
        let loss = sum.ln() + most - own;
        // What is not finite is as bad as can be.
        Some(if loss.is_finite() { loss } else { f64::MAX.sqrt() })
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_and_probabilities_say_the_same() {
        let chances = [0.2_f32, 0.8, 0.5, 0.5];
        let logits = chances.map(|chance| chance.ln() + 3.0);
        let of = |scores: &[f32]| {
            losses(&Guess { labels: vec![1, 1], scores: scores.to_vec() }, &[1, 0]).unwrap()
        };
        for (one, other) in of(&chances).into_iter().zip(of(&logits)) {
            assert!((one - other).abs() < 1e-6);
        }
        assert!((of(&chances)[1] - 0.5_f64.ln().abs()).abs() < 1e-7);
        assert_eq!(losses(&Guess { labels: vec![1], scores: vec![0.5] }, &[1]), None);
        assert_eq!(losses(&Guess { labels: vec![1], scores: vec![0.5, 1.0] }, &[2]), None);
        assert!(of(&[f32::NAN, 1.0, 0.0, 0.0])[0] > 1e100);
    }
}
