//! What is written as plain ONNX gives the same numbers as the operators of this engine's own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use crate::{
    Limits, Meter, Tensor,
    grad::{Builder, Options},
    graph::{Attributes, Domain, Graph, Inference, Name, ValueId, ops},
};

fn floats(dims: &[usize]) -> Tensor {
    let values = (0..dims.iter().product::<usize>()).map(|at| ((at * 37 % 23) as f64 - 11.0) / 7.0);
    Tensor::new(dims, values.collect::<Vec<_>>()).unwrap()
}

fn ints(values: &[i64]) -> Tensor {
    Tensor::list(values.to_vec())
}

/// An own operator on constants, and what it is written as.
fn check(name: &'static str, inputs: &[Option<Tensor>], attributes: Attributes, outputs: usize) {
    if name != "AttentionBias" {
        check_adjoint(name, inputs, attributes.clone());
    }
    let called = Name { domain: Domain::Own, name };
    let meter = Meter::new(Limits::default());
    let mut builder =
        Builder::new(Graph::default(), vec![Inference::default()], &meter, ops::named);
    let ids = inputs.iter().map(|input| input.clone().map(|tensor| builder.constant(tensor)));
    let ids = ids.collect::<Vec<Option<ValueId>>>();
    let own = builder.apply_all(called, ids, attributes, outputs).unwrap();
    let node = builder.graph.nodes.last().unwrap().clone();
    let before = builder.graph.nodes.len();
    let plain = (node.operator.lower.unwrap())(&mut builder, &node).unwrap();
    for node in &builder.graph.nodes[before..] {
        assert_eq!(node.operator.domain, Domain::Onnx, "{name}");
    }
    for (own, plain) in own.into_iter().zip(plain) {
        let (own, plain) = (builder.known(own).unwrap(), builder.known(plain).unwrap());
        assert_eq!(own.dims(), plain.dims(), "{name}");
        for (own, plain) in own.floats().unwrap().iter().zip(plain.floats().unwrap()) {
            assert!(*own == plain || (own - plain).abs() < 1e-12, "{name}: {own} and {plain}");
        }
    }
}

/// Differentiated again, a part of a gradient is the operator that it belongs to: its adjoint.
fn check_adjoint(name: &'static str, inputs: &[Option<Tensor>], attributes: Attributes) {
    let called = Name { domain: Domain::Own, name };
    let meter = Meter::new(Limits::default());
    let mut builder =
        Builder::new(Graph::default(), vec![Inference::default()], &meter, ops::named);
    let ids = inputs.iter().map(|input| input.clone().map(|tensor| builder.constant(tensor)));
    let ids = ids.collect::<Vec<Option<ValueId>>>();
    let flow = ids[0].unwrap();
    let y = builder.apply_all(called, ids, attributes, 1).unwrap()[0];
    let seed = floats(&builder.kind(y).unwrap().dims.clone());
    let seed = builder.constant(seed);
    let back = builder.gradients(&[(y, seed)], &[flow], &mut Options::default()).unwrap();
    let dot = |a: ValueId, b: ValueId| {
        let (a, b) = (builder.known(a).unwrap(), builder.known(b).unwrap());
        assert_eq!(a.dims(), b.dims(), "{name}");
        let (a, b) = (a.floats().unwrap(), b.floats().unwrap());
        a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>()
    };
    let (one, other) = (dot(y, seed), dot(flow, back[0].unwrap()));
    assert!((one - other).abs() < 1e-9, "{name}: {one} and {other}");
}

#[test]
fn transforms_and_columns() {
    let inputs = [Some(floats(&[2, 4, 2])), Some(floats(&[2, 5, 1])), Some(ints(&[7]))];
    check_adjoint("DFTGrad", &inputs, Attributes::new().with("onesided", 1));
    let inputs = [
        Some(floats(&[2, 3, 3, 2])),
        Some(floats(&[2, 9, 1])),
        Some(ints(&[2])),
        None,
        Some(ints(&[4])),
    ];
    check_adjoint("STFTGrad", &inputs, Attributes::new());
    let inputs = [
        Some(floats(&[1, 2, 3, 4])),
        Some(floats(&[1, 8, 6])),
        Some(ints(&[3, 4])),
        Some(ints(&[2, 2])),
    ];
    check_adjoint("Col2ImGrad", &inputs, Attributes::new());
}

#[test]
fn slices_and_pads() {
    for (starts, ends, axes, steps, flow) in [
        ([1, 0], [4, 2], [0, 1], [1, 1], [3, 2, 2]),
        ([-1, 0], [i64::MIN, 9], [0, 1], [-2, 2], [3, 2, 2]),
    ] {
        let inputs = [
            Some(floats(&flow)),
            Some(floats(&[5, 4, 2])),
            Some(ints(&starts)),
            Some(ints(&ends)),
            Some(ints(&axes)),
            Some(ints(&steps)),
        ];
        check("SliceGrad", &inputs, Attributes::new(), 1);
    }
    for mode in ["edge", "reflect", "wrap"] {
        let inputs =
            [Some(floats(&[6, 4])), Some(floats(&[3, 4])), Some(ints(&[1, -1, 2, 1])), None];
        check("PadGrad", &inputs, Attributes::new().with("mode", mode), 1);
    }
}

#[test]
fn gathers() {
    let indices = Tensor::new([2, 3, 1], vec![0_i64, 3, 3, 1, 0, 1]).unwrap();
    for (batch, flow) in [(1_i64, vec![2, 3, 2]), (0, vec![2, 3, 4, 2])] {
        let inputs = [Some(floats(&flow)), Some(indices.clone()), Some(floats(&[4, 4, 2]))];
        let inputs = if batch == 1 {
            let [flow, indices, _] = inputs;
            [flow, indices, Some(floats(&[2, 4, 2]))]
        } else {
            inputs
        };
        check("GatherNDGrad", &inputs, Attributes::new().with("batch_dims", batch), 1);
    }
}

#[test]
fn resizes() {
    for mode in ["nearest", "linear", "cubic"] {
        let scales = Tensor::list(vec![1.0_f32, 1.6, 0.5]);
        let inputs = [Some(floats(&[2, 8, 2])), Some(floats(&[2, 5, 4])), None, Some(scales), None];
        check("ResizeGrad", &inputs, Attributes::new().with("mode", mode), 1);
    }
}

#[test]
fn masks() {
    let (q, k) = (floats(&[2, 1, 3, 2]), floats(&[2, 1, 4, 2]));
    let hidden = Tensor::new([3, 4], (0..12).map(|at| at > 3 && at % 3 != 0).collect::<Vec<_>>());
    for mask in [None, Some(hidden.unwrap()), Some(floats(&[2, 1, 3, 4]))] {
        for causal in [0_i64, 1] {
            let inputs = [Some(q.clone()), Some(k.clone()), Some(k.clone()), mask.clone()];
            let attributes = Attributes::new().with("is_causal", causal);
            check("AttentionBias", &inputs, attributes.with("left_window_size", 2), 2);
        }
    }
}
