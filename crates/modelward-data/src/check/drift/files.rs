//! Drift between the files of one set: each file beside all the others.

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;
use modelward_core::Value;

use super::{ALARM, LEAST_CHANGE, LEAST_ROWS, cells, p_of, tests};
use crate::{
    check::{Context, Done, Found},
    rules, tail,
};

/// A column of a file that lies otherwise than in the other files.
struct Moved {
    file: String,
    column: String,
    statistic: f64,
    p_value: f64,
}

/// What came of holding files against each other.
pub(super) struct Between {
    moved: Vec<Moved>,
    /// Files that were held against the others, and those of which too few rows were looked at.
    compared: usize,
    left_out: usize,
}

/// Hold the files of a set against each other; `None` where it is one file.
pub(super) fn compare(context: &Context<'_>) -> Option<Between> {
    let mut files: Vec<(u64, &str)> = Vec::new();
    for (first, piece) in &context.starts {
        let name = context.set.pieces.get(*piece)?.name();
        if files.last().is_none_or(|(_, known)| *known != name) {
            files.push((*first, name));
        }
    }
    if files.len() < 2 {
        return None;
    }
    let rows = &context.sample.rows;
    let numbers = &context.sample.numbers;
    let place = |row: u64| numbers.partition_point(|number| *number < row);
    let (mut compared, mut left_out) = (0, 0);
    let mut tested = Vec::new();
    for (at, (first, name)) in files.iter().enumerate() {
        let (from, to) =
            (place(*first), files.get(at + 1).map_or(numbers.len(), |next| place(next.0)));
        if to - from < LEAST_ROWS
            || numbers.len() - (to - from) < LEAST_ROWS
            || compared >= MOST_FILES
        {
            left_out += 1;
            continue;
        }
        compared += 1;
        let own = rows.slice(from, to - from);
        let others = (0..from).chain(to..numbers.len()).map(|row| row as u32);
        let Ok(others) = take_record_batch(rows, &UInt32Array::from_iter_values(others)) else {
            continue;
        };
        tested.extend(of_file(context, name, &others, &own));
    }
    let p_values = tested.iter().map(|moved| moved.p_value).collect::<Vec<_>>();
    for (moved, p_value) in tested.iter_mut().zip(tail::holm(&p_values)) {
        moved.p_value = p_value;
    }
    tested.retain(|moved| moved.p_value <= ALARM && moved.statistic >= LEAST_CHANGE);
    // Where every file is small, such as an image or a document, there is nothing to hold against the others.
    if compared == 0 {
        return None;
    }
    Some(Between { moved: tested, compared, left_out })
}

fn of_file(
    context: &Context<'_>,
    name: &str,
    others: &RecordBatch,
    own: &RecordBatch,
) -> Vec<Moved> {
    let columns = (0..own.num_columns()).filter(|at| context.roles.group != Some(*at));
    let cells = columns.flat_map(|at| cells(others, own, at, at)).collect::<Vec<_>>();
    let tested = cells.iter().flat_map(|(name, cells)| tests(name, cells));
    let moved = tested.map(|tested| Moved {
        file: name.to_owned(),
        column: tested.column,
        statistic: tested.statistic,
        p_value: tested.p_value,
    });
    moved.collect()
}

impl Between {
    /// Add what it came to.
    pub(super) fn add(self, done: &mut Done) {
        if let Some(why) = done.skipped.take() {
            done.lines.push(format!("drift: {why}"));
        }
        let rule = &rules::DRIFT;
        for of_file in self.moved.chunk_by(|one, other| one.file == other.file).take(MOST_FOUND) {
            let Some(worst) =
                of_file.iter().max_by(|one, other| one.statistic.total_cmp(&other.statistic))
            else {
                continue;
            };
            let some = of_file.iter().take(4).map(|moved| format!("`{}`", moved.column));
            let some = some.collect::<Vec<_>>().join(", ");
            let more = match of_file.len().saturating_sub(4) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!(
                "the file `{}` lies otherwise than the others in {some}{more} (change {:.2}, {})",
                worst.file,
                worst.statistic,
                p_of(worst.p_value)
            );
            done.lines.push(message.clone());
            let measured = ("p-value after correction", worst.p_value, ALARM);
            done.found.push(Found {
                rule,
                severity: rule.severity,
                message,
                rows: Vec::new(),
                measured,
            });
        }
        if self.moved.is_empty() {
            done.lines.push(format!("drift: none between {} files", self.compared));
        }
        if self.left_out > 0 {
            let files = if self.left_out == 1 { "file was" } else { "files were" };
            let why = format!(
                "{} {files} not held against the others: fewer than {LEAST_ROWS} rows of it or of the others, or \
                 more than {MOST_FILES} files",
                self.left_out
            );
            done.beyond.get_or_insert(why);
        }
        let moved = self.moved.iter().map(|moved| {
            Value::Record(vec![
                ("file", moved.file.as_str().into()),
                ("column", moved.column.as_str().into()),
                ("statistic", moved.statistic.into()),
                ("p_value", moved.p_value.into()),
            ])
        });
        done.fields.push(("files", Value::List(moved.collect())));
        done.fields.push(("files_compared", self.compared.into()));
    }
}

/// Files that are held against the others, each of which costs a pass over the rows in memory.
const MOST_FILES: usize = 64;
/// Files that are told.
const MOST_FOUND: usize = 20;
