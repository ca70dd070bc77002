//! Why a seal does not open.

use std::{fmt, io};

use crate::{Defect, Kind, Trouble, defect::Weight};

/// Why a seal does not open, or cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The sealed bytes were changed or cut short, or hold what must not be unpacked.
    Broken(Defect),
    /// It may be whole, but cannot be opened with what was given; or the system refused.
    Trouble(Trouble),
}

/// What sealing and unsealing come to.
pub type Result<T> = std::result::Result<T, Fault>;

impl Fault {
    pub(super) fn broken(why: impl Into<String>) -> Self {
        Self::in_member("", why)
    }

    /// A flaw of one member of a sealed folder.
    pub(super) fn in_member(file: &str, why: impl Into<String>) -> Self {
        let (kind, weight) = (Kind::SealBroken, Weight::Load);
        Self::Broken(Defect { kind, file: file.to_owned(), why: why.into(), shown: None, weight })
    }
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}

/// What a reader that opens seals said: the fault that it met, or what the system said.
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(fault) => fault,
            Err(error) => Trouble::new(format!("cannot read or write: {error}")).into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(defect) => defect.fmt(f),
            Self::Trouble(trouble) => trouble.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}
