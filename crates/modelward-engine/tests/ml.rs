//! Operators of ONNX-ML make of rows what ONNX Runtime makes of them; their gradients are those of
//! the same functions in float64, and forged models are refused.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod cases;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use modelward_engine::{
    Data, Kind, Limits, Meter, Model, Result, Tensor, exec,
    feed::{By, Objective},
    graph::{Domain, ops},
    npz::{self, Arrays},
};
use modelward_formats::Bytes;

/// Trees, without what exponentials make of them, to the last bit; all else nearly.
fn exact(name: &str) -> bool {
    let trees = name.starts_with("regressor") || name.starts_with("ensemble");
    trees && !["softmax", "logistic", "probit", "transform"].iter().any(|part| name.contains(part))
}

fn same(name: &str, expected: &Tensor, got: &Tensor) -> bool {
    if expected.kind() != got.kind() {
        return false;
    }
    if let (Data::Text(expected), Data::Text(got)) = (expected.data(), got.data()) {
        return expected == got;
    }
    let (expected, got) = (expected.floats().unwrap(), got.floats().unwrap());
    let most = if exact(name) { 0.0 } else { 1e-5 };
    expected.iter().zip(&got).all(|(e, g)| {
        e == g || (e.is_nan() && g.is_nan()) || (e - g).abs() <= most * (0.1 + e.abs())
    })
}

/// A case: its model, and what is stored of it.
struct Case {
    name: String,
    model: Bytes,
    arrays: Arrays,
}

impl Case {
    fn part(&self, part: &str) -> Arrays {
        let own = self.arrays.iter().filter_map(|(key, tensor)| {
            let rest = key.strip_prefix(&*self.name)?.strip_prefix(part)?;
            Some((rest.to_owned(), tensor.clone()))
        });
        own.collect()
    }

    fn read(&self) -> Result<Model> {
        Model::from_bytes(self.model.clone(), None, &Limits::default())
    }

    fn run(&self) -> Result<Arrays> {
        let model = self.read()?;
        model.run(&model.feed(&self.part("/in/"))?, &Limits::default())
    }
}

/// The cases of which this part is stored.
fn stored(part: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ml/cases.npz");
    let arrays = npz::read_file(&path, &Limits::default()).unwrap();
    let names = arrays.keys().filter_map(|key| key.strip_suffix("/model"));
    let cases = names.map(|name| {
        let bytes = arrays[&format!("{name}/model")].values::<u8>().unwrap();
        let own = arrays.iter().filter(|(key, _)| key.starts_with(&format!("{name}/")));
        let arrays = own.map(|(key, tensor)| (key.clone(), tensor.clone())).collect();
        Case { name: name.to_owned(), model: Bytes::from(bytes), arrays }
    });
    let cases = cases.filter(|case| !case.part(part).is_empty()).collect::<Vec<_>>();
    assert!(cases.len() > 20, "{}", cases.len());
    cases
}

#[test]
fn operators_agree_with_onnx_runtime() {
    let mut wrong = Vec::new();
    for case in stored("/out/") {
        let name = &case.name;
        let found = match case.run() {
            Ok(found) => found,
            Err(trouble) => {
                wrong.push(format!("{name}: {trouble}"));
                continue;
            }
        };
        for (output, expected) in &case.part("/out/") {
            let found = &found[output];
            if !same(name, expected, found) {
                wrong.push(format!("{name}, {output}: expected {expected:?}, got {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn gradients_agree_with_differences() {
    let mut wrong = Vec::new();
    for case in stored("/slope/") {
        match slope(&case) {
            Ok(far) if far < 1e-4 => {}
            Ok(far) => wrong.push(format!("{}: off by {far:.1e}", case.name)),
            Err(trouble) => wrong.push(format!("{}: {trouble}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_rule_has_a_case() {
    let models = stored("/slope/").into_iter().map(|case| case.read().unwrap());
    let nodes = models.flat_map(|model| model.graph.nodes().to_vec());
    let held = nodes.map(|node| node.operator.name).collect::<BTreeSet<_>>();
    let rules = ops::differentiable().filter(|operator| operator.domain == Domain::Ml);
    let without = rules.map(|operator| operator.name).filter(|name| !held.contains(name));
    // Columns are picked from doubles too, so these are held to differences here.
    assert_eq!(without.collect::<Vec<_>>(), ["ArrayFeatureExtractor"]);
    let columns = Tensor::list(vec![2_i64, 0, 2]);
    let case = cases::Case::new("ArrayFeatureExtractor", vec![cases::random(1, &[3, 4]), columns]);
    cases::check(&case.of("ai.onnx.ml"));
}

/// How far a gradient is from what it should be, as a share of the largest.
fn slope(case: &Case) -> Result<f64> {
    let (model, stored, limits) = (case.read()?, case.part("/slope/"), Limits::default());
    let (seed, given) = stored.iter().find(|(key, _)| key.starts_with("seed_")).unwrap();
    let seeds = Objective::Seeds(vec![seed.trim_start_matches("seed_").to_owned()]);
    let mut fed = model.feed(&case.part("/in/"))?;
    let derivative = model.derivative(&By::Inputs, &seeds, Some(&fed), false, &limits)?;
    fed.push((derivative.seeds[0].1, given.clone()));
    let outputs = exec::evaluate(&derivative.graph, &fed, &Meter::new(limits))?;
    let (got, expected) = (outputs.last().unwrap(), &stored["x"]);
    assert_eq!(got.dims(), expected.dims(), "{}", case.name);
    let (got, expected) = (got.floats()?, expected.floats()?);
    let most = expected.iter().fold(0.0_f64, |most, e| most.max(e.abs()));
    let far = got.iter().zip(&expected).map(|(g, e)| (g - e).abs());
    // A gradient that is not a number is as far as can be.
    Ok(far.fold(0.0, |a, b| if b.is_nan() { f64::INFINITY } else { f64::max(a, b) }) / most)
}

#[test]
fn forged_models_are_refused() {
    let mut wrong = Vec::new();
    for case in stored("/kind/") {
        let kind = match &**case.part("/kind/").keys().next().unwrap() {
            "limit" => Kind::Limit,
            _ => Kind::Graph,
        };
        match case.run() {
            Err(trouble) if trouble.kind == kind => {}
            other => wrong.push(format!("{}: expected {kind:?}, got {other:?}", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_map_of_probabilities_keeps_its_classes() {
    let case = stored("/slope/").into_iter().find(|case| case.name == "slope-zip-map").unwrap();
    let found = case.run().unwrap();
    assert_eq!(found["y"].dims(), [5, 3]);
    assert_eq!(found["y.classes"].values::<i64>().unwrap(), [3, 4, 5]);
    // As `model run` names what a plan gives.
    let model = case.read().unwrap();
    let fed = model.feed(&case.part("/in/")).unwrap();
    let how = exec::How::new(Limits::default());
    let outputs = exec::run(&model.graph, &fed, how).unwrap().into_iter().map(Arc::new);
    assert_eq!(model.name_outputs(outputs).unwrap(), found);
}
