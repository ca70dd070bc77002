//! `modelward policy add`: one more entry in the policy file, which keeps its comments.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use super::AddArguments;
use crate::{
    cli::{
        Failure, explain, output,
        street::{read_policy, read_text},
    },
    listing::shown,
    parse_policy,
};

pub(super) fn run(arguments: &AddArguments) -> Result<(), Failure> {
    let AddArguments { entry, reason, path, policy } = arguments;
    let there = policy.symlink_metadata().is_ok();
    let text = if there {
        read_policy(policy)?;
        read_text(policy)?
    } else {
        String::new()
    };
    let (list, added) = addition(entry, reason, path.as_deref())?;
    let text = with(&text, list, added).map_err(|why| Failure::new(why).at(shown(policy)))?;
    parse_policy(&text).map_err(|error| Failure::new(error.message).at(shown(policy)))?;
    output::replace(policy, |out| out.write_all(text.as_bytes()))
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
        table.insert("rule", value(explain::find(entry.trim())?.name));
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
    }
}
