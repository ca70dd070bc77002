//! Holds the lab to a corpus of published counterexamples, trees with known distances, planted defences
//! and honest models, and conventions of inputs.

use std::{fs, path::Path};

use modelward_engine::{Limits, Model, exec::How, npz};
use modelward_lab::{
    budget::{Budget, Norm},
    evade::Effort,
    exact, file,
    preprocess::{Guess, find},
    property::{self, Counterexample, Property, check},
    robustness::{Question, measure},
    rule::Rule,
    samples::{Options, Samples},
    trees::Trees,
    victim::{Network, Victim},
};
use serde_json::Value;

/// Run; whether every answer is that of the corpus.
///
/// # Errors
/// Where the corpus cannot be read.
pub(crate) fn run(corpus: &Path) -> Result<bool, String> {
    let wrong = [
        witnesses(corpus)?,
        trees(corpus)?,
        robust_trees(corpus)?,
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

/// Ensembles without ties: every distance, against that of integer programming.
fn trees(corpus: &Path) -> Result<usize, String> {
    let folder = corpus.join("trees");
    let limits = Limits::default();
    let shown = |trouble: modelward_engine::Trouble| trouble.to_string();
    let (mut all, mut wrong) = (0_usize, 0_usize);
    for (name, data) in [
        ("bc_xgb.json", "bc"),
        ("bc_xgb.ubj", "bc"),
        ("bc_lgbm.txt", "bc"),
        ("wine_xgb.json", "wine"),
        ("wine_lgbm.txt", "wine"),
    ] {
        let bytes = fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        let trees = Trees::read(&bytes).map_err(shown)?;
        let arrays = npz::read_file(&folder.join(format!("{data}.npz")), &limits).map_err(shown)?;
        let stem = name.split('.').next().unwrap_or_default();
        let known = folder.join(format!("{stem}.expected.npz"));
        let known = npz::read_file(&known, &limits).map_err(shown)?;
        let (Some(x), Some(y), Some(distance)) =
            (arrays.get("x"), arrays.get("y"), known.get("distance"))
        else {
            return Err(format!("{name}: expected x, y and distance"));
        };
        let x = x.values::<f32>().map_err(shown)?;
        let (y, distance) = (y.ints().map_err(shown)?, distance.floats().map_err(shown)?);
        let rows = x.chunks(trees.features()).zip(&y).zip(&distance);
        for (at, ((sample, label), expected)) in rows.enumerate() {
            if expected.is_nan() {
                continue;
            }
            let found = trees.minimal(sample, *label, Some((0.0, 1.0)), None).map_err(shown)?;
            all = all.saturating_add(1);
            let close = found.upper == *expected || (found.upper - expected).abs() <= 1e-6;
            if !(found.exact() && close) {
                println!("{name}, sample {at}: expected {expected}, got {}", found.upper);
                wrong = wrong.saturating_add(1);
            }
        }
    }
    println!("distances {} of {all} as expected", all.saturating_sub(wrong));
    Ok(if all == 0 { 1 } else { wrong })
}

/// The ensemble of treeVerification: no less robust than its clique bound says, and no more often wrong.
fn robust_trees(corpus: &Path) -> Result<usize, String> {
    /// Published for the first 500 samples: the average bound, and the share broken at 0.3.
    const PUBLISHED: (f64, f64) = (0.395_18, 0.13);
    let folder = corpus.join("treeverify");
    let read = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    let shown = |trouble: modelward_engine::Trouble| trouble.to_string();
    let trees = Trees::read(&read("breast_cancer_robust.0008.json")?).map_err(shown)?;
    let text = String::from_utf8_lossy(&read("example_breast_cancer0.libsvm")?).into_owned();
    let (mut sum, mut broken, mut all) = (0.0, 0_u32, 0_u32);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let label = words.next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(-1.0);
        let mut sample = vec![0.0_f32; trees.features()];
        for word in words {
            let (at, value) = word.split_once(':').unwrap_or_default();
            let place = at.parse::<usize>().ok().and_then(|at| sample.get_mut(at));
            if let (Some(place), Ok(value)) = (place, value.parse()) {
                *place = value;
            }
        }
        let found = trees.minimal(&sample, i64::from(label > 0.0), None, None).map_err(shown)?;
        sum += found.lower;
        broken = broken.saturating_add(u32::from(found.lower < 0.3));
        all = all.saturating_add(1);
    }
    let (average, error) = (sum / f64::from(all.max(1)), f64::from(broken) / f64::from(all.max(1)));
    println!("treeVerification: average {average:.5}, error {error} of {all} samples");
    Ok(usize::from(!(average >= PUBLISHED.0 && error <= PUBLISHED.1)))
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
