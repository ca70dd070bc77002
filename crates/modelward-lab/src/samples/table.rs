//! Samples in a table of text: a header, then a sample a line (RFC 4180).
//!
//! The delimiter is a comma, a tab or a semicolon: whichever the header has most of. An empty cell
//! and `nan` are a missing value, NaN, as tree ensembles take it.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use csv::{ByteRecord, ReaderBuilder};
use modelward_engine::{Kind, Limits, Result, Trouble};

use super::set::{Options, Samples, wrong};

/// The most columns: beyond them it is no table.
const COLUMNS: usize = 1 << 20;

pub(super) fn read(path: &Path, options: &Options) -> Result<Samples> {
    let system = |error: std::io::Error| {
        Trouble::new(Kind::System, format!("cannot read `{}`: {error}", path.display()))
    };
    let file = File::open(path).map_err(system)?;
    let length = file.metadata().map_err(system)?.len();
    if length > options.limits.memory {
        let limit = options.limits.memory;
        return Err(Trouble::limit(format!(
            "a table of {length} bytes, over the limit of {limit}"
        ))
        .help("give fewer samples, or raise the limit with `--max-memory`"));
    }
    // No more is read than was measured, should the file grow meanwhile.
    let mut text = BufReader::new(file.take(length));
    let head = text.fill_buf().map_err(system)?;
    let mark = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let delimiter = delimiter(head);
    text.consume(mark);
    parse(text, delimiter, options)
}

/// The byte between cells, by the first line.
fn delimiter(head: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b'\t', 0), (b';', 0)];
    for byte in head {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => {
                for (delimiter, count) in &mut counts {
                    *count = count.saturating_add(usize::from(delimiter == byte));
                }
            }
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    counts.iter().find(|(_, count)| *count == most).map_or(b',', |(delimiter, _)| *delimiter)
}

fn parse(text: impl Read, delimiter: u8, options: &Options) -> Result<Samples> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text);
    let broken = |error: csv::Error| wrong(format!("cannot read this table: {error}"));
    let header = reader.byte_headers().map_err(broken)?;
    if header.len() > COLUMNS {
        return Err(wrong(format!("expected at most {COLUMNS} columns, got {}", header.len())));
    }
    let names = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned());
    let names = names.collect::<Vec<_>>();
    if names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err(wrong("expected the names of the columns in line 1, got numbers")
            .help("put a header above the samples"));
    }
    let label = options.label.as_deref().map(|label| column(label, &names)).transpose()?;
    let width = names.len().saturating_sub(usize::from(label.is_some()));
    if width == 0 {
        return Err(wrong("expected columns of numbers beside the label's, got none")
            .help("cells are parted by commas, tabs or semicolons"));
    }
    let (mut x, mut labels) = (Vec::new(), Vec::new());
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(broken)? {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != names.len() {
            let (expected, got) = (names.len(), record.len());
            return Err(wrong(format!("expected {expected} cells in line {line}, got {got}")));
        }
        room(&x, width, &options.limits)?;
        for (at, (cell, name)) in record.iter().zip(&names).enumerate() {
            let cell = cell.trim_ascii();
            if label == Some(at) {
                if cell.is_empty() {
                    return Err(wrong(format!("expected a label in line {line}, got none")));
                }
                labels.push(String::from_utf8_lossy(cell).into_owned());
            } else {
                x.push(number(cell).ok_or_else(|| refused(cell, line, at, name, label))?);
            }
        }
    }
    let (y, classes) = match label {
        Some(_) => {
            let (y, classes) = classes(&labels);
            (Some(y), classes)
        }
        None => (None, None),
    };
    let columns = names.iter().enumerate().filter(|(at, _)| label != Some(*at));
    let columns = columns.map(|(_, name)| name.clone()).collect();
    let parted = match delimiter {
        b'\t' => "tabs",
        b';' => "semicolons",
        _ => "commas",
    };
    let source = format!("table, parted by {parted}");
    Ok(Samples { x, shape: vec![width], y, columns: Some(columns), classes, source })
}

/// Refuse one more row, where memory ends.
fn room(x: &[f32], width: usize, limits: &Limits) -> Result<()> {
    super::set::admit(1, &[x.len().saturating_add(width)], limits)
}

/// The place of the label's column.
fn column(label: &str, names: &[String]) -> Result<usize> {
    let mut places = names.iter().enumerate().filter(|(_, name)| *name == label);
    match (places.next(), places.next()) {
        (Some((at, _)), None) => Ok(at),
        (Some(_), Some(_)) => Err(wrong(format!("two columns are named `{label}`"))),
        (None, _) => {
            let near = names
                .iter()
                .map(|name| (strsim::jaro_winkler(label, name), name))
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(likeness, _)| *likeness > 0.8);
            let help = near.map_or_else(
                || {
                    let shown = names.iter().take(12).map(|name| format!("`{name}`"));
                    format!("the columns are {}", shown.collect::<Vec<_>>().join(", "))
                },
                |(_, near)| format!("did you mean `{near}`?"),
            );
            Err(wrong(format!("expected a column `{label}`, found none")).help(help))
        }
    }
}

/// A cell as a number; `None` where it is none, infinite, or beyond `f32`.
fn number(cell: &[u8]) -> Option<f32> {
    if cell.is_empty() {
        return Some(f32::NAN);
    }
    let value = std::str::from_utf8(cell).ok()?.parse::<f32>().ok()?;
    (!value.is_infinite()).then_some(value)
}

fn refused(cell: &[u8], line: u64, at: usize, name: &str, label: Option<usize>) -> Trouble {
    let cell = String::from_utf8_lossy(cell).chars().take(40).collect::<String>();
    let column = at.saturating_add(1);
    let why = format!("expected a number in line {line}, column {column} (`{name}`), got `{cell}`");
    let trouble = wrong(why);
    match label {
        Some(_) => trouble.help("encode the column as the model was trained on it"),
        None => trouble.help(format!("if the classes stand there, say so: `--label {name}`")),
    }
}

/// Whole numbers as they are; other labels by their place among all that occur, sorted by bytes.
fn classes(labels: &[String]) -> (Vec<i64>, Option<Vec<String>>) {
    if let Some(y) = labels.iter().map(|label| whole(label)).collect::<Option<Vec<_>>>() {
        return (y, None);
    }
    let names = labels.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect::<Vec<_>>();
    let place = |label: &String| names.binary_search(label).ok().and_then(|at| at.try_into().ok());
    let y = labels.iter().map(|label| place(label).unwrap_or(-1)).collect();
    (y, Some(names))
}

/// A whole number, also as programs write it that keep all as floats: `1.0`.
fn whole(label: &str) -> Option<i64> {
    let digits = match label.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|byte| byte == b'0') => digits,
        Some(_) => return None,
        None => label,
    };
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(text: &str, label: Option<&str>) -> Result<Samples> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        std::fs::write(&path, text).unwrap();
        read(&path, &Options { label: label.map(Into::into), ..Options::default() })
    }

    #[test]
    fn tables_are_read_whatever_parts_their_cells() {
        for text in [
            "a,b,kind\n1,2.5,cat\n-3,,ant\n",
            "\u{feff}a\tb\tkind\r\n1\t2.5\tcat\r\n-3\tnan\tant\r\n",
            "a;\"b\";kind\n 1 ;2.5;cat\n\n-3;NaN;\"ant\"\n",
        ] {
            let samples = table(text, Some("kind")).unwrap();
            assert_eq!(samples.x[..3], [1.0, 2.5, -3.0]);
            assert!(samples.x[3].is_nan());
            assert_eq!((samples.shape, samples.y), (vec![2], Some(vec![1, 0])));
            assert_eq!(samples.columns.unwrap(), ["a", "b"]);
            assert_eq!(samples.classes.unwrap(), ["ant", "cat"]);
        }
        let samples = table("t,a\n7,1\n2.0,1\n", Some("t")).unwrap();
        assert_eq!((samples.y, samples.classes), (Some(vec![7, 2]), None));
        assert_eq!(table("a\n1\n2\n", None).unwrap().len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_column() {
        for (text, label, words) in [
            ("a,b\n1,2\n3,red\n", None, "line 3, column 2 (`b`), got `red`"),
            ("a,b\n1,1e60\n", None, "line 2, column 2"),
            ("a,b\n1,2\n3\n", None, "2 cells in line 3, got 1"),
            ("1,2\n3,4\n", None, "got numbers"),
            ("a,kind\n1,x\n", Some("knid"), "`knid`"),
            ("k,k\n1,2\n", Some("k"), "two columns"),
            ("k\n1\n", Some("k"), "beside the label"),
            ("a,k\n1,\n", Some("k"), "a label in line 2"),
        ] {
            let trouble = table(text, label).unwrap_err();
            assert!(trouble.to_string().contains(words), "{trouble}");
        }
        let trouble = table("a,kind\n1,x\n", Some("knid")).unwrap_err();
        assert_eq!(trouble.help.unwrap(), "did you mean `kind`?");
    }

    #[test]
    fn memory_ends_before_it_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        std::fs::write(&path, "a,b\n1,2\n3,4\n").unwrap();
        let limits = Limits { memory: 15, ..Limits::default() };
        let trouble = read(&path, &Options { limits, label: None }).unwrap_err();
        assert_eq!(trouble.kind, Kind::Limit);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-c0-9,;\\t\"\\n\\r.\u{e9}-]{0,60}") {
            if let Ok(samples) = table(&text, None) {
                prop_assert_eq!(samples.x.len() % samples.width(), 0);
            }
        }

        #[test]
        fn numbers_come_back_as_they_were(values in prop::collection::vec(
            any::<f32>().prop_filter("finite", |value| value.is_finite()), 1..20))
        {
            let text = values.iter().fold("a\n".to_owned(), |text, value| format!("{text}{value}\n"));
            prop_assert_eq!(table(&text, None).unwrap().x, values);
        }
    }
}
