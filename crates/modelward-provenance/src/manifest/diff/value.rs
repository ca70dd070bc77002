//! Elements as people read them.

use modelward_formats::tensors::Kind;

/// An element, from its bytes: a number, or the bytes in hexadecimal where the type is no plain number.
pub(super) fn shown(kind: Kind, bytes: &[u8]) -> String {
    let number = match kind.name {
        "f32" => f32_of(bytes).map(|value| value.to_string()),
        "f64" => f64_of(bytes).map(|value| value.to_string()),
        "f16" => u16_of(bytes).map(|bits| half(bits).to_string()),
        "bf16" => u16_of(bytes).map(|bits| brain(bits).to_string()),
        "i8" | "i16" | "i32" | "i64" => Some(signed(bytes).to_string()),
        "u8" | "u16" | "u32" | "u64" | "bool" => Some(unsigned(bytes).to_string()),
        "c64" => bytes.split_at_checked(4).and_then(|(real, imaginary)| {
            Some(format!("{}{:+}j", f32_of(real)?, f32_of(imaginary)?))
        }),
        "c128" => bytes.split_at_checked(8).and_then(|(real, imaginary)| {
            Some(format!("{}{:+}j", f64_of(real)?, f64_of(imaginary)?))
        }),
        _ => None,
    };
    number.unwrap_or_else(|| {
        let digits = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("0x{digits}")
    })
}

fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn signed(bytes: &[u8]) -> i64 {
    let unused = 64_usize.saturating_sub(bytes.len().saturating_mul(8));
    let unused = u32::try_from(unused).unwrap_or(0).min(63);
    (unsigned(bytes) << unused).cast_signed() >> unused
}

fn f32_of(bytes: &[u8]) -> Option<f32> {
    bytes.first_chunk().map(|&bytes| f32::from_le_bytes(bytes))
}

fn f64_of(bytes: &[u8]) -> Option<f64> {
    bytes.first_chunk().map(|&bytes| f64::from_le_bytes(bytes))
}

fn u16_of(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|&bytes| u16::from_le_bytes(bytes))
}

/// The upper half of binary32.
fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    match exponent {
        0 => sign * fraction * 2_f32.powi(-24),
        0x1f if fraction == 0.0 => sign * f32::INFINITY,
        0x1f => f32::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2_f32.powi(exponent.saturating_sub(15)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_shown_as_numbers() {
        let shown = |name, bytes: &[u8]| shown(Kind::named(name).unwrap(), bytes);
        assert_eq!(shown("f32", &1.5_f32.to_le_bytes()), "1.5");
        assert_eq!(shown("f16", &[0, 0xc0]), "-2");
        assert_eq!(shown("f16", &[1, 0]), "0.000000059604645");
        assert_eq!(shown("bf16", &[0x80, 0x3f]), "1");
        assert_eq!(shown("i16", &[0xfb, 0xff]), "-5");
        assert_eq!(shown("u8", &[200]), "200");
        assert_eq!(shown("f8e4m3", &[0x3c]), "0x3c");
        assert_eq!(shown("c64", &[0; 8]), "0+0j");
    }
}
