//! Rules of gradients against central differences, in `f64`; and what has to be refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says so where it fails")]

use std::{collections::BTreeMap, sync::Arc};

use modelward_engine::{
    Data, Kind, Limits, Meter, Model, Tensor, Trouble, exec,
    feed::{By, Derivative, Fed, Objective},
};
use modelward_formats::Bytes;

/// An operator, the newest set unless another is said, with its attributes.
#[derive(Clone)]
struct Case {
    operator: &'static str,
    opset: u64,
    attributes: Vec<(&'static str, Value)>,
    inputs: Vec<Input>,
    outputs: usize,
}

#[derive(Clone)]
enum Value {
    Int(i64),
    Float(f32),
    Text(&'static str),
    Ints(Vec<i64>),
}

#[derive(Clone)]
enum Input {
    /// The gradient is taken by it.
    Free(Tensor),
    /// A constant of the file.
    Fixed(Tensor),
    /// Left out.
    Absent,
}

fn case(operator: &'static str) -> Case {
    Case { operator, opset: 28, attributes: Vec::new(), inputs: Vec::new(), outputs: 1 }
}

impl Case {
    fn int(mut self, name: &'static str, value: i64) -> Self {
        self.attributes.push((name, Value::Int(value)));
        self
    }

    fn ints(mut self, name: &'static str, value: &[i64]) -> Self {
        self.attributes.push((name, Value::Ints(value.to_vec())));
        self
    }

    fn float(mut self, name: &'static str, value: f32) -> Self {
        self.attributes.push((name, Value::Float(value)));
        self
    }

    fn text(mut self, name: &'static str, value: &'static str) -> Self {
        self.attributes.push((name, Value::Text(value)));
        self
    }

    fn opset(mut self, opset: u64) -> Self {
        self.opset = opset;
        self
    }

    fn outputs(mut self, outputs: usize) -> Self {
        self.outputs = outputs;
        self
    }

    fn free(mut self, tensor: Tensor) -> Self {
        self.inputs.push(Input::Free(tensor));
        self
    }

    /// Numbers between two others, in no order.
    fn between(self, dims: &[usize], low: f64, high: f64) -> Self {
        let seed = self.inputs.len() as u64 * 31 + dims.len() as u64;
        self.free(numbers(dims, low, high, seed))
    }

    fn fixed(mut self, tensor: Tensor) -> Self {
        self.inputs.push(Input::Fixed(tensor));
        self
    }

    fn absent(mut self) -> Self {
        self.inputs.push(Input::Absent);
        self
    }

    /// The file, with these sizes of the inputs' first axis free.
    fn file(&self, free_batch: bool) -> Vec<u8> {
        let mut node = Vec::new();
        let mut graph = Vec::new();
        for (at, input) in self.inputs.iter().enumerate() {
            let name =
                if matches!(input, Input::Absent) { String::new() } else { format!("x{at}") };
            bytes(&mut node, 1, name.as_bytes());
            match input {
                Input::Free(tensor) => bytes(&mut graph, 11, &declared(&name, tensor, free_batch)),
                Input::Fixed(value) => {
                    let mut tensor = wire(value);
                    bytes(&mut tensor, 8, name.as_bytes());
                    bytes(&mut graph, 5, &tensor);
                }
                Input::Absent => {}
            }
        }
        for at in 0..self.outputs {
            bytes(&mut node, 2, format!("y{at}").as_bytes());
            let mut output = Vec::new();
            bytes(&mut output, 1, format!("y{at}").as_bytes());
            bytes(&mut graph, 12, &output);
        }
        bytes(&mut node, 4, self.operator.as_bytes());
        for (name, value) in &self.attributes {
            let mut attribute = Vec::new();
            bytes(&mut attribute, 1, name.as_bytes());
            match value {
                Value::Int(value) => {
                    number(&mut attribute, 3, *value as u64);
                    number(&mut attribute, 20, 2);
                }
                Value::Float(value) => {
                    varint(&mut attribute, 2 << 3 | 5);
                    attribute.extend(value.to_le_bytes());
                    number(&mut attribute, 20, 1);
                }
                Value::Text(value) => {
                    bytes(&mut attribute, 4, value.as_bytes());
                    number(&mut attribute, 20, 3);
                }
                Value::Ints(values) => {
                    values.iter().for_each(|value| number(&mut attribute, 8, *value as u64));
                    number(&mut attribute, 20, 7);
                }
            }
            bytes(&mut node, 5, &attribute);
        }
        bytes(&mut graph, 1, &node);
        bytes(&mut graph, 2, b"graph");
        let (mut model, mut opset) = (Vec::new(), Vec::new());
        number(&mut model, 1, 10);
        number(&mut opset, 2, self.opset);
        bytes(&mut model, 8, &opset);
        bytes(&mut model, 7, &graph);
        model
    }

    fn arrays(&self) -> BTreeMap<String, Arc<Tensor>> {
        let free = self.inputs.iter().enumerate().filter_map(|(at, input)| match input {
            Input::Free(tensor) => Some((format!("x{at}"), Arc::new(tensor.clone()))),
            _ => None,
        });
        free.collect()
    }

    fn run(&self) -> Result<BTreeMap<String, Arc<Tensor>>, Trouble> {
        let limits = Limits::default();
        let model = Model::from_bytes(Bytes::from(&self.file(false)[..]), None, &limits)?;
        model.run(&model.feed(&self.arrays())?, &limits)
    }

    /// Hold the gradients by every free float input to central differences.
    fn check(&self) {
        self.check_as(false);
    }

    /// The same, also where the size of the first axis is not known when the rule is applied.
    fn check_free(&self) {
        self.check_as(false);
        self.check_as(true);
    }

    fn check_as(&self, free_batch: bool) {
        let limits = Limits::default();
        let file = self.file(free_batch);
        let model = Model::from_bytes(Bytes::from(&file[..]), None, &limits).unwrap();
        let fed = model.feed(&self.arrays()).unwrap();
        let by = self.inputs.iter().enumerate().filter_map(|(at, input)| match input {
            Input::Free(tensor) if tensor.element().is_float() => Some(format!("x{at}")),
            _ => None,
        });
        let by = by.collect::<Vec<_>>();
        let outputs = model.run(&fed, &limits).unwrap();
        let seeds = (0..self.outputs).map(|at| format!("y{at}"));
        let seeds = seeds.filter(|name| outputs[name].element().is_float()).collect::<Vec<_>>();
        let derivative = model
            .derivative(
                &By::Names(by.clone()),
                &Objective::Seeds(seeds),
                (!free_batch).then_some(&fed),
                false,
                &limits,
            )
            .unwrap_or_else(|trouble| panic!("{}: {trouble}", self.operator));
        let (mut fed, weights) = seeded(fed, &derivative, &outputs);
        let meter = Meter::new(limits);
        let values = exec::evaluate(&derivative.graph, &fed, &meter)
            .unwrap_or_else(|trouble| panic!("{}: {trouble}", self.operator));
        let gradients = &values[values.len() - by.len()..];
        for (name, gradient) in by.iter().zip(gradients) {
            let place = fed.iter().position(|(id, _)| &*model.graph.value(*id).name == name);
            let place = place.unwrap();
            let x = fed[place].1.clone();
            assert_eq!(gradient.kind(), x.kind(), "{}: {name}", self.operator);
            let (x, gradient) = (x.values::<f64>().unwrap(), gradient.values::<f64>().unwrap());
            let mut slopes = Vec::new();
            for at in 0..x.len() {
                let step = 1e-6 * x[at].abs().max(1.0);
                let mut moved = |step: f64| {
                    let mut changed = x.to_vec();
                    changed[at] += step;
                    let dims = fed[place].1.dims().to_vec();
                    fed[place].1 = Arc::new(Tensor::new(dims, changed).unwrap());
                    let inputs = &fed[..model.graph.inputs.len()].to_vec();
                    total(&model.run(inputs, &limits).unwrap(), &weights)
                };
                slopes.push((moved(step) - moved(-step)) / (2.0 * step));
            }
            fed[place].1 = Arc::new(Tensor::new(fed[place].1.dims(), x.to_vec()).unwrap());
            let most = slopes.iter().fold(1e-3_f64, |most, slope| most.max(slope.abs()));
            for (at, (slope, gradient)) in slopes.iter().zip(gradient).enumerate() {
                let off = (slope - gradient).abs();
                assert!(
                    off <= 1e-5 * most,
                    "{} by {name} at {at}: expected {slope}, got {gradient}",
                    self.operator
                );
            }
        }
    }
}

type Outputs = BTreeMap<String, Arc<Tensor>>;

/// Weights of the outputs, given as the seeds of the gradient.
fn seeded(mut fed: Fed, derivative: &Derivative, outputs: &Outputs) -> (Fed, Outputs) {
    let mut weights = BTreeMap::new();
    for (at, (name, id)) in derivative.seeds.iter().enumerate() {
        let weight = Arc::new(numbers(outputs[name].dims(), -1.0, 1.0, 40 + at as u64));
        fed.push((*id, weight.clone()));
        weights.insert(name.clone(), weight);
    }
    (fed, weights)
}

fn total(outputs: &Outputs, weights: &Outputs) -> f64 {
    let weighted = |(name, weight): (&String, &Arc<Tensor>)| {
        let (y, weight) = (outputs[name].values::<f64>().unwrap(), weight.values::<f64>().unwrap());
        y.iter().zip(weight).map(|(y, weight)| y * weight).sum::<f64>()
    };
    weights.iter().map(weighted).sum()
}

fn numbers(dims: &[usize], low: f64, high: f64, seed: u64) -> Tensor {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(7);
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let count = dims.iter().product::<usize>();
    let values = (0..count).map(|_| low + (high - low) * next()).collect::<Vec<_>>();
    Tensor::new(dims, values).unwrap()
}

fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn number(to: &mut Vec<u8>, field: u64, value: u64) {
    varint(to, field << 3);
    varint(to, value);
}

fn bytes(to: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(to, field << 3 | 2);
    varint(to, value.len() as u64);
    to.extend(value);
}

fn wire(value: &Tensor) -> Vec<u8> {
    let mut tensor = Vec::new();
    value.dims().iter().for_each(|&size| number(&mut tensor, 1, size as u64));
    number(&mut tensor, 2, value.element().to_onnx() as u64);
    let raw: Vec<u8> = match value.data() {
        Data::F32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Data::F64(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Data::I64(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Data::I32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Data::Bool(v) => v.iter().map(|&v| u8::from(v)).collect(),
        _ => panic!("no such constant in these tests"),
    };
    bytes(&mut tensor, 9, &raw);
    tensor
}

fn declared(name: &str, tensor: &Tensor, free_batch: bool) -> Vec<u8> {
    let (mut info, mut kind, mut inner, mut shape) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (axis, &size) in tensor.dims().iter().enumerate() {
        let mut dimension = Vec::new();
        match free_batch && axis == 0 {
            true => bytes(&mut dimension, 2, b"batch"),
            false => number(&mut dimension, 1, size as u64),
        }
        bytes(&mut shape, 1, &dimension);
    }
    number(&mut inner, 1, tensor.element().to_onnx() as u64);
    bytes(&mut inner, 2, &shape);
    bytes(&mut kind, 1, &inner);
    bytes(&mut info, 1, name.as_bytes());
    bytes(&mut info, 2, &kind);
    info
}

fn doubles(dims: &[usize], values: &[f64]) -> Tensor {
    Tensor::new(dims, values.to_vec()).unwrap()
}

fn wholes(dims: &[usize], values: &[i64]) -> Tensor {
    Tensor::new(dims, values.to_vec()).unwrap()
}

#[test]
fn functions_of_one_number() {
    for operator in [
        "Erf",
        "Sin",
        "Cos",
        "Tan",
        "Atan",
        "Sinh",
        "Cosh",
        "Asinh",
        "Softplus",
        "Softsign",
        "Mish",
        "Elu",
        "Selu",
        "Celu",
        "HardSigmoid",
        "HardSwish",
        "Swish",
        "Gelu",
        "LeakyRelu",
        "Identity",
    ] {
        case(operator).between(&[3, 4], -1.4, 1.4).check_free();
    }
    for operator in ["Sqrt", "Log", "Reciprocal"] {
        case(operator).between(&[7], 0.2, 3.0).check();
    }
    for operator in ["Asin", "Acos", "Atanh"] {
        case(operator).between(&[2, 5], -0.9, 0.9).check();
    }
    case("Acosh").between(&[5], 1.1, 4.0).check();
    for operator in ["Elu", "Celu", "LeakyRelu", "Swish", "ThresholdedRelu"] {
        case(operator).float("alpha", 0.7).between(&[9], -3.0, 3.0).check();
    }
    case("Selu").float("alpha", 1.2).float("gamma", 0.6).between(&[9], -3.0, 3.0).check();
    case("HardSigmoid").float("alpha", 0.3).float("beta", 0.4).between(&[19], -5.0, 5.0).check();
    case("HardSwish").between(&[19], -5.0, 5.0).check();
    case("Gelu").text("approximate", "tanh").between(&[9], -3.0, 3.0).check();
    case("Shrink").float("lambd", 0.6).float("bias", 0.2).between(&[19], -2.0, 2.0).check();
    case("Dropout").between(&[2, 3], -2.0, 2.0).outputs(2).check();
    case("Dropout").opset(7).float("ratio", 0.3).between(&[2, 3], -2.0, 2.0).outputs(2).check();
}

#[test]
fn clip_and_slopes() {
    let bound = |value: f64| doubles(&[], &[value]);
    let x = || case("Clip").between(&[3, 5], -2.0, 2.0);
    x().free(bound(-0.7)).free(bound(0.6)).check_free();
    x().absent().free(bound(0.6)).check();
    x().fixed(bound(-0.4)).check();
    // Bounds that cross.
    x().free(bound(0.6)).free(bound(-0.3)).check();
    x().opset(6).float("min", -0.5).float("max", 0.5).check();
    for slope in [&[4][..], &[1], &[3, 1], &[2, 1, 1], &[2, 3, 4]] {
        case("PRelu").between(&[2, 3, 4], -2.0, 2.0).between(slope, 0.1, 0.5).check();
    }
    case("PRelu").opset(6).between(&[2, 3, 4], -2.0, 2.0).between(&[3], 0.1, 0.5).check();
}

#[test]
fn functions_of_several() {
    let shapes: [(&[usize], &[usize]); 5] =
        [(&[2, 3], &[2, 3]), (&[2, 3], &[3]), (&[3], &[2, 3]), (&[2, 1, 3], &[4, 1]), (&[], &[2])];
    for (one, other) in shapes {
        case("Pow").between(one, 0.3, 2.0).between(other, -2.0, 2.0).check();
        for operator in ["Max", "Min", "Sum", "Mean"] {
            case(operator).between(one, -1.0, 1.0).between(other, -1.0, 1.0).check();
        }
        case("Mod").int("fmod", 1).between(one, -7.0, 7.0).between(other, 1.0, 2.0).check();
        case("Mod").between(one, -7.0, 7.0).between(other, -2.0, -1.0).check();
    }
    for operator in ["Max", "Min", "Sum", "Mean"] {
        case(operator).between(&[2, 3], -1.0, 1.0).check();
        let two = case(operator).between(&[2, 3], -1.0, 1.0).between(&[3], -1.0, 1.0);
        two.between(&[2, 1], -1.0, 1.0).between(&[2, 3], -1.0, 1.0).check();
    }
    for exponent in [0.0, 0.5, 1.0, 2.0, 3.0, -1.5] {
        case("Pow").between(&[2, 3], 0.2, 2.0).fixed(doubles(&[], &[exponent])).check_free();
    }
    case("Pow").between(&[4], -2.0, 2.0).fixed(wholes(&[4], &[0, 1, 2, 3])).check();
    // A base of 0 has a slope where the exponent is not below 1.
    let zero = doubles(&[3], &[0.0; 3]);
    case("Pow").free(zero).fixed(doubles(&[3], &[0.0, 1.0, 2.0])).check();
}

#[test]
fn ties_go_to_the_first() {
    let tie = || doubles(&[2], &[1.0, 1.0]);
    for operator in ["Max", "Min"] {
        let case = case(operator).free(tie()).free(tie()).free(tie());
        let limits = Limits::default();
        let model = Model::from_bytes(Bytes::from(&case.file(false)[..]), None, &limits).unwrap();
        let fed = model.feed(&case.arrays()).unwrap();
        let outputs = model.run(&fed, &limits).unwrap();
        let seeds = Objective::Seeds(vec!["y0".into()]);
        let derivative = model.derivative(&By::Inputs, &seeds, Some(&fed), false, &limits).unwrap();
        let (fed, weights) = seeded(fed, &derivative, &outputs);
        let values = exec::evaluate(&derivative.graph, &fed, &Meter::new(limits)).unwrap();
        let [.., first, second, third] = &values[..] else { panic!("three gradients") };
        assert_eq!(first, &weights["y0"]);
        for other in [second, third] {
            assert_eq!(other.values::<f64>().unwrap(), [0.0, 0.0]);
        }
    }
}

#[test]
fn along_axes() {
    for (axis, reverse, exclusive) in [(0, 0, 0), (1, 1, 0), (-1, 0, 1), (2, 1, 1)] {
        for operator in ["CumSum", "CumProd"] {
            let case = case(operator).int("reverse", reverse).int("exclusive", exclusive);
            case.between(&[2, 3, 4], -2.0, 2.0).fixed(wholes(&[], &[axis])).check_free();
        }
    }
    // Products with zeros among them.
    let zeros = doubles(&[5], &[2.0, 0.0, 3.0, 0.0, 1.5]);
    case("CumProd").free(zeros).fixed(wholes(&[], &[0])).check();
    for p in [1, 2] {
        for axis in [0, 1, -1] {
            let case = case("LpNormalization").int("p", p).int("axis", axis);
            case.between(&[2, 3, 4], -2.0, 2.0).check_free();
        }
    }
    let x = || case("MeanVarianceNormalization").between(&[2, 3, 2, 2], -2.0, 2.0);
    x().check_free();
    x().ints("axes", &[1, -1]).check();
    for (upper, k) in [(1, 0), (0, -1), (1, 2), (0, i64::MAX), (1, i64::MIN)] {
        let case = case("Trilu").int("upper", upper).between(&[2, 3, 4], -1.0, 1.0);
        case.fixed(wholes(&[], &[k])).check_free();
    }
    case("Trilu").between(&[3, 3], -1.0, 1.0).check();
    case("Det").between(&[2, 4, 4], -1.0, 1.0).check_free();
    case("Det").between(&[1, 1], -1.0, 1.0).check();
    // Of rank 2 of 3, and of rank 1.
    let singular = doubles(&[3, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 5.0, 7.0, 9.0]);
    case("Det").free(singular).check();
    let flat = doubles(&[3, 3], &[1.0, 2.0, 3.0, 2.0, 4.0, 6.0, -1.0, -2.0, -3.0]);
    case("Det").free(flat).check();
}

#[test]
fn equations() {
    let equations: [(&str, &[&[usize]]); 16] = [
        ("ij,jk->ik", &[&[2, 3], &[3, 4]]),
        ("ij,jk", &[&[2, 3], &[3, 4]]),
        ("bhid,bhjd->bhij", &[&[2, 2, 3, 4], &[2, 2, 3, 4]]),
        ("ij->ji", &[&[2, 3]]),
        ("ij->i", &[&[2, 3]]),
        ("ij->", &[&[2, 3]]),
        ("ii->i", &[&[3, 3]]),
        ("ii", &[&[3, 3]]),
        ("iji,jk->k", &[&[2, 3, 2], &[3, 2]]),
        ("iii->", &[&[3, 3, 3]]),
        ("i,j->ij", &[&[2], &[3]]),
        ("...ij,...jk->...ik", &[&[2, 2, 3], &[3, 4]]),
        ("...ij,...jk->...ik", &[&[1, 2, 3], &[2, 3, 4]]),
        ("b...,b...->b", &[&[2, 3, 1], &[2, 4]]),
        ("ab,bc,cd->ad", &[&[2, 3], &[3, 2], &[2, 4]]),
        ("ij,kj->i", &[&[2, 3], &[4, 1]]),
    ];
    for (equation, shapes) in equations {
        let case = case("Einsum").text("equation", equation);
        shapes.iter().fold(case, |case, dims| case.between(dims, -1.0, 1.0)).check();
    }
    let case = case("Einsum").text("equation", "bij, bjk -> bik");
    case.between(&[2, 2, 3], -1.0, 1.0).between(&[2, 3, 2], -1.0, 1.0).check_free();
}

#[test]
fn losses() {
    for operator in ["NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"] {
        for reduction in ["none", "sum", "mean"] {
            let rest: [&[usize]; 3] = [&[], &[2], &[2, 3]];
            for rest in rest {
                let dims = [&[3, 4], rest].concat();
                let target = [&[3], rest].concat();
                let count = target.iter().product::<usize>();
                let classes = (0..count).map(|at| at as i64 * 7 % 4).collect::<Vec<_>>();
                let plain = case(operator).text("reduction", reduction).between(&dims, -1.0, 1.0);
                plain.clone().fixed(wholes(&target, &classes)).check();
                let weights = doubles(&[4], &[0.5, 1.5, 2.0, 0.7]);
                let weighted = plain.clone().fixed(wholes(&target, &classes));
                weighted.fixed(weights.clone()).check();
                // One class is left out, which may be none of those that exist.
                for ignored in [1, -1, 99] {
                    let mut classes = classes.clone();
                    classes[0] = ignored;
                    let left_out = plain.clone().int("ignore_index", ignored);
                    let left_out = left_out.fixed(wholes(&target, &classes));
                    left_out.clone().check();
                    left_out.fixed(weights.clone()).check();
                }
            }
        }
    }
    let two = case("SoftmaxCrossEntropyLoss").between(&[3, 4], -1.0, 1.0);
    two.fixed(wholes(&[3], &[0, 3, 1])).outputs(2).check();
    let free = case("SoftmaxCrossEntropyLoss").between(&[3, 4], -1.0, 1.0);
    free.free(wholes(&[3], &[0, 3, 1])).check_free();
    case("SwiGLU").between(&[2, 3], -1.0, 1.0).between(&[2, 3], -1.0, 1.0).check_free();
    let steep = case("SwiGLU").float("alpha", 1.7).between(&[4], -1.0, 1.0);
    steep.between(&[4], -1.0, 1.0).check();
}

#[test]
fn sizes_are_refused_before_anything_is_made() {
    let refused = |case: Case| match case.run() {
        Ok(_) => panic!("{} runs", case.operator),
        Err(trouble) => trouble.kind,
    };
    let range = |a: Tensor, b: Tensor, c: Tensor| case("Range").fixed(a).fixed(b).fixed(c);
    let whole = |value: i64| wholes(&[], &[value]);
    let float = |value: f64| doubles(&[], &[value]);
    assert_eq!(refused(range(whole(0), whole(9), whole(0))), Kind::Graph);
    assert_eq!(refused(range(float(0.0), float(9.0), float(0.0))), Kind::Graph);
    assert_eq!(refused(range(float(0.0), float(f64::NAN), float(1.0))), Kind::Graph);
    assert_eq!(refused(range(whole(0), whole(1 << 62), whole(1))), Kind::Limit);
    assert_eq!(refused(range(whole(i64::MIN), whole(i64::MAX), whole(1))), Kind::Limit);
    assert_eq!(refused(range(float(0.0), float(1.0), float(1e-300))), Kind::Limit);
    let hot = |depth: Tensor| {
        case("OneHot").fixed(wholes(&[2], &[0, 1])).fixed(depth).fixed(doubles(&[2], &[0.0, 1.0]))
    };
    assert_eq!(refused(hot(whole(1_000_000_000_000))), Kind::Limit);
    assert_eq!(refused(hot(whole(i64::MAX))), Kind::Limit);
    assert_eq!(refused(hot(float(f64::INFINITY))), Kind::Limit);
    assert_eq!(refused(hot(float(f64::NAN))), Kind::Graph);
    assert_eq!(refused(hot(whole(-1))), Kind::Graph);
    for window in ["HannWindow", "HammingWindow", "BlackmanWindow"] {
        assert_eq!(refused(case(window).fixed(whole(1 << 62))), Kind::Limit);
        assert_eq!(refused(case(window).fixed(whole(-1))), Kind::Graph);
    }
    let mel = case("MelWeightMatrix").fixed(whole(i64::MAX)).fixed(whole(i64::MAX));
    assert_eq!(refused(mel.fixed(whole(8000)).fixed(float(0.0)).fixed(float(1.0))), Kind::Limit);
    // A letter for each of 26 vectors.
    let letters = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z->";
    let bomb = (0..26).fold(case("Einsum").text("equation", letters), |case, at| {
        case.free(numbers(&[100], 0.0, 1.0, at))
    });
    assert_eq!(refused(bomb), Kind::Limit);
    let slow = case("Einsum").text("equation", "a,b,c,d,e,f,g->");
    let slow = (0..7).fold(slow, |case, at| case.free(numbers(&[100], 0.0, 1.0, at)));
    assert_eq!(refused(slow), Kind::Limit);
}

#[test]
fn what_is_no_number_is_an_error_of_the_node() {
    let whole = |values: &[i64]| wholes(&[values.len()], values);
    for operator in ["Mod", "Div"] {
        let by_zero = case(operator).free(whole(&[1, 2])).free(whole(&[1, 0])).run();
        assert_eq!(by_zero.unwrap_err().kind, Kind::Graph);
    }
    for fmod in [0, 1] {
        let lowest = case("Mod").int("fmod", fmod).free(whole(&[i64::MIN])).free(whole(&[-1]));
        assert_eq!(lowest.run().unwrap()["y0"].values::<i64>().unwrap(), [0]);
    }
    let shifts = || case("BitShift").free(whole(&[-5, -5, 5, 5])).free(whole(&[64, -1, 64, 1]));
    let right = shifts().text("direction", "RIGHT").run().unwrap();
    assert_eq!(right["y0"].values::<i64>().unwrap(), [-1, -1, 0, 2]);
    let left = shifts().text("direction", "LEFT").run().unwrap();
    assert_eq!(left["y0"].values::<i64>().unwrap(), [0, 0, 0, 10]);
    let power = case("Pow").free(whole(&[2, 3, 0, -1, 2])).free(whole(&[-1, i64::MAX, 0, -3, 62]));
    let power = power.run().unwrap();
    let expected = [0, 3_i64.wrapping_pow(u32::MAX), 1, -1, 1 << 62];
    let got = power["y0"].values::<i64>().unwrap();
    assert_eq!((got[0], got[2], got[3], got[4]), (0, 1, -1, 1 << 62), "{expected:?}");
    let loss = |class: i64| {
        let scores = case("NegativeLogLikelihoodLoss").between(&[1, 3], 0.0, 1.0);
        scores.free(whole(&[class])).run()
    };
    assert!(loss(2).is_ok());
    assert_eq!(loss(3).unwrap_err().kind, Kind::Graph);
    assert_eq!(loss(-1).unwrap_err().kind, Kind::Graph);
    for operator in ["ArgMax", "ArgMin"] {
        let empty = case(operator).free(doubles(&[0, 2], &[])).run();
        assert_eq!(empty.unwrap_err().kind, Kind::Graph);
        let nan = case(operator).free(doubles(&[4], &[1.0, f64::NAN, 3.0, f64::NAN]));
        assert_eq!(nan.run().unwrap()["y0"].values::<i64>().unwrap(), [1]);
    }
    for axis in [2, -3, i64::MIN, i64::MAX] {
        let sum = case("CumSum").between(&[2, 2], 0.0, 1.0).free(wholes(&[], &[axis])).run();
        assert_eq!(sum.unwrap_err().kind, Kind::Graph);
    }
    let training = case("Dropout").between(&[2], 0.0, 1.0).absent();
    let training = training.fixed(Tensor::scalar(true)).run();
    assert_eq!(training.unwrap_err().kind, Kind::Unsupported);
    for equation in ["", "ij,jk", "i->k", "ij->ii", "i1->i", "ij->i->j", "....i", "ijk", "i"] {
        let wrong = case("Einsum").text("equation", equation).between(&[2, 2], 0.0, 1.0).run();
        assert_eq!(wrong.unwrap_err().kind, Kind::Graph, "{equation}");
    }
}

#[test]
fn erf_is_right_to_the_last_digits() {
    // From tables of 20 digits.
    let table = [
        (0.5, 0.520_499_877_813_046_5),
        (1.0, 0.842_700_792_949_714_9),
        (2.5, 0.999_593_047_982_555),
    ];
    for (x, expected) in table {
        let got = case("Erf").free(doubles(&[], &[x])).run().unwrap();
        let off = got["y0"].values::<f64>().unwrap()[0] - expected;
        assert!(off.abs() < 3e-16, "{x}: off by {off:e}");
    }
}

/// Whatever a file writes, a node answers or says why not. Overflow is checked where tests run.
#[test]
fn nothing_panics() {
    const OPERATORS: &[&str] = &[
        "Sqrt",
        "Reciprocal",
        "Log",
        "Erf",
        "Sin",
        "Acosh",
        "Floor",
        "Round",
        "Softplus",
        "Elu",
        "Selu",
        "Celu",
        "HardSigmoid",
        "HardSwish",
        "Swish",
        "Gelu",
        "LeakyRelu",
        "PRelu",
        "ThresholdedRelu",
        "Shrink",
        "Clip",
        "IsNaN",
        "IsInf",
        "Not",
        "BitwiseNot",
        "Dropout",
        "Constant",
        "Pow",
        "Mod",
        "Max",
        "Min",
        "Sum",
        "Mean",
        "And",
        "Xor",
        "BitShift",
        "BitwiseAnd",
        "ArgMax",
        "ArgMin",
        "CumSum",
        "CumProd",
        "Hardmax",
        "LpNormalization",
        "MeanVarianceNormalization",
        "Trilu",
        "Einsum",
        "Det",
        "Range",
        "EyeLike",
        "OneHot",
        "BlackmanWindow",
        "HammingWindow",
        "HannWindow",
        "MelWeightMatrix",
        "NegativeLogLikelihoodLoss",
        "SoftmaxCrossEntropyLoss",
        "SwiGLU",
    ];
    const INTS: &[&str] = &[
        "axis",
        "reverse",
        "exclusive",
        "select_last_index",
        "keepdims",
        "p",
        "k",
        "upper",
        "dtype",
        "output_datatype",
        "periodic",
        "ignore_index",
        "fmod",
        "broadcast",
        "is_test",
        "value_int",
    ];
    const FLOATS: &[&str] = &["alpha", "beta", "gamma", "lambd", "bias", "min", "max", "ratio"];
    const TEXTS: &[(&str, &[&str])] = &[
        (
            "equation",
            &["ij,jk->ik", "ii", "...i,...i", "i...->...", "ij->j", "...,...", "iji->j", "", "->"],
        ),
        ("reduction", &["none", "sum", "mean", "x"]),
        ("direction", &["LEFT", "RIGHT"]),
        ("approximate", &["tanh", "none"]),
    ];
    const EXTREMES: &[i64] =
        &[0, 1, -1, 2, 3, -2, 7, 10, 11, 64, -64, 1 << 31, 1 << 62, i64::MIN, i64::MAX];
    let mut state = 42_u64;
    let mut pick = |count: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % count
    };
    let limits = Limits { memory: 1 << 16, flop: 1 << 20, ..Limits::default() };
    let mut ran = 0;
    for round in 0..30_000 {
        let mut case = case(OPERATORS[round % OPERATORS.len()]).opset([6, 10, 12, 13, 28][pick(5)]);
        case.outputs = 1 + pick(8) / 7;
        for _ in 0..pick(3) {
            let int = (INTS[pick(INTS.len())], Value::Int(EXTREMES[pick(EXTREMES.len())]));
            case.attributes.push(int);
        }
        for &(name, values) in TEXTS {
            if name != "equation" && pick(2) == 0 || case.operator == "Einsum" && name == "equation"
            {
                case.attributes.push((name, Value::Text(values[pick(values.len())])));
            }
        }
        if pick(2) == 0 {
            let value = [0.0, -1.0, f32::NAN, f32::INFINITY, 1e30][pick(5)];
            case.attributes.push((FLOATS[pick(FLOATS.len())], Value::Float(value)));
        }
        let same = (0..pick(5)).map(|_| pick(4)).collect::<Vec<_>>();
        let element = pick(4);
        for _ in 0..pick(4) {
            let dims = match pick(3) {
                0 => same.clone(),
                1 => Vec::new(),
                _ => (0..pick(4)).map(|_| pick(4)).collect(),
            };
            let count = dims.iter().product::<usize>();
            let element = if pick(3) == 0 { pick(5) } else { element };
            let mut whole = || EXTREMES[pick(EXTREMES.len())];
            let data: Data = match element {
                0 => (0..count).map(|_| whole() as f64 / 3.0).collect::<Vec<_>>().into(),
                1 => (0..count).map(|_| whole() as f32).collect::<Vec<_>>().into(),
                2 => (0..count).map(|_| whole()).collect::<Vec<_>>().into(),
                3 => (0..count).map(|_| whole() as i32).collect::<Vec<_>>().into(),
                _ => (0..count).map(|_| whole() > 0).collect::<Vec<_>>().into(),
            };
            let tensor = Tensor::new(dims, data).unwrap();
            case.inputs.push(match pick(6) {
                0 => Input::Fixed(tensor),
                1 => Input::Absent,
                _ => Input::Free(tensor),
            });
        }
        if case.operator.ends_with("Loss") {
            // Shapes that fit each other come about too seldom.
            let scores = [&[pick(3), pick(4)][..], &same[..pick(same.len() + 1)]].concat();
            let classes = [&scores[..1], &scores[2..]].concat();
            let count = classes.iter().product::<usize>();
            let classes = wholes(&classes, &(0..count).map(|_| pick(4) as i64).collect::<Vec<_>>());
            case.inputs = vec![Input::Free(numbers(&scores, -1.0, 1.0, 1)), Input::Free(classes)];
            if pick(2) == 0 {
                case.inputs.push(Input::Fixed(numbers(&scores[1..2], 0.0, 1.0, 2)));
            }
        }
        let file = case.file(false);
        let Ok(model) = Model::from_bytes(Bytes::from(&file[..]), None, &limits) else { continue };
        let Ok(fed) = model.feed(&case.arrays()) else { continue };
        if model.run(&fed, &limits).is_err() {
            continue;
        }
        ran += 1;
        let seeds = Objective::Seeds((0..case.outputs).map(|at| format!("y{at}")).collect());
        let Ok(derivative) = model.derivative(&By::Inputs, &seeds, Some(&fed), false, &limits)
        else {
            continue;
        };
        let outputs = model.run(&fed, &limits).unwrap();
        if outputs.values().all(|output| matches!(output.data(), Data::F64(_))) {
            let (fed, _) = seeded(fed, &derivative, &outputs);
            exec::evaluate(&derivative.graph, &fed, &Meter::new(limits))
                .unwrap_or_else(|trouble| panic!("{}: {trouble}", case.operator));
        }
    }
    assert!(ran > 1000, "only {ran} ran");
}

#[test]
fn a_product_of_elements_that_are_0() {
    for zeros in [&[2.0, 0.0, -3.0][..], &[0.0, 0.5, 0.0], &[0.0, 0.0, 0.0], &[0.0, 4.0, 5.0]] {
        let x = doubles(&[2, 3], &[zeros, &[1.5, -2.0, 0.5]].concat());
        for axis in [0, 1] {
            let axes = Tensor::list(vec![axis]);
            case("ReduceProd").free(x.clone()).fixed(axes).check();
        }
        case("ReduceProd").free(x).int("keepdims", 0).check_free();
    }
}
