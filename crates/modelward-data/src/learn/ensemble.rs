//! Three unlike learners whose answers for a row never come from that row, and their weighted mean.

use super::{
    confident::Calibrated,
    folds,
    forest::{Binned, Grown},
    logistic::{self, Logistic},
    neighbours::{self, Neighbours, Packed},
    random::drawn,
    workers,
};
use crate::Matrix;

/// Rows that classes are to be told of.
pub(crate) struct Problem<'a> {
    features: &'a Matrix,
    groups: Vec<u32>,
    binned: Binned,
    /// The nearest rows of other groups.
    pub(crate) neighbours: Neighbours,
    seed: u64,
    threads: usize,
}

/// What the learners say.
#[derive(Clone)]
pub(crate) struct Told {
    /// `[rows, classes]`: the weighted mean of the learners.
    pub(crate) shares: Vec<f32>,
    /// Each learner, with its weight and its mean log loss.
    pub(crate) learners: Vec<(&'static str, f64, f64)>,
    /// How the mean was calibrated.
    pub(crate) calibrated: Calibrated,
    /// The model of each fold, for another round to start from.
    lines: Vec<Logistic>,
}

impl<'a> Problem<'a> {
    /// Features without missing numbers, and which rows belong together beside those that are equal or
    /// nearly so: rows of one value of `given`, and pairs that are `alike` by more than their numbers.
    pub(crate) fn new(
        features: &'a Matrix,
        given: Option<&[Option<u32>]>,
        alike: &[(u32, u32)],
        seed: u64,
        threads: usize,
    ) -> Self {
        let mut groups = together(features, given, alike);
        let packed = Packed::new(features);
        let find =
            |groups: &[u32]| neighbours::nearest(&packed, groups, CANDIDATES, EXACT, threads);
        let mut neighbours = find(&groups);
        let close = neighbours.close(features.columns);
        // Where most rows are near to others by nature, near is no copy.
        if !close.is_empty()
            && folds::largest(features.rows(), &close) * 20 <= features.rows().max(200)
        {
            let near = close.iter().chain(alike).copied().collect::<Vec<_>>();
            let joined = together(features, given, &near);
            if joined != groups {
                neighbours = find(&joined);
                groups = joined;
            }
        }
        Self { features, binned: Binned::new(features, threads), groups, neighbours, seed, threads }
    }

    /// How many groups there are.
    pub(crate) fn groups(&self) -> usize {
        self.groups.iter().max().map_or(0, |group| *group as usize + 1)
    }

    /// The group of each row.
    pub(crate) fn group_of(&self) -> &[u32] {
        &self.groups
    }

    /// The out-of-sample shares of the classes; rows in `left_out` are judged, but nothing learns from them.
    pub(crate) fn classify(
        &self,
        labels: &[u32],
        classes: usize,
        left_out: &[bool],
        judged: &[bool],
        before: Option<&Told>,
    ) -> Told {
        let rows = self.features.rows();
        // The first round says only what is to be left out.
        let trees = (TREE_ROWS / rows.max(1)).clamp(40, 250);
        let trees = if before.is_some() || rows < FEW { trees } else { trees / 2 };
        let before = before.map(|told| told.lines.as_slice());
        let (lines, models) = self.lines(labels, classes, left_out, before);
        let learners = [
            ("neighbours", self.near(labels, classes, left_out)),
            ("logistic regression", lines),
            ("extra trees", self.grown(left_out, trees).classify(labels, classes)),
        ];
        let mut told = Vec::new();
        let mut shares = vec![0.0_f32; rows * classes];
        let mut total = 0.0;
        for (name, mut answer) in learners {
            smooth(&mut answer, classes);
            let calibrated = Calibrated::fit(&answer, labels, classes, judged);
            calibrated.apply(&mut answer, classes);
            let weight = 1.0 / calibrated.loss.max(1e-3).powi(2);
            shares.iter_mut().zip(&answer).for_each(|(sum, share)| *sum += weight as f32 * share);
            told.push((name, weight, calibrated.loss));
            total += weight;
        }
        shares.iter_mut().for_each(|share| *share /= total as f32);
        let calibrated = Calibrated::fit(&shares, labels, classes, judged);
        calibrated.apply(&mut shares, classes);
        told.iter_mut().for_each(|(_, weight, _)| *weight /= total);
        Told { shares, learners: told, calibrated, lines: models }
    }

    fn grown<'b>(&'b self, left_out: &'b [bool], trees: usize) -> Grown<'b> {
        Grown {
            binned: &self.binned,
            groups: &self.groups,
            left_out,
            trees,
            leaf: 2,
            seed: self.seed,
            threads: self.threads,
        }
    }

    /// The nearest rows vote, each by how near it is.
    fn near(&self, labels: &[u32], classes: usize, left_out: &[bool]) -> Vec<f32> {
        let mut shares = vec![0.0_f32; labels.len() * classes];
        for (row, shares) in shares.chunks_exact_mut(classes).enumerate() {
            let near = self.neighbours.of(row).filter(|(other, _)| !left_out[*other]);
            let near = near.take(NEIGHBOURS).collect::<Vec<_>>();
            let Some((_, farthest)) = near.last().copied() else {
                shares.fill(1.0 / classes as f32);
                continue;
            };
            let mut sum = 0.0;
            for (other, distance) in near {
                let weight = 1.0 / (distance + 0.1 * farthest + 1e-6);
                shares[labels[other] as usize] += weight;
                sum += weight;
            }
            shares.iter_mut().for_each(|share| *share /= sum);
        }
        shares
    }

    /// Logistic regression, each fold told by the others.
    fn lines(
        &self,
        labels: &[u32],
        classes: usize,
        left_out: &[bool],
        before: Option<&[Logistic]>,
    ) -> (Vec<f32>, Vec<Logistic>) {
        let rows = labels.len();
        let fold_of = folds::folds(&self.groups, labels, FOLDS, self.seed);
        let parts = workers::each(FOLDS, self.threads, |fold| {
            let seen =
                (0..rows).filter(|row| usize::from(fold_of[*row]) != fold && !left_out[*row]);
            let seen = seen.map(|row| row as u32).collect::<Vec<_>>();
            // Thousands of classes over hundreds of columns would take hours.
            let weights = (self.features.columns + 1) * classes;
            let most = (LINE_WORK / weights).clamp(FEWEST_LINE_ROWS, LINE_ROWS);
            let seen = drawn(most, seen.len()).into_iter().map(|at| seen[at]);
            let seen = seen.collect::<Vec<_>>();
            let steps = STEPS * LINE_WORK / (weights * seen.len()).max(1);
            let steps = steps.clamp(FEWEST_STEPS, STEPS);
            let penalty = (PENALTY / seen.len().max(1) as f64) as f32;
            let start = before.and_then(|before| before.get(fold));
            let model = logistic::fit(self.features, &seen, labels, classes, penalty, steps, start);
            let held = (0..rows).filter(|row| usize::from(fold_of[*row]) == fold);
            let held = held.map(|row| {
                let mut shares = vec![0.0; classes];
                model.predict(self.features.row(row), &mut shares);
                (row, shares)
            });
            let held = held.collect::<Vec<_>>();
            (held, model)
        });
        let mut shares = vec![0.0; rows * classes];
        let mut models = Vec::with_capacity(FOLDS);
        for (held, model) in parts {
            for (row, part) in held {
                shares[row * classes..][..classes].copy_from_slice(&part);
            }
            models.push(model);
        }
        (shares, models)
    }
}

/// The groups of rows: those that the user gives, and copies. Where copies would tie the user's groups into too few
/// to learn from, his stand alone.
fn together(features: &Matrix, given: Option<&[Option<u32>]>, near: &[(u32, u32)]) -> Vec<u32> {
    let joined = folds::groups(features, given, near);
    let count = |groups: &[u32]| groups.iter().max().map_or(0, |group| *group as usize + 1);
    if let Some(given) = given.filter(|_| count(&joined) < LEAST_GROUPS) {
        let alone = folds::given(given);
        if count(&alone) >= LEAST_GROUPS {
            return alone;
        }
    }
    joined
}

/// No class is wholly out of the question.
fn smooth(shares: &mut [f32], classes: usize) {
    let floor = UNSURE / classes as f32;
    shares.iter_mut().for_each(|share| *share = *share * (1.0 - UNSURE) + floor);
}

/// What is spread over all classes: a vote of all neighbours is not certainty.
const UNSURE: f32 = 0.005;
/// Folds.
pub(crate) const FOLDS: usize = 5;
/// Of fewer groups, a row is not told by others.
pub(crate) const LEAST_GROUPS: usize = 2 * FOLDS;
/// Neighbours that vote.
pub(crate) const NEIGHBOURS: usize = 15;
/// Neighbours that are looked for: some may be left out.
const CANDIDATES: usize = 22;
/// Rows up to which every one may be a neighbour.
const EXACT: usize = 50_000;
/// Trees times rows.
const TREE_ROWS: usize = 1_000_000;
/// The most rows that a fold of logistic regression learns from.
const LINE_ROWS: usize = 10_000;
/// Rows times weights that a step of logistic regression may cost, and the fewest rows and steps whatever they cost.
const LINE_WORK: usize = 400_000_000;
const FEWEST_LINE_ROWS: usize = 1000;
const FEWEST_STEPS: usize = 10;
/// Rows of which no round can spare a tree.
const FEW: usize = 10_000;
/// What the squared weights cost: the ridge of `PENALTY` rows.
const PENALTY: f64 = 3.0;
/// The most steps of L-BFGS.
const STEPS: usize = 40;

impl Problem<'_> {
    /// The out-of-sample mean of a standardised value, by neighbours and by trees, weighted by how near
    /// each comes.
    pub(crate) fn regress(&self, values: &[f32], left_out: &[bool]) -> Vec<f32> {
        let near = (0..values.len()).map(|row| {
            let near = self.neighbours.of(row).filter(|(other, _)| !left_out[*other]);
            let near = near.take(NEIGHBOURS).collect::<Vec<_>>();
            let farthest = near.last().map_or(0.0, |(_, distance)| *distance);
            let (mut sum, mut total) = (0.0, 0.0);
            for (other, distance) in near {
                let weight = 1.0 / (distance + 0.1 * farthest + 1e-6);
                sum += weight * values[other];
                total += weight;
            }
            if total > 0.0 { sum / total } else { 0.0 }
        });
        let learners = [
            near.collect::<Vec<_>>(),
            self.ridge(values, left_out),
            self.grown(left_out, (TREE_ROWS / values.len().max(1)).clamp(40, 250)).regress(values),
        ];
        let mut told = vec![0.0_f32; values.len()];
        let mut total = 0.0;
        for learner in learners {
            let rest = learner.iter().zip(values).zip(left_out).filter(|(_, out)| !**out);
            let spread = super::tail::deviation(rest.map(|((told, own), _)| f64::from(own - told)));
            let weight = 1.0 / spread.max(1e-6).powi(4);
            told.iter_mut()
                .zip(&learner)
                .for_each(|(sum, one)| *sum += (weight * f64::from(*one)) as f32);
            total += weight;
        }
        told.iter_mut().for_each(|sum| *sum /= total as f32);
        told
    }

    /// Ridge regression, each fold told by the others.
    fn ridge(&self, values: &[f32], left_out: &[bool]) -> Vec<f32> {
        let columns = self.features.columns + 1;
        if columns > super::dense::WIDEST {
            return vec![0.0; values.len()];
        }
        let fold_of = folds::folds(&self.groups, &vec![0; values.len()], FOLDS, self.seed);
        let parts = workers::each(FOLDS, self.threads, |fold| {
            let (mut square, mut product) = (vec![0.0; columns * columns], vec![0.0; columns]);
            let mut line = vec![1.0_f64; columns];
            let mut seen = 0_usize;
            for row in (0..values.len())
                .filter(|row| usize::from(fold_of[*row]) != fold && !left_out[*row])
            {
                line.iter_mut()
                    .zip(self.features.row(row))
                    .for_each(|(to, from)| *to = f64::from(*from));
                for (at, value) in line.iter().enumerate() {
                    product[at] += value * f64::from(values[row]);
                    let squares = &mut square[at * columns..][..=at];
                    squares.iter_mut().zip(&line).for_each(|(sum, other)| *sum += value * other);
                }
                seen += 1;
            }
            for at in 0..columns {
                square[at * columns + at] += 1e-3 * seen as f64 + 1e-6;
            }
            let weights =
                super::dense::Cholesky::of(square, columns).map(|root| root.solve(&product));
            let weights = weights.unwrap_or_else(|| vec![0.0; columns]);
            let held = (0..values.len()).filter(|row| usize::from(fold_of[*row]) == fold);
            let held = held.map(|row| {
                let line = self.features.row(row).iter().zip(&weights);
                let sum = line.map(|(value, weight)| f64::from(*value) * weight).sum::<f64>();
                (row, (sum + weights[columns - 1]) as f32)
            });
            held.collect::<Vec<_>>()
        });
        let mut told = vec![0.0; values.len()];
        parts.into_iter().flatten().for_each(|(row, value)| told[row] = value);
        told
    }

    /// How far what is left scatters about each row: among its neighbours, drawn half towards the scatter
    /// of all.
    pub(crate) fn scatter(&self, rest: &[f64], left_out: &[bool], all: f64) -> Vec<f64> {
        let each = (0..rest.len()).map(|row| {
            let near = self.neighbours.of(row).filter(|(other, _)| !left_out[*other]);
            let near = super::tail::deviation(near.map(|(other, _)| rest[other]));
            (0.5 * (near * near + all * all)).sqrt().max(1e-9)
        });
        each.collect()
    }
}
