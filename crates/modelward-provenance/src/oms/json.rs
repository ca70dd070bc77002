//! JSON, read strictly: what two readers could understand in two ways is refused (RFC 8259).
//!
//! A key that comes twice has two meanings, so it is refused at any depth, and so are bytes after
//! the value, a byte-order mark and whatever is not UTF-8. Every object is asked for its fields by
//! name, and one that may hold nothing else says so.

use std::{borrow::Cow, cell::Cell, collections::BTreeMap, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value, with the texts borrowed where they hold no escape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Flag(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Object<'a>),
}

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Whole(u64),
    Negative(i64),
    Real(f64),
}

/// An object: each key once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

/// Read one value and nothing else.
pub(crate) fn read(bytes: &[u8]) -> Result<Value<'_>, String> {
    if bytes.len() > MOST_BYTES {
        return Err(format!("expected at most {MOST_BYTES} bytes, found {}", bytes.len()));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err("expected JSON, found a byte-order mark".into());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!("expected UTF-8, found another byte at {}", error.valid_up_to())
    })?;
    let values = bytes.len().checked_div(8).unwrap_or(0).saturating_add(4096).min(MOST_VALUES);
    let left = Cell::new(values);
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Seed { depth: 0, left: &left };
    let value = seed.deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader
        .end()
        .map_err(|_| "expected nothing after the JSON value, found more bytes".to_owned())?;
    Ok(value)
}

impl<'a> Value<'a> {
    /// What it is, for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    pub(crate) fn object(self, what: &str) -> Result<Object<'a>, String> {
        match self {
            Self::Object(object) => Ok(object),
            other => Err(format!("expected an object for {what}, found {}", other.kind())),
        }
    }

    pub(crate) fn list(self, what: &str) -> Result<Vec<Self>, String> {
        match self {
            Self::List(list) => Ok(list),
            other => Err(format!("expected a list for {what}, found {}", other.kind())),
        }
    }

    pub(crate) fn text(self, what: &str) -> Result<Cow<'a, str>, String> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(format!("expected a text for {what}, found {}", other.kind())),
        }
    }

    pub(crate) fn flag(self, what: &str) -> Result<bool, String> {
        match self {
            Self::Flag(flag) => Ok(flag),
            other => Err(format!("expected true or false for {what}, found {}", other.kind())),
        }
    }

    /// A whole number of at least 1; as a real number too, where it is exact.
    pub(crate) fn count(self, what: &str) -> Result<u64, String> {
        let expected = || format!("expected a whole number of at least 1 for {what}");
        match self {
            Self::Number(Number::Whole(number)) if number > 0 => Ok(number),
            Self::Number(Number::Real(number))
                if (1.0..=EXACT).contains(&number) && number.fract() == 0.0 =>
            {
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                // The range was checked, and every such number is exact.
                Ok(number as u64)
            }
            Self::Number(Number::Whole(number)) => Err(format!("{}, found {number}", expected())),
            Self::Number(Number::Negative(number)) => {
                Err(format!("{}, found {number}", expected()))
            }
            Self::Number(Number::Real(number)) => Err(format!("{}, found {number}", expected())),
            other => Err(format!("{}, found {}", expected(), other.kind())),
        }
    }
}

impl<'a> Object<'a> {
    /// Take a field out, if it is there.
    pub(crate) fn find(&mut self, key: &str) -> Option<Value<'a>> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Take a field out, which has to be there.
    pub(crate) fn take(&mut self, key: &str) -> Result<Value<'a>, String> {
        self.find(key).ok_or_else(|| format!("expected the key `{key}`, which is missing"))
    }

    /// Refuse what is left.
    pub(crate) fn close(self, what: &str) -> Result<(), String> {
        match self.0.first() {
            Some((key, _)) => Err(format!("unknown key `{}` in {what}", brief(key))),
            None => Ok(()),
        }
    }

    /// What is left.
    pub(crate) fn entries(self) -> impl Iterator<Item = (Cow<'a, str>, Value<'a>)> {
        self.0.into_iter()
    }
}

/// As much of a text as fits in a message.
pub(crate) fn brief(text: &str) -> String {
    let mut letters = text.chars();
    let mut brief = letters.by_ref().take(80).collect::<String>();
    if letters.next().is_some() {
        brief.push_str("...");
    }
    brief
}

/// What is still to be read, and how deep it lies.
#[derive(Clone, Copy)]
struct Seed<'s> {
    depth: usize,
    /// Values that may still come: they cost more memory than the bytes they are written in.
    left: &'s Cell<usize>,
}

impl Seed<'_> {
    fn count<E: Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| E::custom("more values than a bundle may hold"))?);
        Ok(())
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.saturating_add(1);
        if depth > MOST_DEPTH {
            return Err(E::custom(format_args!("expected at most {MOST_DEPTH} levels of nesting")));
        }
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Number(Number::Whole(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::Number(Number::Negative(number)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value<'de>, E> {
        Ok(Value::Number(Number::Real(number)))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value<'de>, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(seed)? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value<'de>, A::Error> {
        let seed = self.deeper()?;
        let mut entries: Vec<(Cow<'de, str>, Value<'de>)> = Vec::new();
        // A few keys are compared with each other; many are looked up.
        let mut many: Option<BTreeMap<Cow<'de, str>, ()>> = None;
        while let Some(key) = access.next_key_seed(Key)? {
            let twice = match &mut many {
                Some(many) => many.insert(key.clone(), ()).is_some(),
                None => entries.iter().any(|(known, _)| *known == key),
            };
            if twice {
                let key = brief(&key);
                return Err(A::Error::custom(format_args!("the key `{key}` is there twice")));
            }
            entries.push((key, access.next_value_seed(seed)?));
            if entries.len() == FEW && many.is_none() {
                many = Some(entries.iter().map(|(key, _)| (key.clone(), ())).collect());
            }
        }
        entries.shrink_to_fit();
        Ok(Value::Object(Object(entries)))
    }
}

/// The key of an entry.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A bundle of a model with a million files has about a quarter of this.
pub(crate) const MOST_BYTES: usize = 256 << 20;
/// Levels of nesting.
const MOST_DEPTH: usize = 64;
/// Values of one document: five for each file of a model with a million of them.
const MOST_VALUES: usize = 6 << 20;
/// Keys up to which a search beats a table.
const FEW: usize = 16;
/// The largest whole number below which every other is exact in 64 bits (IEEE 754), 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &[u8]) -> String {
        read(text).unwrap_err()
    }

    #[test]
    fn what_has_two_meanings_is_refused() {
        assert!(why(br#"{"a":1,"b":{"c":1,"c":2}}"#).contains("`c` is there twice"));
        assert!(why(br#"{"a":1,"\u0061":2}"#).contains("`a` is there twice"));
        let many = (0..100).map(|i| format!("\"{}\":0", i % 99)).collect::<Vec<_>>().join(",");
        assert!(why(format!("{{{many}}}").as_bytes()).contains("`0` is there twice"));
        assert!(why(b"{} {}").contains("nothing after"));
        assert!(why(b"\xef\xbb\xbf{}").contains("byte-order mark"));
        assert!(why(b"{\"a\":\"\xff\"}").contains("UTF-8"));
        assert!(read(br#"{"a":"\ud800"}"#).is_err());
        assert!(read(b" {\"a\": [1, -1, 1.5, null, true, \"\\n\"]}\n").is_ok());
    }

    #[test]
    fn depth_and_values_are_bounded() {
        let nested = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
        assert!(read(&nested(64)).is_ok());
        assert!(why(&nested(65)).contains("64 levels"));
        let dense = [b"[0".to_vec(), b",0".repeat(100_000), b"]".to_vec()].concat();
        assert!(why(&dense).contains("more values"));
    }

    #[test]
    fn only_whole_numbers_count() {
        let count = |text: &str| read(text.as_bytes()).unwrap().count("x");
        assert_eq!(count("65536"), Ok(65536));
        assert_eq!(count("65536.0"), Ok(65536));
        assert_eq!(count("9007199254740992.0"), Ok(1 << 53));
        for other in ["0", "-1", "0.5", "1e300", "9007199254740994.0", "\"1\"", "null", "0.0"] {
            assert!(count(other).is_err(), "{other}");
        }
    }
}
