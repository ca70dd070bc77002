//! What a field of a table may be: a number, a truth, nothing, or text.

/// Kinds that values of a column were seen to be, as bits.
pub(super) type Seen = u8;
pub(super) const INT: Seen = 1;
pub(super) const FLOAT: Seen = 2;
pub(super) const TRUTH: Seen = 4;
/// A number with a decimal comma.
pub(super) const COMMA: Seen = 8;
pub(super) const TEXT: Seen = 16;
/// Of JSON: an array or object.
pub(super) const NESTED: Seen = 32;

/// What a column is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Int,
    Float,
    Truth,
    Text,
}

impl Type {
    /// What holds all that was seen.
    pub(super) fn of(seen: Seen) -> Self {
        match seen {
            INT => Self::Int,
            TRUTH => Self::Truth,
            _ if seen & FLOAT != 0 && seen & !(INT | FLOAT) == 0 => Self::Float,
            _ => Self::Text,
        }
    }
}

/// What an unpadded field may be; 0 where it stands for nothing.
pub(super) fn seen(field: &[u8]) -> Seen {
    let text = field.trim_ascii();
    let Some(first) = text.first() else { return 0 };
    if !matches!(first, b'0'..=b'9' | b'-' | b'+' | b'.') {
        return match text {
            _ if is_missing(text) => 0,
            b"true" | b"false" | b"True" | b"False" | b"TRUE" | b"FALSE" => TRUTH,
            b"inf" | b"Inf" | b"Infinity" | b"infinity" => FLOAT,
            _ => TEXT,
        };
    }
    let digits = match text {
        [b'-' | b'+', rest @ ..] => rest,
        _ => text,
    };
    // What most numbers are: digits with one point.
    if digits.len() <= 32 {
        let counted = digits.iter().fold(0, |sum: u32, byte| {
            sum.wrapping_add(match byte {
                b'0'..=b'9' => 1,
                b'.' => 1 << 8,
                _ => 1 << 16,
            })
        });
        if counted >> 8 == 1 && counted & 0xff > 0 {
            return FLOAT;
        }
        let named = digits.first() == Some(&b'0') && digits.len() > 1;
        if counted >> 8 == 0 && counted > 0 && !named && digits.len() <= 18 {
            return INT;
        }
    }
    let (mut count, mut dots, mut commas, mut power) = (0_usize, 0_u8, 0_u8, false);
    let mut before = 0;
    for byte in digits {
        match byte {
            b'0'..=b'9' => count = count.saturating_add(1),
            b'.' if !power => dots = dots.saturating_add(1),
            b',' if !power => commas = commas.saturating_add(1),
            b'e' | b'E' if !power && count > 0 => power = true,
            b'-' | b'+' if matches!(before, b'e' | b'E') => {}
            _ => return if is_infinite(digits) { FLOAT } else { TEXT },
        }
        before = *byte;
    }
    if count == 0 || (power && !before.is_ascii_digit()) {
        return TEXT;
    }
    match (dots, commas) {
        (0, 0) if power => FLOAT,
        // A zero before other digits, or too many digits: the name of something, which a number would change.
        (0, 0) if digits.first() == Some(&b'0') && digits.len() > 1 => TEXT,
        (0, 0) if digits.len() > 18 && int(text).is_none() => TEXT,
        (0, 0) => INT,
        (1, 0) => FLOAT,
        (_, 1) if before.is_ascii_digit() && !power => COMMA,
        _ => TEXT,
    }
}

fn is_infinite(digits: &[u8]) -> bool {
    matches!(digits, b"inf" | b"Inf" | b"Infinity" | b"infinity")
}

/// Whether a field of numbers stands for nothing.
pub(super) fn is_missing(text: &[u8]) -> bool {
    matches!(
        text,
        b"" | b"NA"
            | b"N/A"
            | b"n/a"
            | b"#N/A"
            | b"<NA>"
            | b"NaN"
            | b"nan"
            | b"NULL"
            | b"null"
            | b"None"
    )
}

/// A whole number.
pub(super) fn int(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number. Those of few digits by one exact division (Clinger, 1990), others by the library.
pub(super) fn float(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if let Some((mantissa, places)) = plain(digits) {
        let number = mantissa as f64 / POWERS.get(places)?;
        return Some(if negative { -number } else { number });
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// At most 16 digits with or without a point, as a whole number below 2^53 and how many stand behind the point.
fn plain(digits: &[u8]) -> Option<(u64, usize)> {
    if digits.len() > 16 {
        return None;
    }
    let point = digits.iter().position(|byte| *byte == b'.').unwrap_or(digits.len());
    let (whole, part) = digits.split_at_checked(point)?;
    let part = part.get(1..).unwrap_or_default();
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let mantissa = decimal(part, decimal(whole, 0)?)?;
    (mantissa < 1 << 53).then_some((mantissa, part.len()))
}

/// A number with more digits behind it, eight at a time (Lemire, "Quickly parsing eight digits", 2018); `None`
/// where one is no digit.
fn decimal(digits: &[u8], before: u64) -> Option<u64> {
    let mut number = before;
    let mut rest = digits;
    while let Some((eight, more)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let above = word.wrapping_add(0x0606_0606_0606_0606);
        let high = |word: u64| word & 0xf0f0_f0f0_f0f0_f0f0;
        if high(word) != 0x3030_3030_3030_3030 || high(above) != 0x3030_3030_3030_3030 {
            return None;
        }
        let pairs = (word & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(2561) >> 8;
        let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(6_553_601) >> 16;
        let all = (fours & 0x0000_ffff_0000_ffff).wrapping_mul(42_949_672_960_001) >> 32;
        number = number.wrapping_mul(100_000_000).wrapping_add(all);
        rest = more;
    }
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    Some(number)
}

/// Whether a number is written as a whole one beyond 2^53, above which not every one has its own float.
pub(super) fn is_beyond(text: &[u8]) -> bool {
    let whole = text.iter().take_while(|byte| **byte != b'.');
    let digits = whole.clone().filter(|byte| byte.is_ascii_digit()).count();
    digits >= 16
        && !text.iter().any(|byte| matches!(byte, b'e' | b'E'))
        && float(text).is_some_and(|number| number.abs() >= 9_007_199_254_740_992.0)
}

/// Whether a number is one of those that stand for nothing in old tables: nines, mostly with a minus.
pub(super) fn is_nines(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let nines = digits.iter().take_while(|byte| **byte == b'9').count();
    let rest = digits.get(nines..).unwrap_or_default();
    let zeros = rest.strip_prefix(b".").unwrap_or(rest);
    nines >= 2
        && zeros.iter().all(|byte| *byte == b'0')
        && (rest.is_empty() || rest.first() == Some(&b'.'))
}

/// A truth.
pub(super) fn truth(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

const POWERS: [f64; 17] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_those_of_the_library(text in "[-+]?[0-9]{0,12}[.,]?[0-9]{0,12}(e[0-9])?|[ -~]{0,20}") {
            let bits = |number: Option<f64>| number.map(f64::to_bits);
            prop_assert_eq!(bits(float(text.as_bytes())), bits(text.parse().ok()));
            if seen(text.as_bytes()) == FLOAT && text.trim() == text {
                prop_assert!(text.parse::<f64>().is_ok());
            }
            if seen(text.as_bytes()) == INT && text.trim() == text {
                prop_assert!(text.parse::<i64>().is_ok());
            }
        }
    }
}
