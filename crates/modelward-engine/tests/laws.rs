//! Laws of gradients, on random graphs: they are linear, they chain, a gradient of a gradient is
//! symmetric, and what is exported gives the same.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod nodes;
mod random;

use std::{collections::BTreeSet, sync::Arc};

use modelward_engine::{
    Kind, Limits, Meter, Model, Tensor, exec,
    feed::{By, Derivative, Fed, Objective},
    grad::{Builder, Options},
    graph::{Domain, ValueId, ops},
    npz::Arrays,
};
use nodes::{Case, random as numbers};
use random::{Dice, Graph};

const GRAPHS: u64 = 700;

fn graphs() -> impl Iterator<Item = (u64, Graph)> {
    (0..GRAPHS).map(|seed| (seed, Graph::random(1_000_000 + seed, usize::MAX)))
}

/// A gradient of outputs times seeds, ready to be run.
struct Taken {
    model: Model,
    derivative: Derivative,
    fed: Fed,
}

impl Taken {
    fn of(case: &Case, by: &[String], outputs: &Arrays) -> Self {
        let limits = Limits::default();
        let model = case.model(false);
        let fed = model.feed(&case.arrays()).unwrap();
        let of = Objective::Seeds(outputs.keys().cloned().collect());
        let by = By::Names(by.to_vec());
        let derivative = model.derivative(&by, &of, Some(&fed), false, &limits).unwrap();
        Self { model, derivative, fed }
    }

    /// The inputs with the seeds.
    fn seeded(&self, seeds: &Arrays) -> Fed {
        let given = self.derivative.seeds.iter().map(|(name, id)| (*id, seeds[name].clone()));
        self.fed.iter().cloned().chain(given).collect()
    }

    /// The gradients, one behind the other.
    fn run(&self, seeds: &Arrays) -> Vec<Arc<Tensor>> {
        let graph = &self.derivative.graph;
        let values = exec::evaluate(graph, &self.seeded(seeds), &Meter::new(Limits::default()));
        values.unwrap().split_off(graph.outputs.len() - self.derivative.gradients.len())
    }
}

fn seeds(outputs: &Arrays, seed: u64) -> Arrays {
    let each = outputs.iter().zip(seed * 100..);
    each.map(|((name, y), seed)| (name.clone(), Arc::new(numbers(y.dims(), seed)))).collect()
}

fn values(tensor: &Tensor) -> &[f64] {
    tensor.values::<f64>().unwrap()
}

fn largest<'a>(tensors: impl IntoIterator<Item = &'a Arc<Tensor>>) -> f64 {
    let all = tensors.into_iter().flat_map(|tensor| values(tensor));
    all.fold(1.0, |most, value| most.max(value.abs()))
}

#[test]
fn a_gradient_is_linear_in_its_seeds() {
    for (at, graph) in graphs() {
        let outputs = graph.outputs();
        let taken = Taken::of(&graph.case, &graph.wanted(), &outputs);
        let (one, two) = (seeds(&outputs, 1), seeds(&outputs, 2));
        let mixed = outputs.keys().map(|name| {
            let pairs = values(&one[name]).iter().zip(values(&two[name]));
            let sum = pairs.map(|(one, two)| 2.0 * one - 3.0 * two).collect::<Vec<_>>();
            let dims = one[name].dims().to_vec();
            (name.clone(), Arc::new(Tensor::new(dims, sum).unwrap()))
        });
        let mixed = taken.run(&mixed.collect());
        let (one, two) = (taken.run(&one), taken.run(&two));
        let most = largest(one.iter().chain(&two));
        for ((mixed, one), two) in mixed.iter().zip(&one).zip(&two) {
            for ((mixed, one), two) in values(mixed).iter().zip(values(one)).zip(values(two)) {
                let sum = 2.0 * one - 3.0 * two;
                assert!((mixed - sum).abs() <= 1e-10 * most, "graph {at}: {mixed} and {sum}");
            }
        }
    }
}

#[test]
fn a_gradient_is_that_of_a_value_between_times_the_rest() {
    for seed in 0..GRAPHS {
        let mut graph = Graph::random(2_000_000 + seed, 4);
        let between = graph.narrow();
        let before = graph.wanted();
        let mut inner = graph.case.clone();
        graph.grow(4);
        let (last, _) = graph.values.last().unwrap();
        if *last == between || before.contains(&between) {
            continue;
        }
        graph.case.leads_out(&[last]);
        let outputs = graph.outputs();
        // By the value between, and by what stands before it, in one go.
        let by = before.iter().chain([&between]).cloned().collect::<Vec<_>>();
        let mut whole = Taken::of(&graph.case, &by, &outputs).run(&seeds(&outputs, 3));
        let through = whole.pop().unwrap();
        inner.leads_out(&[&between]);
        let seeded = Arrays::from([(between.clone(), through)]);
        let parts = Taken::of(&inner, &before, &seeded).run(&seeded);
        let most = largest(&whole);
        for ((name, whole), part) in before.iter().zip(&whole).zip(&parts) {
            for (whole, part) in values(whole).iter().zip(values(part)) {
                let apart = (whole - part).abs();
                assert!(apart <= 1e-10 * most, "graph {seed} by {name}: {whole} and {part}");
            }
        }
    }
}

/// The gradients of what flows along some directions, by the values that the gradient is taken by;
/// none where an operator has no second derivative.
fn twice(taken: &Taken, along: &[Tensor], seeds: &Arrays) -> Option<Vec<Option<Arc<Tensor>>>> {
    let (limits, derivative) = (Limits::default(), &taken.derivative);
    let meter = Meter::new(limits);
    let mut builder =
        Builder::new(derivative.graph.clone(), derivative.known.clone(), &meter, ops::named);
    let mut flows = Vec::new();
    for ((_, gradient), along) in derivative.gradients.iter().zip(along) {
        flows.push((*gradient, builder.constant(along.clone())));
    }
    let wanted =
        derivative.gradients.iter().map(|(name, _)| taken.model.graph.named(name).unwrap());
    let wanted = wanted.collect::<Vec<ValueId>>();
    let second = match builder.gradients(&flows, &wanted, &mut Options::default()) {
        Ok(second) => second,
        Err(trouble) if matches!(trouble.kind, Kind::Unsupported) => return None,
        Err(trouble) => panic!("{trouble}"),
    };
    let (mut graph, _) = builder.finish();
    graph.outputs = second.iter().flatten().copied().collect();
    graph.prune();
    let mut values = exec::evaluate(&graph, &taken.seeded(seeds), &meter).unwrap().into_iter();
    Some(second.iter().map(|there| there.and_then(|_| values.next())).collect())
}

#[test]
fn a_gradient_of_a_gradient_is_symmetric_and_a_slope() {
    const STEP: f64 = 1e-4;
    let (mut compared, mut kinks, mut drawn) = (0, 0, BTreeSet::new());
    for (at, graph) in graphs() {
        let (outputs, wanted) = (graph.outputs(), graph.wanted());
        let taken = Taken::of(&graph.case, &wanted, &outputs);
        let seeds = seeds(&outputs, 4);
        let first = taken.run(&seeds);
        let mut dice = Dice::new(at);
        let mut direction =
            || first.iter().map(|of| numbers(of.dims(), dice.seed())).collect::<Vec<_>>();
        let (one, two) = (direction(), direction());
        let Some(by_one) = twice(&taken, &one, &seeds) else { continue };
        let by_two = twice(&taken, &two, &seeds).unwrap();
        let most = largest(by_one.iter().chain(&by_two).flatten());
        let there = along(by_one.iter().map(Option::as_ref), &two);
        let back = along(by_two.iter().map(Option::as_ref), &one);
        assert!((there - back).abs() <= 1e-7 * most, "graph {at}: {there} and {back}");
        // The same from gradients at both sides.
        let moved = |by: f64| {
            let mut case = graph.case.clone();
            for (name, direction) in wanted.iter().zip(&two) {
                let tensor = case.tensor_mut(name);
                let pairs = values(tensor).iter().zip(values(direction));
                let values = pairs.map(|(x, d)| x + d * by).collect::<Vec<_>>();
                *tensor = Tensor::new(tensor.dims().to_vec(), values).unwrap();
            }
            along(Taken::of(&case, &wanted, &outputs).run(&seeds).iter().map(Some), &one)
        };
        let slope = |step: f64| (moved(step) - moved(-step)) / (2.0 * step);
        let slopes = [slope(STEP), slope(STEP / 2.0)];
        compared += 1;
        if (slopes[0] - slopes[1]).abs() > 1e-4 * most {
            kinks += 1;
            continue;
        }
        let slope = (4.0 * slopes[1] - slopes[0]) / 3.0;
        assert!((there - slope).abs() <= 1e-4 * most, "graph {at}: {there} and {slope}");
        drawn.extend(taken.derivative.graph.nodes().iter().map(|node| node.operator.name));
    }
    assert!(compared * 2 > GRAPHS && kinks * 20 < compared, "{compared}, {kinks}");
    // A part of operator sets before 7, and a loss: neither is drawn.
    drawn.extend(["Align", "CrossEntropy"]);
    let own = ops::differentiable().filter(|operator| operator.domain == Domain::Own);
    let never = own.map(|operator| operator.name).filter(|name| !drawn.contains(name));
    assert_eq!(never.collect::<Vec<_>>(), Vec::<&str>::new());
}

/// The product of tensors with directions; those that are not there are 0.
fn along<'a>(tensors: impl Iterator<Item = Option<&'a Arc<Tensor>>>, directions: &[Tensor]) -> f64 {
    let pairs = tensors.zip(directions).filter_map(|(tensor, along)| Some((tensor?, along)));
    let products = pairs.flat_map(|(tensor, along)| values(tensor).iter().zip(values(along)));
    products.map(|(value, along)| value * along).sum()
}

#[test]
fn what_is_exported_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gradient.onnx");
    let limits = Limits::default();
    let mut compared = 0;
    for (at, graph) in graphs() {
        let outputs = graph.outputs();
        let taken = Taken::of(&graph.case, &graph.wanted(), &outputs);
        match taken.model.export(&taken.derivative, &path, &limits) {
            Ok(_) => {}
            Err(trouble) if trouble.kind == Kind::Unsupported => continue,
            Err(trouble) => panic!("graph {at}: {trouble}"),
        }
        let seeds = seeds(&outputs, 5);
        let expected = taken.run(&seeds);
        let plain = Model::read(&path, &limits).unwrap();
        let mut arrays = graph.case.arrays();
        arrays.extend(seeds.into_iter().map(|(name, seed)| (format!("seed_{name}"), seed)));
        let got = plain.run(&plain.feed(&arrays).unwrap(), &limits).unwrap();
        let most = largest(&expected);
        for ((name, _), expected) in taken.derivative.gradients.iter().zip(&expected) {
            let got = &got[&format!("grad_{name}")];
            assert_eq!(got.kind(), expected.kind(), "graph {at} by {name}");
            for (got, expected) in values(got).iter().zip(values(expected)) {
                let apart = (got - expected).abs();
                assert!(apart <= 1e-9 * most, "graph {at} by {name}: {got} and {expected}");
            }
        }
        compared += 1;
    }
    assert!(compared * 5 > GRAPHS * 4, "{compared}");
}
