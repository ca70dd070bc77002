//! Bounds against the engine: on small networks of every kind no point gives less than its bound.

use std::sync::Arc;

use modelward_engine::{Limits, Meter, Model, Tensor, exec::evaluate};

use super::*;
use crate::{
    exact::{of, parse},
    property::Halfspace,
};

/// Numbers that repeat for each seed, between -1 and 1.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 128 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, &[u64])]) -> Vec<u8> {
    let mut out = inputs.iter().flat_map(|input| bytes(1, input.as_bytes())).collect::<Vec<_>>();
    out.extend([bytes(2, output.as_bytes()), bytes(4, operator.as_bytes())].concat());
    for (name, values) in attributes {
        let values = values.iter().flat_map(|value| number(8, *value)).collect::<Vec<_>>();
        out.extend(bytes(5, &[bytes(1, name.as_bytes()), values, number(20, 7)].concat()));
    }
    bytes(1, &out)
}

fn tensor(name: &str, dims: &[u64], values: &[f32]) -> Vec<u8> {
    let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let dims = dims.iter().flat_map(|size| number(1, *size)).collect::<Vec<_>>();
    bytes(5, &[dims, number(2, 1), bytes(8, name.as_bytes()), bytes(9, &raw)].concat())
}

fn weight(name: &str, dims: &[u64], seed: u64) -> Vec<u8> {
    let count = dims.iter().product::<u64>() as usize;
    let fan = dims[1..].iter().product::<u64>().max(1) as f32;
    let values =
        numbers(seed, count).iter().map(|value| value * (3.0 / fan).sqrt()).collect::<Vec<_>>();
    tensor(name, dims, &values)
}

fn port(field: u64, name: &str, dims: &[u64]) -> Vec<u8> {
    let sizes = dims.iter().flat_map(|size| bytes(1, &number(1, *size))).collect::<Vec<_>>();
    let kind = [number(1, 1), bytes(2, &sizes)].concat();
    bytes(field, &[bytes(1, name.as_bytes()), bytes(2, &bytes(1, &kind))].concat())
}

fn model(parts: &[Vec<u8>]) -> Model {
    let file = [number(1, 8), bytes(7, &parts.concat()), bytes(8, &number(2, 17))].concat();
    Model::from_bytes(file.into(), None, &Limits::default()).unwrap()
}

/// Three dense layers: 4, 8, 8, 3.
fn dense(seed: u64, curve: &str) -> Model {
    model(&[
        port(11, "x", &[1, 4]),
        port(12, "y", &[1, 3]),
        weight("w1", &[4, 8], seed),
        weight("b1", &[8], seed + 1),
        weight("w2", &[8, 8], seed + 2),
        weight("w3", &[8, 3], seed + 3),
        weight("b3", &[3], seed + 4),
        node("MatMul", &["x", "w1"], "a", &[]),
        node("Add", &["a", "b1"], "b", &[]),
        node(curve, &["b"], "c", &[]),
        node("MatMul", &["c", "w2"], "d", &[]),
        node(curve, &["d"], "e", &[]),
        node("Gemm", &["e", "w3", "b3"], "y", &[]),
    ])
}

/// Convolutions that the engine filters, normalisation, pools, a residual sum, a transposition.
fn image(seed: u64) -> Model {
    let pads: (&str, &[u64]) = ("pads", &[1, 1, 1, 1]);
    let two: (&str, &[u64]) = ("kernel_shape", &[2, 2]);
    let step: (&str, &[u64]) = ("strides", &[2, 2]);
    model(&[
        port(11, "x", &[1, 6, 6, 16]),
        port(12, "y", &[1, 3]),
        weight("k1", &[16, 16, 3, 3], seed),
        weight("k2", &[16, 16, 3, 3], seed + 1),
        weight("s", &[16], seed + 2),
        weight("m", &[16], seed + 3),
        tensor("v", &[16], &[0.5; 16]),
        weight("mean", &[16, 1, 1], seed + 4),
        weight("w", &[144, 3], seed + 5),
        tensor("low", &[], &[-0.2]),
        tensor("high", &[], &[0.7]),
        node("Transpose", &["x"], "t", &[("perm", &[0, 3, 1, 2])]),
        node("Sub", &["t", "mean"], "u", &[]),
        node("Conv", &["u", "k1"], "a", &[pads]),
        node("BatchNormalization", &["a", "s", "m", "m", "v"], "b", &[]),
        node("LeakyRelu", &["b"], "c", &[]),
        node("Conv", &["c", "k2"], "d", &[pads]),
        node("Add", &["d", "c"], "e", &[]),
        node("Clip", &["e", "low", "high"], "f", &[]),
        node("MaxPool", &["f"], "g", &[two, step]),
        node("AveragePool", &["f"], "h", &[two, step]),
        node("Max", &["g", "h"], "i", &[]),
        node("Abs", &["h"], "j", &[]),
        node("Sub", &["i", "j"], "k", &[]),
        node("Flatten", &["k"], "l", &[]),
        node("MatMul", &["l", "w"], "y", &[]),
    ])
}

fn run(model: &Model, point: &[f32]) -> Vec<f64> {
    let input = model.graph.inputs[0];
    let dims = match model.graph.value(input).declared.as_ref().unwrap().dims.as_ref().unwrap() {
        dims if dims.len() == 2 => vec![1, point.len()],
        _ => vec![1, 6, 6, 16],
    };
    let x = Arc::new(Tensor::new(dims, point.to_vec()).unwrap());
    let out = evaluate(&model.graph, &[(input, x)], &Meter::new(Limits::default())).unwrap();
    out[0].floats().unwrap()
}

const ALWAYS: Asked<'_> = Asked { time_up: &|| false, judge: &|_| true };

/// Points of a box: corners, and points inside and on its faces.
fn points(low: &[f32], high: &[f32], count: u64) -> Vec<Vec<f32>> {
    let point = |seed: u64| {
        let at = numbers(seed + 99, low.len());
        let bounds = low.iter().zip(high).zip(at);
        let one = bounds.map(|((low, high), at)| match seed % 3 {
            0 => (low + (high - low) * (at + 1.0) / 2.0).clamp(*low, *high),
            1 => {
                if at > 0.0 {
                    *high
                } else {
                    *low
                }
            }
            _ => {
                if at > 0.3 {
                    *high
                } else {
                    (low + (high - low) * (at + 1.0) / 2.0).clamp(*low, *high)
                }
            }
        });
        one.collect()
    };
    (0..count).map(point).collect()
}

fn around(center: &[f32], radius: f32) -> (Vec<f32>, Vec<f32>) {
    (center.iter().map(|x| x - radius).collect(), center.iter().map(|x| x + radius).collect())
}

fn wide(bounds: &[f32]) -> Vec<f64> {
    bounds.iter().copied().map(f64::from).collect()
}

#[test]
fn no_point_is_below_a_bound() {
    for seed in 0..6 {
        let models =
            ["Relu", "Sigmoid", "Tanh", "HardSigmoid"].map(|curve| dense(seed * 10 + 1, curve));
        for model in models.into_iter().chain([image(seed * 10 + 1)]) {
            let prover = Prover::new(&model, &Limits::default()).unwrap();
            let network = &prover.network;
            for radius in [0.0, 1e-3, 0.05, 0.5] {
                let (low, high) = around(&numbers(seed + 5, prover.inputs()), radius);
                let boxes = [(wide(&low), wide(&high))];
                let regions = survey::regions(network, &boxes, &[], false, &|| false).unwrap();
                let mut rows = Rows::new(network.output);
                let functions = [[1.0, -1.0, 0.0], [0.0, 1.0, -1.0], [-2.0, 0.5, 0.25]];
                functions.iter().for_each(|function| rows.push(function, 0.125, 0));
                let top = Climber::new(network, &regions, &rows).climb(
                    network,
                    &regions,
                    &rows,
                    5,
                    &|| false,
                );
                let (least, most) =
                    (&regions[0].low[network.output], &regions[0].high[network.output]);
                for point in points(&low, &high, 30) {
                    let y = run(&model, &point);
                    for at in 0..3 {
                        assert!(least[at] <= y[at] && y[at] <= most[at], "{seed} {radius}");
                    }
                    for (function, bound) in functions.iter().zip(&top.bounds) {
                        let value =
                            function.iter().zip(&y).map(|(a, y)| a * y).sum::<f64>() + 0.125;
                        assert!(*bound <= value, "{seed} {radius}: {bound} {value}");
                    }
                }
            }
        }
    }
}

#[test]
fn crown_is_as_tight_as_the_reference() {
    // By a plain implementation in float64 without outward rounding: seed 11, around 0, radius 0.3.
    let model = dense(11, "Relu");
    let prover = Prover::new(&model, &Limits::default()).unwrap();
    let network = &prover.network;
    let boxes = [(vec![f64::from(-0.3_f32); 4], vec![f64::from(0.3_f32); 4])];
    let regions = survey::regions(network, &boxes, &[], false, &|| false).unwrap();
    let mut rows = Rows::new(network.output);
    rows.push(&[1.0, -1.0, 0.0], 0.0, 0);
    rows.push(&[0.0, 1.0, -1.0], 0.0, 0);
    rows.push(&[-1.0, 0.0, 1.0], 0.0, 0);
    let bounds = Climber::new(network, &regions, &rows).walk(network, &regions, &rows).bounds;
    for (bound, reference) in bounds.iter().zip(REFERENCE) {
        assert!(*bound <= reference && *bound > reference - 2e-5, "{bound} {reference}");
    }
}

const REFERENCE: [f64; 3] =
    [-2.871_320_281_950_131_6, 0.656_856_719_606_731, 0.983_155_262_240_173_9];

#[test]
fn branches_settle_small_networks() {
    let (mut bounds, mut branching, mut candidates) = (0, 0, 0);
    for seed in 0..24 {
        let model = dense(seed * 7 + 1, "Relu");
        let prover = Prover::new(&model, &Limits::default()).unwrap();
        let center = numbers(seed, 4);
        let y = run(&model, &center);
        let label = (0..3).max_by(|a, b| y[*a].total_cmp(&y[*b])).unwrap();
        for radius in [0.02, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4] {
            let (low, high) = around(&center, radius);
            match prover.class(label, &low, &high, &ALWAYS) {
                Verdict::Holds { by } => {
                    if by == By::Bounds {
                        bounds += 1
                    } else {
                        branching += 1
                    }
                    for point in points(&low, &high, 60) {
                        let y = run(&model, &point);
                        assert!((0..3).all(|other| other == label || y[label] > y[other]));
                    }
                }
                Verdict::Candidate(point) => {
                    candidates += 1;
                    let inside = point.iter().zip(&low).zip(&high);
                    assert!(inside.into_iter().all(|((x, low), high)| low <= x && x <= high));
                    let y = run(&model, &point);
                    assert!((0..3).any(|other| other != label && y[label] <= y[other] + 1e-5));
                }
                Verdict::Unknown { why } => panic!("{seed} {radius}: {why}"),
            }
            // Signs of neurons settle the same.
            let boxes = [(wide(&low), wide(&high))];
            let regions = survey::regions(&prover.network, &boxes, &[], false, &|| false).unwrap();
            let mut goal = Goal::default();
            for other in (0..3).filter(|other| *other != label) {
                let mut factors = vec![0.0; 3];
                (factors[label], factors[other]) = (1.0, -1.0);
                goal.functions.push((factors, 0.0));
            }
            goal.sets = vec![vec![0], vec![1]];
            let holds = (0..2).all(|set| {
                let verdict = neurons::settle(&prover.network, &goal, set, &regions[0], &ALWAYS);
                matches!(verdict, Verdict::Holds { .. })
            });
            if holds {
                for point in points(&low, &high, 60) {
                    let y = run(&model, &point);
                    assert!((0..3).all(|other| other == label || y[label] > y[other]));
                }
            }
        }
    }
    assert!(bounds > 10 && branching > 2 && candidates > 10, "{bounds} {branching} {candidates}");
}

fn case(low: &str, high: &str, wrong: Vec<Vec<Halfspace>>) -> Case {
    let all = |text: &str| vec![Some(parse(text).unwrap()); 4];
    Case { low: all(low), high: all(high), wrong }
}

#[test]
fn a_set_is_refuted_by_any_of_its_halfspaces_and_all_sets_have_to_be() {
    let model = dense(3, "Relu");
    let prover = Prover::new(&model, &Limits::default()).unwrap();
    let at = |weights: [f64; 3], bound: f64| Halfspace { weights: weights.to_vec(), bound };
    // y0 <= -100 and y1 <= 100: the first never holds.
    let never = vec![at([1.0, 0.0, 0.0], -100.0), at([0.0, 1.0, 0.0], 100.0)];
    let always = vec![at([1.0, 0.0, 0.0], 100.0), at([0.0, 1.0, 0.0], 100.0)];
    let holds = prover.case(&case("-1/3", "1/3", vec![never.clone()]), &ALWAYS);
    assert_eq!(holds, Verdict::Holds { by: By::Bounds });
    let broken = prover.case(&case("-1/3", "1/3", vec![never.clone(), always]), &ALWAYS);
    let Verdict::Candidate(point) = broken else { panic!("{broken:?}") };
    let third = parse("1/3").unwrap();
    // The box is taken with the floats next to it; the judge decides on those.
    assert!(point.iter().all(|x| of(f64::from(*x)).unwrap() <= third || x.next_down() < 1.0 / 3.0));
    let refused = Asked { judge: &|_| false, ..ALWAYS };
    let mut open = case("0", "0", vec![vec![at([0.0; 3], 1.0)]]);
    assert!(matches!(prover.case(&open, &refused), Verdict::Unknown { .. }));
    open.low[2] = None;
    assert!(matches!(prover.case(&open, &ALWAYS), Verdict::Unknown { .. }));
    let late = Asked { time_up: &|| true, ..ALWAYS };
    let near = vec![vec![at([1.0, -1.0, 0.0], 0.0)], vec![at([-1.0, 1.0, 0.0], 0.0)]];
    assert!(matches!(prover.case(&case("-1", "1", near), &late), Verdict::Unknown { .. }));
}

#[test]
fn endings_that_keep_the_order_are_cut_off() {
    for (ending, outputs) in [("Softmax", 3), ("LogSoftmax", 3), ("Sigmoid", 1)] {
        let model = model(&[
            port(11, "x", &[1, 4]),
            port(12, "y", &[1, outputs]),
            weight("w", &[4, outputs], 5),
            node("MatMul", &["x", "w"], "z", &[]),
            node(ending, &["z"], "y", &[]),
        ]);
        let prover = Prover::new(&model, &Limits::default()).unwrap();
        let center = numbers(8, 4);
        let y = run(&model, &center);
        let label = match outputs {
            1 => usize::from(y[0] > 0.5),
            _ => (0..3).max_by(|a, b| y[*a].total_cmp(&y[*b])).unwrap(),
        };
        let (low, high) = around(&center, 0.01);
        assert_eq!(prover.class(label, &low, &high, &ALWAYS), Verdict::Holds { by: By::Bounds });
        let other = prover.class((label + 1) % 2, &low, &high, &ALWAYS);
        assert!(matches!(other, Verdict::Candidate(_)), "{other:?}");
    }
}

#[test]
fn what_is_not_known_is_said() {
    let unknown = model(&[
        port(11, "x", &[1, 4]),
        port(12, "y", &[1, 4]),
        node("Mul", &["x", "x"], "a", &[]),
        node("Erf", &["a"], "y", &[]),
    ]);
    let why = Prover::new(&unknown, &Limits::default()).unwrap_err().to_string();
    assert!(why.contains("Mul"), "{why}");
    let model = dense(1, "Relu");
    let small = Limits { memory: 2048, ..Limits::default() };
    assert!(Prover::new(&model, &small).is_err());
    let prover = Prover::new(&model, &Limits::default()).unwrap();
    let huge = prover.class(0, &[-1e38; 4], &[1e38; 4], &ALWAYS);
    assert!(matches!(huge, Verdict::Unknown { .. }), "{huge:?}");
    assert!(matches!(prover.class(9, &[0.0; 4], &[0.0; 4], &ALWAYS), Verdict::Unknown { .. }));
    assert!(matches!(prover.class(0, &[0.0; 3], &[0.0; 3], &ALWAYS), Verdict::Unknown { .. }));
    let nan = prover.class(0, &[f32::NAN; 4], &[f32::NAN; 4], &ALWAYS);
    assert!(matches!(nan, Verdict::Unknown { .. }), "{nan:?}");
}
