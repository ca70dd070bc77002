//! Held against files of the official library, and against the library itself.

use proptest::prelude::*;

use super::*;
use crate::weights::{MOST_MEMORY, Tensor};

/// A file with this header and this many zeros behind it.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.resize(file.len().saturating_add(data), 0);
    file
}

fn weights(file: &[u8]) -> Option<Weights> {
    let bytes = Bytes::from(file);
    let declared = bytes.u64_le(0).ok()?;
    let fits = declared <= bytes.len().saturating_sub(PREFIX);
    read(&bytes, &Arc::default())?.ok()?;
    table(&bytes, declared, fits, &Arc::default()).ok()
}

fn kinds(file: &[u8]) -> Vec<FlawKind> {
    weights(file).expect("safetensors").flaws.iter().map(|flaw| flaw.kind).collect()
}

#[test]
fn what_the_library_writes_has_no_flaw() {
    let files: [(&[u8], usize); 4] = [
        (include_bytes!("../../tests/fixtures/plain.safetensors"), 16),
        (include_bytes!("../../tests/fixtures/empty.safetensors"), 0),
        (include_bytes!("../../tests/fixtures/nameless.safetensors"), 1),
        (include_bytes!("../../tests/fixtures/exotic.safetensors"), 7),
    ];
    for (file, count) in files {
        let weights = weights(file).unwrap();
        assert_eq!(weights.flaws, []);
        assert_eq!((weights.gaps.len(), weights.unowned.len()), (0, 0));
        assert_eq!(weights.tensors.len(), count);
    }
    let plain = weights(files[0].0).unwrap();
    let note = plain.texts.iter().find(|text| &*text.key == "note").unwrap();
    assert_eq!(note.bytes.head(100).unwrap(), "quoted \"\\\nä😀\"".as_bytes());
}

#[test]
fn each_broken_rule_is_a_flaw_of_its_own() {
    use FlawKind::*;
    let entry = |text: &str| format!(r#"{{"a":{{{text}}}}}"#);
    let good = r#""dtype":"F32","shape":[4],"data_offsets":[0,16]"#;
    assert_eq!(kinds(&file(&entry(good), 16)), []);
    let cases = [
        (r#""dtype":"F33","shape":[4],"data_offsets":[0,16]"#, vec![UnknownElement]),
        (r#""dtype":"F32","shape":[5],"data_offsets":[0,16]"#, vec![SizeMismatch]),
        (r#""dtype":"F4","shape":[3],"data_offsets":[0,16]"#, vec![SizeMismatch]),
        (
            r#""dtype":"F32","shape":[4611686018427387904,4,4],"data_offsets":[0,16]"#,
            vec![SizeMismatch],
        ),
        (r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#, vec![Unowned]),
        (r#""dtype":"F32","shape":[2],"data_offsets":[8,16]"#, vec![Unowned]),
        (r#""dtype":"F32","shape":[5],"data_offsets":[0,20]"#, vec![OutOfBounds, Unowned]),
        (r#""dtype":"F32","shape":[0],"data_offsets":[16,8]"#, vec![OutOfBounds, Unowned]),
        (r#""dtype":"F32","shape":[4],"shape":[4],"data_offsets":[0,16]"#, vec![DuplicateName]),
        (r#""dtype":"F32","shape":[4.0],"data_offsets":[0,16]"#, vec![HeaderSyntax; 2]),
        (r#""dtype":"F32","shape":[4],"data_offsets":[0,16],"x":1"#, vec![HeaderSyntax]),
        (r#""dtype":"F32","shape":[04],"data_offsets":[0,16]"#, vec![HeaderSyntax]),
        (r#""dtype":"F\ud83232","shape":[4],"data_offsets":[0,16]"#, vec![HeaderSyntax]),
    ];
    for (text, expected) in cases {
        let mut found = kinds(&file(&entry(text), 16));
        found.retain(|kind| expected.contains(kind) || *kind != Unowned);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn names_and_ranges_belong_to_one_tensor() {
    let two = |name: &str, start: u32| {
        let end = start.saturating_add(16);
        let header = format!(
            r#"{{"a":{{"dtype":"F32","shape":[4],"data_offsets":[0,16]}},"{name}":{{"dtype":"F32","shape":[4],"data_offsets":[{start},{end}]}}}}"#
        );
        file(&header, 32)
    };
    assert_eq!(kinds(&two("b", 16)), []);
    assert_eq!(kinds(&two("a", 16)), [FlawKind::DuplicateName]);
    assert_eq!(kinds(&two("\\u0061", 16)), [FlawKind::DuplicateName]);
    assert_eq!(kinds(&two("b", 8)), [FlawKind::Overlap, FlawKind::Unowned]);
    let texts = file(r#"{"__metadata__":{"a":"1","a":"2"},"__metadata__":{}}"#, 0);
    assert_eq!(kinds(&texts), [FlawKind::DuplicateName; 2]);
}

#[test]
fn a_length_that_lies_does_not_hide_the_format() {
    let good = file(r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, 16);
    for length in [u64::MAX, 1 << 63, good.len() as u64] {
        let mut lying = good.clone();
        lying[..8].copy_from_slice(&length.to_le_bytes());
        let weights = weights(&lying).unwrap();
        assert_eq!(weights.flaws[0].kind, FlawKind::HeaderSize);
        assert_eq!((weights.tensors.len(), weights.unowned.len()), (1, 1));
    }
    let mut cut = good.clone();
    cut[..8].copy_from_slice(&10_u64.to_le_bytes());
    assert_eq!(kinds(&cut), [FlawKind::HeaderSyntax]);
    let mut spaced = file(r#" {"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}} "#, 0);
    assert_eq!(kinds(&spaced), [FlawKind::HeaderSyntax], "white space in front");
    *spaced.last_mut().unwrap() = b'\n';
    assert_eq!(kinds(&spaced), [FlawKind::HeaderSyntax; 2], "a line feed behind");
}

#[test]
fn what_only_looks_alike_is_not_claimed() {
    for other in
        [&b""[..], b"PK\x03\x04", b"{\"a\": 1}", b"\0\0\0\0\0\0\0\0{", b"\x10\0\0\0\0\0\0\0abc"]
    {
        assert!(read(&other.into(), &Arc::default()).is_none(), "{other:?}");
    }
}

#[test]
fn a_deep_header_is_left_and_a_large_one_is_bounded() {
    let deep = file(&format!(r#"{{"a":{}"#, "[".repeat(40_000)), 0);
    assert_eq!(kinds(&deep), [FlawKind::HeaderSyntax; 2]);
    let one = r#"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},""#;
    let entries = usize::try_from(MOST_MEMORY).unwrap().div_euclid(100);
    let large = weights(&file(&format!("{{\"{}", one.repeat(entries)), 0)).unwrap();
    assert_eq!(large.gaps[0].gap, Gap::LargeMemory);
    assert!(large.tensors.len() as u64 * size_of::<Tensor>() as u64 <= MOST_MEMORY);
    assert_eq!(large.flaws.len(), 1000, "the flaws kept are bounded too");
}

proptest! {
    /// The law of this reader: a file without a flaw loads, and what the official library
    /// refuses has a flaw or a gap here.
    #[test]
    fn what_the_library_refuses_has_a_flaw(
        at in 0_usize..700,
        bit in 0_u32..8,
        cut in proptest::option::of(0_usize..1400),
    ) {
        let mut file = include_bytes!("../../tests/fixtures/plain.safetensors").to_vec();
        file[at] ^= 1 << bit;
        file.truncate(cut.unwrap_or(usize::MAX));
        let refused = ::safetensors::SafeTensors::deserialize(&file).is_err();
        if let Some(weights) = weights(&file) {
            let flawed = !weights.flaws.is_empty() || !weights.gaps.is_empty();
            prop_assert!(flawed || !refused);
        } else {
            prop_assert!(refused, "a file that loads is not recognised");
        }
    }

    /// Any header at all: no panic, and never quieter than the official library.
    #[test]
    fn any_tokens_are_read_or_refused(
        tokens in proptest::collection::vec(
            proptest::sample::select(vec![
                "{", "}", "[", "]", ",", ":", " ", "\"a\"", "\"dtype\"", "\"shape\"",
                "\"data_offsets\"", "\"F32\"", "\"__metadata__\"", "0", "16", "4", "-1", "null",
                r#""a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#,
                r#""dtype":"F32","shape":[4],"data_offsets":[0,16]"#,
            ]),
            0..12,
        ),
        data in proptest::sample::select(vec![0_usize, 16, 32]),
    ) {
        let file = file(&format!("{{{}}}", tokens.concat()), data);
        let refused = ::safetensors::SafeTensors::deserialize(&file).is_err();
        let weights = weights(&file);
        let flawed = weights.is_none_or(|weights| !weights.flaws.is_empty());
        prop_assert!(flawed || !refused);
    }
}
