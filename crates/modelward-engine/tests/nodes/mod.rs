//! Small models written as bytes, and their gradients held to central differences in 64 bits.

#![allow(
    dead_code,
    unreachable_pub,
    missing_debug_implementations,
    reason = "each test uses a part"
)]

use std::sync::Arc;

use modelward_engine::{
    Limits, Meter, Model, Tensor, exec,
    feed::{By, Objective},
    npz::Arrays,
};
use modelward_formats::Bytes;

/// A model of one node, or of a few.
#[derive(Clone, Default)]
pub struct Case {
    nodes: Vec<Vec<u8>>,
    inputs: Vec<(String, Tensor)>,
    constants: Vec<(String, Tensor)>,
    outputs: Vec<String>,
    opset: u64,
}

/// The value of an attribute.
#[derive(Clone)]
pub enum Value {
    Int(i64),
    Float(f32),
    Text(&'static str),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<&'static str>),
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

fn attribute(name: &str, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 1, name.as_bytes());
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
            bytes(&mut out, 4, value.as_bytes());
            3
        }
        Value::Floats(values) => {
            for value in values {
                varint(&mut out, 7 << 3 | 5);
                out.extend_from_slice(&value.to_le_bytes());
            }
            6
        }
        Value::Ints(values) => {
            for value in values {
                number(&mut out, 8, *value as u64);
            }
            7
        }
        Value::Texts(values) => {
            for value in values {
                bytes(&mut out, 9, value.as_bytes());
            }
            8
        }
    };
    number(&mut out, 20, kind);
    out
}

fn tensor(name: &str, tensor: &Tensor) -> Vec<u8> {
    let mut out = Vec::new();
    for &size in tensor.dims() {
        number(&mut out, 1, size as u64);
    }
    number(&mut out, 2, tensor.element().to_onnx() as u64);
    bytes(&mut out, 8, name.as_bytes());
    let raw = match tensor.element() {
        modelward_engine::Element::F64 => {
            let values = tensor.values::<f64>().unwrap();
            values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>()
        }
        modelward_engine::Element::F32 => {
            let values = tensor.values::<f32>().unwrap();
            values.iter().flat_map(|value| value.to_le_bytes()).collect()
        }
        modelward_engine::Element::Bool => {
            tensor.values::<bool>().unwrap().iter().map(|&value| u8::from(value)).collect()
        }
        modelward_engine::Element::I32 => {
            let values = tensor.values::<i32>().unwrap();
            values.iter().flat_map(|value| value.to_le_bytes()).collect()
        }
        _ => {
            let values = tensor.values::<i64>().unwrap();
            values.iter().flat_map(|value| value.to_le_bytes()).collect()
        }
    };
    bytes(&mut out, 9, &raw);
    out
}

fn value_info(name: &str, tensor: Option<&Tensor>, free: bool) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 1, name.as_bytes());
    if let Some(tensor) = tensor {
        let (mut shape, mut kind, mut wrapped) = (Vec::new(), Vec::new(), Vec::new());
        for (axis, &size) in tensor.dims().iter().enumerate() {
            let mut dimension = Vec::new();
            if free && axis == 0 {
                bytes(&mut dimension, 2, b"N");
            } else {
                number(&mut dimension, 1, size as u64);
            }
            bytes(&mut shape, 1, &dimension);
        }
        number(&mut kind, 1, tensor.element().to_onnx() as u64);
        bytes(&mut kind, 2, &shape);
        bytes(&mut wrapped, 1, &kind);
        bytes(&mut out, 2, &wrapped);
    }
    out
}

impl Case {
    /// In this operator set.
    pub fn new(opset: u64) -> Self {
        Self { opset, ..Self::default() }
    }

    /// With an input that is differentiated by.
    pub fn input(mut self, name: &str, value: Tensor) -> Self {
        self.inputs.push((name.into(), value));
        self
    }

    /// With a constant.
    pub fn constant(mut self, name: &str, value: Tensor) -> Self {
        self.constants.push((name.into(), value));
        self
    }

    /// With a node; all its outputs lead out.
    pub fn node(
        mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Value)],
    ) -> Self {
        self.inner(operator, inputs, outputs, attributes);
        let named = outputs.iter().filter(|output| !output.is_empty());
        self.outputs.extend(named.map(|output| (*output).to_owned()));
        self
    }

    /// Add a node whose outputs stay inside.
    pub fn inner(
        &mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Value)],
    ) {
        let mut out = Vec::new();
        for input in inputs {
            bytes(&mut out, 1, input.as_bytes());
        }
        for output in outputs {
            bytes(&mut out, 2, output.as_bytes());
        }
        bytes(&mut out, 4, operator.as_bytes());
        for (name, value) in attributes {
            bytes(&mut out, 5, &attribute(name, value));
        }
        self.nodes.push(out);
    }

    /// Let these lead out, and no others.
    pub fn leads_out(&mut self, names: &[&str]) {
        self.outputs = names.iter().map(|name| (*name).to_owned()).collect();
    }

    /// The inputs and constants.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.inputs.iter().chain(&self.constants).map(|(name, value)| (&**name, value))
    }

    /// The same of an input or constant, to be changed.
    pub fn tensor_mut(&mut self, name: &str) -> &mut Tensor {
        let mut all = self.inputs.iter_mut().chain(&mut self.constants);
        &mut all.find(|(other, _)| other == name).unwrap().1
    }

    /// The model, the first dimension of its inputs free where asked for.
    pub fn model(&self, free: bool) -> Model {
        let bytes = self.bytes(free);
        Model::from_bytes(Bytes::from(&bytes[..]), None, &Limits::default()).unwrap()
    }

    fn bytes(&self, free: bool) -> Vec<u8> {
        let (mut graph, mut model, mut opset) = (Vec::new(), Vec::new(), Vec::new());
        for node in &self.nodes {
            bytes(&mut graph, 1, node);
        }
        bytes(&mut graph, 2, b"g");
        for (name, value) in &self.constants {
            bytes(&mut graph, 5, &tensor(name, value));
        }
        for (name, value) in &self.inputs {
            bytes(&mut graph, 11, &value_info(name, Some(value), free));
        }
        for name in &self.outputs {
            bytes(&mut graph, 12, &value_info(name, None, free));
        }
        number(&mut model, 1, 10);
        bytes(&mut model, 7, &graph);
        bytes(&mut opset, 1, b"");
        number(&mut opset, 2, self.opset);
        bytes(&mut model, 8, &opset);
        model
    }

    /// What its inputs are given.
    pub fn arrays(&self) -> Arrays {
        let inputs = self.inputs.iter();
        inputs.map(|(name, value)| (name.clone(), Arc::new(value.clone()))).collect()
    }

    /// Read and run it within small limits; what is refused is well.
    pub fn attempt(&self) -> modelward_engine::Result<()> {
        let limits = Limits { memory: 1 << 24, flop: 10_000_000, ..Limits::default() };
        let model = Model::from_bytes(Bytes::from(&self.bytes(false)[..]), None, &limits)?;
        let known = modelward_engine::grad::probes(&model.graph, &Meter::new(limits));
        let fed = model.feed(&self.arrays())?;
        let outputs = model.run(&fed, &limits)?;
        let by = By::Names(self.inputs.iter().map(|(name, _)| name.clone()).collect());
        let seeds = Objective::Seeds(self.outputs.clone());
        if known.is_ok() {
            let derivative = model.derivative(&by, &seeds, Some(&fed), false, &limits);
            let Ok(derivative) = derivative else { return Ok(()) };
            let mut fed = fed;
            for (name, id) in &derivative.seeds {
                fed.push((*id, Arc::new(random(outputs[name].dims(), 5))));
            }
            let done = exec::evaluate(&derivative.graph, &fed, &Meter::new(limits));
            // What is refused here is data that the node itself has taken.
            drop(done);
        }
        Ok(())
    }

    /// As `check`; and the same gradients where the first dimension of every input is free.
    pub fn check_free(&self, what: &str) {
        self.check(what);
        let limits = Limits::default();
        let arrays = self.arrays();
        let by = By::Names(self.inputs.iter().map(|(name, _)| name.clone()).collect());
        let gradients = |free: bool| {
            let model = self.model(free);
            let mut fed = model.feed(&arrays).unwrap();
            let outputs = model.run(&fed, &limits).unwrap();
            let floats = self.outputs.iter().filter(|name| outputs[*name].element().is_float());
            let floats = Objective::Seeds(floats.cloned().collect());
            let known = if free { None } else { Some(&fed) };
            let derivative = model.derivative(&by, &floats, known, false, &limits);
            let derivative = derivative.unwrap_or_else(|why| panic!("{what}: {why}"));
            for (name, id) in &derivative.seeds {
                fed.push((*id, Arc::new(random(outputs[name].dims(), 78))));
            }
            let found = exec::evaluate(&derivative.graph, &fed, &Meter::new(limits));
            let found = found.unwrap_or_else(|why| panic!("{what}: {why}"));
            found[found.len() - self.inputs.len()..].to_vec()
        };
        for (fixed, free) in gradients(false).iter().zip(gradients(true)) {
            assert_eq!(fixed.dims(), free.dims(), "{what}");
            for (fixed, free) in fixed.floats().unwrap().iter().zip(free.floats().unwrap()) {
                assert!((fixed - free).abs() < 1e-12, "{what}: {fixed} and {free}");
            }
        }
    }

    /// Hold the gradients by all inputs, of all float outputs, to central differences.
    pub fn check(&self, what: &str) {
        let limits = Limits::default();
        let model = self.model(false);
        let arrays = self.arrays();
        let fed = model.feed(&arrays).unwrap();
        let outputs = model.run(&fed, &limits).unwrap_or_else(|why| panic!("{what}: {why}"));
        let floats = self.outputs.iter().filter(|name| outputs[*name].element().is_float());
        let floats = floats.cloned().collect::<Vec<_>>();
        let seeds = floats.iter().map(|name| random(outputs[name].dims(), 77));
        let seeds = seeds.collect::<Vec<_>>();
        let total = |arrays: &Arrays| {
            let outputs = model.run(&model.feed(arrays).unwrap(), &limits).unwrap();
            let each = floats.iter().zip(&seeds).map(|(name, seed)| {
                let (y, seed) = (outputs[name].floats().unwrap(), seed.values::<f64>().unwrap());
                y.iter()
                    .zip(seed)
                    .map(|(y, seed)| if y.is_finite() { y * seed } else { 0.0 })
                    .sum::<f64>()
            });
            each.sum::<f64>()
        };
        let by = self.inputs.iter().map(|(name, _)| name.clone()).collect();
        let derivative = model
            .derivative(
                &By::Names(by),
                &Objective::Seeds(floats.clone()),
                Some(&fed),
                false,
                &limits,
            )
            .unwrap_or_else(|why| panic!("{what}: {why}"));
        let mut fed = fed;
        for ((_, id), seed) in derivative.seeds.iter().zip(&seeds) {
            fed.push((*id, Arc::new(seed.clone())));
        }
        let found = exec::evaluate(&derivative.graph, &fed, &Meter::new(limits));
        let found = found.unwrap_or_else(|why| panic!("{what}: {why}"));
        let found = &found[found.len() - self.inputs.len()..];
        for ((name, value), found) in self.inputs.iter().zip(found) {
            let step = 1e-5;
            let found = found.values::<f64>().unwrap();
            let most = found.iter().fold(1e-3_f64, |most, x| most.max(x.abs()));
            for at in 0..value.count() {
                let moved = |by: f64| {
                    let mut values = value.values::<f64>().unwrap().to_vec();
                    values[at] += by;
                    let mut arrays = arrays.clone();
                    let moved = Tensor::new(value.dims(), values).unwrap();
                    arrays.insert(name.clone(), Arc::new(moved));
                    total(&arrays)
                };
                let expected = (moved(step) - moved(-step)) / (2.0 * step);
                assert!(
                    (expected - found[at]).abs() <= 1e-5 * most,
                    "{what}: by `{name}` at {at}: expected {expected}, got {}",
                    found[at]
                );
            }
        }
    }
}

/// Numbers between -1 and 1, the same each time.
pub fn random(dims: &[usize], seed: u64) -> Tensor {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let values = (0..dims.iter().product::<usize>()).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    });
    Tensor::new(dims, values.collect::<Vec<_>>()).unwrap()
}

/// Whole numbers.
pub fn ints(values: &[i64]) -> Tensor {
    Tensor::list(values.to_vec())
}
