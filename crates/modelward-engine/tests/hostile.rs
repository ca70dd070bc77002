//! Models that are made to harm whoever reads them are refused for what is wrong with them. Each test
//! is a file that was once answered otherwise.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails so")]

use modelward_engine::{Kind, Limits, Model, Trouble};
use modelward_formats::Bytes;

mod wire;

use wire::{bytes, number, text};

/// A node of a domain, with attributes as they are written.
fn node(domain: &str, operator: &str, inputs: &[&str], output: &str, attributes: &[u8]) -> Vec<u8> {
    let mut node = inputs.iter().flat_map(|input| text(1, input)).collect::<Vec<_>>();
    node.extend(
        [text(2, output), text(4, operator), attributes.to_vec(), text(7, domain)].concat(),
    );
    node
}

fn ints(name: &str, values: &[i64]) -> Vec<u8> {
    let values = values.iter().flat_map(|value| number(8, *value as u64)).collect::<Vec<_>>();
    bytes(5, &[text(1, name), values, number(20, 7)].concat())
}

/// An input `x` or an output `y` of floats.
fn port(field: u64, name: &str, dims: &[u64]) -> Vec<u8> {
    let dims = dims.iter().flat_map(|size| bytes(1, &number(1, *size))).collect::<Vec<_>>();
    let kind = [number(1, 1), bytes(2, &dims)].concat();
    bytes(field, &[text(1, name), bytes(2, &bytes(1, &kind))].concat())
}

/// A model of a graph from `x` to `y`, and what else the file holds.
fn model(dims: &[u64], graph: &[u8], rest: &[u8]) -> Vec<u8> {
    let graph = [graph, &port(11, "x", dims)[..], &port(12, "y", &[])].concat();
    [&number(1, 8)[..], &bytes(7, &graph), rest].concat()
}

fn opset() -> Vec<u8> {
    bytes(8, &number(2, 17))
}

fn read(file: &[u8]) -> Result<Model, Trouble> {
    Model::from_bytes(Bytes::from(file), None, &Limits::default())
}

fn refused(file: &[u8]) -> Trouble {
    read(file).expect_err("it is refused")
}

#[test]
fn no_operator_set() {
    let relu = bytes(1, &node("", "Relu", &["x"], "y", &[]));
    let trouble = refused(&model(&[1, 4], &relu, &[]));
    assert_eq!(trouble.kind, Kind::Graph, "{trouble}");
    assert!(read(&model(&[1, 4], &relu, &opset())).is_ok());
}

#[test]
fn functions_that_double_are_counted_before_they_are_written_out() {
    let function = |at: usize, nodes: &[u8]| {
        let name = format!("F{at}");
        let head = [text(1, &name), text(4, "a"), text(5, "b"), nodes.to_vec()].concat();
        bytes(25, &[head, bytes(9, &number(2, 17)), text(10, "f")].concat())
    };
    let mut rest = [opset(), bytes(8, &[text(1, "f"), number(2, 1)].concat())].concat();
    for at in 0..40 {
        let next = format!("F{}", at + 1);
        let nodes = match at {
            39 => bytes(7, &node("", "Relu", &["a"], "b", &[])),
            _ => [
                bytes(7, &node("f", &next, &["a"], "t", &[])),
                bytes(7, &node("f", &next, &["t"], "b", &[])),
            ]
            .concat(),
        };
        rest.extend(function(at, &nodes));
    }
    let call = bytes(1, &node("f", "F0", &["x"], "y", &[]));
    let trouble = refused(&model(&[1, 4], &call, &rest));
    assert_eq!(trouble.kind, Kind::Limit, "{trouble}");
    assert!(
        trouble.why.contains("1099511627776 nodes") || trouble.why.contains("nodes with those")
    );
    // One that calls itself never ends.
    let own = function(0, &bytes(7, &node("f", "F0", &["a"], "b", &[])));
    let rest = [opset(), bytes(8, &[text(1, "f"), number(2, 1)].concat()), own].concat();
    let trouble = refused(&model(&[1, 4], &call, &rest));
    assert_eq!(trouble.kind, Kind::Graph, "{trouble}");
}

#[test]
fn data_in_two_places() {
    let relu = bytes(1, &node("", "Add", &["x", "w"], "y", &[]));
    let tensor = [
        number(1, 1),
        number(2, 1),
        text(8, "w"),
        bytes(9, &1.0_f32.to_le_bytes()),
        bytes(4, &2.0_f32.to_le_bytes()),
    ];
    let graph = [relu, bytes(5, &tensor.concat())].concat();
    let trouble = refused(&model(&[1, 4], &graph, &opset()));
    assert_eq!(trouble.kind, Kind::Graph, "{trouble}");
}

#[test]
fn external_data_under_a_name_that_is_no_text() {
    let relu = bytes(1, &node("", "Add", &["x", "w"], "y", &[]));
    let entry = [text(1, "location"), bytes(2, b"\xff\xfe")].concat();
    let tensor =
        [number(1, 1), number(2, 1), text(8, "w"), bytes(13, &entry), number(14, 1)].concat();
    let graph = [relu, bytes(5, &tensor)].concat();
    let trouble = refused(&model(&[1, 4], &graph, &opset()));
    assert_eq!(trouble.kind, Kind::Outside, "{trouble}");
}

#[test]
fn an_input_too_large_to_be_given() {
    let relu = bytes(1, &node("", "Relu", &["x"], "y", &[]));
    for (size, fits) in [(1 << 40, false), (1 << 62, false), (4, true)] {
        let model = read(&model(&[1, size], &relu, &opset())).unwrap();
        assert_eq!(model.admit(&Limits::default()).is_ok(), fits, "{size}");
        if let Err(trouble) = model.admit(&Limits::default()) {
            assert_eq!(trouble.kind, Kind::Limit, "{trouble}");
        }
    }
}

#[test]
fn a_window_stretched_past_every_input() {
    let attributes = [ints("kernel_shape", &[3, 3]), ints("dilations", &[1 << 62, 1])].concat();
    let pool = bytes(1, &node("", "MaxPool", &["x"], "y", &attributes));
    let model = read(&model(&[1, 1, 8, 8], &pool, &opset())).unwrap();
    let meter = modelward_engine::Meter::new(Limits::default());
    let trouble = modelward_engine::grad::probes(&model.graph, &meter).unwrap_err();
    assert_eq!(trouble.kind, Kind::Graph, "{trouble}");
}

fn inferred(file: &[u8]) -> Result<(), Trouble> {
    let model = read(file)?;
    let meter = modelward_engine::Meter::new(Limits::default());
    modelward_engine::grad::probes(&model.graph, &meter).map(|_| ())
}

#[test]
fn more_or_fewer_inputs_than_an_operator_reads() {
    let vector = |name: &str, dims: &[u64]| {
        let count = dims.iter().product::<u64>() as usize;
        let tensor = dims.iter().flat_map(|size| number(1, *size)).collect::<Vec<_>>();
        let rest = [number(2, 1), text(8, name), bytes(9, &vec![0; count * 4])].concat();
        bytes(5, &[tensor, rest].concat())
    };
    let cases: [(&str, &[&str]); 8] = [
        ("Relu", &["x", "w"]),
        ("Sigmoid", &["x", "w"]),
        ("Softmax", &["x", "w"]),
        ("Floor", &["x", "w"]),
        ("Add", &["x"]),
        ("Sub", &["x"]),
        ("Less", &["x", "x", "x"]),
        ("Mod", &["x"]),
    ];
    for (operator, inputs) in cases {
        let node = bytes(1, &node("", operator, inputs, "y", &[]));
        let graph = [node, vector("w", &[1, 4, 1, 4])].concat();
        let trouble = inferred(&model(&[1, 4], &graph, &opset())).expect_err(operator);
        assert_eq!(trouble.kind, Kind::Graph, "{operator}: {trouble}");
    }
}

#[test]
fn a_mask_of_many_dimensions() {
    let mask = [1, 1, 1, 1, 1, 1, 4, 4];
    let tensor = mask.iter().flat_map(|size| number(1, *size)).collect::<Vec<_>>();
    let rest = [number(2, 1), text(8, "mask"), bytes(9, &[0; 64])].concat();
    let attention = bytes(1, &node("", "Attention", &["x", "x", "x", "mask"], "y", &[]));
    let graph = [attention, bytes(5, &[tensor, rest].concat())].concat();
    let file = model(&[1, 2, 4, 8], &graph, &bytes(8, &number(2, 23)));
    let trouble = inferred(&file).expect_err("it is refused");
    assert_eq!(trouble.kind, Kind::Graph, "{trouble}");
}

#[test]
fn a_product_of_all_letters_is_over_the_limit_of_operations_before_it_runs() {
    use modelward_engine::{Tensor, exec};
    use std::sync::Arc;

    let equation = [text(1, "equation"), text(4, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p->ab")];
    let equation = bytes(5, &[&equation.concat()[..], &number(20, 3)].concat());
    let einsum = bytes(1, &node("", "Einsum", &["x"; 16], "y", &equation));
    let model = read(&model(&[4], &einsum, &opset())).unwrap();
    let x = Arc::new(Tensor::list(vec![1.0_f32; 4]));
    let fed = vec![(model.graph.inputs[0], x)];
    let limits = Limits { flop: 100_000_000, ..Limits::default() };
    let trouble = exec::run(&model.graph, &fed, exec::How::new(limits)).unwrap_err();
    assert_eq!(trouble.kind, Kind::Limit, "{trouble}");
    assert_eq!(model.run(&fed, &limits).unwrap_err().kind, Kind::Limit);
}

#[test]
fn what_is_constant_is_counted_before_it_is_computed() {
    use modelward_engine::{Tensor, exec};
    use std::sync::Arc;

    let equation = [text(1, "equation"), text(4, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p->ab")];
    let equation = bytes(5, &[&equation.concat()[..], &number(20, 3)].concat());
    let einsum = bytes(1, &node("", "Einsum", &["w"; 16], "z", &equation));
    let sum = bytes(1, &node("", "Add", &["x", "z"], "y", &[]));
    let tensor = [number(1, 4), number(2, 1), text(8, "w"), bytes(9, &[0; 16])].concat();
    let graph = [einsum, sum, bytes(5, &tensor)].concat();
    let model = read(&model(&[4], &graph, &opset())).unwrap();
    let fed = vec![(model.graph.inputs[0], Arc::new(Tensor::list(vec![1.0_f32; 4])))];
    let limits = Limits { flop: 100_000_000, ..Limits::default() };
    let trouble = exec::run(&model.graph, &fed, exec::How::new(limits)).unwrap_err();
    assert_eq!(trouble.kind, Kind::Limit, "{trouble}");
}

#[test]
fn a_bias_of_another_element_type() {
    let tensor = |name: &str, dims: &[u64], kind: u64| {
        let count = dims.iter().product::<u64>() as usize;
        let dims = dims.iter().flat_map(|size| number(1, *size)).collect::<Vec<_>>();
        bytes(5, &[dims, number(2, kind), text(8, name), bytes(9, &vec![0; count * 4])].concat())
    };
    let gemm = bytes(1, &node("", "Gemm", &["x", "w", "b"], "y", &[]));
    for (kind, fits) in [(1, true), (6, false)] {
        let graph = [gemm.clone(), tensor("w", &[4, 3], 1), tensor("b", &[3], kind)].concat();
        let inferred = inferred(&model(&[2, 4], &graph, &opset()));
        assert_eq!(inferred.is_ok(), fits, "{inferred:?}");
    }
}
