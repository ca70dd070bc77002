//! `SVMRegressor`, `SVMClassifier`: support vectors behind a kernel.
//!
//! All is `f32`, but for the sums of a classifier. Without support vectors both are linear. A
//! classifier compares classes in pairs; its scores are those of the pairs, or with `prob_a` and
//! `prob_b` the shares of the classes, coupled from the pairs; the class that it names has the most
//! votes of pairs.
//!
//! Source: the ONNX-ML operators of these names, set 1; ONNX Runtime where these leave open what
//! two classes get; Wu, Lin and Weng 2004, "Probability estimates for multi-class classification by
//! pairwise coupling", algorithm 2.

use crate::{
    Element, Result, Tensor, Trouble, Type,
    graph::{
        Attributes, Domain, Grad, Infer, Operator, Run,
        ops::{
            labels::Labels,
            linear_model::{second, through},
            rows::{First, both, rows, singles},
        },
    },
    trees::{Transform, largest, logistic},
};

mod kernel;

use self::kernel::{Kernel, Vectors, into_rows};

pub(super) const OPS: &[&Operator] = &[&SVM_REGRESSOR, &SVM_CLASSIFIER];

static SVM_REGRESSOR: Operator = Operator::new(
    "SVMRegressor",
    &[1],
    |cx| {
        let machine = Regressor::of(cx.attributes())?;
        let count = machine.vectors.count(cx)?;
        Ok(vec![Type::new(Element::F32, [count, 1])])
    },
    regress,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let attributes = cx.node.attributes.clone();
        if attributes.flag("one_class")? {
            return Err(Trouble::unsupported("the gradient of an answer of -1 or 1"));
        }
        let machine = Regressor::of(&attributes)?;
        let scores = through(cx, flow, 0)?;
        let weights = match machine.linear {
            true => vec![1.0],
            false => machine.coefficients.to_vec(),
        };
        let weights = cx.builder.constant(Tensor::new([1, weights.len()], weights)?);
        into_rows(cx, &machine.vectors, scores, weights)
    }),
)
.flop(work)
.of(Domain::Ml);

static SVM_CLASSIFIER: Operator = Operator::new(
    "SVMClassifier",
    &[1],
    |cx| {
        let machine = Classifier::of(cx.attributes())?;
        let count = machine.vectors.count(cx)?;
        let labels = Type::new(machine.labels.element(), [count]);
        Ok(vec![labels, Type::new(Element::F32, [count, machine.width()])])
    },
    classify,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(1) else { return Ok(()) };
        let attributes = cx.node.attributes.clone();
        let machine = Classifier::of(&attributes)?;
        if !machine.shares.is_empty() {
            return Err(Trouble::unsupported("the gradient of coupled probabilities"));
        }
        let two = !machine.linear && machine.labels.len() <= 2;
        let scores = if two { second(cx, flow, 1)? } else { through(cx, flow, 1)? };
        let weights = machine.weights()?;
        let weights = cx.builder.constant(weights);
        into_rows(cx, &machine.vectors, scores, weights)
    }),
)
.flop(work)
.of(Domain::Ml);

struct Regressor<'a> {
    vectors: Vectors<'a>,
    coefficients: &'a [f32],
    rho: f32,
    linear: bool,
}

impl<'a> Regressor<'a> {
    fn of(attributes: &'a Attributes) -> Result<Self> {
        let count = attributes.int_or("n_supports", 0)?;
        let coefficients = attributes.floats("coefficients")?.unwrap_or_default();
        let rho = attributes.floats("rho")?.and_then(|rho| rho.first().copied());
        let rho = rho.ok_or_else(|| Trouble::graph("expected a number in `rho`, got none"))?;
        if count <= 0 {
            let vectors = Vectors::new(coefficients, 1, Kernel::Linear, rho)?;
            return Ok(Self { vectors, coefficients, rho: 0.0, linear: true });
        }
        if usize::try_from(count).ok() != Some(coefficients.len()) {
            let got = coefficients.len();
            return Err(Trouble::graph(format!("expected {count} coefficients, got {got}")));
        }
        let values = attributes.floats("support_vectors")?.unwrap_or_default();
        let vectors = Vectors::new(values, coefficients.len(), Kernel::of(attributes)?, 0.0)?;
        Ok(Self { vectors, coefficients, rho, linear: false })
    }
}

fn regress(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let machine = Regressor::of(run.attributes())?;
    let transform = Transform::named(run.attributes().text_or("post_transform", "NONE")?)?;
    let one_class = run.attributes().flag("one_class")?;
    let [count, features] = rows(x.dims())?;
    let x = singles(x)?;
    let mut out = Vec::with_capacity(count);
    for row in 0..count {
        let kernels = machine.vectors.kernels(&x[row * features..][..features]);
        let score = match machine.linear {
            true => kernels.first().copied().unwrap_or(0.0),
            false => {
                let products = kernels.iter().zip(machine.coefficients).map(|(a, b)| a * b);
                products.sum::<f32>() + machine.rho
            }
        };
        let mut score = [score];
        transform.apply(&mut score);
        let [score] = score;
        out.push(match one_class {
            true if score > 0.0 => 1.0,
            true => -1.0,
            false => score,
        });
    }
    Ok(vec![Tensor::new([count, 1], out)?])
}

struct Classifier<'a> {
    vectors: Vectors<'a>,
    labels: Labels,
    coefficients: &'a [f32],
    rho: &'a [f32],
    /// `prob_a` and `prob_b` of each pair, where there are any.
    shares: Vec<(f32, f32)>,
    /// Where the vectors of each class begin and end.
    ranges: Vec<(usize, usize)>,
    linear: bool,
}

impl<'a> Classifier<'a> {
    fn of(attributes: &'a Attributes) -> Result<Self> {
        let labels = Labels::of(attributes, "classlabels_strings", "classlabels_ints")?;
        let classes = labels.len();
        let list = |name: &str| Ok::<_, Trouble>(attributes.floats(name)?.unwrap_or_default());
        let (coefficients, rho) = (list("coefficients")?, list("rho")?);
        let (a, b) = (list("prob_a")?, list("prob_b")?);
        let sizes = attributes.ints("vectors_per_class")?.unwrap_or_default();
        if classes == 0 {
            return Err(Trouble::graph("a classifier without class labels"));
        }
        let expect = |name: &str, expected: usize, got: usize| match got == expected {
            true => Ok(()),
            false => {
                Err(Trouble::graph(format!("expected {expected} elements in `{name}`, got {got}")))
            }
        };
        let mut ranges = Vec::with_capacity(sizes.len());
        let mut total = 0_usize;
        for &size in sizes {
            let next = usize::try_from(size).ok().and_then(|size| total.checked_add(size));
            let next = next.ok_or_else(|| Trouble::graph(format!("a class has {size} vectors")))?;
            ranges.push((total, next));
            total = next;
        }
        if total == 0 {
            let rho_first = rho.first().copied();
            let added = rho_first.ok_or_else(|| Trouble::graph("expected a number in `rho`"))?;
            let vectors = Vectors::new(coefficients, classes, Kernel::Linear, added)?;
            let shares = Vec::new();
            return Ok(Self { vectors, labels, coefficients, rho, shares, ranges, linear: true });
        }
        expect("vectors_per_class", classes, sizes.len())?;
        let pairs = classes * (classes - 1) / 2;
        let expected = total.checked_mul(classes - 1);
        expect("coefficients", expected.unwrap_or(usize::MAX), coefficients.len())?;
        expect("rho", pairs, rho.len())?;
        expect("prob_b", a.len(), b.len())?;
        if !a.is_empty() {
            expect("prob_a", pairs, a.len())?;
        }
        let values = list("support_vectors")?;
        let vectors = Vectors::new(values, total, Kernel::of(attributes)?, 0.0)?;
        let shares = a.iter().copied().zip(b.iter().copied()).collect();
        Ok(Self { vectors, labels, coefficients, rho, shares, ranges, linear: false })
    }

    /// How many scores a row gets.
    fn width(&self) -> usize {
        let classes = self.labels.len();
        match classes > 2 && !self.linear && self.shares.is_empty() {
            true => classes * (classes - 1) / 2,
            false if classes == 1 && !self.linear && self.shares.is_empty() => 2,
            false => classes,
        }
    }

    /// Pairs of classes, in the order of their scores.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let classes = self.labels.len();
        (0..classes).flat_map(move |i| (i + 1..classes).map(move |j| (i, j)))
    }

    /// The two lists of vectors and coefficients that a pair of classes adds.
    fn parts(&self, (i, j): (usize, usize)) -> [(std::ops::Range<usize>, &'a [f32]); 2] {
        let part = |class: usize, row: usize| {
            let (from, to) = self.ranges[class];
            (from..to, &self.coefficients[row * self.vectors.count..][from..to])
        };
        [part(i, j - 1), part(j, i)]
    }

    /// What each kernel weighs in each score, `[scores, vectors]`.
    fn weights(&self) -> Result<Tensor> {
        let count = self.vectors.count;
        if self.linear {
            let mut identity = vec![0.0_f32; count * count];
            (0..count).for_each(|at| identity[at * count + at] = 1.0);
            return Tensor::new([count, count], identity);
        }
        let mut weights = Vec::new();
        for pair in self.pairs() {
            let mut row = vec![0.0_f32; count];
            for (range, coefficients) in self.parts(pair) {
                row[range].copy_from_slice(coefficients);
            }
            weights.extend(row);
        }
        Tensor::new([weights.len() / count, count], weights)
    }
}

fn classify(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let machine = Classifier::of(run.attributes())?;
    let transform = Transform::named(run.attributes().text_or("post_transform", "NONE")?)?;
    let positive = machine.coefficients.iter().all(|&weight| weight >= 0.0);
    let [count, features] = rows(x.dims())?;
    let x = singles(x)?;
    let classes = machine.labels.len();
    let (mut named, mut out) = (Vec::with_capacity(count), Vec::new());
    for row in 0..count {
        let kernels = machine.vectors.kernels(&x[row * features..][..features]);
        if machine.linear {
            let best = largest(&kernels);
            let above = if positive { kernels[best] >= 0.5 } else { kernels[best] > 0.0 };
            named.push(if classes == 2 && above { 1 } else { best });
            let mut scores = kernels;
            transform.apply(&mut scores);
            out.extend(scores);
            continue;
        }
        let mut votes = vec![0_usize; classes];
        let mut scores = Vec::with_capacity(machine.rho.len());
        for ((i, j), &rho) in machine.pairs().zip(machine.rho) {
            let mut sum = 0.0_f64;
            for (range, coefficients) in machine.parts((i, j)) {
                for (kernel, weight) in kernels[range].iter().zip(coefficients) {
                    sum += f64::from(kernel * weight);
                }
            }
            sum += f64::from(rho);
            votes[if sum > 0.0 { i } else { j }] += 1;
            scores.push(sum as f32);
        }
        named.push(largest(&votes));
        if !machine.shares.is_empty() {
            scores = couple(&scores, &machine);
        } else if let ([] | [_], true) = (&scores[..], classes <= 2) {
            let first = if transform == Transform::None { First::Negative } else { First::Rest };
            out.extend(both(scores.first().copied().unwrap_or(0.0), first, transform));
            continue;
        }
        transform.apply(&mut scores);
        out.extend(scores);
    }
    let labels = machine.labels.at(named.into_iter());
    Ok(vec![Tensor::new([count], labels)?, Tensor::new([count, machine.width()], out)?])
}

/// Shares of the classes from the scores of their pairs.
fn couple(scores: &[f32], machine: &Classifier<'_>) -> Vec<f32> {
    const STEPS: usize = 100;
    let classes = machine.labels.len();
    let at = |row: usize, column: usize| row * classes + column;
    let mut pairwise = vec![0.0_f32; classes * classes];
    for (((i, j), &score), &(a, b)) in machine.pairs().zip(scores).zip(&machine.shares) {
        let share = (1.0 - logistic(score * a + b)).clamp(1e-7, 1.0 - 1e-7);
        pairwise[at(i, j)] = share;
        pairwise[at(j, i)] = 1.0 - share;
    }
    let mut q = vec![0.0_f32; classes * classes];
    for i in 0..classes {
        for j in (0..classes).filter(|&j| j != i) {
            q[at(i, i)] += pairwise[at(j, i)] * pairwise[at(j, i)];
            q[at(i, j)] = -pairwise[at(j, i)] * pairwise[at(i, j)];
        }
    }
    let mut shares = vec![1.0 / classes as f32; classes];
    let enough = 0.005 / classes as f32;
    for _ in 0..STEPS {
        let mut products = (0..classes)
            .map(|i| (0..classes).map(|j| q[at(i, j)] * shares[j]).sum::<f32>())
            .collect::<Vec<_>>();
        let mut total = shares.iter().zip(&products).map(|(a, b)| a * b).sum::<f32>();
        let farthest = products.iter().map(|p| (p - total).abs()).fold(0.0, f32::max);
        if farthest < enough {
            break;
        }
        for i in 0..classes {
            let step = (total - products[i]) / q[at(i, i)];
            shares[i] += step;
            let grown = 1.0 + step;
            total = (total + step * (step * q[at(i, i)] + 2.0 * products[i])) / grown / grown;
            for j in 0..classes {
                products[j] = (products[j] + step * q[at(i, j)]) / grown;
                shares[j] /= grown;
            }
        }
    }
    shares
}

fn work(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
    let [count, _] = rows(cx.dims(0)?)?;
    let length = |name: &str| Ok::<_, Trouble>(cx.attributes().floats(name)?.map_or(0, <[_]>::len));
    let each = length("support_vectors")?.saturating_add(length("coefficients")?);
    Ok((count as u64).saturating_mul(each as u64).saturating_mul(2))
}
