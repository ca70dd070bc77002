//! Steps that work element by element, or over an axis: activations, arithmetic, reductions.

use modelward_engine::Tensor;

use super::{Graph, Step};
use crate::nodes::Value::{Float, Int, Ints, Text};

pub const STEPS: &[Step] = &[
    ("Softplus", 9, |g| plain(g, "Softplus")),
    ("Softsign", 9, |g| plain(g, "Softsign")),
    ("Mish", 18, |g| plain(g, "Mish")),
    ("Elu", 9, |g| plain(g, "Elu")),
    ("Selu", 9, |g| plain(g, "Selu")),
    ("Celu", 12, |g| sloped(g, "Celu")),
    ("HardSigmoid", 9, |g| sloped(g, "HardSigmoid")),
    ("HardSwish", 14, |g| plain(g, "HardSwish")),
    ("Swish", 24, |g| sloped(g, "Swish")),
    ("LeakyRelu", 9, |g| sloped(g, "LeakyRelu")),
    ("ThresholdedRelu", 10, |g| sloped(g, "ThresholdedRelu")),
    ("Relu", 9, |g| plain(g, "Relu")),
    ("Sin", 9, |g| plain(g, "Sin")),
    ("Cos", 9, |g| plain(g, "Cos")),
    ("Atan", 9, |g| plain(g, "Atan")),
    ("Sinh", 9, |g| plain(g, "Sinh")),
    ("Cosh", 9, |g| plain(g, "Cosh")),
    ("Asinh", 9, |g| plain(g, "Asinh")),
    ("Abs", 9, |g| plain(g, "Abs")),
    ("Neg", 9, |g| plain(g, "Neg")),
    ("Exp", 9, |g| plain(g, "Exp")),
    ("Erf", 9, |g| plain(g, "Erf")),
    ("Sigmoid", 9, |g| plain(g, "Sigmoid")),
    ("Tanh", 9, |g| plain(g, "Tanh")),
    ("Identity", 9, |g| plain(g, "Identity")),
    ("Dropout", 9, |g| plain(g, "Dropout")),
    ("Floor", 9, |g| plain(g, "Floor")),
    ("Round", 11, |g| plain(g, "Round")),
    ("Sign", 9, |g| plain(g, "Sign")),
    ("Gelu", 20, |g| {
        let (x, by) = (g.any(), g.dice.pick(&["none", "tanh"]));
        vec![g.put("Gelu", &[&x.name], &[("approximate", Text(by))])]
    }),
    ("Shrink", 9, |g| {
        let x = g.any();
        vec![g.put("Shrink", &[&x.name], &[("lambd", Float(0.25)), ("bias", Float(0.125))])]
    }),
    ("Asin", 9, |g| bounded(g, "Asin")),
    ("Acos", 9, |g| bounded(g, "Acos")),
    ("Atanh", 9, |g| bounded(g, "Atanh")),
    ("Tan", 9, |g| bounded(g, "Tan")),
    ("Log", 9, |g| above(g, "Log", 0.3)),
    ("Sqrt", 9, |g| above(g, "Sqrt", 0.3)),
    ("Reciprocal", 9, |g| above(g, "Reciprocal", 0.3)),
    ("Acosh", 9, |g| above(g, "Acosh", 1.3)),
    ("Cast", 9, |g| {
        let x = g.any();
        vec![g.put("Cast", &[&x.name], &[("to", Int(11))])]
    }),
    ("CastLike", 15, |g| {
        let (x, like) = (g.any(), g.any());
        vec![g.put("CastLike", &[&x.name, &like.name], &[])]
    }),
    ("Add", 9, |g| binary(g, "Add")),
    ("Sub", 9, |g| binary(g, "Sub")),
    ("Mul", 9, |g| binary(g, "Mul")),
    ("Max", 9, |g| binary(g, "Max")),
    ("Min", 9, |g| binary(g, "Min")),
    ("Sum", 9, |g| variadic(g, "Sum")),
    ("Mean", 9, |g| variadic(g, "Mean")),
    ("Div", 9, |g| {
        let x = g.any();
        let y = g.beside(&x);
        let y = g.above(&y, 0.4);
        vec![g.put("Div", &[&x.name, &y], &[])]
    }),
    ("Pow", 9, |g| {
        let x = g.any();
        if g.dice.coin() {
            let whole = g.dice.pick(&[0.0, 1.0, 2.0, 3.0]);
            let whole = g.float(whole);
            return vec![g.put("Pow", &[&x.name, &whole], &[])];
        }
        let base = g.above(&x.name, 0.3);
        let power = g.beside(&x);
        let power = g.within_one(&power);
        vec![g.put("Pow", &[&base, &power], &[])]
    }),
    ("Mod", 10, |g| {
        let x = g.any();
        let y = g.beside(&x);
        let y = g.above(&y, 0.4);
        vec![g.put("Mod", &[&x.name, &y], &[("fmod", Int(1))])]
    }),
    ("PRelu", 9, |g| {
        let x = g.any();
        let dims = g.smaller(&x.dims);
        let slope = g.weight(&dims);
        vec![g.put("PRelu", &[&x.name, &slope], &[])]
    }),
    ("Clip", 9, |g| {
        let x = g.any();
        if g.opset < 11 {
            let (least, most) = (("min", Float(-0.375)), ("max", Float(0.625)));
            return vec![g.put("Clip", &[&x.name], &[least, most])];
        }
        let (least, most) = (g.float(-0.375), g.float(0.625));
        let inputs: &[&str] = match g.dice.roll(3) {
            0 => &[&x.name, &least],
            1 => &[&x.name, "", &most],
            _ => &[&x.name, &least, &most],
        };
        vec![g.put("Clip", inputs, &[])]
    }),
    ("Where", 9, |g| {
        let x = g.any();
        let y = g.beside(&x);
        let condition = if g.dice.coin() {
            let dims = g.smaller(&x.dims);
            let count = dims.iter().product::<usize>();
            let bits = (0..count).map(|_| g.dice.coin()).collect::<Vec<_>>();
            g.constant(Tensor::new(dims, bits).unwrap())
        } else {
            g.put("Less", &[&x.name, &y], &[])
        };
        vec![g.put("Where", &[&condition, &x.name, &y], &[])]
    }),
    ("ReduceSum", 9, |g| reduce(g, "ReduceSum", 13)),
    ("ReduceMean", 9, |g| reduce(g, "ReduceMean", 18)),
    ("ReduceMax", 9, |g| reduce(g, "ReduceMax", 18)),
    ("ReduceMin", 9, |g| reduce(g, "ReduceMin", 18)),
    ("ReduceProd", 9, |g| reduce(g, "ReduceProd", 18)),
    ("ReduceL1", 9, |g| reduce(g, "ReduceL1", 18)),
    ("ReduceL2", 9, |g| reduce(g, "ReduceL2", 18)),
    ("ReduceSumSquare", 9, |g| reduce(g, "ReduceSumSquare", 18)),
    ("ReduceLogSum", 9, |g| reduce(g, "ReduceLogSum", 18)),
    ("ReduceLogSumExp", 9, |g| reduce(g, "ReduceLogSumExp", 18)),
    ("Softmax", 9, |g| along(g, "Softmax", &[])),
    ("LogSoftmax", 9, |g| along(g, "LogSoftmax", &[])),
    ("LpNormalization", 9, |g| {
        let p = g.dice.pick(&[1, 2]);
        along(g, "LpNormalization", &[("p", Int(p))])
    }),
    ("CumSum", 11, |g| {
        let (x, _, axis) = g.with_axis();
        let axis = g.constant(Tensor::scalar(axis));
        let (exclusive, reverse) = (g.dice.roll(2) as i64, g.dice.roll(2) as i64);
        let how = [("exclusive", Int(exclusive)), ("reverse", Int(reverse))];
        vec![g.put("CumSum", &[&x.name, &axis], &how)]
    }),
    ("TopK", 9, |g| {
        let (x, at, axis) = g.with_axis();
        let k = 1 + g.dice.roll(x.dims[at]) as i64;
        let mut how = vec![("axis", Int(axis))];
        let mut inputs = vec![x.name];
        match g.opset {
            ..10 => how.push(("k", Int(k))),
            _ => inputs.push(g.ints(&[k])),
        }
        if g.opset >= 11 {
            how.push(("largest", Int(g.dice.roll(2) as i64)));
        }
        let inputs = inputs.iter().map(String::as_str).collect::<Vec<_>>();
        vec![g.put_all("TopK", &inputs, 2, &how).remove(0)]
    }),
];

fn plain(g: &mut Graph, operator: &'static str) -> Vec<String> {
    let x = g.any();
    vec![g.put(operator, &[&x.name], &[])]
}

fn sloped(g: &mut Graph, operator: &'static str) -> Vec<String> {
    let (x, alpha) = (g.any(), g.dice.pick(&[0.25, 0.5, 1.5]));
    vec![g.put(operator, &[&x.name], &[("alpha", Float(alpha))])]
}

fn bounded(g: &mut Graph, operator: &'static str) -> Vec<String> {
    let x = g.any();
    let x = g.within_one(&x.name);
    vec![g.put(operator, &[&x], &[])]
}

fn above(g: &mut Graph, operator: &'static str, least: f64) -> Vec<String> {
    let x = g.any();
    let x = g.above(&x.name, least);
    vec![g.put(operator, &[&x], &[])]
}

fn binary(g: &mut Graph, operator: &'static str) -> Vec<String> {
    let x = g.any();
    let y = g.beside(&x);
    let inputs = if g.dice.coin() { [&*x.name, &*y] } else { [&*y, &*x.name] };
    vec![g.put(operator, &inputs, &[])]
}

fn variadic(g: &mut Graph, operator: &'static str) -> Vec<String> {
    let x = g.any();
    let dims = g.smaller(&x.dims);
    let (y, z) = (g.weight(&x.dims), g.weight(&dims));
    let inputs = [&*x.name, &*y, &*z, &*x.name];
    let count = 1 + g.dice.roll(4);
    vec![g.put(operator, &inputs[..count], &[])]
}

/// A reduction, whose axes are an input from a set on.
fn reduce(g: &mut Graph, operator: &'static str, by_input: u64) -> Vec<String> {
    let mut x = g.any();
    if operator == "ReduceLogSum" {
        x.name = g.above(&x.name, 0.3);
    }
    let rank = x.dims.len();
    let count = g.dice.roll(rank + 1);
    let axes = g.dice.order(rank).into_iter().take(count).collect::<Vec<_>>();
    let axes = axes.into_iter().map(|axis| g.axis(axis, rank)).collect::<Vec<_>>();
    let mut how = vec![("keepdims", Int(g.dice.roll(2) as i64))];
    if axes.is_empty() {
        if g.opset >= by_input && g.dice.coin() {
            how.push(("noop_with_empty_axes", Int(1)));
        }
        return vec![g.put(operator, &[&x.name], &how)];
    }
    if g.opset >= by_input {
        let axes = g.ints(&axes);
        return vec![g.put(operator, &[&x.name, &axes], &how)];
    }
    how.push(("axes", Ints(axes)));
    vec![g.put(operator, &[&x.name], &how)]
}

fn along(
    g: &mut Graph,
    operator: &'static str,
    more: &[(&'static str, crate::nodes::Value)],
) -> Vec<String> {
    let (x, _, axis) = g.with_axis();
    let mut how = more.to_vec();
    how.push(("axis", Int(axis)));
    vec![g.put(operator, &[&x.name], &how)]
}
