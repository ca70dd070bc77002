//! Any bytes: the engine loads, plans, runs and differentiates a model, or says why not, within 64 MiB
//! and 1e8 floating-point operations.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_engine::{
    Limits, Model, exec,
    feed::{By, Objective},
    grad::check::random_inputs,
};
use modelward_formats::Bytes;

fuzz_target!(|data: &[u8]| {
    let limits = Limits { memory: 64 << 20, flop: 100_000_000, nodes: 10_000, ..Limits::default() };
    let Ok(model) = Model::from_bytes(Bytes::from(data), None, &limits) else { return };
    let Ok(fed) = random_inputs(&model, 2, &limits) else { return };
    let _ = model.run(&fed, &limits);
    let _ = exec::run(&model.graph, &fed, exec::How::new(limits));
    let first = model.graph.outputs.first().map(|&id| model.graph.value(id).name.to_string());
    let of = Objective::Seeds(first.into_iter().collect());
    for by in [By::Inputs, By::Weights] {
        let _ = model.derivative(&by, &of, Some(&fed), false, &limits);
    }
});
