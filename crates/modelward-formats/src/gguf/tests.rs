//! Held against files of the official library, and against the past bugs of loaders.

use proptest::prelude::*;

use super::*;

/// Writes files field by field, so that each field can lie.
#[derive(Clone, Default)]
struct File(Vec<u8>);

impl File {
    fn new(tensors: u64, values: u64) -> Self {
        Self(MAGIC.to_vec()).u32(3).u64(tensors).u64(values)
    }

    fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn u64(mut self, number: u64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    fn text(mut self, text: &str) -> Self {
        self = self.u64(text.len() as u64);
        self.0.extend(text.as_bytes());
        self
    }

    fn tensor(self, name: &str, shape: &[u64], kind: u32, offset: u64) -> Self {
        let file = self.text(name).u32(u32::try_from(shape.len()).unwrap());
        shape.iter().fold(file, |file, &size| file.u64(size)).u32(kind).u64(offset)
    }

    /// Data behind the table, aligned to 32 bytes.
    fn data(mut self, length: usize) -> Self {
        let start = self.0.len().next_multiple_of(32);
        self.0.resize(start.saturating_add(length), 0);
        self
    }

    fn weights(&self) -> Weights {
        weights(&self.0.as_slice().into(), &Arc::default()).unwrap()
    }

    fn kinds(&self) -> Vec<FlawKind> {
        self.weights().flaws.iter().map(|flaw| flaw.kind).collect()
    }
}

#[test]
fn what_the_library_writes_has_no_flaw() {
    let files: [(&[u8], bool, usize); 3] = [
        (include_bytes!("../../tests/fixtures/kinds.gguf"), false, 14),
        (include_bytes!("../../tests/fixtures/big-endian.gguf"), true, 14),
        (include_bytes!("../../tests/fixtures/vocabulary.gguf"), false, 0),
    ];
    for (file, big_endian, count) in files {
        let weights = File(file.to_vec()).weights();
        assert_eq!(weights.flaws, []);
        assert_eq!((weights.gaps.len(), weights.unowned.len()), (0, 0));
        assert_eq!((weights.big_endian, weights.tensors.len()), (big_endian, count));
        let texts = weights.texts.iter().map(|text| &*text.key).collect::<Vec<_>>();
        assert_eq!(texts, ["general.architecture", "a.text", "tokenizer.chat_template"]);
        assert!(weights.texts[2].bytes.has(0, b"{% for"));
    }
}

#[test]
fn version_1_has_short_counts() {
    let mut file = File(MAGIC.to_vec()).u32(1).u32(1).u32(1);
    file = file.u32(1);
    file.0.push(b'k');
    file = file.u32(5).u32(7).u32(1);
    file.0.push(b't');
    let file = file.u32(1).u32(8).u32(0).u64(0).data(32);
    let weights = file.weights();
    assert_eq!((weights.flaws, weights.gaps), (vec![], vec![]));
    assert_eq!(weights.tensors[0].range, 64..96);
}

#[test]
fn a_version_that_is_not_known_is_refused() {
    for version in [0, 4, 0x0400_0000] {
        let file = File(MAGIC.to_vec()).u32(version).u64(0).u64(0);
        let refusal = weights(&file.0.into(), &Arc::default()).unwrap_err();
        assert_eq!(refusal.gap, Gap::Unsupported);
    }
}

#[test]
fn each_broken_rule_is_a_flaw_of_its_own() {
    use FlawKind::*;
    let one = |shape: &[u64], kind: u32, offset: u64, data: usize| {
        File::new(1, 0).tensor("t", shape, kind, offset).data(data).kinds()
    };
    assert_eq!(one(&[8], 0, 0, 32), []);
    assert_eq!(one(&[5, 0], 0, 0, 0), [], "an empty tensor");
    assert_eq!(one(&[8], 0, 8, 40), [Alignment, Unowned]);
    assert_eq!(one(&[8], 0, 32, 64), [Unowned]);
    assert_eq!(one(&[8], 0, 32, 32), [OutOfBounds, Unowned]);
    assert_eq!(one(&[8], 0, 0, 33), [Unowned]);
    assert_eq!(one(&[8], 43, 0, 32), [UnknownElement]);
    assert_eq!(one(&[1, 1, 1, 1, 8], 0, 0, 32), [Shape]);
    assert_eq!(one(&[8], 2, 0, 18), [Shape, Unowned], "rows are whole blocks");
    let two = |name: &str, offset: u64| {
        let file = File::new(2, 0).tensor("t", &[8], 0, 0).tensor(name, &[8], 0, offset);
        file.data(64).kinds()
    };
    assert_eq!(two("u", 32), []);
    assert_eq!(two("t", 32), [DuplicateName]);
    assert_eq!(two("u", 0), [Overlap, Unowned]);
    let backwards = File::new(2, 0).tensor("t", &[8], 0, 32).tensor("u", &[8], 0, 0).data(64);
    assert_eq!(backwards.kinds(), [Alignment]);
}

#[test]
fn alignment_is_a_power_of_two_of_32_bits() {
    let aligned = |kind, alignment| {
        let file = File::new(0, 1).text("general.alignment").u32(kind).u32(alignment);
        (file.kinds(), file.weights().gaps.len())
    };
    assert_eq!(aligned(4, 64), (vec![], 0));
    for wrong in [0, 3, 48] {
        assert_eq!(aligned(4, wrong), (vec![FlawKind::Alignment], 0));
    }
    assert_eq!(aligned(5, 64), (vec![FlawKind::Alignment], 0), "a signed number");
    let twice = File::new(0, 2).text("k").u32(5).u32(1).text("k").u32(5).u32(2);
    assert_eq!(twice.kinds(), [FlawKind::DuplicateName]);
}

#[test]
fn counts_and_lengths_are_held_against_the_file() {
    use FlawKind::CountOverflow;
    for file in [
        File::new(1 << 61, 0),
        File::new(0, 1 << 62),
        File::new(0, 1).u64(u64::MAX),
        File::new(0, 1).text("k").u32(8).u64(1 << 63),
        File::new(0, 1).text("k").u32(9).u32(6).u64(1 << 62).u64(0),
        File::new(0, 1).text("k").u32(9).u32(8).u64(1 << 61).u64(0),
    ] {
        let weights = file.weights();
        assert_eq!(weights.flaws[0].kind, CountOverflow);
        assert!(!weights.gaps.is_empty());
    }
    let mut nested = File::new(0, 1).text("k").u32(9);
    for _ in 0..1000 {
        nested = nested.u32(9).u64(1);
    }
    assert_eq!(nested.weights().gaps[0].gap, Gap::DeepNesting);
}

#[test]
fn cve_2025_53630_the_sum_of_sizes_does_not_wrap() {
    let huge = (1 << 61) - 8;
    let mut file = File::new(9, 0);
    for i in 0..9 {
        file = file.tensor(&format!("t{i}"), &[huge], 24, huge.saturating_mul(i));
    }
    let kinds = file.data(64).kinds();
    assert!(kinds.contains(&FlawKind::OutOfBounds) && kinds.contains(&FlawKind::CountOverflow));
}

#[test]
fn cve_2026_27940_what_is_added_to_the_sum_does_not_wrap() {
    let whole = File::new(2, 0).tensor("a", &[i64::MAX as u64 - 33], 24, 0);
    let file = whole.tensor("b", &[i64::MAX as u64 - 1], 24, (1 << 63) - 32).data(64);
    let kinds = file.kinds();
    assert!(kinds.contains(&FlawKind::OutOfBounds) && kinds.contains(&FlawKind::CountOverflow));
}

#[test]
fn cve_2026_33298_dimensions_do_not_wrap() {
    for shape in [&[1 << 32, 1 << 32][..], &[u64::MAX], &[1 << 63, 2], &[1 << 40, 1 << 20, 8]] {
        let kinds = File::new(1, 0).tensor("t", shape, 0, 0).data(64).kinds();
        assert!(kinds.contains(&FlawKind::Shape), "{shape:?}");
    }
}

#[test]
fn cve_2026_7482_a_tensor_beyond_the_file_is_noticed() {
    let kinds = File::new(1, 0).tensor("t", &[1 << 20], 0, 0).data(64).kinds();
    assert_eq!(kinds, [FlawKind::OutOfBounds, FlawKind::Unowned]);
}

#[test]
fn templates_are_kept_and_tokens_are_not() {
    let long = "{{ x }}".repeat(20);
    let file = File::new(0, 4)
        .text("tokenizer.chat_template.tool_use")
        .u32(8)
        .text("{{ tools }}")
        .text("tokenizer.chat_templates")
        .u32(9)
        .u32(8)
        .u64(1)
        .text("{{ a }}")
        .text("tokens")
        .u32(9)
        .u32(8)
        .u64(2)
        .text("{{")
        .text(&"-".repeat(80))
        .text("other")
        .u32(9)
        .u32(8)
        .u64(1)
        .text(&long);
    let weights = file.weights();
    assert_eq!((weights.flaws, weights.gaps), (vec![], vec![]));
    let kept = weights.texts.iter().map(|text| (&*text.key, text.bytes.len()));
    let expected =
        [("tokenizer.chat_template.tool_use", 11), ("tokenizer.chat_templates", 7), ("other", 140)];
    assert_eq!(kept.collect::<Vec<_>>(), expected);
}

#[test]
fn a_huge_vocabulary_takes_no_memory() {
    let mut file = File::new(0, 1).text("tokens").u32(9).u32(8).u64(300_000);
    for _ in 0..300_000 {
        file = file.text("token");
    }
    let weights = file.weights();
    assert_eq!((weights.flaws.len(), weights.gaps.len(), weights.texts.len()), (0, 0, 0));
}

proptest! {
    /// One changed bit anywhere: no panic, and each tensor that is left without a flaw lies
    /// inside the file.
    #[test]
    fn a_changed_bit_never_leads_beyond_the_file(
        at in 0_usize..2200,
        bit in 0_u32..8,
        cut in proptest::option::of(8_usize..6496),
    ) {
        let mut file = include_bytes!("../../tests/fixtures/kinds.gguf").to_vec();
        file[at] ^= 1 << bit;
        file.truncate(cut.unwrap_or(usize::MAX));
        if let Ok(weights) = weights(&file.as_slice().into(), &Arc::default()) {
            let quiet = weights.flaws.is_empty() && weights.gaps.is_empty();
            let inside = weights.tensors.iter().all(|tensor| tensor.range.end <= file.len() as u64);
            prop_assert!(inside || !quiet);
            prop_assert!(cut.is_none_or(|cut| cut > 6300) || !quiet);
        }
    }
}

#[test]
fn whole_numbers_are_kept_in_either_byte_order() {
    let file = File::new(0, 5)
        .text("a.block_count")
        .u32(4)
        .u32(7)
        .text("negative")
        .u32(5)
        .u32(u32::MAX)
        .text("float")
        .u32(6)
        .u32(1)
        .text("tokens")
        .u32(9)
        .u32(8)
        .u64(2)
        .text("a")
        .text("b")
        .text("cut")
        .u32(10);
    let found = numbers(&file.0.as_slice().into(), &Arc::default());
    let found = found.iter().map(|(key, number)| (&**key, *number)).collect::<Vec<_>>();
    assert_eq!(found, [("a.block_count", 7), ("tokens", 2)]);
    let mut big = MAGIC.to_vec();
    for part in [&[0, 0, 0, 3][..], &[0; 8], &[0, 0, 0, 0, 0, 0, 0, 1], &[0, 0, 0, 0, 0, 0, 0, 1]] {
        big.extend(part);
    }
    big.extend(b"k\0\0\0\x04\0\0\x01\0");
    assert_eq!(numbers(&big.as_slice().into(), &Arc::default()), [("k".into(), 256)]);
    assert!(numbers(&b"GGU".as_slice().into(), &Arc::default()).is_empty());
}
