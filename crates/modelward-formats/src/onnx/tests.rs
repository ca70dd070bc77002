use super::*;

fn model(bytes: &[u8]) -> Result<Model, Refusal> {
    read(&Bytes::from(bytes), &Limits::default())
}

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
    bytes.extend_from_slice(content);
    bytes
}

#[test]
fn a_model_of_one_node_is_read() {
    let node = [field(1, b"x"), field(2, b"y"), field(4, b"Relu")].concat();
    let tensor = [&[8, 2, 16, 1][..], &field(8, b"w"), &field(9, &[0; 8])].concat();
    let graph = [field(1, &node), field(5, &tensor), field(2, b"g")].concat();
    let bytes = [&[8, 9][..], &field(8, &[16, 17]), &field(7, &graph)].concat();
    let model = model(&bytes).unwrap();
    assert_eq!((model.ir_version, &model.opsets[..]), (9, &[(String::new(), 17)][..]));
    let graph = model.graph.unwrap();
    assert_eq!(graph.nodes[0].operator, "Relu");
    assert_eq!(graph.initializers[0].dims, [2]);
    assert!(matches!(&graph.initializers[0].data, Data::Raw(span) if span.end - span.start == 8));
}

#[test]
fn what_two_readers_would_read_differently_is_refused() {
    let twice = [field(7, &field(2, b"a")), field(7, &field(2, b"b"))].concat();
    let both = field(7, &field(5, &[&field(9, &[0; 4])[..], &field(4, &[0; 4])].concat()));
    let mixed = field(
        7,
        &field(1, &field(5, &[&field(1, b"a")[..], &[0x18, 1], &field(4, b"t")].concat())),
    );
    for bytes in [&twice, &mixed] {
        assert_eq!(model(bytes).unwrap_err().gap, Gap::Malformed);
    }
    // A tensor with data in two places is told from others, for the graph to be refused.
    let graph = model(&both).unwrap().graph.unwrap();
    assert!(matches!(graph.initializers[0].data, Data::Twice));
}

#[test]
fn broken_wire_is_refused_where_it_breaks() {
    for (bytes, at) in [
        (&b""[..], 0),
        (&[0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..], 0),
        (&[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1][..], 1),
        (&[0x0b, 0x0b][..], 0),
        (&[0x0f][..], 0),
        (&[8][..], 1),
        (&[2][..], 1),
    ] {
        assert_eq!(model(bytes).unwrap_err().at, at, "{bytes:?}");
    }
}

#[test]
fn graphs_inside_graphs_have_a_limit() {
    let limits = Limits { depth: 2, ..Limits::default() };
    let mut inner = field(2, b"g");
    for _ in 0..3 {
        inner = field(1, &field(5, &field(6, &inner)));
    }
    let refusal = read(&Bytes::from(field(7, &inner)), &limits).unwrap_err();
    assert_eq!(refusal.gap, Gap::DeepNesting);
}
