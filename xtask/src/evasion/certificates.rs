//! Networks with known bounds: as much is proven as by the reference, and nothing that is proven falls.

use std::{path::Path, time::Duration};

use super::json;
use modelward_engine::{Limits, Model, exec::How};
use modelward_lab::{
    budget::{Budget, Norm},
    certified::{self, Question, Verdict},
    exact, file,
    preprocess::{Convention, Spec},
    random::stream,
    samples::{Options, Samples},
    victim::{Network, Victim},
};

/// Random points that are tried at each sample that is proven.
const POINTS: usize = 200;

/// Certified accuracy of each network, against that of interval bounds and CROWN.
pub(super) fn hold(corpus: &Path) -> Result<usize, String> {
    let rows = json(&corpus.join("certify.json"))?;
    let (mut all, mut wrong) = (0_usize, 0_usize);
    for row in rows.as_array().into_iter().flatten().filter(|row| row["reference"] == true) {
        let name = row["model"].as_str().unwrap_or_default();
        let shown = |trouble: modelward_engine::Trouble| format!("{name}: {trouble}");
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let known = ["certified_ibp", "certified_crown"];
        let known = known.iter().filter_map(|key| row[key].as_f64()).fold(0.0, f64::max);
        let samples =
            Samples::read(&corpus.join(text("data")), &Options::default()).map_err(shown)?;
        let count = row["samples"].as_u64().and_then(|count| usize::try_from(count).ok());
        let samples = samples.first(count.unwrap_or(usize::MAX));
        let labels = samples.y.iter().flatten().filter_map(|&y| usize::try_from(y).ok());
        let labels = labels.collect::<Vec<_>>();
        let limits = Limits::default();
        let bytes = file::read(&corpus.join(name), 1 << 30).map_err(shown)?;
        let model = Model::from_bytes(bytes, None, &limits).map_err(shown)?;
        let how = How::new(limits);
        let convention = Convention::new(&Spec::none(), &samples.shape).map_err(shown)?;
        let eps = exact::parse(text("eps"))?;
        let question = Question {
            samples: &samples.x,
            labels: &labels,
            budget: Budget { norm: Norm::Linf, eps, clip: Some((0.0, 1.0)) },
            domain: None,
            minimal: false,
            each: Duration::from_secs(3),
            deadline: None,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            seed: 0,
        };
        let certified = certified::network(&model, &convention, &samples.shape, how, &question);
        let certified = certified.map_err(shown)?;
        let share = certified.count(Verdict::Holds) as f64 / labels.len().max(1) as f64;
        let mut network = Network::new(model, &samples.shape, how).map_err(shown)?;
        let broken = broken(&mut network, &question, &certified.verdicts).map_err(shown)?;
        all = all.saturating_add(1);
        // The corpus has four digits.
        if share < known - 5e-5 || broken > 0 {
            let eps = text("eps");
            println!("{name} within {eps}: {share:.4} proven, {known} known, {broken} broken");
            wrong = wrong.saturating_add(1);
        }
    }
    println!("certificates {} of {all} as tight as the known ones", all.saturating_sub(wrong));
    Ok(if all == 0 { 1 } else { wrong })
}

/// Samples that are proven and fall to a random point of their box, most of them corners.
fn broken(
    network: &mut Network,
    question: &Question<'_>,
    verdicts: &[Verdict],
) -> modelward_engine::Result<usize> {
    let width = network.features();
    let mut broken = 0_usize;
    let rows = question.samples.chunks(width).zip(question.labels).zip(verdicts);
    for (at, ((sample, &label), verdict)) in rows.enumerate() {
        if *verdict != Verdict::Holds {
            continue;
        }
        let ball = question.budget.ball(sample);
        let mut random = stream(&[at as u64, 2]);
        let points = (0..POINTS).flat_map(|draw| {
            let sides = ball.low.iter().zip(&ball.high).map(|(&low, &high)| match draw % 4 {
                0 => (low + random.f32() * (high - low)).clamp(low, high),
                _ if random.bool() => high,
                _ => low,
            });
            sides.collect::<Vec<_>>()
        });
        let labels = network.ask(&points.collect::<Vec<_>>())?.labels;
        broken =
            broken.saturating_add(usize::from(labels.iter().any(|said| *said != label as i64)));
    }
    Ok(broken)
}
