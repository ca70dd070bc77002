//! The element types of safetensors 0.8 (`Dtype`), with their widths in bits.

use crate::weights::{Element, Float};

/// The type of this name, compared whole.
pub(super) fn named(name: &str) -> Option<&'static Element> {
    ELEMENTS.iter().find(|element| element.name == name)
}

const fn plain(name: &'static str, bits: u64) -> Element {
    Element { name, block: 1, bits, float: None }
}

const fn float(name: &'static str, bits: u64, float: Float) -> Element {
    Element { name, block: 1, bits, float: Some(float) }
}

/// Every type, in the order of the format's own list.
static ELEMENTS: [Element; 22] = [
    plain("BOOL", 8),
    plain("F4", 4),
    plain("F6_E2M3", 6),
    plain("F6_E3M2", 6),
    plain("U8", 8),
    plain("I8", 8),
    plain("F8_E5M2", 8),
    plain("F8_E4M3", 8),
    plain("F8_E8M0", 8),
    plain("F8_E4M3FNUZ", 8),
    plain("F8_E5M2FNUZ", 8),
    plain("I16", 16),
    plain("U16", 16),
    float("F16", 16, Float::F16),
    float("BF16", 16, Float::BF16),
    plain("I32", 32),
    plain("U32", 32),
    float("F32", 32, Float::F32),
    plain("C64", 64),
    float("F64", 64, Float::F64),
    plain("I64", 64),
    plain("U64", 64),
];
