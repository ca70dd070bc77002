//! The rows of a set as JSON: written as it goes, and read without holding it.

use std::{
    cell::Cell,
    fmt,
    io::{self, Read, Write},
    rc::Rc,
};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Group, Row, Table, spilled, spool::Writing};
use crate::Trouble;

/// A manifest that was read.
pub struct Saved {
    /// What it says of the files, in the form of `modelward manifest`.
    pub files: String,
    /// What it says the root over the stretches of rows is.
    pub merkle: String,
    /// The rows.
    pub table: Table,
}

/// Write a manifest: what is known of the files, the rows, and the root over their stretches.
///
/// # Errors
/// Where it cannot be written.
pub fn write(table: &Table, files: &str, merkle: &str, out: &mut dyn Write) -> io::Result<()> {
    let text = |text: &str| Value::from(text).to_string();
    writeln!(out, "{{\"data_manifest\":{VERSION},")?;
    writeln!(out, "\"files\":{},", files.trim())?;
    writeln!(out, "\"format\":{},", text(&table.format))?;
    writeln!(out, "\"rows\":{},", table.rows)?;
    write!(out, "\"columns\":[")?;
    for (at, (name, kind)) in table.columns.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}\n{}", json!({ "name": name, "type": kind }))?;
    }
    write!(out, "],\n\"groups\":[")?;
    for (at, Group { file, first, rows, sha256 }) in table.groups.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let group = json!({ "file": file, "first": first, "rows": rows, "sha256": sha256 });
        write!(out, "{comma}\n{group}")?;
    }
    writeln!(out, "],\n\"merkle\":{},", text(merkle))?;
    if let Some(key) = &table.key {
        writeln!(out, "\"key\":{},", text(key))?;
    }
    write!(out, "\"sha256\":{}", text(&table.sha256))?;
    if table.names_rows() {
        // Each row's digest, and behind it its key's where there is one, 64 rows in a line.
        write!(out, ",\n\"row_digests\":[")?;
        let keyed = table.key.is_some();
        table.each(|number, row| {
            if number.is_multiple_of(LINE) {
                write!(out, "{}\n\"", if number == 0 { "" } else { "\"," })?;
            }
            let parts = [Some(row.values), keyed.then_some(row.key)];
            parts.into_iter().flatten().flatten().try_for_each(|byte| write!(out, "{byte:02x}"))
        })?;
        write!(out, "{}]", if table.rows == 0 { "" } else { "\"" })?;
    }
    writeln!(out, "}}")
}

/// Read a manifest in so much memory.
///
/// # Errors
/// Where the bytes are no manifest of this version, one that contradicts itself, or more than memory allows.
pub fn read(from: impl Read, memory: u64) -> Result<Saved, Trouble> {
    let most = (memory / HELD).max(LEAST);
    let left = Rc::new(Cell::new(most));
    let from = Bounded { from, left: left.clone() };
    let mut json = serde_json::Deserializer::from_reader(io::BufReader::new(from));
    let whole = Whole { most, left: &left };
    let read = json.deserialize_map(whole).and_then(|read| json.end().map(|()| read));
    let read = read.map_err(|error| {
        if error.is_io() && left.get() == 0 {
            let why = format!("expected a manifest with at most {most} bytes beside its rows");
            return Trouble::new(why).help("allow more with `--max-memory`");
        }
        Trouble::new(format!("expected a manifest of a data set: {error}"))
            .help("make one with `modelward data manifest PATH -o M.json`")
    })?;
    read.into_saved()
}

/// Bytes of which so many may be read until some of them are done with.
struct Bounded<R> {
    from: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.unwrap_or(0));
        match left {
            Some(_) => Ok(read),
            None => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading {
    version: Option<u64>,
    files: Option<Value>,
    format: Option<String>,
    rows: Option<u64>,
    columns: Vec<(String, String)>,
    groups: Vec<Group>,
    merkle: Option<String>,
    key: Option<String>,
    sha256: Option<String>,
    digests: Option<Digests>,
}

/// The digests of rows, as they were read.
struct Digests {
    writing: Writing,
    count: u64,
    whole: Sha256,
    /// The digests of the stretches that the rows give.
    groups: Vec<String>,
}

impl Reading {
    fn into_saved(self) -> Result<Saved, Trouble> {
        let Self { version, files, format, rows, columns, groups, merkle, key, sha256, digests } =
            self;
        if version != Some(VERSION) {
            let found = version.map_or("none".to_owned(), |version| version.to_string());
            let why =
                format!("expected a manifest of a data set of version {VERSION}, got {found}");
            return Err(
                Trouble::new(why).help("make one with `modelward data manifest PATH -o M.json`")
            );
        }
        let lacks = |what: &str| Trouble::new(format!("expected `{what}` in the manifest"));
        let odd = |why: &str| {
            Trouble::new(format!("the manifest contradicts itself: {why}"))
                .help("it was changed after it was made; make it anew from the data")
        };
        let rows = rows.ok_or_else(|| lacks("rows"))?;
        let sha256 = sha256.ok_or_else(|| lacks("sha256"))?;
        let mut next = 0_u64;
        for group in &groups {
            if group.first != next {
                return Err(odd("its stretches of rows leave some out"));
            }
            next = next.saturating_add(group.rows);
        }
        if next != rows {
            return Err(odd("its stretches are not of all its rows"));
        }
        let rows_of = match digests {
            None => None,
            Some(digests) => {
                let said = groups.iter().map(|group| group.sha256.as_str());
                let same = digests.groups.iter().map(String::as_str).eq(said);
                let whole = hexadecimal(&digests.whole.finalize());
                if digests.count != rows || !same || whole != sha256 {
                    return Err(odd("the digests of its rows give others for the whole"));
                }
                Some(digests.writing.finish().map_err(|error| spilled(&error))?)
            }
        };
        let format = format.ok_or_else(|| lacks("format"))?;
        Ok(Saved {
            files: files.ok_or_else(|| lacks("files"))?.to_string(),
            merkle: merkle.ok_or_else(|| lacks("merkle"))?,
            table: Table { format, rows, columns, groups, key, sha256, rows_of },
        })
    }
}

/// Reads the whole.
struct Whole<'a> {
    /// How many bytes may be read until a line of digests ends, and how many are left.
    most: u64,
    left: &'a Cell<u64>,
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = Reading;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the manifest of a data set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reading, A::Error> {
        let mut read = Reading::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "data_manifest" => read.version = Some(map.next_value()?),
                "files" => read.files = Some(map.next_value()?),
                "format" => read.format = Some(map.next_value()?),
                "rows" => read.rows = Some(map.next_value()?),
                "merkle" => read.merkle = Some(map.next_value()?),
                "key" => read.key = Some(map.next_value()?),
                "sha256" => read.sha256 = Some(map.next_value()?),
                "columns" => {
                    let columns: Vec<Value> = map.next_value()?;
                    let columns = columns.iter().map(|column| {
                        let text = |key| Some(column.get(key)?.as_str()?.to_owned());
                        Some((text("name")?, text("type")?))
                    });
                    let columns = columns.collect::<Option<_>>();
                    read.columns = columns.ok_or_else(|| de::Error::custom("odd columns"))?;
                }
                "groups" => {
                    let groups: Vec<Value> = map.next_value()?;
                    let groups = groups.iter().map(|group| {
                        let text = |key| Some(group.get(key)?.as_str()?.to_owned());
                        let number = |key| group.get(key)?.as_u64();
                        let (file, sha256) = (text("file")?, text("sha256")?);
                        Some(Group { file, first: number("first")?, rows: number("rows")?, sha256 })
                    });
                    let groups = groups.collect::<Option<_>>();
                    read.groups = groups.ok_or_else(|| de::Error::custom("odd groups"))?;
                }
                "row_digests" => {
                    let keyed = read.key.is_some();
                    let lines = Lines { keyed, groups: &read.groups, whole: &self };
                    read.digests = Some(map.next_value_seed(lines)?);
                }
                other => return Err(de::Error::custom(format!("unknown key `{other}`"))),
            }
        }
        Ok(read)
    }
}

/// Reads the digests of rows, line by line.
struct Lines<'a> {
    keyed: bool,
    groups: &'a [Group],
    whole: &'a Whole<'a>,
}

impl<'de> DeserializeSeed<'de> for Lines<'_> {
    type Value = Digests;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Digests, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Lines<'_> {
    type Value = Digests;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("lines of digests of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut lines: A) -> Result<Digests, A::Error> {
        let writing = Writing::new(self.keyed).map_err(de::Error::custom)?;
        let mut read = Digests { writing, count: 0, whole: Sha256::new(), groups: Vec::new() };
        let width = if self.keyed { 32 } else { 16 };
        let mut groups = self.groups.iter();
        let (mut sum, mut left) = (Sha256::new(), groups.next().map_or(0, |group| group.rows));
        while let Some(line) = lines.next_element::<String>()? {
            // It goes to a file: the bytes are not held.
            self.whole.left.set(self.whole.most);
            let bytes = binary(&line).ok_or_else(|| de::Error::custom("odd digests of rows"))?;
            let odd = || de::Error::custom("odd digests of rows");
            if bytes.is_empty() || bytes.len().checked_rem(width) != Some(0) {
                return Err(odd());
            }
            for digests in bytes.chunks_exact(width) {
                let (values, key) = digests.split_first_chunk::<16>().ok_or_else(odd)?;
                let mut row = Row { values: *values, key: *values };
                if self.keyed {
                    row.key = *key.first_chunk().ok_or_else(odd)?;
                }
                read.writing.push(&row).map_err(de::Error::custom)?;
                read.count = read.count.saturating_add(1);
                read.whole.update(row.values);
                sum.update(row.values);
                left = left.checked_sub(1).ok_or_else(odd)?;
                if left == 0 {
                    let full = std::mem::take(&mut sum);
                    read.groups.push(hexadecimal(&full.finalize()));
                    left = groups.next().map_or(0, |group| group.rows);
                }
            }
        }
        Ok(read)
    }
}

fn binary(line: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = line.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte.saturating_sub(b'0')),
        b'a'..=b'f' => Some(byte.saturating_sub(b'a').saturating_add(10)),
        _ => None,
    };
    let bytes = pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?));
    rest.is_empty().then(|| bytes.collect()).flatten()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The version of the form.
const VERSION: u64 = 1;
/// Rows of a line.
const LINE: u64 = 64;
/// The part of the memory that the bytes of a manifest may have: as values they take up to so many times as much.
const HELD: u64 = 16;
/// Bytes of a manifest that are read whatever the memory.
const LEAST: u64 = 1 << 20;
