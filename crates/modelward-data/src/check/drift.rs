//! Drift: whether the test set is of the same kind as the training set, by schema, by column and by pairs
//! of columns.
//!
//! With many rows everything is significant, so what is flagged has to stand out twice: its p-value,
//! corrected for all columns and pairs (Holm), and the size of the change.

use arrow_array::RecordBatch;
use modelward_core::Value;

use super::{Context, Done, Found, beside};
use crate::columns::written;
use crate::{
    Kind, Matrix, Set, Unread,
    columns::{numbers, reads_as_text, texts},
    kind, rules, tail,
};

mod files;
mod test;

/// The probability that two sets of one kind show any drift.
const ALARM: f64 = 0.01;
/// The least change that counts: of distribution functions, of the shares of categories.
const LEAST_CHANGE: f64 = 0.05;
/// The least change of a rank correlation.
const LEAST_CORRELATION: f64 = 0.1;
/// Columns whose pairs are looked at.
const MOST_PAIRED: usize = 64;
/// The least rows of either set.
const LEAST_ROWS: usize = 20;

/// A column as numbers or as categories of both sets.
enum Cells {
    Numbers(Vec<f64>, Vec<f64>),
    Categories(Vec<Option<String>>, Vec<Option<String>>),
}

/// What a test of one column came to.
struct Tested {
    column: String,
    /// The Kolmogorov-Smirnov distance, or Cramer's V of the shares.
    statistic: f64,
    p_value: f64,
    what: &'static str,
}

/// The check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let between = files::compare(context);
    let mut done = match context.test {
        Some(test) => beside_test(context, test)?,
        None if between.is_some() => {
            let looked_at = context.sample.is_part().then_some(context.sample.numbers.len() as u64);
            let fields = vec![("expected_false_alarms", alarms())];
            Done { looked_at, fields, ..Done::default() }
        }
        None => Done::skipped("drift is told beside another set: name it with `--test`"),
    };
    if let Some(between) = between {
        between.add(&mut done);
    }
    Ok(done)
}

/// Drift of the test set.
fn beside_test(context: &Context<'_>, test: &Set) -> Result<Done, Unread> {
    let mut schema = Schema::of(context.set, test);
    // The check of the schema tells it where it is run.
    schema.told = !context.runs("schema");
    let rows = beside::rows(context, test)?;
    let (train, of_test) = (&context.sample.rows, &rows.rows);
    if train.num_rows() < LEAST_ROWS || of_test.num_rows() < LEAST_ROWS {
        let why = format!(
            "expected {LEAST_ROWS} rows of either set, got {} and {}",
            train.num_rows(),
            of_test.num_rows()
        );
        return Ok(Done { found: schema.found(), ..Done::skipped(why) });
    }
    let mut cells = Vec::new();
    for (at, other) in beside::shared(context, test) {
        let name = context.set.schema.field(at).name();
        if !schema.changed.contains(name) && context.roles.group != Some(at) {
            cells.extend(self::cells(train, of_test, at, other));
        }
    }
    let tested = cells.iter().flat_map(|(name, cells)| tests(name, cells)).collect::<Vec<_>>();
    let paired = cells.iter().filter_map(|(name, cells)| match cells {
        Cells::Numbers(one, other) => Some((name.as_str(), one.as_slice(), other.as_slice())),
        Cells::Categories(..) => None,
    });
    let paired = paired.take(MOST_PAIRED).collect::<Vec<_>>();
    let pairs = test::correlations(&paired);
    let p_values = tested.iter().map(|tested| tested.p_value);
    let p_values = p_values.chain(pairs.iter().map(|pair| pair.p_value)).collect::<Vec<_>>();
    let corrected = tail::holm(&p_values);
    let sampled = context.sample.is_part() || rows.is_part();
    let mut done = told(&schema, &tested, &pairs, &corrected);
    if sampled {
        done.looked_at = Some(context.sample.numbers.len() as u64);
        done.fields.push(("sampled", context.sample.numbers.len().into()));
    }
    done.beyond = beside::part(&rows);
    Ok(done)
}

/// How the columns of the test set differ from those of the training set.
struct Schema {
    missing: Vec<String>,
    extra: Vec<String>,
    changed: Vec<String>,
    /// Whether it is told here.
    told: bool,
}

impl Schema {
    fn of(set: &Set, test: &Set) -> Self {
        let without = |one: &Set, other: &Set| {
            let fields = one.schema.fields().iter();
            let fields = fields.filter(|field| other.column(field.name()).is_none());
            fields.map(|field| field.name().clone()).collect::<Vec<_>>()
        };
        let changed = set.schema.fields().iter().filter(|field| {
            let other = test.column(field.name()).map(|at| kind(test.schema.field(at)));
            other.is_some_and(|other| other != kind(field))
        });
        Self {
            missing: without(set, test),
            extra: without(test, set),
            changed: changed.map(|field| field.name().clone()).collect(),
            told: true,
        }
    }

    fn found(&self) -> Vec<Found> {
        let named = |what: &str, names: &[String]| {
            let some = names.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>();
            let more = names.len().saturating_sub(5);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            (!names.is_empty()).then(|| format!("{what} {}{more}", some.join(", ")))
        };
        let parts = [
            named("it lacks", &self.missing),
            named("it has more:", &self.extra),
            named("of another type is", &self.changed),
        ];
        let parts = parts.into_iter().flatten().collect::<Vec<_>>();
        if parts.is_empty() || !self.told {
            return Vec::new();
        }
        let count = self.missing.len() + self.extra.len() + self.changed.len();
        let rule = &rules::SCHEMA_CHANGED;
        vec![Found {
            rule,
            severity: rule.severity,
            message: format!("the test set has other columns: {}", parts.join("; ")),
            rows: Vec::new(),
            measured: ("columns that differ", count as f64, 0.0),
        }]
    }
}

/// A column of both sets, of arrays and sentences what can be measured on them.
fn cells(train: &RecordBatch, test: &RecordBatch, at: usize, other: usize) -> Vec<(String, Cells)> {
    let schema = train.schema();
    let field = schema.field(at);
    let (one, two) = (train.column(at), test.column(other));
    let name = field.name();
    match kind(field) {
        Kind::Number | Kind::Truth => {
            let both = numbers(one).zip(numbers(two));
            both.map(|(one, two)| (name.clone(), Cells::Numbers(one, two))).into_iter().collect()
        }
        Kind::Numbers(_) => {
            let (one, two) = (Matrix::of(train, [at]), Matrix::of(test, [other]));
            let measure = |matrix: &Matrix, of: fn(&[f32]) -> f64| {
                (0..matrix.rows()).map(|row| of(matrix.row(row))).collect::<Vec<_>>()
            };
            let part = |what: &str, of: fn(&[f32]) -> f64| {
                (format!("{name} ({what})"), Cells::Numbers(measure(&one, of), measure(&two, of)))
            };
            vec![part("mean", mean), part("deviation", deviation)]
        }
        Kind::Text => match (texts(one), texts(two)) {
            (Some(one), Some(two)) if reads_as_text(&one) => {
                let length = |texts: &[Option<&str>]| {
                    texts
                        .iter()
                        .map(|text| text.map_or(f64::NAN, |text| text.chars().count() as f64))
                        .collect()
                };
                vec![(format!("{name} (length)"), Cells::Numbers(length(&one), length(&two)))]
            }
            _ => vec![(name.clone(), Cells::Categories(written(one), written(two)))],
        },
        _ => Vec::new(),
    }
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len().max(1) as f64
}

fn deviation(values: &[f32]) -> f64 {
    let mean = mean(values);
    let squares = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>();
    (squares / values.len().max(1) as f64).sqrt()
}

fn tests(name: &str, cells: &Cells) -> Vec<Tested> {
    let tested = |what, (statistic, p_value): (f64, f64)| Tested {
        column: name.to_owned(),
        statistic,
        p_value,
        what,
    };
    match cells {
        Cells::Numbers(one, two) => {
            let absent = |values: &[f64]| {
                let absent = values.iter().filter(|value| value.is_nan()).count() as f64;
                [absent, values.len() as f64 - absent]
            };
            let gaps = [absent(one), absent(two)];
            let mut all = Vec::new();
            if gaps[0][0] + gaps[1][0] > 0.0 {
                let mut columns = [[gaps[0][0], gaps[1][0]], [gaps[0][1], gaps[1][1]]];
                // The most frequent first.
                if columns[0][0] + columns[0][1] < columns[1][0] + columns[1][1] {
                    columns.reverse();
                }
                all.push(tested("missing", test::categories(&columns)));
            }
            all.extend(test::numbers(one, two).map(|test| tested("distribution", test)));
            all
        }
        Cells::Categories(one, two) => {
            test::counted(one, two).map(|test| tested("categories", test)).into_iter().collect()
        }
    }
}

fn told(
    schema: &Schema,
    tested: &[Tested],
    pairs: &[test::Correlated<'_>],
    corrected: &[f64],
) -> Done {
    let (of_columns, of_pairs) = corrected.split_at(tested.len());
    let (mut lines, mut found) = (Vec::new(), schema.found());
    lines.extend(found.iter().map(|found| found.message.clone()));
    let mut records = Vec::new();
    let drift = |message: String, p_value: f64, lines: &mut Vec<String>, found: &mut Vec<Found>| {
        lines.push(message.clone());
        let rule = &rules::DRIFT;
        let measured = ("p-value after correction", p_value, ALARM);
        found.push(Found { rule, severity: rule.severity, message, rows: Vec::new(), measured });
    };
    for (tested, p_value) in tested.iter().zip(of_columns) {
        let flagged = *p_value <= ALARM && tested.statistic >= LEAST_CHANGE;
        if flagged {
            let how = match tested.what {
                "missing" => "values are missing in another share of rows",
                "categories" => "its categories stand in other shares",
                _ => "its numbers are distributed otherwise",
            };
            let message = format!(
                "`{}` drifts: {how} (change {:.2}, {})",
                tested.column,
                tested.statistic,
                p_of(*p_value)
            );
            drift(message, *p_value, &mut lines, &mut found);
        }
        records.push(Value::Record(vec![
            ("column", tested.column.as_str().into()),
            ("test", tested.what.into()),
            ("statistic", tested.statistic.into()),
            ("p_value", (*p_value).into()),
            ("flagged", flagged.into()),
        ]));
    }
    let mut moved = Vec::new();
    for (pair, p_value) in pairs.iter().zip(of_pairs) {
        if *p_value > ALARM || (pair.before - pair.after).abs() < LEAST_CORRELATION {
            continue;
        }
        let [one, other] = pair.columns;
        let message = format!(
            "`{one}` and `{other}` go together otherwise: rank correlation {:.2}, was {:.2} ({})",
            pair.after,
            pair.before,
            p_of(*p_value)
        );
        drift(message, *p_value, &mut lines, &mut found);
        moved.push(Value::Record(vec![
            ("columns", Value::List(vec![one.into(), other.into()])),
            ("p_value", (*p_value).into()),
            ("before", pair.before.into()),
            ("after", pair.after.into()),
        ]));
    }
    if lines.is_empty() {
        lines.push("drift: none".to_owned());
    }
    let list = |names: &[String]| Value::from(names.to_vec());
    let fields = vec![
        ("columns", Value::List(records)),
        ("pairs", Value::List(moved)),
        (
            "schema",
            Value::Record(vec![
                ("missing", list(&schema.missing)),
                ("extra", list(&schema.extra)),
                ("type changed", list(&schema.changed)),
            ]),
        ),
        ("expected_false_alarms", alarms()),
    ];
    Done { fields, lines, found, ..Done::default() }
}

/// The alarms that are expected where nothing drifts, beside a test set or between files.
fn alarms() -> Value {
    Value::Record(vec![
        ("value", ALARM.into()),
        ("interval", Value::List(vec![0_u64.into(), 1_u64.into()])),
        ("confidence", 0.95.into()),
    ])
}

fn p_of(p_value: f64) -> String {
    if p_value < 1e-9 { "p < 1e-9".to_owned() } else { format!("p = {p_value:.1e}") }
}
