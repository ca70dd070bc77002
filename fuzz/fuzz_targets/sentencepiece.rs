#![no_main]

/// A vocabulary of one piece and its settings: any fields may follow.
const VOCABULARY: &[u8] = b"\x0a\x0e\x0a\x05<unk>\x15\0\0\0\0\x18\x02\x12\x04\x0a\x02ab";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    modelward_fuzz::parts(&[VOCABULARY, bytes].concat());
});
