//! The numbers of an attack for programs; the names are those of the contract of the command line.

use modelward_core::{Measurement, Value};
use modelward_lab::{
    exact,
    robustness::{Class, Robustness},
    statistics::clopper_pearson,
};

use crate::cli::{
    attack::{Arguments, Setting},
    process::{cpu_seconds, peak_bytes},
};

/// The measurement, without its lines.
pub(super) fn of(arguments: &Arguments, setting: &Setting, measured: &Robustness) -> Measurement {
    let all = measured.samples;
    let steps = measured.steps.iter().map(|step| {
        let lost = measured.right.saturating_sub(step.stood);
        Value::Record(vec![
            ("attack", step.attack.into()),
            ("left", step.left.into()),
            ("robust_accuracy", of_all(measured.right.saturating_sub(lost), all).into()),
            ("forward", step.forward.into()),
            ("backward", step.backward.into()),
            ("seconds_cpu", step.seconds.into()),
            ("stopped", step.stopped.into()),
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
    let curve = measured.curve.iter().map(|point| {
        Value::Record(vec![
            ("eps_value", exact::float(&point.eps).into()),
            ("robust_accuracy", share(point.stood, all)),
        ])
    });
    let classes = measured.classes.iter().enumerate().map(|(class, of)| {
        let Class { samples, right, stood } = *of;
        let name = setting.names.as_ref().and_then(|names| names.get(class).cloned());
        Value::Record(vec![
            ("class", class.into()),
            ("name", name.into()),
            ("clean_accuracy", share(right, samples)),
            ("robust_accuracy", share(stood, samples)),
        ])
    });
    let clip = setting.threat.budget.clip.map(|(low, high)| vec![f64::from(low), f64::from(high)]);
    let mut fields = vec![
        ("model", arguments.model.display().to_string().into()),
        ("model_sha256", setting.digest.clone().into()),
        ("data", arguments.data.display().to_string().into()),
    ];
    fields.extend(setting.threat.fields(arguments));
    fields.extend([
        ("clip", clip.into()),
        ("targeted", arguments.targeted.into()),
        ("preprocess", setting.spec.to_string().into()),
        ("shape", setting.shape.clone().into()),
        ("classes", setting.classes.into()),
        ("effort", arguments.effort.name().into()),
        ("seed", arguments.seed.into()),
        ("threads", arguments.experiment.how().threads.into()),
        ("clean_accuracy", share(measured.right, all)),
        ("robust_accuracy", share(measured.stood, all)),
        ("proven", measured.proven.into()),
        ("answers", measured.gives.name().into()),
        ("queries", setting.sent.map(|sent| usize::try_from(sent).unwrap_or(usize::MAX)).into()),
        ("per_class", Value::List(classes.collect())),
        ("curve", Value::List(curve.collect())),
        ("steps", Value::List(steps.collect())),
        ("indicators", Value::List(indicators.collect())),
        ("straight_through", measured.straightened.clone().into()),
        ("draws", measured.draws.into()),
        ("reliability", measured.reliability().name().into()),
        ("stopped", measured.cut.into()),
        ("witnesses", measured.fallen.len().into()),
        ("witnesses_lost", measured.lost.into()),
        ("seconds_cpu", cpu_seconds().into()),
        ("peak_bytes", peak_bytes().into()),
    ]);
    Measurement { kind: "attack", fields, ..Measurement::default() }
}

/// A share with its exact interval.
pub(super) fn share(count: usize, all: usize) -> Value {
    if all == 0 {
        return Value::Null;
    }
    Value::share(of_all(count, all), clopper_pearson(count as u64, all as u64, 0.95), all)
}

fn of_all(count: usize, all: usize) -> f64 {
    count as f64 / all.max(1) as f64
}
