//! A classifier for tests, written field by field: the score of a class is the sum over the tokens.

use modelward_engine::{Limits, Model};

/// `ids [n, tokens]` in whole numbers to `scores [n, classes]`, with weights `[tokens][classes]`.
pub(super) fn model(weights: &[Vec<f32>], dims: [Option<u64>; 2], name: &str) -> Model {
    written(weights, dims, name, "scores", &[])
}

/// The same with a sigmoid behind it.
pub(super) fn sigmoid(weights: &[Vec<f32>], dims: [Option<u64>; 2]) -> Model {
    let sigmoid = node("Sigmoid", &["sums"], "scores", &[]);
    written(weights, dims, "input_ids", "sums", &sigmoid)
}

/// The sums under a name, then more nodes up to `scores`.
fn written(
    weights: &[Vec<f32>],
    dims: [Option<u64>; 2],
    name: &str,
    sums: &str,
    more: &[u8],
) -> Model {
    let classes = weights.first().map_or(0, Vec::len) as u64;
    let values = weights.iter().flatten().flat_map(|weight| weight.to_le_bytes());
    let table = [
        number(1, weights.len() as u64),
        number(1, classes),
        number(2, 1),
        bytes(8, b"w"),
        bytes(9, &values.collect::<Vec<_>>()),
    ];
    let size = |size: &Option<u64>| match size {
        Some(size) => bytes(1, &number(1, *size)),
        None => bytes(1, &bytes(2, b"n")),
    };
    let shape = dims.iter().map(size).collect::<Vec<_>>().concat();
    let of = |name: &str, element: u64, shape: &[u8]| {
        let kind = bytes(1, &[number(1, element), bytes(2, shape)].concat());
        [bytes(1, name.as_bytes()), bytes(2, &kind)].concat()
    };
    let axes = [bytes(1, b"axes"), number(8, 1), number(20, 7)].concat();
    let flat = [bytes(1, b"keepdims"), number(3, 0), number(20, 2)].concat();
    let scores = [size(&dims[0]), bytes(1, &number(1, classes))].concat();
    let graph = [
        node("Gather", &["w", name], "each", &[]),
        node("ReduceMean", &["each"], sums, &[axes, flat]),
        more.to_vec(),
        bytes(2, b"tiny"),
        bytes(5, &table.concat()),
        bytes(11, &of(name, 7, &shape)),
        bytes(12, &of("scores", 1, &scores)),
    ];
    let set = [bytes(1, b""), number(2, 13)].concat();
    let file = [number(1, 8), bytes(7, &graph.concat()), bytes(8, &set)].concat();
    Model::from_bytes(file.into(), None, &Limits::default()).unwrap()
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node = Vec::new();
    inputs.iter().for_each(|input| node.extend(bytes(1, input.as_bytes())));
    node.extend([bytes(2, output.as_bytes()), bytes(4, operator.as_bytes())].concat());
    attributes.iter().for_each(|attribute| node.extend(bytes(5, attribute)));
    bytes(1, &node)
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 & 0x7f | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}
