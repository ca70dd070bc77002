//! The numbers of an attack on texts for people.

use modelward_lab::{statistics::clopper_pearson, text::measure::TextRobustness};

use crate::cli::attack::{
    Arguments,
    screen::reliable,
    texts::{
        Setting,
        record::{stood, worst},
    },
};

/// The lines of the report.
pub(super) fn lines(
    arguments: &Arguments,
    setting: &Setting,
    measured: &TextRobustness,
) -> Vec<String> {
    let all = measured.samples;
    let percent = |count: usize| 100.0 * count as f64 / all.max(1) as f64;
    let wrong = all.saturating_sub(measured.right);
    let mut lines = vec![
        format!(
            "input     texts of at most {} tokens, {} of {all} cut; tokenizer {}",
            setting.most, measured.cut_short, setting.kind
        ),
        format!(
            "clean     {:.1} % of {all} ({wrong} already wrong, not attacked)",
            percent(measured.right)
        ),
        format!(
            "{:<16}{:>6}  {:>8}  {:>12}  {:>6}",
            "edits", "left", "robust", "queries each", "CPU s"
        ),
    ];
    for attack in &measured.attacks {
        let robust = match attack {
            attack if attack.stopped.is_some() => attack.stopped.unwrap_or_default().to_owned(),
            attack if attack.is_empty() => "no text has a place for these".to_owned(),
            attack if attack.is_absorbed() => "the tokenizer removes these".to_owned(),
            attack => format!(
                "{:>6.1} %  {:>12.1}  {:>6.2}",
                percent(stood(measured, attack)),
                attack.queries as f64 / attack.tried.max(1) as f64,
                attack.seconds
            ),
        };
        lines.push(format!("{:<16}{:>6}  {robust}", attack.name, attack.tried));
    }
    let (low, high) = clopper_pearson(measured.stood as u64, all as u64, 0.95);
    lines.push(format!(
        "robust    <= {:.1} % [{:.1}, {:.1}] within {} edits of any of these kinds{}",
        percent(measured.stood),
        100.0 * low,
        100.0 * high,
        setting.budget.edits,
        if arguments.targeted { ", towards a class that was drawn" } else { "" },
    ));
    let points = measured.curve.iter().enumerate();
    let points = points.map(|(edits, &stood)| format!("{edits} {:.1} %", percent(stood)));
    lines.push(format!("curve     {}", points.collect::<Vec<_>>().join(" | ")));
    if setting.classes <= 20 {
        let each = measured.classes.iter().enumerate().filter(|(_, of)| of.samples > 0);
        let each =
            each.map(|(class, of)| format!("{} {}/{}", setting.name(class), of.stood, of.samples));
        lines.push(format!("classes   {}", each.collect::<Vec<_>>().join(" | ")));
    }
    lines.push(reliable(&measured.indicators, measured.cut));
    let lost = match measured.lost {
        0 => String::new(),
        lost => format!(", {lost} did not hold and are not counted"),
    };
    let out = arguments.witnesses.as_ref().map(|path| format!(" -> {}", path.display()));
    lines.push(format!(
        "{} witnesses judged again, each by itself{lost}{}",
        measured.witnesses.len(),
        out.unwrap_or_default()
    ));
    for witness in worst(measured) {
        lines.push(format!(
            "worst     text {}: {} becomes {} by {}: {}",
            witness.index,
            setting.name(witness.label),
            setting.said(witness.predicted),
            witness.attack,
            witness.shown(24)
        ));
    }
    lines
}
