//! What can be wrong, in general.

use std::{fmt, str::FromStr};

/// One kind of flaw, described once.
///
/// Help, `explain`, the rule pages, SARIF and the JSON schema are all written from this record,
/// so a rule cannot be documented in one place and forgotten in another.
#[derive(Debug)]
pub struct Rule {
    /// Stable number, e.g. `MW1101`. Never reused.
    pub id: &'static str,
    /// Stable name that reads well after "allow": `pickle-foreign-call`.
    pub name: &'static str,
    /// How bad it is when the finding is true. A finding may say that it is worse here.
    pub severity: Severity,
    /// One line, lower case, no full stop.
    pub title: &'static str,
    /// Why this is a danger, in a paragraph a newcomer can follow.
    pub why: &'static str,
    /// What the user should do now.
    pub advice: &'static str,
    /// The threat it belongs to; the taxonomy names that threat in the world's standards.
    pub class: Class,
    /// The weaknesses (CWE numbers) that fit this rule more closely than its class does.
    pub cwe: &'static [u16],
}

/// A threat class of the taxonomy (`rules/taxonomy.toml`), where each is mapped to the ids of
/// OWASP, MITRE ATLAS, NIST AI 100-2, the EU AI Act and CWE, with their editions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Adversarial examples.
    Evasion,
    /// Data poisoning.
    Poisoning,
    /// A backdoor or trojan in the weights.
    Backdoor,
    /// Malicious code in a model file.
    MaliciousFile,
    /// Code that loads or runs what it should not.
    UnsafeCode,
    /// A vulnerable or malicious dependency.
    Dependency,
    /// Missing integrity or provenance.
    Integrity,
    /// Model inversion, reconstruction of training data.
    Inversion,
    /// Membership and attribute inference.
    Membership,
    /// Extraction, theft of the model.
    Extraction,
    /// Improper handling of model output.
    Output,
    /// Prompt injection by the user.
    InjectionDirect,
    /// Prompt injection by content that the model is given.
    InjectionIndirect,
    /// A system prompt or hidden context that leaks.
    ContextLeak,
    /// Excessive agency, tool abuse.
    Agency,
    /// Denial of service, cost.
    Denial,
    /// Weak access control, an exposed service.
    Exposure,
    /// Leaked credentials.
    Secrets,
    /// No monitoring, no log.
    Unwatched,
}

impl Class {
    /// Every class, in the order of the taxonomy.
    pub const ALL: [Self; 19] = [
        Self::Evasion,
        Self::Poisoning,
        Self::Backdoor,
        Self::MaliciousFile,
        Self::UnsafeCode,
        Self::Dependency,
        Self::Integrity,
        Self::Inversion,
        Self::Membership,
        Self::Extraction,
        Self::Output,
        Self::InjectionDirect,
        Self::InjectionIndirect,
        Self::ContextLeak,
        Self::Agency,
        Self::Denial,
        Self::Exposure,
        Self::Secrets,
        Self::Unwatched,
    ];

    /// Its name in the taxonomy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evasion => "evasion",
            Self::Poisoning => "poisoning",
            Self::Backdoor => "backdoor",
            Self::MaliciousFile => "malicious-file",
            Self::UnsafeCode => "unsafe-code",
            Self::Dependency => "dependency",
            Self::Integrity => "integrity",
            Self::Inversion => "inversion",
            Self::Membership => "membership",
            Self::Extraction => "extraction",
            Self::Output => "output",
            Self::InjectionDirect => "injection-direct",
            Self::InjectionIndirect => "injection-indirect",
            Self::ContextLeak => "context-leak",
            Self::Agency => "agency",
            Self::Denial => "denial",
            Self::Exposure => "exposure",
            Self::Secrets => "secrets",
            Self::Unwatched => "unwatched",
        }
    }
}

/// How bad a finding is, from a remark to "do not load this file".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Info,
    /// A weakness that needs another weakness to matter.
    Low,
    /// Not proven harmless, or a weakness that an attacker can use with effort.
    Medium,
    /// A weakness that an attacker can use today.
    High,
    /// Loading or serving the model is the attack.
    Critical,
}

impl Severity {
    /// Every level, the mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its name, as users write and read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|level| level.name() == text).ok_or_else(|| {
            format!("unknown level `{text}`; expected info, low, medium, high or critical")
        })
    }
}
