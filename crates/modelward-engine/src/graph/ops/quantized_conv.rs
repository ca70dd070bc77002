//! Convolutions of quantised numbers: `ConvInteger`, `QLinearConv`.
//!
//! Padding counts as the zero point. Products are added up in whole numbers of 32 bits, which wrap,
//! and scaled in `f32`.
//!
//! Source: ONNX operators of these names, set 10.

use crate::{
    Element, Result, Trouble, Type,
    graph::{
        Grad, Infer, Operator, Run,
        ops::{
            conv::{Geometry, bias, biased},
            quantize::{pack, range, zeros},
            quantized_product::{ROUNDS, rescaled, shifted},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&CONV_INTEGER, &QLINEAR_CONV];

static CONV_INTEGER: Operator = Operator::new(
    "ConvInteger",
    &[10],
    |cx| {
        let geometry = geometry(cx, 0, 1)?;
        for (zero, channels) in [(2, 1), (3, geometry.channels_out())] {
            if cx.has(zero) {
                each_channel(cx, zero, channels)?;
                range(cx.element(zero)?)?;
            }
        }
        Ok(vec![Type::new(Element::I32, geometry.output_dims())])
    },
    |run| {
        let sums = convolved(run, [0, 1], [2, 3], None)?.1;
        Ok(vec![run.shaped(0, sums)?])
    },
    Grad::None("it computes on whole numbers"),
)
.flop(|cx, _| Ok(geometry(cx, 0, 1)?.flop()));

static QLINEAR_CONV: Operator = Operator::new(
    "QLinearConv",
    &[10],
    |cx| {
        let geometry = geometry(cx, 0, 3)?;
        let channels = geometry.channels_out();
        for (input, channels) in [(1, 1), (2, 1), (4, channels), (5, channels), (6, 1), (7, 1)] {
            each_channel(cx, input, channels)?;
        }
        for zero in [2, 5, 7] {
            range(cx.element(zero)?)?;
        }
        biased(cx, 8, channels)?;
        Ok(vec![Type::new(cx.element(7)?, geometry.output_dims())])
    },
    |run| {
        let (geometry, sums) = convolved(run, [0, 3], [2, 5], bias(run, 8)?)?;
        let scales = |input: usize| run.input(input)?.floats();
        let (scale_x, scale_w, scale_y) = (scales(1)?, scales(4)?, scales(6)?);
        let zero = zeros(run, 7)?;
        let plane = geometry.axes.iter().map(|axis| axis.output).product::<usize>().max(1);
        let levels = sums.iter().enumerate().map(|(at, &sum)| {
            let channel = at / plane % geometry.channels_out();
            let scale_w = scale_w[if scale_w.len() == 1 { 0 } else { channel }];
            let scale = scale_x[0] as f32 * scale_w as f32 / scale_y[0] as f32;
            rescaled(sum, scale).saturating_add(zero[0])
        });
        Ok(vec![run.shaped(0, pack(run.output(0)?.element, levels)?)?])
    },
    ROUNDS,
)
.flop(|cx, _| Ok(geometry(cx, 0, 3)?.flop()));

fn geometry(cx: &Infer<'_>, x: usize, w: usize) -> Result<Geometry> {
    for operand in [x, w] {
        let element = cx.element(operand)?;
        if !matches!(element, Element::U8 | Element::I8) {
            return Err(Trouble::graph(format!("expected u8 or i8 elements, got {element}")));
        }
    }
    Geometry::of(cx.attributes(), cx.dims(x)?, cx.dims(w)?)
}

/// Refuse what is neither one number nor one for each channel.
fn each_channel(cx: &Infer<'_>, input: usize, channels: usize) -> Result<()> {
    let dims = cx.dims(input)?;
    let one = dims.iter().all(|&size| size == 1);
    if one || dims == [channels] {
        return Ok(());
    }
    Err(Trouble::graph(format!("expected one number or {channels}, got a shape {dims:?}")))
}

/// The sums of products of an input and a weight, each above its zero point.
fn convolved(
    run: &Run<'_>,
    [x, w]: [usize; 2],
    [zero_x, zero_w]: [usize; 2],
    bias: Option<&[i32]>,
) -> Result<(Geometry, Vec<i32>)> {
    let (x, w) = (run.input(x)?, run.input(w)?);
    let geometry = Geometry::of(run.attributes(), x.dims(), w.dims())?;
    let (zero_x, zero_w) = (zeros(run, zero_x)?, zeros(run, zero_w)?);
    let channel = (w.count() / geometry.channels_out().max(1)).max(1);
    let x = shifted(x, |_| zero_x[0])?;
    let w = shifted(w, |at| zero_w[if zero_w.len() == 1 { 0 } else { at / channel }])?;
    let sums = geometry.forward(&x, &w, bias);
    Ok((geometry, sums))
}
