//! `BatchNormalization`: each channel moved and scaled by a mean and a variance; in training mode by
//! those of the batch, which then also go into the running ones.
//!
//! Its gradients are written with itself: what flows is scaled as the input is, without a mean and a
//! bias. Before set 9 `spatial` could ask for a mean of each element, and before set 14 the outputs
//! said whether it trains.
//!
//! Source: Ioffe and Szegedy 2015, "Batch normalization"; ONNX `BatchNormalization`, sets 6, 7, 9, 14
//! and 15.

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::Gradient,
    graph::{Attributes, Grad, Infer, Operator, Run, ValueId, names, ops::elementwise::of_type},
    onnx::Import,
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&BATCH_NORMALIZATION];

static BATCH_NORMALIZATION: Operator = Operator::new(
    "BatchNormalization",
    &[6, 7, 9, 14, 15],
    infer,
    run,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        if (1..cx.node.outputs.len()).any(|output| cx.flow(output).is_some()) {
            return Err(Trouble::unsupported("the gradient of a running mean or variance"));
        }
        if cx.node.attributes.flag("training_mode")? {
            return training(cx, flow);
        }
        inference(cx, flow)
    }),
)
.flop(|cx, _| {
    let passes = if cx.attributes().flag("training_mode")? { 6 } else { 2 };
    Ok((cx.kind(0)?.count()? as u64).saturating_mul(passes))
})
.import(old_forms);

fn old_forms(import: &mut Import<'_>) -> Result<()> {
    if import.version >= 14 {
        return Ok(());
    }
    let tests = import.attributes.flag("is_test")?;
    import.attributes.take("is_test");
    import.attributes.take("consumed_inputs");
    let each = import.attributes.int_or("spatial", 1)? == 0;
    import.attributes.take("spatial");
    if import.outputs() > 1 && !tests {
        import.attributes.set("training_mode", 1);
    }
    if each {
        // A mean for each element: every element becomes a channel.
        let x = import.input(0)?;
        let shape = import.before(names::SHAPE, vec![Some(x)], Attributes::new())?;
        let matrix = import.before(names::FLATTEN, vec![Some(x)], Attributes::new())?;
        import.set_input(0, matrix);
        let list = import.constant(Tensor::list(vec![-1_i64]));
        for input in 1..5 {
            let inputs = vec![Some(import.input(input)?), Some(list)];
            let flat = import.before(names::RESHAPE, inputs, Attributes::new())?;
            import.set_input(input, flat);
        }
        import.after(0, names::RESHAPE, &[shape], Attributes::new().with("allowzero", 1))?;
    }
    Ok(())
}

/// Examples, channels, and elements of each channel.
fn sizes(x: &[usize]) -> Result<(usize, usize, usize)> {
    match x {
        [] => Err(Trouble::graph("expected a batch, got a tensor without dimensions")),
        [batch] => Ok((*batch, 1, 1)),
        [batch, channels, spatial @ ..] => Ok((*batch, *channels, count(spatial)?)),
    }
}

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    let (_, channels, _) = sizes(&x.dims)?;
    for input in 1..5 {
        let kind = cx.kind(input)?;
        if kind.dims != [channels] || !kind.element.is_float() {
            return Err(Trouble::graph(format!("expected {channels} floats, got {kind}")));
        }
    }
    let mut types = vec![x.clone()];
    if cx.attributes().flag("training_mode")? {
        let (mean, variance) = (cx.kind(3)?, cx.kind(4)?);
        // The last two are of sets before 14: mean and variance of the batch.
        types.extend([mean, variance, mean, variance].map(Type::clone));
    }
    Ok(types)
}

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let (batch, channels, each) = sizes(x.dims())?;
    let epsilon = f64::from(run.attributes().float_or("epsilon", 1e-5)?);
    let momentum = f64::from(run.attributes().float_or("momentum", 0.9)?);
    let trains = run.attributes().flag("training_mode")?;
    let parameter = |input: usize| run.input(input)?.cast(x.element());
    let (scale, bias) = (parameter(1)?, parameter(2)?);
    let (mean, variance) = (parameter(3)?, parameter(4)?);
    // A channel of all examples.
    let places = |channel: usize| {
        (0..batch).flat_map(move |image| {
            let start = (image * channels + channel) * each;
            start..start + each
        })
    };
    let mut lists: [Vec<f64>; 4] = Default::default();
    macro_rules! normalize {
        ($v:expr, $kind:ty) => {{
            let (scale, bias) = (scale.values::<$kind>()?, bias.values::<$kind>()?);
            let (mean, variance) = (mean.values::<$kind>()?, variance.values::<$kind>()?);
            let mut out = $v.clone();
            for channel in 0..channels {
                let (mut middle, mut spread) = (mean[channel], variance[channel]);
                if trains {
                    let total = (batch * each) as $kind;
                    middle = places(channel).map(|at| $v[at]).sum::<$kind>() / total;
                    let squares = places(channel).map(|at| ($v[at] - middle).powi(2));
                    spread = squares.sum::<$kind>() / total;
                    let runs = |old: $kind, new: $kind| {
                        f64::from(old) * momentum + f64::from(new) * (1.0 - momentum)
                    };
                    let all = [
                        runs(mean[channel], middle),
                        runs(variance[channel], spread),
                        middle.into(),
                        spread.into(),
                    ];
                    for (list, value) in lists.iter_mut().zip(all) {
                        list.push(value);
                    }
                }
                let factor = scale[channel] / (spread + epsilon as $kind).sqrt();
                for at in places(channel) {
                    out[at] = (out[at] - middle) * factor + bias[channel];
                }
            }
            out.into()
        }};
    }
    let data: Data = match x.data() {
        Data::F32(v) => normalize!(v, f32),
        Data::F64(v) => normalize!(v, f64),
        _ => return Err(of_type(x)),
    };
    let mut outputs = vec![run.shaped(0, data)?];
    for (kind, list) in run.outputs.iter().skip(1).zip(lists) {
        outputs.push(Tensor::list(list).cast(kind.element)?);
    }
    Ok(outputs)
}

/// In inference mode the input is scaled, and so is what flows.
fn inference(cx: &mut Gradient<'_, '_>, flow: ValueId) -> Result<()> {
    let (x, scale, mean, variance) = (cx.input(0)?, cx.input(1)?, cx.input(3)?, cx.input(4)?);
    if cx.wants(0) || cx.wants(3) {
        let by = scaled(cx, flow, scale, variance)?;
        cx.give(0, by)?;
        if cx.wants(3) {
            let negative = cx.builder.apply(names::NEG, &[by])?;
            give_channels(cx, 3, negative)?;
        }
    }
    if cx.wants(1) || cx.wants(4) {
        let normal = normalized(cx, x, mean, variance)?;
        let weighted = cx.builder.mul(flow, normal)?;
        give_channels(cx, 1, weighted)?;
        if cx.wants(4) {
            // d(1 / sqrt(v)) = -1/2 v^(-3/2)
            let axes = channel_axes(cx, flow)?;
            let without = Attributes::new().with("keepdims", 0);
            let total = cx.builder.apply_with(names::REDUCE_SUM, &[weighted, axes], without)?;
            let total = cx.builder.mul(total, scale)?;
            let epsilon = f64::from(cx.node.attributes.float_or("epsilon", 1e-5)?);
            let epsilon = cx.builder.float(variance, epsilon)?;
            let above = cx.builder.add(variance, epsilon)?;
            let half = cx.builder.float(total, -0.5)?;
            let total = cx.builder.mul(total, half)?;
            let by = cx.builder.apply(names::DIV, &[total, above])?;
            cx.give(4, by)?;
        }
    }
    give_channels(cx, 2, flow)
}

/// In training mode mean and variance depend on the input too.
fn training(cx: &mut Gradient<'_, '_>, flow: ValueId) -> Result<()> {
    let (x, scale) = (cx.input(0)?, cx.input(1)?);
    if cx.wants(0) || cx.wants(1) {
        let axes = channel_axes(cx, x)?;
        let keep = || Attributes::new().with("keepdims", 1);
        let without = Attributes::new().with("keepdims", 0);
        let kept = cx.builder.apply_with(names::REDUCE_MEAN, &[x, axes], keep())?;
        let centred = cx.builder.apply(names::SUB, &[x, kept])?;
        let squares = cx.builder.mul(centred, centred)?;
        let mean = cx.builder.apply_with(names::REDUCE_MEAN, &[x, axes], without.clone())?;
        let variance = cx.builder.apply_with(names::REDUCE_MEAN, &[squares, axes], without)?;
        let normal = normalized(cx, x, mean, variance)?;
        let weighted = cx.builder.mul(flow, normal)?;
        give_channels(cx, 1, weighted)?;
        if cx.wants(0) {
            let common = cx.builder.apply_with(names::REDUCE_MEAN, &[flow, axes], keep())?;
            let along = cx.builder.apply_with(names::REDUCE_MEAN, &[weighted, axes], keep())?;
            let along = cx.builder.mul(normal, along)?;
            let rest = cx.builder.apply(names::SUB, &[flow, common])?;
            let rest = cx.builder.apply(names::SUB, &[rest, along])?;
            let by = scaled(cx, rest, scale, variance)?;
            cx.give(0, by)?;
        }
    }
    give_channels(cx, 2, flow)
}

/// A value scaled as the input is, but neither moved before nor behind.
fn scaled(
    cx: &mut Gradient<'_, '_>,
    value: ValueId,
    scale: ValueId,
    variance: ValueId,
) -> Result<ValueId> {
    let zeros = filled(cx, scale, 0.0)?;
    normalization(cx, [value, scale, zeros, zeros, variance])
}

/// The input before it is scaled and moved by the parameters.
fn normalized(
    cx: &mut Gradient<'_, '_>,
    x: ValueId,
    mean: ValueId,
    variance: ValueId,
) -> Result<ValueId> {
    let scale = cx.input(1)?;
    let (ones, zeros) = (filled(cx, scale, 1.0)?, filled(cx, scale, 0.0)?);
    normalization(cx, [x, ones, zeros, mean, variance])
}

fn normalization(cx: &mut Gradient<'_, '_>, inputs: [ValueId; 5]) -> Result<ValueId> {
    let epsilon = cx.node.attributes.float_or("epsilon", 1e-5)?;
    let attributes = Attributes::new().with("epsilon", epsilon);
    cx.builder.apply_with(names::BATCH_NORMALIZATION, &inputs, attributes)
}

/// As many of the same number as another value has.
fn filled(cx: &mut Gradient<'_, '_>, like: ValueId, number: f64) -> Result<ValueId> {
    let shape = cx.builder.shape_of(like)?;
    let one = cx.builder.float(like, number)?;
    cx.builder.apply(names::EXPAND, &[one, shape])
}

/// Every axis but that of the channels.
fn channel_axes(cx: &mut Gradient<'_, '_>, value: ValueId) -> Result<ValueId> {
    let rank = cx.builder.rank(value)? as i64;
    Ok(cx.builder.ints((0..rank).filter(|&axis| axis != 1).collect()))
}

/// The gradient by what holds one number a channel.
fn give_channels(cx: &mut Gradient<'_, '_>, input: usize, value: ValueId) -> Result<()> {
    if !cx.wants(input) {
        return Ok(());
    }
    let axes = channel_axes(cx, value)?;
    // Without channels there is one number for all examples.
    let keep = i64::from(cx.builder.rank(value)? == 1);
    let keep = Attributes::new().with("keepdims", keep);
    let total = cx.builder.apply_with(names::REDUCE_SUM, &[value, axes], keep)?;
    let like = cx.input(input)?;
    let (from, to): (Element, Element) = (cx.builder.element(total)?, cx.builder.element(like)?);
    let total = if from == to {
        total
    } else {
        let to = Attributes::new().with("to", to.to_onnx());
        cx.builder.apply_with(names::CAST, &[total], to)?
    };
    cx.give(input, total)
}
