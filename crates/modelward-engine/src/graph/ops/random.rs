//! `RandomNormal`, `RandomUniform`, their forms that take a shape from an input, `Bernoulli` and
//! `Multinomial`: numbers that are drawn anew in each run.
//!
//! A run draws from a stream of its own, so that a model answers otherwise each time it is asked, as
//! it does where it is deployed; the streams of a process come in one order, so the same runs draw the
//! same numbers. ONNX leaves the generator open: what is drawn is not what another runtime draws.
//!
//! Source: ONNX `RandomNormal`, `RandomUniform`, `RandomNormalLike`, `RandomUniformLike`,
//! `Multinomial`, sets 1, 7 and 22; `Bernoulli`, sets 15 and 22.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    Element, Result, Tensor, Trouble, Type,
    graph::{Attributes, Grad, Infer, Operator, Run, ops::elementwise::made},
};

pub(super) const OPS: &[&Operator] = &[
    &RANDOM_NORMAL,
    &RANDOM_UNIFORM,
    &RANDOM_NORMAL_LIKE,
    &RANDOM_UNIFORM_LIKE,
    &BERNOULLI,
    &MULTINOMIAL,
];

const DRAWN: Grad = Grad::Zero("it is drawn");

static RANDOM_NORMAL: Operator =
    Operator::new("RandomNormal", &[1, 22], by_shape, normal, DRAWN).draws();

static RANDOM_UNIFORM: Operator =
    Operator::new("RandomUniform", &[1, 22], by_shape, uniform, DRAWN).draws();

static RANDOM_NORMAL_LIKE: Operator =
    Operator::new("RandomNormalLike", &[1, 22], like, normal, DRAWN).draws();

static RANDOM_UNIFORM_LIKE: Operator =
    Operator::new("RandomUniformLike", &[1, 22], like, uniform, DRAWN).draws();

static BERNOULLI: Operator = Operator::new(
    "Bernoulli",
    &[15, 22],
    like,
    |run| {
        let chances = run.input(0)?.floats()?;
        let mut stream = Stream::next(run.attributes())?;
        let draw = |at: usize| f64::from(u8::from(stream.unit() < chances[at]));
        Ok(vec![drawn(run.output(0)?, draw)?])
    },
    DRAWN,
)
.draws();

/// Classes drawn from unnormalised logarithms of their chances, `[N, K]` to `[N, samples]`.
static MULTINOMIAL: Operator = Operator::new(
    "Multinomial",
    &[7, 22],
    |cx| {
        let x = cx.kind(0)?;
        let [rows, (1..)] = x.dims[..] else {
            return Err(Trouble::graph(format!("expected a matrix of classes, got {x}")));
        };
        let samples = cx.attributes().int_or("sample_size", 1)?;
        let samples = usize::try_from(samples)
            .map_err(|_| Trouble::graph(format!("expected a number of samples, got {samples}")))?;
        let element = element(cx.attributes(), Element::I32)?;
        Ok(vec![Type::new(element, [rows, samples])])
    },
    |run| {
        let (x, kind) = (run.input(0)?, run.output(0)?);
        let (logs, classes) = (x.floats()?, x.dims()[1]);
        let samples = kind.dims[1];
        let mut stream = Stream::next(run.attributes())?;
        let draw = |at: usize| {
            let row = at / samples.max(1);
            let logs = &logs[row * classes..(row + 1) * classes];
            let most = logs.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b));
            let total = logs.iter().map(|log| (log - most).exp()).sum::<f64>();
            let mut left = stream.unit() * total;
            let class = logs.iter().position(|log| {
                left -= (log - most).exp();
                left < 0.0
            });
            class.unwrap_or(classes - 1) as f64
        };
        Ok(vec![drawn(kind, draw)?])
    },
    DRAWN,
)
.draws();

fn by_shape(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let shape = cx.attributes().ints("shape")?.unwrap_or_default();
    let dims = shape.iter().map(|&size| usize::try_from(size));
    let dims = dims.collect::<std::result::Result<Vec<_>, _>>();
    let dims = dims.map_err(|_| Trouble::graph(format!("expected a shape, got {shape:?}")))?;
    Ok(vec![Type::new(element(cx.attributes(), Element::F32)?, dims)])
}

fn like(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    Ok(vec![Type::new(element(cx.attributes(), x.element)?, x.dims.clone())])
}

/// The type of what is drawn.
fn element(attributes: &Attributes, default: Element) -> Result<Element> {
    let element = match attributes.int("dtype")? {
        None => Some(default),
        Some(data_type) => Element::of_onnx(data_type),
    };
    let element = element.filter(|element| *element != Element::Text);
    element.ok_or_else(|| Trouble::unsupported("random elements that are no numbers"))
}

fn normal(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let attributes = run.attributes();
    let mean = f64::from(attributes.float_or("mean", 0.0)?);
    let scale = f64::from(attributes.float_or("scale", 1.0)?);
    let mut stream = Stream::next(attributes)?;
    Ok(vec![drawn(run.output(0)?, |_| mean + scale * stream.normal())?])
}

fn uniform(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let attributes = run.attributes();
    let low = f64::from(attributes.float_or("low", 0.0)?);
    let high = f64::from(attributes.float_or("high", 1.0)?);
    let mut stream = Stream::next(attributes)?;
    Ok(vec![drawn(run.output(0)?, |_| low + (high - low) * stream.unit())?])
}

/// One number after the other.
fn drawn(kind: &Type, mut draw: impl FnMut(usize) -> f64) -> Result<Tensor> {
    let numbers = (0..kind.count()?).map(&mut draw).collect::<Vec<_>>();
    made(kind, |at| numbers[at])
}

/// Numbers that a node draws in one run (SplitMix64, Steele, Lea and Flood 2014).
struct Stream(u64);

/// How many streams this process has begun.
static BEGUN: AtomicU64 = AtomicU64::new(0);

impl Stream {
    /// The next stream of this process, for a node with this seed.
    fn next(attributes: &Attributes) -> Result<Self> {
        let seed = attributes.float_or("seed", 0.0)?.to_bits();
        let begun = BEGUN.fetch_add(1, Ordering::Relaxed);
        let mut stream = Self(begun.wrapping_mul(0xd134_2543_de82_ef95) ^ u64::from(seed));
        stream.0 = stream.bits();
        Ok(stream)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// At least 0 and below 1.
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From the standard normal distribution (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}
