//! Where records and their fields end (RFC 4180, with what is met beyond it).

use std::{borrow::Cow, ops::Range};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Between fields; none where a record is one field without quotes.
    pub(super) delimiter: Option<u8>,
    /// At the end of a record.
    pub(super) newline: u8,
}

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Where its text lies, without quotes around it.
    pub(super) range: Range<usize>,
    /// Whether there are quotes around it.
    pub(super) quoted: bool,
    /// Whether quotes in it are doubled.
    pub(super) doubled: bool,
}

/// What a text begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// A record that ends here, its end of line included, and how many lines it takes.
    Record(usize, u64),
    /// A record whose end is not there yet.
    More,
    /// At the end of the text, a quote that is never closed.
    Open(usize),
}

const QUOTE: u8 = b'"';

/// The first of two bytes from a place on, eight at a time: where a byte is 0, subtracting 1 borrows into
/// its highest bit (Warren, Hacker's Delight, section 6-1).
fn find(text: &[u8], from: usize, one: u8, other: u8) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (ones, others) = (LOW.wrapping_mul(one.into()), LOW.wrapping_mul(other.into()));
    let zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let mut at = from;
    while let Some(chunk) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        // The lowest bit is right; those above it may come from the borrow.
        let hit = zero(word ^ ones) | zero(word ^ others);
        if hit != 0 {
            return Some(at.wrapping_add((hit.trailing_zeros() >> 3) as usize));
        }
        at = at.wrapping_add(8);
    }
    let rest = text.get(at..)?;
    let found = rest.iter().position(|byte| *byte == one || *byte == other)?;
    Some(at.wrapping_add(found))
}

impl Field {
    /// Its text.
    pub(super) fn text<'a>(&self, record: &'a [u8]) -> Cow<'a, [u8]> {
        let text = record.get(self.range.clone()).unwrap_or_default();
        if !self.doubled {
            return Cow::Borrowed(text);
        }
        let mut plain = Vec::with_capacity(text.len());
        let mut after = false;
        for byte in text {
            after = *byte == QUOTE && !after;
            if *byte != QUOTE || after {
                plain.push(*byte);
            }
        }
        Cow::Owned(plain)
    }
}

impl Dialect {
    /// The first record of a text that is not empty, and its fields.
    pub(super) fn split(&self, text: &[u8], last: bool, fields: &mut Vec<Field>) -> Split {
        fields.clear();
        let Some(delimiter) = self.delimiter else {
            return match find(text, 0, self.newline, self.newline) {
                Some(end) => {
                    fields.push(self.plain(text, 0..end));
                    Split::Record(end.saturating_add(1), 1)
                }
                None if last => {
                    fields.push(self.plain(text, 0..text.len()));
                    Split::Record(text.len(), 0)
                }
                None => Split::More,
            };
        };
        let (mut at, mut lines) = (0_usize, 0_u64);
        loop {
            let mut close = None;
            let mut doubled = false;
            if text.get(at) == Some(&QUOTE) {
                let mut from = at.saturating_add(1);
                loop {
                    let Some(quote) = find(text, from, QUOTE, QUOTE) else {
                        return if last { Split::Open(at) } else { Split::More };
                    };
                    let inside = text.get(from..quote).unwrap_or_default();
                    let broken = inside.iter().filter(|byte| **byte == self.newline).count();
                    lines = lines.saturating_add(broken as u64);
                    match text.get(quote.saturating_add(1)) {
                        Some(&QUOTE) => {
                            doubled = true;
                            from = quote.saturating_add(2);
                        }
                        None if !last => return Split::More,
                        _ => {
                            close = Some(quote);
                            break;
                        }
                    }
                }
            }
            let from = close.map_or(at, |close| close.saturating_add(1));
            let newline = self.newline;
            let end = match find(text, from, delimiter, newline) {
                Some(end) => end,
                None if last => text.len(),
                None => return Split::More,
            };
            let field = self.plain(text, at..end);
            // Only where nothing stands behind the closing quote is it one.
            fields.push(match close {
                Some(close) if field.range.end == close.saturating_add(1) => {
                    Field { range: at.saturating_add(1)..close, quoted: true, doubled }
                }
                _ => field,
            });
            match text.get(end) {
                Some(byte) if *byte == delimiter => at = end.saturating_add(1),
                Some(_) => return Split::Record(end.saturating_add(1), lines.saturating_add(1)),
                None => return Split::Record(text.len(), lines),
            }
        }
    }

    fn plain(&self, text: &[u8], range: Range<usize>) -> Field {
        let cut = match text.get(range.clone()) {
            Some([.., b'\r'])
                if self.newline == b'\n' && text.get(range.end) != self.delimiter.as_ref() =>
            {
                range.end.saturating_sub(1)
            }
            _ => range.end,
        };
        Field { range: range.start..cut, quoted: false, doubled: false }
    }

    /// How a text is written that begins like this; a delimiter only where records agree on it.
    pub(super) fn guess(head: &[u8], last: bool, named_table: bool) -> Self {
        let has = |byte: u8| head.contains(&byte);
        let newline = if !has(b'\n') && has(b'\r') { b'\r' } else { b'\n' };
        let lines = Self { delimiter: None, newline };
        let score = |delimiter: u8| {
            let dialect = Self { delimiter: Some(delimiter), newline };
            let (mut at, mut counts, mut fields) = (0_usize, Vec::new(), Vec::new());
            let mut spaced = 0_usize;
            while let Some(text) = head.get(at..).filter(|text| !text.is_empty()) {
                let Split::Record(end, _) = dialect.split(text, last, &mut fields) else { break };
                if fields.iter().any(|field| !field.range.is_empty()) {
                    counts.push(fields.len());
                    let prose = |field: &Field| text.get(field.range.start) == Some(&b' ');
                    spaced = spaced.saturating_add(usize::from(fields.iter().skip(1).any(prose)));
                }
                at = at.saturating_add(end);
            }
            let first = counts.first().copied().unwrap_or(0);
            let alike = counts.iter().filter(|count| **count == first).count();
            let prose = !named_table && spaced.saturating_mul(2) > counts.len();
            // A header that half of the rows, at least, have as many fields as.
            let good = first > 1 && alike.saturating_mul(2) >= counts.len() && !prose;
            good.then_some((alike.saturating_mul(1000).checked_div(counts.len())?, first))
        };
        let best = b",\t;|".iter().filter_map(|delimiter| Some((score(*delimiter)?, *delimiter)));
        let best = best.reduce(|best, next| if next.0 > best.0 { next } else { best });
        match best {
            Some((_, delimiter)) => Self { delimiter: Some(delimiter), ..lines },
            // A head without an end of line: a header that is longer than what is looked at.
            None if named_table => Self { delimiter: Some(b','), ..lines },
            None => lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_byte_is_found_where_a_plain_search_finds_it(
            text in prop::collection::vec(prop_oneof![Just(b','), Just(b'-'), Just(b'+'), Just(b'\n'), any::<u8>()], 0..40),
            from in 0_usize..44,
        ) {
            let rest = text.get(from..).unwrap_or_default();
            let plain = rest.iter().position(|byte| matches!(byte, b',' | b'\n'));
            prop_assert_eq!(find(&text, from, b',', b'\n'), plain.map(|at| at.saturating_add(from)));
        }
    }
}
