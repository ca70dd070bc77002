//! Schema: whether the columns hold what was declared, and whether the test set's hold what the training set's
//! do.
//!
//! What is declared holds without exception: one value outside is told. What was learned from another set is
//! only a sample: a category that it lacks, or a value that it never missed, is told where chance would not
//! leave it to one side alone (the hypergeometric tail, corrected for all categories). Ranges and shares that
//! move are drift, not schema.

use modelward_core::Value;

use super::{Context, Done, Found, profile};
use crate::{Accumulate, Batch, Set, Unread, accumulate, rules};

mod declared;
mod kept;
mod learned;

pub use self::declared::{Bound, Declared, Expected, Type};
pub(super) use self::kept::Kept;

/// The probability that two sets of one kind show any change.
const ALARM: f64 = 0.01;
/// Rows of a problem that are listed.
const MOST_ROWS: usize = 1000;

/// Something that is not as it was expected.
#[derive(Debug, PartialEq)]
struct Problem {
    column: String,
    /// `missing`, `extra`, `type`, `nulls`, `range`, `category`.
    what: &'static str,
    /// What was expected and what came.
    message: String,
    /// How many rows it is about; 0 where it is about the column.
    count: u64,
    rows: Vec<u64>,
    p_value: Option<f64>,
}

/// The check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let declared = context.request.schema.as_ref();
    if declared.is_none() && context.test.is_none() {
        let why = "expected a schema (`--schema`) or another set (`--test`)";
        return Ok(Done::skipped(why));
    }
    let mut problems = Vec::new();
    if let Some(declared) = declared {
        let kept = context.declared.as_ref();
        problems.extend(of_declared(declared, context.set, &context.profile, context.rows, kept));
    }
    let mut tested = 0;
    let mut of_test = Vec::new();
    if let Some(test) = context.test {
        let mut both = Both {
            profile: profile::Profile::new(&test.schema, context.request),
            kept: declared.map(|declared| Kept::new(declared, &test.schema)),
        };
        let (rows, _) = accumulate::drive(test, &mut both, context.request.threads)?;
        let (profile, kept) = both.finish();
        if let Some(declared) = declared {
            of_test.extend(of_declared(declared, test, &profile, rows, kept.as_ref()));
        }
        let change = learned::changes(
            &context.profile,
            &profile,
            context.roles.group.map(|group| context.set.schema.field(group).name().as_str()),
        );
        tested = change.tried;
        of_test.extend(change.problems);
        // One change is told once, whoever expects otherwise.
        of_test.sort_by(|one, other| (&one.column, one.what).cmp(&(&other.column, other.what)));
        of_test.dedup_by(|later, first| later.column == first.column && later.what == first.what);
    }
    Ok(told(&problems, &of_test, tested))
}

/// The profile of a set and what of it is not as declared, in one pass.
struct Both {
    profile: profile::Profile,
    kept: Option<Kept>,
}

impl Accumulate for Both {
    type Evidence = (Vec<profile::Column>, Option<Kept>);

    fn empty(&self) -> Self {
        Self { profile: self.profile.empty(), kept: self.kept.as_ref().map(Accumulate::empty) }
    }

    fn update(&mut self, batch: &Batch) {
        self.profile.update(batch);
        if let Some(kept) = &mut self.kept {
            kept.update(batch);
        }
    }

    fn merge(&mut self, later: Self) {
        self.profile.merge(later.profile);
        if let (Some(kept), Some(later)) = (&mut self.kept, later.kept) {
            kept.merge(later);
        }
    }

    fn finish(self) -> Self::Evidence {
        (self.profile.finish(), self.kept)
    }
}

/// What of a set is not as it was declared.
fn of_declared(
    declared: &Declared,
    set: &Set,
    profile: &[profile::Column],
    rows: u64,
    kept: Option<&Kept>,
) -> Vec<Problem> {
    let of_column = |column: &str, what, message: String| Problem {
        column: column.to_owned(),
        what,
        message,
        count: 0,
        rows: Vec::new(),
        p_value: None,
    };
    let mut problems = Vec::new();
    for (at, expected) in declared.columns.iter().enumerate() {
        let name = &expected.name;
        let Some(column) = set.column(name) else {
            if expected.required {
                problems.push(of_column(name, "missing", format!("`{name}` is missing")));
            }
            continue;
        };
        let field = set.schema.field(column);
        let of_kept = kept.and_then(|kept| kept.of(at));
        let unlike = of_kept.map(|of| of.unlike.clone()).unwrap_or_default();
        // A column without a value has the type that its reader gives it.
        let empty = profile.get(column).is_some_and(|column| column.count() == 0);
        let other = |wanted: &Type| !empty && (!wanted.holds(field) || unlike.count > 0);
        if let Some(wanted) = expected.wanted().filter(other) {
            let (wanted, got) = (wanted.name(), Type::of(field).name());
            let message = format!("expected `{name}` to be {wanted}, got {got}");
            let rows = unlike;
            problems.push(Problem {
                count: rows.count,
                rows: rows.rows,
                ..of_column(name, "type", message)
            });
        }
        let nulls = profile.get(column).map_or(0, |column| column.nulls);
        let share = nulls as f64 / rows.max(1) as f64;
        if let Some(most) = expected.nulls.filter(|most| share > *most) {
            let message = match most {
                0.0 => {
                    let verb = if nulls == 1 { "has" } else { "have" };
                    format!("expected a value of `{name}` in every row, {nulls} {verb} none")
                }
                most => format!(
                    "expected at most {:.1} % of `{name}` to be missing, {:.1} % are",
                    100.0 * most,
                    100.0 * share
                ),
            };
            problems.push(Problem { count: nulls, ..of_column(name, "nulls", message) });
        }
        let Some(of) = of_kept else { continue };
        if of.outside.count > 0 {
            let (count, shown) = (of.outside.count, &of.shown_outside);
            let verb = if count == 1 { "is" } else { "are" };
            let message = format!(
                "expected {} in `{name}`, {count} {verb} not, such as {shown}",
                expected.range()
            );
            let rows = of.outside.rows.clone();
            problems.push(Problem { count, rows, ..of_column(name, "range", message) });
        }
        if of.unknown.count > 0 {
            let some = of.names.iter().take(5).map(|name| format!("`{name}`"));
            let some = some.collect::<Vec<_>>().join(", ");
            let count = of.unknown.count;
            let message = format!("`{name}` has categories that were not declared: {some}");
            let rows = of.unknown.rows.clone();
            problems.push(Problem { count, rows, ..of_column(name, "category", message) });
        }
    }
    if declared.closed {
        let known = |name: &str| declared.columns.iter().any(|expected| expected.name == name);
        for field in set.schema.fields().iter().filter(|field| !known(field.name())) {
            let name = field.name();
            problems.push(of_column(name, "extra", format!("`{name}` was not declared")));
        }
    }
    problems
}

fn told(of_set: &[Problem], of_test: &[Problem], tested: usize) -> Done {
    let (mut lines, mut found) = (Vec::new(), Vec::new());
    let rule = &rules::SCHEMA_CHANGED;
    for (problems, whose) in [(of_set, "the set"), (of_test, "the test set")] {
        if problems.is_empty() {
            continue;
        }
        lines.extend(problems.iter().take(MOST_SHOWN).map(|problem| {
            let rows = match problem.count {
                0 => String::new(),
                1 => " (1 row)".to_owned(),
                count => format!(" ({count} rows)"),
            };
            format!("schema  {whose}: {}{rows}", problem.message)
        }));
        let some = problems.iter().take(3).map(|problem| problem.message.as_str());
        let some = some.collect::<Vec<_>>().join("; ");
        let more = match problems.len().saturating_sub(3) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let mut rows =
            problems.iter().flat_map(|problem| &problem.rows).copied().collect::<Vec<_>>();
        rows.sort_unstable();
        rows.dedup();
        // Rows of the test set are none of the set that the finding is of.
        rows.retain(|_| whose == "the set");
        found.push(Found {
            rule,
            severity: rule.severity,
            message: format!("{whose} is not as it was expected: {some}{more}"),
            rows,
            measured: ("columns that differ", problems.len() as f64, 0.0),
        });
    }
    if lines.is_empty() {
        lines.push("schema: as expected".to_owned());
    }
    let record = |problem: &Problem| {
        Value::Record(vec![
            ("column", problem.column.as_str().into()),
            ("what", problem.what.into()),
            ("message", problem.message.as_str().into()),
            ("rows", problem.count.into()),
            ("first_rows", problem.rows.iter().take(20).copied().collect::<Vec<_>>().into()),
            ("p_value", problem.p_value.into()),
        ])
    };
    let list = |problems: &[Problem]| Value::List(problems.iter().map(record).collect());
    let flagged = of_set.iter().flat_map(|problem| {
        problem.rows.iter().map(|row| {
            Value::Record(vec![
                ("row", (*row).into()),
                ("score", 1.0.into()),
                ("column", problem.column.as_str().into()),
                ("why", problem.message.as_str().into()),
            ])
        })
    });
    let beyond =
        of_set.iter().map(|problem| problem.count.saturating_sub(problem.rows.len() as u64));
    let beyond = beyond.sum::<u64>();
    let fields = vec![
        ("flagged", Value::List(flagged.collect())),
        ("set", list(of_set)),
        ("test", list(of_test)),
        ("categories_tried", tested.into()),
        (
            "expected_false_alarms",
            Value::Record(vec![
                ("value", if tested > 0 { ALARM } else { 0.0 }.into()),
                ("interval", Value::List(vec![0_u64.into(), u64::from(tested > 0).into()])),
                ("confidence", 0.95.into()),
            ]),
        ),
    ];
    let beyond = (beyond > 0).then(|| format!("{beyond} more rows are counted and not listed"));
    Done { fields, lines, found, beyond, ..Done::default() }
}

/// Problems that are shown to people.
const MOST_SHOWN: usize = 20;

#[cfg(test)]
mod tests;
