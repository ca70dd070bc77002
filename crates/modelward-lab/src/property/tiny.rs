//! A model for tests, written field by field.

use modelward_engine::{Limits, Model};

/// `y = relu([x_0 - x_1, x_0])`, exported for a batch of 1; behind it a sign where that is asked.
pub(super) fn model() -> Model {
    read(&["Relu"])
}

/// `y = sign(relu([x_0 - x_1, x_0]))`.
pub(super) fn model_of_signs() -> Model {
    read(&["Relu", "Sign"])
}

fn read(operators: &[&str]) -> Model {
    let weights = [1.0_f32, 1.0, -1.0, 0.0].map(f32::to_le_bytes).concat();
    let weights =
        [number(1, 2), number(1, 2), number(2, 1), bytes(8, b"w"), bytes(9, &weights)].concat();
    let dims = [bytes(1, &number(1, 1)), bytes(1, &number(1, 2))].concat();
    let kind = bytes(1, &[number(1, 1), bytes(2, &dims)].concat());
    let value = |name: &str| [bytes(1, name.as_bytes()), bytes(2, &kind)].concat();
    let mut graph = node("MatMul", &["x", "w"], "v0");
    for (at, operator) in operators.iter().enumerate() {
        graph.extend(node(operator, &[&format!("v{at}")], &format!("v{}", at + 1)));
    }
    let last = format!("v{}", operators.len());
    graph.extend([bytes(2, b"tiny"), bytes(5, &weights)].concat());
    graph.extend([bytes(11, &value("x")), bytes(12, &value(&last))].concat());
    let set = [bytes(1, b""), number(2, 13)].concat();
    let file = [number(1, 8), bytes(7, &graph), bytes(8, &set)].concat();
    Model::from_bytes(file.into(), None, &Limits::default()).unwrap()
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let mut node = Vec::new();
    inputs.iter().for_each(|input| node.extend(bytes(1, input.as_bytes())));
    node.extend([bytes(2, output.as_bytes()), bytes(4, operator.as_bytes())].concat());
    bytes(1, &node)
}

fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

fn bytes(field: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | 2];
    // A length of up to 14 bits.
    match u8::try_from(value.len()) {
        Ok(len) if len < 0x80 => out.push(len),
        _ => out.extend([(value.len() & 0x7f) as u8 | 0x80, (value.len() >> 7) as u8]),
    }
    out.extend_from_slice(value);
    out
}
