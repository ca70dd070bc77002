//! Numbers as they are written, and floats as the numbers that they are.
//!
//! A budget of `8/255` is no float, and `x + 8/255` in `f32` leaves the ball around `x` by a rounding
//! error. Whether a point is inside is decided here, in rational numbers.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Num, One, Signed, ToPrimitive, Zero};

/// A rational number.
pub type Rational = BigRational;

/// The most digits of a number that is read, its exponent written out.
const DIGITS: usize = 4096;

/// Read a decimal such as `0.05`, `-1.5e-3`, or a fraction of two of them such as `8/255`.
///
/// # Errors
/// Where it is none, or has more than 4096 digits: an exponent of a million is nobody's number.
pub fn parse(text: &str) -> Result<Rational, String> {
    match text.split_once('/') {
        Some((above, below)) => {
            let (above, below) = (decimal(above)?, decimal(below)?);
            if below.is_zero() {
                return Err(format!("`{text}` divides by zero"));
            }
            Ok(above / below)
        }
        None => decimal(text),
    }
}

/// Read a decimal.
///
/// # Errors
/// As [`parse`].
pub fn decimal(text: &str) -> Result<Rational, String> {
    let wrong = || {
        let shown = text.chars().take(40).collect::<String>();
        format!("expected a number such as `0.05` or `8/255`, got `{shown}`")
    };
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| wrong())?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, part].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let part = i64::try_from(part.len()).map_err(|_| wrong())?;
    let exponent = exponent.checked_sub(part).ok_or_else(wrong)?;
    let shift = usize::try_from(exponent.unsigned_abs()).unwrap_or(usize::MAX);
    if digits.len().saturating_add(shift) > DIGITS {
        return Err(format!("expected a number of at most {DIGITS} digits"));
    }
    let digits = BigInt::from_str_radix(&digits, 10).map_err(|_| wrong())?;
    let ten = num_traits::pow(BigInt::from(10), shift);
    let value = if exponent < 0 {
        Rational::new(digits, ten)
    } else {
        Rational::from_integer(digits * ten)
    };
    Ok(if negative { -value } else { value })
}

/// A finite float as the number that it is; `None` for NaN and infinities.
pub fn of(value: f64) -> Option<Rational> {
    Rational::from_float(value)
}

/// The largest `f32` that is not above a number; `None` where that is below all finite ones.
pub fn below(number: &Rational) -> Option<f32> {
    let mut near = nearest(number)?;
    while of(f64::from(near)).is_none_or(|exact| exact > *number) {
        if near == f32::NEG_INFINITY {
            return None;
        }
        near = near.next_down();
    }
    near.is_finite().then_some(near)
}

/// The smallest `f32` that is not below a number; `None` where that is above all finite ones.
pub fn above(number: &Rational) -> Option<f32> {
    below(&-number).map(|below| 0.0 - below)
}

/// The `f32` that lies nearest to a number, or within one unit in the last place of that.
pub fn nearest(number: &Rational) -> Option<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "it is only where the search begins")]
    number.to_f64().map(|near| near as f32)
}

/// The `f64` that lies nearest to a number.
pub fn float(number: &Rational) -> f64 {
    number.to_f64().unwrap_or(if number.is_negative() { f64::NEG_INFINITY } else { f64::INFINITY })
}

/// One.
pub fn one() -> Rational {
    Rational::one()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_what_they_say() {
        assert_eq!(parse("8/255").unwrap(), Rational::new(8.into(), 255.into()));
        assert_eq!(parse("-1.5e-3").unwrap(), Rational::new((-3).into(), 2000.into()));
        assert_eq!(parse("2E2").unwrap(), Rational::from_integer(200.into()));
        assert_eq!(parse(".5").unwrap(), Rational::new(1.into(), 2.into()));
        assert_eq!(parse("-0").unwrap(), Rational::zero());
        for wrong in ["", ".", "1/0", "0x1", "1e", "nan", "inf", "1e999999999", "--1", "1/2/3", "é"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn neighbours_of_numbers_that_no_float_is() {
        let tenth = parse("0.1").unwrap();
        assert_eq!(above(&tenth), Some(0.1));
        assert_eq!(below(&tenth), Some(0.1_f32.next_down()));
        assert_eq!(below(&parse("1e60").unwrap()), Some(f32::MAX));
        assert_eq!(above(&parse("1e60").unwrap()), None);
        assert_eq!(below(&parse("1e-80").unwrap()), Some(0.0));
        assert_eq!(above(&parse("1e-80").unwrap()), Some(f32::from_bits(1)));
    }

    proptest! {
        #[test]
        fn a_float_is_its_own_neighbour(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let exact = of(f64::from(value)).unwrap();
            prop_assert_eq!(below(&exact), Some(value));
            prop_assert_eq!(above(&exact), Some(value));
        }

        #[test]
        fn decimals_are_between_their_neighbours(digits in "[0-9]{1,12}\\.[0-9]{0,30}(e-?[0-9]{1,2})?") {
            let exact = parse(&digits).unwrap();
            if let (Some(low), Some(high)) = (below(&exact), above(&exact)) {
                prop_assert!(of(low.into()).unwrap() <= exact && exact <= of(high.into()).unwrap());
                prop_assert!(low == high || low.next_up() == high);
            }
        }
    }
}
