//! JSON of a stranger, read within a limit of memory.
//!
//! `{"":0}` is six bytes and becomes a map of more than six hundred. So what a text becomes is counted
//! while it is read, and reading ends where the limit is reached.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A value of 32 bytes, in a list that doubles as it grows.
const VALUE: u64 = 64;

/// The first leaf of a map, with room for eleven entries.
const MAP: u64 = 640;

/// An entry of one whose leaves are half full.
const ENTRY: u64 = 128;

/// Why there is no value.
#[derive(Debug)]
pub(super) enum Refused {
    /// It would take more than the limit.
    Over,
    /// It is no JSON.
    Json(serde_json::Error),
}

/// The value of a text, where it takes no more than so many bytes.
pub(super) fn read(text: &[u8], limit: u64) -> Result<Value, Refused> {
    let (left, over) = (Cell::new(limit), Cell::new(false));
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Metered { left: &left, over: &over }.deserialize(&mut json);
    let value = value.and_then(|value| json.end().map(|()| value));
    value.map_err(|error| if over.get() { Refused::Over } else { Refused::Json(error) })
}

/// Reads one value, and pays for it.
#[derive(Clone, Copy)]
struct Metered<'m> {
    left: &'m Cell<u64>,
    over: &'m Cell<bool>,
}

impl Metered<'_> {
    fn pay<E: Error>(self, bytes: u64) -> Result<(), E> {
        let Some(left) = self.left.get().checked_sub(bytes) else {
            self.over.set(true);
            return Err(E::custom("over the limit of memory"));
        };
        self.left.set(left);
        Ok(())
    }

    fn value<E: Error>(self, value: impl Into<Value>) -> Result<Value, E> {
        self.pay(VALUE)?;
        Ok(value.into())
    }
}

impl<'de> DeserializeSeed<'de> for Metered<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Metered<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.value(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.value(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.value(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.value(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.value(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.pay(value.len() as u64)?;
        self.value(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        self.pay(VALUE)?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        self.pay(VALUE.saturating_add(MAP))?;
        let mut values = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            self.pay(ENTRY.saturating_add(key.len() as u64))?;
            let value = map.next_value_seed(self)?;
            values.insert(key, value);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_texts_that_become_large_are_refused() {
        let hostile = format!("{{\"y\":[{}]}}", vec!["{\"\":0}"; 100_000].join(","));
        let limit = 8 << 20;
        assert!(matches!(read(hostile.as_bytes(), limit), Err(Refused::Over)));
        let plain = format!("{{\"y\":[{}]}}", vec!["0"; 100_000].join(","));
        assert_eq!(read(plain.as_bytes(), limit).unwrap()["y"].as_array().unwrap().len(), 100_000);
        let long = format!("\"{}\"", "x".repeat(1000));
        assert!(matches!(read(long.as_bytes(), 1000), Err(Refused::Over)));
        let deep = "[".repeat(100_000);
        assert!(matches!(read(deep.as_bytes(), limit), Err(Refused::Json(_))));
        assert!(matches!(read(b"{} {}", limit), Err(Refused::Json(_))));
    }

    proptest! {
        #[test]
        fn what_fits_is_what_serde_reads(text in "[\\[\\]{}:,\"a0-9.e\\- ntrufls\\\\]{0,24}") {
            let plain = serde_json::from_slice::<Value>(text.as_bytes()).ok();
            prop_assert_eq!(read(text.as_bytes(), 1 << 20).ok(), plain);
        }
    }
}
