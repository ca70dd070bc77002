//! Held against files that numpy wrote.

use proptest::prelude::*;

use super::*;

fn read_arrays(file: &[u8]) -> Arrays {
    arrays(&file.into(), &Arc::default())
}

/// A file of format 1.0 with this header and these data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend([1, 0]);
    file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

fn typed(descr: &str, data: &[u8]) -> Arrays {
    let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2,), }}\n");
    read_arrays(&file(&header, data))
}

macro_rules! fixtures {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_bytes!(concat!("../../tests/fixtures/", $name, ".npy")).as_slice())),*]
    };
}

const FIXTURES: [(&str, &[u8]); 19] = fixtures![
    "f4", "big", "scalar", "empty", "fortran", "complex", "bool", "text", "bytes", "date", "span",
    "void", "bfloat16", "nested", "aligned", "titled", "unicode", "second", "three",
];

#[test]
fn what_numpy_writes_has_no_flaw() {
    for (name, file) in FIXTURES {
        let read = read_arrays(file);
        assert_eq!((read.flaws, read.gaps, read.unowned), (vec![], vec![], None), "{name}");
        assert_eq!(read.arrays.len(), if name == "three" { 3 } else { 1 });
        assert_eq!(read.arrays.last().unwrap().data.end, file.len() as u64);
        assert_eq!(read.arrays[0].fortran_order, name == "fortran");
    }
}

#[test]
fn an_object_at_any_depth_means_a_pickle() {
    for descr in [
        "'|O'",
        "'O'",
        "[('a', '<f4'), ('b', '|O')]",
        "[('a', [('b', '|O8', (2,))], (3, 1))]",
        "('|O', (2,))",
        "[(('title', 'a'), 'O')]",
    ] {
        let read = typed(descr, b"\x80\x02N.");
        assert_eq!((read.flaws, read.gaps), (vec![], vec![]), "{descr}");
        let mut parts = Vec::new();
        let arrays = typed(descr, b"\x80\x02N.");
        arrays.parts(&mut |part| {
            parts.push((part.name, part.bytes.unwrap().head(9).unwrap()));
            ControlFlow::Continue(())
        });
        assert_eq!(parts, [("pickle".to_owned(), b"\x80\x02N.".to_vec())]);
    }
}

#[test]
fn a_type_that_is_not_known_is_refused_and_what_follows_is_read() {
    for descr in ["'object'", "'f4,O'", "'<f3'", "'T'", "{'a': 1}", "'Q'", "'V'", "[]4"] {
        let read = typed(descr, b"\x80\x02N.");
        assert_eq!((read.gaps.len(), read.arrays.len()), (1, 0), "{descr}");
        assert!(read.unowned.unwrap().end > 0);
    }
    for version in [[0, 0], [1, 1], [4, 0]] {
        let mut odd = FIXTURES[0].1.to_vec();
        odd[6..8].copy_from_slice(&version);
        assert_eq!(read_arrays(&odd).gaps[0].gap, Gap::Unsupported);
    }
}

#[test]
fn a_header_is_three_keys_each_once() {
    for header in [
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'descr': '|O'}",
        "('descr', '<f4')",
    ] {
        assert_eq!(read_arrays(&file(header, &[0; 4])).gaps.len(), 1, "{header}");
    }
}

#[test]
fn a_shape_is_held_against_the_file() {
    let shaped = |shape: &str| {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
        let read = read_arrays(&file(&header, &[0; 16]));
        (read.flaws.len(), read.gaps.first().map(|refusal| refusal.gap))
    };
    assert_eq!(shaped("(2,)"), (0, None));
    assert_eq!(shaped("(1099511627776,)"), (1, Some(Gap::OversizedLength)));
    assert_eq!(shaped("(4611686018427387904, 4)"), (1, Some(Gap::OversizedLength)));
    assert_eq!(shaped("(4611686018427387904, 4, 0)"), (1, None), "no data, but some came");
    assert_eq!(shaped("(-1,)"), (2, None));
    assert_eq!(shaped("(1,)"), (1, None));
}

proptest! {
    /// Data that are longer or shorter than declared never go unnoticed.
    #[test]
    fn a_change_of_length_is_noticed(which in 0_usize..19, length in 6_usize..600) {
        let (_, file) = FIXTURES[which];
        let mut changed = file.to_vec();
        changed.resize(length, 0);
        let read = read_arrays(&changed);
        let quiet = read.flaws.is_empty() && read.gaps.is_empty();
        let whole_arrays = length % 136 == 0 && FIXTURES[which].0 == "three";
        prop_assert_eq!(quiet, length == file.len() || whole_arrays && length <= 408);
    }

    /// One changed byte of a header: no panic, and no array beyond the file.
    #[test]
    fn a_changed_byte_never_leads_beyond_the_file(
        which in 0_usize..19,
        at in 0_usize..128,
        byte: u8,
    ) {
        let mut file = FIXTURES[which].1.to_vec();
        file[at] = byte;
        let read = read_arrays(&file);
        prop_assert!(read.arrays.iter().all(|array| array.data.end <= file.len() as u64));
    }
}
