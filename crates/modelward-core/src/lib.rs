//! The words of the house.
//!
//! Every other crate speaks in these: a [`Rule`] says what is wrong in general; a [`Finding`]
//! says that it is wrong here; a [`Place`] says where; an [`Evidence`] shows why we believe it;
//! a [`Measurement`] is what an experiment came to, an [`Exhibit`] what of it can be looked at;
//! a [`Trouble`] is what keeps a command from its work; a [`Policy`] says what the user decided about it; a [`Report`] is what the user reads.
//! Nothing in this crate reads a file, prints, or knows a model format.

mod evidence;
mod exhibit;
mod finding;
mod measurement;
mod place;
mod policy;
mod report;
mod rule;
mod trouble;

pub use crate::{
    evidence::Evidence,
    exhibit::{Cell, Exhibit, Shown, Spread},
    finding::{Finding, Findings},
    measurement::{Measurement, Picture, Value},
    place::Place,
    policy::{AllowedName, AllowedRule, Experiment, Keyless, Policy, Signers, Verdict},
    report::{Basis, Digest, Outcome, Report, ScannedFile, Skipped, Unread},
    rule::{Class, Rule, Severity},
    trouble::Trouble,
};
