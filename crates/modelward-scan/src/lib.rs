//! Checks that read: what can be told about a model without running it.
//!
//! One file a check. To add one, write its file beside its family, and name it in the family's
//! list; nothing else changes.

use std::any::Any;

use modelward_core::{Finding, Findings, Place, Rule};
use modelward_formats::Asset;

mod archive;
mod code;
mod compiled;
mod config;
mod container;
mod examine;
mod file;
mod needs;
mod onnx;
mod pickle;
pub mod provenance;
mod secrets;
mod template;
mod unread;
mod weights;

pub use crate::{
    examine::{Context, Examined, check_name, examine, examine_data, examine_tree, refused},
    needs::{Beside, Need},
};

/// Every family of checks.
const FAMILIES: &[&[Entry]] = &[
    pickle::CHECKS,
    archive::CHECKS,
    weights::CHECKS,
    onnx::CHECKS,
    template::CHECKS,
    config::CHECKS,
    code::CHECKS,
    secrets::CHECKS,
];

/// A flaw that can be seen in one kind of asset.
pub(crate) trait Check {
    /// The kind of asset that the check reads.
    type Asset: Asset;

    /// The rule that its findings break.
    const RULE: Rule;

    /// Look at one asset, and report what is wrong with it.
    fn check(asset: &Self::Asset, out: &mut Findings<'_>);

    /// Samples that hold the check to its word. A check without them does not compile.
    #[cfg(test)]
    fn samples() -> Samples;

    /// What the samples are called, for a check that looks at names too.
    #[cfg(test)]
    fn sample_name() -> &'static str {
        "sample"
    }
}

/// Every rule that a scan can report, by number.
pub fn rules() -> Vec<&'static Rule> {
    let checked = FAMILIES.iter().copied().flatten().map(|entry| entry.rule);
    let known = unread::RULES.iter().chain(provenance::RULES.iter().copied());
    let mut rules = known.chain(checked).collect::<Vec<_>>();
    rules.sort_by_key(|rule| rule.id);
    rules
}

/// How many checks there are.
pub fn checks() -> usize {
    FAMILIES.iter().map(|family| family.len()).sum()
}

/// Run every check that reads this kind of asset.
fn scan(asset: &dyn Asset, place: &Place, list: &mut Vec<Finding>) {
    for entry in FAMILIES.iter().copied().flatten() {
        (entry.run)(asset, place, list);
    }
}

/// A check in the list, with its type forgotten.
pub(crate) struct Entry {
    rule: &'static Rule,
    run: fn(&dyn Asset, &Place, &mut Vec<Finding>),
    #[cfg(test)]
    samples: fn() -> Samples,
    #[cfg(test)]
    sample_name: fn() -> &'static str,
}

impl Entry {
    pub(crate) const fn of<C: Check>() -> Self {
        Self {
            rule: &C::RULE,
            run: |asset, place, list| {
                if let Some(asset) = (asset as &dyn Any).downcast_ref::<C::Asset>() {
                    C::check(asset, &mut Findings::new(&C::RULE, place, list));
                }
            },
            #[cfg(test)]
            samples: C::samples,
            #[cfg(test)]
            sample_name: C::sample_name,
        }
    }
}

/// Inputs on which a check must speak, and inputs on which it must keep silent.
#[cfg(test)]
pub(crate) struct Samples {
    pub(crate) fires: Vec<Vec<u8>>,
    pub(crate) silent: Vec<Vec<u8>>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Whether the rule fires on a file of these bytes, or on anything inside it.
    fn fires(entry: &Entry, bytes: &[u8]) -> bool {
        let place = Place::file((entry.sample_name)());
        let examined = examine(&place, &bytes.into(), &Context::default());
        examined.findings.iter().any(|finding| finding.rule.id == entry.rule.id)
    }

    #[test]
    fn every_check_is_true_to_its_samples() {
        let mut wrong = Vec::new();
        for entry in FAMILIES.iter().copied().flatten() {
            let (id, Samples { fires: bad, silent: good }) = (entry.rule.id, (entry.samples)());
            assert!(!bad.is_empty() && !good.is_empty(), "{id} needs both kinds of sample");
            let missed = bad.iter().filter(|bytes| !fires(entry, bytes));
            wrong.extend(missed.map(|bytes| format!("{id} missed {}", shown(bytes))));
            let alarms = good.iter().filter(|bytes| fires(entry, bytes));
            wrong.extend(alarms.map(|bytes| format!("{id} cried wolf at {}", shown(bytes))));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn shown(bytes: &[u8]) -> String {
        bytes.escape_ascii().to_string().chars().take(200).collect()
    }

    #[test]
    fn every_rule_is_named_once_and_written_in_full() {
        let mut seen = BTreeSet::new();
        for rule in rules() {
            let id = rule.id;
            assert!(seen.insert(id) && seen.insert(rule.name), "{id} is taken");
            assert!(rule.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{id}");
            let starts_low = rule.title.starts_with(|c: char| !c.is_uppercase());
            assert!(starts_low && !rule.title.ends_with('.'), "{id}: one line, no full stop");
            assert!(rule.why.ends_with('.') && rule.advice.ends_with('.'), "{id}: full stops");
        }
    }
}
