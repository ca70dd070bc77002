//! The numbers of an attack on texts for programs.

use modelward_core::{Measurement, Value};
use modelward_lab::text::{course::Attack, measure::TextRobustness, witness::Witness};

use crate::cli::{
    attack::{Arguments, record::share, texts::Setting},
    process::{cpu_seconds, peak_bytes},
};

/// How many of the worst texts are told.
pub(super) const SHOWN: usize = 6;

/// The measurement, without its lines.
pub(super) fn of(
    arguments: &Arguments,
    setting: &Setting,
    measured: &TextRobustness,
) -> Measurement {
    let all = measured.samples;
    let wrong = all.saturating_sub(measured.right);
    let families = measured.attacks.iter().map(|attack| {
        // Of what was not tried on all nobody knows how many stand.
        let robust = match attack.stopped {
            Some(_) => Value::Null,
            None => share(stood(measured, attack), all),
        };
        let effect = match attack {
            attack if attack.is_empty() => "no-place",
            attack if attack.is_absorbed() => "removed-by-tokenizer",
            _ => "applies",
        };
        let mean = attack.queries as f64 / attack.tried.max(1) as f64;
        Value::Record(vec![
            ("family", attack.name.into()),
            ("effect", effect.into()),
            ("tried", attack.tried.into()),
            ("robust_accuracy", robust),
            ("proposed", attack.proposed.into()),
            ("removed", attack.absorbed.into()),
            ("queries_mean", mean.into()),
            ("seconds_cpu", attack.seconds.into()),
            ("stopped", attack.stopped.into()),
        ])
    });
    let curve = measured.curve.iter().enumerate().map(|(edits, &stood)| {
        Value::Record(vec![("edits", edits.into()), ("robust_accuracy", share(stood, all))])
    });
    let classes = measured.classes.iter().enumerate().map(|(class, of)| {
        Value::Record(vec![
            ("class", class.into()),
            ("name", setting.name(class).into()),
            ("clean_accuracy", share(of.right, of.samples)),
            ("robust_accuracy", share(of.stood, of.samples)),
        ])
    });
    let indicators = measured.indicators.iter().map(|indicator| {
        Value::Record(vec![
            ("name", indicator.name.into()),
            ("value", indicator.value.into()),
            ("n", indicator.n.into()),
            ("limit", indicator.limit.into()),
            ("raised", indicator.raised().into()),
        ])
    });
    let shown = worst(measured).map(|witness| {
        Value::Record(vec![
            ("index", witness.index.into()),
            ("label", setting.name(witness.label).into()),
            ("becomes", setting.said(witness.predicted).into()),
            ("family", witness.attack.into()),
            ("edits", witness.edits.len().into()),
            ("shown", witness.shown(24).into()),
        ])
    });
    let names = setting.families.iter().map(|family| family.name()).collect::<Vec<_>>();
    let fields = vec![
        ("model", arguments.model.display().to_string().into()),
        ("model_sha256", setting.digest.clone().into()),
        (
            "tokenizer",
            arguments.texts.tokenizer.as_ref().map(|path| path.display().to_string()).into(),
        ),
        ("tokenizer_sha256", setting.tokenizer_digest.clone().into()),
        ("tokenizer_model", setting.kind.clone().into()),
        ("data", arguments.data.display().to_string().into()),
        ("families", names.into()),
        ("edits", setting.budget.edits.into()),
        ("max_queries", setting.budget.queries.into()),
        ("max_length", setting.most.into()),
        ("targeted", arguments.targeted.into()),
        ("classes", setting.classes.into()),
        ("effort", arguments.effort.name().into()),
        ("seed", arguments.seed.into()),
        ("threads", arguments.experiment.how().threads.into()),
        ("clean_accuracy", share(measured.right, all)),
        ("robust_accuracy", share(measured.stood, all)),
        ("already_wrong", wrong.into()),
        ("per_family", Value::List(families.collect())),
        ("per_class", Value::List(classes.collect())),
        ("curve", Value::List(curve.collect())),
        ("indicators", Value::List(indicators.collect())),
        ("reliability", measured.reliability().name().into()),
        ("stopped", measured.cut.into()),
        ("truncated", measured.cut_short.into()),
        ("queries", measured.queries.into()),
        ("witnesses", measured.witnesses.len().into()),
        ("witnesses_lost", measured.lost.into()),
        ("worst", Value::List(shown.collect())),
        ("seconds_cpu", cpu_seconds().into()),
        ("peak_bytes", peak_bytes().into()),
    ];
    Measurement { kind: "text-robustness", fields, ..Measurement::default() }
}

/// How many of all texts stand against an attack. A mixed one sees what the families left, so what
/// stands against it stands against all.
pub(super) fn stood(measured: &TextRobustness, attack: &Attack) -> usize {
    if attack.name == "mixed" { measured.stood } else { attack.stood }
}

/// The witnesses with the fewest edits, one for a text.
pub(super) fn worst(measured: &TextRobustness) -> impl Iterator<Item = &Witness> {
    let mut all = measured.witnesses.iter().collect::<Vec<_>>();
    all.sort_by_key(|witness| (witness.edits.len(), witness.queries, witness.index));
    let mut seen = Vec::new();
    all.retain(|witness| {
        let new = !seen.contains(&witness.index);
        seen.push(witness.index);
        new
    });
    all.into_iter().take(SHOWN)
}

impl Setting {
    /// The name of a class.
    pub(super) fn name(&self, class: usize) -> String {
        let name = self.names.as_ref().and_then(|names| names.get(class).cloned());
        name.unwrap_or_else(|| class.to_string())
    }

    /// The name of a class that a text is given.
    pub(super) fn said(&self, class: i64) -> String {
        usize::try_from(class).map_or_else(|_| "no number".to_owned(), |class| self.name(class))
    }
}
