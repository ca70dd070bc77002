//! What the user decided about findings.

use std::path::PathBuf;

use crate::{Finding, Severity};

/// The user's decisions: the level that fails a run, and what is let through.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Findings at this level or above fail the run.
    pub deny: Severity,
    /// Rules that are let through, each with the reason the user gave.
    pub rules: Vec<AllowedRule>,
    /// Names that pickles may import and call, beyond those the scanner knows.
    pub names: Vec<AllowedName>,
    /// Experiments that belong to an audit.
    pub experiments: Vec<Experiment>,
    /// Who may have signed the models of an audit.
    pub signers: Signers,
}

/// Who may have signed, by files that the user has from another source than the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signers {
    /// Public keys in PEM.
    pub public_keys: Vec<PathBuf>,
    /// Authorities in PEM, whose certificates may sign.
    pub cert_roots: Vec<PathBuf>,
    /// The one whose certificate it has to be: a common name, or a whole subject.
    pub expect_subject: Option<String>,
    /// Who may have signed without a key.
    pub keyless: Option<Keyless>,
    /// Whether a model has to be signed by one of them.
    pub require: bool,
}

/// Somebody whom a service vouches for in a certificate of Sigstore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyless {
    /// The authorities and logs of Sigstore: a `trusted_root.json`.
    pub trusted_root: PathBuf,
    /// The identity: an address or a URI.
    pub identity: String,
    /// The service that vouches for it.
    pub issuer: String,
}

/// An experiment that the user asks for: a verb of the command line and its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// The verb, `attack`.
    pub verb: &'static str,
    /// What it is of.
    pub model: String,
    /// Its options by name, in the order they were written; flags have no value.
    pub options: Vec<(String, Option<String>)>,
}

/// A rule that is let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedRule {
    /// The rule's name, `pickle-unlisted-call`, or its id.
    pub rule: String,
    /// Only for files whose path ends in this; everywhere where there is none.
    pub path: Option<String>,
    /// Why, in the user's words.
    pub reason: String,
}

/// A name that pickles may import, in the notation of the scanner's own allow-list:
/// `package.module qualified.name : kind (shape, of, arguments)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedName {
    /// The entry.
    pub entry: String,
    /// Why, in the user's words.
    pub reason: String,
}

/// What becomes of one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fails the run.
    Deny,
    /// It is shown, and the run goes on.
    Warn,
    /// It is let through, for the reason that the user wrote down.
    Allow(String),
}

impl Policy {
    /// Judge one finding. This is the only place where a finding can be let through.
    pub fn judge(&self, finding: &Finding) -> Verdict {
        let allowed = self.rules.iter().find(|allowed| {
            (allowed.rule == finding.rule.name || allowed.rule == finding.rule.id)
                && allowed.path.as_ref().is_none_or(|path| is_tail(path, finding.place.path()))
        });
        match allowed {
            Some(allowed) => Verdict::Allow(allowed.reason.clone()),
            None if finding.severity >= self.deny => Verdict::Deny,
            None => Verdict::Warn,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deny: Severity::Medium,
            rules: Vec::new(),
            names: Vec::new(),
            experiments: Vec::new(),
            signers: Signers::default(),
        }
    }
}

/// Whether `tail` is the path, or its last whole components.
fn is_tail(tail: &str, path: &str) -> bool {
    path.strip_suffix(tail).is_some_and(|head| head.is_empty() || head.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::is_tail;

    #[test]
    fn a_path_is_matched_by_whole_components() {
        assert!(is_tail("model.pkl", "a/model.pkl") && is_tail("a/model.pkl", "a/model.pkl"));
        assert!(!is_tail("model.pkl", "a/evil-model.pkl"));
    }
}
