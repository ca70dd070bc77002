//! What a check of data says: as findings, as numbers for programs, as lines for people.

use std::path::Path;

use modelward_core::{Evidence, Finding, Measurement, Place, Unread as NotRead, Value};
use modelward_data::{
    Note, Set, Unread,
    check::{Check, Checked, Done, Found, Request},
    rules::MANIFEST_CHANGED,
};
use modelward_formats::{Refusal, credentials::redacted};

use super::versions::{compare::Compared, listed};
use crate::cli::{Failure, Screen, experiment::Findable, output};

/// A set that could not be read.
pub(super) fn unread(unread: &Unread) -> Findable {
    let place = Place::file(unread.file.as_str());
    // What a reader expected and got may be a cell.
    let why = redacted(&unread.why);
    let why = match unread.line {
        Some(line) => format!("line {line}: {why}"),
        None => why.into_owned(),
    };
    let refusal = Refusal::new(unread.at.unwrap_or(0), unread.gap, why);
    let examined = modelward_scan::refused(&place, refusal);
    let keep =
        |not_read: NotRead| NotRead { at: unread.at.filter(|_| not_read.at.is_some()), ..not_read };
    Findable { unread: examined.unread.into_iter().map(keep).collect(), ..Findable::default() }
}

/// Say that a set could not be read, where no report is written.
pub(super) fn say_unread(unread: &Unread, screen: Screen) -> Result<u8, Failure> {
    let line = unread.line.map(|line| format!(":{line}")).unwrap_or_default();
    let failure = Failure::new(format!("not read: {}", redacted(&unread.why)));
    output::warn(&failure.at(format!("{}{line}", unread.file)), screen);
    Ok(3)
}

/// A set that was checked.
pub(super) fn tell(set: &Set, checked: &Checked, request: &Request, seconds: f64) -> Findable {
    let mut findings = checked.notes.iter().map(noted).collect::<Vec<_>>();
    let checks = checked.checks.iter();
    findings
        .extend(checks.flat_map(|(_, done)| done.found.iter().map(|found| finding(set, found))));
    Findable {
        findings,
        measurements: vec![measurement(set, checked, request, seconds)],
        ..Findable::default()
    }
}

/// What differs from a manifest, as a finding.
pub(super) fn changed(path: &Path, compared: &Compared) -> Option<Finding> {
    if !compared.differs() {
        return None;
    }
    let rows = &compared.rows;
    let mut what = Vec::new();
    let files = [&compared.removed, &compared.added, &compared.changed];
    let files = files.iter().map(|files| files.len()).sum::<usize>();
    let columns = [rows.missing.len(), rows.extra.len(), rows.retyped.len()].iter().sum::<usize>();
    let changed = rows.changed.iter().map(|(_, new)| *new).collect::<Vec<_>>();
    let parts = [("removed", &rows.removed), ("added", &rows.added), ("changed", &changed)];
    for (word, of_word) in parts {
        what.extend(listed(of_word).map(|rows| format!("{word} {rows}")));
    }
    if rows.unlisted > 0 {
        what.push(format!("{} rows that are not listed", rows.unlisted));
    }
    let counted = [
        (columns, "column", "columns"),
        (rows.stretches.len(), "stretch of rows", "stretches of rows"),
        (files, "file", "files"),
    ];
    what.extend(
        counted
            .iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many })),
    );
    if rows.moved {
        what.push("the order of the rows".to_owned());
    }
    what.extend(rows.blind.clone());
    Some(Finding {
        rule: &MANIFEST_CHANGED,
        severity: MANIFEST_CHANGED.severity,
        place: Place::file(path.display().to_string()),
        message: format!("the data differ from their manifest: {}", what.join("; ")),
        evidence: Evidence::Measured {
            what: "rows that differ",
            value: rows.rows() as f64,
            limit: 0.0,
        },
        allow: None,
    })
}

fn noted(note: &Note) -> Finding {
    let message = match note.line {
        Some(line) => format!("line {line}: {}", note.why),
        None => note.why.clone(),
    };
    Finding {
        rule: note.rule,
        severity: note.rule.severity,
        place: Place::file(note.file.as_str()),
        evidence: Evidence::bytes(0, redacted(&note.why)),
        message: redacted(&message).into_owned(),
        allow: None,
    }
}

fn finding(set: &Set, found: &Found) -> Finding {
    let (what, value, limit) = found.measured;
    let rows = found.rows.iter().take(3).map(u64::to_string).collect::<Vec<_>>().join(", ");
    let more = found.rows.len().saturating_sub(3);
    let rows = match (found.rows.len(), more) {
        (0, _) => String::new(),
        (1, _) => format!(" (row {rows})"),
        (_, 0) => format!(" (rows {rows})"),
        (_, more) => format!(" (rows {rows} and {more} more)"),
    };
    Finding {
        rule: found.rule,
        severity: found.severity,
        place: Place::file(set.name.as_str()),
        message: format!("{}{rows}", redacted(&found.message)),
        evidence: Evidence::Measured { what, value, limit },
        allow: None,
    }
}

fn measurement(set: &Set, checked: &Checked, request: &Request, seconds: f64) -> Measurement {
    let safe = |text: &str| redacted(text).into_owned();
    let classes = checked.classes.iter().map(|(class, count)| (safe(class), (*count).into()));
    let checks = checked.checks.iter();
    let checks =
        checks.map(|(check, done)| (check.name.to_owned(), of_check(check, done, checked.rows)));
    let fields = vec![
        ("rows", checked.rows.into()),
        ("columns", checked.columns.into()),
        ("format", set.format.into()),
        ("label", checked.label.as_deref().map(safe).into()),
        ("classes", Value::Map(classes.collect())),
        ("seed", request.seed.into()),
        ("checks", Value::Map(checks.collect())),
        ("seconds_cpu", seconds.into()),
    ];
    let guessed = if checked.guessed { " (guessed by its name)" } else { "" };
    let label = checked.label.as_ref().map(|label| format!(", label `{label}`{guessed}"));
    let mut lines = vec![format!(
        "{}: {} rows x {} columns{}, {} checks",
        set.format,
        checked.rows,
        checked.columns,
        label.unwrap_or_default(),
        checked.checks.len(),
    )];
    for (check, done) in &checked.checks {
        match &done.skipped {
            Some(why) => lines.push(format!("skipped  {}: {why}", check.name)),
            None => lines.extend(done.lines.iter().cloned()),
        }
        if let Some(why) = &done.beyond {
            lines.push(format!("partial  {}: {why}", check.name));
        }
    }
    let lines = lines.iter().map(|line| redacted(line).into_owned()).collect();
    Measurement { kind: "data", fields, lines, ..Measurement::default() }
}

fn of_check(check: &Check, done: &Done, rows: u64) -> Value {
    let mut fields = vec![
        ("rule", check.rule.map(|rule| rule.id).into()),
        ("n", done.looked_at.unwrap_or(rows).into()),
    ];
    fields.extend(done.fields.iter().cloned());
    if let Some(why) = &done.beyond {
        fields.push(("partial", why.as_str().into()));
    }
    if let Some(why) = &done.skipped {
        fields.push(("skipped", why.as_str().into()));
    }
    Value::Record(fields)
}
