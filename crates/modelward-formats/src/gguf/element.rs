//! The tensor types of ggml (`ggml_type`), with their block sizes.

use crate::weights::{Element, Float};

/// The type of this number.
pub(super) fn numbered(kind: u32) -> Option<&'static Element> {
    ELEMENTS.iter().find(|(number, _)| *number == kind).map(|(_, element)| element)
}

const fn of(number: u32, name: &'static str, block: u64, bytes: u64) -> (u32, Element) {
    (number, Element { name, block, bits: bytes.saturating_mul(8), float: None })
}

const fn float(number: u32, name: &'static str, bytes: u64, float: Float) -> (u32, Element) {
    (number, Element { name, block: 1, bits: bytes.saturating_mul(8), float: Some(float) })
}

/// Number, name, elements and bytes of a block. 4 and 5 were never part of a GGUF file.
static ELEMENTS: [(u32, Element); 41] = [
    float(0, "F32", 4, Float::F32),
    float(1, "F16", 2, Float::F16),
    of(2, "Q4_0", 32, 18),
    of(3, "Q4_1", 32, 20),
    of(6, "Q5_0", 32, 22),
    of(7, "Q5_1", 32, 24),
    of(8, "Q8_0", 32, 34),
    of(9, "Q8_1", 32, 36),
    of(10, "Q2_K", 256, 84),
    of(11, "Q3_K", 256, 110),
    of(12, "Q4_K", 256, 144),
    of(13, "Q5_K", 256, 176),
    of(14, "Q6_K", 256, 210),
    of(15, "Q8_K", 256, 292),
    of(16, "IQ2_XXS", 256, 66),
    of(17, "IQ2_XS", 256, 74),
    of(18, "IQ3_XXS", 256, 98),
    of(19, "IQ1_S", 256, 50),
    of(20, "IQ4_NL", 32, 18),
    of(21, "IQ3_S", 256, 110),
    of(22, "IQ2_S", 256, 82),
    of(23, "IQ4_XS", 256, 136),
    of(24, "I8", 1, 1),
    of(25, "I16", 1, 2),
    of(26, "I32", 1, 4),
    of(27, "I64", 1, 8),
    float(28, "F64", 8, Float::F64),
    of(29, "IQ1_M", 256, 56),
    float(30, "BF16", 2, Float::BF16),
    // Written for a few months of 2024 for processors with wide registers; no longer loaded.
    of(31, "Q4_0_4_4", 32, 18),
    of(32, "Q4_0_4_8", 32, 18),
    of(33, "Q4_0_8_8", 32, 18),
    of(34, "TQ1_0", 256, 54),
    of(35, "TQ2_0", 256, 66),
    of(36, "IQ4_NL_4_4", 32, 18),
    of(37, "IQ4_NL_4_8", 32, 18),
    of(38, "IQ4_NL_8_8", 32, 18),
    of(39, "MXFP4", 32, 17),
    of(40, "NVFP4", 64, 36),
    of(41, "Q1_0", 128, 18),
    of(42, "Q2_0", 64, 18),
];
