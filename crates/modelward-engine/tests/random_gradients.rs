//! Gradients of random graphs against central differences, in `f64`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(clippy::print_stdout, reason = "what was found, for who asks with `--nocapture`")]

mod nodes;
mod random;

use std::{collections::BTreeSet, sync::Arc};

use modelward_engine::{
    Limits, Meter, Tensor, exec,
    feed::{By, Objective},
    graph::{Domain, ops},
    npz::Arrays,
};
use nodes::Case;
use random::Graph;

/// What came of a graph.
#[derive(Default)]
struct Found {
    /// The error of each slope, as a share of what is compared.
    errors: Vec<f64>,
    /// Directions at a kink, left out.
    kinks: usize,
    /// Operators of the graph and, of this engine's own, of its gradient.
    drawn: BTreeSet<&'static str>,
}

const STEPS: [f64; 2] = [1e-4, 5e-5];

/// Hold the gradient by all inputs and weights to the slopes along two directions.
fn compare(graph: &Graph) -> Found {
    let limits = Limits::default();
    let wanted = graph.wanted();
    let outputs = graph.outputs();
    let seeds: Arrays = outputs
        .iter()
        .zip(40..)
        .map(|((name, y), seed)| (name.clone(), Arc::new(nodes::random(y.dims(), seed))))
        .collect();
    let mut dice = random::Dice::new(graph.opset + wanted.len() as u64);
    // Inputs whose first dimension is free have the same.
    let firsts = graph.values[..2].iter().map(|(_, tensor)| tensor.dims()[0]);
    let free = firsts.collect::<BTreeSet<_>>().len() == 1 && dice.coin();
    let model = graph.case.model(free);
    let mut fed = model.feed(&graph.case.arrays()).unwrap();
    let objective = Objective::Seeds(outputs.keys().cloned().collect());
    let by = By::Names(wanted.clone());
    let derivative = model.derivative(&by, &objective, Some(&fed), false, &limits).unwrap();
    for (name, id) in &derivative.seeds {
        fed.push((*id, seeds[name].clone()));
    }
    let gradients = exec::evaluate(&derivative.graph, &fed, &Meter::new(limits)).unwrap();
    let gradients = &gradients[gradients.len() - wanted.len()..];
    for (name, value) in graph.case.tensors() {
        if let Some(at) = wanted.iter().position(|wanted| wanted == name) {
            assert_eq!(gradients[at].dims(), value.dims(), "{name}");
        }
    }

    let mut found = Found { drawn: graph.drawn.clone(), ..Found::default() };
    found.drawn.extend(derivative.graph.nodes().iter().map(|node| node.operator.name));
    // Along all at once, then along one alone.
    let one = dice.roll(wanted.len());
    for alone in [None, Some(one)] {
        let mut along = Vec::new();
        for (at, name) in wanted.iter().enumerate() {
            if alone.is_none_or(|one| one == at) {
                let dims = gradients[at].dims();
                along.push((at, &**name, nodes::random(dims, dice.seed())));
            }
        }
        let moved = |by: f64| {
            let mut case = graph.case.clone();
            for (_, name, direction) in &along {
                step(case.tensor_mut(name), direction, by);
            }
            total(&case, &seeds)
        };
        let here = total(&graph.case, &seeds);
        let mut slopes = [0.0; 2];
        let mut sides = [0.0; 2];
        for (at, by) in STEPS.into_iter().enumerate() {
            let (ahead, behind) = (moved(by), moved(-by));
            slopes[at] = (ahead - behind) / (2.0 * by);
            sides[at] = (ahead - 2.0 * here + behind) / by;
        }
        let (mut got, mut square, mut count) = (0.0, 0.0, 0.0);
        for (at, _, direction) in &along {
            let (gradient, direction) = (values(&gradients[*at]), values(direction));
            got += dot(gradient, direction);
            square += dot(gradient, gradient);
            count += dot(direction, direction);
        }
        // What is cut off by two steps goes with the square of the step (Richardson).
        let slope = (4.0 * slopes[1] - slopes[0]) / 3.0;
        // A slope may be small because its parts cancel: then they are what is compared.
        let parts = (square * count / along.len() as f64).sqrt() * 1e-3;
        let most = slope.abs().max(got.abs()).max(parts).max(1e-2);
        // Where the two slopes differ, or the two sides do, there is a kink between.
        let bend = (slopes[0] - slopes[1]).abs() > 1e-5 * most;
        let side = sides[1].abs() > 0.75 * sides[0].abs() && sides[1].abs() > 1e-4 * most;
        if bend || side {
            found.kinks += 1;
        } else {
            let error = (slope - got).abs() / most;
            found.errors.push(if error.is_nan() { f64::INFINITY } else { error });
        }
    }
    found
}

fn values(tensor: &Tensor) -> &[f64] {
    tensor.values::<f64>().unwrap()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn step(tensor: &mut Tensor, direction: &Tensor, by: f64) {
    let moved = values(tensor).iter().zip(values(direction)).map(|(x, d)| x + d * by);
    *tensor = Tensor::new(tensor.dims().to_vec(), moved.collect::<Vec<_>>()).unwrap();
}

/// The outputs of a model times seeds.
fn total(case: &Case, seeds: &Arrays) -> f64 {
    let model = case.model(false);
    let outputs = model.run(&model.feed(&case.arrays()).unwrap(), &Limits::default()).unwrap();
    outputs.iter().map(|(name, y)| dot(values(y), values(&seeds[name]))).sum()
}

/// How many graphs are drawn: more where `GRAPHS` says so, from the seed that `FROM` says.
fn asked(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|count| count.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn gradients_of_random_graphs_are_slopes() {
    let (from, count) = (asked("FROM", 0), asked("GRAPHS", 1500));
    let (mut errors, mut kinks, mut drawn) = (Vec::new(), 0, BTreeSet::new());
    let mut worst = (0.0, 0);
    for seed in from..from + count {
        let found = compare(&Graph::random(seed, usize::MAX));
        for &error in &found.errors {
            if error > worst.0 {
                worst = (error, seed);
            }
        }
        errors.extend(found.errors);
        kinks += found.kinks;
        drawn.extend(found.drawn);
    }
    let close = errors.iter().filter(|error| **error <= 1e-4).count();
    println!(
        "{count} graphs, {} slopes, {close} within 1e-4, worst {:e} of graph {}, {kinks} at kinks",
        errors.len(),
        worst.0,
        worst.1
    );
    assert!(worst.0 <= 1e-4, "off by {:e}: {}", worst.0, shortest(worst.1));
    assert!(kinks * 50 < errors.len(), "{kinks} directions were left out of {}", errors.len());
    let never = random::steps().map(|(name, ..)| *name).filter(|name| !drawn.contains(name));
    let never = never.collect::<Vec<_>>();
    assert!(count < 1500 || never.is_empty(), "never drawn: {never:?}");
}

/// The shortest beginning of a graph whose gradient is wrong.
fn shortest(seed: u64) -> String {
    let wrong = |most: &usize| {
        compare(&Graph::random(seed, *most)).errors.iter().any(|error| *error > 1e-4)
    };
    let most = (1..9).find(wrong).unwrap_or(9);
    let graph = Graph::random(seed, most);
    let model = graph.case.model(false);
    let nodes = model.graph.nodes().iter().map(|node| {
        let reads = node.inputs.iter().flatten().map(|&id| {
            let value = model.graph.value(id);
            let dims = value.constant.as_ref().map(|tensor| tensor.dims().to_vec());
            format!("{} {dims:?}", value.name)
        });
        let reads = reads.collect::<Vec<_>>().join(", ");
        format!("{} of {reads}, {:?}", node.operator.name, node.attributes)
    });
    let nodes = nodes.collect::<Vec<_>>().join("\n");
    format!("graph {seed} after {most} steps, set {}:\n{nodes}", graph.opset)
}

#[test]
fn every_rule_has_a_test() {
    // Operators that are named in a test of gradients by central differences. Those of `ai.onnx.ml`
    // are held to that in `ml.rs`, this engine's own in `laws.rs`.
    const TESTS: [&str; 3] = [
        include_str!("gradients_elementwise.rs"),
        include_str!("gradients_movement.rs"),
        include_str!("gradients_windows.rs"),
    ];
    let drawn = random::steps().map(|(name, ..)| *name).collect::<BTreeSet<_>>();
    let named = |name: &str| TESTS.iter().any(|test| test.contains(&format!("\"{name}\"")));
    let all = ops::differentiable()
        .filter(|operator| matches!(operator.domain, Domain::Onnx | Domain::Microsoft))
        .map(|operator| operator.name);
    let untested = all.filter(|name| !drawn.contains(name) && !named(name)).collect::<Vec<_>>();
    assert_eq!(untested, Vec::<&str>::new());
}
