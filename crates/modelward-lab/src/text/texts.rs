//! Texts with their labels: a table (comma, tab or semicolon), or a JSON object a line.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::{BTreeSet, HashMap};

use csv::{ReaderBuilder, StringRecord};
use modelward_engine::{Kind, Result, Trouble};
use serde_json::Value;

/// The most bytes of one text.
const LONGEST: usize = 1 << 18;

/// The most classes: a column with more names is one of texts or numbers of rows.
const MOST_CLASSES: usize = 100_000;

/// Classes that are named where a label is none of them.
const SHOWN: usize = 12;

/// Texts and their classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// The texts, in the order of the data.
    pub texts: Vec<String>,
    /// Their classes.
    pub labels: Vec<usize>,
    /// The names of the classes, where the data or the user name them.
    pub names: Option<Vec<String>>,
}

/// Where texts and labels stand.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// The column or key of the texts; `text` where it is not said.
    pub text: Option<String>,
    /// The column or key of the labels; `label` where it is not said.
    pub label: Option<String>,
    /// The names of the classes in the model's order.
    pub classes: Option<Vec<String>>,
}

impl Texts {
    /// Read texts.
    ///
    /// # Errors
    /// Where a line has no text or label, or a label is none of the classes.
    pub fn read(data: &str, columns: &Columns) -> Result<Self> {
        let data = data.strip_prefix('\u{feff}').unwrap_or(data);
        let rows = if data.trim_start().starts_with('{') {
            lines(data, columns)?
        } else {
            table(data, columns)?
        };
        if rows.is_empty() {
            return Err(wrong("expected texts, found none"));
        }
        let (texts, labels): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        if let Some(at) = texts.iter().position(|text| text.len() > LONGEST) {
            let why = format!("the text {at} is longer than {LONGEST} bytes");
            return Err(Trouble::limit(why).help("leave it out, or cut it"));
        }
        let (labels, names) = classes(&labels, columns.classes.as_deref())?;
        Ok(Self { texts, labels, names })
    }

    /// The first so many.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.texts.truncate(count);
        self.labels.truncate(count);
        self
    }
}

impl Columns {
    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or("text")
    }

    fn label(&self) -> &str {
        self.label.as_deref().unwrap_or("label")
    }
}

type Row = (String, String);

/// An object a line.
fn lines(data: &str, columns: &Columns) -> Result<Vec<Row>> {
    let filled = data.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let row = |(at, line): (usize, &str)| {
        let number = at.saturating_add(1);
        let object = serde_json::from_str::<Value>(line)
            .map_err(|error| wrong(format!("expected an object in line {number}, got {error}")))?;
        let of = |key: &str| match object.get(key) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(flag)) => Ok(u8::from(*flag).to_string()),
            _ => {
                let keys = object.as_object().map(|object| {
                    object.keys().take(12).map(|key| format!("`{key}`")).collect::<Vec<_>>()
                });
                let keys = keys.unwrap_or_default().join(", ");
                let why = format!("expected a text under `{key}` in line {number}, found none");
                Err(wrong(why).help(format!("name it with `--text` or `--label`; here are {keys}")))
            }
        };
        Ok((of(columns.text())?, of(columns.label())?))
    };
    filled.map(row).collect()
}

/// A header, then a text a row.
fn table(data: &str, columns: &Columns) -> Result<Vec<Row>> {
    let head = data.lines().next().unwrap_or_default();
    let most = [',', '\t', ';'].map(|mark| (head.matches(mark).count(), mark));
    let delimiter =
        most.iter().rev().max_by_key(|(count, _)| *count).map_or(',', |(_, mark)| *mark);
    let tabs = delimiter == '\t';
    let mut reader = ReaderBuilder::new()
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        // Cells between tabs are not quoted as a rule, and a text may begin with a quote.
        .quoting(
            !tabs || data.lines().skip(1).all(|line| line.matches('"').count().is_multiple_of(2)),
        )
        .flexible(true)
        .from_reader(data.as_bytes());
    let broken = |error: csv::Error| wrong(format!("cannot read this table: {error}"));
    let names = reader.headers().map_err(broken)?.clone();
    let place = |name: &str| {
        let found = names.iter().position(|cell| cell.trim() == name);
        found.ok_or_else(|| {
            let shown = names.iter().take(12).map(|name| format!("`{}`", name.trim()));
            let shown = shown.collect::<Vec<_>>().join(", ");
            wrong(format!("expected a column `{name}`, found none"))
                .help(format!("name it with `--text` or `--label`; the columns are {shown}"))
        })
    };
    let (text, label) = (place(columns.text())?, place(columns.label())?);
    let mut rows = Vec::new();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(broken)? {
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |at: usize| {
            record.get(at).map(str::to_owned).ok_or_else(|| {
                wrong(format!(
                    "expected {} cells in line {line}, got {}",
                    names.len(),
                    record.len()
                ))
            })
        };
        rows.push((cell(text)?, cell(label)?.trim().to_owned()));
    }
    Ok(rows)
}

/// Numbers as they are; names by their place in the user's list, or among all that occur.
fn classes(
    labels: &[String],
    known: Option<&[String]>,
) -> Result<(Vec<usize>, Option<Vec<String>>)> {
    let numbers = labels.iter().map(|label| whole(label)).collect::<Option<Vec<_>>>();
    if let Some(numbers) = numbers {
        let names = known.map(<[_]>::to_vec);
        return Ok((numbers, names));
    }
    let names = match known {
        Some(known) => known.to_vec(),
        None => labels.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect(),
    };
    if names.len() > MOST_CLASSES {
        let why = format!("expected at most {MOST_CLASSES} classes, got {}", names.len());
        return Err(Trouble::limit(why).help("name the column of the labels with `--label`"));
    }
    let mut places = HashMap::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        places.entry(name.as_str()).or_insert(at);
    }
    let place = |(at, label): (usize, &String)| {
        places.get(label.as_str()).copied().ok_or_else(|| {
            let shown = label.chars().take(40).collect::<String>();
            let some = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            let more = if names.len() > SHOWN { ", ..." } else { "" };
            wrong(format!("expected one of {some}{more}, got `{shown}` for the text {at}"))
        })
    };
    let labels = labels.iter().enumerate().map(place).collect::<Result<Vec<_>>>()?;
    Ok((labels, Some(names)))
}

/// A whole number, also as programs write it that keep all as floats: `1.0`.
fn whole(label: &str) -> Option<usize> {
    let digits = label.split_once('.').map_or(label, |(digits, zeros)| {
        if zeros.bytes().all(|byte| byte == b'0') { digits } else { label }
    });
    digits.parse().ok()
}

fn wrong(why: impl Into<String>) -> Trouble {
    Trouble::new(Kind::Input, why.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tables_and_lines_are_read() {
        let expected = |names: Option<Vec<String>>| Texts {
            texts: vec!["pay, now".into(), "say \"hi\"".into()],
            labels: vec![1, 0],
            names,
        };
        let named = Some(vec!["ham".into(), "spam".into()]);
        let columns = Columns::default();
        for (data, names) in [
            ("text,label\n\"pay, now\",spam\n\"say \"\"hi\"\"\",ham\n", named.clone()),
            ("\u{feff}label\ttext\r\nspam\tpay, now\r\nham\tsay \"hi\"\r\n", named.clone()),
            ("text;label\n\"pay, now\";1\nsay \"hi\";0.0\n", None),
            (
                "{\"text\": \"pay, now\", \"label\": 1}\n\n{\"label\": 0, \"text\": \"say \\\"hi\\\"\"}\n",
                None,
            ),
        ] {
            assert_eq!(Texts::read(data, &columns).unwrap(), expected(names), "{data}");
        }
        let order = Some(vec!["spam".into(), "ham".into()]);
        let columns = Columns { text: Some("a".into()), label: Some("b".into()), classes: order };
        let texts = Texts::read("a,b\nx,ham\n", &columns).unwrap();
        assert_eq!(texts.labels, [1]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let columns = Columns { classes: Some(vec!["a".into()]), ..Columns::default() };
        for (data, words) in [
            ("", "`text`"),
            ("text,kind\nx,y\n", "`label`"),
            ("text,label\n", "found none"),
            ("text,label\nx\n", "2 cells in line 2, got 1"),
            ("text,label\nx,b\n", "got `b` for the text 0"),
            ("{\"text\": 1}\n", "`label` in line 1"),
            ("{\"text\": \n", "line 1"),
        ] {
            let trouble = Texts::read(data, &columns).unwrap_err();
            assert!(trouble.to_string().contains(words), "{trouble}");
        }
    }

    #[test]
    fn a_column_that_is_no_label_is_refused_and_many_classes_are_found_at_once() {
        let table = |count: usize| {
            let rows = (0..count).map(|row| format!("x,id{row:07}\n")).collect::<String>();
            Texts::read(&format!("text,label\n{rows}"), &Columns::default())
        };
        // One after the other this would be 10^10 comparisons.
        let texts = table(MOST_CLASSES).unwrap();
        assert!(texts.labels.iter().copied().eq(0..MOST_CLASSES));
        let trouble = table(MOST_CLASSES + 1).unwrap_err();
        assert_eq!(trouble.kind, Kind::Limit);
        let twice = Some(["b", "a", "b"].map(String::from).to_vec());
        let columns = Columns { classes: twice, ..Columns::default() };
        assert_eq!(Texts::read("text,label\nx,b\ny,a\n", &columns).unwrap().labels, [0, 1]);
    }

    proptest! {
        #[test]
        fn any_data_are_read_or_refused(data in "(text[,\\t;]label\\n)?[a-c0-9,;\\t\"{}:\\n\\r\u{e9}]{0,60}") {
            if let Ok(texts) = Texts::read(&data, &Columns::default()) {
                prop_assert_eq!(texts.texts.len(), texts.labels.len());
            }
        }
    }
}
