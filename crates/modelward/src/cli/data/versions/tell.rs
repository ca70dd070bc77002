//! Where two versions of a data set differ, as people and programs read it.

use std::io::{self, Write};

use serde_json::json;

use super::compare::{Compared, Seen};
use crate::{listing::shown, report::escape};

/// Differences, one a line.
pub(super) fn plain(compared: &Compared, out: &mut dyn Write) -> io::Result<()> {
    let mut say = |word: &str, what: &str| writeln!(out, "{word:<9}{}", escape(what));
    for (word, side) in [("old", &compared.old), ("new", &compared.new)] {
        let Seen { path, rows, columns } = side;
        say(word, &format!("{}: {rows} rows x {columns} columns", shown(path)))?;
    }
    let files = [
        ("removed", &compared.removed),
        ("added", &compared.added),
        ("changed", &compared.changed),
    ];
    for (word, files) in files {
        for file in files.iter().take(MOST) {
            say(word, &format!("file {file}"))?;
        }
        more(files.len(), "files", word, &mut say)?;
    }
    let rows = &compared.rows;
    for (word, columns) in [("removed", &rows.missing), ("added", &rows.extra)] {
        for name in columns.iter().take(MOST) {
            say(word, &format!("column `{name}`"))?;
        }
        more(columns.len(), "columns", word, &mut say)?;
    }
    for (name, was, is) in rows.retyped.iter().take(MOST) {
        say("changed", &format!("column `{name}`: {was} -> {is}"))?;
    }
    more(rows.retyped.len(), "columns", "changed", &mut say)?;
    for (word, of_word) in [("removed", &rows.removed), ("added", &rows.added)] {
        if let Some(line) = listed(of_word) {
            say(word, &line)?;
        }
    }
    if !rows.changed.is_empty() {
        let numbers = rows.changed.iter().map(|(old, _)| *old).collect::<Vec<_>>();
        say("changed", &listed(&numbers).unwrap_or_default())?;
    }
    for (row, cells) in compared.cells.iter().take(MOST) {
        let cells = cells.iter().take(MOST);
        let cells = cells.map(|(name, was, is)| format!("`{name}` {was} -> {is}"));
        say("", &format!("row {row}: {}", cells.collect::<Vec<_>>().join(", ")))?;
    }
    if rows.unlisted > 0 {
        say("", &format!("and {} rows more, which are not listed", rows.unlisted))?;
    }
    for (first, count) in rows.stretches.iter().take(MOST) {
        let last = first.saturating_add(count.saturating_sub(1));
        say("changed", &format!("among rows {first} to {last}"))?;
    }
    more(rows.stretches.len(), "stretches of rows", "changed", &mut say)?;
    if rows.moved {
        say("changed", "the rows are the same in another order")?;
    }
    if let Some(why) = &rows.blind {
        say("", &format!("rows were not compared: {why}"))?;
    }
    if !compared.differs() {
        let of = if compared.unread.is_empty() { "" } else { " of those that were read" };
        say("same", &format!("no row, column or file{of} differs"))?;
    } else if !rows.is_some() && rows.blind.is_none() {
        say("same", "the rows are the same, under other bytes")?;
    }
    Ok(())
}

/// Rows by their numbers; `None` where there are none.
pub(in super::super) fn listed(rows: &[u64]) -> Option<String> {
    let first = rows.iter().take(MOST).map(u64::to_string).collect::<Vec<_>>().join(", ");
    let more = rows.len().saturating_sub(MOST);
    Some(match rows {
        [] => return None,
        [_] => format!("row {first}"),
        _ if more == 0 => format!("{} rows: {first}", rows.len()),
        _ => format!("{} rows: {first} and {more} more", rows.len()),
    })
}

fn more(
    count: usize,
    what: &str,
    word: &str,
    say: &mut dyn FnMut(&str, &str) -> io::Result<()>,
) -> io::Result<()> {
    match count.checked_sub(MOST).filter(|more| *more > 0) {
        Some(more) => say(word, &format!("and {more} {what} more")),
        None => Ok(()),
    }
}

/// Differences as JSON.
pub(super) fn json(compared: &Compared, out: &mut dyn Write) -> io::Result<()> {
    let side = |Seen { path, rows, columns }: &Seen| json!({ "path": path.to_string_lossy(), "rows": rows, "columns": columns });
    let rows = &compared.rows;
    let retyped = rows.retyped.iter();
    let retyped = retyped.map(|(name, was, is)| json!({ "column": name, "old": was, "new": is }));
    let cells = compared.cells.iter().map(|(row, cells)| {
        let cells = cells.iter();
        let cells = cells.map(|(name, was, is)| json!({ "column": name, "old": was, "new": is }));
        json!({ "row": row, "cells": cells.collect::<Vec<_>>() })
    });
    let unread = compared.unread.iter();
    let unread = unread.map(|(file, why)| json!({ "file": file.to_string_lossy(), "why": why }));
    let told = json!({
        "differs": compared.differs(),
        "old": side(&compared.old),
        "new": side(&compared.new),
        "files": {
            "removed": compared.removed,
            "added": compared.added,
            "changed": compared.changed,
            "not read": unread.collect::<Vec<_>>(),
        },
        "columns": {
            "removed": rows.missing,
            "added": rows.extra,
            "changed": retyped.collect::<Vec<_>>(),
        },
        "rows": {
            "removed": rows.removed,
            "added": rows.added,
            "changed": rows.changed,
            "cells": cells.collect::<Vec<_>>(),
            "unlisted": rows.unlisted,
            "moved": rows.moved,
            "stretches": rows.stretches,
            "not compared": rows.blind,
        },
    });
    serde_json::to_writer_pretty(&mut *out, &told)?;
    writeln!(out)
}

/// Things of a kind that are shown to people.
const MOST: usize = 10;
