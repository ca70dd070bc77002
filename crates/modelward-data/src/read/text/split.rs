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
    /// A record that ends here, its end of line included.
    Record(usize),
    /// A record whose end is not there yet.
    More,
    /// At the end of the text, a quote that is never closed.
    Open(usize),
}

const QUOTE: u8 = b'"';

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
        let tail = |at: usize| text.get(at..).unwrap_or_default();
        let Some(delimiter) = self.delimiter else {
            let end = tail(0).iter().position(|byte| *byte == self.newline);
            return match end {
                Some(end) => {
                    fields.push(self.plain(text, 0..end));
                    Split::Record(end.saturating_add(1))
                }
                None if last => {
                    fields.push(self.plain(text, 0..text.len()));
                    Split::Record(text.len())
                }
                None => Split::More,
            };
        };
        let mut at = 0_usize;
        loop {
            let mut close = None;
            let mut doubled = false;
            if text.get(at) == Some(&QUOTE) {
                let mut from = at.saturating_add(1);
                loop {
                    let Some(quote) = tail(from).iter().position(|byte| *byte == QUOTE) else {
                        return if last { Split::Open(at) } else { Split::More };
                    };
                    let quote = from.saturating_add(quote);
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
            let end = tail(from).iter().position(|byte| *byte == delimiter || *byte == newline);
            let end = match end {
                Some(end) => from.saturating_add(end),
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
                Some(_) => return Split::Record(end.saturating_add(1)),
                None => return Split::Record(text.len()),
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
                let Split::Record(end) = dialect.split(text, last, &mut fields) else { break };
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
