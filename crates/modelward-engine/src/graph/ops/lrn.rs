//! `LRN`: each element over a power of the squares of its neighbours in other channels.
//!
//! Source: Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks",
//! section 3.3; ONNX `LRN`, sets 1 and 13.

use std::{iter::StepBy, ops::Range};

use crate::{
    Data, Result, Trouble, Type,
    grad::Builder,
    graph::{
        Attributes, Grad, Infer, Node, Operator, ValueId, names,
        ops::{elementwise::of_type, windows},
    },
};

pub(super) const OPS: &[&Operator] = &[&LRN, &LRN_GRAD];

pub(crate) static LRN: Operator = Operator::new(
    "LRN",
    &[1, 13],
    |cx| {
        let x = cx.kind(0)?;
        Response::of(cx.attributes(), &x.dims)?;
        Ok(vec![x.clone()])
    },
    |run| {
        let x = run.input(0)?;
        let response = Response::of(run.attributes(), x.dims())?;
        macro_rules! respond {
            ($v:expr, $kind:ty) => {{
                let mut out = $v.clone();
                let beta = response.beta as $kind;
                response.each(|at, channel, neighbours| {
                    let squares = neighbours(channel).map(|at| $v[at] * $v[at]).sum::<$kind>();
                    let scale = response.bias as $kind + response.share as $kind * squares;
                    out[at] = $v[at] / scale.powf(beta);
                });
                out.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => respond!(v, f32),
            Data::F64(v) => respond!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, attributes) = (cx.input(0)?, cx.node.attributes.clone());
        let gradient = cx.builder.apply_with(names::LRN_GRAD, &[flow, x], attributes)?;
        cx.give(0, gradient)
    }),
)
.flop(flop);

/// What flows into the input: flow, input.
static LRN_GRAD: Operator = Operator::own(
    "LrnGrad",
    |cx| {
        let (flow, x) = (cx.kind(0)?, cx.kind(1)?);
        Response::of(cx.attributes(), &x.dims)?;
        if flow != x {
            return Err(Trouble::graph(format!("expected a flow of {x}, got {flow}")));
        }
        Ok(vec![x.clone()])
    },
    |run| {
        let (flow, x) = (run.input(0)?, run.input(1)?);
        let response = Response::of(run.attributes(), x.dims())?;
        macro_rules! back {
            ($v:expr, $kind:ty) => {{
                let flow = flow.values::<$kind>()?;
                let mut out = vec![<$kind>::default(); $v.len()];
                let (beta, share) = (response.beta as $kind, response.share as $kind);
                response.each(|at, channel, neighbours| {
                    let squares = neighbours(channel).map(|at| $v[at] * $v[at]).sum::<$kind>();
                    let scale = response.bias as $kind + share * squares;
                    let power = scale.powf(-beta);
                    out[at] += flow[at] * power;
                    let common = 2.0 * share * beta * flow[at] * $v[at] * power / scale;
                    neighbours(channel).for_each(|at| out[at] -= common * $v[at]);
                });
                out.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => back!(v, f32),
            Data::F64(v) => back!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::None("the second derivative of a local response is not written"),
    lower,
)
.flop(flop);

/// The attributes, and the sizes before, of, and behind the channels.
#[derive(Debug)]
struct Response {
    size: usize,
    bias: f32,
    /// Alpha over the size.
    share: f32,
    beta: f32,
    outer: usize,
    channels: usize,
    inner: usize,
}

impl Response {
    fn of(attributes: &Attributes, x: &[usize]) -> Result<Self> {
        let &[outer, channels, ref inner @ ..] = x else {
            return Err(Trouble::graph(format!("expected a batch and channels, got {x:?}")));
        };
        let size = attributes.int("size")?;
        let size = size.ok_or_else(|| Trouble::graph("expected the attribute `size`"))?;
        let list = Attributes::new().with("size", vec![size]);
        let size = windows::sizes(&list, "size", 1, 1)?.map_or(1, |sizes| sizes[0]);
        Ok(Self {
            size,
            bias: attributes.float_or("bias", 1.0)?,
            share: attributes.float_or("alpha", 1e-4)? / size as f32,
            beta: attributes.float_or("beta", 0.75)?,
            outer: if x.contains(&0) { 0 } else { outer },
            channels,
            inner: crate::tensor::count(inner)?,
        })
    }

    /// Every element with its channel, and where the neighbours of a channel lie there.
    fn each(&self, mut each: impl FnMut(usize, usize, &dyn Fn(usize) -> StepBy<Range<usize>>)) {
        let behind = self.size / 2;
        let before = self.size - 1 - behind;
        for image in 0..self.outer {
            let first = image * self.channels * self.inner;
            for place in 0..self.inner {
                let neighbours = |channel: usize| {
                    let from = channel.saturating_sub(before);
                    let to = (channel + behind + 1).min(self.channels);
                    let place = first + place;
                    (place + from * self.inner..place + (to - 1) * self.inner + 1)
                        .step_by(self.inner)
                };
                for channel in 0..self.channels {
                    each(first + channel * self.inner + place, channel, &neighbours);
                }
            }
        }
    }
}

fn flop(cx: &Infer<'_>, types: &[Type]) -> Result<u64> {
    let Some(kind) = types.first() else { return Ok(0) };
    let response = Response::of(cx.attributes(), &kind.dims)?;
    let each = response.size.min(response.channels) as u64;
    Ok((kind.count()? as u64).saturating_mul(each.saturating_mul(2).saturating_add(4)))
}

/// Average pools over the channels give the sums over neighbours.
fn lower(builder: &mut Builder<'_>, node: &Node) -> Result<Vec<ValueId>> {
    let [Some(flow), Some(x)] = node.inputs[..] else {
        return Err(Trouble::graph("expected two inputs"));
    };
    let response = Response::of(&node.attributes, &builder.kind(x)?.dims)?;
    let behind = response.size / 2;
    let before = response.size - 1 - behind;
    let image = builder.ints(vec![0, 1, response.channels as i64, -1]);
    let pool = |first: usize, last: usize| {
        Attributes::new()
            .with("kernel_shape", vec![response.size as i64, 1])
            .with("pads", vec![first as i64, 0, last as i64, 0])
            .with("count_include_pad", 1)
    };
    let (x_image, flow) = (
        builder.apply(names::RESHAPE, &[x, image])?,
        builder.apply(names::RESHAPE, &[flow, image])?,
    );
    let squares = builder.mul(x_image, x_image)?;
    let squares = builder.apply_with(names::AVERAGE_POOL, &[squares], pool(before, behind))?;
    let alpha = f64::from(response.share) * response.size as f64;
    let alpha = builder.float(x, alpha)?;
    let bias = builder.float(x, response.bias.into())?;
    let scale = builder.mul(squares, alpha)?;
    let scale = builder.add(scale, bias)?;
    let beta = builder.float(x, -f64::from(response.beta))?;
    let power = builder.apply(names::POW, &[scale, beta])?;
    let own = builder.mul(flow, power)?;
    let weighted = builder.mul(own, x_image)?;
    let weighted = builder.apply(names::DIV, &[weighted, scale])?;
    // Each element is among the neighbours of those that are its own, the other way round.
    let common = builder.apply_with(names::AVERAGE_POOL, &[weighted], pool(behind, before))?;
    let common = builder.mul(common, x_image)?;
    let twice = f64::from(response.share) * response.size as f64 * f64::from(response.beta) * 2.0;
    let twice = builder.float(x, twice)?;
    let common = builder.mul(common, twice)?;
    let gradient = builder.apply(names::SUB, &[own, common])?;
    Ok(vec![builder.reshape_like(gradient, x)?])
}
