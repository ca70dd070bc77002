//! The forms of values in the JSON of Sigstore (Protocol Buffers, ProtoJSON).

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE_PAD_INDIFFERENT},
};
use serde::{Deserialize, Deserializer, de::Error as _};

use crate::x509::Moment;

/// Bytes in base64, of either alphabet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_PAD_INDIFFERENT
            .decode(&text)
            .or_else(|_| URL_SAFE_PAD_INDIFFERENT.decode(&text));
        bytes.map(Self).map_err(|_| D::Error::custom("expected base64"))
    }
}

/// Bytes in a field of their own.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Raw {
    pub(super) raw_bytes: Bytes,
}

/// A 64-bit number, which is written as a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Number(pub(super) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Number(u64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(number) => Ok(Self(number)),
            // Digits alone: `parse` takes a sign.
            Form::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                text.parse().map(Self).map_err(|_| D::Error::custom("expected a number of 64 bits"))
            }
            Form::Text(_) => Err(D::Error::custom("expected a number without a sign")),
        }
    }
}

/// When something is trusted, from its first to its last second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Validity {
    start: Moment,
    end: Option<Moment>,
}

impl Validity {
    pub(super) fn contains(self, at: Moment) -> bool {
        at >= self.start && self.end.is_none_or(|end| at <= end)
    }
}

impl<'de> Deserialize<'de> for Validity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Form {
            start: String,
            end: Option<String>,
        }
        let form = Form::deserialize(deserializer)?;
        let time = |text: &str| {
            Moment::parse(text).ok_or_else(|| D::Error::custom("expected a time after RFC 3339"))
        };
        let end = form.end.as_deref().map(time).transpose()?;
        Ok(Self { start: time(&form.start)?, end })
    }
}

/// Standard base64, as logs write it.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What standard base64 stands for.
pub(super) fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Lower-case hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
