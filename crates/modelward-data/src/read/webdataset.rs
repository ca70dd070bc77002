//! WebDataset archives: tar files whose members of one key, the name up to the first dot of its last step,
//! are one sample. What follows the dot is the column.
//!
//! Images, texts, JSON and classes are read; members that the usual loader unpickles are named and never
//! read. Nothing is unpacked.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::{collections::HashMap, ops::Range, sync::Arc};

use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{BinaryBuilder, Int64Builder, StringBuilder},
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use modelward_formats::{
    Bytes, Gap,
    listing::Kind,
    picture,
    tar::{self, Member},
};

use super::{Options, Source, arrays::leaves, budget, images, notes::Notes};
use crate::{
    Chunk, Limits, Note, Piece, Rows, Set, Unread,
    columns::{IMAGE, PATH},
    foreign,
    limits::{BATCH_BYTES, BATCH_ROWS},
    rules::{CODE_IN_DATA, DATA_MALFORMED, OBJECT_ARRAY},
};

/// Whether bytes begin as a tar archive does, as far as a glance tells.
pub(super) fn is(head: &[u8]) -> bool {
    let magic = head.get(257..262) == Some(b"ustar");
    // Before ustar there was none: a name, and digits of eight in the field of the size.
    let old = head.len() >= 512
        && head.first().is_some_and(|byte| *byte != 0)
        && head.get(124..135).is_some_and(|size| {
            size.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0))
                && size.iter().any(u8::is_ascii_digit)
        })
        && head
            .get(148..154)
            .is_some_and(|sum| sum.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ')));
    magic || old
}

/// Open an archive of samples.
pub(super) fn open(source: &Source, bytes: &Bytes, options: &Options) -> Result<Set, Unread> {
    let limits = options.limits;
    let Samples { notes, columns, rows, .. } = samples(source, bytes, options)?;
    let notes = notes.all(&source.name);
    let schema = schema(&columns);
    let name = source.name.clone();
    let piece = Archive { name: name.clone(), schema: schema.clone(), columns, rows, limits };
    Ok(Set { name, format: "webdataset", schema, pieces: vec![Arc::new(piece)], notes })
}

/// Where the members of some rows lie, each with the headers that are its own; `rows` rise.
pub(super) fn places(
    source: &Source,
    bytes: &Bytes,
    options: &Options,
    rows: &[u64],
) -> Result<Vec<Range<u64>>, Unread> {
    let samples = samples(source, bytes, options)?;
    let mut places = Vec::new();
    for row in rows {
        let sample = usize::try_from(*row).ok().and_then(|row| samples.rows.get(row));
        places.extend(sample.iter().flat_map(|sample| sample.places.iter().cloned()));
    }
    places.sort_unstable_by_key(|place| place.start);
    Ok(places)
}

fn samples<'a>(
    source: &'a Source,
    bytes: &Bytes,
    options: &Options,
) -> Result<Samples<'a>, Unread> {
    let limits = options.limits;
    let archive = tar::archive(bytes, &budget(&limits)).ok_or_else(|| {
        Unread::new(&source.name, Gap::Malformed, "expected a tar header with a fitting checksum")
            .at(0)
    })?;
    if let Some(refusal) = archive.refusals().first() {
        return Err(source.refused(refusal));
    }
    let mut samples =
        Samples { source, limits, notes: Notes::default(), columns: Vec::new(), rows: Vec::new() };
    for member in &archive.members {
        samples.take(member)?;
    }
    Ok(samples)
}

fn schema(columns: &[Column]) -> SchemaRef {
    let fields = columns.iter().map(|column| {
        let name = column.name.as_str();
        match column.form {
            Form::Image => Field::new(name, DataType::Binary, true)
                .with_metadata(HashMap::from([(IMAGE.to_owned(), String::new())])),
            Form::Class => Field::new(name, DataType::Int64, true),
            Form::Text => Field::new(name, DataType::Utf8, true),
            Form::Bytes => Field::new(name, DataType::Binary, true),
        }
    });
    let key = Field::new("key", DataType::Utf8, false)
        .with_metadata(HashMap::from([(PATH.to_owned(), String::new())]));
    Arc::new(Schema::new([key].into_iter().chain(fields).collect::<Vec<_>>()))
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Image,
    /// A whole number.
    Class,
    Text,
    Bytes,
}

struct Column {
    name: String,
    form: Form,
}

/// One sample: its key, and the content of each column that it has.
struct Sample {
    key: String,
    parts: Vec<(usize, Bytes)>,
    /// Where all its members lie, with those that are not read.
    places: Vec<Range<u64>>,
}

struct Samples<'a> {
    source: &'a Source,
    limits: Limits,
    notes: Notes,
    columns: Vec<Column>,
    rows: Vec<Sample>,
}

impl Samples<'_> {
    fn note(&mut self, rule: &'static modelward_core::Rule, why: String) {
        self.notes.push(|| Note { rule, file: self.source.name.clone(), line: None, why });
    }

    fn take(&mut self, member: &Member) -> Result<(), Unread> {
        let name = String::from_utf8_lossy(&member.name).into_owned();
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        match &member.kind {
            Kind::Folder => return Ok(()),
            Kind::File => {}
            Kind::SymbolicLink(target) | Kind::HardLink(target) => {
                let target = String::from_utf8_lossy(target);
                let why =
                    format!("the member `{name}` is a link to `{target}`, which is not followed");
                self.note(&DATA_MALFORMED, why);
                return Ok(());
            }
            Kind::Special(what) => {
                self.note(&DATA_MALFORMED, format!("the member `{name}` is {what}"));
                return Ok(());
            }
        }
        if leaves(&name) {
            let why =
                format!("the name of the member `{name}` leaves the folder it is unpacked in");
            self.note(&DATA_MALFORMED, why);
        }
        let (folder, base) = name.rsplit_once('/').unwrap_or(("", &name));
        // The loader passes over what begins with a dot or has none, and over its own metadata.
        let Some((stem, extension)) = base.split_once('.').filter(|(stem, _)| !stem.is_empty())
        else {
            return Ok(());
        };
        let key = if folder.is_empty() { stem.to_owned() } else { format!("{folder}/{stem}") };
        let extension = extension.to_lowercase();
        let last = extension.rsplit('.').next().unwrap_or_default();
        if PICKLES.contains(&last) {
            let why = format!(
                "the usual loader unpickles the member `{name}`: it was not read, and its column is left out"
            );
            self.note(&OBJECT_ARRAY, why);
            self.sample(key, member);
            return Ok(());
        }
        let bytes = member.bytes.clone().map_err(|refusal| self.source.refused(&refusal))?;
        if bytes.len() > self.limits.cell as u64 {
            let (length, most) = (bytes.len(), self.limits.cell);
            let why =
                format!("the member `{name}` has {length} bytes, more than the limit of {most}");
            return Err(Unread::new(&self.source.name, Gap::LargeMemory, why).at(member.at));
        }
        let all = bytes.take(0, bytes.len()).map_err(|refusal| self.source.refused(&refusal))?;
        if let Some(what) = foreign::binary(&all) {
            self.note(&CODE_IN_DATA, format!("the member `{name}` is {what}"));
        }
        let column = self.column(&extension, last, &bytes)?;
        let at = self.sample(key, member);
        let Some(sample) = self.rows.get_mut(at) else { return Ok(()) };
        match sample.parts.iter_mut().find(|(known, _)| *known == column) {
            Some(part) => {
                part.1 = bytes;
                let why = format!(
                    "the member `{name}` stands twice in its sample, of which the last is read"
                );
                self.note(&DATA_MALFORMED, why);
            }
            None => sample.parts.push((column, bytes)),
        }
        Ok(())
    }

    /// The sample of a key: samples are members that follow one another.
    fn sample(&mut self, key: String, member: &Member) -> usize {
        if self.rows.last().is_none_or(|sample| sample.key != key) {
            self.rows.push(Sample { key, parts: Vec::new(), places: Vec::new() });
        }
        if let Some(sample) = self.rows.last_mut() {
            let place = member.place();
            match sample.places.last_mut().filter(|last| last.end == place.start) {
                Some(last) => last.end = place.end,
                None => sample.places.push(place),
            }
        }
        self.rows.len().saturating_sub(1)
    }

    fn column(&mut self, extension: &str, last: &str, bytes: &Bytes) -> Result<usize, Unread> {
        let form = match last {
            _ if IMAGES.contains(&last) => Form::Image,
            "cls" | "cls2" | "index" | "inx" | "id" => match number(bytes) {
                Some(_) => Form::Class,
                None => Form::Text,
            },
            "txt" | "text" | "json" | "jsn" | "transcript" => Form::Text,
            _ => Form::Bytes,
        };
        // Images of one place go into one column, whatever form each has.
        let name = match form {
            Form::Image if extension == last => "image",
            Form::Image => extension.strip_suffix(last).unwrap_or(extension).trim_end_matches('.'),
            _ => extension,
        };
        if let Some(at) = self.columns.iter().position(|column| column.name == name) {
            let known = self.columns.get_mut(at);
            // A class that is no number makes texts of all.
            if let Some(known) =
                known.filter(|known| known.form == Form::Class && form == Form::Text)
            {
                known.form = Form::Text;
            }
            return Ok(at);
        }
        if self.columns.len() >= self.limits.columns.min(MOST_COLUMNS) {
            let why = format!("expected at most {MOST_COLUMNS} kinds of members, got more");
            return Err(Unread::new(&self.source.name, Gap::LargeMemory, why));
        }
        self.columns.push(Column { name: name.to_owned(), form });
        Ok(self.columns.len().saturating_sub(1))
    }
}

/// A class that is written as a number.
fn number(bytes: &Bytes) -> Option<i64> {
    let bytes = bytes.head(32).ok()?;
    std::str::from_utf8(&bytes).ok()?.trim().parse().ok()
}

/// An archive of samples.
struct Archive {
    name: String,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: Vec<Sample>,
    limits: Limits,
}

impl Piece for Archive {
    fn name(&self) -> &str {
        &self.name
    }

    fn rows(&self) -> Option<u64> {
        Some(self.rows.len() as u64)
    }

    fn open(&self) -> Result<Box<dyn Rows + '_>, Unread> {
        Ok(Box::new(Reading { archive: self, at: 0, notes: Notes::default() }))
    }
}

struct Reading<'a> {
    archive: &'a Archive,
    at: usize,
    notes: Notes,
}

/// A column that is being built.
enum Builder {
    Bytes(BinaryBuilder),
    Class(Int64Builder),
    Text(StringBuilder),
}

impl Reading<'_> {
    /// Append a cell; gives how many bytes it has.
    fn append(
        &mut self,
        column: &Column,
        builder: &mut Builder,
        sample: &Sample,
        part: Option<&Bytes>,
    ) -> Result<usize, Unread> {
        let unread = |refusal| Unread::refused(&self.archive.name, &refusal);
        let Some(part) = part else {
            match builder {
                Builder::Bytes(builder) => builder.append_null(),
                Builder::Class(builder) => builder.append_null(),
                Builder::Text(builder) => builder.append_null(),
            }
            return Ok(0);
        };
        match builder {
            Builder::Class(builder) => builder.append_option(number(part)),
            Builder::Bytes(builder) if column.form == Form::Image => {
                let head = part.head(32).map_err(unread)?;
                let image = if picture::is(&head) {
                    images::judge(part, &self.archive.limits)
                        .map_err(|refusal| refusal.why.into_owned())
                } else {
                    Err("expected an image, got other bytes".to_owned())
                };
                match image {
                    Ok(image) => {
                        builder.append_value(&image);
                        return Ok(image.len());
                    }
                    Err(why) => {
                        builder.append_null();
                        let (what, file) = (&column.name, self.archive.name.clone());
                        let why = format!("`{what}` of sample `{}`: {why}", sample.key);
                        self.notes.push(|| Note { rule: &DATA_MALFORMED, file, line: None, why });
                    }
                }
            }
            Builder::Bytes(builder) => {
                let bytes = part.take(0, part.len()).map_err(unread)?;
                builder.append_value(&bytes);
                return Ok(bytes.len());
            }
            Builder::Text(builder) => {
                let bytes = part.take(0, part.len()).map_err(unread)?;
                let text = std::str::from_utf8(&bytes).map_err(|_| {
                    let why =
                        format!("expected UTF-8 in `{}` of sample `{}`", column.name, sample.key);
                    Unread::new(&self.archive.name, Gap::Malformed, why)
                })?;
                // A class is a word, whatever blanks stand around it.
                let text = if column.name.ends_with("cls") { text.trim() } else { text };
                builder.append_value(text);
                return Ok(text.len());
            }
        }
        Ok(8)
    }
}

impl Rows for Reading<'_> {
    fn next(&mut self) -> Result<Option<Chunk>, Unread> {
        let archive = self.archive;
        let mut keys = StringBuilder::new();
        let builders = archive.columns.iter().map(|column| match column.form {
            Form::Image | Form::Bytes => Builder::Bytes(BinaryBuilder::new()),
            Form::Class => Builder::Class(Int64Builder::new()),
            Form::Text => Builder::Text(StringBuilder::new()),
        });
        let mut builders = builders.collect::<Vec<_>>();
        let (mut rows, mut bytes) = (0_usize, 0_usize);
        while let Some(sample) = archive.rows.get(self.at) {
            if rows >= BATCH_ROWS || bytes >= BATCH_BYTES {
                break;
            }
            keys.append_value(&sample.key);
            for (at, (column, builder)) in archive.columns.iter().zip(&mut builders).enumerate() {
                let part = sample.parts.iter().find(|(column, _)| *column == at);
                let more = self.append(column, builder, sample, part.map(|(_, bytes)| bytes))?;
                bytes = bytes.saturating_add(more);
            }
            rows = rows.saturating_add(1);
            self.at = self.at.saturating_add(1);
        }
        if rows == 0 {
            return Ok(None);
        }
        let mut columns: Vec<ArrayRef> = vec![Arc::new(keys.finish())];
        columns.extend(builders.into_iter().map(|builder| match builder {
            Builder::Bytes(mut builder) => Arc::new(builder.finish()) as ArrayRef,
            Builder::Class(mut builder) => Arc::new(builder.finish()),
            Builder::Text(mut builder) => Arc::new(builder.finish()),
        }));
        let rows = RecordBatch::try_new(archive.schema.clone(), columns)
            .map_err(|error| Unread::new(&archive.name, Gap::Malformed, error.to_string()))?;
        Ok(Some(Chunk { rows, places: None }))
    }

    fn notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes).all(&self.archive.name)
    }
}

/// Extensions of images.
const IMAGES: [&str; 9] = ["png", "jpg", "jpeg", "gif", "webp", "bmp", "pgm", "ppm", "img"];
/// Extensions whose members `webdataset` and `torch.load` unpickle.
const PICKLES: [&str; 9] = ["pyd", "pkl", "pickle", "pth", "pt", "ckpt", "joblib", "dill", "pyc"];
/// The most kinds of members.
const MOST_COLUMNS: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "small numbers of the tests' own"
    )]

    use super::*;

    /// A tar archive of plain members; a link where the content is `None`.
    fn archive(members: &[(&str, Option<&[u8]>)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, content) in members {
            let mut header = [0_u8; 512];
            header[..name.len()].copy_from_slice(name.as_bytes());
            let size = format!("{:011o}", content.map_or(0, <[u8]>::len));
            header[124..135].copy_from_slice(size.as_bytes());
            header[156] = if content.is_some() { b'0' } else { b'2' };
            header[257..265].copy_from_slice(b"ustar\x0000");
            header[148..156].fill(b' ');
            let sum = header.iter().map(|byte| u32::from(*byte)).sum::<u32>();
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            bytes.extend(header);
            bytes.extend_from_slice(content.unwrap_or_default());
            bytes.resize(bytes.len().next_multiple_of(512), 0);
        }
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }

    fn read(members: &[(&str, Option<&[u8]>)]) -> (Set, RecordBatch) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), archive(members)).unwrap();
        let set = crate::read::open(file.path(), &Options::default()).unwrap();
        let mut all = None;
        set.walk(|batch| {
            all = Some(batch.rows.clone());
            Ok(())
        })
        .unwrap();
        (set, all.unwrap())
    }

    const GREY: &[u8] = b"P5 1 1 255\n\xff";

    #[test]
    fn members_of_a_key_are_a_row() {
        let (set, rows) = read(&[
            ("a/0.pgm", Some(GREY)),
            ("a/0.cls", Some(b"3")),
            ("a/0.seg.pgm", Some(GREY)),
            ("a/1.cls", Some(b"4\n")),
            ("a/1.txt", Some("ä".as_bytes())),
        ]);
        let names = set.schema.fields().iter().map(|field| field.name().as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["key", "image", "cls", "seg", "txt"]);
        assert_eq!(rows.num_rows(), 2);
        assert_eq!(set.schema.field(2).data_type(), &DataType::Int64);
        assert!(rows.column(1).is_valid(0) && rows.column(1).is_null(1));
        assert!(set.notes.is_empty());
    }

    #[test]
    fn links_pickles_and_names_that_lead_out_are_told_of() {
        let (set, rows) = read(&[
            ("a.pyd", Some(b"\x80\x04K\x01.")),
            ("a.cls", Some(b"cat")),
            ("b.txt", None),
            ("../c.cls", Some(b"1")),
        ]);
        let rules = set.notes.iter().map(|note| note.rule.id).collect::<Vec<_>>();
        assert_eq!(rules, ["MW3002", "MW3001", "MW3001"]);
        assert_eq!((rows.num_rows(), rows.num_columns()), (2, 2));
        assert_eq!(set.schema.field(1).data_type(), &DataType::Utf8);
    }
}
