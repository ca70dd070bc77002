//! `QuantizeLinear`, `DequantizeLinear`, `DynamicQuantizeLinear`: floats as whole numbers on a scale,
//! and back.
//!
//! Numbers are rounded half to even and saturate. There is one scale for the tensor, one for each
//! place along an axis, or one for each block along it. Rounding has no slope; the straight-through
//! rule passes what flows where the number is in range.
//!
//! Source: ONNX operators of these names, sets 10 to 28; Jacob et al. 2018, "Quantization and
//! training of neural networks for efficient integer-arithmetic-only inference".

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::{Dim, Gradient},
    graph::{
        Attributes, Grad, Infer, Operator, Run, ValueId, axis_of, names, ops::elementwise::of_type,
    },
    tensor::count,
};

pub(super) const OPS: &[&Operator] =
    &[&QUANTIZE_LINEAR, &DEQUANTIZE_LINEAR, &DYNAMIC_QUANTIZE_LINEAR];

static QUANTIZE_LINEAR: Operator = Operator::new(
    "QuantizeLinear",
    &[10, 13, 19, 21, 23, 24, 25, 28],
    |cx| {
        let x = cx.kind(0)?;
        Layout::of(cx.attributes(), &x.dims, cx.dims(1)?)?;
        zero_fits(cx, 1, 2)?;
        let declared = cx.attributes().int_or("output_dtype", 0)?;
        let declared = match declared {
            0 => None,
            declared => Some(Element::of_onnx(declared).ok_or_else(|| {
                Trouble::unsupported(format!("quantised elements of the data type {declared}"))
            })?),
        };
        let element = if cx.has(2) { cx.element(2)? } else { declared.unwrap_or(Element::U8) };
        if declared.is_some_and(|declared| declared != element) {
            return Err(Trouble::graph(format!("a zero point of {element}, not `output_dtype`")));
        }
        range(element)?;
        Ok(vec![Type::new(element, x.dims.clone())])
    },
    |run| {
        let (x, scale) = (run.input(0)?, run.input(1)?);
        let layout = Layout::of(run.attributes(), x.dims(), scale.dims())?;
        let (scale, zero) = (scale.floats()?, zeros(run, 2)?);
        let to = run.output(0)?.element;
        let shift = |at: usize| zero[if zero.len() == 1 { 0 } else { layout.at(at) }];
        macro_rules! levels {
            ($v:expr, $kind:ty) => {
                pack(
                    to,
                    $v.iter().enumerate().map(|(at, &x)| {
                        let level = x as $kind / scale[layout.at(at)] as $kind;
                        (level.round_ties_even() as i64).saturating_add(shift(at))
                    }),
                )?
            };
        }
        let data = match x.data() {
            Data::F32(v) => levels!(v, f32),
            Data::F64(v) => levels!(v, f64),
            Data::I32(v) => levels!(v, f32),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Zero("it rounds"),
)
.straight_through(straight_through);

static DEQUANTIZE_LINEAR: Operator = Operator::new(
    "DequantizeLinear",
    &[10, 13, 19, 21, 23, 24, 25, 28],
    |cx| {
        let x = cx.kind(0)?;
        Layout::of(cx.attributes(), &x.dims, cx.dims(1)?)?;
        zero_fits(cx, 1, 2)?;
        range(x.element)?;
        let element = match cx.attributes().int_or("output_dtype", 0)? {
            0 => cx.element(1)?,
            declared => {
                Element::of_onnx(declared).filter(|element| element.is_float()).ok_or_else(
                    || Trouble::unsupported(format!("floats of the data type {declared}")),
                )?
            }
        };
        if !element.is_float() {
            return Err(Trouble::graph(format!("expected a scale of floats, got {element}")));
        }
        Ok(vec![Type::new(element, x.dims.clone())])
    },
    |run| {
        let (x, scale) = (run.input(0)?, run.input(1)?);
        let layout = Layout::of(run.attributes(), x.dims(), scale.dims())?;
        let (scale, zero) = (scale.floats()?, zeros(run, 2)?);
        let shift = |at: usize| zero[if zero.len() == 1 { 0 } else { layout.at(at) }];
        let each = whole(x)?.enumerate();
        let data: Data = match run.output(0)?.element {
            Element::F64 => each
                .map(|(at, level)| (level - shift(at)) as f64 * scale[layout.at(at)])
                .collect::<Vec<_>>()
                .into(),
            _ => each
                .map(|(at, level)| (level - shift(at)) as f32 * scale[layout.at(at)] as f32)
                .collect::<Vec<_>>()
                .into(),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, scale) = (cx.input(0)?, cx.input(1)?);
        let element = cx.builder.element(flow)?;
        if cx.wants(0) {
            let scale = spread(cx, x, scale)?;
            let scale = cast(cx, scale, element)?;
            let by = cx.builder.mul(flow, scale)?;
            cx.give(0, by)?;
        }
        if cx.wants(1) {
            let zero = cx.node.inputs.get(2).copied().flatten();
            let levels = dequantized(cx, x, scale, zero)?;
            let levels = cast(cx, levels, element)?;
            let weighted = cx.builder.mul(flow, levels)?;
            give_scale(cx, weighted, scale)?;
        }
        Ok(())
    }),
)
.flop(|_, types| Ok((types.first().map_or(Ok(0), Type::count)? as u64).saturating_mul(2)));

static DYNAMIC_QUANTIZE_LINEAR: Operator = Operator::new(
    "DynamicQuantizeLinear",
    &[11],
    |cx| {
        let x = cx.kind(0)?;
        Ok(vec![
            Type::new(Element::U8, x.dims.clone()),
            Type::new(x.element, []),
            Type::new(Element::U8, []),
        ])
    },
    |run| {
        let x = run.input(0)?;
        macro_rules! levels {
            ($v:expr, $kind:ty) => {{
                let least = $v.iter().fold(0.0, |least: $kind, &x| least.min(x));
                let most = $v.iter().fold(0.0, |most: $kind, &x| most.max(x));
                let scale = if most == least { 1.0 } else { (most - least) / 255.0 };
                let zero = (-least / scale).clamp(0.0, 255.0).round_ties_even() as i64;
                let levels =
                    $v.iter().map(|&x| ((x / scale).round_ties_even() as i64).saturating_add(zero));
                (pack(Element::U8, levels)?, Tensor::scalar(scale), Tensor::scalar(zero as u8))
            }};
        }
        let (data, scale, zero) = match x.data() {
            Data::F32(v) => levels!(v, f32),
            Data::F64(v) => levels!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?, scale, zero])
    },
    Grad::None("it rounds to a range that the data give"),
)
.flop(|cx, _| Ok((cx.kind(0)?.count()? as u64).saturating_mul(4)));

/// The straight-through rule of `QuantizeLinear`: what flows, over the scale, where the number is
/// within half a step of the range.
fn straight_through(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let (x, y, scale) = (cx.input(0)?, cx.output(0)?, cx.input(1)?);
    let (least, most) = range(cx.builder.element(y)?)?;
    let element = cx.builder.element(x)?;
    if !element.is_float() {
        return Ok(());
    }
    let spread = spread(cx, y, scale)?;
    let spread = cast(cx, spread, element)?;
    let mut level = cx.builder.apply(names::DIV, &[x, spread])?;
    if let Some(zero) = cx.node.inputs.get(2).copied().flatten() {
        let shape = cx.builder.shape_of(y)?;
        let element_y = cx.builder.element(y)?;
        let none = Tensor::scalar(0_i64).cast(element_y)?;
        let none = cx.builder.constant(none);
        let nothing = cx.builder.apply(names::EXPAND, &[none, shape])?;
        let below = dequantized(cx, nothing, scale, Some(zero))?;
        let below = cast(cx, below, element)?;
        level = cx.builder.apply(names::SUB, &[level, below])?;
    }
    let flow = cast(cx, flow, element)?;
    let mut kept = cx.builder.apply(names::DIV, &[flow, spread])?;
    let nothing = cx.builder.float(x, 0.0)?;
    let (least, most) =
        (cx.builder.float(x, least as f64 - 0.5)?, cx.builder.float(x, most as f64 + 0.5)?);
    for pair in [[least, level], [level, most]] {
        let inside = cx.builder.apply(names::LESS_OR_EQUAL, &pair)?;
        kept = cx.builder.apply(names::WHERE, &[inside, kept, nothing])?;
    }
    cx.give(0, kept)
}

/// Which scale belongs to which element.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// One for all.
    Tensor,
    /// One for each place along an axis.
    Axis { size: usize, inner: usize },
    /// One for each block along an axis.
    Blocks { size: usize, inner: usize, block: usize },
}

impl Layout {
    fn of(attributes: &Attributes, x: &[usize], scale: &[usize]) -> Result<Self> {
        let block = attributes.int_or("block_size", 0)?;
        let axis = attributes.int_or("axis", 1)?;
        let wrong = || Trouble::graph(format!("scales {scale:?} do not fit an input {x:?}"));
        if block != 0 {
            let axis = axis_of(axis, x.len())?;
            let block = usize::try_from(block).map_err(|_| wrong())?;
            let fits = scale.len() == x.len()
                && (0..x.len()).all(|at| match at == axis {
                    true => scale[at] == x[at].div_ceil(block),
                    false => scale[at] == x[at],
                });
            let inner = count(&x[axis + 1..])?;
            return fits.then_some(Self::Blocks { size: x[axis], inner, block }).ok_or_else(wrong);
        }
        match scale {
            [] | [1] => Ok(Self::Tensor),
            [size] => {
                let axis = axis_of(axis, x.len())?;
                let inner = count(&x[axis + 1..])?;
                (x[axis] == *size).then_some(Self::Axis { size: *size, inner }).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }

    /// The scale of an element.
    fn at(&self, element: usize) -> usize {
        match *self {
            Self::Tensor => 0,
            Self::Axis { size, inner } => element / inner % size,
            Self::Blocks { size, inner, block } => {
                let (row, column) = (element / inner, element % inner);
                let blocks = row / size * size.div_ceil(block) + row % size / block;
                blocks * inner + column
            }
        }
    }
}

/// The least and the largest number of an element type, where it is quantised to.
pub(super) fn range(element: Element) -> Result<(i64, i64)> {
    Ok(match element {
        Element::U8 => (u8::MIN.into(), u8::MAX.into()),
        Element::I8 => (i8::MIN.into(), i8::MAX.into()),
        Element::U16 => (u16::MIN.into(), u16::MAX.into()),
        Element::I16 => (i16::MIN.into(), i16::MAX.into()),
        Element::I32 => (i32::MIN.into(), i32::MAX.into()),
        _ => return Err(Trouble::graph(format!("expected quantised elements, got {element}"))),
    })
}

/// Whole numbers as elements of a type; they saturate.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range")]
pub(super) fn pack(element: Element, levels: impl Iterator<Item = i64>) -> Result<Data> {
    let (least, most) = range(element)?;
    let levels = levels.map(|level| level.clamp(least, most));
    Ok(match element {
        Element::U8 => Data::U8(levels.map(|level| level as u8).collect()),
        Element::I8 => Data::I8(levels.map(|level| level as i8).collect()),
        Element::U16 => Data::U16(levels.map(|level| level as u16).collect()),
        Element::I16 => Data::I16(levels.map(|level| level as i16).collect()),
        _ => Data::I32(levels.map(|level| level as i32).collect()),
    })
}

/// Quantised elements, one by one.
pub(super) fn whole(tensor: &Tensor) -> Result<Box<dyn Iterator<Item = i64> + '_>> {
    Ok(match tensor.data() {
        Data::U8(v) => Box::new(v.iter().map(|&level| level.into())),
        Data::I8(v) => Box::new(v.iter().map(|&level| level.into())),
        Data::U16(v) => Box::new(v.iter().map(|&level| level.into())),
        Data::I16(v) => Box::new(v.iter().map(|&level| level.into())),
        Data::I32(v) => Box::new(v.iter().map(|&level| level.into())),
        _ => return Err(of_type(tensor)),
    })
}

/// Zero points; 0 where none are given.
pub(super) fn zeros(run: &Run<'_>, input: usize) -> Result<Vec<i64>> {
    match run.optional(input) {
        Some(zero) => whole(zero).map(Iterator::collect),
        None => Ok(vec![0]),
    }
}

/// Refuse a zero point that is not of the shape of the scale.
fn zero_fits(cx: &Infer<'_>, scale: usize, zero: usize) -> Result<()> {
    if !cx.has(zero) {
        return Ok(());
    }
    let (scale, zero) = (cx.kind(scale)?, cx.kind(zero)?);
    let both_one = scale.count()? == 1 && zero.count()? == 1;
    if scale.dims != zero.dims && !both_one {
        return Err(Trouble::graph(format!("a scale {scale} and a zero point {zero}")));
    }
    range(zero.element).map(|_| ())
}

/// The attributes that say which scale belongs to which element.
fn layout_of(attributes: &Attributes) -> Result<Attributes> {
    Ok(Attributes::new()
        .with("axis", attributes.int_or("axis", 1)?)
        .with("block_size", attributes.int_or("block_size", 0)?))
}

/// The scale of each element.
fn spread(cx: &mut Gradient<'_, '_>, like: ValueId, scale: ValueId) -> Result<ValueId> {
    let element = cx.builder.element(like)?;
    let shape = cx.builder.shape_of(like)?;
    let one = Tensor::scalar(1_i64).cast(element)?;
    let one = cx.builder.constant(one);
    let ones = cx.builder.apply(names::EXPAND, &[one, shape])?;
    let layout = layout_of(&cx.node.attributes)?;
    cx.builder.apply_with(names::DEQUANTIZE_LINEAR, &[ones, scale], layout)
}

/// The levels of each element above the zero point, as floats.
fn dequantized(
    cx: &mut Gradient<'_, '_>,
    x: ValueId,
    scale: ValueId,
    zero: Option<ValueId>,
) -> Result<ValueId> {
    let shape = cx.builder.shape_of(scale)?;
    let one = cx.builder.float(scale, 1.0)?;
    let ones = cx.builder.apply(names::EXPAND, &[one, shape])?;
    let layout = layout_of(&cx.node.attributes)?;
    let inputs = vec![Some(x), Some(ones), zero];
    Ok(cx.builder.apply_all(names::DEQUANTIZE_LINEAR, inputs, layout, 1)?[0])
}

fn cast(cx: &mut Gradient<'_, '_>, value: ValueId, element: Element) -> Result<ValueId> {
    if cx.builder.element(value)? == element {
        return Ok(value);
    }
    let to = Attributes::new().with("to", element.to_onnx());
    cx.builder.apply_with(names::CAST, &[value], to)
}

/// The gradient by a scale: summed over all elements that it belongs to.
fn give_scale(cx: &mut Gradient<'_, '_>, weighted: ValueId, scale: ValueId) -> Result<()> {
    let attributes = &cx.node.attributes;
    let (dims, scales) = (cx.builder.dims(weighted)?, cx.builder.dims(scale)?);
    let rank = dims.len() as i64;
    if attributes.int_or("block_size", 0)? != 0 {
        return Err(Trouble::unsupported("the gradient by a scale of blocks"));
    }
    let axes = match scales[..] {
        [] | [Dim::Fixed(1)] => (0..rank).collect(),
        _ => {
            let along = axis_of(attributes.int_or("axis", 1)?, dims.len())? as i64;
            (0..rank).filter(|&axis| axis != along).collect::<Vec<_>>()
        }
    };
    let mut total = weighted;
    if !axes.is_empty() {
        let axes = cx.builder.ints(axes);
        let without = Attributes::new().with("keepdims", 0);
        total = cx.builder.apply_with(names::REDUCE_SUM, &[weighted, axes], without)?;
    }
    let total = cx.builder.reshape_like(total, scale)?;
    let element = cx.builder.element(scale)?;
    let total = cast(cx, total, element)?;
    cx.give(1, total)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        Limits, Meter,
        exec::evaluate,
        grad::{Builder, Options},
        graph::{Domain, Graph, Inference, Known, Name, Value, names},
    };

    #[test]
    fn straight_through_the_range() {
        let meter = Meter::new(Limits::default());
        // One scale for each column; levels from 0 to 255 above the zero point.
        let x = Tensor::new([2, 3], vec![0.1_f64, -9.0, 3.0, 7.0, 0.2, -1.0]).unwrap();
        let mut graph = Graph::default();
        let id = graph.add_value(Value::default());
        graph.inputs.push(id);
        let kind = x.kind();
        let known = [(id, Known { kind: &kind, value: None })];
        let probe = Inference::of(&graph, &known, &meter).unwrap();
        let mut builder = Builder::new(graph, vec![probe], &meter, crate::graph::ops::named);
        let scale = builder.constant(Tensor::list(vec![0.01_f64, 0.02, 0.03]));
        let zero = builder.constant(Tensor::list(vec![0_u8, 128, 10]));
        let seed =
            builder.constant(Tensor::new([2, 3], vec![1.0_f64, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap());
        let inputs = [id, scale, zero];
        let quantize = Name { domain: Domain::Onnx, name: QUANTIZE_LINEAR.name };
        let levels = builder.apply(quantize, &inputs).unwrap();
        let y = builder.apply(names::DEQUANTIZE_LINEAR, &[levels, scale, zero]).unwrap();
        let mut options = Options { straight_through: true, ..Options::default() };
        let found = builder.gradients(&[(y, seed)], &[id], &mut options).unwrap();
        assert_eq!(options.replaced.len(), 1);
        let (mut graph, _) = builder.finish();
        graph.outputs = vec![found[0].unwrap()];
        let got = evaluate(&graph, &[(id, Arc::new(x))], &meter).unwrap();
        // In range: 10, -322, 110; 700, 138, -23.
        let expected = [1.0, 0.0, 3.0, 0.0, 5.0, 0.0];
        for (got, expected) in got[0].values::<f64>().unwrap().iter().zip(expected) {
            assert!((got - expected).abs() < 1e-12);
        }
    }
}
