//! modelward finds the security flaws of open-source AI and ML models.
//!
//! The library behind the command: point it at files or folders, and get a [`Report`]. Nothing
//! of a model is ever loaded or executed, and nothing is sent anywhere.
//!
//! ```
//! use modelward::{Options, scan};
//!
//! let report = scan(&["../../LICENSE"], &Options::default());
//! for (finding, verdict) in &report.judged {
//!     println!("{} at {}: {verdict:?}", finding.rule.id, finding.place);
//! }
//! assert_eq!(report.files.len(), 1);
//! ```
//!
//! A report can be written in every form that the command knows, with [`report::write`].

pub use modelward_core::{
    AllowedName, AllowedRule, Basis, Class, Evidence, Finding, Outcome, Place, Policy, Report,
    Rule, ScannedFile, Severity, Signers, Skipped, Unread, Verdict,
};
pub use modelward_formats::{Bytes, Limits};

mod basis;
mod beside;
#[doc(hidden)]
pub mod cli;
mod content;
mod digest;
mod listing;
mod policy_file;
mod progress;
pub mod report;
mod rules;
mod scan;
mod target;
mod taxonomy;
mod walk;

pub use crate::{
    policy_file::{PolicyError, parse_policy},
    progress::Progress,
    rules::{LetThrough, let_through, nearest, rule, rules},
    scan::{Options, scan, scan_memory},
    taxonomy::{Standards, standards},
};
