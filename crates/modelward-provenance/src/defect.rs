//! What is wrong with a signature, a signer, or what was signed.

use std::fmt;

/// A flaw that verifying found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Of what kind it is; each kind is one rule.
    pub kind: Kind,
    /// The file it is about, relative to the model with `/` between the components; empty for the
    /// signature itself.
    pub file: String,
    /// What was found, in one line, lower case, no full stop.
    pub why: String,
    /// What was expected and what came, where two values were compared.
    pub shown: Option<String>,
    /// How bad it is, where that hangs on the file.
    pub weight: Weight,
}

/// What a change of a file can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Documentation, pictures.
    Text,
    /// Tokenizer, chat template.
    Language,
    /// Weights, a loader's configuration, code that runs on load; the signature itself.
    Load,
}

/// The kinds of defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The signature does not fit the signed bytes and the key.
    SignatureInvalid,
    /// Nobody whom the user trusts has signed.
    SignerUntrusted,
    /// A certificate is not yet or no more valid.
    OutsideValidity,
    /// A certificate is not for this purpose.
    WrongPurpose,
    /// The bundle breaks its format.
    BundleMalformed,
    /// The statement breaks its format, or contradicts itself.
    StatementUnsound,
    /// The bundle does not say which key signed.
    HintMissing,
    /// A file is not what was signed.
    FileChanged,
    /// A signed file is not there.
    FileMissing,
    /// A file is there that nobody signed.
    FileUnsigned,
    /// A file that matters is excluded from the signature.
    UnsignedByExclusion,
    /// A link leads outside the model.
    LinkOutside,
    /// A pipe, a socket, a device.
    SpecialFile,
    /// A pointer lies where weights are named.
    PointerNotContent,
    /// A blob of a cache is not what its name says.
    BlobMismatch,
    /// A file, or the revision, is not what the lock says.
    LockMismatch,
    /// The lock does not know a file, or names one that is not there.
    LockEntryMissing,
    /// A signed report is about another model.
    ReportForOther,
    /// A signed report says that its model was denied, or not read to its end.
    ReportNotClean,
    /// No signed report is there where one has to be.
    ReportMissing,
    /// A sealed file was changed or cut short.
    SealBroken,
}

impl Kind {
    /// Whether the signature itself is none, or none by somebody whom the user trusts.
    pub const fn is_of_signature(self) -> bool {
        matches!(
            self,
            Self::SignatureInvalid
                | Self::SignerUntrusted
                | Self::OutsideValidity
                | Self::WrongPurpose
                | Self::BundleMalformed
                | Self::StatementUnsound
        )
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{} ", self.file)?;
        }
        f.write_str(&self.why)
    }
}

impl Defect {
    /// What is wrong with a signature or its signer.
    pub fn of_signature(kind: Kind, why: impl Into<String>) -> Self {
        Self { kind, file: String::new(), why: why.into(), shown: None, weight: Weight::Load }
    }

    /// What is wrong with a file.
    pub(crate) fn of_file(kind: Kind, file: &str, weight: Weight, why: impl Into<String>) -> Self {
        Self { kind, file: file.to_owned(), why: why.into(), shown: None, weight }
    }
}
