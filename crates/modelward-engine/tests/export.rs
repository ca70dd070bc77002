//! Files that are written: gradient graphs as plain ONNX, and models with other weights.

#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, reason = "a test")]

use std::{collections::BTreeMap, sync::Arc};

use modelward_engine::{
    Limits, Meter, Model, Tensor, exec,
    feed::{By, Derivative, LABELS, Objective},
    grad::Loss,
    graph::ValueId,
};
use modelward_formats::{
    Bytes,
    onnx::{self, Data},
};
use proptest::prelude::*;

use self::wire::{File, Free, constant, float, int, ints, node, packed, raw, text};

/// ONNX files, written by hand.
mod wire {
    use modelward_engine::Tensor;

    pub fn varint(out: &mut Vec<u8>, mut value: u64) {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }

    pub fn int(out: &mut Vec<u8>, field: u64, value: i64) {
        varint(out, field << 3);
        varint(out, value as u64);
    }

    pub fn text(out: &mut Vec<u8>, field: u64, value: impl AsRef<[u8]>) {
        varint(out, field << 3 | 2);
        varint(out, value.as_ref().len() as u64);
        out.extend_from_slice(value.as_ref());
    }

    /// A dimension that is free, or fixed.
    #[derive(Clone, Copy)]
    pub enum Free {
        Named(&'static str),
        Fixed(usize),
    }

    /// A model.
    #[derive(Clone, Default)]
    pub struct File {
        pub opset: i64,
        pub ir: i64,
        /// Nodes, inputs, initializers and outputs, each with its tag.
        pub graph: Vec<u8>,
        /// What stands behind the graph.
        pub more: Vec<u8>,
    }

    impl File {
        pub fn new(opset: i64) -> Self {
            Self { opset, ir: 7, ..Self::default() }
        }

        fn with(mut self, field: u64, message: &[u8]) -> Self {
            text(&mut self.graph, field, message);
            self
        }

        pub fn node(self, message: Vec<u8>) -> Self {
            self.with(1, &message)
        }

        pub fn constant(self, message: Vec<u8>) -> Self {
            self.with(5, &message)
        }

        pub fn input(self, name: &str, dims: &[Free]) -> Self {
            self.with(11, &value(name, 1, dims))
        }

        pub fn output(self, name: &str) -> Self {
            let mut message = Vec::new();
            text(&mut message, 1, name);
            self.with(12, &message)
        }

        pub fn bytes(&self) -> Vec<u8> {
            let mut out = Vec::new();
            int(&mut out, 1, self.ir);
            text(&mut out, 2, "by hand");
            let mut graph = Vec::new();
            text(&mut graph, 2, "g");
            graph.extend_from_slice(&self.graph);
            text(&mut out, 7, graph);
            let mut opset = Vec::new();
            int(&mut opset, 2, self.opset);
            text(&mut out, 8, opset);
            out.extend_from_slice(&self.more);
            out
        }
    }

    pub fn value(name: &str, element: i64, dims: &[Free]) -> Vec<u8> {
        let mut shape = Vec::new();
        for dimension in dims {
            let mut one = Vec::new();
            match dimension {
                Free::Fixed(size) => int(&mut one, 1, *size as i64),
                Free::Named(name) => text(&mut one, 2, name),
            }
            text(&mut shape, 1, one);
        }
        let mut tensor = Vec::new();
        int(&mut tensor, 1, element);
        text(&mut tensor, 2, shape);
        let mut kind = Vec::new();
        text(&mut kind, 1, tensor);
        let mut message = Vec::new();
        text(&mut message, 1, name);
        text(&mut message, 2, kind);
        message
    }

    pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], more: &[Vec<u8>]) -> Vec<u8> {
        let mut message = Vec::new();
        inputs.iter().for_each(|name| text(&mut message, 1, name));
        outputs.iter().for_each(|name| text(&mut message, 2, name));
        text(&mut message, 3, format!("node {}", outputs[0]));
        text(&mut message, 4, operator);
        more.iter().for_each(|attribute| text(&mut message, 5, attribute));
        message
    }

    /// An attribute of one whole number.
    pub fn whole(name: &str, value: i64) -> Vec<u8> {
        let mut message = Vec::new();
        text(&mut message, 1, name);
        int(&mut message, 3, value);
        int(&mut message, 20, 2);
        message
    }

    /// An attribute of whole numbers.
    pub fn ints(name: &str, values: &[i64]) -> Vec<u8> {
        let mut message = Vec::new();
        text(&mut message, 1, name);
        values.iter().for_each(|value| int(&mut message, 8, *value));
        int(&mut message, 20, 7);
        message
    }

    /// An attribute that is a graph.
    pub fn graph(name: &str, file: &File) -> Vec<u8> {
        let mut graph = Vec::new();
        text(&mut graph, 2, name);
        graph.extend_from_slice(&file.graph);
        let mut message = Vec::new();
        text(&mut message, 1, name);
        text(&mut message, 6, graph);
        int(&mut message, 20, 5);
        message
    }

    fn head(name: &str, element: i64, dims: &[usize]) -> Vec<u8> {
        let mut message = Vec::new();
        dims.iter().for_each(|&size| int(&mut message, 1, size as i64));
        int(&mut message, 2, element);
        text(&mut message, 8, name);
        message
    }

    pub fn raw(name: &str, tensor: &Tensor) -> Vec<u8> {
        let mut message = head(name, tensor.element().to_onnx(), tensor.dims());
        let bytes: Vec<u8> = match tensor.data() {
            modelward_engine::Data::F32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            modelward_engine::Data::F16(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            modelward_engine::Data::I64(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            _ => unreachable!(),
        };
        text(&mut message, 9, bytes);
        message
    }

    /// As `float_data`, packed.
    pub fn packed(name: &str, tensor: &Tensor) -> Vec<u8> {
        let mut message = head(name, 1, tensor.dims());
        let values = tensor.values::<f32>().unwrap();
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
        text(&mut message, 4, bytes);
        message
    }

    /// As `float_data`, one at a time, with a doc string in between.
    pub fn float(name: &str, tensor: &Tensor) -> Vec<u8> {
        let mut message = head(name, 1, tensor.dims());
        for (at, value) in tensor.values::<f32>().unwrap().iter().enumerate() {
            varint(&mut message, 4 << 3 | 5);
            message.extend_from_slice(&value.to_le_bytes());
            if at == 0 {
                text(&mut message, 12, "a weight");
            }
        }
        message
    }

    /// In another file.
    pub fn external(name: &str, tensor: &Tensor, location: &str) -> Vec<u8> {
        let mut message = head(name, 1, tensor.dims());
        let mut entry = Vec::new();
        text(&mut entry, 1, "location");
        text(&mut entry, 2, location);
        text(&mut message, 13, entry);
        int(&mut message, 14, 1);
        message
    }

    /// Numbers that look random.
    pub fn constant(dims: &[usize], seed: u64) -> Tensor {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(17);
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as f32 / (1_u64 << 30) as f32 - 1.0
        };
        let count = dims.iter().product();
        Tensor::new(dims, (0..count).map(|_| number()).collect::<Vec<_>>()).unwrap()
    }
}

fn read(bytes: Vec<u8>) -> Model {
    Model::from_bytes(Bytes::from(bytes), None, &Limits::default()).unwrap()
}

/// The model that a file of the temporary folder holds, and its bytes.
fn read_back(path: &std::path::Path) -> (Model, Vec<u8>) {
    (Model::read(path, &Limits::default()).unwrap(), std::fs::read(path).unwrap())
}

/// Export the gradient and run it: its outputs by name are what the gradient graph itself gives.
fn same(file: &File, by: &By, of: &Objective, batches: &[usize]) -> onnx::Model {
    let limits = Limits::default();
    let model = read(file.bytes());
    let derivative = model.derivative(by, of, None, false, &limits).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gradient.onnx");
    model.export(&derivative, &path, &limits).unwrap();
    let (plain, bytes) = read_back(&path);
    for &batch in batches {
        compare(&model, &derivative, &plain, batch);
    }
    onnx::read(&Bytes::from(bytes), &onnx::Limits::default()).unwrap()
}

fn compare(model: &Model, derivative: &Derivative, plain: &Model, batch: usize) {
    let meter = Meter::new(Limits::default());
    let graph = &derivative.graph;
    let name = |id: ValueId| graph.value(id).name.to_string();
    let inputs = graph.inputs.iter().enumerate().map(|(at, &id)| {
        let value = graph.value(id);
        let declared = value.declared.as_ref().unwrap();
        let known = derivative.known[0].kind(id).unwrap();
        let free = |axis: usize| {
            let sizes = derivative.known.iter().map(|one| one.kind(id).unwrap().dims[axis]);
            sizes.collect::<std::collections::BTreeSet<_>>().len() > 1
        };
        let sizes = known.dims.iter().enumerate();
        let dims = sizes.map(|(axis, &size)| if free(axis) { batch } else { size });
        let dims = dims.collect::<Vec<_>>();
        if *value.name == *LABELS {
            let mut rows = vec![0.0_f32; dims[0] * dims[1]];
            (0..dims[0]).for_each(|row| rows[row * dims[1] + row % dims[1]] = 1.0);
            return (id, Arc::new(Tensor::new(dims, rows).unwrap()));
        }
        let given = constant(&dims, at as u64 + 3).cast(declared.element).unwrap();
        (id, Arc::new(given))
    });
    let inputs = inputs.collect::<Vec<_>>();
    let wanted = exec::evaluate(graph, &inputs, &meter).unwrap();
    let mut expected = BTreeMap::new();
    for (&id, tensor) in graph.outputs.iter().zip(&wanted) {
        if model.graph.outputs.contains(&id) {
            expected.insert(name(id), tensor.clone());
        }
        for (by, gradient) in &derivative.gradients {
            if *gradient == id {
                expected.insert(format!("grad_{by}"), tensor.clone());
            }
        }
    }
    let arrays = inputs.iter().map(|(id, tensor)| (name(*id), tensor.clone())).collect();
    let fed = plain.feed(&arrays).unwrap();
    let got = plain.run(&fed, &Limits::default()).unwrap();
    assert_eq!(got.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    // A gradient that vanishes is left with the rounding of what cancels out.
    let all = expected.values().flat_map(|tensor| tensor.floats().unwrap());
    let most = all.fold(1.0_f64, |most, value| most.max(value.abs()));
    for (name, expected) in expected {
        let got = &got[&name];
        assert_eq!(got.kind(), expected.kind(), "{name}");
        let (got, expected) = (got.floats().unwrap(), expected.floats().unwrap());
        // What overflows is masked otherwise in plain ONNX.
        for (got, expected) in got.iter().zip(&expected).filter(|(_, e)| e.is_finite()) {
            assert!((got - expected).abs() <= 1e-5 * most, "{name}: {got} and {expected}");
        }
    }
}

fn cross_entropy() -> Objective {
    Objective::Loss(Loss::CrossEntropy)
}

fn seed(name: &str) -> Objective {
    Objective::Seeds(vec![name.into()])
}

fn opset(model: &onnx::Model) -> i64 {
    model.opsets.iter().find(|(domain, _)| domain.is_empty()).unwrap().1
}

const BATCH: Free = Free::Named("batch");

fn perceptron(opset: i64) -> File {
    File::new(opset)
        .input("x", &[BATCH, Free::Fixed(5)])
        .constant(raw("w1", &constant(&[5, 7], 1)))
        .constant(packed("b1", &constant(&[7], 2)))
        .constant(float("w2", &constant(&[7, 3], 3)))
        .node(node("MatMul", &["x", "w1"], &["p"], &[]))
        .node(node("Add", &["p", "b1"], &["q"], &[]))
        .node(node("Relu", &["q"], &["r"], &[]))
        .node(node("MatMul", &["r", "w2"], &["logits"], &[]))
        .output("logits")
}

#[test]
fn a_perceptron_by_inputs_and_by_weights() {
    for by in [By::Inputs, By::Weights, By::Names(vec!["q".into(), "x".into()])] {
        let file = same(&perceptron(11), &by, &cross_entropy(), &[1, 4]);
        // Nothing in it needs a newer set than the first that is written.
        assert_eq!(opset(&file), 13);
        let graph = file.graph.unwrap();
        let inputs = graph.inputs.iter().map(|input| &*input.name).collect::<Vec<_>>();
        assert_eq!(inputs, ["x", LABELS]);
        let constants = graph.initializers.iter().map(|tensor| &*tensor.name).collect::<Vec<_>>();
        assert!(["w1", "b1", "w2"].iter().all(|name| constants.contains(name)), "{constants:?}");
        assert!(graph.nodes.iter().any(|node| node.name == "node logits"));
        assert!(graph.nodes.iter().all(|node| node.domain.is_empty()));
    }
}

#[test]
fn free_dimensions_keep_their_names() {
    let file = same(&perceptron(17), &By::Inputs, &cross_entropy(), &[2]);
    assert_eq!(opset(&file), 17);
    let graph = file.graph.unwrap();
    for value in graph.inputs.iter().chain(&graph.outputs).filter(|v| v.name != "logits") {
        let onnx::Type::Tensor(kind) = &value.kind else { panic!("{}", value.name) };
        let first = kind.shape.as_ref().and_then(|shape| shape.first());
        let named = first == Some(&onnx::Dimension::Symbol("batch".into()));
        assert!(named, "{}: {first:?}", value.name);
    }
}

#[test]
fn convolutions_and_pools() {
    let window = [ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
    let overlapping = [ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2])];
    for (window, sizes) in [(&window, 3 * 4 * 4), (&overlapping, 3 * 3 * 3)] {
        for pool in ["MaxPool", "AveragePool"] {
            let file = File::new(13)
                .input("x", &[BATCH, Free::Fixed(2), Free::Fixed(8), Free::Fixed(8)])
                .constant(raw("w", &constant(&[3, 2, 3, 3], 1)))
                .constant(raw("d", &constant(&[sizes, 4], 2)))
                .node(node("Conv", &["x", "w"], &["c"], &[ints("pads", &[1, 1, 1, 1])]))
                .node(node("Relu", &["c"], &["r"], &[]))
                .node(node(pool, &["r"], &["p"], window))
                .node(node("Flatten", &["p"], &["f"], &[]))
                .node(node("MatMul", &["f", "d"], &["logits"], &[]))
                .output("logits");
            let written = same(&file, &By::Inputs, &cross_entropy(), &[1, 3]);
            same(&file, &By::Weights, &cross_entropy(), &[3]);
            let graph = written.graph.unwrap();
            let pools = graph.nodes.iter().filter(|node| node.operator == pool).count();
            assert_eq!(pools, 1, "the places come from the model's own pool");
        }
    }
}

#[test]
fn the_operator_set_rises_with_the_forms() {
    let file = File::new(13)
        .input("x", &[BATCH, Free::Fixed(6)])
        .node(node("ReduceMean", &["x"], &["m"], &[ints("axes", &[1])]))
        .node(node("Sub", &["x", "m"], &["y"], &[]))
        .output("y");
    assert_eq!(opset(&same(&file, &By::Inputs, &seed("y"), &[2])), 18);
}

#[test]
fn names_stay_apart() {
    // Values that are called as what is added, and two gradients that are one value.
    let file = File::new(13)
        .input("x", &[BATCH, Free::Fixed(3)])
        .input("z", &[BATCH, Free::Fixed(3)])
        .node(node("Add", &["x", "z"], &["y1h"], &[]))
        .node(node("Identity", &["y1h"], &["grad_x"], &[]))
        .node(node("Relu", &["grad_x"], &["constant"], &[]))
        .node(node("Mul", &["constant", "constant"], &["logits"], &[]))
        .output("logits");
    let graph = same(&file, &By::Inputs, &cross_entropy(), &[4]).graph.unwrap();
    let outputs = graph.outputs.iter().map(|output| &*output.name).collect::<Vec<_>>();
    assert_eq!(outputs, ["logits", "grad_x", "grad_z"]);
    let mut written = graph.nodes.iter().flat_map(|node| &node.outputs).collect::<Vec<_>>();
    let all = written.len();
    written.sort();
    written.dedup();
    assert_eq!(written.len(), all);
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let file = File::new(13)
        .input("x", &[BATCH, Free::Fixed(3)])
        .node(node("Relu", &["x"], &["grad_x"], &[]))
        .output("grad_x");
    let (model, limits) = (read(file.bytes()), Limits::default());
    let derivative = model.derivative(&By::Inputs, &seed("grad_x"), None, false, &limits).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gradient.onnx");
    let trouble = model.export(&derivative, &path, &limits).unwrap_err();
    assert!(trouble.why.contains("`grad_x`"), "{trouble}");
    assert!(!path.exists());
}

#[test]
fn a_value_that_leads_in_and_out() {
    let file = File::new(13)
        .input("x", &[BATCH, Free::Fixed(3)])
        .constant(raw("w", &constant(&[3], 1)))
        .node(node("Mul", &["x", "w"], &["y"], &[]))
        .output("y")
        .output("x")
        .output("w");
    same(&file, &By::Inputs, &seed("y"), &[2]);
    same(&file, &By::Names(vec!["x".into(), "w".into()]), &seed("y"), &[2]);
}

#[test]
fn graphs_inside_nodes() {
    let branch = |operator: &str| {
        File::new(13)
            .constant(raw("two", &Tensor::scalar(2.0_f32)))
            .node(node(operator, &["x", "two"], &["inside"], &[]))
            .output("inside")
    };
    let branches =
        [wire::graph("then_branch", &branch("Mul")), wire::graph("else_branch", &branch("Add"))];
    let file = File::new(13)
        .input("x", &[BATCH, Free::Fixed(3)])
        .constant(raw("zero", &Tensor::scalar(0.0_f32)))
        .node(node("ReduceSum", &["x"], &["s"], &[wire::whole("keepdims", 0)]))
        .node(node("Greater", &["s", "zero"], &["on"], &[]))
        .node(node("If", &["on"], &["chosen"], &branches))
        .node(node("Tanh", &["x"], &["y"], &[]))
        .output("y")
        .output("chosen");
    let graph = same(&file, &By::Inputs, &seed("y"), &[1, 2, 3]).graph.unwrap();
    let inner = graph.nodes.iter().find(|node| node.operator == "If").unwrap();
    assert_eq!(inner.inputs, ["on"]);
}

#[test]
fn the_first_of_equal_largest_elements() {
    let axes: [&[i64]; 5] = [&[1], &[2], &[1, 2], &[2, 3], &[0, 1, 2, 3]];
    for axes in axes {
        let file = File::new(13)
            .input("x", &[BATCH, Free::Fixed(3), Free::Fixed(4), Free::Fixed(2)])
            .node(node("Sign", &["x"], &["s"], &[]))
            .node(node("ReduceMax", &["s"], &["y"], &[ints("axes", axes)]))
            .output("y");
        // Where neither one axis nor the last ones are reduced, equal elements share.
        if axes != [1, 2] {
            same(&file, &By::Names(vec!["s".into()]), &seed("y"), &[1, 2]);
        }
    }
    let file = File::new(13)
        .input("x", &[BATCH, Free::Fixed(3), Free::Fixed(4), Free::Fixed(2)])
        .node(node("Sign", &["x"], &["s"], &[]))
        .node(node("GlobalMaxPool", &["s"], &["y"], &[]))
        .output("y");
    same(&file, &By::Names(vec!["s".into()]), &seed("y"), &[1, 2]);
}

#[test]
fn outputs_of_a_split_that_nobody_reads_are_named() {
    let file = File::new(13)
        .input("x", &[BATCH, Free::Fixed(6)])
        .node(node("Split", &["x"], &["a", "", "c"], &[wire::whole("axis", 1)]))
        .node(node("Mul", &["a", "c"], &["y"], &[]))
        .output("y");
    let graph = same(&file, &By::Inputs, &seed("y"), &[2]).graph.unwrap();
    let split = graph.nodes.iter().find(|node| node.operator == "Split").unwrap();
    assert!(split.outputs.iter().all(|name| !name.is_empty()), "{:?}", split.outputs);
}

#[test]
fn recurrent_layers_step_by_step() {
    let word = |name: &str, value: &str| {
        let mut message = Vec::new();
        text(&mut message, 1, name);
        text(&mut message, 4, value);
        int(&mut message, 20, 3);
        message
    };
    for (operator, gates, outputs) in
        [("LSTM", 4, &["y", "h", "c"][..]), ("GRU", 3, &["y", "h"]), ("RNN", 1, &["y", "h"])]
    {
        for (direction, directions) in [("forward", 1), ("reverse", 1), ("bidirectional", 2)] {
            for (layout, flag) in [(0, 0), (1, 1)] {
                let x = match layout {
                    0 => [Free::Fixed(3), BATCH, Free::Fixed(2)],
                    _ => [BATCH, Free::Fixed(3), Free::Fixed(2)],
                };
                let state = match layout {
                    0 => [Free::Fixed(directions), BATCH, Free::Fixed(4)],
                    _ => [BATCH, Free::Fixed(directions), Free::Fixed(4)],
                };
                let rows = gates * 4;
                let mut attributes = vec![
                    wire::whole("hidden_size", 4),
                    wire::whole("layout", layout),
                    word("direction", direction),
                ];
                let mut inputs = vec!["x", "w", "r"];
                if flag == 1 {
                    inputs.extend(["b", "", "h0"]);
                }
                match operator {
                    "LSTM" if flag == 1 => {
                        inputs.extend(["c0", "p"]);
                        attributes.push(wire::whole("input_forget", 1));
                    }
                    "GRU" => attributes.push(wire::whole("linear_before_reset", flag)),
                    _ => {}
                }
                let file = File::new(14)
                    .input("x", &x)
                    .input("h0", &state)
                    .input("c0", &state)
                    .constant(raw("w", &constant(&[directions, rows, 2], 1)))
                    .constant(raw("r", &constant(&[directions, rows, 4], 2)))
                    .constant(raw("b", &constant(&[directions, 2 * rows], 3)))
                    .constant(raw("p", &constant(&[directions, 12], 4)))
                    .node(node(operator, &inputs, outputs, &attributes))
                    .output("y")
                    .output("h");
                let both = Objective::Seeds(vec!["y".into(), "h".into()]);
                same(&file, &By::Inputs, &both, &[1, 2]);
                same(&file, &By::Weights, &both, &[2]);
                same(&file, &By::Inputs, &seed("h"), &[2]);
            }
        }
    }
}

/// Operators of random graphs; a value has the shape `[batch, 2, 4, 4]`.
const STEPS: u8 = 20;

fn grow(file: File, step: u8, from: &str, other: &str, to: &str, seed: u64) -> File {
    let plain = |operator: &str| node(operator, &[from], &[to], &[]);
    let weight = format!("{to}w");
    let unary = ["Relu", "Sigmoid", "Tanh", "Softplus", "Erf", "Sin", "Elu", "Neg"];
    match step {
        0..=7 => file.node(plain(unary[usize::from(step)])),
        8 => file.node(node("Add", &[from, other], &[to], &[])),
        9 => file.node(node("Mul", &[from, other], &[to], &[])),
        10 => file.node(node("Max", &[from, other], &[to], &[])),
        11 => file.constant(raw(&weight, &constant(&[2, 1, 1], seed))).node(node(
            "Sub",
            &[from, &weight],
            &[to],
            &[],
        )),
        12 => file.constant(raw(&weight, &constant(&[2, 2, 3, 3], seed))).node(node(
            "Conv",
            &[from, &weight],
            &[to],
            &[ints("pads", &[1, 1, 1, 1])],
        )),
        13 => file.constant(raw(&weight, &constant(&[4, 4], seed))).node(node(
            "MatMul",
            &[from, &weight],
            &[to],
            &[],
        )),
        14 | 15 => file.node(node(
            if step == 14 { "MaxPool" } else { "AveragePool" },
            &[from],
            &[to],
            &[ints("kernel_shape", &[3, 3]), ints("pads", &[1, 1, 1, 1])],
        )),
        16 => file.node(node("Transpose", &[from], &[to], &[ints("perm", &[0, 1, 3, 2])])),
        17 => file.node(node("Softmax", &[from], &[to], &[wire::whole("axis", 3)])),
        18 => file
            .node(node("ReduceMean", &[from], &[&weight], &[ints("axes", &[2, 3])]))
            .node(node("Sub", &[from, &weight], &[to], &[])),
        _ => file.constant(raw(&weight, &Tensor::list(vec![1_i64, 0]))).node(node(
            "Gather",
            &[from, &weight],
            &[to],
            &[wire::whole("axis", 1)],
        )),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_graphs(
        steps in prop::collection::vec((0..STEPS, any::<prop::sample::Index>(), any::<u64>()), 1..9),
        weights in any::<bool>(),
        batch in 1_usize..4,
    ) {
        let size = [BATCH, Free::Fixed(2), Free::Fixed(4), Free::Fixed(4)];
        let mut file = File::new(13).input("x", &size);
        let mut values = vec!["x".to_owned()];
        for (at, (step, other, seed)) in steps.iter().enumerate() {
            let to = format!("v{at}");
            let from = values[values.len() - 1].clone();
            let other = values[other.index(values.len())].clone();
            file = grow(file, *step, &from, &other, &to, *seed);
            values.push(to);
        }
        let last = values[values.len() - 1].clone();
        let by = if weights { By::Weights } else { By::Inputs };
        same(&file.output(&last), &by, &seed(&last), &[batch]);
    }
}

/// A file with everything that has to stay as it is.
fn marked() -> File {
    let mut file = perceptron(11);
    // Doc strings of the graph and the model, metadata, and fields that nobody knows.
    text(&mut file.graph, 10, "a graph");
    text(&mut file.graph, 99, "unknown");
    text(&mut file.more, 6, "a model");
    let mut entry = Vec::new();
    text(&mut entry, 1, "key");
    text(&mut entry, 2, "value");
    text(&mut file.more, 14, entry);
    int(&mut file.more, 1000, -1);
    file
}

fn write(model: &Model, weights: &BTreeMap<ValueId, Tensor>) -> (Model, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    model.write(&path, weights).unwrap();
    read_back(&path)
}

#[test]
fn without_new_weights_a_model_is_written_byte_for_byte() {
    let bytes = marked().bytes();
    assert_eq!(write(&read(bytes.clone()), &BTreeMap::new()).1, bytes);
}

#[test]
fn new_weights_change_nothing_else() {
    let bytes = marked().bytes();
    let model = read(bytes.clone());
    for name in ["w1", "b1", "w2"] {
        let id = model.graph.named(name).unwrap();
        let old = model.graph.value(id).constant.clone().unwrap();
        let new = constant(old.dims(), 77);
        let (again, written) = write(&model, &BTreeMap::from([(id, new.clone())]));
        for &weight in &model.weights {
            let expected = match weight == id {
                true => &new,
                false => model.graph.value(weight).constant.as_deref().unwrap(),
            };
            assert_eq!(again.graph.value(weight).constant.as_deref(), Some(expected));
        }
        // All that is not of this tensor is there, in its order.
        let limits = onnx::Limits::default();
        let find = |bytes: &[u8]| {
            let file = onnx::read(&Bytes::from(bytes), &limits).unwrap();
            let tensors = file.graph.unwrap().initializers;
            tensors.into_iter().find(|tensor| tensor.name == name).unwrap()
        };
        let (before, after) = (find(&bytes), find(&written));
        assert!(matches!(after.data, Data::Raw(_)));
        let ends = |bytes: &[u8], span: &onnx::Span| bytes[span.end as usize..].to_vec();
        assert_eq!(ends(&bytes, &before.span), ends(&written, &after.span));
        if name == "w1" {
            assert_eq!(bytes.len(), written.len());
            let (start, old) = (before.span.start as usize, &bytes);
            assert_eq!(old[..start], written[..start]);
        }
        // Writing back what was there gives the same tensor, now raw.
        let back = write(&again, &BTreeMap::from([(id, (*old).clone())])).0;
        assert_eq!(back.graph.value(id).constant.as_deref(), Some(&*old));
    }
}

#[test]
fn several_new_weights_at_once() {
    let model = read(marked().bytes());
    let new = model.weights.iter().map(|&id| {
        let dims = model.graph.value(id).constant.as_ref().unwrap().dims().to_vec();
        (id, constant(&dims, 5))
    });
    let new = new.collect::<BTreeMap<_, _>>();
    let again = write(&model, &new).0;
    for (id, tensor) in &new {
        assert_eq!(again.graph.value(*id).constant.as_deref(), Some(tensor));
    }
}

#[test]
fn floats_of_16_bits_stay_so() {
    let half = constant(&[3], 1).cast(modelward_engine::Element::F16).unwrap();
    let file = File::new(13)
        .input("x", &[BATCH, Free::Fixed(3)])
        .constant(raw("w", &half))
        .node(node("Identity", &["x"], &["y"], &[]))
        .output("y");
    let model = read(file.bytes());
    let new = constant(&[3], 2);
    let again = write(&model, &BTreeMap::from([(model.weights[0], new.clone())])).0;
    let expected = new.cast(modelward_engine::Element::F16).unwrap();
    assert_eq!(again.graph.value(again.weights[0]).constant.as_deref(), Some(&expected));
}

#[test]
fn weights_that_old_files_list_as_inputs() {
    let mut file = perceptron(9).input("w1", &[Free::Fixed(5), Free::Fixed(7)]);
    file.ir = 3;
    let model = read(file.bytes());
    assert_eq!(write(&model, &BTreeMap::new()).1, file.bytes());
    let id = model.weights[0];
    let new = constant(&[5, 7], 9);
    let (again, written) = write(&model, &BTreeMap::from([(id, new.clone())]));
    assert_eq!(written.len(), file.bytes().len());
    assert_eq!(again.graph.value(again.weights[0]).constant.as_deref(), Some(&new));
    // Its gradient lists them as constants alone.
    let graph = same(&file, &By::Weights, &cross_entropy(), &[2]).graph.unwrap();
    assert_eq!(graph.inputs.len(), 2);
}

#[test]
fn external_data_come_into_the_file() {
    let (first, second) = (constant(&[2, 2], 1), constant(&[2, 2], 2));
    let folder = tempfile::tempdir().unwrap();
    for (name, tensor) in [("a.bin", &first), ("b.bin", &second)] {
        let values = tensor.values::<f32>().unwrap();
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let file = File::new(13)
        .input("x", &[BATCH, Free::Fixed(2)])
        .constant(wire::external("a", &first, "a.bin"))
        .constant(wire::external("b", &second, "b.bin"))
        .node(node("MatMul", &["x", "a"], &["p"], &[]))
        .node(node("MatMul", &["p", "b"], &["y"], &[]))
        .output("y");
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, file.bytes()).unwrap();
    let model = Model::read(&path, &Limits::default()).unwrap();
    let new = constant(&[2, 2], 3);
    // The other folder has none of the data.
    let again = write(&model, &BTreeMap::from([(model.weights[0], new.clone())])).0;
    let kept = |at: usize| again.graph.value(again.weights[at]).constant.as_deref();
    assert_eq!((kept(0), kept(1)), (Some(&new), Some(&second)));
    // For another runtime, as bytes.
    let bytes = model.standalone().unwrap();
    assert_eq!(bytes, write(&model, &BTreeMap::new()).1);
    assert!(bytes.windows(5).all(|name| name != b"a.bin"));
    assert_eq!(read(bytes.clone()).standalone().unwrap(), bytes);
}

#[test]
fn what_is_no_weight_or_has_another_shape_is_refused() {
    let model = read(perceptron(13).bytes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let logits = model.graph.named("logits").unwrap();
    for (id, expected) in [(logits, "`logits` is no weight"), (model.weights[0], "f32[5,7]")] {
        let weights = BTreeMap::from([(id, constant(&[2], 1))]);
        let trouble = model.write(&path, &weights).unwrap_err();
        assert!(trouble.why.contains(expected), "{trouble}");
        assert!(!path.exists());
    }
}
