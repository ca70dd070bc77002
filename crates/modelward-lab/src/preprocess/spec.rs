//! A convention as it is written: words joined by blanks, applied in their order.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{fmt, str::FromStr};

use modelward_engine::{Kind, Trouble};

use crate::exact;

/// The most bytes of a specification: a mean and a deviation for each of many columns.
const BYTES: usize = 1 << 20;

const WORDS: [&str; 7] = ["none", "scale=", "mean=", "std=", "layout=", "transpose", "invert"];

/// Steps in the order in which they are applied to the user's data; none by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// The steps.
    pub words: Vec<Word>,
}

/// A step.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// `scale=16`, `scale=1/255`: multiply by a number, or by one and divide by another.
    Scale(Number, Option<Number>),
    /// `mean=0.5`, `mean=0.485:0.456:0.406`: subtract one number, or one a channel.
    Mean(Vec<Number>),
    /// `std=0.5`, `std=0.229:0.224:0.225`: divide by one number, or by one a channel.
    Std(Vec<Number>),
    /// `layout=nhwc`, `layout=nchw`: move the channels last or first, where they were not.
    Layout(Layout),
    /// `transpose`: exchange height and width.
    Transpose,
    /// `invert`: 1 - x.
    Invert,
}

/// Where the channels of an image stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Before height and width.
    Nchw,
    /// After them.
    Nhwc,
}

/// A number, and how it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    text: String,
    value: f32,
}

impl Number {
    /// Of the digits that name an `f32` in the shortest way.
    pub fn of(value: f32) -> Self {
        Self { text: value.to_string(), value }
    }

    /// As the nearest `f32`, in which the step is done.
    pub fn value(&self) -> f32 {
        self.value
    }

    fn read(text: &str) -> Result<Self, Trouble> {
        let number = exact::decimal(text).map_err(wrong)?;
        #[expect(clippy::cast_possible_truncation, reason = "infinity is refused")]
        let value = exact::float(&number) as f32;
        if value.is_infinite() {
            return Err(wrong(format!("`{text}` is beyond `f32`")));
        }
        Ok(Self { text: text.to_owned(), value })
    }

    fn divisor(text: &str) -> Result<Self, Trouble> {
        let number = Self::read(text)?;
        if number.value == 0.0 {
            return Err(wrong(format!("`{text}` would divide by zero")));
        }
        Ok(number)
    }
}

impl Spec {
    /// Nothing is done.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether nothing is done.
    pub fn is_none(&self) -> bool {
        self.words.is_empty()
    }

    /// One after the other.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self { words: self.words.iter().chain(&next.words).cloned().collect() }
    }
}

fn wrong(why: String) -> Trouble {
    Trouble::new(Kind::Input, why)
}

impl FromStr for Spec {
    type Err = Trouble;

    fn from_str(text: &str) -> Result<Self, Trouble> {
        if text.len() > BYTES {
            return Err(wrong(format!("expected a convention of at most {BYTES} bytes")));
        }
        if text.trim() == "none" {
            return Ok(Self::none());
        }
        let words = text.split_whitespace().map(word).collect::<Result<Vec<_>, _>>()?;
        if words.is_empty() {
            return Err(wrong("expected a convention, got no word".into())
                .help("`none` leaves the data as they are"));
        }
        Ok(Self { words })
    }
}

fn word(text: &str) -> Result<Word, Trouble> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let list = |value: &str, read: fn(&str) -> Result<Number, Trouble>| {
        value.split(':').map(read).collect::<Result<Vec<_>, _>>()
    };
    match (name, value) {
        ("scale", Some(value)) => {
            let (above, below) = match value.split_once('/') {
                Some((above, below)) => (above, Some(Number::divisor(below)?)),
                None => (value, None),
            };
            let above = Number::read(above)?;
            if above.value == 0.0 {
                return Err(wrong("a scale of 0 leaves nothing of the data".into()));
            }
            Ok(Word::Scale(above, below))
        }
        ("mean", Some(value)) => list(value, Number::read).map(Word::Mean),
        ("std", Some(value)) => list(value, Number::divisor).map(Word::Std),
        ("layout", Some("nhwc")) => Ok(Word::Layout(Layout::Nhwc)),
        ("layout", Some("nchw")) => Ok(Word::Layout(Layout::Nchw)),
        ("transpose", None) => Ok(Word::Transpose),
        ("invert", None) => Ok(Word::Invert),
        ("layout", Some(value)) => {
            Err(wrong(format!("expected the layout `nhwc` or `nchw`, got `{value}`")))
        }
        _ => {
            let shown = text.chars().take(40).collect::<String>();
            let near = WORDS
                .map(|known| (strsim::jaro_winkler(name, known.trim_end_matches('=')), known))
                .into_iter()
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(likeness, _)| *likeness > 0.8);
            let help = near.map_or_else(
                || "for example `mean=0.485:0.456:0.406 std=0.229:0.224:0.225`".to_owned(),
                |(_, near)| format!("did you mean `{near}`?"),
            );
            Err(wrong(format!("unknown word `{shown}` in a convention")).help(help))
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return f.write_str("none");
        }
        for (at, word) in self.words.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            word.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |numbers: &[Number]| {
            numbers.iter().map(|number| &*number.text).collect::<Vec<_>>().join(":")
        };
        match self {
            Self::Scale(above, None) => write!(f, "scale={}", above.text),
            Self::Scale(above, Some(below)) => write!(f, "scale={}/{}", above.text, below.text),
            Self::Mean(means) => write!(f, "mean={}", list(means)),
            Self::Std(deviations) => write!(f, "std={}", list(deviations)),
            Self::Layout(Layout::Nchw) => f.write_str("layout=nchw"),
            Self::Layout(Layout::Nhwc) => f.write_str("layout=nhwc"),
            Self::Transpose => f.write_str("transpose"),
            Self::Invert => f.write_str("invert"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn conventions_are_read_and_written_alike() {
        for text in [
            "none",
            "scale=16",
            "scale=1/255 mean=0.485:0.456:0.406 std=0.229:0.224:0.225",
            "mean=0.4914:0.4822:0.4465 std=0.2023:0.1994:0.201",
            "layout=nhwc transpose",
            "invert layout=nchw",
        ] {
            assert_eq!(text.parse::<Spec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_none_is_named() {
        for (text, words, help) in [
            ("", "no word", "`none`"),
            ("sclae=16", "unknown word `sclae=16`", "`scale=`"),
            ("mean=0.1:x", "got `x`", ""),
            ("std=0.1:0", "divide by zero", ""),
            ("scale=0", "leaves nothing", ""),
            ("scale=1/0", "divide by zero", ""),
            ("scale=1e99", "beyond `f32`", ""),
            ("layout=hwc", "expected the layout", ""),
            ("none invert", "unknown word `none`", ""),
            ("transpose=1", "unknown word", "`transpose`"),
        ] {
            let trouble = text.parse::<Spec>().unwrap_err();
            assert!(trouble.to_string().contains(words), "{trouble}");
            assert!(trouble.help.unwrap_or_default().contains(help));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(none|scale=|mean=|std=|layout=nhwc|transpose|invert|[0-9.:/ e-]){0,8}") {
            if let Ok(spec) = text.parse::<Spec>() {
                prop_assert_eq!(spec.to_string().parse::<Spec>().unwrap(), spec);
            }
        }
    }
}
