//! The threats that the project exists for, each with the rules that cover it.

use std::fmt::Write;

use modelward::{Rule, rules, standards};

use super::Pages;

pub(super) fn page(pages: &mut Pages) {
    let mut text = String::from(HEAD);
    for (row, threat) in THREATS {
        let covered = rules().iter().filter(|rule| covers(rule, row)).collect::<Vec<_>>();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "## {row}: {threat}\n");
        if covered.is_empty() {
            text.push_str("No rule covers this yet.\n\n");
            continue;
        }
        for Rule { id, name, title, .. } in covered {
            let _ = writeln!(text, "- [{id}](rules/{id}.md) `{name}`: {title}");
        }
        text.push('\n');
    }
    let text = text.trim_end().to_owned() + "\n";
    pages.insert("docs/threats.md".into(), text.into_bytes());
}

fn covers(rule: &Rule, row: &str) -> bool {
    standards(rule.class).rows.iter().any(|each| each == row)
}

const HEAD: &str = "\
# Threats, and the rules that cover them

Generated from the rules' threat classes and `rules/taxonomy.toml`. A threat that nothing covers
yet is listed all the same.

";

const THREATS: [(&str, &str); 11] = [
    ("T1", "adversarial examples: small changes of the input, a wrong answer"),
    ("T2", "data poisoning: mislabelled, biased, triggered, duplicated training rows"),
    ("T3", "model inversion, membership and attribute inference"),
    ("T4", "extraction and reverse engineering of the decision logic"),
    ("T5", "supply chain: malicious code and backdoors in model files, code and dependencies"),
    ("T6", "no verification of the integrity of code, data and weights"),
    ("T7", "weak access control, exposed services, denial of service"),
    ("T8", "manipulated chatbots: injection, leaked prompts, wrong facts"),
    ("T9", "nobody watches the model after release"),
    ("T10", "no shared standards: practices, audits, disclosure, regulation"),
    ("T11", "data that cannot leave its owners"),
];
