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
    let (mut mantissa, mut places, mut dot) = (0_u64, 0_usize, false);
    let short = digits.len() <= 16 && !digits.is_empty();
    let plain = short
        && digits.iter().all(|byte| match byte {
            b'0'..=b'9' => {
                let digit = u64::from(byte.wrapping_sub(b'0'));
                mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
                places = places.saturating_add(usize::from(dot));
                true
            }
            b'.' if !dot => {
                dot = true;
                true
            }
            _ => false,
        })
        && mantissa < 1 << 53
        && digits != b".";
    if plain {
        let number = mantissa as f64 / POWERS.get(places)?;
        return Some(if negative { -number } else { number });
    }
    std::str::from_utf8(text).ok()?.parse().ok()
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
