//! `LSTM`, `GRU`, `RNN`: layers that carry a state from step to step.
//!
//! Each example runs by itself, up to its own length where lengths are given; backwards from there
//! in the direction `reverse`. Outputs behind the length are 0. The gradient runs back through time:
//! `LSTMGrad`, `GRUGrad`, `RNNGrad`, which compute the states again, one example after the other.
//! Activations have their slope at kinks as in the operators of their names.
//!
//! Source: ONNX `LSTM`, `GRU`, `RNN`, sets 7 to 22; Hochreiter and Schmidhuber 1997; Cho et al. 2014.

use crate::{
    Result, Tensor, Trouble, Type,
    grad::Gradient,
    graph::{
        Attributes, Grad, Infer, Name, Operator, Run, names,
        operator::Lower,
        ops::real::{Real, of_reals},
    },
};

mod cell;
mod unroll;

use self::cell::{Cell, Kind, Weights};

pub(super) const OPS: &[&Operator] = &[&LSTM, &GRU, &RNN, &LSTM_GRAD, &GRU_GRAD, &RNN_GRAD];

static LSTM: Operator = layer(
    "LSTM",
    |cx| infer(cx, Kind::Lstm),
    |run| forward(run, Kind::Lstm),
    |cx| grad(cx, names::LSTM_GRAD),
)
.flop(|cx, _| flop(cx, Kind::Lstm, 2));
static GRU: Operator = layer(
    "GRU",
    |cx| infer(cx, Kind::Gru),
    |run| forward(run, Kind::Gru),
    |cx| grad(cx, names::GRU_GRAD),
)
.flop(|cx, _| flop(cx, Kind::Gru, 2));
static RNN: Operator = layer(
    "RNN",
    |cx| infer(cx, Kind::Rnn),
    |run| forward(run, Kind::Rnn),
    |cx| grad(cx, names::RNN_GRAD),
)
.flop(|cx, _| flop(cx, Kind::Rnn, 2));

static LSTM_GRAD: Operator = back(
    "LSTMGrad",
    |cx| infer_back(cx, Kind::Lstm),
    |run| backward(run, Kind::Lstm),
    |builder, node| unroll::lower(builder, node, Kind::Lstm),
)
.flop(|cx, _| flop(cx, Kind::Lstm, 6));
static GRU_GRAD: Operator = back(
    "GRUGrad",
    |cx| infer_back(cx, Kind::Gru),
    |run| backward(run, Kind::Gru),
    |builder, node| unroll::lower(builder, node, Kind::Gru),
)
.flop(|cx, _| flop(cx, Kind::Gru, 6));
static RNN_GRAD: Operator = back(
    "RNNGrad",
    |cx| infer_back(cx, Kind::Rnn),
    |run| backward(run, Kind::Rnn),
    |builder, node| unroll::lower(builder, node, Kind::Rnn),
)
.flop(|cx, _| flop(cx, Kind::Rnn, 6));

const fn layer(
    name: &'static str,
    infer: fn(&Infer<'_>) -> Result<Vec<Type>>,
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
    grad: fn(&mut Gradient<'_, '_>) -> Result<()>,
) -> Operator {
    Operator::new(name, &[1, 3, 7, 14, 22], infer, run, Grad::Rule(grad))
}

const fn back(
    name: &'static str,
    infer: fn(&Infer<'_>) -> Result<Vec<Type>>,
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
    lower: Lower,
) -> Operator {
    let why = "the gradient of a recurrent layer is not differentiated again";
    Operator::own(name, infer, run, Grad::None(why), lower)
}

/// Inputs of the operators.
const X: usize = 0;
const W: usize = 1;
const R: usize = 2;
const B: usize = 3;
const LENGTHS: usize = 4;
const H: usize = 5;
const C: usize = 6;
const P: usize = 7;
/// Where the gradients that flow in stand among the inputs of a gradient.
const FLOWS: usize = 8;

/// The sizes of a layer.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    steps: usize,
    batch: usize,
    inputs: usize,
    hidden: usize,
    directions: usize,
    /// Whether the batch stands before the steps.
    batch_first: bool,
}

impl Sizes {
    fn of(attributes: &Attributes, kind: Kind, dims: &[Option<&[usize]>]) -> Result<Self> {
        let given = |input: usize| dims.get(input).copied().flatten();
        let wrong = |input: usize| {
            const NAMES: [&str; 8] =
                ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"];
            let (name, dims) = (NAMES[input], given(input));
            Trouble::graph(format!("the input `{name}` of shape {dims:?} does not fit the others"))
        };
        let Some(&[first, second, inputs]) = given(X) else { return Err(wrong(X)) };
        let Some(&[directions, rows, hidden]) = given(R) else { return Err(wrong(R)) };
        let batch_first = attributes.flag("layout")?;
        let (steps, batch) = if batch_first { (second, first) } else { (first, second) };
        let expected = match attributes.text_or("direction", "forward")? {
            "forward" | "reverse" => 1,
            "bidirectional" => 2,
            other => return Err(Trouble::graph(format!("no such direction: `{other}`"))),
        };
        let gates = kind.gates();
        let all = hidden.checked_mul(gates);
        if directions != expected || Some(rows) != all {
            return Err(wrong(R));
        }
        if let Some(declared) = attributes.int("hidden_size")?
            && usize::try_from(declared) != Ok(hidden)
        {
            return Err(Trouble::graph(format!("expected {declared} hidden units, got {hidden}")));
        }
        if given(W) != Some(&[directions, rows, inputs]) {
            return Err(wrong(W));
        }
        let state =
            if batch_first { [batch, directions, hidden] } else { [directions, batch, hidden] };
        let fits = |input: usize, expected: &[usize]| match given(input) {
            Some(dims) if dims != expected => Err(wrong(input)),
            _ => Ok(()),
        };
        fits(B, &[directions, rows.saturating_mul(2)])?;
        fits(LENGTHS, &[batch])?;
        fits(H, &state)?;
        if kind == Kind::Lstm {
            fits(C, &state)?;
            fits(P, &[directions, hidden.saturating_mul(3)])?;
        }
        Ok(Self { steps, batch, inputs, hidden, directions, batch_first })
    }

    fn inferred(cx: &Infer<'_>, kind: Kind) -> Result<Self> {
        let dims = (0..FLOWS.min(cx.inputs.len()))
            .map(|input| if cx.has(input) { cx.dims(input).map(Some) } else { Ok(None) });
        Self::of(cx.attributes(), kind, &dims.collect::<Result<Vec<_>>>()?)
    }

    fn given(run: &Run<'_>, kind: Kind) -> Result<Self> {
        let dims = (0..FLOWS).map(|input| run.optional(input).map(Tensor::dims));
        Self::of(run.attributes(), kind, &dims.collect::<Vec<_>>())
    }

    fn outputs(&self) -> Vec<usize> {
        let Self { steps, batch, hidden, directions, .. } = *self;
        if self.batch_first {
            vec![batch, steps, directions, hidden]
        } else {
            vec![steps, directions, batch, hidden]
        }
    }

    fn state(&self) -> Vec<usize> {
        let Self { batch, hidden, directions, .. } = *self;
        if self.batch_first {
            vec![batch, directions, hidden]
        } else {
            vec![directions, batch, hidden]
        }
    }

    /// Where the input of a step begins.
    fn x(&self, step: usize, example: usize) -> usize {
        let row = if self.batch_first {
            example * self.steps + step
        } else {
            step * self.batch + example
        };
        row * self.inputs
    }

    /// Where the output of a step begins.
    fn y(&self, step: usize, direction: usize, example: usize) -> usize {
        let row = if self.batch_first {
            (example * self.steps + step) * self.directions + direction
        } else {
            (step * self.directions + direction) * self.batch + example
        };
        row * self.hidden
    }

    /// Where a state begins.
    fn at(&self, direction: usize, example: usize) -> usize {
        let row = if self.batch_first {
            example * self.directions + direction
        } else {
            direction * self.batch + example
        };
        row * self.hidden
    }

    /// How many steps each example has.
    fn lengths(&self, lengths: Option<&Tensor>) -> Result<Vec<usize>> {
        let Some(lengths) = lengths else { return Ok(vec![self.steps; self.batch]) };
        let length = |length: i64| {
            let steps = self.steps;
            usize::try_from(length).ok().filter(|&length| length <= steps).ok_or_else(|| {
                Trouble::graph(format!("expected up to {steps} steps, got {length}"))
            })
        };
        lengths.ints()?.into_iter().map(length).collect()
    }
}

fn infer(cx: &Infer<'_>, kind: Kind) -> Result<Vec<Type>> {
    let sizes = Sizes::inferred(cx, kind)?;
    Cell::of(cx.attributes(), kind, 0)?;
    let element = cx.element(X)?;
    let mut kinds = vec![Type::new(element, sizes.outputs()), Type::new(element, sizes.state())];
    if kind == Kind::Lstm {
        kinds.push(Type::new(element, sizes.state()));
    }
    Ok(kinds)
}

fn flop(cx: &Infer<'_>, kind: Kind, each: u64) -> Result<u64> {
    let sizes = Sizes::inferred(cx, kind)?;
    let wide = sizes.inputs.saturating_add(sizes.hidden).saturating_add(4);
    let all = [sizes.steps, sizes.batch, sizes.directions, kind.gates(), sizes.hidden, wide];
    Ok(all.iter().fold(each, |all, &one| all.saturating_mul(one as u64)))
}

fn forward(run: &Run<'_>, kind: Kind) -> Result<Vec<Tensor>> {
    of_reals!(run.input(X)?, forward_of(run, kind))
}

/// The elements of an input, or none.
fn values<'r, T: Real>(run: &Run<'r>, input: usize) -> Result<Option<&'r [T]>> {
    run.optional(input).map(Tensor::values).transpose()
}

/// The weights of a direction.
fn weights<'r, T: Real>(
    run: &Run<'r>,
    sizes: &Sizes,
    kind: Kind,
    direction: usize,
) -> Result<Weights<'r, T>> {
    let rows = kind.gates() * sizes.hidden;
    fn part<T>(values: &[T], at: usize, size: usize) -> &[T] {
        &values[at * size..][..size]
    }
    let peepholes = if kind == Kind::Lstm { values::<T>(run, P)? } else { None };
    Ok(Weights {
        inputs: sizes.inputs,
        hidden: sizes.hidden,
        w: part(run.input(W)?.values()?, direction, rows * sizes.inputs),
        r: part(run.input(R)?.values()?, direction, rows * sizes.hidden),
        b: values(run, B)?.map(|b| part(b, direction, 2 * rows)),
        p: peepholes.map(|p| part(p, direction, 3 * sizes.hidden)),
    })
}

/// The steps of an example, in the order in which they run.
fn order(attributes: &Attributes, direction: usize, length: usize) -> Result<Vec<usize>> {
    let back = direction == 1 || attributes.text_or("direction", "forward")? == "reverse";
    Ok(if back { (0..length).rev().collect() } else { (0..length).collect() })
}

fn forward_of<T: Real>(run: &Run<'_>, kind: Kind) -> Result<Vec<Tensor>> {
    let sizes = Sizes::given(run, kind)?;
    let x = run.input(X)?.values::<T>()?;
    let (h0, c0) =
        (values::<T>(run, H)?, if kind == Kind::Lstm { values::<T>(run, C)? } else { None });
    let lengths = sizes.lengths(run.optional(LENGTHS))?;
    let zero = T::near(0.0);
    let n = sizes.hidden;
    let mut y = vec![zero; sizes.outputs().iter().product()];
    let mut last_h = vec![zero; sizes.state().iter().product()];
    let mut last_c = last_h.clone();
    for direction in 0..sizes.directions {
        let cell = Cell::of(run.attributes(), kind, direction)?;
        let weights = weights::<T>(run, &sizes, kind, direction)?;
        for (example, &length) in lengths.iter().enumerate() {
            let at = sizes.at(direction, example);
            let start = |from: Option<&[T]>| from.map_or(vec![zero; n], |v| v[at..][..n].to_vec());
            let (mut h, mut c) = (start(h0), start(c0));
            for step in order(run.attributes(), direction, length)? {
                let state =
                    cell.step(&weights, &x[sizes.x(step, example)..][..sizes.inputs], &h, &c);
                (h, c) = (state.h, state.c);
                y[sizes.y(step, direction, example)..][..n].copy_from_slice(&h);
            }
            last_h[at..][..n].copy_from_slice(&h);
            last_c[at..][..n].copy_from_slice(&c);
        }
    }
    let mut all = vec![
        Tensor::new(sizes.outputs(), T::into_data(y))?,
        Tensor::new(sizes.state(), T::into_data(last_h))?,
    ];
    if kind == Kind::Lstm {
        all.push(Tensor::new(sizes.state(), T::into_data(last_c))?);
    }
    Ok(all)
}

fn grad(cx: &mut Gradient<'_, '_>, operator: Name) -> Result<()> {
    let flows = [cx.flow(0), cx.flow(1), cx.flow(2)];
    let mut inputs = cx.node.inputs.clone();
    inputs.resize(FLOWS, None);
    inputs.extend(flows);
    let attributes = cx.node.attributes.clone();
    let count = GIVEN.len();
    let found = cx.builder.apply_all(operator, inputs, attributes, count)?;
    for (&input, gradient) in GIVEN.iter().zip(found) {
        if cx.wants(input) {
            cx.give(input, gradient)?;
        }
    }
    Ok(())
}

/// The inputs whose gradients a gradient writes, in this order.
const GIVEN: [usize; 7] = [X, W, R, B, H, C, P];

fn infer_back(cx: &Infer<'_>, kind: Kind) -> Result<Vec<Type>> {
    let sizes = Sizes::inferred(cx, kind)?;
    let element = cx.element(X)?;
    let flows = [sizes.outputs(), sizes.state(), sizes.state()];
    for (at, expected) in flows.iter().enumerate() {
        if cx.has(FLOWS + at) && cx.dims(FLOWS + at)? != expected {
            let flow = cx.kind(FLOWS + at)?;
            return Err(Trouble::graph(format!("expected a gradient {expected:?}, got {flow}")));
        }
    }
    // Of an input that is left out, a gradient without elements.
    let kinds = GIVEN.iter().map(|&input| {
        let dims = if cx.has(input) { cx.dims(input)?.to_vec() } else { vec![0] };
        Ok(Type::new(element, dims))
    });
    kinds.collect()
}

fn backward(run: &Run<'_>, kind: Kind) -> Result<Vec<Tensor>> {
    of_reals!(run.input(X)?, backward_of(run, kind))
}

fn backward_of<T: Real>(run: &Run<'_>, kind: Kind) -> Result<Vec<Tensor>> {
    let sizes = Sizes::given(run, kind)?;
    let x = run.input(X)?.values::<T>()?;
    let (h0, c0) =
        (values::<T>(run, H)?, if kind == Kind::Lstm { values::<T>(run, C)? } else { None });
    let flow_y = values::<T>(run, FLOWS)?;
    let flow_h = values::<T>(run, FLOWS + 1)?;
    let flow_c = values::<T>(run, FLOWS + 2)?;
    let lengths = sizes.lengths(run.optional(LENGTHS))?;
    let zero = T::near(0.0);
    let (n, rows) = (sizes.hidden, kind.gates() * sizes.hidden);
    let mut found = GIVEN.map(|input| vec![zero; run.optional(input).map_or(0, Tensor::count)]);
    for direction in 0..sizes.directions {
        let cell = Cell::of(run.attributes(), kind, direction)?;
        let weights = weights::<T>(run, &sizes, kind, direction)?;
        for (example, &length) in lengths.iter().enumerate() {
            let at = sizes.at(direction, example);
            let part = |from: Option<&[T]>| from.map_or(vec![zero; n], |v| v[at..][..n].to_vec());
            let order = order(run.attributes(), direction, length)?;
            let (first_h, first_c) = (part(h0), part(c0));
            let mut states: Vec<cell::State<T>> = Vec::with_capacity(length);
            for &step in &order {
                let (h, c) =
                    states.last().map_or((&first_h, &first_c), |state| (&state.h, &state.c));
                let x = &x[sizes.x(step, example)..][..sizes.inputs];
                states.push(cell.step(&weights, x, h, c));
            }
            let (mut dh, mut dc) = (part(flow_h), part(flow_c));
            for (at, &step) in order.iter().enumerate().rev() {
                if let Some(flow) = flow_y {
                    for (dh, flow) in dh.iter_mut().zip(&flow[sizes.y(step, direction, example)..])
                    {
                        *dh += *flow;
                    }
                }
                let before = at.checked_sub(1).map(|before| &states[before]);
                let (h, c) = before.map_or((&first_h, &first_c), |state| (&state.h, &state.c));
                let x_at = sizes.x(step, example);
                let x = &x[x_at..][..sizes.inputs];
                let back = cell.back(&weights, &states[at], h, c, &dh, &dc);
                // Each row of the products, by the weights and by what they were applied to.
                let [dx, dw, dr, db, _, _, dp] = &mut found;
                for row in 0..rows {
                    let (slope, slope_r) = (back.w[row], back.r[row]);
                    let w_at = (direction * rows + row) * sizes.inputs;
                    for (column, &x) in x.iter().enumerate() {
                        dw[w_at + column] += slope * x;
                        dx[x_at + column] += slope * weights.w[row * sizes.inputs + column];
                    }
                    let r_at = (direction * rows + row) * n;
                    for (column, &h) in back.h_of(row / n, h).iter().enumerate() {
                        dr[r_at + column] += slope_r * h;
                    }
                    if !db.is_empty() {
                        db[2 * direction * rows + row] += slope;
                        db[(2 * direction + 1) * rows + row] += slope_r;
                    }
                }
                if !dp.is_empty() {
                    for (dp, &slope) in dp[direction * 3 * n..].iter_mut().zip(&back.p) {
                        *dp += slope;
                    }
                }
                (dh, dc) = (back.h, back.c);
            }
            for (to, from) in [(4, dh), (5, dc)] {
                if !found[to].is_empty() {
                    found[to][at..][..n].copy_from_slice(&from);
                }
            }
        }
    }
    let mut given = Vec::with_capacity(GIVEN.len());
    for (&input, values) in GIVEN.iter().zip(found) {
        let dims = run.optional(input).map_or(vec![0], |tensor| tensor.dims().to_vec());
        given.push(Tensor::new(dims, T::into_data(values))?);
    }
    Ok(given)
}
