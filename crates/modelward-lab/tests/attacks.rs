//! Attacks on models whose robustness is known: what falls is exactly what can fall, and a model that
//! hides is found out.

#![allow(clippy::unwrap_used, reason = "tests may fail so")]

use std::time::Instant;

use modelward_engine::Result;
use modelward_lab::{
    budget::{Budget, Norm},
    evade::Effort,
    exact,
    robustness::{Question, Robustness, measure},
    rule::Rule,
    victim::{Answers, NO_CLASS, Slope, Slopes, Victim},
};

/// How a linear model is hidden.
#[derive(Clone, Copy, PartialEq)]
enum Hidden {
    Not,
    /// Its gradient is zero.
    Gradient,
    /// Its gradient points anywhere.
    Shattered,
    /// What it gives as deployed says the class and no more.
    Output,
    /// It answers NaN off the samples.
    Lattice,
    /// It draws a number.
    Random,
}

/// Scores `w x + b` of three classes over four numbers.
struct Linear {
    hidden: Hidden,
    asked: u32,
}

const WEIGHTS: [[f32; 4]; 3] =
    [[1.0, 0.5, -0.5, 0.25], [-1.0, 0.75, 0.25, -0.5], [0.25, -1.0, 0.5, 0.5]];
const BIAS: [f32; 3] = [0.1, 0.2, 0.3];

fn scores(x: &[f32]) -> [f32; 3] {
    let score =
        |class: usize| BIAS[class] + x.iter().zip(&WEIGHTS[class]).map(|(x, w)| x * w).sum::<f32>();
    [score(0), score(1), score(2)]
}

fn class(scores: &[f32]) -> usize {
    (0..3).fold(0, |best, at| if scores[at] > scores[best] { at } else { best })
}

impl Victim for Linear {
    fn features(&self) -> usize {
        4
    }

    fn shape(&self) -> &[usize] {
        &[4]
    }

    fn classes(&self) -> usize {
        3
    }

    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        let mut answers = Answers::default();
        for x in inputs.chunks_exact(4) {
            let mut here = scores(x);
            self.asked += 1;
            if self.hidden == Hidden::Random {
                here[0] += 1e-3 * (self.asked % 7) as f32;
            }
            let off = x.iter().any(|x| (x * 8.0).fract() != 0.0);
            if self.hidden == Hidden::Lattice && off {
                here = [f32::NAN; 3];
                answers.labels.push(NO_CLASS);
            } else {
                answers.labels.push(class(&here) as i64);
            }
            answers.scores.extend(here);
        }
        Ok(answers)
    }

    fn deployed(&mut self, inputs: &[f32]) -> Result<Vec<f32>> {
        let answers = self.ask(inputs)?;
        Ok(match self.hidden {
            Hidden::Output => answers.labels.iter().map(|label| *label as f32).collect(),
            _ => answers.scores,
        })
    }

    fn slope(&mut self, of: Slope<'_>, inputs: &[f32]) -> Result<Option<Slopes>> {
        let answers = self.ask(inputs)?;
        let rows = answers.scores.chunks_exact(3).enumerate();
        let by_score = rows.flat_map(|(at, z)| -> [f32; 3] {
            match of {
                Slope::Weighted(weights) => std::array::from_fn(|k| weights[at * 3 + k]),
                Slope::CrossEntropy(labels) => {
                    let total = z.iter().map(|z| z.exp()).sum::<f32>();
                    std::array::from_fn(|k| {
                        z[k].exp() / total - f32::from(u8::from(labels[at] == k))
                    })
                }
                Slope::Ratio { above, below } => {
                    let sum = |w: &[f32]| (0..3).map(|k| w[at * 3 + k] * z[k]).sum::<f32>();
                    let (a, b) = (sum(above), sum(below));
                    std::array::from_fn(|k| {
                        -(above[at * 3 + k] * b - a * below[at * 3 + k]) / (b * b)
                    })
                }
            }
        });
        let by_score = by_score.collect::<Vec<_>>();
        let mut gradients = Vec::new();
        for (at, by) in by_score.chunks_exact(3).enumerate() {
            let slopes: [f32; 4] =
                std::array::from_fn(|i| (0..3).map(|k| by[k] * WEIGHTS[k][i]).sum::<f32>());
            for (i, slope) in slopes.into_iter().enumerate() {
                gradients.push(match self.hidden {
                    Hidden::Gradient => 0.0,
                    Hidden::Shattered => {
                        if (at + i) % 2 == 0 {
                            -slope
                        } else {
                            slope
                        }
                    }
                    _ => slope,
                });
            }
        }
        Ok(Some(Slopes { answers, gradients }))
    }
}

/// Points of a lattice away from the ends of the range, and their classes.
fn samples(count: usize) -> (Vec<f32>, Vec<usize>) {
    let mut random = modelward_lab::random::stream(&[5]);
    let x = (0..4 * count).map(|_| random.u8(2..=6) as f32 / 8.0).collect::<Vec<_>>();
    let labels = x.chunks_exact(4).map(|x| class(&scores(x))).collect();
    (x, labels)
}

fn question<'a>(
    samples: &'a [f32],
    labels: &'a [usize],
    (norm, eps): (Norm, &str),
    effort: Effort,
) -> Question<'a> {
    Question {
        samples,
        labels,
        clean: None,
        budget: Budget { norm, eps: exact::parse(eps).unwrap(), clip: Some((0.0, 1.0)) },
        effort,
        rule: Rule::Any,
        targeted: false,
        seed: 0,
        deadline: None,
    }
}

fn attacked(hidden: Hidden, question: &Question<'_>) -> Robustness {
    measure(&mut Linear { hidden, asked: 0 }, question, &|| 0.0).unwrap()
}

#[test]
fn what_falls_is_what_can_fall() {
    let (x, labels) = samples(120);
    for (norm, eps, dual) in
        [(Norm::Linf, "1/16", 1.0), (Norm::L2, "1/10", 2.0), (Norm::L1, "0.15", f64::INFINITY)]
    {
        let measured = attacked(Hidden::Not, &question(&x, &labels, (norm, eps), Effort::Standard));
        let size = exact::float(&exact::parse(eps).unwrap());
        let breakable = |x: &[f32], label: usize| {
            let z = scores(x);
            (0..3).filter(|k| *k != label).any(|k| {
                let off = (0..4).map(|i| f64::from(WEIGHTS[k][i] - WEIGHTS[label][i]).abs());
                let reach = match dual {
                    1.0 => off.sum::<f64>(),
                    2.0 => off.map(|w| w * w).sum::<f64>().sqrt(),
                    _ => off.fold(0.0, f64::max),
                };
                // Within a thousandth of the edge either is right.
                f64::from(z[label] - z[k]) < size * reach * 0.999
            })
        };
        let expected = x.chunks_exact(4).zip(&labels).enumerate();
        let expected = expected.filter(|(_, (x, label))| breakable(x, **label));
        let expected = expected.map(|(at, _)| at).collect::<Vec<_>>();
        let fallen = measured.fallen.iter().map(|fallen| fallen.index).collect::<Vec<_>>();
        assert!(expected.len() > 10, "{norm}: too few can fall");
        assert!(expected.iter().all(|at| fallen.contains(at)), "{norm}: {expected:?} {fallen:?}");
        assert!(fallen.len() <= expected.len() + 2, "{norm}");
        assert!(measured.raised().next().is_none(), "{norm}: {:?}", measured.indicators);
        assert_eq!(measured.lost, 0);
        for fallen in &measured.fallen {
            let own = &x[fallen.index * 4..][..4];
            let budget = Budget { norm, eps: exact::parse(eps).unwrap(), clip: Some((0.0, 1.0)) };
            assert!(budget.contains(own, &fallen.witness.point));
            assert_ne!(class(&scores(&fallen.witness.point)), fallen.label);
        }
    }
}

#[test]
fn a_sample_falls_to_the_same_point_whatever_stands_beside_it() {
    let (x, labels) = samples(60);
    let all = question(&x, &labels, (Norm::Linf, "1/16"), Effort::Quick);
    let all = attacked(Hidden::Not, &all);
    // The indices are part of the stream: those of the first half stay.
    let half = question(&x[..120], &labels[..30], (Norm::Linf, "1/16"), Effort::Quick);
    let half = attacked(Hidden::Not, &half);
    let first = all.fallen.iter().filter(|fallen| fallen.index < 30).collect::<Vec<_>>();
    assert!(!first.is_empty());
    assert_eq!(first, half.fallen.iter().collect::<Vec<_>>());
}

#[test]
fn models_that_hide_are_found_out() {
    let (x, labels) = samples(100);
    for (hidden, name) in [
        (Hidden::Gradient, "zero-gradient"),
        (Hidden::Shattered, "gradient-mismatch"),
        (Hidden::Output, "saturated-output"),
        (Hidden::Lattice, "nonfinite-output"),
        (Hidden::Random, "repeat-disagreement"),
    ] {
        let asked = question(&x, &labels, (Norm::Linf, "1/20"), Effort::Standard);
        let measured = attacked(hidden, &asked);
        let raised = measured.raised().map(|found| found.name).collect::<Vec<_>>();
        assert!(raised.contains(&name), "{name}: {raised:?}");
    }
}

#[test]
fn a_class_that_was_drawn_is_harder_to_reach_than_any() {
    let (x, labels) = samples(80);
    let any = question(&x, &labels, (Norm::Linf, "1/12"), Effort::Standard);
    let drawn = Question { targeted: true, ..any.clone() };
    let (any, drawn) = (attacked(Hidden::Not, &any), attacked(Hidden::Not, &drawn));
    assert!(drawn.stood > any.stood && !drawn.fallen.is_empty());
}

#[test]
fn time_that_is_up_cuts_the_run_and_loses_nothing() {
    let (x, labels) = samples(20);
    let late = Question {
        deadline: Some(Instant::now()),
        ..question(&x, &labels, (Norm::Linf, "1/16"), Effort::Deep)
    };
    let measured = attacked(Hidden::Not, &late);
    assert!(measured.cut.is_some());
    assert_eq!((measured.right, measured.stood), (20, 20));
}

#[test]
fn labels_that_are_no_classes_are_refused() {
    let (x, mut labels) = samples(5);
    labels[3] = 3;
    let asked = question(&x, &labels, (Norm::Linf, "1/16"), Effort::Quick);
    let trouble = measure(&mut Linear { hidden: Hidden::Not, asked: 0 }, &asked, &|| 0.0);
    assert!(trouble.unwrap_err().to_string().contains("sample 3"));
}
