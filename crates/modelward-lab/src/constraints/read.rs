//! The rules as they are written: TOML 1.1, read strictly, since a misspelt key that is ignored
//! allows what the user meant to forbid.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::ops::Range;

use modelward_engine::{Kind, Result, Trouble};
use num_traits::Signed;
use toml_edit::{Document, Item, TableLike};

use super::feature::Feature;
use crate::exact::{self, Rational};

/// The most bytes of rules.
const BYTES: usize = 64 << 20;

const KEYS: [&str; 7] = ["min", "max", "step", "kind", "immutable", "increase_only", "cost"];

/// What was read.
pub(super) struct Rules {
    pub(super) features: Vec<Feature>,
    pub(super) groups: Vec<Vec<usize>>,
    pub(super) budget: Option<Rational>,
}

pub(super) fn rules(text: &str, names: &[String], count: usize) -> Result<Rules> {
    if text.len() > BYTES {
        return Err(Trouble::limit(format!("expected rules of at most {BYTES} bytes")));
    }
    let reader = Reader { text };
    let document = Document::parse(text).map_err(|error| {
        let message = error.message().replace('\n', ", ");
        reader.wrong(error.span(), format!("cannot read this as TOML: {message}"))
    })?;
    let top = document.as_table();
    reader.keys(top, &["budget", "default", "feature"])?;
    let budget = top.get("budget").map(|item| reader.positive(item, "budget")).transpose()?;
    let mut groups = Groups::default();
    let mut default = Feature::free();
    if let Some(item) = top.get("default") {
        let table = reader.table(item, "default")?;
        if let Some(kind) = table.get("kind").filter(|kind| group_of(kind).is_some()) {
            return Err(reader.wrong(kind.span(), "a group has a list of features, not all".into()));
        }
        reader.feature(table, &mut default, &mut groups, None)?;
        reader.agree(&default, item.span())?;
    }
    let mut features = vec![default; count];
    let mut seen = vec![false; count];
    if let Some(item) = top.get("feature") {
        for (key, item) in reader.table(item, "feature")?.iter() {
            let at = place(key, names, count).map_err(|(why, help)| {
                let trouble = reader.wrong(item.span(), why);
                match help {
                    Some(help) => trouble.help(help),
                    None => trouble,
                }
            })?;
            let (Some(feature), Some(seen)) = (features.get_mut(at), seen.get_mut(at)) else {
                continue;
            };
            if std::mem::replace(seen, true) {
                let why = format!("feature {at} stands twice, by its name and by its number");
                return Err(reader.wrong(item.span(), why));
            }
            let table = reader.table(item, key)?;
            reader.feature(table, feature, &mut groups, Some(at))?;
            reader.agree(feature, item.span())?;
        }
    }
    let groups = groups.members();
    for (name, members) in &groups {
        if members.len() < 2 {
            let why = format!("expected two features or more in the group `{name}`");
            return Err(reader.wrong(None, why));
        }
    }
    Ok(Rules { features, groups: groups.into_iter().map(|(_, members)| members).collect(), budget })
}

/// Groups by the names they are given.
#[derive(Default)]
struct Groups {
    names: Vec<String>,
    members: Vec<(usize, usize)>,
}

impl Groups {
    fn join(&mut self, name: &str, feature: usize) -> usize {
        let known = self.names.iter().position(|known| known == name);
        let group = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len().saturating_sub(1)
        });
        self.members.push((group, feature));
        group
    }

    /// Each group's features, in their order.
    fn members(mut self) -> Vec<(String, Vec<usize>)> {
        self.members.sort_unstable();
        let mut groups = self.names.into_iter().map(|name| (name, Vec::new())).collect::<Vec<_>>();
        for (group, feature) in self.members {
            if let Some((_, members)) = groups.get_mut(group) {
                members.push(feature);
            }
        }
        groups
    }
}

/// Which feature a key names.
fn place(
    key: &str,
    names: &[String],
    count: usize,
) -> std::result::Result<usize, (String, Option<String>)> {
    let mut named = names.iter().take(count).enumerate().filter(|(_, name)| *name == key);
    match (named.next(), named.next()) {
        (Some((at, _)), None) => return Ok(at),
        (Some(_), Some(_)) => {
            let help = "name it by its number, from 0".to_owned();
            return Err((format!("two columns are named `{key}`"), Some(help)));
        }
        (None, _) => {}
    }
    match key.parse::<usize>() {
        Ok(at) if at < count => Ok(at),
        Ok(_) => Err((
            format!("expected a feature from 0 to {}, got {key}", count.saturating_sub(1)),
            None,
        )),
        Err(_) => {
            let near = near(key, names.iter().map(String::as_str));
            let help = near.unwrap_or_else(|| match names {
                [] => "the data name no columns: say their number, from 0".into(),
                _ => "a feature is a column's name, or its number from 0".into(),
            });
            Err((format!("no column is named `{key}`"), Some(help)))
        }
    }
}

/// A name that may have been meant.
fn near<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let best = known
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.8);
    best.map(|(_, name)| format!("did you mean `{name}`?"))
}

/// The name of a one-hot group.
fn group_of(kind: &Item) -> Option<&str> {
    kind.as_str()?.strip_prefix("onehot:")
}

/// Reads items, and says where what is wrong with them stands.
struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn feature(
        &self,
        table: &dyn TableLike,
        feature: &mut Feature,
        groups: &mut Groups,
        at: Option<usize>,
    ) -> Result<()> {
        self.keys(table, &KEYS)?;
        if let Some(item) = table.get("kind") {
            let kind = item.as_str().unwrap_or_default();
            match (kind, group_of(item), at) {
                ("float", ..) => feature.step = None,
                ("int", ..) => feature.step = Some(exact::one()),
                (_, Some(name), Some(at)) if !name.is_empty() => {
                    feature.group = Some(groups.join(name, at));
                    // A group knows no steps: what all features have by default is not meant.
                    feature.step = None;
                }
                _ => {
                    let why = "expected the kind `float`, `int` or `onehot:GROUP`".to_owned();
                    let trouble = self.wrong(item.span(), why);
                    return Err(match near(kind, ["float", "int", "onehot:"].into_iter()) {
                        Some(help) => trouble.help(help),
                        None => trouble,
                    });
                }
            }
        }
        if let Some(item) = table.get("min") {
            feature.min = Some(self.number(item, "min")?);
        }
        if let Some(item) = table.get("max") {
            feature.max = Some(self.number(item, "max")?);
        }
        if let Some(item) = table.get("step") {
            let whole = table.get("kind").and_then(Item::as_str) == Some("int");
            let step = self.positive(item, "step")?;
            if step == exact::one() - exact::one() {
                return Err(self.wrong(item.span(), "expected a `step` above 0".into()));
            }
            if whole && !step.is_integer() {
                let why = "expected a whole `step` of a feature of kind `int`".into();
                return Err(self.wrong(item.span(), why));
            }
            feature.step = Some(step);
        }
        if table.get("kind").and_then(Item::as_str) == Some("int") {
            // Bounds between whole numbers would move all steps off them.
            feature.min = feature.min.take().map(|min| min.ceil());
            feature.max = feature.max.take().map(|max| max.floor());
        }
        if let Some(item) = table.get("cost") {
            feature.cost = self.positive(item, "cost")?;
        }
        if let Some(item) = table.get("immutable") {
            feature.immutable = self.truth(item, "immutable")?;
        }
        if let Some(item) = table.get("increase_only") {
            feature.increase_only = self.truth(item, "increase_only")?;
        }
        Ok(())
    }

    /// Refuse rules of one feature that contradict each other.
    fn agree(&self, feature: &Feature, span: Option<Range<usize>>) -> Result<()> {
        if let (Some(min), Some(max)) = (&feature.min, &feature.max)
            && min > max
        {
            let (min, max) = (exact::float(min), exact::float(max));
            return Err(self.wrong(span, format!("its min {min} is above its max {max}")));
        }
        if feature.group.is_some() && feature.step.is_some() {
            return Err(self.wrong(span, "a feature of a group is 0 or 1 and has no step".into()));
        }
        Ok(())
    }

    fn keys(&self, table: &dyn TableLike, known: &[&str]) -> Result<()> {
        for (key, item) in table.iter() {
            if !known.contains(&key) {
                let span = table.key(key).and_then(|key| key.span()).or(item.span());
                let help = near(key, known.iter().copied())
                    .unwrap_or_else(|| format!("the keys here are {}", known.join(", ")));
                return Err(self.wrong(span, format!("unknown key `{key}`")).help(help));
            }
        }
        Ok(())
    }

    fn table<'t>(&self, item: &'t Item, key: &str) -> Result<&'t dyn TableLike> {
        item.as_table_like().ok_or_else(|| {
            let found = item.type_name();
            self.wrong(item.span(), format!("expected a table under `{key}`, got {found}"))
        })
    }

    fn truth(&self, item: &Item, key: &str) -> Result<bool> {
        item.as_bool().ok_or_else(|| {
            let found = item.type_name();
            self.wrong(item.span(), format!("expected true or false for `{key}`, got {found}"))
        })
    }

    fn positive(&self, item: &Item, key: &str) -> Result<Rational> {
        let number = self.number(item, key)?;
        if number.is_negative() {
            return Err(self.wrong(item.span(), format!("expected a `{key}` of at least 0")));
        }
        Ok(number)
    }

    /// A number exactly as its digits say; a fraction stands in quotes.
    fn number(&self, item: &Item, key: &str) -> Result<Rational> {
        let text = if let Some(text) = item.as_str() {
            text.to_owned()
        } else if let Some(whole) = item.as_integer() {
            whole.to_string()
        } else if item.is_float() {
            let written = item.span().and_then(|span| self.text.get(span)).unwrap_or_default();
            written.trim().replace('_', "")
        } else {
            let found = item.type_name();
            return Err(
                self.wrong(item.span(), format!("expected a number for `{key}`, got {found}"))
            );
        };
        exact::parse(&text).map_err(|why| {
            let trouble = self.wrong(item.span(), format!("`{key}`: {why}"));
            trouble.help("what has no bound is left out")
        })
    }

    fn wrong(&self, span: Option<Range<usize>>, why: String) -> Trouble {
        let Some(span) = span else { return Trouble::new(Kind::Input, why) };
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let column = column.saturating_add(1);
        Trouble::new(Kind::Input, format!("{why}, at line {line}, column {column}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Rules> {
        let names = ["age", "income", "de", "fr"].map(String::from);
        rules(text, &names, 4)
    }

    #[test]
    fn rules_are_what_they_say() {
        let rules = read(
            "budget = \"25/2\"\n[default]\nmin = 0\nmax = 0.1\nkind = \"int\"\n\
             [feature.age]\nmin = 17.5\nmax = 1_00.5\nkind = \"int\"\nincrease_only = true\ncost = 0.1\n\
             [feature.1]\nkind = \"float\"\nstep = 0.01\nimmutable = true\n\
             [feature.fr]\nkind = \"onehot:land\"\n[feature.de]\nkind = \"onehot:land\"\n",
        );
        let rules = rules.unwrap();
        let number = |text| Some(exact::parse(text).unwrap());
        assert_eq!(rules.budget, number("12.5"));
        assert_eq!(rules.groups, [[2, 3]]);
        let [age, income, de, _] = &rules.features[..] else { panic!() };
        assert_eq!((&age.min, &age.max, &age.step), (&number("18"), &number("100"), &number("1")));
        assert!(age.increase_only && age.cost == number("0.1").unwrap());
        assert_eq!((&income.step, income.immutable), (&number("1/100"), true));
        assert_eq!((&de.step, de.group), (&None, Some(0)));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, words, help) in [
            ("[feature.agee]\nmin = 0\n", "no column is named `agee`", "did you mean `age`?"),
            ("[feature.9]\nmin = 0\n", "from 0 to 3, got 9", ""),
            ("[feature.age]\nmim = 0\n", "unknown key `mim`, at line 2, column 1", "`min`"),
            ("[feature.age]\nkind = \"intt\"\n", "expected the kind", "`int`"),
            ("[feature.age]\nmin = 2\nmax = 1\n", "above its max", ""),
            ("[feature.age]\nstep = 0\n", "above 0", ""),
            ("[feature.age]\nstep = 0.5\nkind = \"int\"\n", "whole `step`", ""),
            ("[feature.age]\nmax = inf\n", "expected a number", "left out"),
            ("[feature.age]\nmax = true\n", "got boolean", ""),
            ("[feature.age]\ncost = -1\n", "at least 0", ""),
            ("[feature.age]\nimmutable = 1\n", "true or false", ""),
            ("[feature.age]\n[feature.0]\n", "stands twice", ""),
            ("[feature.de]\nkind = \"onehot:land\"\n", "two features or more", ""),
            ("[default]\nkind = \"onehot:land\"\n", "not all", ""),
            ("budget = \n", "cannot read this as TOML", ""),
            ("feature = 1\n", "expected a table", ""),
        ] {
            let trouble = read(text).err().unwrap();
            assert!(trouble.to_string().contains(words), "{trouble}");
            assert!(trouble.help.unwrap_or_default().contains(help));
        }
    }
}
