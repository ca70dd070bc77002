#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of the tests' own"
)]

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::Limits;
use crate::tensors::{Elements, View, count};

fn budget() -> Arc<Budget> {
    Budget::new(Limits::default())
}

/// The bytes of a tensor in its order.
fn bytes_of(tensor: &Tensor) -> Result<Vec<u8>, Refusal> {
    let place = tensor.elements.clone()?;
    let Place::Here(elements) = place else { panic!("elsewhere") };
    let mut bytes = Vec::new();
    let mut reader = elements.reader()?;
    while let Some(window) = reader.next_window()? {
        bytes.extend_from_slice(window);
    }
    assert_eq!(bytes.len() as u64, elements.len());
    Ok(bytes)
}

fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", length.as_slice(), header.as_bytes(), data].concat()
}

fn table(bytes: &[u8]) -> Option<Table> {
    read(&Bytes::from(bytes), &budget())
}

#[test]
fn arrays_come_in_one_order_whatever_theirs_is() {
    let plain = npy("<i2", false, "(2, 3)", &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]);
    let turned = npy(">i2", false, "(2, 3)", &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]);
    let columns = npy("<i2", true, "(2, 3)", &[1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6, 0]);
    let both = npy(">i2", true, "(2, 3)", &[0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6]);
    for file in [&plain, &turned, &columns, &both] {
        let table = table(file).unwrap();
        let [tensor] = &*table.tensors else { panic!("{table:?}") };
        assert_eq!((tensor.kind.name, &*tensor.shape), ("i16", &[2_u64, 3][..]));
        assert_eq!(bytes_of(tensor).unwrap(), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]);
    }
}

#[test]
fn what_is_no_plain_number_or_too_short_is_refused() {
    let gap = |file: &[u8]| {
        let table = table(file).unwrap();
        table.tensors[0].elements.as_ref().unwrap_err().gap
    };
    assert_eq!(gap(&npy("|O", false, "(1,)", b"\x80\x04N.")), Gap::Unsupported);
    assert_eq!(gap(&npy("<U3", false, "(1,)", &[0; 12])), Gap::Unsupported);
    assert_eq!(gap(&npy("<f4", false, "(3,)", &[0; 8])), Gap::OversizedLength);
}

#[test]
fn equal_names_are_both_refused() {
    let header = br#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}"#;
    let length = (header.len() as u64).to_le_bytes();
    let table = table(&[length.as_slice(), header, &[1, 2, 3]].concat()).unwrap();
    let refused = table.tensors.iter().map(|tensor| tensor.elements.is_err());
    assert_eq!(refused.collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn ranges_that_do_not_fit_are_refused() {
    for header in [
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}"#,
    ] {
        let length = (header.len() as u64).to_le_bytes();
        let table = table(&[length.as_slice(), header.as_bytes(), &[0; 4]].concat()).unwrap();
        assert!(table.tensors[0].elements.is_err(), "{header}");
    }
}

/// A checkpoint of the old format with one tensor over a storage of four floats.
fn legacy(offset: &[u8], sizes: &[u8], strides: &[u8], more: &[u8]) -> Vec<u8> {
    let named = [b"X\x01\x00\x00\x00w", &*tensor("Float", offset, sizes, strides, more), b"s"];
    checkpoint(&named.concat())
}

/// The call that rebuilds a tensor over four numbers of a class.
fn tensor(class: &str, offset: &[u8], sizes: &[u8], strides: &[u8], more: &[u8]) -> Vec<u8> {
    let storage =
        format!("(X\x07\0\0\0storagectorch\n{class}Storage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04NtQ");
    let call =
        [b"ctorch._utils\n_rebuild_tensor_v2\n(", storage.as_bytes(), offset, sizes, strides];
    [&*call.concat(), b"\x89ccollections\nOrderedDict\n)R", more, b"tR"].concat()
}

/// A checkpoint of the old format: a dict of these entries, and a storage of four floats.
fn checkpoint(entries: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    let version = b"\x80\x02M\xe9\x03.";
    let facts = b"\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.";
    let dict = [b"\x80\x02}", entries, b"."].concat();
    let keys = b"\x80\x02]X\x01\x00\x00\x000a.";
    let data = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    [magic.as_slice(), version, facts, &dict, keys, &4_u64.to_le_bytes(), &data].concat()
}

#[test]
fn a_view_of_a_storage_is_read_in_the_order_of_its_shape() {
    let floats = |file: &[u8]| {
        let table = table(file).unwrap();
        assert_eq!((table.format, table.gaps.len()), ("pytorch-legacy", 0), "{table:?}");
        let bytes = bytes_of(&table.tensors[0]);
        bytes.map(|bytes| {
            bytes.chunks(4).map(|n| f32::from_le_bytes(n.try_into().unwrap())).collect::<Vec<_>>()
        })
    };
    let two = b"K\x02K\x02\x86";
    assert_eq!(
        floats(&legacy(b"K\x00", two, b"K\x02K\x01\x86", b"")).unwrap(),
        [1.0, 2.0, 3.0, 4.0]
    );
    assert_eq!(
        floats(&legacy(b"K\x00", two, b"K\x01K\x02\x86", b"")).unwrap(),
        [1.0, 3.0, 2.0, 4.0]
    );
    assert_eq!(floats(&legacy(b"K\x01", b"K\x02\x85", b"K\x02\x85", b"")).unwrap(), [2.0, 4.0]);
    assert_eq!(floats(&legacy(b"K\x03", b"K\x03\x85", b"K\x00\x85", b"")).unwrap(), [4.0; 3]);
    assert_eq!(floats(&legacy(b"K\x09", b"K\x00\x85", b"K\x01\x85", b"")).unwrap(), [0.0; 0]);
    // Beyond the storage, backwards, of another number of dimensions, or under a flag.
    for file in [
        legacy(b"K\x01", two, b"K\x02K\x01\x86", b""),
        legacy(b"K\x00", two, b"K\x03K\x01\x86", b""),
        legacy(b"K\x03", b"K\x02\x85", b"J\xff\xff\xff\xff\x85", b""),
        legacy(b"K\x00", two, b"K\x01\x85", b""),
        legacy(b"K\x00", b"\x8a\x08\xff\xff\xff\xff\xff\xff\x7f\x00\x85", b"K\x01\x85", b""),
        legacy(b"K\x00", two, b"K\x02K\x01\x86", b"}X\x04\x00\x00\x00conj\x88s"),
    ] {
        assert!(floats(&file).is_err());
    }
}

#[test]
fn what_loading_makes_of_a_tensor_later_is_refused() {
    let plain = tensor("Float", b"K\x00", b"K\x04\x85", b"K\x01\x85", b"");
    let hooks = b"\x88ccollections\nOrderedDict\n)R".as_slice();
    let parameter = |function: &str, state: &[u8], after: &[u8]| {
        let function = format!("X\x01\0\0\0wctorch._utils\n{function}\n(");
        let file = [function.as_bytes(), &plain, hooks, state, b"tR", after, b"s"].concat();
        let table = table(&checkpoint(&file)).unwrap();
        assert_eq!(table.tensors.len(), 1, "{table:?}");
        table.tensors[0].elements.is_ok()
    };
    assert!(parameter("_rebuild_parameter", b"", b""));
    assert!(parameter("_rebuild_parameter_with_state", b"}", b""));
    // A state with other elements under `data`, and what `__setstate__` sets.
    let state = [b"}X\x04\0\0\0data", &*plain, b"s"].concat();
    assert!(!parameter("_rebuild_parameter_with_state", &state, b""));
    assert!(!parameter("_rebuild_parameter", b"", b"(K\x00K\x00K\x00K\x00tb"));
    // Flags: PyTorch takes any truth, in any mapping.
    let flagged = |more: &[u8]| {
        let table = table(&legacy(b"K\x00", b"K\x04\x85", b"K\x01\x85", more)).unwrap();
        table.tensors[0].elements.is_ok()
    };
    assert!(flagged(b"N") && flagged(b"}") && flagged(b"}X\x03\0\0\0neg\x89s"));
    assert!(!flagged(b"}X\x03\0\0\0negK\x01s"));
    assert!(!flagged(b"ccollections\nOrderedDict\n)RX\x03\0\0\0neg\x88s"));
}

#[test]
fn constants_of_onnx_that_are_no_tensors_are_listed() {
    let field =
        |number: u8, content: &[u8]| [&[number << 3 | 2, content.len() as u8], content].concat();
    // `name`, the value, and `type` (field 20).
    let attribute = |name: &str, value: &[u8], kind: u8| {
        let whole = [&*field(1, name.as_bytes()), value, &[0xa0, 0x01, kind]].concat();
        field(5, &whole)
    };
    let node = |output: &str, attribute: &[u8]| {
        let whole = [&*field(2, output.as_bytes()), &field(4, b"Constant"), attribute].concat();
        field(1, &whole)
    };
    let floats = [1.5_f32, -2.0].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    let nodes = [
        node("f", &attribute("value_floats", &field(7, &floats), 6)),
        node("i", &attribute("value_int", &[0x18, 7], 2)),
        node("s", &attribute("value_string", &field(4, b"x"), 3)),
    ];
    let model = [&[0x08, 8][..], &field(7, &nodes.concat()), &field(8, &[0x10, 13])].concat();
    let table = table(&model).unwrap();
    let [f, i, s] = &*table.tensors else { panic!("{table:?}") };
    assert_eq!((&*f.name, f.kind.name, &*f.shape), ("f", "f32", &[2_u64][..]));
    assert_eq!(bytes_of(f).unwrap(), floats);
    assert_eq!((i.kind.name, bytes_of(i).unwrap()), ("i64", 7_i64.to_le_bytes().to_vec()));
    assert!(s.elements.is_err());
}

#[test]
fn a_storage_has_one_type() {
    let of = |class: &str| tensor(class, b"K\x00", b"K\x04\x85", b"K\x01\x85", b"");
    let two = |one: &str, other: &str| {
        let entries = [b"X\x01\0\0\0a", &*of(one), b"sX\x01\0\0\0b", &*of(other), b"s"];
        let table = table(&checkpoint(&entries.concat())).unwrap();
        table.tensors.iter().map(|tensor| tensor.elements.is_ok()).collect::<Vec<_>>()
    };
    assert_eq!(two("Float", "Float"), [true, true]);
    assert_eq!(two("Float", "Int"), [false, false]);
}

proptest! {
    #[test]
    fn a_view_is_what_its_strides_say(
        shape in prop::collection::vec(0_u64..5, 0..4),
        steps in prop::collection::vec(0_u64..7, 4),
        offset in 0_u64..9,
        width in prop::sample::select(vec![1_u64, 2, 4, 8]),
    ) {
        let strides = steps[..shape.len()].to_vec();
        let view = View { offset, shape: shape.clone(), strides: strides.clone(), width };
        let elements = offset + view.extent().unwrap();
        let storage = (0..elements * width).map(|n| (n * 7 % 251) as u8).collect::<Vec<_>>();
        let mut expected = Vec::new();
        let total = count(&shape).unwrap();
        for index in 0..total {
            let (mut left, mut at) = (index, offset);
            for (&size, &stride) in shape.iter().zip(&strides).rev() {
                at += left % size * stride;
                left /= size;
            }
            expected.extend_from_slice(&storage[(at * width) as usize..((at + 1) * width) as usize]);
        }
        let made = Elements::strided(storage.clone().into(), view.clone(), None, &budget()).unwrap();
        let mut found = Vec::new();
        made.each_window(|window| found.extend_from_slice(window)).unwrap();
        prop_assert_eq!(&found, &expected);
        // One byte less, and it reaches beyond.
        if total > 0 {
            let short = storage[..storage.len() - 1].to_vec();
            prop_assert!(Elements::strided(short.into(), view, None, &budget()).is_err());
        }
    }

    #[test]
    fn no_bytes_panic(head in prop::sample::select(vec![
        &b""[..], b"\x93NUMPY\x01\x00", b"GGUF\x03\0\0\0", b"PK\x03\x04", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.",
        b"\x08\x08:",
    ]), rest in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(table) = table(&[head, &rest].concat()) {
            for tensor in &table.tensors {
                if let Ok(Place::Here(elements)) = &tensor.elements {
                    let _ = elements.each_window(|_| {});
                }
            }
        }
    }
}
