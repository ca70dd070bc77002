//! Steps of layers: products, normalisations, losses, recurrent layers, attention, transforms.

use modelward_engine::Tensor;

use super::{Graph, Step};
use crate::nodes::{
    Value::{Float, Int, Text},
    random,
};

pub const STEPS: &[Step] = &[
    ("MatMul", 9, |g| {
        let rank = 1 + g.dice.roll(4);
        let x = g.of_rank(rank);
        let inner = x.dims[rank - 1];
        // A batch of the weight has to broadcast with that of the value.
        let dims: &[usize] = match g.dice.roll(3) {
            0 => &[inner],
            1 if rank < 4 || x.dims[0] <= 2 => &[2, 1, inner, 2],
            _ => &[inner, 3],
        };
        let w = g.weight(dims);
        vec![g.put("MatMul", &[&x.name, &w], &[])]
    }),
    ("Gemm", 9, |g| {
        let x = g.of_rank(2);
        let (turned, turned_weight) = (g.dice.coin(), g.dice.coin());
        let (rows, inner) = if turned { (x.dims[1], x.dims[0]) } else { (x.dims[0], x.dims[1]) };
        let w = g.weight(&if turned_weight { [3, inner] } else { [inner, 3] });
        let dims = g.smaller(&[rows, 3]);
        let bias = g.weight(&dims);
        let how = [
            ("transA", Int(turned.into())),
            ("transB", Int(turned_weight.into())),
            ("alpha", Float(0.75)),
            ("beta", Float(1.25)),
        ];
        let count = if g.opset >= 11 { 2 + g.dice.roll(2) } else { 3 };
        vec![g.put("Gemm", &[&*x.name, &*w, &*bias][..count], &how)]
    }),
    ("Einsum", 12, |g| {
        let x = g.of_rank(2);
        let [i, j] = [x.dims[0], x.dims[1]];
        let (equation, dims): (_, &[usize]) = match g.dice.roll(7) {
            0 => ("ij,jk->ik", &[j, 3]),
            1 => ("ij,ij->", &[i, j]),
            2 => ("ij,k->kji", &[2]),
            3 => ("ij,bj->bi", &[2, j]),
            4 => ("...j,...j->...", &[i, j]),
            5 => ("ij,kjl->ilk", &[2, j, 2]),
            _ => ("ij,kk->i", &[2, 2]),
        };
        let w = g.weight(dims);
        vec![g.put("Einsum", &[&x.name, &w], &[("equation", Text(equation))])]
    }),
    ("Det", 11, |g| {
        let w = g.weight(&[2, 3, 3]);
        let x = g.any();
        let x = g.put("ReduceMean", &[&x.name], &[("keepdims", Int(0))]);
        let x = g.put("Add", &[&w, &x], &[]);
        vec![g.put("Det", &[&x], &[])]
    }),
    ("BatchNormalization", 9, |g| {
        let rank = 2 + g.dice.roll(3);
        let x = g.of_rank(rank);
        let each = [x.dims[1]];
        let (scale, bias, mean) = (g.weight(&each), g.weight(&each), g.weight(&each));
        let variance = g.positive_weight(&each);
        let inputs = [&*x.name, &*scale, &*bias, &*mean, &*variance];
        if g.opset >= 14 && g.dice.roll(3) == 0 {
            let how = [("training_mode", Int(1)), ("epsilon", Float(0.01))];
            return vec![g.put_all("BatchNormalization", &inputs, 3, &how).remove(0)];
        }
        vec![g.put("BatchNormalization", &inputs, &[("epsilon", Float(0.01))])]
    }),
    ("InstanceNormalization", 9, |g| {
        let rank = 3 + g.dice.roll(2);
        let x = g.of_rank(rank);
        let (scale, bias) = (g.weight(&[x.dims[1]]), g.weight(&[x.dims[1]]));
        let how = [("epsilon", Float(0.05))];
        vec![g.put("InstanceNormalization", &[&x.name, &scale, &bias], &how)]
    }),
    ("LayerNormalization", 17, |g| {
        let (x, axis, written) = g.with_axis();
        let (scale, bias) = (g.weight(&x.dims[axis..]), g.weight(&x.dims[axis..]));
        let count = 2 + g.dice.roll(2);
        let how = [("axis", Int(written)), ("epsilon", Float(0.05))];
        vec![g.put("LayerNormalization", &[&*x.name, &*scale, &*bias][..count], &how)]
    }),
    ("RMSNormalization", 23, |g| {
        let (x, axis, written) = g.with_axis();
        let scale = g.weight(&x.dims[axis..]);
        let how = [("axis", Int(written)), ("epsilon", Float(0.05))];
        vec![g.put("RMSNormalization", &[&x.name, &scale], &how)]
    }),
    ("GroupNormalization", 18, |g| {
        let rank = 3 + g.dice.roll(2);
        let x = g.of_rank(rank);
        let groups = if x.dims[1].is_multiple_of(2) { 2 } else { 1 };
        let each = [if g.opset >= 21 { x.dims[1] } else { groups }];
        let (scale, bias) = (g.weight(&each), g.weight(&each));
        let how = [("num_groups", Int(groups as i64)), ("epsilon", Float(0.05))];
        vec![g.put("GroupNormalization", &[&x.name, &scale, &bias], &how)]
    }),
    ("MeanVarianceNormalization", 9, |g| {
        let w = g.weight(&[2, 2, 3, 2]);
        let x = g.any();
        let x = g.put("ReduceMean", &[&x.name], &[("keepdims", Int(0))]);
        let square = g.put("Mul", &[&w, &x], &[]);
        let x = g.put("Add", &[&square, &w], &[]);
        vec![g.put("MeanVarianceNormalization", &[&x], &[])]
    }),
    ("SoftmaxCrossEntropyLoss", 12, |g| {
        let x = g.of_rank(2);
        loss(g, "SoftmaxCrossEntropyLoss", &x.name, &x.dims)
    }),
    ("NegativeLogLikelihoodLoss", 12, |g| {
        let x = g.of_rank(3);
        let likely = g.put("LogSoftmax", &[&x.name], &[("axis", Int(1))]);
        loss(g, "NegativeLogLikelihoodLoss", &likely, &x.dims)
    }),
    ("LSTM", 9, |g| recurrent(g, "LSTM", 4, 8)),
    ("GRU", 9, |g| recurrent(g, "GRU", 3, 6)),
    ("RNN", 9, |g| recurrent(g, "RNN", 1, 2)),
    ("Attention", 23, |g| {
        let q = g.of_rank(4);
        let [batch, heads, queries, size] = [q.dims[0], q.dims[1], q.dims[2], q.dims[3]];
        let (k, v) = (g.weight(&[batch, heads, 3, size]), g.weight(&[batch, heads, 3, 2]));
        let how = [("is_causal", Int(g.dice.roll(2) as i64))];
        let mask = g.weight(&[queries, 3]);
        let count = 3 + g.dice.roll(2);
        vec![g.put("Attention", &[&*q.name, &*k, &*v, &*mask][..count], &how)]
    }),
    ("RotaryEmbedding", 23, |g| {
        let w = g.weight(&[1, 2, 3, 4]);
        let x = g.any();
        let x = g.put("ReduceMean", &[&x.name], &[("keepdims", Int(0))]);
        let x = g.put("Mul", &[&w, &x], &[]);
        let angles = [random(&[1, 3, 2], g.dice.seed()), random(&[1, 3, 2], g.dice.seed())];
        let [cosines, sines] = angles.map(|angles| g.constant(angles));
        let how = [("interleaved", Int(g.dice.roll(2) as i64))];
        vec![g.put("RotaryEmbedding", &[&x, &cosines, &sines], &how)]
    }),
    ("DFT", 17, |g| {
        let parts = 1 + g.dice.roll(2);
        let w = g.weight(&[2, 4, parts]);
        let x = g.any();
        let x = g.put("ReduceMean", &[&x.name], &[("keepdims", Int(0))]);
        let x = g.put("Mul", &[&w, &x], &[]);
        let mut how = Vec::new();
        match (parts, g.dice.roll(2)) {
            (1, 1) => how.push(("onesided", Int(1))),
            (2, 1) => how.push(("inverse", Int(1))),
            _ => {}
        }
        if g.opset < 20 {
            how.push(("axis", Int(1)));
            return vec![g.put("DFT", &[&x], &how)];
        }
        let axis = g.constant(Tensor::scalar(1_i64));
        vec![g.put("DFT", &[&x, "", &axis], &how)]
    }),
    ("STFT", 17, |g| {
        let w = g.weight(&[1, 8, 1]);
        let x = g.any();
        let x = g.put("ReduceMean", &[&x.name], &[("keepdims", Int(0))]);
        let x = g.put("Mul", &[&w, &x], &[]);
        let window = Tensor::list(vec![0.25, 1.0, 0.75, -0.5]);
        let (step, window) = (g.constant(Tensor::scalar(2_i64)), g.constant(window));
        let how = [("onesided", Int(g.dice.roll(2) as i64))];
        vec![g.put("STFT", &[&x, &step, &window], &how)]
    }),
];

/// A loss of classes along the second axis.
fn loss(g: &mut Graph, operator: &'static str, x: &str, dims: &[usize]) -> Vec<String> {
    let classes = dims[1];
    let mut label_dims = dims.to_vec();
    label_dims.remove(1);
    let count = label_dims.iter().product::<usize>();
    let labels = (0..count).map(|_| g.dice.roll(classes) as i64).collect::<Vec<_>>();
    let labels = g.constant(Tensor::new(label_dims, labels).unwrap());
    let weights = (0..classes).map(|at| 0.5 + at as f64 / 4.0).collect::<Vec<_>>();
    let weights = g.constant(Tensor::list(weights));
    let inputs = [x, &*labels, &*weights];
    let count = 2 + g.dice.roll(2);
    let how = [("reduction", Text(g.dice.pick(&["none", "sum", "mean"])))];
    vec![g.put(operator, &inputs[..count], &how)]
}

/// A recurrent layer of so many gates and biases.
fn recurrent(g: &mut Graph, operator: &'static str, gates: usize, biases: usize) -> Vec<String> {
    const HIDDEN: usize = 2;
    let x = g.of_rank(3);
    let input = x.dims[2];
    let direction = g.dice.pick(&["forward", "reverse", "bidirectional"]);
    let ways = if direction == "bidirectional" { 2 } else { 1 };
    let w = g.weight(&[ways, gates * HIDDEN, input]);
    let r = g.weight(&[ways, gates * HIDDEN, HIDDEN]);
    let b = g.weight(&[ways, biases * HIDDEN]);
    let mut how = vec![("hidden_size", Int(HIDDEN as i64)), ("direction", Text(direction))];
    if operator == "GRU" {
        how.push(("linear_before_reset", Int(g.dice.roll(2) as i64)));
    }
    let inputs = [&*x.name, &*w, &*r, &*b];
    let count = 3 + g.dice.roll(2);
    g.put_all(operator, &inputs[..count], 2, &how)
}
