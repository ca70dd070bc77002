//! Findings by cause, so that five hundred equal ones do not bury the one that differs.

use std::cmp::Reverse;

use modelward_core::{Evidence, Finding, Report, Rule, Severity, Verdict};

/// Findings of one rule that show the same thing, at however many places.
pub(crate) struct Group<'a> {
    /// The rule.
    pub(crate) rule: &'static Rule,
    /// How bad they are.
    pub(crate) severity: Severity,
    /// What the policy made of them.
    pub(crate) verdict: &'a Verdict,
    /// The findings, in the order of their places; there is at least one.
    pub(crate) findings: Vec<&'a Finding>,
}

/// The findings that are not let through, by cause, the worst first.
pub(crate) fn by_cause(report: &Report) -> Vec<Group<'_>> {
    let shown_ones = report.judged.iter().filter(|(_, v)| !matches!(v, Verdict::Allow(_)));
    let mut judged = shown_ones.collect::<Vec<_>>();
    let cause = |finding: &Finding| (Reverse(finding.severity), finding.rule.id, shown(finding));
    judged.sort_by_cached_key(|(finding, _)| (cause(finding), finding.place.clone(), at(finding)));
    let groups = judged.chunk_by(|(a, _), (b, _)| cause(a) == cause(b)).filter_map(|chunk| {
        let (first, verdict) = chunk.first()?;
        let findings = chunk.iter().map(|(finding, _)| finding).collect();
        Some(Group { rule: first.rule, severity: first.severity, verdict, findings })
    });
    let mut groups = groups.collect::<Vec<_>>();
    groups.sort_by_cached_key(|group| {
        let first = group.findings.first().map(|first| (first.place.clone(), at(first)));
        (Reverse(group.severity), group.rule.id, first)
    });
    groups
}

/// What a finding shows, wherever it stands.
pub(crate) fn shown(finding: &Finding) -> String {
    match &finding.evidence {
        Evidence::Bytes { shown, .. } => shown.clone(),
        Evidence::Measured { what, value, limit } => {
            format!("{what}: {} (limit {limit})", measured(*value))
        }
        Evidence::Absent { looked_for } => format!("no {looked_for}"),
    }
}

/// Where in its piece a finding stands, where that is a byte.
pub(crate) fn at(finding: &Finding) -> Option<u64> {
    match finding.evidence {
        Evidence::Bytes { at, .. } => Some(at),
        Evidence::Measured { .. } | Evidence::Absent { .. } => None,
    }
}

/// A word for one or for many.
pub(crate) fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.into() } else { format!("{word}s") }
}

/// As much of a text as a person reads.
pub(crate) fn brief(text: &str) -> String {
    let mut letters = text.chars();
    let mut brief = letters.by_ref().take(LETTERS).collect::<String>();
    if let more @ 1.. = letters.count() {
        brief.push_str(&format!(" ... ({more} more characters)"));
    }
    brief
}

/// Characters of one text out of a file.
const LETTERS: usize = 400;

/// A number for people: what is very small is no row of noughts.
fn measured(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-4 { format!("{value:.1e}") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_measured_is_written_for_people() {
        let written = [0.0, 2.0, 0.25, 1.04e-23].map(super::measured);
        assert_eq!(written, ["0", "2", "0.25", "1.0e-23"]);
    }
}
