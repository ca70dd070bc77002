//! The first pass over a text: its columns, what they hold, how many rows, and what is wrong.

use std::collections::{HashMap, HashSet};

use modelward_formats::{Bytes, Gap};

use super::{
    Form,
    feed::Feed,
    json,
    split::{Field, Split},
    value::{self, COMMA, FLOAT, INT, NESTED, Seen, TEXT, TRUTH},
};
use crate::{Limits, Note, Unread, rules::DATA_MALFORMED};

/// A column of a text.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) seen: Seen,
    /// Numbers like -999, which may stand for nothing.
    pub(super) nines: u64,
    /// Whole numbers beyond 2^53.
    beyond: u64,
}

/// What the first pass found.
#[derive(Clone, Debug, Default)]
pub(super) struct Scan {
    pub(super) columns: Vec<Column>,
    pub(super) rows: u64,
    pub(super) notes: Vec<Note>,
    told: HashMap<&'static str, u64>,
}

/// A text, record by record.
pub(super) struct Records<'a> {
    pub(super) feed: Feed<'a>,
    pub(super) form: Form,
    name: &'a str,
    /// The line on which the next record begins, from 1.
    pub(super) line: u64,
    /// Bytes of the record that was given last, and its lines.
    taken: usize,
    lines: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(
        name: &'a str,
        bytes: &'a Bytes,
        form: Form,
        limits: &Limits,
    ) -> Result<Self, Unread> {
        // All cells of a row may be long, but not all of many.
        let most = limits.cell.max(limits.columns.saturating_mul(64));
        Ok(Self { feed: Feed::new(name, bytes, most)?, form, name, line: 1, taken: 0, lines: 0 })
    }

    /// The length of the next record that is not blank, with its fields; `None` at the end.
    pub(super) fn next(&mut self, fields: &mut Vec<Field>) -> Result<Option<usize>, Unread> {
        loop {
            if self.feed.text().is_empty() {
                if self.feed.is_last() {
                    return Ok(None);
                }
                self.feed.more()?;
                continue;
            }
            let dialect = match self.form {
                Form::Table(dialect) | Form::Lines(dialect) => dialect,
                Form::Json => super::Dialect { delimiter: None, newline: b'\n' },
            };
            match dialect.split(self.feed.text(), self.feed.is_last(), fields) {
                Split::Record(end, lines) => {
                    let blank = matches!(fields.as_slice(), [field] if field.range.is_empty() && !field.quoted);
                    (self.taken, self.lines) = (end, lines);
                    if !blank {
                        return Ok(Some(end));
                    }
                    self.advance();
                }
                Split::More => self.feed.more()?,
                Split::Open(at) => {
                    let before = self.feed.text().get(..at).unwrap_or_default();
                    let line = self.line.saturating_add(lines(before, dialect.newline));
                    let why = "expected a closing quote, got the end of the file";
                    let place = self.feed.place().saturating_add(at as u64);
                    return Err(Unread::new(self.name, Gap::Truncated, why).line(line).at(place));
                }
            }
        }
    }

    /// The text of the record that was given last, with its end of line.
    pub(super) fn record(&self) -> &[u8] {
        self.feed.text().get(..self.taken).unwrap_or_default()
    }

    /// Go behind the record that was given last; gives where it lies in the unpacked bytes.
    pub(super) fn advance(&mut self) -> std::ops::Range<u64> {
        self.line = self.line.saturating_add(std::mem::take(&mut self.lines));
        let taken = std::mem::take(&mut self.taken);
        self.feed.consume(taken)
    }

    /// The record as text.
    pub(super) fn text(&self) -> Result<&str, Unread> {
        std::str::from_utf8(self.record()).map_err(|error| {
            let at = self.feed.place().saturating_add(error.valid_up_to() as u64);
            let byte = self.record().get(error.valid_up_to()).copied().unwrap_or(0);
            let why = format!("expected UTF-8, got the byte 0x{byte:02x} at offset {at}");
            Unread::new(self.name, Gap::Malformed, why).line(self.line).at(at)
        })
    }

    pub(super) fn unread(&self, gap: Gap, why: impl Into<String>) -> Unread {
        Unread::new(self.name, gap, why).line(self.line).at(self.feed.place())
    }

    pub(super) fn fault(&self, fault: &json::Fault) -> Unread {
        let at = self.feed.place().saturating_add(fault.at as u64);
        Unread::new(self.name, Gap::Malformed, fault.why.clone()).line(self.line).at(at)
    }
}

fn lines(text: &[u8], newline: u8) -> u64 {
    text.iter().filter(|byte| **byte == newline).count() as u64
}

impl Scan {
    /// Tell of a flaw; of those of one kind only the first few.
    fn note(
        &mut self,
        what: &'static str,
        file: &str,
        line: Option<u64>,
        why: impl FnOnce() -> String,
    ) {
        let told = self.told.entry(what).or_default();
        *told = told.saturating_add(1);
        if *told <= MOST_TOLD {
            let rule = &DATA_MALFORMED;
            self.notes.push(Note { rule, file: file.to_owned(), line, why: why() });
        }
    }

    fn end(&mut self, file: &str) {
        let mut more = self.told.drain().filter(|(_, told)| *told > MOST_TOLD).collect::<Vec<_>>();
        more.sort_unstable();
        for (what, told) in more {
            let why = format!("{} more {what}", told.saturating_sub(MOST_TOLD));
            self.notes.push(Note { rule: &DATA_MALFORMED, file: file.to_owned(), line: None, why });
        }
        let mut notes = Vec::new();
        for column in &self.columns {
            let name = &column.name;
            if column.seen & COMMA != 0 && column.seen & !(COMMA | INT) == 0 {
                notes.push(format!("the column `{name}` holds numbers with a comma, read as text"));
            }
            if column.beyond > 1 && value::Type::of(column.seen) == value::Type::Float {
                let count = column.beyond;
                notes.push(format!(
                    "the column `{name}` holds {count} whole numbers beyond 2^53 as floats, of which several become one"
                ));
            }
        }
        for why in notes {
            self.note("such columns", file, None, || why);
        }
        self.told.clear();
    }
}

/// Read a text once.
pub(super) fn scan(name: &str, bytes: &Bytes, form: Form, limits: &Limits) -> Result<Scan, Unread> {
    let mut records = Records::new(name, bytes, form, limits)?;
    let mut scan = match form {
        Form::Table(_) => table(name, &mut records, limits)?,
        Form::Json => objects(name, &mut records, limits)?,
        Form::Lines(_) => {
            let (mut scan, mut fields) = (Scan::default(), Vec::new());
            scan.columns.push(column("text".to_owned(), TEXT));
            while records.next(&mut fields)?.is_some() {
                records.text()?;
                if records.record().contains(&0) {
                    scan.note("lines with NUL", name, Some(records.line), || {
                        "expected text, got NUL in a line".into()
                    });
                }
                records.advance();
                scan.rows = scan.rows.saturating_add(1);
            }
            scan
        }
    };
    scan.end(name);
    Ok(scan)
}

fn column(name: String, seen: Seen) -> Column {
    Column { name, seen, nines: 0, beyond: 0 }
}

fn table(name: &str, records: &mut Records<'_>, limits: &Limits) -> Result<Scan, Unread> {
    let (mut scan, mut fields) = (Scan::default(), Vec::new());
    if records.next(&mut fields)?.is_none() {
        return Err(records.unread(Gap::Truncated, "expected a header, got blank lines"));
    }
    if fields.len() > limits.columns {
        let why = format!("expected at most {} columns, got {}", limits.columns, fields.len());
        return Err(records.unread(Gap::LargeMemory, why));
    }
    records.text()?;
    let header =
        fields.iter().map(|field| field.text(records.record()).into_owned()).collect::<Vec<_>>();
    for title in &header {
        scan.columns.push(column(String::from_utf8_lossy(title).trim().to_owned(), 0));
    }
    records.advance();
    let width = header.len();
    let titled = header.iter().any(|title| value::seen(title) == TEXT);
    while records.next(&mut fields)?.is_some() {
        let text = records.text()?.as_bytes();
        let line = records.line;
        let row = scan.rows;
        if fields.len() != width {
            let count = fields.len();
            scan.note("rows with too few or too many fields", name, Some(line), || {
                let some = if count == 1 { "field" } else { "fields" };
                format!("expected {width} fields, got {count} {some} in row {row}")
            });
        }
        if text.contains(&0) {
            scan.note("rows with NUL", name, Some(line), || {
                format!("expected text, got NUL in row {row}")
            });
        }
        let again = titled && fields.len() == width;
        if again && fields.iter().zip(&header).all(|(field, title)| *field.text(text) == **title) {
            scan.note("rows that are the header", name, Some(line), || {
                format!("expected values, got the header again as row {row}")
            });
        }
        for (field, column) in fields.iter().zip(&mut scan.columns) {
            if column.seen & TEXT != 0 {
                continue;
            }
            let value = text.get(field.range.clone()).unwrap_or_default();
            let seen = value::seen(value);
            column.seen |= seen;
            if seen & (INT | FLOAT) != 0 {
                let value = value.trim_ascii();
                if value.len() >= 16 && value::is_beyond(value) {
                    column.beyond = column.beyond.saturating_add(1);
                }
                if value.len() <= 12 && value::is_nines(value) {
                    column.nines = column.nines.saturating_add(1);
                }
            }
        }
        records.advance();
        scan.rows = scan.rows.saturating_add(1);
    }
    Ok(scan)
}

fn objects(name: &str, records: &mut Records<'_>, limits: &Limits) -> Result<Scan, Unread> {
    let (mut scan, mut fields) = (Scan::default(), Vec::new());
    let mut known: HashMap<String, usize> = HashMap::new();
    while records.next(&mut fields)?.is_some() {
        let text = records.text()?;
        if text.trim_ascii().is_empty() {
            records.advance();
            continue;
        }
        let entries = json::object(text, limits.depth).map_err(|fault| records.fault(&fault))?;
        let mut here = HashSet::new();
        for entry in &entries {
            let at = match known.get(entry.key.as_ref()) {
                Some(at) => *at,
                None => {
                    let at = scan.columns.len();
                    if at >= limits.columns {
                        let why = format!("expected at most {} keys, got more", limits.columns);
                        return Err(records.unread(Gap::LargeMemory, why));
                    }
                    known.insert(entry.key.clone().into_owned(), at);
                    scan.columns.push(column(entry.key.clone().into_owned(), 0));
                    at
                }
            };
            if !here.insert(at) {
                scan.note("objects with a key twice", name, Some(records.line), || {
                    format!("the key `{}` stands twice in one object", entry.key)
                });
            }
            let Some(column) = scan.columns.get_mut(at) else { continue };
            column.seen |= entry.seen;
            if entry.seen & (INT | FLOAT) != 0 {
                let value = text.get(entry.value.clone()).unwrap_or_default().as_bytes();
                if value.len() >= 16 && value::is_beyond(value) {
                    column.beyond = column.beyond.saturating_add(1);
                }
                if value.len() <= 12 && value::is_nines(value) {
                    column.nines = column.nines.saturating_add(1);
                }
            }
        }
        records.advance();
        scan.rows = scan.rows.saturating_add(1);
    }
    let mixed = scan.columns.iter().filter_map(|column| {
        let kinds = [
            (INT | FLOAT, "numbers"),
            (TRUTH, "truths"),
            (TEXT, "texts"),
            (NESTED, "lists or objects"),
        ];
        let kinds = kinds.iter().filter(|(bits, _)| column.seen & bits != 0).map(|(_, word)| *word);
        let kinds = kinds.collect::<Vec<_>>();
        (kinds.len() > 1).then(|| {
            format!(
                "the key `{}` holds values of several types, read as text: {}",
                column.name,
                kinds.join(", ")
            )
        })
    });
    for why in mixed.collect::<Vec<_>>() {
        scan.note("keys of several types", name, None, || why);
    }
    Ok(scan)
}

/// Flaws of one kind that are told of one by one.
const MOST_TOLD: u64 = 5;
