//! Models for the checks' samples, written field by field so that each field can lie.

/// A field of bytes.
pub(crate) fn bytes(number: u64, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

/// A field of text.
pub(crate) fn text(number: u64, content: &str) -> Vec<u8> {
    bytes(number, content.as_bytes())
}

/// A field of a number.
pub(crate) fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value.cast_unsigned())].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

/// A model from `x` to `y` with these fields of its graph.
pub(crate) fn model(fields: &[Vec<u8>]) -> Vec<u8> {
    with(&graph(fields), &[])
}

/// The graph of a model from `x` to `y` with these fields.
pub(crate) fn graph(fields: &[Vec<u8>]) -> Vec<u8> {
    let names = [input("x"), bytes(12, &text(1, "y"))].concat();
    bytes(7, &[fields.concat(), names].concat())
}

/// A model of this graph, with these fields besides.
pub(crate) fn with(graph: &[u8], fields: &[Vec<u8>]) -> Vec<u8> {
    [number(1, 9), graph.to_vec(), bytes(8, &number(2, 17)), fields.concat()].concat()
}

/// What leads in.
pub(crate) fn input(name: &str) -> Vec<u8> {
    bytes(11, &text(1, name))
}

/// A node of ONNX's own.
pub(crate) fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> Vec<u8> {
    node_with(operator, "", inputs, outputs, &[])
}

/// A node of any domain, with attributes.
pub(crate) fn node_with(
    operator: &str,
    domain: &str,
    inputs: &[&str],
    outputs: &[&str],
    attributes: &[Vec<u8>],
) -> Vec<u8> {
    bytes(1, &body(operator, domain, inputs, outputs, attributes))
}

/// The fields of a node.
pub(crate) fn body(
    operator: &str,
    domain: &str,
    inputs: &[&str],
    outputs: &[&str],
    attributes: &[Vec<u8>],
) -> Vec<u8> {
    let inputs = inputs.iter().map(|name| text(1, name)).collect::<Vec<_>>().concat();
    let outputs = outputs.iter().map(|name| text(2, name)).collect::<Vec<_>>().concat();
    let attributes = attributes.iter().map(|each| bytes(5, each)).collect::<Vec<_>>().concat();
    [inputs, outputs, text(4, operator), attributes, text(7, domain)].concat()
}

/// An attribute with this field, of this type.
pub(crate) fn attribute(name: &str, field: &[u8], kind: i64) -> Vec<u8> {
    [text(1, name), field.to_vec(), number(20, kind)].concat()
}

/// A constant of 32-bit floats with these fields of data.
pub(crate) fn tensor(name: &str, dims: &[i64], data: &[u8]) -> Vec<u8> {
    typed(name, 1, dims, data)
}

/// A constant of this type with these fields of data.
pub(crate) fn typed(name: &str, kind: u64, dims: &[i64], data: &[u8]) -> Vec<u8> {
    let dims = dims.iter().map(|&size| number(1, size)).collect::<Vec<_>>().concat();
    let kind = number(2, i64::try_from(kind).unwrap());
    bytes(5, &[dims, kind, text(8, name), data.to_vec()].concat())
}

/// The raw bytes of a tensor.
pub(crate) fn raw(content: &[u8]) -> Vec<u8> {
    bytes(9, content)
}

/// A constant of 32-bit floats whose data lie elsewhere.
pub(crate) fn external(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(key, value): &(&str, &str)| bytes(13, &[text(1, key), text(2, value)].concat());
    let entries = entries.iter().map(entry).collect::<Vec<_>>().concat();
    tensor(name, dims, &[entries, number(14, 1)].concat())
}

/// A function of one node.
pub(crate) fn function(domain: &str, name: &str, node: &[u8]) -> Vec<u8> {
    let names = [text(1, name), text(4, "a"), text(5, "b")].concat();
    bytes(25, &[names, bytes(7, node), text(10, domain)].concat())
}
