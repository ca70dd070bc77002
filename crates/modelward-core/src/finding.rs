//! What is wrong here.

use crate::{Evidence, Place, Rule, Severity};

/// A flaw that was found at a place.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule it breaks.
    pub rule: &'static Rule,
    /// How bad it is here: the rule's severity, unless the check knows better.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What was found, in one line, lower case, no full stop.
    pub message: String,
    /// Why we believe it.
    pub evidence: Evidence,
    /// What the user would add to the policy to let exactly this through, where that is possible.
    pub allow: Option<String>,
}

/// Where a check puts what it finds.
///
/// It is bound to one rule and one place, so a check can report only under its own rule. Past
/// [`Findings::MOST`] findings of one rule in one place the rest is counted, not kept: a hostile
/// file cannot fill the memory with its own flaws.
#[derive(Debug)]
pub struct Findings<'a> {
    rule: &'static Rule,
    place: &'a Place,
    list: &'a mut Vec<Finding>,
    reported: usize,
}

impl<'a> Findings<'a> {
    /// The most findings of one rule that are kept for one place.
    pub const MOST: usize = 50;

    /// Collect findings of `rule` at `place` into `list`.
    pub fn new(rule: &'static Rule, place: &'a Place, list: &'a mut Vec<Finding>) -> Self {
        Self { rule, place, list, reported: 0 }
    }

    /// The severity of the rule.
    pub fn severity(&self) -> Severity {
        self.rule.severity
    }

    /// Report one finding at the rule's own severity, with the evidence for it.
    pub fn report(&mut self, message: impl Into<String>, evidence: Evidence) {
        self.report_as(self.rule.severity, message, evidence);
    }

    /// Report one finding that is milder or worse here than its rule is in general.
    pub fn report_as(
        &mut self,
        severity: Severity,
        message: impl Into<String>,
        evidence: Evidence,
    ) {
        self.push(severity, message.into(), evidence, None);
    }

    /// Report one finding, and say what in the policy would let exactly this through.
    pub fn report_allowable(
        &mut self,
        message: impl Into<String>,
        evidence: Evidence,
        allow: impl Into<String>,
    ) {
        self.push(self.rule.severity, message.into(), evidence, Some(allow.into()));
    }

    fn push(
        &mut self,
        severity: Severity,
        message: String,
        evidence: Evidence,
        allow: Option<String>,
    ) {
        self.reported = self.reported.saturating_add(1);
        if self.reported > Self::MOST {
            return;
        }
        let place = self.place.clone();
        self.list.push(Finding { rule: self.rule, severity, place, message, evidence, allow });
    }
}

impl Drop for Findings<'_> {
    fn drop(&mut self) {
        let kept = Self::MOST;
        let (Some(more), Some(last)) = (self.reported.checked_sub(kept), self.list.last_mut())
        else {
            return;
        };
        if more > 0 {
            last.message.push_str(&format!(" (and {more} more of this rule here)"));
        }
    }
}
