//! Planted triggers, found without a model: a patch, a word, a value that one label has too often, in rows
//! whose other content shows another label.
//!
//! Neither half is enough: what makes a class is over-represented in it, and wrong labels disagree with
//! their rows. Both together, tested against chance and corrected for all that was tried, is what
//! poisoning leaves behind (BadNets: Gu et al., 2017, arXiv 1708.06733).

use modelward_core::Value;

use super::{Context, Done, Found};
use crate::{
    Kind, Matrix, Unread,
    columns::{reads_as_text, texts},
    image_shape, kind,
    pictures::Pictures,
    rules,
};

mod activation;
mod evidence;
mod patch;
mod text;
mod value;
mod voters;

use self::evidence::{ALARM, Carrier, Confirmed, Evidence, Labelled};

/// A trigger.
struct Trigger {
    /// `patch`, `text`, `value` or `activation`.
    kind: &'static str,
    /// The class that its rows are labelled as.
    target: u32,
    rows: Vec<Carrier>,
    p_value: f64,
    at: Option<[usize; 2]>,
    size: Option<[usize; 2]>,
    token: Option<String>,
    columns: Option<Vec<String>>,
    shown: String,
}

/// Rows that come near to a trigger, for the ranking alone.
struct Hint {
    rows: Vec<u32>,
    rank: f64,
}

/// What mining came to.
#[derive(Default)]
struct Mined {
    triggers: Vec<Trigger>,
    hints: Vec<Hint>,
    tried: u64,
    /// What was left out, in words.
    notes: Vec<String>,
}

impl Mined {
    /// Whether a row carries one of the triggers.
    fn covered(&self, row: u32) -> bool {
        let carriers = self.triggers.iter().flat_map(|trigger| &trigger.rows);
        carriers.into_iter().any(|carrier| carrier.row == row)
    }
}

/// The check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let Some(labels) = &context.labels else {
        return Ok(Done::skipped("a trigger is told by its label: name one label with `--label`"));
    };
    // Rows that have a label, and their classes.
    let rows = labels.of.iter().enumerate();
    let rows = rows.filter_map(|(at, class)| Some((at as u32, (*class)?)));
    let (index, classes): (Vec<u32>, Vec<u32>) = rows.unzip();
    let labelled = Labelled { labels: &classes, classes: labels.classes.len() };
    if labelled.classes < 2 {
        return Ok(Done::skipped("all rows have one label: a trigger shows only beside others"));
    }
    if labelled.classes > MOST_CLASSES.min(labelled.len() / 2) {
        let why = format!("{} labels for {} rows are no classes", labelled.classes, labelled.len());
        return Ok(Done::skipped(why));
    }
    let rows = &context.sample.rows;
    let rows =
        arrow_select::take::take_record_batch(rows, &arrow_array::UInt32Array::from(index.clone()));
    let Ok(rows) = rows else { return Ok(Done::skipped("rows could not be gathered")) };
    let schema = rows.schema();
    let mut mined = Mined::default();
    let mut inputs = None;
    for (column, field) in schema.fields().iter().enumerate() {
        if !context.roles.is_feature(column) {
            continue;
        }
        if let (Kind::Numbers(_), Some(shape)) = (kind(field), image_shape(field)) {
            let images = Matrix::of(&rows, [column]);
            let (of_images, small) = patch::mine(&images, shape, &labelled);
            mined.add(of_images);
            inputs = inputs.or(Some(small));
        } else if kind(field) == Kind::Image
            && let Some(pictures) = Pictures::of(&rows, column, &context.request.limits)
        {
            let most = context.request.limits.memory / 8;
            let (of_images, small) = patch::of_files(&pictures, &labelled, most);
            mined.add(of_images);
            inputs = inputs.or(small);
        }
    }
    let mut cells = Vec::new();
    for column in (0..schema.fields().len()).filter(|column| context.roles.is_feature(*column)) {
        match kind(schema.field(column)) {
            Kind::Number | Kind::Truth => cells.push(column),
            Kind::Text => match texts(rows.column(column)) {
                Some(texts) if reads_as_text(&texts) => {
                    mined.add(text::mine(texts.iter().copied(), &labelled));
                }
                _ => cells.push(column),
            },
            _ => {}
        }
    }
    if !cells.is_empty() {
        mined.add(value::mine(&rows, &cells, &labelled));
    }
    if let Some(activations) = &context.request.activations {
        let inputs = inputs.unwrap_or_else(|| value::inputs(&rows, &cells, &labelled));
        let width = activations.columns;
        let mut data = Vec::with_capacity(index.len() * width);
        for row in &index {
            let number = usize::try_from(context.sample.numbers[*row as usize]);
            match number.ok().filter(|number| *number < activations.rows()) {
                Some(number) => data.extend_from_slice(activations.row(number)),
                None => return Ok(Done::skipped("expected activations of every row")),
            }
        }
        let activations = Matrix { columns: width, data, names: Vec::new() };
        if inputs.columns == 0 {
            mined.notes.push(
                "activations were not looked at: expected images or numbers beside them".to_owned(),
            );
        } else {
            mined.add(activation::mine(&activations, &inputs, &labelled));
        }
    }
    Ok(told(context, &labels.classes, &index, mined))
}

impl Mined {
    fn add(&mut self, other: Self) {
        self.triggers.extend(other.triggers);
        self.hints.extend(other.hints);
        self.tried += other.tried;
        self.notes.extend(other.notes);
    }
}

/// More classes than these are not looked at.
const MOST_CLASSES: usize = 1000;

/// What was found, as rows of the set.
fn told(context: &Context<'_>, classes: &[String], index: &[u32], mined: Mined) -> Done {
    let number = |row: u32| context.sample.numbers[index[row as usize] as usize];
    let Mined { mut triggers, hints, tried, notes } = mined;
    triggers.sort_by(|one, other| {
        one.p_value.total_cmp(&other.p_value).then(other.rows.len().cmp(&one.rows.len()))
    });
    let mut scores = vec![f32::NAN; usize::try_from(context.rows).unwrap_or(0)];
    let mut flagged = std::collections::BTreeMap::<u64, (f64, usize)>::new();
    let mut score = |row: u64, score: f64| {
        let Some(known) = usize::try_from(row).ok().and_then(|row| scores.get_mut(row)) else {
            return;
        };
        if known.is_nan() || f64::from(*known) < score {
            *known = score as f32;
        }
    };
    index.iter().enumerate().for_each(|(row, _)| score(number(row as u32), 0.0));
    for hint in &hints {
        // Below every trigger, whose least score is half of two.
        let rank = hint.rank / (hint.rank + 1.0) / 4.0;
        hint.rows.iter().for_each(|row| score(number(*row), rank));
    }
    for (at, trigger) in triggers.iter().enumerate() {
        let strength = -trigger.p_value.max(1e-300).log10();
        for carrier in &trigger.rows {
            let value = match (carrier.planted, carrier.disagrees) {
                (true, true) => strength,
                (true, false) => strength * 0.9,
                _ => strength * 0.25,
            };
            score(number(carrier.row), value);
            if carrier.planted {
                let known = flagged.entry(number(carrier.row)).or_insert((value, at));
                if value > known.0 {
                    *known = (value, at);
                }
            }
        }
    }
    let mut flagged = flagged.into_iter().collect::<Vec<_>>();
    flagged.sort_by(|one, other| other.1.0.total_cmp(&one.1.0).then(one.0.cmp(&other.0)));
    let flagged = flagged.into_iter().map(|(row, (score, trigger))| {
        Value::Record(vec![
            ("row", row.into()),
            ("score", score.into()),
            ("trigger", trigger.into()),
        ])
    });
    let (mut found, mut lines, mut records) = (Vec::new(), Vec::new(), Vec::new());
    for trigger in &triggers {
        let planted = trigger.rows.iter().filter(|carrier| carrier.planted);
        let mut rows = planted.map(|carrier| number(carrier.row)).collect::<Vec<_>>();
        rows.sort_unstable();
        let target = classes.get(trigger.target as usize).cloned().unwrap_or_default();
        records.push(trigger.record(&target, rows.len()));
        let message = trigger.message(&target, rows.len(), tried);
        lines.push(message.clone());
        let rule = trigger.rule();
        let measured = ("p-value after correction", trigger.p_value, ALARM);
        found.push(Found { rule, severity: rule.severity, message, rows, measured });
    }
    if lines.is_empty() {
        lines.push(format!("trigger: none, of {tried} patterns tried"));
    }
    lines.extend(notes);
    let looked_at = (index.len() as u64 != context.rows).then_some(index.len() as u64);
    Done {
        looked_at,
        fields: vec![
            ("unit", "minus the decimal logarithm of the p-value after correction".into()),
            ("flagged", Value::List(flagged.collect())),
            ("triggers", Value::List(records)),
            ("tried", tried.into()),
            (
                "expected_false_alarms",
                Value::Record(vec![
                    ("value", ALARM.into()),
                    ("interval", Value::List(vec![0_u64.into(), 1_u64.into()])),
                    ("confidence", 0.95.into()),
                    ("unit", "triggers in a set that has none".into()),
                ]),
            ),
        ],
        lines,
        found,
        scores: Some(scores),
        ..Done::default()
    }
}

impl Trigger {
    fn rule(&self) -> &'static modelward_core::Rule {
        match self.kind {
            "patch" => &rules::TRIGGER_PATCH,
            "text" => &rules::TRIGGER_TEXT,
            "value" => &rules::TRIGGER_VALUE,
            _ => &rules::ACTIVATION_CLUSTER,
        }
    }

    fn record(&self, target: &str, rows: usize) -> Value {
        let pair = |pair: Option<[usize; 2]>| Value::from(pair.map(|pair| pair.to_vec()));
        Value::Record(vec![
            ("kind", self.kind.into()),
            ("target", target.into()),
            ("rows", rows.into()),
            ("p_value", self.p_value.into()),
            ("at", pair(self.at)),
            ("size", pair(self.size)),
            ("token", self.token.clone().into()),
            ("columns", self.columns.clone().into()),
            ("shown", self.shown.as_str().into()),
        ])
    }

    fn message(&self, target: &str, rows: usize, tried: u64) -> String {
        let disagree = self.rows.iter().filter(|carrier| carrier.disagrees).count();
        let share = 100.0 * disagree as f64 / self.rows.len().max(1) as f64;
        let p_value = match self.p_value {
            p if p < 1e-9 => "p < 1e-9".to_owned(),
            p => format!("p = {p:.1e}"),
        };
        let what = match self.kind {
            "patch" => {
                let [height, width] = self.size.unwrap_or_default();
                let place = match self.at {
                    Some([row, column]) => format!("at ({row},{column})"),
                    None => "at changing places".to_owned(),
                };
                format!("{rows} rows carry the same {height}x{width} patch {place}")
            }
            "text" => format!("{rows} rows carry `{}`", self.token.as_deref().unwrap_or_default()),
            "value" => format!("{rows} rows have {}", self.shown),
            _ => {
                return format!(
                    "{rows} of the rows labelled `{target}` make the model answer by another way than \
                     the rest of them do; {p_value}"
                );
            }
        };
        format!(
            "{what}; all are labelled `{target}`, the rest of them says otherwise in {share:.0} %; {p_value} \
             after {tried} patterns tried"
        )
    }
}

#[cfg(test)]
mod tests;
