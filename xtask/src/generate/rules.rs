//! A page for each rule, and the list of them.

use std::fmt::Write;

use modelward::{LetThrough, Rule, let_through, rules, standards};

use super::Pages;

pub(super) fn pages(pages: &mut Pages) {
    for rule in rules() {
        pages.insert(format!("docs/rules/{}.md", rule.id).into(), page(rule).into_bytes());
    }
    pages.insert("docs/rules/index.md".into(), index().into_bytes());
}

fn page(rule: &Rule) -> String {
    let Rule { id, name, severity, title, why, advice, class, cwe } = rule;
    let standards = standards(*class);
    let cwe = if cwe.is_empty() { standards.cwe.as_slice() } else { cwe };
    let weaknesses = cwe.iter().map(|number| {
        format!("[CWE-{number}](https://cwe.mitre.org/data/definitions/{number}.html)")
    });
    let ids = weaknesses.chain(standards.ids.iter().cloned());
    let ids = ids.fold(String::new(), |list, id| list + "- " + &id + "\n");
    format!(
        "# {id} `{name}`\n\n**{severity}**: {title}\n\n{why}\n\n\
         ## What to do\n\n{advice}\n\n\
         {policy}\
         ## In other words\n\nThreat class `{class}`: {threat}.\n\n{ids}",
        policy = policy(rule),
        class = class.name(),
        threat = standards.threat,
    )
}

/// How the rule is let through, where a policy can do that.
fn policy(rule: &Rule) -> String {
    let limit = match let_through(rule) {
        LetThrough::No => return String::new(),
        LetThrough::Yes => String::new(),
        LetThrough::Limit(option) => {
            let raise =
                option.map(|option| format!(" To have it read, raise the limit: `{option}`."));
            format!(
                "What lies behind the limit was not read, and stays so whatever a policy lets through: \
                 the run ends with exit code 3.{}\n\n",
                raise.unwrap_or_default()
            )
        }
    };
    let name = rule.name;
    format!(
        "## To let it through\n\n{limit}In `modelward.toml` in the working directory, with your reason:\n\n\
         ```toml\n[[allow]]\nrule = \"{name}\"\npath = \"the/file\"\nreason = \"why it is let through\"\n```\n\n"
    )
}

fn index() -> String {
    let mut text = String::from(
        "# Rules\n\nGenerated from the rules' own records. A number or a name is never reused.\n\n\
         | rule | name | severity | what it says |\n|---|---|---|---|\n",
    );
    for Rule { id, name, severity, title, .. } in rules() {
        let title = title.replace('|', "\\|");
        // Writing to a text cannot fail.
        let _ = writeln!(text, "| [{id}]({id}.md) | `{name}` | {severity} | {title} |");
    }
    text
}
