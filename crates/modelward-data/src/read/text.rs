//! Texts: tables in CSV and TSV, JSON lines, and lines alone, also packed by gzip or zstd.
//!
//! A first pass over the whole text finds what each column holds and what is wrong with it; a second
//! gives the rows. So no type hangs on a sample, and a value never turns into nothing because it came late.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::{collections::HashMap, path::Path, sync::Arc};

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use modelward_formats::{Asset, Bytes, Compressed, Gap};

use super::{Options, Source, budget, shape};
use crate::{
    Limits, Note, Piece, Rows, Set, Unread, foreign,
    rules::{CODE_IN_DATA, SCHEMA_CHANGED},
};

mod feed;
mod json;
mod rows;
mod scan;
mod split;
mod value;

use self::{feed::Encoding, split::Dialect, value::Type};

/// How the rows of a text are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Fields between delimiters, a header first.
    Table(Dialect),
    /// An object on every line.
    Json,
    /// A text on every line.
    Lines(Dialect),
}

/// A text file.
struct File {
    name: String,
    /// Its bytes, unpacked.
    bytes: Bytes,
    form: Form,
    limits: Limits,
    scan: scan::Scan,
}

/// A file as a piece of a set, whose columns may be those of several files.
struct Part {
    file: Arc<File>,
    schema: SchemaRef,
    /// For each column of the file, which of the set it is.
    target: Vec<usize>,
    types: Vec<Type>,
}

/// Open a file of text; `None` where it is none.
pub(super) fn open(
    source: &Source,
    bytes: &Bytes,
    options: &Options,
) -> Option<Result<Set, Unread>> {
    let file = match file(source, bytes, options)? {
        Ok(file) => file,
        Err(unread) => return Some(Err(unread)),
    };
    Some(Ok(set(&source.name, vec![Arc::new(file)])))
}

/// Open a folder whose files are texts of one form as one set, in the order of their names; `None` where
/// its first file is no text.
pub(super) fn folder(source: &Source, options: &Options) -> Option<Result<Set, Unread>> {
    let refused = |error: &std::io::Error| {
        Unread::refused(&source.name, &modelward_formats::Refusal::io(0, error))
    };
    let mut names = Vec::new();
    let entries = match std::fs::read_dir(&source.path) {
        Ok(entries) => entries,
        Err(error) => return Some(Err(refused(&error))),
    };
    for entry in entries {
        match entry {
            Ok(entry) if !entry.file_name().to_string_lossy().starts_with('.') => {
                names.push(entry.file_name());
            }
            Ok(_) => {}
            Err(error) => return Some(Err(refused(&error))),
        }
        if names.len() as u64 > options.limits.files {
            let why = format!("expected at most {} files", options.limits.files);
            return Some(Err(Unread::new(&source.name, Gap::ManyMembers, why)));
        }
    }
    names.sort_unstable();
    let mut files: Vec<Arc<File>> = Vec::new();
    let mut notes = Vec::new();
    for name in names {
        let path = source.path.join(&name);
        let shown = Path::new(&source.name).join(&name).display().to_string();
        let part = Source { path, name: shown };
        let bytes = part.bytes();
        if let Some(what) = bytes.as_ref().ok().and_then(|bytes| foreign::code(&part.name, bytes)) {
            let why = format!("{what} among the data, which is left out");
            notes.push(Note { rule: &CODE_IN_DATA, file: part.name, line: None, why });
            continue;
        }
        match bytes.map(|bytes| file(&part, &bytes, options)) {
            Ok(Some(Ok(file))) => files.push(Arc::new(file)),
            Ok(None) if files.is_empty() => return None,
            Err(_) if files.is_empty() => return None,
            Ok(None) => {
                let why = "expected a text like the files before it";
                return Some(Err(Unread::new(&part.name, Gap::UnknownFormat, why).at(0)));
            }
            Ok(Some(Err(unread))) | Err(unread) => return Some(Err(unread)),
        }
    }
    (!files.is_empty()).then(|| {
        let mut set = set(&source.name, files);
        set.notes.extend(notes);
        Ok(set)
    })
}

/// Files as one set; the columns are those of the first, and behind them what others have beside them.
fn set(name: &str, files: Vec<Arc<File>>) -> Set {
    let mut columns: Vec<(String, value::Seen)> = Vec::new();
    let (mut notes, mut targets) = (Vec::new(), Vec::new());
    for (at, file) in files.iter().enumerate() {
        let mut taken = vec![false; columns.len()];
        let mut known: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, (name, _)) in columns.iter().enumerate().rev() {
            known.entry(name.clone()).or_default().push(index);
        }
        let mut target = Vec::new();
        let mut changed = Vec::new();
        for column in &file.scan.columns {
            // Of a name that stands twice the second goes to the second.
            let found = known.get_mut(&column.name).and_then(Vec::pop);
            let index = found.unwrap_or(columns.len());
            match columns.get_mut(index) {
                Some((_, seen)) => {
                    if let Some(taken) = taken.get_mut(index) {
                        *taken = true;
                    }
                    let (one, other) = (Type::of(*seen), Type::of(column.seen));
                    let both = *seen != 0 && column.seen != 0;
                    if both && (one == Type::Text) != (other == Type::Text) {
                        changed.push(format!("`{}` is of another type", column.name));
                    }
                    *seen |= column.seen;
                }
                None => {
                    if at > 0 {
                        changed.push(format!("`{}` is new", column.name));
                    }
                    columns.push((column.name.clone(), column.seen));
                }
            }
            target.push(index);
        }
        let missing = columns.iter().zip(&taken).filter(|(_, taken)| at > 0 && !**taken);
        changed.extend(missing.map(|((name, _), _)| format!("`{name}` is missing")));
        if !changed.is_empty() {
            changed.truncate(MOST_CHANGES);
            notes.push(Note {
                rule: &SCHEMA_CHANGED,
                file: file.name.clone(),
                line: None,
                why: format!("expected the columns of the files before it: {}", changed.join(", ")),
            });
        }
        notes.extend(file.scan.notes.iter().cloned());
        targets.push(target);
    }
    let types = columns.iter().map(|(_, seen)| Type::of(*seen)).collect::<Vec<_>>();
    let fields = columns.iter().zip(&types).map(|((name, _), kind)| {
        let kind = match kind {
            Type::Int => DataType::Int64,
            Type::Float => DataType::Float64,
            Type::Truth => DataType::Boolean,
            Type::Text => DataType::Utf8,
        };
        Field::new(name, kind, true)
    });
    let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let format = match files.first().map(|file| file.form) {
        Some(Form::Json) => "jsonl",
        Some(Form::Table(Dialect { delimiter: Some(b'\t'), .. })) => "tsv",
        Some(Form::Table(_)) => "csv",
        _ => "text",
    };
    let first = files.first().map(|file| file.name.clone()).unwrap_or_default();
    notes.extend(shape::twice(&first, &schema));
    let pieces = files.into_iter().zip(targets).map(|(file, target)| {
        let (schema, types) = (schema.clone(), types.clone());
        Arc::new(Part { file, schema, target, types }) as Arc<dyn Piece>
    });
    Set { name: name.to_owned(), format, pieces: pieces.collect(), schema: schema.clone(), notes }
}

/// The bytes of a file, unpacked where it is packed by gzip or zstd.
pub(crate) fn unpacked(
    source: &Source,
    bytes: &Bytes,
    limits: &Limits,
) -> Result<(Bytes, bool), Unread> {
    if !bytes.has(0, &[0x1f, 0x8b, 8]) && !bytes.has(0, &[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok((bytes.clone(), false));
    }
    let readings = modelward_formats::read(bytes, &budget(limits));
    for reading in readings {
        let asset: Box<dyn Asset> = reading.asset.map_err(|refusal| source.refused(&refusal))?;
        let asset: Box<dyn std::any::Any> = asset;
        let Ok(packed) = asset.downcast::<Compressed>() else { continue };
        return match packed.refusal() {
            Some(refusal) => Err(source.refused(refusal)),
            None => Ok((packed.content().clone(), true)),
        };
    }
    Ok((bytes.clone(), false))
}

fn file(source: &Source, bytes: &Bytes, options: &Options) -> Option<Result<File, Unread>> {
    let name = source.name.clone();
    let (bytes, packed) = match unpacked(source, bytes, &options.limits) {
        Ok(unpacked) => unpacked,
        Err(unread) => return Some(Err(unread)),
    };
    let head = match bytes.head(HEAD) {
        Ok(head) => head,
        Err(refusal) => return Some(Err(source.refused(&refusal))),
    };
    if head.is_empty() {
        let why = "expected a header or a row, got no bytes";
        return Some(Err(Unread::new(&name, Gap::Truncated, why).line(1).at(0)));
    }
    let (encoding, mark) = Encoding::of(&head);
    if encoding == Encoding::Utf8 {
        let nul = |parity: usize| {
            let every = head.iter().skip(parity).step_by(2);
            every.filter(|byte| **byte == 0).count().saturating_mul(2)
        };
        let (even, odd) = (nul(0), nul(1));
        let much = head.len().saturating_mul(3) / 5;
        if even.max(odd) > much && even.min(odd).saturating_mul(4) < even.max(odd) {
            let why = "expected UTF-8, got what looks like UTF-16 without a mark";
            return Some(Err(Unread::new(&name, Gap::Malformed, why).line(1).at(0)));
        }
        let control = head.iter().filter(|byte| matches!(byte, 0..=8 | 0xe..=0x1a | 0x1c..=0x1f));
        if control.count().saturating_mul(20) > head.len().saturating_add(80) {
            return None;
        }
    }
    let limits = options.limits;
    let text = match feed::Feed::new(&name, &bytes, limits.cell) {
        Ok(mut feed) => match feed.more() {
            Ok(()) => {
                let text = feed.text();
                let cut = usize::try_from(HEAD.saturating_sub(mark)).unwrap_or(0).min(text.len());
                let last = feed.is_last() && cut == text.len();
                Ok((text.get(..cut).unwrap_or_default().to_vec(), last))
            }
            Err(unread) => Err(unread),
        },
        Err(unread) => Err(unread),
    };
    let (head, last) = match text {
        Ok(text) => text,
        Err(unread) => return Some(Err(unread)),
    };
    let ending = name.to_lowercase();
    let ending = ending.trim_end_matches(".gz").trim_end_matches(".zst");
    let named_table = ending.ends_with(".csv") || ending.ends_with(".tsv");
    let form = form(&head, last, named_table);
    let _ = packed;
    Some(scan::scan(&name, &bytes, form, &limits).map(|scan| File {
        name,
        bytes,
        form,
        limits,
        scan,
    }))
}

/// How a text is written that begins like this.
fn form(head: &[u8], last: bool, named_table: bool) -> Form {
    match head.trim_ascii_start() {
        [b'{', ..] => return Form::Json,
        [b'[', rest @ ..] => {
            let next = rest.trim_ascii_start().first();
            if matches!(next, Some(b'{' | b'[' | b'"' | b'0'..=b'9' | b'-')) {
                return Form::Json;
            }
        }
        _ => {}
    }
    let dialect = Dialect::guess(head, last, named_table);
    match dialect.delimiter {
        Some(_) => Form::Table(dialect),
        None => Form::Lines(dialect),
    }
}

impl Piece for Part {
    fn name(&self) -> &str {
        &self.file.name
    }

    fn rows(&self) -> Option<u64> {
        Some(self.file.scan.rows)
    }

    fn open(&self) -> Result<Box<dyn Rows + '_>, Unread> {
        Ok(Box::new(rows::Reading::new(self)?))
    }
}

/// Bytes that are looked at to tell how a text is written.
const HEAD: u64 = 64 << 10;
/// Changes of a file's columns that are named.
const MOST_CHANGES: usize = 8;

#[cfg(test)]
mod tests {
    #[test]
    fn an_empty_field_in_quotes_is_a_row_and_a_blank_line_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one.csv");
        std::fs::write(&path, "a\n\"\"\n\n1\n\n2\n").unwrap();
        let set = crate::read::open(&path, &crate::read::Options::default()).unwrap();
        assert_eq!(set.pieces.first().and_then(|piece| piece.rows()), Some(3));
    }
}
