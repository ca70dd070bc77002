//! `TreeEnsembleClassifier`, `TreeEnsembleRegressor`, `TreeEnsemble`: decision trees.
//!
//! Read into [`crate::trees`]. Rows of `f64` are computed in `f64`, all others in `f32`. A
//! classifier of two classes whose leaves vote for one of them alone writes a second score; which
//! class it names then depends on whether all weights are positive: a share, above 0.5, or a
//! margin, above 0. ONNX Runtime goes its own way where leaves vote for both of two classes (it
//! names 1 or 0, whatever the labels are) and where such a node has two base values (it loses a
//! score): here the larger score is named, and each gets its base value, as ONNX has it. So with
//! the numbers of the post-transforms of `TreeEnsemble`, of which ONNX Runtime exchanges 1 and 2.
//!
//! Source: the ONNX-ML operators of these names, sets 1, 3 and 5; for two classes ONNX Runtime,
//! `tree_ensemble_aggregator.h`.

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    graph::{
        Domain, Grad, Infer, Node, Operator, Run,
        ops::labels::Labels,
        ops::rows::{First, both, numeric, rows},
    },
    trees::{Ensemble, Precision, Real, Transform, largest, targets_of},
};

pub(super) const OPS: &[&Operator] =
    &[&TREE_ENSEMBLE, &TREE_ENSEMBLE_REGRESSOR, &TREE_ENSEMBLE_CLASSIFIER];

const NO_SLOPE: Grad = Grad::None("a decision tree has no slope");

static TREE_ENSEMBLE: Operator = Operator::new(
    "TreeEnsemble",
    &[5],
    |cx| scores(cx, cx.element(0)?),
    |run| regress(run, run.output(0)?.element),
    NO_SLOPE,
)
.flop(work)
.of(Domain::Ml);

static TREE_ENSEMBLE_REGRESSOR: Operator = Operator::new(
    "TreeEnsembleRegressor",
    &[1, 3, 5],
    |cx| scores(cx, Element::F32),
    |run| regress(run, Element::F32),
    NO_SLOPE,
)
.flop(work)
.of(Domain::Ml);

static TREE_ENSEMBLE_CLASSIFIER: Operator = Operator::new(
    "TreeEnsembleClassifier",
    &[1, 3, 5],
    |cx| {
        let mut kinds = scores(cx, Element::F32)?;
        let labels = labels(cx.attributes())?;
        let [count, _] = rows(cx.dims(0)?)?;
        kinds.insert(0, Type::new(labels.element(), [count]));
        Ok(kinds)
    },
    classify,
    NO_SLOPE,
)
.flop(work)
.of(Domain::Ml);

fn labels(attributes: &crate::graph::Attributes) -> Result<Labels> {
    Labels::of(attributes, "classlabels_strings", "classlabels_int64s")
}

fn scores(cx: &Infer<'_>, element: Element) -> Result<Vec<Type>> {
    numeric(cx)?;
    let [count, _] = rows(cx.dims(0)?)?;
    Ok(vec![Type::new(element, [count, targets_of(cx.node)?])])
}

/// Every row passes every branch at most once.
fn work(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
    let [count, _] = rows(cx.dims(0)?)?;
    let branches = cx.attributes().ints("nodes_featureids")?.map_or(0, <[_]>::len);
    Ok((count as u64).saturating_mul(branches as u64))
}

/// Rows of features, also where there is one without a batch.
fn batch(run: &Run<'_>) -> Result<Tensor> {
    let x = run.input(0)?;
    x.clone().reshaped(rows(x.dims())?)
}

fn regress(run: &Run<'_>, element: Element) -> Result<Vec<Tensor>> {
    let x = batch(run)?;
    let ensemble = Ensemble::of_node(run.node, x.element())?;
    fn values<T: Real>(ensemble: &Ensemble, x: &Tensor) -> Result<Vec<T>> {
        let mut values = ensemble.scores::<T>(x)?.values;
        // ONNX Runtime leaves a single score as it is, but for a probit.
        if ensemble.targets > 1 || ensemble.transform == Transform::Probit {
            values.chunks_mut(ensemble.targets).for_each(|row| ensemble.transform.apply(row));
        }
        Ok(values)
    }
    let data = match x.element() {
        Element::F64 => Data::F64(values(&ensemble, &x)?),
        _ => Data::F32(values(&ensemble, &x)?),
    };
    let dims = vec![x.dims()[0], ensemble.targets];
    Ok(vec![Tensor::new(dims, data)?.cast(element)?])
}

fn classify(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = batch(run)?;
    let classifier = Classifier::of_node(run.node, x.element())?;
    let (places, scores) = classifier.classify(&x)?;
    let labels = Tensor::new([places.len()], classifier.labels.at(places.into_iter()))?;
    Ok(vec![labels, scores])
}

/// The trees of a `TreeEnsembleClassifier`, and how it names a class by their scores.
#[derive(Clone, Debug)]
pub struct Classifier {
    /// Its trees: a target is a class.
    pub ensemble: Ensemble,
    labels: Labels,
    base: Vec<f64>,
    votes: Votes,
}

/// How a class follows from the sums of its votes.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// There is one class.
    One,
    /// The second class where the sum of a target, with its base value added last, is above a limit.
    Above {
        /// The target.
        target: usize,
        /// Its base value.
        base: f64,
        /// The limit.
        limit: f64,
    },
    /// The class whose sum, with its base value added last, is the largest: the first of equals,
    /// and none for which no tree has voted and that has no base value.
    Largest(Vec<Option<f64>>),
    /// Two classes, of which the first alone has a base value, that counts where a tree votes for it.
    First(f64),
}

impl Classifier {
    /// Read a node `TreeEnsembleClassifier` whose rows are of this element type.
    ///
    /// # Errors
    /// As [`Ensemble::of_node`]; where there are more base values than classes.
    pub fn of_node(node: &Node, element: Element) -> Result<Self> {
        let attributes = &node.attributes;
        if node.operator.name != "TreeEnsembleClassifier" {
            let name = node.operator.name;
            return Err(Trouble::graph(format!(
                "expected a `TreeEnsembleClassifier`, got `{name}`"
            )));
        }
        let ensemble = Ensemble::of_node(node, element)?;
        let classes = ensemble.targets;
        let base = match attributes.floats("base_values")? {
            Some(base) if !base.is_empty() => base.iter().map(|&v| f64::from(v)).collect(),
            _ => match attributes.tensor("base_values_as_tensor")? {
                Some(base) => base.floats()?,
                None => Vec::new(),
            },
        };
        if base.len() > classes {
            let got = base.len();
            return Err(Trouble::graph(format!("{got} base values for {classes} classes")));
        }
        let (labels, votes) = (labels(attributes)?, Votes::of(attributes)?);
        Ok(Self { ensemble, labels, base, votes })
    }

    /// The labels of the classes, where they are whole numbers.
    pub fn labels(&self) -> Option<&[i64]> {
        match &self.labels {
            Labels::Ints(ints) => Some(ints),
            Labels::Texts(_) => None,
        }
    }

    /// How a class follows from the sums.
    pub fn rule(&self) -> Rule {
        let classes = self.ensemble.targets;
        let limit = if self.votes.positive { 0.5 } else { 0.0 };
        match (classes, &self.base[..]) {
            (1, _) => Rule::One,
            // Votes for the second class alone are no single score, and its base value is not added.
            (2, base) if self.votes.one_class && base.len() < 2 => match self.votes.class {
                0 => Rule::Above { target: 0, base: base.first().copied().unwrap_or(0.0), limit },
                _ => Rule::Above { target: 1, base: 0.0, limit },
            },
            (2, &[only]) => Rule::First(only),
            (_, base) => {
                Rule::Largest((0..classes).map(|class| base.get(class).copied()).collect())
            }
        }
    }

    /// The place of the class of each row, and the scores `[rows, classes]`, `f32`.
    ///
    /// # Errors
    /// Where the rows are no numbers, or have fewer features than the trees read.
    pub fn classify(&self, rows: &Tensor) -> Result<(Vec<usize>, Tensor)> {
        match self.ensemble.precision {
            Precision::Double => self.classified::<f64>(rows),
            Precision::Single => self.classified::<f32>(rows),
        }
    }

    fn classified<T: Real>(&self, x: &Tensor) -> Result<(Vec<usize>, Tensor)> {
        let ensemble = &self.ensemble;
        let classes = ensemble.targets;
        let base = self.base.iter().copied().map(T::near).collect::<Vec<_>>();
        let scores = ensemble.scores::<T>(x)?;
        let count = x.dims()[0];
        let mut places = Vec::with_capacity(count);
        let mut out = Vec::with_capacity(scores.values.len());
        for (values, seen) in scores.values.chunks(classes).zip(scores.seen.chunks(classes)) {
            let (mut values, mut seen) = (values.to_vec(), seen.to_vec());
            if classes == 2 || classes == 1 {
                places.push(two(&mut values, &seen, &base, self.votes, ensemble.transform));
            } else {
                for ((value, seen), &base) in values.iter_mut().zip(&mut seen).zip(&base) {
                    *value += base;
                    *seen = true;
                }
                // A class for which no tree has voted is not named.
                let mut best: Option<usize> = None;
                for class in (0..classes).filter(|&class| seen[class]) {
                    if best.is_none_or(|best| values[class] > values[best]) {
                        best = Some(class);
                    }
                }
                places.push(best.unwrap_or_else(|| largest(&values)));
                ensemble.transform.apply(&mut values);
            }
            out.extend(values.into_iter().map(|value| value.wide() as f32));
        }
        Ok((places, Tensor::new([count, classes], out)?))
    }
}

/// What the votes of all leaves have in common.
#[derive(Clone, Copy, Debug)]
struct Votes {
    /// They are all for one class.
    one_class: bool,
    /// That of the first vote.
    class: i64,
    /// None is negative.
    positive: bool,
}

impl Votes {
    fn of(attributes: &crate::graph::Attributes) -> Result<Self> {
        let ids = attributes.ints("class_ids")?.unwrap_or_default();
        let weights = match attributes.floats("class_weights")? {
            Some(weights) if !weights.is_empty() => weights.iter().all(|&weight| weight >= 0.0),
            _ => match attributes.tensor("class_weights_as_tensor")? {
                Some(weights) => weights.floats()?.iter().all(|&weight| weight >= 0.0),
                None => true,
            },
        };
        let one_class = ids.windows(2).all(|pair| pair[0] == pair[1]);
        Ok(Self { one_class, class: ids.first().copied().unwrap_or(0), positive: weights })
    }
}

/// Two classes, or one: the scores in place, and the class.
fn two<T: Real>(
    values: &mut [T],
    seen: &[bool],
    base: &[T],
    votes: Votes,
    transform: Transform,
) -> usize {
    if values.len() == 1 {
        base.first().into_iter().for_each(|&base| values[0] += base);
        transform.apply(values);
        return 0;
    }
    let single = !seen[1] && base.len() < 2;
    match *base {
        [first, second] => {
            values[0] += first;
            values[1] += second;
        }
        [only] if seen[0] => values[0] += only,
        _ => {}
    }
    let class = if votes.one_class && base.len() < 2 {
        let limit = if votes.positive { T::near(0.5) } else { T::near(0.0) };
        let score = if single { values[0] } else { values[1] };
        usize::from(score > limit)
    } else {
        largest(values)
    };
    if single {
        let first = if votes.one_class && votes.positive { First::Rest } else { First::Negative };
        let wide = both(values[0].wide() as f32, first, transform);
        values.iter_mut().zip(wide).for_each(|(value, wide)| *value = T::near(wide.into()));
    } else {
        transform.apply(values);
    }
    class
}
