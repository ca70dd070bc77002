//! The digests of the rows of a set, in one pass.

use std::{collections::HashMap, io::Write, sync::Arc};

use arrow_array::{
    Array, ArrayRef,
    cast::AsArray,
    types::{
        Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::DataType;
use sha2::{Digest as _, Sha256};

use super::{GROUP, Group, Row, Table, columns_of, spilled, spool::Writing};
use crate::{Accumulate, Asked, Batch, Roles, Set, Trouble, accumulate, check::Failed, row};

/// The rows of a set.
pub(super) fn table(
    set: &Set,
    only: Option<&[String]>,
    key: Option<&str>,
    threads: usize,
) -> Result<Table, Failed> {
    let columns = match only {
        None => (0..set.schema.fields().len()).collect(),
        Some(names) => chosen(set, names)?,
    };
    let key_at = match key {
        None => None,
        // A name that is not there is told of with the one that comes nearest.
        Some(key) => {
            let asked = Asked { label: Some(key.to_owned()), ..Asked::default() };
            Roles::of(&asked, &set.schema)?.label
        }
    };
    let what = Arc::new(What { columns, key: key_at });
    let writing = Writing::new(key_at.is_some()).map_err(|error| spilled(&error))?;
    let names = set.pieces.iter().map(|piece| below(set, piece.name()));
    let joined = Joined {
        names: names.collect(),
        writing,
        groups: Vec::new(),
        group: None,
        whole: Sha256::new(),
        rows: 0,
        failed: None,
    };
    let mut digests =
        Digests { what, rows: Vec::new(), runs: Vec::new(), joined: Some(Box::new(joined)) };
    let (rows, _) = accumulate::drive(set, &mut digests, threads)?;
    let Some(mut joined) = digests.finish() else {
        return Err(Trouble::new("the digests of the rows were lost").into());
    };
    joined.end();
    if let Some(error) = joined.failed {
        return Err(spilled(&error).into());
    }
    let all = columns_of(set);
    let columns = match only {
        None => all,
        Some(names) => {
            let mut all = all.into_iter().collect::<HashMap<_, _>>();
            let known = names.iter().map(|name| {
                let kind = all.remove(name).unwrap_or_default();
                (name.clone(), kind)
            });
            known.collect()
        }
    };
    Ok(Table {
        format: set.format.to_owned(),
        rows,
        columns,
        groups: joined.groups,
        key: key.map(str::to_owned),
        sha256: hexadecimal(&joined.whole.finalize()),
        rows_of: Some(joined.writing.finish().map_err(|error| spilled(&error))?),
    })
}

/// The columns of these names.
fn chosen(set: &Set, names: &[String]) -> Result<Vec<usize>, Trouble> {
    let chosen = places(set, names).into_iter().zip(names).map(|(at, name)| {
        at.ok_or_else(|| Trouble::new(format!("expected a column `{name}`, found none")))
    });
    chosen.collect()
}

/// Where the columns of these names stand; of a name that stands twice the first goes first.
pub(super) fn places(set: &Set, names: &[String]) -> Vec<Option<usize>> {
    let mut places = HashMap::<&str, Vec<usize>>::new();
    for (at, field) in set.schema.fields().iter().enumerate().rev() {
        places.entry(field.name()).or_default().push(at);
    }
    names.iter().map(|name| places.get_mut(name.as_str())?.pop()).collect()
}

/// The name of a file below the set; empty where the set is one file.
fn below(set: &Set, name: &str) -> String {
    let folder = set.name.trim_end_matches('/');
    match name.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) => rest.to_owned(),
        None => String::new(),
    }
}

/// What of a row is summed up.
struct What {
    columns: Vec<usize>,
    key: Option<usize>,
}

/// Digests of rows: of some as they are taken in, of all where they are joined.
struct Digests {
    what: Arc<What>,
    rows: Vec<Row>,
    /// How many rows are of which piece, one after the other.
    runs: Vec<(usize, usize)>,
    joined: Option<Box<Joined>>,
}

/// All digests so far.
struct Joined {
    names: Vec<String>,
    writing: Writing,
    groups: Vec<Group>,
    group: Option<Open>,
    whole: Sha256,
    rows: u64,
    failed: Option<std::io::Error>,
}

/// A stretch that is not at its end.
struct Open {
    piece: usize,
    first: u64,
    rows: u64,
    sum: Sha256,
}

impl Joined {
    fn push(&mut self, piece: usize, row: &Row) {
        if self.group.as_ref().is_some_and(|open| open.piece != piece || open.rows >= GROUP) {
            self.end();
        }
        let first = self.rows;
        let fresh = || Open { piece, first, rows: 0, sum: Sha256::new() };
        let open = self.group.get_or_insert_with(fresh);
        open.sum.update(row.values);
        open.rows = open.rows.saturating_add(1);
        self.whole.update(row.values);
        self.rows = self.rows.saturating_add(1);
        if self.failed.is_none()
            && let Err(error) = self.writing.push(row)
        {
            self.failed = Some(error);
        }
    }

    fn end(&mut self) {
        let Some(Open { piece, first, rows, sum }) = self.group.take() else { return };
        let file = self.names.get(piece).cloned().unwrap_or_default();
        self.groups.push(Group { file, first, rows, sha256: hexadecimal(&sum.finalize()) });
    }
}

impl Accumulate for Digests {
    type Evidence = Option<Box<Joined>>;

    fn empty(&self) -> Self {
        Self { what: self.what.clone(), rows: Vec::new(), runs: Vec::new(), joined: None }
    }

    fn update(&mut self, batch: &Batch) {
        let columns = self.what.columns.iter().filter_map(|at| batch.rows.columns().get(*at));
        let columns = columns.collect::<Vec<_>>();
        let key = self.what.key.and_then(|at| batch.rows.columns().get(at));
        let mut bytes = Vec::new();
        for at in 0..batch.len() {
            bytes.clear();
            for column in &columns {
                value(column, at, &mut bytes);
            }
            let mut row = Row { values: short(&bytes), ..Row::default() };
            row.key = row.values;
            if let Some(key) = key {
                bytes.clear();
                value(key, at, &mut bytes);
                row.key = short(&bytes);
            }
            self.rows.push(row);
        }
        self.runs.push((batch.piece, batch.len()));
    }

    fn merge(&mut self, later: Self) {
        let Some(joined) = &mut self.joined else {
            self.rows.extend(later.rows);
            self.runs.extend(later.runs);
            return;
        };
        let mut rows = later.rows.iter();
        for (piece, count) in later.runs {
            rows.by_ref().take(count).for_each(|row| joined.push(piece, row));
        }
    }

    fn finish(self) -> Self::Evidence {
        self.joined
    }
}

/// Half of the BLAKE3 of some bytes.
fn short(bytes: &[u8]) -> [u8; 16] {
    let digest = blake3::hash(bytes);
    digest.as_bytes().first_chunk::<16>().copied().unwrap_or_default()
}

/// Write a value as it is written: numbers and texts as their words, so that a type that holds more tells
/// nothing; all else by its bytes.
fn value(array: &ArrayRef, at: usize, into: &mut Vec<u8>) {
    if array.is_null(at) {
        return row::write(array, at, into);
    }
    let start = into.len();
    into.extend([WORDS; 9]);
    macro_rules! words {
        ($($kind:ident => $type:ty),*) => {
            match array.data_type() {
                $(DataType::$kind => {
                    let value = array.as_primitive::<$type>().value(at);
                    let _ = write!(into, "{value}");
                    true
                })*
                DataType::Float64 => real(array.as_primitive::<Float64Type>().value(at), into),
                DataType::Float32 => {
                    real(array.as_primitive::<Float32Type>().value(at).into(), into)
                }
                DataType::Float16 => {
                    real(array.as_primitive::<Float16Type>().value(at).to_f64(), into)
                }
                DataType::Boolean => {
                    let _ = write!(into, "{}", array.as_boolean().value(at));
                    true
                }
                DataType::Utf8 => text(array.as_string::<i32>().value(at), into),
                DataType::LargeUtf8 => text(array.as_string::<i64>().value(at), into),
                DataType::Utf8View => text(array.as_string_view().value(at), into),
                _ => false,
            }
        };
    }
    let written = words!(Int8 => Int8Type, Int16 => Int16Type, Int32 => Int32Type,
        Int64 => Int64Type, UInt8 => UInt8Type, UInt16 => UInt16Type, UInt32 => UInt32Type,
        UInt64 => UInt64Type);
    if written {
        // How long the words are, so that two values do not run into one another.
        let length = (into.len().saturating_sub(start).saturating_sub(9) as u64).to_le_bytes();
        let place = into.get_mut(start.saturating_add(1)..start.saturating_add(9));
        place.into_iter().for_each(|place| place.copy_from_slice(&length));
    } else {
        into.truncate(start);
        row::write(array, at, into);
    }
}

/// A number that may be whole; NaN is not written, and told by the bytes.
fn real(value: f64, into: &mut Vec<u8>) -> bool {
    if value.is_nan() {
        return false;
    }
    // The same for both zeros.
    let _ = write!(into, "{}", value + 0.0);
    true
}

fn text(value: &str, into: &mut Vec<u8>) -> bool {
    into.extend_from_slice(value.as_bytes());
    true
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the bytes of words begin with; no value of other kinds begins so.
const WORDS: u8 = 0xff;
