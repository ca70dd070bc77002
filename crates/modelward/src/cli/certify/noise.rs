//! What is certified under noise, in numbers and in words.

use modelward_core::Value;
use modelward_lab::{
    certified::Certified, certify::smoothing::Smoothing, statistics::clopper_pearson,
};

/// Noisy copies that a model is given at once.
pub(super) const BATCH: usize = 256;

/// How was smoothed, the average radius, and the certified accuracy at several radii around `eps`.
pub(super) fn record(smoothing: &Smoothing, certified: &Certified, eps: f64) -> Value {
    let points = curve(certified, eps).into_iter().map(|(radius, count)| {
        let all = certified.radii.len();
        let interval = clopper_pearson(count as u64, all as u64, 0.95);
        Value::Record(vec![
            ("radius", radius.into()),
            ("certified_accuracy", Value::share(share(count, all), interval, all)),
        ])
    });
    Value::Record(vec![
        ("sigma", smoothing.sigma.into()),
        ("select", smoothing.select.into()),
        ("estimate", smoothing.estimate.into()),
        ("alpha", smoothing.alpha.into()),
        ("average_radius", average(certified).into()),
        ("curve", Value::List(points.collect())),
    ])
}

/// The same for people.
pub(super) fn lines(smoothing: &Smoothing, certified: &Certified, eps: f64) -> [String; 3] {
    let Smoothing { sigma, select, estimate, alpha, .. } = smoothing;
    let all = certified.radii.len();
    let points = curve(certified, eps);
    let points = points
        .iter()
        .map(|(radius, count)| format!("{radius:.3} {:.1} %", 100.0 * share(*count, all)));
    [
        format!(
            "smoothed  by noise of {sigma}, {select} + {estimate} copies: each answer is wrong with a \
             chance of at most {alpha}, and is one of the smoothed model, not of the model itself"
        ),
        format!("radius    {:.4} on the average", average(certified)),
        format!("curve     {}", points.collect::<Vec<_>>().join(" | ")),
    ]
}

/// How many keep their right answer within a quarter, a half, once, twice and four times `eps`.
fn curve(certified: &Certified, eps: f64) -> Vec<(f64, usize)> {
    let radii = [0.25, 0.5, 1.0, 2.0, 4.0].map(|factor| factor * eps);
    let reaches = |own: f64, radius: f64| own > 0.0 && own >= radius;
    let count = |radius| certified.radii.iter().filter(|own| reaches(**own, radius)).count();
    radii.map(|radius| (radius, count(radius))).into()
}

/// The average certified radius, 0 where the answer is wrong or none (Zhai et al. 2020, MACER).
fn average(certified: &Certified) -> f64 {
    certified.radii.iter().sum::<f64>() / certified.radii.len().max(1) as f64
}

fn share(count: usize, all: usize) -> f64 {
    count as f64 / all.max(1) as f64
}
