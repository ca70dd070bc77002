//! What was not read, by kind: what to do about a gap depends on its kind, not on its place.

use std::collections::HashSet;

use modelward_core::{Report, Rule, Unread};

use crate::rule;

/// Gaps of one kind.
pub(crate) struct Kind<'a> {
    /// The rule that speaks of it, with the advice.
    pub(crate) rule: &'static Rule,
    /// The gaps, in the order of their places; there is at least one.
    pub(crate) gaps: Vec<&'a Unread>,
}

/// The gaps by kind, by the number of its rule; at most so many gaps.
pub(crate) fn by_kind(report: &Report, most: usize) -> Vec<Kind<'_>> {
    let mut unread = report.unread.iter().collect::<Vec<_>>();
    unread.sort_by_key(|gap| gap.rule);
    unread.truncate(most);
    let kinds = unread.chunk_by(|a, b| a.rule == b.rule).filter_map(|gaps| {
        let rule = rule(gaps.first()?.rule)?;
        Some(Kind { rule, gaps: gaps.to_vec() })
    });
    kinds.collect()
}

/// How many files were read, be it in part: those that could not even be opened were not.
pub(crate) fn files_read(report: &Report) -> usize {
    let refused = report.unread.iter().filter(|gap| UNOPENED.contains(&gap.rule));
    let refused = refused.filter(|gap| gap.place.steps().is_empty());
    let refused = refused.map(|gap| gap.place.path()).collect::<HashSet<_>>();
    // A file that was opened has a format, or bytes.
    let read = report.files.iter().filter(|file| {
        file.bytes > 0 || file.format != "unknown" || !refused.contains(file.path.as_str())
    });
    read.count()
}

/// The rules of files that were not opened.
const UNOPENED: [&str; 2] = ["MW0006", "MW0007"];
