//! A session gives the same bits for any number of threads and any batch, and what it plans is what
//! is run.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;

use modelward_engine::{
    Limits, Model, Tensor,
    exec::{Cpu, How, Session, evaluate},
    feed::{By, Fed, Objective, one_hot},
    grad::Loss,
};
use modelward_formats::Bytes;

mod wire;

use wire::{bytes, number, text};

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

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| text(1, input)).collect::<Vec<_>>();
    bytes(1, &[inputs, text(2, output), text(4, operator), attributes.concat()].concat())
}

fn ints(name: &str, values: &[u64]) -> Vec<u8> {
    let values = values.iter().flat_map(|value| number(8, *value)).collect::<Vec<_>>();
    bytes(5, &[text(1, name), values, number(20, 7)].concat())
}

fn float(name: &str, value: f32) -> Vec<u8> {
    let value = [vec![2 << 3 | 5], value.to_le_bytes().to_vec()].concat();
    bytes(5, &[text(1, name), value, number(20, 1)].concat())
}

/// A constant without dimensions.
fn scalar(name: &str, value: f32) -> Vec<u8> {
    bytes(5, &[number(2, 1), text(8, name), bytes(9, &value.to_le_bytes())].concat())
}

fn weight(name: &str, dims: &[u64], seed: u64) -> Vec<u8> {
    let count = dims.iter().product::<u64>();
    let floats = numbers(seed, usize::try_from(count).unwrap());
    let raw = floats.iter().flat_map(|value| (value / 4.0).to_le_bytes()).collect::<Vec<_>>();
    let dims = dims.iter().flat_map(|size| number(1, *size)).collect::<Vec<_>>();
    bytes(5, &[dims, number(2, 1), text(8, name), bytes(9, &raw)].concat())
}

/// An input or output: free along its first axis.
fn port(field: u64, name: &str, element: u64, rest: &[u64]) -> Vec<u8> {
    let free = bytes(1, &text(2, "N"));
    let rest = rest.iter().flat_map(|size| bytes(1, &number(1, *size))).collect::<Vec<_>>();
    let kind = [number(1, element), bytes(2, &[free, rest].concat())].concat();
    bytes(field, &[text(1, name), bytes(2, &bytes(1, &kind))].concat())
}

fn model(graph: &[Vec<u8>]) -> Model {
    let file = [number(1, 8), bytes(7, &graph.concat()), bytes(8, &number(2, 17))].concat();
    Model::from_bytes(Bytes::from(file), None, &Limits::default()).unwrap()
}

/// Convolution, ReLU, pool, and a fully connected layer.
fn classifier() -> Model {
    model(&[
        node("Conv", &["x", "w", "b"], "c", &[ints("pads", &[1, 1, 1, 1])]),
        node("Relu", &["c"], "r", &[]),
        node("MaxPool", &["r"], "p", &[ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]),
        node("Flatten", &["p"], "f", &[]),
        node("Gemm", &["f", "k"], "logits", &[]),
        weight("w", &[6, 2, 3, 3], 1),
        weight("b", &[6], 2),
        weight("k", &[6 * 5 * 7, 4], 3),
        port(11, "x", 1, &[2, 10, 14]),
        port(12, "logits", 1, &[4]),
    ])
}

fn fed(model: &Model, examples: usize) -> (Fed, Tensor) {
    let x = Tensor::new([examples, 2, 10, 14], numbers(7, examples * 2 * 10 * 14)).unwrap();
    let labels = Tensor::list((0..examples).map(|at| (at % 4) as i64).collect());
    (vec![(model.graph.inputs[0], Arc::new(x))], one_hot(&labels, 4).unwrap())
}

/// Gradients of the model by inputs or weights, over some examples.
fn gradients(by: &By, examples: usize, cpu: Cpu, threads: usize) -> Vec<Tensor> {
    let model = classifier();
    let (mut fed, labels) = fed(&model, examples);
    let loss = Objective::Loss(Loss::CrossEntropy);
    let limits = Limits::default();
    let derivative = model.derivative(by, &loss, Some(&fed), false, &limits).unwrap();
    fed.push((derivative.labels.unwrap(), Arc::new(labels)));
    let how = How { cpu, threads, ..How::new(limits) };
    let mut session = Session::new(Arc::new(derivative.graph), &fed, how).unwrap();
    let inputs = fed.into_iter().map(|(_, tensor)| tensor).collect::<Vec<_>>();
    session.run(&inputs).unwrap()
}

#[test]
fn the_bits_do_not_depend_on_threads() {
    let cpus = [Cpu::Scalar, Cpu::Avx2, Cpu::Avx512, Cpu::Neon];
    let cpus = cpus.into_iter().filter(|cpu| cpu.is_here());
    for (cpu, by) in cpus.flat_map(|cpu| [(cpu, By::Inputs), (cpu, By::Weights)]) {
        let one = gradients(&by, 37, cpu, 1);
        for threads in [2, 3, 8] {
            assert_eq!(gradients(&by, 37, cpu, threads), one, "{cpu:?} {by:?} {threads}");
        }
    }
}

#[test]
fn an_example_has_the_same_bits_in_any_batch() {
    let cut = |tensors: &[Tensor], examples: usize| {
        // Outputs, losses, gradients by the input: all hold the batch.
        let cut = |tensor: &Tensor| {
            let each = tensor.count() / tensor.dims()[0];
            tensor.values::<f32>().unwrap()[..each * examples].to_vec()
        };
        tensors.iter().map(cut).collect::<Vec<_>>()
    };
    let all = gradients(&By::Inputs, 37, Cpu::best(), 2);
    for examples in [1, 2, 5, 16, 31] {
        let some = gradients(&By::Inputs, examples, Cpu::best(), 1);
        assert_eq!(cut(&some, examples), cut(&all, examples), "{examples}");
    }
}

/// Layers in some order: convolutions, pools, products, in sizes that are drawn.
fn drawn(seed: u64) -> Model {
    let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut roll = |most: u64| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice >> 20) % most
    };
    let (channels, kernel, wide) = (1 + roll(40), 1 + 2 * roll(2), 1 + roll(70));
    let (stride, pad) = (1 + roll(2), kernel / 2);
    let size = |from: u64| (from - 1) / stride + 1;
    let pool = ["MaxPool", "AveragePool"][usize::try_from(roll(2)).unwrap()];
    let between = ["Relu", "Sigmoid", "LeakyRelu", "Softplus"][usize::try_from(roll(4)).unwrap()];
    let flat = channels * (size(10) / 2) * (size(14) / 2);
    let window = [ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
    let conv = [ints("pads", &[pad; 4]), ints("strides", &[stride; 2])];
    model(&[
        node("Conv", &["x", "w", "b"], "c", &conv),
        node(between, &["c"], "r", &[]),
        node(pool, &["r"], "p", &window),
        node("Flatten", &["p"], "f", &[]),
        node("Gemm", &["f", "k"], "h", &[]),
        node("Relu", &["h"], "g", &[]),
        node("Gemm", &["g", "l"], "logits", &[]),
        weight("w", &[channels, 2, kernel, kernel], seed + 1),
        weight("b", &[channels], seed + 2),
        weight("k", &[flat, wide], seed + 3),
        weight("l", &[wide, 4], seed + 4),
        port(11, "x", 1, &[2, 10, 14]),
        port(12, "logits", 1, &[4]),
    ])
}

fn whole(name: &str, value: u64) -> Vec<u8> {
    bytes(5, &[text(1, name), number(3, value), number(20, 2)].concat())
}

/// A constant of whole numbers; one alone has no dimensions.
fn list(name: &str, values: &[i64]) -> Vec<u8> {
    let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let dims = if values.len() == 1 { vec![] } else { number(1, values.len() as u64) };
    bytes(5, &[dims, number(2, 7), text(8, name), bytes(9, &raw)].concat())
}

/// A block of a transformer: normalisation, attention of two heads, a residual, a mean.
fn attentive() -> Model {
    model(&[
        node("Reshape", &["x", "rows"], "t", &[]),
        node("LayerNormalization", &["t", "scale", "shift"], "n", &[]),
        node("MatMul", &["n", "w"], "m", &[]),
        node("Reshape", &["m", "heads"], "h", &[]),
        node("Transpose", &["h"], "qkv", &[ints("perm", &[2, 0, 3, 1, 4])]),
        node("Gather", &["qkv", "first"], "q", &[whole("axis", 0)]),
        node("Gather", &["qkv", "second"], "k", &[whole("axis", 0)]),
        node("Gather", &["qkv", "third"], "v", &[whole("axis", 0)]),
        // From the end: -1, -2.
        node("Transpose", &["k"], "turned", &[ints("perm", &[0, 1, u64::MAX, u64::MAX - 1])]),
        node("MatMul", &["q", "turned"], "scores", &[]),
        node("Softmax", &["scores"], "shares", &[]),
        node("MatMul", &["shares", "v"], "mixed", &[]),
        node("Transpose", &["mixed"], "back", &[ints("perm", &[0, 2, 1, 3])]),
        node("Reshape", &["back", "joined"], "j", &[]),
        node("MatMul", &["j", "o"], "out", &[]),
        node("Add", &["out", "t"], "sum", &[]),
        node("ReduceMean", &["sum"], "mean", &[ints("axes", &[1]), whole("keepdims", 0)]),
        node("Erf", &["mean"], "e", &[]),
        node("Gemm", &["e", "l"], "logits", &[]),
        list("rows", &[0, 20, 14]),
        list("heads", &[0, 20, 3, 2, 6]),
        list("joined", &[0, 20, 12]),
        list("first", &[0]),
        list("second", &[1]),
        list("third", &[-1]),
        weight("scale", &[14], 4),
        weight("shift", &[14], 5),
        weight("w", &[14, 36], 1),
        weight("o", &[12, 14], 2),
        weight("l", &[14, 4], 3),
        port(11, "x", 1, &[2, 10, 14]),
        port(12, "logits", 1, &[4]),
    ])
}

#[test]
fn an_example_alone_has_the_bits_that_it_has_at_any_place_of_a_batch() {
    for seed in 0..26 {
        let model = match seed {
            24 => attentive(),
            25 => bent(0.1, "AveragePool"),
            _ => drawn(seed),
        };
        let run = |fed: &Fed, labels: &Tensor, threads: usize| {
            let (mut fed, limits) = (fed.clone(), Limits::default());
            let of = Objective::Loss(Loss::CrossEntropy);
            let derivative = model.derivative(&By::Inputs, &of, Some(&fed), false, &limits);
            let derivative = derivative.unwrap();
            fed.push((derivative.labels.unwrap(), Arc::new(labels.clone())));
            let how = How { threads, ..How::new(limits) };
            let mut session = Session::new(Arc::new(derivative.graph), &fed, how).unwrap();
            let inputs = fed.into_iter().map(|(_, tensor)| tensor).collect::<Vec<_>>();
            session.run(&inputs).unwrap()
        };
        let examples = 2 + usize::try_from(seed * 7 % 31).unwrap();
        let (fed, labels) = fed(&model, examples);
        let whole = run(&fed, &labels, 2);
        for at in [0, examples / 2, examples - 1] {
            let one = |tensor: &Tensor| {
                let each = tensor.count() / examples;
                let values = tensor.values::<f32>().unwrap()[at * each..][..each].to_vec();
                Tensor::new([&[1], &tensor.dims()[1..]].concat(), values).unwrap()
            };
            let alone = vec![(fed[0].0, Arc::new(one(&fed[0].1)))];
            let expected = whole.iter().map(one).collect::<Vec<_>>();
            assert_eq!(run(&alone, &one(&labels), 1), expected, "{seed}: {at} of {examples}");
        }
    }
}

/// Normalised rows of two, times a scale that lies along the axis in front of them.
fn scaled_across() -> Model {
    model(&[
        node("Reshape", &["x", "pairs"], "p", &[]),
        node("LayerNormalization", &["p", "scale"], "n", &[]),
        node("Flatten", &["n"], "f", &[]),
        node("Gemm", &["f", "k"], "logits", &[]),
        list("pairs", &[0, 70, 2, 2]),
        weight("scale", &[2, 1], 8),
        weight("k", &[280, 4], 9),
        port(11, "x", 1, &[2, 10, 14]),
        port(12, "logits", 1, &[4]),
    ])
}

/// Convolutions and products behind which functions with bends stand, then pools.
fn bent(alpha: f32, pool: &str) -> Model {
    let own = [ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
    let over = [
        ints("kernel_shape", &[3, 2]),
        ints("strides", &[2, 1]),
        ints("pads", &[1, 0, 0, 1]),
        whole("count_include_pad", 1),
    ];
    let conv = [ints("pads", &[1; 4])];
    model(&[
        node("Conv", &["x", "v", "b"], "c", &conv),
        node("LeakyRelu", &["c"], "r", &[float("alpha", alpha)]),
        node(pool, &["r"], "p", &own),
        node("Conv", &["p", "w"], "d", &conv),
        node("Clip", &["d", "low", "high"], "q", &[]),
        node("AveragePool", &["q"], "o", &over),
        node("PRelu", &["o", "slopes"], "s", &[]),
        node("Abs", &["s"], "a", &[]),
        node("Flatten", &["a"], "f", &[]),
        node("Gemm", &["f", "k"], "h", &[]),
        node("LeakyRelu", &["h"], "g", &[float("alpha", alpha)]),
        node("Clip", &["g", "", "high"], "i", &[]),
        node("Gemm", &["i", "l"], "logits", &[]),
        weight("v", &[6, 2, 3, 3], 1),
        weight("b", &[6], 2),
        weight("w", &[17, 6, 3, 3], 3),
        scalar("low", -0.1),
        scalar("high", 0.2),
        weight("slopes", &[17, 1, 1], 4),
        weight("k", &[17 * 2 * 7, 9], 5),
        weight("l", &[9, 4], 6),
        port(11, "x", 1, &[2, 10, 14]),
        port(12, "logits", 1, &[4]),
    ])
}

#[test]
fn a_plan_gives_what_the_interpreter_gives() {
    let bent = [
        bent(0.01, "AveragePool"),
        bent(0.3, "MaxPool"),
        // What is greater does not stay so.
        bent(-0.5, "MaxPool"),
        bent(0.0, "AveragePool"),
    ];
    for model in [classifier(), attentive(), scaled_across()].into_iter().chain(bent) {
        let (mut fed, labels) = fed(&model, 11);
        let limits = Limits::default();
        let of = Objective::Loss(Loss::CrossEntropy);
        for by in [By::Inputs, By::Weights] {
            let derivative = model.derivative(&by, &of, Some(&fed), false, &limits).unwrap();
            fed.truncate(1);
            fed.push((derivative.labels.unwrap(), Arc::new(labels.clone())));
            let graph = &derivative.graph;
            let meter = modelward_engine::Meter::new(limits);
            let expected = evaluate(graph, &fed, &meter).unwrap();
            let got = modelward_engine::exec::run(graph, &fed, How::new(limits)).unwrap();
            for (expected, got) in expected.iter().zip(&got) {
                assert_eq!(expected.kind(), got.kind());
                let (a, b) = (expected.values::<f32>().unwrap(), got.values::<f32>().unwrap());
                let most = a.iter().fold(1e-3_f32, |most, value| most.max(value.abs()));
                assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-5 * most), "{by:?}");
            }
            fed.truncate(1);
        }
    }
}

#[test]
fn a_transformer_goes_in_pieces_of_the_batch() {
    let model = attentive();
    let (fed, _) = fed(&model, 64);
    let how = How { threads: 2, ..How::new(Limits::default()) };
    let mut session = Session::new(Arc::new(model.graph.clone()), &fed, how).unwrap();
    let (_, piece) = session.plan(64).unwrap();
    assert!(piece <= 32, "{piece}");
}

#[test]
fn whole_numbers_that_say_a_shape_are_those_of_the_run() {
    let reshape = model(&[
        node("Reshape", &["x", "shape"], "y", &[]),
        port(11, "x", 1, &[6]),
        bytes(
            11,
            &[
                text(1, "shape"),
                bytes(2, &bytes(1, &[number(1, 7), bytes(2, &bytes(1, &number(1, 2)))].concat())),
            ]
            .concat(),
        ),
        port(12, "y", 1, &[6]),
    ]);
    let shape = |dims: [i64; 2]| Arc::new(Tensor::list(dims.to_vec()));
    let x = Arc::new(Tensor::new([4, 6], numbers(1, 24)).unwrap());
    let fed = vec![(reshape.graph.inputs[0], x.clone()), (reshape.graph.inputs[1], shape([8, 3]))];
    let how = How::new(Limits::default());
    let mut session = Session::new(Arc::new(reshape.graph.clone()), &fed, how).unwrap();
    assert_eq!(session.run(&[x.clone(), shape([8, 3])]).unwrap()[0].dims(), [8, 3]);
    assert_eq!(session.run(&[x, shape([2, 12])]).unwrap()[0].dims(), [2, 12]);
}

#[test]
fn threads_are_as_many_as_memory_allows() {
    let model = classifier();
    let (fed, _) = fed(&model, 64);
    let graph = Arc::new(model.graph.clone());
    let plan = |threads: usize, memory: u64| {
        let limits = Limits { memory, ..Limits::default() };
        let how = How { threads, ..How::new(limits) };
        Session::new(graph.clone(), &fed, how).unwrap().plan(64).unwrap().0
    };
    let one = plan(1, 1 << 30);
    let tight = one.weights + one.memory * 2;
    let eight = plan(8, tight);
    assert!(eight.memory + eight.weights <= tight, "{eight:?} over {tight}");
}

#[test]
fn nan_in_an_input_is_named_with_its_place() {
    let model = classifier();
    let (mut fed, _) = fed(&model, 2);
    model.refuse_nan(&fed).unwrap();
    let mut x = Tensor::clone(&fed[0].1).into_parts();
    if let modelward_engine::Data::F32(values) = &mut x.1 {
        values[2 * 10 * 14 + 15] = f32::NAN;
    }
    fed[0].1 = Arc::new(Tensor::new(x.0, x.1).unwrap());
    let trouble = model.refuse_nan(&fed).unwrap_err();
    assert!(trouble.why.contains("`x`, got 1 NaN, the first at [1, 0, 1, 1]"), "{trouble}");
}

#[test]
fn clipped_gradients_are_sums_of_each_examples_own() {
    for (model, examples) in [(classifier(), 37), (attentive(), 9), (drawn(3), 530)] {
        let (mut fed, labels) = fed(&model, examples);
        let (of, limits) = (Objective::Loss(Loss::CrossEntropy), Limits::default());
        let derivative = model.derivative(&By::Weights, &of, Some(&fed), false, &limits).unwrap();
        let count = derivative.gradients.len();
        fed.push((derivative.labels.unwrap(), Arc::new(labels)));
        let inputs = fed.iter().map(|(_, tensor)| tensor.clone()).collect::<Vec<_>>();
        let graph = Arc::new(derivative.graph);
        let session = |threads: usize| {
            let how = How { threads, ..How::new(limits) };
            Session::new(graph.clone(), &fed, how).unwrap()
        };
        let mut one = session(1);
        let clipped = one.clipped(&inputs, count, 0.05).unwrap();
        for threads in [1, 2, 3, 8] {
            let again = session(threads).clipped(&inputs, count, 0.05).unwrap();
            assert_eq!(again.gradients, clipped.gradients, "{threads}");
            assert_eq!(again.norms, clipped.norms, "{threads}");
        }
        let mut sums: Vec<Vec<f64>> =
            clipped.gradients.iter().map(|tensor| vec![0.0; tensor.count()]).collect();
        for example in 0..examples {
            let alone = inputs.iter().map(|tensor| {
                let each = tensor.count() / examples;
                let values = tensor.cast(modelward_engine::Element::F32).unwrap();
                let values = values.values::<f32>().unwrap()[example * each..][..each].to_vec();
                let one = Tensor::new([&[1], &tensor.dims()[1..]].concat(), values).unwrap();
                Arc::new(one.cast(tensor.element()).unwrap())
            });
            let outputs = one.run(&alone.collect::<Vec<_>>()).unwrap();
            let own = &outputs[outputs.len() - count..];
            let square = |tensor: &Tensor| {
                let values = tensor.values::<f32>().unwrap();
                values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>()
            };
            let norm = own.iter().map(square).sum::<f64>().sqrt();
            assert!((norm - f64::from(clipped.norms[example])).abs() < 1e-5 * norm, "{example}");
            let scale = (0.05 / norm).min(1.0);
            for (sum, own) in sums.iter_mut().zip(own) {
                let values = own.values::<f32>().unwrap();
                sum.iter_mut().zip(values).for_each(|(sum, x)| *sum += f64::from(*x) * scale);
            }
        }
        for (sum, got) in sums.iter().zip(&clipped.gradients) {
            let most = sum.iter().fold(1e-6_f64, |most, value| most.max(value.abs()));
            for (sum, got) in sum.iter().zip(got.values::<f32>().unwrap()) {
                assert!((sum - f64::from(*got)).abs() <= 1e-5 * most, "{sum} and {got}");
            }
        }
    }
}
