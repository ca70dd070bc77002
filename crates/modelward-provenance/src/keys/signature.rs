//! ECDSA signatures in DER, read strictly: one pair of numbers has one form (X.690, RFC 3279, section 2.2.3).

use std::fmt;

use super::Curve;

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFlaw {
    /// It breaks the encoding, in the way said.
    NotDer(&'static str),
    /// It is the two numbers side by side, as JOSE and PKCS#11 write them.
    Raw,
    /// One of its numbers is not in [1, n - 1], with n the order of the curve.
    OutOfRange,
    /// It was made over other bytes, with another key, or with another hash.
    Mismatch,
}

impl fmt::Display for SignatureFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDer(how) => write!(f, "the signature is not DER: {how}"),
            Self::Raw => f.write_str("the signature is raw r and s; expected DER"),
            Self::OutOfRange => f.write_str(
                "the signature's r or s is 0, negative, or not below the order of the curve",
            ),
            Self::Mismatch => f.write_str("the signature does not fit these bytes and this key"),
        }
    }
}

/// The numbers r and s, big-endian, of the curve's size.
pub(super) fn numbers(der: &[u8], curve: Curve) -> Result<[Vec<u8>; 2], SignatureFlaw> {
    let read = || {
        let (body, rest) = element(der, 0x30)?;
        ended(rest)?;
        let (r, rest) = element(body, 0x02)?;
        let (s, rest) = element(rest, 0x02)?;
        ended(rest)?;
        Ok([number(r, curve)?, number(s, curve)?])
    };
    read().map_err(|flaw| match flaw {
        SignatureFlaw::NotDer(_) if der.len() == curve.size().saturating_mul(2) => {
            SignatureFlaw::Raw
        }
        other => other,
    })
}

fn ended(rest: &[u8]) -> Result<(), SignatureFlaw> {
    if rest.is_empty() { Ok(()) } else { Err(SignatureFlaw::NotDer("bytes follow its end")) }
}

/// What an element of this tag holds, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Result<(&[u8], &[u8]), SignatureFlaw> {
    let (first, rest) = bytes.split_first().ok_or(SignatureFlaw::NotDer("it is cut short"))?;
    if *first != tag {
        return Err(SignatureFlaw::NotDer("expected a sequence of two integers"));
    }
    let (len, rest) = match rest {
        [len @ 0..=0x7f, rest @ ..] => (*len, rest),
        // The longest signature, on P-521, has 139 bytes.
        [0x81, len @ 0x80..=0xff, rest @ ..] => (*len, rest),
        [0x80, ..] => return Err(SignatureFlaw::NotDer("a length is indefinite")),
        [0x81..=0xff, ..] => {
            return Err(SignatureFlaw::NotDer("a length is longer than it must be"));
        }
        [] => return Err(SignatureFlaw::NotDer("it is cut short")),
    };
    rest.split_at_checked(usize::from(len)).ok_or(SignatureFlaw::NotDer("it is cut short"))
}

fn number(bytes: &[u8], curve: Curve) -> Result<Vec<u8>, SignatureFlaw> {
    let digits = match bytes {
        [] => return Err(SignatureFlaw::NotDer("an integer is empty")),
        [0x80..=0xff, ..] => return Err(SignatureFlaw::OutOfRange),
        [0, digits @ ..] if digits.first().is_some_and(|first| *first >= 0x80) => digits,
        [0, _, ..] => return Err(SignatureFlaw::NotDer("an integer has needless zeros")),
        digits => digits,
    };
    let zeros = curve.size().checked_sub(digits.len()).ok_or(SignatureFlaw::OutOfRange)?;
    Ok([vec![0; zeros].as_slice(), digits].concat())
}
