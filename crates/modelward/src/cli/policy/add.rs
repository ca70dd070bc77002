//! `modelward policy add`: one more entry in the policy file, which keeps its comments.

use modelward_core::Policy;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::AddArguments;
use crate::{
    LetThrough,
    cli::{
        Failure, Screen, explain, output,
        reporting::{read_policy, read_text},
    },
    let_through,
    listing::shown,
    parse_policy,
};

pub(super) fn run(arguments: &AddArguments, screen: Screen) -> Result<(), Failure> {
    let AddArguments { entry, reason, path, policy } = arguments;
    let (known, text) = match policy.symlink_metadata() {
        Ok(_) => (read_policy(policy)?, read_text(policy)?),
        Err(_) => (Policy::default(), String::new()),
    };
    let (list, added) = addition(entry, reason, path.as_deref())?;
    let text = with(&text, list, added).map_err(|why| Failure::new(why).at(shown(policy)))?;
    let wanted =
        parse_policy(&text).map_err(|error| Failure::new(error.message).at(shown(policy)))?;
    if let Some(reason) = reason_of_last(&wanted, &known) {
        let message = format!("`{}` is let through already, and nothing is changed", entry.trim());
        let known = format!("the reason that stands there is \"{reason}\"");
        output::note(&Failure::new(message).at(shown(policy)).help(known), screen);
        return Ok(());
    }
    output::replace(policy, |out| out.write_all(text.as_bytes()))
}

/// The reason that a policy has for what was added last, where it has that already.
fn reason_of_last<'a>(wanted: &Policy, known: &'a Policy) -> Option<&'a str> {
    let words = |entry: &str| entry.split_whitespace().collect::<Vec<_>>().join(" ");
    if wanted.rules.len() > known.rules.len() {
        let last = wanted.rules.last()?;
        let same = known.rules.iter().find(|k| (&k.rule, &k.path) == (&last.rule, &last.path));
        return same.map(|known| known.reason.as_str());
    }
    let last = wanted.names.last()?;
    let same = known.names.iter().find(|known| words(&known.entry) == words(&last.entry));
    same.map(|known| known.reason.as_str())
}

/// The list that an entry belongs to, and the entry. A rule is one word, a name has a space.
fn addition(
    entry: &str,
    reason: &str,
    path: Option<&str>,
) -> Result<(&'static str, Table), Failure> {
    let mut table = Table::new();
    let list = if entry.trim().contains(' ') {
        if path.is_some() {
            return Err(Failure::new("expected `--path` with a rule only, found it with a name"));
        }
        table.insert("entry", value(entry.trim()));
        "pickle"
    } else {
        let rule = explain::find(entry.trim())?;
        if let_through(rule) == LetThrough::No {
            let message = format!("expected a rule that can be let through, found `{}`", rule.id);
            return Err(Failure::new(message).help(
                "what was not read is not proven harmless; where gaps may pass, accept exit code 3",
            ));
        }
        table.insert("rule", value(rule.name));
        path.map(|path| table.insert("path", value(path)));
        "allow"
    };
    table.insert("reason", value(reason));
    Ok((list, table))
}

fn with(text: &str, list: &str, added: Table) -> Result<String, String> {
    let mut document = text.parse::<DocumentMut>().map_err(|error| error.message().to_owned())?;
    let item = document.entry(list).or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let tables = item
        .as_array_of_tables_mut()
        .ok_or_else(|| format!("expected a list of tables under `{list}`"))?;
    tables.push(added);
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_stays_and_what_is_added_is_read_back() {
        let text = "# ours\ndeny = \"high\" # strict\n";
        let (list, added) = addition("my.package Settings : class", "ours", None).unwrap();
        let text = with(text, list, added).unwrap();
        let (list, added) = addition("MW1009", "fixture", Some("a/modelward.toml")).unwrap();
        let text = with(&text, list, added).unwrap();
        assert!(text.starts_with("# ours\ndeny = \"high\" # strict\n"), "{text}");
        let policy = parse_policy(&text).unwrap();
        assert_eq!(policy.names[0].entry, "my.package Settings : class");
        assert_eq!(policy.rules[0].path.as_deref(), Some("a/modelward.toml"));
    }

    #[test]
    fn an_unknown_rule_is_not_written_down() {
        assert!(addition("MW9999", "x", None).is_err());
        assert!(addition("unknown-format", "x", None).unwrap_err().message.contains("MW0001"));
    }
}
