//! Holds the lab to a corpus of published counterexamples, trees with known distances, networks with known
//! bounds, planted defences and honest models, and conventions of inputs.

use std::{fs, path::Path};

use modelward_engine::{Limits, Model, exec::How};
use modelward_lab::{
    budget::{Budget, Norm},
    evade::Effort,
    exact, file,
    preprocess::{Guess, find},
    property::{self, Counterexample, Property, check},
    robustness::{Question, measure},
    rule::Rule,
    samples::{Options, Samples},
    victim::{Network, Victim},
};
use serde_json::Value;

mod certificates;
mod trees;

/// Run; whether every answer is that of the corpus.
///
/// # Errors
/// Where the corpus cannot be read.
pub(crate) fn run(corpus: &Path) -> Result<bool, String> {
    let wrong = [
        witnesses(corpus)?,
        trees::distances(corpus)?,
        trees::published(corpus)?,
        certificates::hold(corpus)?,
        masking(corpus)?,
        conventions(corpus)?,
    ];
    Ok(wrong.iter().all(|wrong| *wrong == 0))
}

/// Every published counterexample, against its exact judgement.
fn witnesses(corpus: &Path) -> Result<usize, String> {
    let limits = Limits::default();
    let table = corpus.join("witnesses/expected.csv");
    let text =
        fs::read_to_string(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default().split(',').collect::<Vec<_>>();
    let column = |name: &str| {
        let at = head.iter().position(|column| *column == name);
        at.ok_or_else(|| format!("expected a column `{name}`"))
    };
    let [witness, benchmark, onnx, vnnlib, judgement] = [
        column("witness")?,
        column("benchmark")?,
        column("onnx")?,
        column("vnnlib")?,
        column("judgement")?,
    ];
    let (mut all, mut wrong) = (0_usize, 0_usize);
    for line in lines {
        let fields = line.split(',').collect::<Vec<_>>();
        let of = |at: usize| fields.get(at).copied().unwrap_or_default();
        let folder = corpus.join("vnncomp").join(of(benchmark));
        let judged = || -> modelward_engine::Result<&'static str> {
            let bytes = |path: &Path| file::read(path, 1 << 30);
            let model = Model::from_bytes(bytes(&folder.join(of(onnx)))?, None, &limits)?;
            let property = Property::read(&bytes(&folder.join(of(vnnlib)))?)?;
            let point = bytes(&corpus.join("witnesses").join(of(witness)))?;
            let mut network =
                property::Network::new(&model, property.inputs, property.outputs, limits)?;
            Ok(check(&mut network, &property, &Counterexample::read(&point)?)?.verdict.name())
        };
        let got = judged().unwrap_or_else(|trouble| {
            println!("{}: {trouble}", of(witness));
            "refused"
        });
        all = all.saturating_add(1);
        if got != of(judgement) {
            println!("{}: expected {}, got {got}", of(witness), of(judgement));
            wrong = wrong.saturating_add(1);
        }
    }
    println!("witnesses {} of {all} judged as expected", all.saturating_sub(wrong));
    Ok(if all == 0 { 1 } else { wrong })
}

/// Planted defences must be called unreliable, and honest models must not.
fn masking(corpus: &Path) -> Result<usize, String> {
    let zoo = json(&corpus.join("zoo.json"))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut asked = Vec::new();
    for planted in zoo["planted"].as_array().into_iter().flatten() {
        asked.push((text(&planted["model"]), text(&zoo["data"]), text(&zoo["eps"]), true));
    }
    for honest in zoo["honest"].as_array().into_iter().flatten() {
        asked.push((text(&honest[0]), text(&honest[1]), text(&honest[2]), false));
    }
    let mut wrong = 0_usize;
    for (model, data, eps, planted) in &asked {
        let shown = |trouble: modelward_engine::Trouble| format!("{model}: {trouble}");
        let samples = Samples::read(&corpus.join(data), &Options::default()).map_err(shown)?;
        let samples = samples.first(250);
        let labels = samples.y.iter().flatten().filter_map(|&y| usize::try_from(y).ok());
        let labels = labels.collect::<Vec<_>>();
        let limits = Limits::default();
        let read = Model::read(&corpus.join(model), &limits).map_err(shown)?;
        let mut network = Network::new(read, &samples.shape, How::new(limits)).map_err(shown)?;
        let question = Question {
            samples: &samples.x,
            labels: &labels,
            clean: None,
            budget: Budget { norm: Norm::Linf, eps: exact::parse(eps)?, clip: Some((0.0, 1.0)) },
            rule: Rule::Any,
            effort: Effort::Standard,
            targeted: false,
            seed: 0,
            deadline: None,
        };
        let measured = measure(&mut network, &question, &|| 0.0).map_err(shown)?;
        let raised = measured.raised().map(|found| found.name).collect::<Vec<_>>();
        if raised.is_empty() == *planted {
            println!("{model}: {raised:?} raised, planted: {planted}");
            wrong = wrong.saturating_add(1);
        }
    }
    println!("masking {} of {} as expected", asked.len().saturating_sub(wrong), asked.len());
    Ok(if asked.is_empty() { 1 } else { wrong })
}

/// The convention that is found must be right at least as often as the one that is known.
fn conventions(corpus: &Path) -> Result<usize, String> {
    let rows = json(&corpus.join("preprocess.json"))?;
    let (mut all, mut wrong) = (0_usize, 0_usize);
    for row in rows.as_array().into_iter().flatten() {
        let name = row["model"].as_str().unwrap_or_default();
        let shown = |trouble: modelward_engine::Trouble| format!("{name}: {trouble}");
        let data = corpus.join(row["data"].as_str().unwrap_or_default());
        let samples = Samples::read(&data, &Options::default()).map_err(shown)?;
        let limits = Limits::default();
        let bytes = file::read(&corpus.join(name), 1 << 30).map_err(shown)?;
        let model = Model::from_bytes(bytes, None, &limits).map_err(shown)?;
        let shape = model.input_shape();
        let mut network = Network::new(model, &samples.shape, How::new(limits)).map_err(shown)?;
        let found = find(&samples, &shape, &mut |inputs, _| {
            let answers = network.ask(inputs)?;
            Ok(Guess { labels: answers.labels, scores: answers.scores })
        });
        let found = found.map_err(shown)?;
        let known = row["corrected"].as_f64().unwrap_or(1.0);
        let raw_is_right = row["right"] == "none";
        all = all.saturating_add(1);
        // The corpus has three digits.
        if found.accuracy() < known - 5e-4 || found.spec.is_none() != raw_is_right {
            println!(
                "{name}: expected {}, got `{}` at {}",
                row["right"],
                found.spec,
                found.accuracy()
            );
            wrong = wrong.saturating_add(1);
        }
    }
    println!("conventions {} of {all} as right as the known one", all.saturating_sub(wrong));
    Ok(if all == 0 { 1 } else { wrong })
}

fn json(path: &Path) -> Result<Value, String> {
    let shown = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| shown(&error))?;
    serde_json::from_str(&text).map_err(|error| shown(&error))
}
