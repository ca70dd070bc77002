//! What is declared of a set's columns.
//!
//! ```json
//! {"extra": "deny",
//!  "column": {"age": {"type": "integer", "min": 0, "max": 120},
//!             "city": {"type": "text", "categories": ["Oslo", "Rome"], "nulls": 0.01}}}
//! ```
//!
//! A report of `data check` is a schema too: its columns with their types, and those that miss nothing.

use std::fmt;

use arrow_schema::Field;
use serde_json::Value;

use crate::{Kind, Trouble, instant, kind};

/// What is declared of a set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    /// The columns.
    pub columns: Vec<Expected>,
    /// Whether there may be no others.
    pub closed: bool,
}

/// What is declared of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Option<Type>,
    /// The greatest share of rows without a value.
    pub nulls: Option<f64>,
    /// The least number, or the earliest time.
    pub min: Option<Bound>,
    /// The greatest number, or the latest time.
    pub max: Option<Bound>,
    /// The only values.
    pub categories: Option<Vec<String>>,
    /// Whether the set has to have it.
    pub required: bool,
}

/// An end of a range.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Bound {
    /// A number.
    Number(f64),
    /// A point in time, in nanoseconds from the first day of 1970 on.
    Time(i128),
}

impl Bound {
    pub(super) fn is_time(self) -> bool {
        matches!(self, Self::Time(_))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Time(instant) => instant::shown(*instant).fmt(f),
        }
    }
}

/// What a column holds, in the words of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Truths.
    Truth,
    /// Texts.
    Text,
    /// Dates or times.
    Time,
    /// Arrays of numbers.
    Array,
    /// Images.
    Image,
    /// Bytes.
    Bytes,
    /// Anything else.
    Other,
}

/// The words of types, the first being ours.
const TYPES: [(Type, &[&str]); 9] = [
    (Type::Integer, &["integer", "int", "int64"]),
    (Type::Number, &["number", "float", "float64"]),
    (Type::Truth, &["truth", "boolean", "bool"]),
    (Type::Text, &["text", "string", "utf8"]),
    (Type::Time, &["time", "date", "timestamp"]),
    (Type::Array, &["array", "numbers"]),
    (Type::Image, &["image"]),
    (Type::Bytes, &["bytes", "binary"]),
    (Type::Other, &["other"]),
];

impl Type {
    /// What a column holds.
    pub(super) fn of(field: &Field) -> Self {
        match kind(field) {
            Kind::Number if field.data_type().is_integer() => Self::Integer,
            Kind::Number => Self::Number,
            Kind::Truth => Self::Truth,
            Kind::Text | Kind::Path => Self::Text,
            Kind::Time => Self::Time,
            Kind::Numbers(_) => Self::Array,
            Kind::Image => Self::Image,
            Kind::Bytes => Self::Bytes,
            Kind::Other => Self::Other,
        }
    }

    /// Whether a column may be read as this; floats that are whole, and texts that are times, are judged value by
    /// value: texts have no other way to hold a time.
    pub(super) fn holds(self, field: &Field) -> bool {
        let own = Self::of(field);
        self == own
            || (self == Self::Number && own == Self::Integer)
            || (self == Self::Integer && own == Self::Number)
            || (self == Self::Time && own == Self::Text)
    }

    /// Its word.
    pub(super) fn name(self) -> &'static str {
        let word = TYPES.iter().find(|(of, _)| *of == self).and_then(|(_, words)| words.first());
        word.copied().unwrap_or("other")
    }

    fn read(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        let known = TYPES.iter().find(|(_, words)| words.contains(&word.as_str()));
        known.map(|(of, _)| *of)
    }

    /// The type that arrow's name of one means, as reports write it.
    fn of_report(word: &str) -> Option<Self> {
        match word {
            "boolean" => Some(Self::Truth),
            "utf8" | "largeutf8" | "utf8view" => Some(Self::Text),
            word if word.starts_with("interval") => None,
            word if word.starts_with("int") || word.starts_with("uint") => Some(Self::Integer),
            word if word.starts_with("float") || word.starts_with("decimal") => Some(Self::Number),
            word if word.starts_with("date") || word.starts_with("time") => Some(Self::Time),
            _ => None,
        }
    }
}

impl Declared {
    /// Read a schema, or the schema of the set that a report is of.
    ///
    /// # Errors
    /// Where it is neither, or a word in it is not known.
    pub fn of_json(json: &Value) -> Result<Self, Trouble> {
        if json.get("measurements").is_some() {
            return Self::of_report(json);
        }
        let wants = |what: &str| Trouble::new(format!("expected {what} in the schema"));
        let top = json.as_object().ok_or_else(|| wants("a table"))?;
        known(top.keys(), &["column", "extra"], "the schema")?;
        let closed = match top.get("extra").map(|extra| extra.as_str()) {
            None | Some(Some("allow")) => false,
            Some(Some("deny")) => true,
            Some(_) => return Err(wants("`allow` or `deny` for `extra`")),
        };
        let columns = top.get("column").and_then(Value::as_object);
        let columns = columns.ok_or_else(|| {
            wants("a table `column`")
                .help("for example `[column.age]`, and below it `type = \"integer\"`")
        })?;
        let columns = columns.iter().map(|(name, declared)| Expected::of_json(name, declared));
        Ok(Self { columns: columns.collect::<Result<_, _>>()?, closed })
    }

    fn of_report(json: &Value) -> Result<Self, Trouble> {
        // The report of an audit has other measurements too.
        let measured = json.get("measurements").and_then(Value::as_array).into_iter().flatten();
        let mut profiles = measured.filter_map(|it| it.pointer("/checks/profile/columns"));
        let columns = profiles.next().and_then(Value::as_array);
        let columns = columns.ok_or_else(|| {
            Trouble::new("expected a report with a profile, found none".to_owned())
                .help("write one with `modelward data check DATA --format json`")
        })?;
        let columns = columns.iter().filter_map(|column| {
            let text = |key: &str| column.get(key).and_then(Value::as_str);
            let never = column.get("nulls").and_then(Value::as_u64) == Some(0);
            Some(Expected {
                name: text("column")?.to_owned(),
                kind: text("type").and_then(Type::of_report),
                nulls: never.then_some(0.0),
                required: true,
                ..Expected::default()
            })
        });
        Ok(Self { columns: columns.collect(), closed: true })
    }
}

impl Expected {
    fn of_json(name: &str, json: &Value) -> Result<Self, Trouble> {
        let wants = |what: &str, key: &str| {
            Trouble::new(format!("expected {what} for `{key}` of the column `{name}`"))
        };
        let table = json.as_object().ok_or_else(|| wants("a table", "column"))?;
        let keys = ["type", "nulls", "min", "max", "categories", "required"];
        known(table.keys(), &keys, &format!("the column `{name}`"))?;
        let bound = |key: &str| match table.get(key) {
            None => Ok(None),
            Some(value) => {
                let number = value.as_f64().map(Bound::Number);
                let time = || value.as_str().and_then(instant::read).map(Bound::Time);
                let wants = || wants("a number or a time such as 2026-11-27", key);
                number.or_else(time).map(Some).ok_or_else(wants)
            }
        };
        let kind = match table.get("type") {
            None => None,
            Some(word) => {
                let words = TYPES.iter().filter_map(|(_, words)| words.first().copied());
                let words = words.collect::<Vec<_>>().join(", ");
                let read = word.as_str().and_then(Type::read);
                Some(read.ok_or_else(|| {
                    wants("a type", "type").help(format!("the types are {words}"))
                })?)
            }
        };
        let nulls = match table.get("nulls") {
            None => None,
            Some(Value::Bool(true)) => Some(1.0),
            Some(Value::Bool(false)) => Some(0.0),
            Some(share) => {
                let share = share.as_f64().filter(|share| (0.0..=1.0).contains(share));
                Some(share.ok_or_else(|| wants("true, false or a share from 0 to 1", "nulls"))?)
            }
        };
        let word = |value: &Value| match value {
            Value::String(word) => Some(word.clone()),
            // Whole numbers as they stand: a float has no room for all of their digits.
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            Value::Number(number) => number.as_f64().map(|number| number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        };
        let categories = match table.get("categories") {
            None => None,
            Some(list) => {
                let words = list.as_array().and_then(|list| list.iter().map(word).collect());
                Some(words.ok_or_else(|| wants("a list of values", "categories"))?)
            }
        };
        let required = match table.get("required") {
            None => true,
            Some(truth) => truth.as_bool().ok_or_else(|| wants("true or false", "required"))?,
        };
        let (min, max) = (bound("min")?, bound("max")?);
        let bounds = [min, max].into_iter().flatten();
        let fits = |bound: Bound| match kind {
            None => true,
            Some(Type::Integer | Type::Number) => !bound.is_time(),
            Some(Type::Time) => bound.is_time(),
            Some(_) => false,
        };
        if !bounds.clone().all(fits) {
            return Err(wants("numbers or times, as the column's own type is,", "min` and `max"));
        }
        let pair = min.zip(max);
        let mixed = pair.is_some_and(|(min, max)| min.is_time() != max.is_time());
        if mixed || pair.is_some_and(|(min, max)| min > max) {
            return Err(wants("a range whose `min` is at most its `max`", "min"));
        }
        Ok(Self { name: name.to_owned(), kind, nulls, min, max, categories, required })
    }
}

/// Refuse a key that is not known: one that is misspelt would say nothing.
fn known<'a>(
    keys: impl Iterator<Item = &'a String>,
    known: &[&str],
    place: &str,
) -> Result<(), Trouble> {
    for key in keys {
        if !known.contains(&key.as_str()) {
            let near = known.iter().max_by(|one, other| {
                strsim::jaro_winkler(key, one).total_cmp(&strsim::jaro_winkler(key, other))
            });
            let trouble = Trouble::new(format!("unknown key `{key}` in {place}"));
            return Err(match near {
                Some(near) if strsim::jaro_winkler(key, near) > 0.8 => {
                    trouble.help(format!("did you mean `{near}`?"))
                }
                _ => trouble.help(format!("the keys here are {}", known.join(", "))),
            });
        }
    }
    Ok(())
}
