//! Python literals, of the few kinds that numpy writes into a header.
//!
//! numpy reads the header with `ast.literal_eval`, which accepts much more. What is more is
//! refused here, never guessed at.

use std::{iter::Peekable, str::Chars};

/// A Python literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Bool(bool),
    Number(i64),
    Tuple(Vec<Self>),
    List(Vec<Self>),
    Dict(Vec<(String, Self)>),
}

/// The literal that this text is, white space around it aside.
pub(super) fn parse(text: &str) -> Result<Literal, String> {
    let mut parser = Parser { rest: text.chars().peekable() };
    let literal = parser.literal(0)?;
    match parser.next_token() {
        None => Ok(literal),
        Some(other) => Err(format!("unexpected `{}` behind the literal", other.escape_default())),
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Parser<'_> {
    /// The first character of the next token, which is not taken.
    fn next_token(&mut self) -> Option<char> {
        while self.rest.next_if(|c| matches!(c, ' ' | '\n' | '\r' | '\t')).is_some() {}
        self.rest.peek().copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        self.next_token() == Some(wanted) && self.rest.next().is_some()
    }

    fn literal(&mut self, depth: u32) -> Result<Literal, String> {
        if depth > DEEPEST {
            return Err(format!("literals nested more than {DEEPEST} deep"));
        }
        let inner = depth.saturating_add(1);
        match self.next_token() {
            Some('\'' | '"') => self.text().map(Literal::Text),
            Some('0'..='9' | '-') => self.number(),
            Some('T' | 'F') => self.truth(),
            Some('[') => {
                self.rest.next();
                self.elements(']', inner).map(|(elements, _)| Literal::List(elements))
            }
            Some('(') => {
                self.rest.next();
                let (elements, comma) = self.elements(')', inner)?;
                match <[Literal; 1]>::try_from(elements) {
                    // Parentheses alone make no tuple.
                    Ok([only]) if !comma => Ok(only),
                    Ok([only]) => Ok(Literal::Tuple(vec![only])),
                    Err(elements) => Ok(Literal::Tuple(elements)),
                }
            }
            Some('{') => {
                self.rest.next();
                self.entries(inner).map(Literal::Dict)
            }
            Some(other) => Err(format!("unexpected `{}`", other.escape_default())),
            None => Err("the literal ends early".into()),
        }
    }

    /// Elements up to the closing bracket, and whether the last has a comma.
    fn elements(&mut self, close: char, depth: u32) -> Result<(Vec<Literal>, bool), String> {
        let (mut elements, mut comma) = (Vec::new(), false);
        while !self.take(close) {
            if !elements.is_empty() && !comma {
                return Err(format!("expected `,` or `{close}`"));
            }
            elements.push(self.literal(depth)?);
            comma = self.take(',');
        }
        Ok((elements, comma))
    }

    fn entries(&mut self, depth: u32) -> Result<Vec<(String, Literal)>, String> {
        let (mut entries, mut comma) = (Vec::new(), false);
        while !self.take('}') {
            if !entries.is_empty() && !comma {
                return Err("expected `,` or `}`".into());
            }
            let Literal::Text(key) = self.literal(depth)? else {
                return Err("expected a text as key".into());
            };
            if !self.take(':') {
                return Err("expected `:`".into());
            }
            entries.push((key, self.literal(depth)?));
            comma = self.take(',');
        }
        Ok(entries)
    }

    fn truth(&mut self) -> Result<Literal, String> {
        let mut word = String::new();
        while let Some(letter) = self.rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
            word.push(letter);
        }
        match word.as_str() {
            "True" => Ok(Literal::Bool(true)),
            "False" => Ok(Literal::Bool(false)),
            _ => Err(format!("unexpected name `{}`", word.escape_default())),
        }
    }

    /// A whole number; Python 2 wrote an `L` behind long ones.
    fn number(&mut self) -> Result<Literal, String> {
        let mut text = String::new();
        text.extend(self.rest.next_if_eq(&'-'));
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            text.push(digit);
        }
        self.rest.next_if_eq(&'L');
        let digits = text.trim_start_matches('-');
        let zeros = digits.len() > 1 && digits.starts_with('0');
        let more = self.rest.peek().is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
        match text.parse() {
            Ok(number) if !zeros && !more => Ok(Literal::Number(number)),
            _ => Err(format!("expected a whole number of 64 bits, got `{text}`")),
        }
    }

    fn text(&mut self) -> Result<String, String> {
        let Some(quote) = self.rest.next() else { return Err("expected a text".into()) };
        let mut text = String::new();
        loop {
            match self.rest.next() {
                Some(end) if end == quote => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some('\n' | '\r') | None => return Err("a text without an end".into()),
                Some(plain) => text.push(plain),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let digits = match self.rest.next() {
            Some(plain @ ('\\' | '\'' | '"')) => return Ok(plain),
            Some('n') => return Ok('\n'),
            Some('r') => return Ok('\r'),
            Some('t') => return Ok('\t'),
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => return Err("an unknown escape in a text".into()),
        };
        let code = (0..digits).try_fold(0_u32, |code, _| {
            let digit = self.rest.next()?.to_digit(16)?;
            code.checked_mul(16)?.checked_add(digit)
        });
        code.and_then(char::from_u32).ok_or_else(|| "an unknown escape in a text".into())
    }
}

/// Structured types of structured types are written as nested lists.
const DEEPEST: u32 = 32;

#[cfg(test)]
mod tests {
    use super::{Literal::*, *};

    #[test]
    fn literals_are_read_as_python_reads_them() {
        let text = |text: &str| Text(text.to_owned());
        assert_eq!(parse("('a')").unwrap(), text("a"));
        assert_eq!(parse(" ('a',)\n").unwrap(), Tuple(vec![text("a")]));
        assert_eq!(parse("()").unwrap(), Tuple(vec![]));
        assert_eq!(
            parse(r#"["\x41\u4e2d'", -3, 7L]"#).unwrap(),
            List(vec![text("A中'"), Number(-3), Number(7),])
        );
        assert_eq!(parse("{'a': True,}").unwrap(), Dict(vec![("a".to_owned(), Bool(true))]));
    }

    #[test]
    fn what_numpy_does_not_write_is_refused() {
        for odd in [
            "",
            "'a' 'b'",
            "'''a'''",
            "b'a'",
            "(,)",
            "[1,,2]",
            "1.5",
            "0x10",
            "1_0",
            "01",
            "None",
            "{1: 2}",
            "{'a'}",
            "(1",
            "# x\n1",
            "-",
            "'a\nb'",
            r"'\N{DASH}'",
            r"'\ud800'",
            "99999999999999999999",
        ] {
            assert!(parse(odd).is_err(), "{odd}");
        }
        assert!(parse(&"(".repeat(100_000)).is_err());
    }
}
