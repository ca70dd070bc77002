//! What an endpoint says of samples.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use modelward_engine::{Kind, Result, Trouble};
use serde_json::Value;

/// What an endpoint says of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The class of each sample.
    Labels(Vec<i64>),
    /// A number for each class of each sample, `[n, classes]`; NaN where the server says null.
    Scores {
        /// Row after row.
        rows: Vec<f32>,
        /// How many numbers a row has.
        classes: usize,
    },
}

impl Answer {
    /// One batch after the other.
    pub(super) fn and(mut self, next: Self) -> Result<Self> {
        match (&mut self, next) {
            (Self::Labels(all), Self::Labels(next)) => all.extend(next),
            (Self::Scores { rows, classes }, Self::Scores { rows: next, classes: other })
                if *classes == other =>
            {
                rows.extend(next);
            }
            _ => return Err(malformed("the server answers alike batches in two forms")),
        }
        Ok(self)
    }
}

/// What is no answer.
pub(super) fn malformed(why: impl Into<String>) -> Trouble {
    Trouble::new(Kind::Malformed, why.into())
}

/// Whole numbers, or texts that name classes, as labels.
pub(super) fn labels(values: &[&Value], classes: Option<&[String]>) -> Result<Vec<i64>> {
    let label = |value: &&Value| match value {
        Value::Bool(yes) => Ok(i64::from(*yes)),
        Value::String(name) => {
            let shown = name.chars().take(40).collect::<String>();
            let place = classes.unwrap_or_default().iter().position(|class| class == name);
            let place = place.and_then(|place| i64::try_from(place).ok());
            place.ok_or_else(|| {
                malformed(format!("the server answers `{shown}`, which is no class of the data"))
                    .help("give data whose labels are the texts that the server answers")
            })
        }
        value => whole(value)
            .ok_or_else(|| malformed(format!("expected a label, got `{}`", shown(value)))),
    };
    values.iter().map(label).collect()
}

/// A whole number, also one that is written as a float.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15)?;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^53")]
        Some(float as i64)
    })
}

/// A number, as the nearest `f32`.
pub(super) fn score(value: &Value) -> Result<f32> {
    #[expect(clippy::cast_possible_truncation, reason = "an infinity is judged as one")]
    match value {
        Value::Null => Ok(f32::NAN),
        Value::Number(number) => Ok(number.as_f64().unwrap_or(f64::NAN) as f32),
        value => Err(malformed(format!("expected a number, got `{}`", shown(value)))),
    }
}

/// A value as a few words.
pub(super) fn shown(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
