//! `modelward explain`: the record of a rule, offline.

use std::io::{self, Write};

use clap::Args;
use modelward_core::Rule;

use crate::{LetThrough, cli::Failure, let_through, nearest, rule, rules, standards};

/// Explain a rule: what it finds, why that is a danger, what to do.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The rule's number or name.
    #[arg(value_name = "RULE")]
    rule: String,
}

const EXAMPLES: &str = "\
Examples:
  modelward explain MW0101
  modelward explain deep-nesting";

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let found = find(&arguments.rule)?;
    write(found, &mut io::stdout().lock()).map_err(|error| Failure::output(&error))?;
    Ok(0)
}

/// The rule that the user named, or a near one to suggest.
pub(super) fn find(word: &str) -> Result<&'static Rule, Failure> {
    rule(word).ok_or_else(|| {
        let names = rules().iter().flat_map(|rule| [rule.name, rule.id]);
        let failure = Failure::new(format!("unknown rule `{word}`"));
        match nearest(word, names) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help("`modelward rules` lists them"),
        }
    })
}

fn write(rule: &Rule, out: &mut dyn Write) -> io::Result<()> {
    let Rule { id, name, severity, title, why, advice, class, cwe } = rule;
    writeln!(out, "{severity}[{id}] {name}: {title}\n")?;
    writeln!(out, "{}\n", fold(why))?;
    writeln!(out, "What to do: {}\n", fold(advice))?;
    let standards = standards(*class);
    writeln!(out, "Threat: {} ({})", standards.threat, class.name())?;
    let weaknesses = if cwe.is_empty() { standards.cwe.as_slice() } else { cwe };
    let weaknesses = weaknesses.iter().map(|number| format!("CWE-{number}"));
    for id in weaknesses.chain(standards.ids.iter().cloned()) {
        writeln!(out, "  {id}")?;
    }
    let through = let_through(rule);
    if let LetThrough::Limit(option) = through {
        writeln!(out, "\n{}", fold(&limit(option)))?;
    }
    if through != LetThrough::No {
        writeln!(out, "\nTo let it through, say why in `modelward.toml`:\n")?;
        writeln!(
            out,
            "  [[allow]]\n  rule = \"{name}\"\n  path = \"the/file\"\n  reason = \"...\""
        )?;
    }
    Ok(())
}

/// What a policy does not change about a limit that was hit.
fn limit(option: Option<&str>) -> String {
    let unread = "What lies behind the limit was not read, and stays so whatever a policy lets \
                  through: the run ends with exit code 3.";
    let raise = option.map(|option| format!(" To have it read, raise the limit: `{option}`."));
    format!("{unread}{}", raise.unwrap_or_default())
}

/// The text in lines of at most 90 characters.
fn fold(text: &str) -> String {
    let mut folded = String::new();
    let mut column = 0_usize;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column.saturating_add(width) >= LINE {
            folded.push('\n');
            column = 0;
        } else if column > 0 {
            folded.push(' ');
            column = column.saturating_add(1);
        }
        folded.push_str(word);
        column = column.saturating_add(width);
    }
    folded
}

const LINE: usize = 90;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_explained() {
        for rule in rules() {
            let mut out = Vec::new();
            write(rule, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains("CWE-") && text.contains("OWASP"), "{text}");
        }
    }

    #[test]
    fn only_what_can_be_let_through_says_how() {
        for (name, how, option) in
            [("MW0001", false, ""), ("MW0101", true, "`--max-depth`."), ("MW1009", true, "")]
        {
            let mut out = Vec::new();
            write(rule(name).unwrap(), &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.contains("To let it through"), how, "{text}");
            assert!(text.contains(option), "{text}");
        }
    }

    #[test]
    fn a_misspelt_rule_gives_a_near_one() {
        let failure = find("deep-nestign").unwrap_err();
        assert_eq!(failure.help.as_deref(), Some("did you mean `deep-nesting`?"));
    }
}
