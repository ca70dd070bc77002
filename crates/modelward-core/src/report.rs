//! What the user reads.

use crate::{Finding, Measurement, Place, Policy, Severity, Verdict};

/// Every finding with its verdict, every file with its own, and everything that was not read.
#[derive(Debug, Default)]
pub struct Report {
    /// What the user pointed at, as written.
    pub target: Vec<String>,
    /// The files, in the order of their paths.
    pub files: Vec<ScannedFile>,
    /// What was found, and what the policy made of it.
    pub judged: Vec<(Finding, Verdict)>,
    /// What was not read, and why. A gap is never silent.
    pub unread: Vec<Unread>,
    /// What was left out on purpose, because no loader reads it.
    pub skipped: Vec<Skipped>,
    /// What experiments came to.
    pub measurements: Vec<Measurement>,
    /// What the scan went by, where there was one.
    pub basis: Option<Basis>,
    /// How many checks stood ready.
    pub checks: usize,
    /// How long it took, in seconds of wall-clock time.
    pub seconds: f64,
}

/// What a scan went by: with the same basis, the same version finds the same in the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Of the rules.
    pub rules: Digest,
    /// Of the policy.
    pub policy: Digest,
    /// What reading one file could cost, by name.
    pub limits: Vec<(&'static str, u64)>,
}

/// One file of the target.
#[derive(Clone, Debug)]
pub struct ScannedFile {
    /// Its path, as the user would write it.
    pub path: String,
    /// What it turned out to be, whatever its name says.
    pub format: &'static str,
    /// What became of it.
    pub outcome: Outcome,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, where the report form asks for it.
    pub sha256: Option<Digest>,
}

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// A piece that was not read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Where it is.
    pub place: Place,
    /// Offset of the first byte that could not be read, where there is one.
    pub at: Option<u64>,
    /// The rule of the MW0 family that it falls under, `MW0002`.
    pub rule: &'static str,
    /// What was expected, what came.
    pub why: String,
}

/// What was left out on purpose: no loader reads it, so it is no gap, and it is still named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it is.
    pub place: Place,
    /// What it is, and why nothing is lost.
    pub why: String,
}

/// The verdict on one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// What was signed, and not judged otherwise.
    AsSigned,
    /// Every effect proven harmless, and read to its end.
    Clean,
    /// Something was not read.
    Unread,
    /// Something is not proven harmless.
    Unknown,
    /// Something in it does harm, or is made to.
    Malicious,
}

impl Outcome {
    /// Its name, as reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsSigned => "as-signed",
            Self::Clean => "clean",
            Self::Unread => "unread",
            Self::Unknown => "unknown",
            Self::Malicious => "malicious",
        }
    }

    /// The verdict that one finding alone would give a file, whatever the policy makes of it.
    pub const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Critical | Severity::High => Self::Malicious,
            Severity::Medium => Self::Unknown,
            Severity::Low | Severity::Info => Self::Clean,
        }
    }
}

impl Report {
    /// Judge findings under a policy.
    pub fn judge(&mut self, findings: Vec<Finding>, policy: &Policy) {
        self.judged.extend(findings.into_iter().map(|finding| {
            let verdict = policy.judge(&finding);
            (finding, verdict)
        }));
    }

    /// How many findings the policy denied.
    pub fn denied(&self) -> usize {
        self.judged.iter().filter(|(_, verdict)| *verdict == Verdict::Deny).count()
    }

    /// How many findings the policy let through.
    pub fn allowed(&self) -> usize {
        self.judged.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Allow(_))).count()
    }

    /// The verdict of the run: `denied`, `unread` or `clean`.
    pub fn verdict(&self) -> &'static str {
        if self.denied() > 0 {
            "denied"
        } else if self.unread.is_empty() {
            "clean"
        } else {
            "unread"
        }
    }

    /// The exit code of the run: 1 denied, 3 something unread, 0 clean.
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            "denied" => 1,
            "unread" => 3,
            _ => 0,
        }
    }
}
