//! Every rule that modelward can report, and how a user's spelling finds one.

use std::sync::LazyLock;

use modelward_core::{Class, Rule, Severity};

/// Every rule, by number.
pub fn rules() -> &'static [&'static Rule] {
    &RULES
}

/// The rule of this id or name, whatever its case.
pub fn rule(word: &str) -> Option<&'static Rule> {
    let is_meant =
        |rule: &&&Rule| rule.id.eq_ignore_ascii_case(word) || rule.name.eq_ignore_ascii_case(word);
    rules().iter().find(is_meant).copied()
}

/// What becomes of a rule's findings under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetThrough {
    /// A policy can let them through.
    Yes,
    /// A policy can, and what lies behind the limit stays unread. The option that raises the limit.
    Limit(Option<&'static str>),
    /// It is a gap and no finding: what was not read is not proven harmless, whoever allows it.
    No,
}

/// Whether a policy can let a rule's findings through.
pub fn let_through(rule: &Rule) -> LetThrough {
    match rule.id.get(..4) {
        Some("MW00") => LetThrough::No,
        Some("MW01") => {
            LetThrough::Limit(rule.advice.split('`').find(|word| word.starts_with("--max-")))
        }
        _ => LetThrough::Yes,
    }
}

/// The word of a list that comes nearest to what the user wrote, where one comes near at all.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let near = |word: &str| strsim::jaro_winkler(&written, &word.to_lowercase());
    let scored = known.into_iter().map(|word| (near(word), word));
    let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (best.0 > 0.8).then_some(best.1)
}

/// A policy is the user's own word on what to let through; one that comes with the model is
/// somebody else's.
pub(crate) static POLICY_INSIDE_TARGET: Rule = Rule {
    id: "MW1009",
    name: "policy-inside-target",
    severity: Severity::Medium,
    title: "a policy for modelward comes with the model",
    why: "A `modelward.toml` inside the target is written by whoever made the target. If it were \
          obeyed, a model could excuse itself, so it is not: policies are read from the working \
          directory or from where `--policy` says. A model that ships one may be trying to be let \
          through.",
    advice: "Remove it; if it is your own, keep it outside the model, or name it with `--policy`.",
    class: Class::Integrity,
    cwe: &[807],
};

static RULES: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let mut rules = modelward_scan::rules();
    rules.extend(modelward_data::rules::RULES);
    rules.extend(modelward_lab::rules::RULES);
    rules.push(&POLICY_INSIDE_TARGET);
    rules.sort_by_key(|rule| rule.id);
    rules
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_by_id_and_by_name_and_no_two_are_alike() {
        for each in rules() {
            assert!(std::ptr::eq(rule(each.id).unwrap(), *each), "{}", each.id);
            assert!(std::ptr::eq(rule(&each.name.to_uppercase()).unwrap(), *each), "{}", each.id);
        }
    }

    #[test]
    fn a_gap_is_never_let_through_and_a_limit_names_its_option() {
        let of = |id| let_through(rule(id).unwrap());
        assert_eq!(of("MW0001"), LetThrough::No);
        assert_eq!(of("MW0107"), LetThrough::Limit(Some("--max-time")));
        assert_eq!(of("MW0108"), LetThrough::Limit(None));
        assert_eq!(of("MW1009"), LetThrough::Yes);
    }

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let known = ["medium", "high", "critical"];
        assert_eq!(nearest("meduim", known), Some("medium"));
        assert_eq!(nearest("xyz", known), None);
    }
}
