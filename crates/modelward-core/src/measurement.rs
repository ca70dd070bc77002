//! What an experiment came to.

use crate::Exhibit;

/// One experiment with its numbers, as programs and as people read them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    /// What was measured: `attack`, `property`.
    pub kind: &'static str,
    /// The numbers by name, with the names of `design/cli.md`.
    pub fields: Vec<(&'static str, Value)>,
    /// The same for people, line by line.
    pub lines: Vec<String>,
    /// What can be looked at.
    pub pictures: Vec<Picture>,
    /// What a page shows of it below the findings.
    pub exhibits: Vec<Exhibit>,
}

/// A number or a group of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// What could not be had.
    Null,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Count(u64),
    /// A number; one that is not finite is written as `null`.
    Number(f64),
    /// Words.
    Text(String),
    /// Several in order.
    List(Vec<Self>),
    /// Several by name.
    Record(Vec<(&'static str, Self)>),
    /// Several by names that the user's data give.
    Map(Vec<(String, Self)>),
}

/// A picture with the line below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// What it shows.
    pub caption: String,
    /// The bytes of a PNG.
    pub png: Vec<u8>,
}

impl Value {
    /// A share of `n` cases with its interval.
    pub fn share(value: f64, (low, high): (f64, f64), n: usize) -> Self {
        Self::Record(vec![
            ("value", Self::Number(value)),
            ("low", Self::Number(low)),
            ("high", Self::Number(high)),
            ("n", n.into()),
        ])
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(list: Vec<T>) -> Self {
        Self::List(list.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
