//! The escapes of Jinja strings, which are those of Python's `unicode-escape` codec.

/// The text of a string, and whether every character of it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// The text after its escapes were undone.
    pub text: String,
    /// False where it holds a `\N{NAME}` whose character is not known here.
    pub exact: bool,
}

/// Undo the escapes; `None` where Python would refuse them.
pub(super) fn unescape(source: &str) -> Option<Literal> {
    let mut text = String::with_capacity(source.len());
    let mut exact = true;
    let mut characters = source.chars().peekable();
    while let Some(c) = characters.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match characters.next()? {
            '\n' => {}
            'a' => text.push('\u{7}'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'v' => text.push('\u{b}'),
            c @ ('\\' | '\'' | '"') => text.push(c),
            c @ ('x' | 'u' | 'U') => {
                let length = match c {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let mut value: u32 = 0;
                for _ in 0..length {
                    let digit = characters.next()?.to_digit(16)?;
                    value = value.checked_mul(16)?.checked_add(digit)?;
                }
                // A lone surrogate is a character to Python and to no attribute's name.
                text.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            first @ '0'..='7' => {
                let mut value = first.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = characters.peek().and_then(|c| c.to_digit(8)) else { break };
                    value = value.saturating_mul(8).saturating_add(digit);
                    characters.next();
                }
                text.push(char::from_u32(value)?);
            }
            'N' => {
                let name = characters.by_ref().skip(1).take_while(|&c| c != '}');
                let name = name.collect::<String>();
                let known = named(&name);
                exact &= known.is_some();
                text.push(known.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            other => {
                text.push('\\');
                text.push(other);
            }
        }
    }
    Some(Literal { text, exact })
}

/// The characters of which Python names are made, by their Unicode names.
fn named(name: &str) -> Option<char> {
    let name = name.to_ascii_uppercase();
    if name == "LOW LINE" || name == "SPACING UNDERSCORE" {
        return Some('_');
    }
    let small = name.strip_prefix("LATIN SMALL LETTER ").map(str::to_ascii_lowercase);
    let capital = || name.strip_prefix("LATIN CAPITAL LETTER ").map(ToOwned::to_owned);
    let letter = small.or_else(capital)?;
    let mut letters = letter.chars();
    letters.next().filter(|_| letters.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn every_way_to_write_an_underscore_is_one() {
        for spelling in ["_", r"\x5f", r"\137", r"\u005F", r"\U0000005f", r"\N{LOW LINE}", "\\\n_"]
        {
            let literal = unescape(spelling).unwrap();
            assert_eq!((literal.text.as_str(), literal.exact), ("_", true), "{spelling}");
        }
        assert!(!unescape(r"\N{SNOWMAN}").unwrap().exact);
        assert!(unescape(r"\x5").is_none() && unescape(r"\U99999999").is_some());
    }
}
