//! Digests of bytes.

use std::fmt;

use blake2::{Blake2b512, Digest as _};

pub(crate) use self::sha256::Sha256;

mod sha256;

/// The functions that OpenSSF Model Signing v1.0 names (`hash_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// SHA-256 (FIPS 180-4): 32 bytes.
    Sha256,
    /// BLAKE2b-512 (RFC 7693): 64 bytes.
    Blake2b,
    /// BLAKE3: 32 bytes.
    Blake3,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Blake2b, Self::Blake3];

    /// Its name in a statement.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Blake2b => "blake2b",
            Self::Blake3 => "blake3",
        }
    }

    /// The function of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }

    /// Bytes of a digest.
    pub const fn size(self) -> usize {
        match self {
            Self::Sha256 | Self::Blake3 => 32,
            Self::Blake2b => 64,
        }
    }
}

/// A digest: 32 or 64 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Box<[u8]>);

impl Digest {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A digest in lower-case hexadecimal, of as many bytes as the function gives; `None` for all else.
    pub fn parse(text: &str, function: Function) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
            b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
            _ => None,
        };
        if text.len() != function.size().saturating_mul(2) {
            return None;
        }
        text.as_bytes()
            .chunks_exact(2)
            .map(|pair| match *pair {
                [high, low] => Some(digit(high)? << 4 | digit(low)?),
                _ => None,
            })
            .collect::<Option<Box<[u8]>>>()
            .map(Self)
    }
}

impl fmt::Display for Digest {
    /// Lower-case hexadecimal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(Box::new(bytes))
    }
}

/// A digest in the making.
pub struct Hasher(State);

enum State {
    Sha256(Sha256),
    Blake2b(Box<Blake2b512>),
    Blake3(Box<blake3::Hasher>),
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function().name())
    }
}

impl Hasher {
    /// A digest of no bytes yet.
    pub fn new(function: Function) -> Self {
        Self(match function {
            Function::Sha256 => State::Sha256(Sha256::new()),
            Function::Blake2b => State::Blake2b(Box::new(Blake2b512::new())),
            Function::Blake3 => State::Blake3(Box::default()),
        })
    }

    /// Its function.
    pub fn function(&self) -> Function {
        match self.0 {
            State::Sha256(_) => Function::Sha256,
            State::Blake2b(_) => Function::Blake2b,
            State::Blake3(_) => Function::Blake3,
        }
    }

    /// Take in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(hash) => hash.update(bytes),
            State::Blake2b(hash) => hash.update(bytes),
            State::Blake3(hash) => {
                hash.update(bytes);
            }
        }
    }

    /// Let two take in bytes, each its own, at less than the cost of two where both are SHA-256.
    pub fn update_both((one, bytes): (&mut Self, &[u8]), (other, more): (&mut Self, &[u8])) {
        match (&mut one.0, &mut other.0) {
            (State::Sha256(first), State::Sha256(second)) => {
                Sha256::update_both((first, bytes), (second, more));
            }
            _ => {
                one.update(bytes);
                other.update(more);
            }
        }
    }

    /// The digest of all that was taken in.
    pub fn finish(self) -> Digest {
        Digest(match self.0 {
            State::Sha256(hash) => Box::from(hash.finish()),
            State::Blake2b(hash) => Box::from(hash.finalize().as_slice()),
            State::Blake3(hash) => Box::from(hash.finalize().as_slice()),
        })
    }
}

/// The digest of bytes at hand.
pub fn of(function: Function, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(function);
    hasher.update(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        // FIPS 180-4 B.1; RFC 7693, appendix A; the test vectors of BLAKE3 for no bytes.
        let starts = |function, bytes: &[u8], with: &str| {
            let digest = of(function, bytes);
            assert!(digest.to_string().starts_with(with), "{digest}");
            assert_eq!(Digest::parse(&digest.to_string(), function), Some(digest));
        };
        starts(Function::Sha256, b"abc", "ba7816bf8f01cfea414140de5dae2223");
        starts(Function::Blake2b, b"abc", "ba80a53f981c4d0d6a2797b69f12f6e9");
        starts(Function::Blake3, b"", "af1349b9f5f9a1a6a0404dea36dcc949");
    }

    #[test]
    fn only_lower_case_of_the_right_length_is_a_digest() {
        let digest = of(Function::Sha256, b"abc").to_string();
        assert!(Digest::parse(&digest.to_uppercase(), Function::Sha256).is_none());
        assert!(Digest::parse(&digest, Function::Blake2b).is_none());
        assert!(Digest::parse(&digest[1..], Function::Sha256).is_none());
    }
}
