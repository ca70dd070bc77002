//! What attacks climb: losses of the scores, each defined for two classes and more.

use crate::{
    arena::{Arena, best_other},
    victim::Slope,
};

/// A loss that grows as a sample comes to fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The cross-entropy of the label.
    CrossEntropy,
    /// How far the best other class lies above the label; which one that is is read from the scores
    /// of the step before.
    Margin,
    /// How far this class lies above the label.
    Towards(usize),
    /// The same over the spread of the largest scores: the targeted difference of logits ratio
    /// (Croce and Hein 2020, equation 7). For three classes the spread is that of the first and the
    /// third; for two it would be the margin itself, and the margin is taken.
    Ratio(usize),
}

/// The terms of a loss for a batch.
#[derive(Debug)]
pub enum Terms {
    /// Labels.
    Labels(Vec<usize>),
    /// Weights of the scores.
    Weights(Vec<f32>),
    /// Weights above and below.
    Ratio(Vec<f32>, Vec<f32>),
}

impl Terms {
    /// What a gradient is taken of.
    pub fn slope(&self) -> Slope<'_> {
        match self {
            Self::Labels(labels) => Slope::CrossEntropy(labels),
            Self::Weights(weights) => Slope::Weighted(weights),
            Self::Ratio(above, below) => Slope::Ratio { above, below },
        }
    }
}

impl Aim {
    /// The terms for a batch of aims of one kind, each with the scores that were last seen.
    pub fn terms<'s>(
        arena: &Arena<'_>,
        cases: &[usize],
        aims: impl Iterator<Item = (Self, &'s [f32])>,
    ) -> Terms {
        let classes = arena.classes();
        let mut labels = Vec::new();
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for (&case, (aim, scores)) in cases.iter().zip(aims) {
            let label = arena.cases[case].label;
            if aim == Self::CrossEntropy {
                labels.push(label);
                continue;
            }
            let start = above.len();
            above.resize(start + classes, 0.0);
            match aim {
                Self::Margin => {
                    above[start + best_class(scores, label)] = 1.0;
                    above[start + label] = -1.0;
                }
                Self::Towards(target) => {
                    above[start + target] = 1.0;
                    above[start + label] = -1.0;
                }
                Self::Ratio(target) => {
                    above[start + label] = 1.0;
                    above[start + target] = -1.0;
                    below.resize(start + classes, 0.0);
                    let spread = &mut below[start..];
                    let (first, third, fourth) = largest(scores);
                    if let Some(third) = third {
                        spread[first] = 1.0;
                        match fourth {
                            Some(fourth) => {
                                spread[third] -= 0.5;
                                spread[fourth] -= 0.5;
                            }
                            None => spread[third] -= 1.0,
                        }
                    }
                }
                Self::CrossEntropy => {}
            }
        }
        if !labels.is_empty() {
            Terms::Labels(labels)
        } else if below.is_empty() {
            Terms::Weights(above)
        } else {
            Terms::Ratio(above, below)
        }
    }

    /// The loss.
    pub fn loss(self, label: usize, scores: &[f32]) -> f32 {
        match self {
            Self::CrossEntropy => {
                let most = scores.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
                scores.iter().map(|x| (x - most).exp()).sum::<f32>().ln() - (scores[label] - most)
            }
            Self::Margin => best_other(scores, label) - scores[label],
            Self::Towards(target) => scores[target] - scores[label],
            Self::Ratio(target) => {
                let (first, third, fourth) = largest(scores);
                let margin = scores[target] - scores[label];
                let spread = match (third, fourth) {
                    (Some(third), Some(fourth)) => {
                        scores[first] - 0.5 * (scores[third] + scores[fourth])
                    }
                    (Some(third), None) => scores[first] - scores[third],
                    _ => 1.0,
                };
                margin / (spread + 1e-12)
            }
        }
    }
}

/// The best class but one.
pub fn best_class(scores: &[f32], but: usize) -> usize {
    let others = (0..scores.len()).filter(|&class| class != but);
    let first = usize::from(but == 0);
    others.fold(first, |best, class| if scores[class] > scores[best] { class } else { best })
}

/// The classes of the largest score, and of the third and the fourth where there are so many.
fn largest(scores: &[f32]) -> (usize, Option<usize>, Option<usize>) {
    let mut top = [usize::MAX; 4];
    for class in 0..scores.len() {
        let place =
            top.iter().position(|&other| other == usize::MAX || scores[class] > scores[other]);
        if let Some(place) = place {
            top[place..].rotate_right(1);
            top[place] = class;
        }
    }
    let at = |place: usize| Some(top[place]).filter(|&class| class != usize::MAX);
    (top[0], at(2), at(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_the_paper() {
        let scores = [1.0, 5.0, 3.0, 2.0, -1.0];
        // (z_t - z_y) / (z_1 - (z_3 + z_4) / 2), with z_3 = 2 and z_4 = 1.
        assert_eq!(Aim::Ratio(2).loss(1, &scores), -2.0 / 3.5);
        assert_eq!(Aim::Ratio(0).loss(1, &scores[..3]), -4.0 / 4.0);
        assert_eq!(Aim::Ratio(0).loss(1, &scores[..2]), -4.0);
    }

    #[test]
    fn the_largest_are_found_with_the_first_of_equals_before() {
        assert_eq!(largest(&[2.0, 2.0, 1.0, 3.0]), (3, Some(1), Some(2)));
        assert_eq!(largest(&[0.0, 1.0]), (1, None, None));
        assert_eq!(best_class(&[4.0, 1.0, 2.0], 0), 2);
        assert_eq!(best_class(&[4.0, 1.0, 2.0], 1), 0);
    }

    #[test]
    fn cross_entropy_does_not_overflow() {
        assert_eq!(Aim::CrossEntropy.loss(0, &[1000.0, -1000.0]), 0.0);
        assert_eq!(Aim::CrossEntropy.loss(1, &[1000.0, -1000.0]), 2000.0);
    }
}
