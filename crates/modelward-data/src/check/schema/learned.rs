//! What changed between the columns of two sets: columns, types, categories that one of them lacks, values that
//! it never misses.

use std::collections::BTreeSet;

use super::{ALARM, Problem};
use crate::check::profile::Column;

/// What changed, and how many categories were held against each other.
pub(super) struct Change {
    pub(super) problems: Vec<Problem>,
    pub(super) tried: usize,
}

/// A value that the second set has and the first has not.
struct New<'a> {
    column: &'a Column,
    what: &'static str,
    value: &'a str,
    count: u64,
    p_value: f64,
}

/// What of the second set's columns is not as in the first; the values of a group are its own.
pub(super) fn changes(first: &[Column], second: &[Column], group: Option<&str>) -> Change {
    let plain = |column: &str, what, message: String| Problem {
        column: column.to_owned(),
        what,
        message,
        count: 0,
        rows: Vec::new(),
        p_value: None,
    };
    let find =
        |among: &'_ [Column], name: &str| among.iter().position(|column| column.name == name);
    let mut problems = Vec::new();
    for column in first.iter().filter(|column| find(second, &column.name).is_none()) {
        problems.push(plain(&column.name, "missing", format!("`{}` is missing", column.name)));
    }
    for column in second.iter().filter(|column| find(first, &column.name).is_none()) {
        problems.push(plain(&column.name, "extra", format!("`{}` is new", column.name)));
    }
    let (mut new, mut tried) = (Vec::new(), 0);
    for column in second {
        let known = find(first, &column.name).and_then(|at| first.get(at));
        let Some(known) = known.filter(|_| group != Some(&*column.name)) else { continue };
        // A column without one value has the type that its reader gives it.
        if family(&known.kind) != family(&column.kind) && known.count() > 0 && column.count() > 0 {
            let message = format!(
                "`{}` is {}, was {}",
                column.name,
                family(&column.kind),
                family(&known.kind)
            );
            problems.push(plain(&column.name, "type", message));
            continue;
        }
        tried += 1;
        if known.nulls == 0 && column.nulls > 0 {
            let p_value = one_sided(known.rows, column.rows, column.nulls);
            new.push(New { column, what: "nulls", value: "", count: column.nulls, p_value });
        }
        if known.categories.is_empty() || column.categories.is_empty() {
            continue;
        }
        let before =
            known.categories.iter().map(|(value, _)| value.as_str()).collect::<BTreeSet<_>>();
        tried += before.len().max(column.categories.len());
        for (value, count) in
            column.categories.iter().filter(|(value, _)| !before.contains(value.as_str()))
        {
            let p_value = one_sided(known.count(), column.count(), *count);
            new.push(New { column, what: "category", value, count: *count, p_value });
        }
    }
    new.retain(|new| new.p_value * tried as f64 <= ALARM);
    for of_column in
        new.chunk_by(|one, other| one.column.name == other.column.name && one.what == other.what)
    {
        let Some(first) = of_column.first() else { continue };
        let name = &first.column.name;
        let count = of_column.iter().map(|new| new.count).sum();
        let message = match first.what {
            "nulls" => format!("`{name}` misses {count} values, in training it misses none"),
            _ => {
                let some = of_column.iter().take(5).map(|new| format!("`{}`", new.value));
                let some = some.collect::<Vec<_>>().join(", ");
                format!("`{name}` has categories that training lacks: {some}")
            }
        };
        let p_value = of_column.iter().map(|new| new.p_value * tried as f64).fold(1.0, f64::min);
        problems.push(Problem {
            count,
            p_value: Some(p_value),
            ..plain(name, first.what, message)
        });
    }
    Change { problems, tried }
}

/// The probability that so many rows all fall to the second of two sets of these sizes.
fn one_sided(first: u64, second: u64, count: u64) -> f64 {
    let all = first.saturating_add(second);
    let mut probability = 1.0_f64;
    for at in 0..count.min(MOST_TERMS) {
        probability *= second.saturating_sub(at) as f64 / all.saturating_sub(at).max(1) as f64;
    }
    probability
}

/// What a type is read as: a whole number that is written as a float is still a number.
fn family(kind: &str) -> &str {
    match kind {
        "LargeUtf8" | "Utf8View" | "Utf8" => "text",
        "Boolean" => "truth",
        kind if kind.contains("Int")
            || kind.starts_with("Float")
            || kind.starts_with("Decimal") =>
        {
            "number"
        }
        kind if kind.starts_with("Date") || kind.starts_with("Time") => "time",
        kind if kind.starts_with("Dictionary") => "text",
        kind => kind,
    }
}

/// Factors of a probability, which is small enough by then.
const MOST_TERMS: u64 = 10_000;
