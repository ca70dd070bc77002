//! Small ONNX models, written for a test, and gradients held to central differences.

#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails so")]

use std::sync::Arc;

use modelward_engine::{
    Limits, Meter, Model, Tensor, Trouble,
    exec::evaluate,
    feed::{By, Fed, Objective},
    grad::{Builder, Options},
    graph::{Graph, ValueId, ops::named},
};
use modelward_formats::Bytes;

/// An attribute.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(i64),
    Float(f32),
    Ints(Vec<i64>),
    Text(&'static str),
}

/// A model of one node.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) operator: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) opset: i64,
    pub(crate) attributes: Vec<(&'static str, Value)>,
    pub(crate) inputs: Vec<Tensor>,
    /// How many of its outputs it writes. The first is differentiated.
    pub(crate) outputs: usize,
    /// By which inputs the gradient is taken.
    pub(crate) by: Vec<usize>,
    /// Whether the gradient is differentiated again.
    pub(crate) twice: bool,
}

impl Case {
    pub(crate) fn new(operator: &'static str, inputs: Vec<Tensor>) -> Self {
        let by = (0..inputs.len()).filter(|&at| inputs[at].element().is_float()).collect();
        let (domain, attributes) = ("", Vec::new());
        Self { operator, domain, opset: 23, attributes, inputs, outputs: 1, by, twice: false }
    }

    pub(crate) fn of(mut self, domain: &'static str) -> Self {
        self.domain = domain;
        self
    }

    pub(crate) fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.attributes.push((name, value));
        self
    }

    pub(crate) fn ints(self, name: &'static str, values: &[i64]) -> Self {
        self.with(name, Value::Ints(values.to_vec()))
    }

    pub(crate) fn int(self, name: &'static str, value: i64) -> Self {
        self.with(name, Value::Int(value))
    }

    pub(crate) fn by(mut self, by: &[usize]) -> Self {
        self.by = by.to_vec();
        self
    }

    pub(crate) fn outputs(mut self, outputs: usize) -> Self {
        self.outputs = outputs;
        self
    }

    pub(crate) fn twice(mut self) -> Self {
        self.twice = true;
        self
    }

    /// How messages call it.
    fn label(&self) -> String {
        let shapes = self.inputs.iter().map(|tensor| tensor.kind().to_string());
        let shapes = shapes.collect::<Vec<_>>().join(", ");
        format!("{} {:?} of {shapes}", self.operator, self.attributes)
    }

    /// The model, the batch of its first input free where asked for.
    pub(crate) fn model(&self, free_batch: bool) -> Model {
        self.read(free_batch).expect("it is read")
    }

    /// The model, if its operator is known.
    pub(crate) fn read(&self, free_batch: bool) -> Result<Model, Trouble> {
        let mut graph = Vec::new();
        let mut node = Vec::new();
        for at in 0..self.inputs.len() {
            text(&mut node, 1, &format!("i{at}"));
        }
        for at in 0..self.outputs {
            text(&mut node, 2, &format!("o{at}"));
        }
        text(&mut node, 4, self.operator);
        for (name, value) in &self.attributes {
            bytes(&mut node, 5, &attribute(name, value));
        }
        text(&mut node, 7, self.domain);
        bytes(&mut graph, 1, &node);
        text(&mut graph, 2, "g");
        for (at, tensor) in self.inputs.iter().enumerate() {
            let mut shape = Vec::new();
            for (axis, &size) in tensor.dims().iter().enumerate() {
                let mut dimension = Vec::new();
                match free_batch && at == 0 && axis == 0 {
                    true => text(&mut dimension, 2, "N"),
                    false => number(&mut dimension, 1, size as u64),
                }
                bytes(&mut shape, 1, &dimension);
            }
            let mut kind = Vec::new();
            number(&mut kind, 1, tensor.element().to_onnx() as u64);
            bytes(&mut kind, 2, &shape);
            let mut outer = Vec::new();
            bytes(&mut outer, 1, &kind);
            let mut info = Vec::new();
            text(&mut info, 1, &format!("i{at}"));
            bytes(&mut info, 2, &outer);
            bytes(&mut graph, 11, &info);
        }
        let mut info = Vec::new();
        text(&mut info, 1, "o0");
        bytes(&mut graph, 12, &info);
        let mut model = Vec::new();
        number(&mut model, 1, 10);
        bytes(&mut model, 7, &graph);
        for (domain, version) in [("", self.opset), ("com.microsoft", 1), ("ai.onnx.ml", 5)] {
            let mut set = Vec::new();
            text(&mut set, 1, domain);
            number(&mut set, 2, version as u64);
            bytes(&mut model, 8, &set);
        }
        Model::from_bytes(Bytes::from(&model[..]), None, &Limits::default())
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn text(out: &mut Vec<u8>, field: u64, value: &str) {
    bytes(out, field, value.as_bytes());
}

fn attribute(name: &str, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    text(&mut out, 1, name);
    let kind = match value {
        Value::Float(value) => {
            varint(&mut out, 2 << 3 | 5);
            out.extend_from_slice(&value.to_le_bytes());
            1
        }
        Value::Int(value) => {
            number(&mut out, 3, *value as u64);
            2
        }
        Value::Text(value) => {
            text(&mut out, 4, value);
            3
        }
        Value::Ints(values) => {
            for value in values {
                number(&mut out, 8, *value as u64);
            }
            7
        }
    };
    number(&mut out, 20, kind);
    out
}

/// Numbers that look random, the same each time.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From -1 to 1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub(crate) fn tensor(&mut self, dims: &[usize]) -> Tensor {
        let count = dims.iter().product();
        Tensor::new(dims, (0..count).map(|_| self.next()).collect::<Vec<_>>()).expect("it fits")
    }
}

/// A tensor of numbers from -1 to 1.
pub(crate) fn random(seed: u64, dims: &[usize]) -> Tensor {
    Numbers::new(seed).tensor(dims)
}

/// Of numbers from 1 to 3.
pub(crate) fn positive(seed: u64, dims: &[usize]) -> Tensor {
    let tensor = random(seed, dims);
    let values = tensor.values::<f64>().expect("floats").iter().map(|x| x + 2.0);
    Tensor::new(dims, values.collect::<Vec<_>>()).expect("it fits")
}

fn dot(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let pairs = a.values::<f64>().expect("floats").iter().zip(b.values::<f64>().expect("floats"));
    pairs.map(|(a, b)| a * b).sum()
}

fn moved(x: &Tensor, direction: &Tensor, by: f64) -> Tensor {
    let pairs = x.values::<f64>().expect("f64").iter().zip(direction.values::<f64>().expect("f64"));
    Tensor::new(x.dims(), pairs.map(|(x, d)| x + d * by).collect::<Vec<_>>()).expect("it fits")
}

fn run(graph: &Graph, fed: &Fed) -> Vec<Arc<Tensor>> {
    evaluate(graph, fed, &Meter::new(Limits::default())).expect("it runs")
}

/// Hold the gradients of a case to central differences, with a free and with a fixed batch.
pub(crate) fn check(case: &Case) {
    for free in [false, true] {
        one(case, free);
    }
}

/// With a fixed batch alone.
pub(crate) fn check_fixed(case: &Case) {
    one(case, false);
}

fn one(case: &Case, free: bool) {
    const STEP: f64 = 1e-5;
    let model = case.model(free);
    let ids = model.graph.inputs.clone();
    let fed: Fed = ids
        .iter()
        .copied()
        .zip(case.inputs.iter().map(|tensor| Arc::new(tensor.clone())))
        .collect();
    let limits = Limits::default();
    let by = By::Names(case.by.iter().map(|at| format!("i{at}")).collect());
    let objective = Objective::Seeds(vec!["o0".to_owned()]);
    let given = (!free).then_some(&fed);
    let derivative = model
        .derivative(&by, &objective, given, false, &limits)
        .unwrap_or_else(|trouble| panic!("{}: {trouble}", case.label()));
    let y = run(&model.graph, &fed)[0].clone();
    let seed = Arc::new(random(77, y.dims()));
    let seed_id = derivative.seeds[0].1;
    let seeded = |fed: &Fed| {
        let mut all = fed.clone();
        all.push((seed_id, seed.clone()));
        all
    };
    let skipped = derivative.graph.outputs.len() - derivative.gradients.len();
    let gradients = run(&derivative.graph, &seeded(&fed));
    let shift = |id: ValueId, direction: &Tensor, by: f64| {
        let move_one = |(at, tensor): &(ValueId, Arc<Tensor>)| {
            let tensor =
                if *at == id { Arc::new(moved(tensor, direction, by)) } else { tensor.clone() };
            (*at, tensor)
        };
        fed.iter().map(move_one).collect::<Fed>()
    };
    for (at, &input) in case.by.iter().enumerate() {
        let gradient = &gradients[skipped + at];
        assert_eq!(gradient.dims(), case.inputs[input].dims(), "{}", case.label());
        for round in 0..4 {
            let direction = random(100 + round, gradient.dims());
            let value = |by| dot(&run(&model.graph, &shift(ids[input], &direction, by))[0], &seed);
            let expected = (value(STEP) - value(-STEP)) / (2.0 * STEP);
            let got = dot(gradient, &direction);
            close(expected, got, &format!("{} by input {input}, free batch: {free}", case.label()));
        }
    }
    // The direction of the second derivative is a constant, which fixes the batch.
    if !case.twice || free {
        return;
    }
    let meter = Meter::new(limits);
    for (at, &input) in case.by.iter().enumerate() {
        let along = Arc::new(random(55, case.inputs[input].dims()));
        let first = derivative.gradients[at].1;
        let mut builder =
            Builder::new(derivative.graph.clone(), derivative.known.clone(), &meter, named);
        let direction = builder.constant((*along).clone());
        let wanted = case.by.iter().map(|&input| ids[input]).collect::<Vec<_>>();
        let second = builder
            .gradients(&[(first, direction)], &wanted, &mut Options::default())
            .unwrap_or_else(|trouble| panic!("{} twice: {trouble}", case.label()));
        let (graph, _) = builder.finish();
        for (&other, second) in case.by.iter().zip(second) {
            let nudge = random(200, case.inputs[other].dims());
            let value = |by| {
                let all = run(&derivative.graph, &seeded(&shift(ids[other], &nudge, by)));
                dot(&all[skipped + at], &along)
            };
            let expected = (value(STEP) - value(-STEP)) / (2.0 * STEP);
            let got = second.map_or(0.0, |second| {
                let mut graph = graph.clone();
                graph.outputs = vec![second];
                dot(&run(&graph, &seeded(&fed))[0], &nudge)
            });
            close(expected, got, &format!("{} by {input}, then by {other}", case.label()));
        }
    }
}

fn close(expected: f64, got: f64, what: &str) {
    let most = expected.abs().max(got.abs()).max(1e-2);
    assert!((expected - got).abs() <= 1e-5 * most, "{what}: expected {expected}, got {got}");
}
