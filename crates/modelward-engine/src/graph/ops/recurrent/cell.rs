//! One step of a recurrent layer, and its way back.

use crate::{
    Result, Trouble,
    graph::{Attributes, ops::real::Real},
};

/// The three layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Lstm,
    Gru,
    Rnn,
}

impl Kind {
    /// How many products of a state there are.
    pub(super) fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
            Self::Rnn => 1,
        }
    }

    pub(super) fn activations(self) -> &'static [&'static str] {
        match self {
            Self::Lstm => &["Sigmoid", "Tanh", "Tanh"],
            Self::Gru => &["Sigmoid", "Tanh"],
            Self::Rnn => &["Tanh"],
        }
    }
}

/// The weights of a direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights<'a, T> {
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    /// `[gates * hidden, inputs]`.
    pub(super) w: &'a [T],
    /// `[gates * hidden, hidden]`.
    pub(super) r: &'a [T],
    /// `[2 * gates * hidden]`, of the inputs and of the state.
    pub(super) b: Option<&'a [T]>,
    /// `[3 * hidden]`, of input, output and forget gate.
    pub(super) p: Option<&'a [T]>,
}

impl<T: Real> Weights<'_, T> {
    /// A row of the inputs' product, with its bias.
    fn of_x(&self, row: usize, x: &[T]) -> T {
        let start = self.b.map_or(T::near(0.0), |b| b[row]);
        dot(start, &self.w[row * self.inputs..][..self.inputs], x)
    }

    /// A row of the state's product, with its bias.
    fn of_h(&self, row: usize, h: &[T]) -> T {
        let start = self.b.map_or(T::near(0.0), |b| b[b.len() / 2 + row]);
        dot(start, &self.r[row * self.hidden..][..self.hidden], h)
    }

    fn peephole(&self, gate: usize, unit: usize) -> T {
        self.p.map_or(T::near(0.0), |p| p[gate * self.hidden + unit])
    }

    /// What flows into rows of the state's product, back to the state.
    fn back_to_h(&self, rows: std::ops::Range<usize>, slopes: &[T], to: &mut [T]) {
        for row in rows {
            for (to, &r) in to.iter_mut().zip(&self.r[row * self.hidden..]) {
                *to += slopes[row] * r;
            }
        }
    }
}

fn dot<T: Real>(start: T, a: &[T], b: &[T]) -> T {
    a.iter().zip(b).fold(start, |sum, (&a, &b)| sum + a * b)
}

/// What a step computes.
#[derive(Clone, Debug)]
pub(super) struct State<T> {
    pub(super) h: Vec<T>,
    pub(super) c: Vec<T>,
    /// What the activations were applied to, in the order of the weights.
    before: Vec<T>,
    /// What they gave.
    gates: Vec<T>,
    /// Of a GRU: the state's product of the hidden gate, where the reset comes behind it.
    product: Vec<T>,
}

/// What flows back from a step.
#[derive(Clone, Debug)]
pub(super) struct Back<T> {
    /// To the state before.
    pub(super) h: Vec<T>,
    pub(super) c: Vec<T>,
    /// To each row of the inputs' products.
    pub(super) w: Vec<T>,
    /// To each row of the state's products.
    pub(super) r: Vec<T>,
    /// To the peepholes.
    pub(super) p: Vec<T>,
    /// Of a GRU whose reset comes before the product: the state as it was reset.
    reset: Option<Vec<T>>,
}

impl<T: Real> Back<T> {
    /// The state that the rows of a gate were applied to.
    pub(super) fn h_of<'a>(&'a self, gate: usize, h: &'a [T]) -> &'a [T] {
        match &self.reset {
            Some(reset) if gate == 2 => reset,
            _ => h,
        }
    }
}

/// One direction of a layer: its activations and its habits.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    kind: Kind,
    activations: Vec<Activation>,
    clip: Option<f64>,
    input_forget: bool,
    linear_before_reset: bool,
}

impl Cell {
    pub(super) fn of(attributes: &Attributes, kind: Kind, direction: usize) -> Result<Self> {
        let clip = match attributes.find("clip") {
            Some(_) => {
                Some(f64::from(attributes.float_or("clip", 0.0)?)).filter(|&clip| clip > 0.0)
            }
            None => None,
        };
        Ok(Self {
            kind,
            activations: activations(attributes, kind, direction)?,
            clip,
            input_forget: attributes.flag("input_forget")?,
            linear_before_reset: attributes.flag("linear_before_reset")?,
        })
    }

    fn activate<T: Real>(&self, which: usize, x: T) -> T {
        T::near(self.activations[which].of(self.clipped(x.wide())))
    }

    fn clipped(&self, x: f64) -> f64 {
        self.clip.map_or(x, |clip| {
            if x > clip {
                clip
            } else if x < -clip {
                -clip
            } else {
                x
            }
        })
    }

    /// The derivative of an activation behind the clipping.
    fn slope<T: Real>(&self, which: usize, before: T) -> T {
        let x = before.wide();
        let slope = match self.clip {
            Some(clip) if x > clip || x < -clip => 0.0,
            _ => self.activations[which].slope(x),
        };
        T::near(slope)
    }

    /// One step from a state.
    pub(super) fn step<T: Real>(&self, of: &Weights<'_, T>, x: &[T], h: &[T], c: &[T]) -> State<T> {
        let n = of.hidden;
        let one = T::near(1.0);
        let mut before = (0..self.kind.gates() * n).map(|row| of.of_x(row, x)).collect::<Vec<_>>();
        let mut gates = vec![T::near(0.0); before.len()];
        let (mut next_h, mut next_c) = (vec![T::near(0.0); n], vec![T::near(0.0); n]);
        let mut product = Vec::new();
        let all = |before: &mut Vec<T>, rows: std::ops::Range<usize>| {
            for row in rows {
                before[row] += of.of_h(row, h);
            }
        };
        match self.kind {
            Kind::Rnn => {
                all(&mut before, 0..n);
                for at in 0..n {
                    gates[at] = self.activate(0, before[at]);
                    next_h[at] = gates[at];
                }
            }
            Kind::Gru => {
                all(&mut before, 0..2 * n);
                for row in 0..2 * n {
                    gates[row] = self.activate(0, before[row]);
                }
                if self.linear_before_reset {
                    product = (2 * n..3 * n).map(|row| of.of_h(row, h)).collect();
                    for at in 0..n {
                        before[2 * n + at] += gates[n + at] * product[at];
                    }
                } else {
                    let reset = (0..n).map(|at| gates[n + at] * h[at]).collect::<Vec<_>>();
                    for (row, before) in before.iter_mut().enumerate().skip(2 * n) {
                        *before += of.of_h(row, &reset);
                    }
                }
                for at in 0..n {
                    gates[2 * n + at] = self.activate(1, before[2 * n + at]);
                    next_h[at] = (one - gates[at]) * gates[2 * n + at] + gates[at] * h[at];
                }
            }
            Kind::Lstm => {
                all(&mut before, 0..4 * n);
                for at in 0..n {
                    let (i, o, f, g) = (at, n + at, 2 * n + at, 3 * n + at);
                    before[i] += of.peephole(0, at) * c[at];
                    before[f] += of.peephole(2, at) * c[at];
                    gates[i] = self.activate(0, before[i]);
                    gates[f] = self.activate(0, before[f]);
                    if self.input_forget {
                        gates[f] = one - gates[i];
                    }
                    gates[g] = self.activate(1, before[g]);
                    next_c[at] = gates[f] * c[at] + gates[i] * gates[g];
                    before[o] += of.peephole(1, at) * next_c[at];
                    gates[o] = self.activate(0, before[o]);
                    // The clipping is of what goes into the gates.
                    next_h[at] = gates[o] * T::near(self.activations[2].of(next_c[at].wide()));
                }
            }
        }
        State { h: next_h, c: next_c, before, gates, product }
    }

    /// What flows back from a step: `dh` and `dc` flow into its state, `h` and `c` came before it.
    pub(super) fn back<T: Real>(
        &self,
        of: &Weights<'_, T>,
        state: &State<T>,
        h: &[T],
        c: &[T],
        dh: &[T],
        dc: &[T],
    ) -> Back<T> {
        let n = of.hidden;
        let (zero, one) = (T::near(0.0), T::near(1.0));
        let mut back = Back {
            h: vec![zero; n],
            c: vec![zero; n],
            w: vec![zero; self.kind.gates() * n],
            r: Vec::new(),
            p: Vec::new(),
            reset: None,
        };
        let State { before, gates, .. } = state;
        match self.kind {
            Kind::Rnn => {
                for at in 0..n {
                    back.w[at] = dh[at] * self.slope(0, before[at]);
                }
                back.r = back.w.clone();
                of.back_to_h(0..n, &back.r, &mut back.h);
            }
            Kind::Gru => {
                for at in 0..n {
                    let (z, new) = (gates[at], gates[2 * n + at]);
                    back.h[at] = dh[at] * z;
                    back.w[at] = dh[at] * (h[at] - new) * self.slope(0, before[at]);
                    back.w[2 * n + at] = dh[at] * (one - z) * self.slope(1, before[2 * n + at]);
                }
                back.r = back.w.clone();
                if self.linear_before_reset {
                    for at in 0..n {
                        let slope = back.w[2 * n + at];
                        back.r[2 * n + at] = slope * gates[n + at];
                        back.w[n + at] = slope * state.product[at] * self.slope(0, before[n + at]);
                        back.r[n + at] = back.w[n + at];
                    }
                    of.back_to_h(0..3 * n, &back.r, &mut back.h);
                } else {
                    let mut reset = vec![zero; n];
                    of.back_to_h(2 * n..3 * n, &back.r, &mut reset);
                    for at in 0..n {
                        back.h[at] += reset[at] * gates[n + at];
                        back.w[n + at] = reset[at] * h[at] * self.slope(0, before[n + at]);
                        back.r[n + at] = back.w[n + at];
                    }
                    of.back_to_h(0..2 * n, &back.r, &mut back.h);
                    back.reset = Some((0..n).map(|at| gates[n + at] * h[at]).collect());
                }
            }
            Kind::Lstm => {
                back.p = vec![zero; 3 * n];
                for at in 0..n {
                    let (i, o, f, g) = (at, n + at, 2 * n + at, 3 * n + at);
                    let cell = state.c[at];
                    let shown = T::near(self.activations[2].of(cell.wide()));
                    let slope = T::near(self.activations[2].slope(cell.wide()));
                    back.w[o] = dh[at] * shown * self.slope(0, before[o]);
                    let into = dc[at] + dh[at] * gates[o] * slope + back.w[o] * of.peephole(1, at);
                    let mut into_i = into * gates[g];
                    let mut into_f = into * c[at];
                    if self.input_forget {
                        into_i = into_i - into_f;
                        into_f = zero;
                    }
                    back.w[i] = into_i * self.slope(0, before[i]);
                    back.w[f] = into_f * self.slope(0, before[f]);
                    back.w[g] = into * gates[i] * self.slope(1, before[g]);
                    back.c[at] = into * gates[f]
                        + back.w[i] * of.peephole(0, at)
                        + back.w[f] * of.peephole(2, at);
                    back.p[at] = back.w[i] * c[at];
                    back.p[n + at] = back.w[o] * cell;
                    back.p[2 * n + at] = back.w[f] * c[at];
                }
                back.r = back.w.clone();
                of.back_to_h(0..4 * n, &back.r, &mut back.h);
            }
        }
        back
    }
}

/// A function of one number, with what its parameters are.
#[derive(Clone, Copy, Debug)]
struct Activation {
    function: Function,
    alpha: f64,
    beta: f64,
}

#[derive(Clone, Copy, Debug)]
enum Function {
    Relu,
    Tanh,
    Sigmoid,
    Affine,
    LeakyRelu,
    ThresholdedRelu,
    ScaledTanh,
    HardSigmoid,
    Elu,
    Softsign,
    Softplus,
}

/// Each function by name, with its defaults of alpha and beta where it takes them.
const FUNCTIONS: [(&str, Function, Option<f64>, Option<f64>); 11] = [
    ("Relu", Function::Relu, None, None),
    ("Tanh", Function::Tanh, None, None),
    ("Sigmoid", Function::Sigmoid, None, None),
    ("Affine", Function::Affine, Some(1.0), Some(0.0)),
    ("LeakyRelu", Function::LeakyRelu, Some(0.01), None),
    ("ThresholdedRelu", Function::ThresholdedRelu, Some(1.0), None),
    ("ScaledTanh", Function::ScaledTanh, Some(1.0), Some(1.0)),
    ("HardSigmoid", Function::HardSigmoid, Some(0.2), Some(0.5)),
    ("Elu", Function::Elu, Some(1.0), None),
    ("Softsign", Function::Softsign, None, None),
    ("Softplus", Function::Softplus, None, None),
];

/// The activations of a direction. Their parameters are consumed in their order.
fn activations(attributes: &Attributes, kind: Kind, direction: usize) -> Result<Vec<Activation>> {
    let each = kind.activations().len();
    let directions = match attributes.text_or("direction", "forward")? {
        "bidirectional" => 2,
        _ => 1,
    };
    let names = match attributes.texts("activations")? {
        Some(names) => names.iter().map(|name| &**name).collect::<Vec<_>>(),
        None => kind.activations().repeat(directions),
    };
    if names.len() != each * directions {
        let (expected, got) = (each * directions, names.len());
        return Err(Trouble::graph(format!("expected {expected} activations, got {got}")));
    }
    let mut alphas = attributes.floats("activation_alpha")?.unwrap_or_default().iter();
    let mut betas = attributes.floats("activation_beta")?.unwrap_or_default().iter();
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let known = FUNCTIONS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        let (_, function, alpha, beta) =
            known.ok_or_else(|| Trouble::graph(format!("no such activation: `{name}`")))?;
        let taken = |default: &Option<f64>, given: &mut std::slice::Iter<'_, f32>| match default {
            Some(default) => given.next().map_or(*default, |&given| given.into()),
            None => 0.0,
        };
        let (alpha, beta) = (taken(alpha, &mut alphas), taken(beta, &mut betas));
        all.push(Activation { function: *function, alpha, beta });
    }
    Ok(all.split_off(each * direction).into_iter().take(each).collect())
}

impl Activation {
    fn of(self, x: f64) -> f64 {
        let (alpha, beta) = (self.alpha, self.beta);
        match self.function {
            Function::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Function::Tanh => x.tanh(),
            Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Function::Affine => alpha * x + beta,
            Function::LeakyRelu => {
                if x < 0.0 {
                    alpha * x
                } else {
                    x
                }
            }
            Function::ThresholdedRelu => {
                if x > alpha {
                    x
                } else {
                    0.0
                }
            }
            Function::ScaledTanh => alpha * (beta * x).tanh(),
            Function::HardSigmoid => (alpha * x + beta).clamp(0.0, 1.0),
            Function::Elu => {
                if x < 0.0 {
                    alpha * x.exp_m1()
                } else {
                    x
                }
            }
            Function::Softsign => x / (1.0 + x.abs()),
            Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        }
    }

    fn slope(self, x: f64) -> f64 {
        let (alpha, beta) = (self.alpha, self.beta);
        let step = |on: bool| if on { 1.0 } else { 0.0 };
        match self.function {
            Function::Relu => step(x > 0.0),
            Function::Tanh => 1.0 - x.tanh().powi(2),
            Function::Sigmoid => {
                let y = 1.0 / (1.0 + (-x).exp());
                y * (1.0 - y)
            }
            Function::Affine => alpha,
            Function::LeakyRelu => {
                if x < 0.0 {
                    alpha
                } else {
                    1.0
                }
            }
            Function::ThresholdedRelu => step(x > alpha),
            Function::ScaledTanh => alpha * beta * (1.0 - (beta * x).tanh().powi(2)),
            Function::HardSigmoid => alpha * step((0.0..=1.0).contains(&(alpha * x + beta))),
            Function::Elu => {
                if x < 0.0 {
                    alpha * x.exp()
                } else {
                    1.0
                }
            }
            Function::Softsign => 1.0 / (1.0 + x.abs()).powi(2),
            Function::Softplus => 1.0 / (1.0 + (-x).exp()),
        }
    }
}
