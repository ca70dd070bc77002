//! The shapes of arguments and states: the language of the allow-list.
//!
//! Its grammar and meaning are told in `known/README.md`.

/// One way an argument or a state may look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Any,
    Plain,
    None,
    Bool,
    Int,
    Float,
    Number,
    Text,
    /// A text of decimal digits, a sign and a fraction bar.
    Digits,
    Bytes,
    /// This very text or bytes constant.
    Exactly(String),
    /// This very whole number.
    Value(i64),
    Class,
    Dict,
    /// A dict with text keys, none a dunder; of these keys the values are known.
    Fields(Vec<(String, OneOf)>),
    /// A dict with these keys at most, of these values.
    Closed(Vec<(String, OneOf)>),
    /// A dict, whatever its keys, all of whose values look like this.
    Values(OneOf),
    /// A tuple of exactly these.
    Tuple(Vec<Slot>),
    /// A list or a tuple, all of whose items look like this.
    Each(OneOf),
    /// A list or a tuple of exactly these.
    Sequence(Vec<OneOf>),
    /// A list or a tuple, of an item for each place of the `[int*]` beside it in the tuple.
    Filling,
    Pair,
    Set,
    Hooks,
    /// That import, its instance, or what its call returned.
    Of(String, String),
    /// What a call of that import with these arguments returned.
    Called(String, String, Vec<Slot>),
    /// What an entry `makes`.
    Made(String),
}

/// Alternatives.
pub(crate) type OneOf = Vec<Shape>;

/// A place in an argument tuple.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) shapes: OneOf,
    pub(crate) times: Times,
}

/// How often a slot may be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Once,
    Optional,
    Any,
}

/// Reads shapes out of text. The error says what was expected, and what stands there.
pub(crate) struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text.trim_start() }
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    /// `(shape, shape?, shape*)`.
    pub(crate) fn slots(&mut self) -> Result<Vec<Slot>, String> {
        self.expect("(")?;
        let mut slots = Vec::new();
        if self.take(")") {
            return Ok(slots);
        }
        loop {
            let shapes = self.one_of(0)?;
            let times = if self.take("?") {
                Times::Optional
            } else if self.take("*") {
                Times::Any
            } else {
                Times::Once
            };
            slots.push(Slot { shapes, times });
            if self.take(")") {
                return Ok(slots);
            }
            self.expect(",")?;
        }
    }

    /// `shape|shape`.
    pub(crate) fn one_of(&mut self, depth: u32) -> Result<OneOf, String> {
        if depth > 16 {
            return Err("shapes nested more than 16 deep".into());
        }
        let mut shapes = vec![self.shape(depth)?];
        while self.take("|") {
            shapes.push(self.shape(depth)?);
        }
        Ok(shapes)
    }

    fn shape(&mut self, depth: u32) -> Result<Shape, String> {
        let deeper = depth.saturating_add(1);
        if self.rest.starts_with('(') {
            return self.slots().map(Shape::Tuple);
        }
        if self.take("[") {
            let mut sequence = Vec::new();
            if self.take("]") {
                return Ok(Shape::Sequence(sequence));
            }
            loop {
                let shapes = self.one_of(deeper)?;
                if sequence.is_empty() && self.take("*") {
                    self.expect("]")?;
                    return Ok(Shape::Each(shapes));
                }
                sequence.push(shapes);
                if self.take("]") {
                    return Ok(Shape::Sequence(sequence));
                }
                self.expect(",")?;
            }
        }
        if self.take("{") {
            return self.fields(deeper);
        }
        if let Some(quoted) = self.rest.strip_prefix('"') {
            let (text, rest) = quoted.split_once('"').ok_or("expected a closing quote")?;
            self.rest = rest.trim_start();
            return Ok(Shape::Exactly(text.into()));
        }
        let word = self.word();
        Ok(match word {
            "any" => Shape::Any,
            "plain" => Shape::Plain,
            "none" => Shape::None,
            "bool" => Shape::Bool,
            "int" => Shape::Int,
            "float" => Shape::Float,
            "number" => Shape::Number,
            "text" => Shape::Text,
            "digits" => Shape::Digits,
            "bytes" => Shape::Bytes,
            "class" => Shape::Class,
            "dict" => Shape::Dict,
            "filling" => Shape::Filling,
            "pair" => Shape::Pair,
            "set" => Shape::Set,
            "hooks" => Shape::Hooks,
            "of" => {
                let name = self.word();
                let (module, name) = name.rsplit_once('.').ok_or("expected MODULE.QUALNAME")?;
                match self.rest.starts_with('(') {
                    true => Shape::Called(module.into(), name.into(), self.slots()?),
                    false => Shape::Of(module.into(), name.into()),
                }
            }
            "" => return Err(format!("expected a shape, got `{}`", self.glance())),
            _ => match word.parse() {
                Ok(value) => Shape::Value(value),
                Err(_) => Shape::Made(word.into()),
            },
        })
    }

    fn fields(&mut self, depth: u32) -> Result<Shape, String> {
        let mut fields = Vec::new();
        if self.take("*") {
            self.expect(":")?;
            let values = self.one_of(depth)?;
            self.expect("}")?;
            return Ok(Shape::Values(values));
        }
        let shape = if self.take("!") { Shape::Closed } else { Shape::Fields };
        if self.take("}") {
            return Ok(shape(fields));
        }
        loop {
            if self.take("...") {
                self.expect("}")?;
                return Ok(shape(fields));
            }
            let name = self.word().to_owned();
            self.expect(":")?;
            fields.push((name, self.one_of(depth)?));
            if self.take("}") {
                return Ok(shape(fields));
            }
            self.expect(",")?;
        }
    }

    /// Letters, digits, `_`, `.`, and a leading minus.
    pub(crate) fn word(&mut self) -> &'a str {
        let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
        let end = self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    pub(crate) fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) {
            return Ok(());
        }
        Err(format!("expected `{token}`, got `{}`", self.glance()))
    }

    fn glance(&self) -> String {
        self.rest.chars().take(20).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_read() {
        let mut parser = Parser::new("(storage|tensor, [int*], {name: text}, hooks?, any*)");
        let slots = parser.slots().unwrap();
        assert_eq!((slots.len(), slots[4].times), (5, Times::Any));
        assert_eq!(slots[0].shapes, [Shape::Made("storage".into()), Shape::Made("tensor".into())]);
        assert_eq!(slots[2].shapes, [Shape::Fields(vec![("name".into(), vec![Shape::Text])])]);
        assert!(Parser::new("(int").slots().is_err() && Parser::new("(\"a)").slots().is_err());
    }
}
