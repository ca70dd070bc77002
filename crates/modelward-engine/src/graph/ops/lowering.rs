//! What this engine's own operators do is held to what they are written as in plain ONNX.

use std::sync::Arc;

use crate::{
    Element, Limits, Meter, Tensor, Type,
    exec::evaluate,
    grad::Builder,
    graph::{Attributes, Declared, Domain, Graph, Inference, Known, Name, Value, names, ops},
};

/// Run an operator and its plain form on the same numbers.
fn same(called: Name, attributes: Attributes, shapes: &[&[usize]]) {
    let meter = Meter::new(Limits::default());
    let mut graph = Graph::default();
    let mut state = 1_u64;
    let mut number = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as f64 / (1_u64 << 30) as f64 - 1.0
    };
    let mut fed = Vec::new();
    let mut kinds = Vec::new();
    for &dims in shapes {
        let declared = Declared { element: Element::F64, dims: None };
        let id = graph.add_value(Value { declared: Some(declared), ..Value::default() });
        graph.inputs.push(id);
        let values = (0..dims.iter().product()).map(|_| number()).collect::<Vec<_>>();
        fed.push((id, Arc::new(Tensor::new(dims, values).unwrap())));
        kinds.push((id, Type::new(Element::F64, dims)));
    }
    let known = kinds.iter().map(|(id, kind)| (*id, Known { kind, value: None }));
    let probe = Inference::of(&graph, &known.collect::<Vec<_>>(), &meter).unwrap();
    let inputs = graph.inputs.clone();
    let mut builder = Builder::new(graph, vec![probe], &meter, ops::named);
    let what = format!("{} {attributes:?} of {shapes:?}", called.name);
    let own = builder.apply_with(called, &inputs, attributes).unwrap();
    let node = builder.graph.nodes.last().unwrap().clone();
    let plain = (node.operator.lower.unwrap())(&mut builder, &node)
        .unwrap_or_else(|trouble| panic!("{what}: {trouble}"));
    let (mut graph, _) = builder.finish();
    graph.outputs = vec![own, plain[0]];
    let own_node = graph.nodes.iter().position(|node| node.operator.domain == Domain::Own);
    let others = graph.nodes.iter().filter(|node| node.operator.domain == Domain::Own).count();
    assert!(own_node.is_some() && others == 1, "{what}: it is not written as plain ONNX");
    let got = evaluate(&graph, &fed, &meter).unwrap_or_else(|trouble| panic!("{what}: {trouble}"));
    assert_eq!(got[0].kind(), got[1].kind(), "{what}");
    let pairs = got[0].values::<f64>().unwrap().iter().zip(got[1].values::<f64>().unwrap());
    for (own, plain) in pairs {
        assert!((own - plain).abs() < 1e-9 * own.abs().max(1.0), "{what}: {own} and {plain}");
    }
}

fn ints(pairs: &[(&str, &[i64])]) -> Attributes {
    pairs.iter().fold(Attributes::new(), |all, (name, values)| all.with(name, values.to_vec()))
}

#[test]
fn convolutions() {
    for (attributes, x, w) in [
        (ints(&[]), &[2, 3, 9][..], &[4, 3, 3][..]),
        (ints(&[("strides", &[3]), ("pads", &[2, 1])]), &[2, 3, 9], &[4, 3, 4]),
        (ints(&[("strides", &[2, 3])]), &[1, 2, 6, 7], &[3, 2, 3, 2]),
        (ints(&[("strides", &[4, 3])]), &[1, 1, 9, 9], &[1, 1, 1, 1]),
        (ints(&[("pads", &[1, 0, 2, 1])]).with("group", 2), &[2, 4, 6, 5], &[6, 2, 3, 3]),
        (
            ints(&[("strides", &[3, 2]), ("dilations", &[2, 3])]).with("group", 4),
            &[3, 4, 9, 12],
            &[8, 1, 2, 3],
        ),
        (
            ints(&[("strides", &[2, 3])]).with("auto_pad", "SAME_UPPER"),
            &[1, 2, 7, 8],
            &[2, 2, 3, 3],
        ),
        (
            ints(&[("strides", &[1, 2, 3]), ("pads", &[1, 1, 0, 0, 2, 1])]).with("group", 2),
            &[2, 2, 4, 5, 6],
            &[2, 1, 2, 3, 2],
        ),
    ] {
        let geometry = crate::graph::ops::conv::Geometry::of(&attributes, x, w).unwrap();
        let flow = geometry.output_dims();
        same(names::CONV_INPUT_GRAD, attributes.clone(), &[&flow, w, x]);
        same(names::CONV_WEIGHT_GRAD, attributes, &[&flow, x, w]);
    }
}

#[test]
fn pools() {
    for (attributes, x) in [
        (ints(&[("kernel_shape", &[3]), ("strides", &[2])]), &[2, 3, 9][..]),
        (ints(&[("kernel_shape", &[3, 2])]), &[2, 2, 6, 7]),
        (
            ints(&[("kernel_shape", &[3, 2]), ("strides", &[2, 3]), ("pads", &[1, 0, 2, 1])]),
            &[1, 2, 6, 7],
        ),
        (
            ints(&[("kernel_shape", &[2, 3]), ("strides", &[3, 2])]).with("ceil_mode", 1),
            &[1, 2, 7, 8],
        ),
        (
            ints(&[("kernel_shape", &[2, 3]), ("dilations", &[2, 3]), ("pads", &[1, 2, 0, 1])]),
            &[1, 2, 9, 8],
        ),
        (
            ints(&[("kernel_shape", &[3, 3]), ("strides", &[2, 3])]).with("auto_pad", "SAME_LOWER"),
            &[1, 2, 7, 8],
        ),
        (ints(&[("kernel_shape", &[2, 3, 2]), ("strides", &[1, 2, 2])]), &[1, 1, 4, 5, 6]),
    ] {
        let flow = crate::graph::ops::pool::pooled(&attributes, x).unwrap();
        same(names::MAX_POOL_GRAD, attributes.clone(), &[&flow, x]);
        same(names::AVERAGE_POOL_GRAD, attributes.clone(), &[&flow, x]);
        let sum = attributes.clone().with("sum", 1);
        same(names::AVERAGE_POOL_GRAD, sum, &[&flow, x]);
        let padded = attributes.with("count_include_pad", 1);
        same(names::AVERAGE_POOL_GRAD, padded, &[&flow, x]);
    }
}

#[test]
fn normalizations() {
    if ops::find("", "Sqrt").is_none() || ops::find("", "Pow").is_none() {
        return;
    }
    let x = &[2, 4, 3, 5][..];
    for centred in [0, 1] {
        for axis in [-1, 1, 2] {
            let attributes = Attributes::new().with("axis", axis).with("centred", centred);
            same(names::NORMALIZE, attributes.clone(), &[x]);
            same(names::NORMALIZE_GRAD, attributes, &[x, x]);
        }
        let attributes = Attributes::new().with("num_groups", 2).with("centred", centred);
        same(names::NORMALIZE, attributes.clone(), &[x]);
        same(names::NORMALIZE_GRAD, attributes, &[x, x]);
    }
    for size in [1, 2, 3, 5] {
        let attributes = Attributes::new().with("size", size).with("alpha", 0.7_f32);
        same(names::LRN_GRAD, attributes, &[x, x]);
    }
}
