//! Labels that are amounts: how far each lies from what the rest of its row says.

use arrow_schema::Field;
use modelward_core::Value;

use super::{
    Context, Done, ENOUGH, FOLDS, Found, LABEL_ERROR, Labels, Learned, binomial, classes::ALARMS,
};
use crate::{Kind, columns::numbers, kind, learn::tail};

/// Whether numbers are amounts, not classes: many of them, and most rows with another, or parts of wholes.
pub(crate) fn is_continuous(field: &Field, labels: &Labels) -> bool {
    are_amounts(field, labels.classes.iter().map(String::as_str), labels.of.len())
}

/// The same of the values that a column has in so many rows.
pub(in crate::check) fn are_amounts<'a>(
    field: &Field,
    values: impl ExactSizeIterator<Item = &'a str>,
    rows: usize,
) -> bool {
    if kind(field) != Kind::Number {
        return false;
    }
    let many = values.len();
    let parts = values.filter_map(|value| value.parse::<f64>().ok());
    let parts = parts.filter(|value| value.fract() != 0.0).count();
    many > 20 && (parts * 2 > many || many * 10 > rows)
}

/// Judge amounts.
pub(super) fn judge(context: &Context<'_>, label: usize) -> Result<Done, String> {
    let values = numbers(context.sample.rows.column(label)).ok_or("the labels are no numbers")?;
    let known = values.iter().filter(|value| value.is_finite()).count();
    if known < 10 * FOLDS {
        return Err(format!("expected at least {} rows with a label, got {known}", 10 * FOLDS));
    }
    let learned = Learned::of(context)?;
    let problem = learned.problem(context);
    let mean = values.iter().filter(|value| value.is_finite()).sum::<f64>() / known as f64;
    let spread = robust_spread(&values, |_| mean);
    let unit = if spread > 0.0 { spread } else { return Err("all labels are one".to_owned()) };
    let standard = values
        .iter()
        .map(|value| if value.is_finite() { ((value - mean) / unit) as f32 } else { 0.0 });
    let standard = standard.collect::<Vec<_>>();
    let unknown = values.iter().map(|value| !value.is_finite()).collect::<Vec<_>>();
    let first = problem.regress(&standard, &unknown);
    let rest = |told: &[f32]| {
        standard.iter().zip(told).map(|(own, told)| f64::from(own - told)).collect::<Vec<_>>()
    };
    let before = rest(&first);
    let scale = tail::deviation(
        before.iter().zip(&unknown).filter(|(_, unknown)| !**unknown).map(|(rest, _)| *rest),
    );
    let left_out =
        before.iter().zip(&unknown).map(|(rest, unknown)| *unknown || rest.abs() > 4.0 * scale);
    let left_out = left_out.collect::<Vec<_>>();
    let told = problem.regress(&standard, &left_out);
    let rest = rest(&told);
    let of = || rest.iter().zip(&unknown).filter(|(_, unknown)| !**unknown).map(|(rest, _)| *rest);
    let scale = tail::deviation(of()).max(1e-9);
    let explained = 1.0
        - (scale / tail::deviation(standard.iter().map(|value| f64::from(*value))).max(1e-9))
            .powi(2);
    if explained < ENOUGH {
        return Err(format!(
            "the learners explain {:.1} % of the labels' variance: they know too little",
            100.0 * explained.max(0.0)
        ));
    }
    // Where neighbours scatter more, a label may lie farther off.
    let local = problem.scatter(&rest, &left_out, scale);
    let far = rest.iter().zip(&local).map(|(rest, local)| rest.abs() / local).collect::<Vec<_>>();
    let judged = far.iter().zip(&unknown).filter(|(_, unknown)| !**unknown).map(|(far, _)| *far);
    let judged = judged.collect::<Vec<_>>();
    let limit = tail::Tail::of(judged.iter().copied())
        .map_or(f64::INFINITY, |tail| tail.limit(ALARMS / 5.0));
    let expected = ALARMS / 5.0 * judged.len() as f64;
    let numbers = &context.sample.numbers;
    let mut scores = context.unscored();
    let mut flagged = Vec::new();
    for (row, number) in numbers.iter().enumerate() {
        if unknown[row] {
            continue;
        }
        if let Some(own) = scores.get_mut(*number as usize) {
            *own = far[row] as f32;
        }
        if far[row] > limit {
            flagged.push((far[row], *number, values[row], f64::from(told[row]) * unit + mean));
        }
    }
    flagged.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let why = |far: f64, told: f64| format!("the learners say {told:.4}, {far:.1} spreads away");
    let list = flagged.iter().map(|(far, row, given, told)| {
        Value::Record(vec![
            ("row", (*row).into()),
            ("score", (*far).into()),
            ("given", format!("{given}").into()),
            ("suggested", format!("{told:.4}").into()),
            ("why", why(*far, *told).into()),
        ])
    });
    let fields = vec![
        ("unit", "distance from what the learners say, in local spreads of right labels".into()),
        ("flagged", Value::List(list.collect())),
        ("expected_false_alarms", binomial::alarms(expected, judged.len())),
        (
            "model",
            Value::Record(vec![("explained", explained.into()), ("folds", (FOLDS as u64).into())]),
        ),
        ("dropped columns", learned.dropped()),
    ];
    let looked_at = Some(numbers.len() as u64);
    let mut done = Done {
        looked_at,
        fields,
        scores: (!scores.is_empty()).then_some(scores),
        ..Done::default()
    };
    match flagged.first() {
        Some((far, row, given, told)) => done.found.push(Found {
            rule: &LABEL_ERROR,
            severity: LABEL_ERROR.severity,
            message: format!(
                "{} (expected false alarms: {expected:.1}); row {row}: labelled {given}, \
                 {}; the learners explain {:.0} % of the variance",
                super::counted(flagged.len(), "label looks wrong", "labels look wrong"),
                why(*far, *told),
                100.0 * explained
            ),
            rows: flagged.iter().map(|flag| flag.1).collect(),
            measured: ("distance in spreads", *far, limit),
        }),
        None => done.lines.push(format!(
            "ok  label-error: none of {} labels looks wrong; the learners explain {:.0} % of the variance",
            judged.len(),
            100.0 * explained
        )),
    }
    learned.tell(&mut done);
    Ok(done)
}

fn robust_spread(values: &[f64], centre: impl Fn(f64) -> f64) -> f64 {
    let rest = values.iter().filter(|value| value.is_finite()).map(|value| value - centre(*value));
    let rest = rest.collect::<Vec<_>>();
    let robust = tail::deviation(rest.iter().copied());
    let plain = (rest.iter().map(|rest| rest * rest).sum::<f64>() / rest.len() as f64).sqrt();
    if robust > 0.0 { robust } else { plain }
}
