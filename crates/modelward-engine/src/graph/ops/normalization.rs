//! `LayerNormalization`, `RMSNormalization`, `InstanceNormalization`, `GroupNormalization`: elements
//! moved and scaled by the mean and variance of those around them.
//!
//! All four normalise rows of neighbouring elements: those from an axis on, or those of a group of
//! channels. Two operators of this engine carry the gradients: `Normalize`, without scale and bias,
//! and `NormalizeGrad` (flow, input), which is linear in what flows and its own transpose.
//! Statistics are kept in the precision of the input, or in `f32` where that is less.
//!
//! Source: Ba et al. 2016, "Layer normalization"; Zhang and Sennrich 2019, "Root mean square layer
//! normalization"; Ulyanov et al. 2016, "Instance normalization"; Wu and He 2018, "Group
//! normalization"; the ONNX operators of these names.

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::{Builder, Gradient},
    graph::{
        Attributes, Grad, Infer, Node, Operator, Run, ValueId, axis_of, names,
        ops::elementwise::{Places, broadcast, of_type},
    },
    onnx::Import,
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[
    &LAYER_NORMALIZATION,
    &RMS_NORMALIZATION,
    &INSTANCE_NORMALIZATION,
    &GROUP_NORMALIZATION,
    &NORMALIZE,
    &NORMALIZE_GRAD,
];

static LAYER_NORMALIZATION: Operator = Operator::new(
    "LayerNormalization",
    &[17],
    |cx| {
        let x = cx.kind(0)?;
        let axis = cx.axis(cx.attributes().int_or("axis", -1)?, x.dims.len())?;
        parameters(cx, |dims| broadcasts(dims, &x.dims))?;
        let mut dims = x.dims.clone();
        dims[axis..].fill(1);
        let stash = match (x.element, cx.attributes().int_or("stash_type", 1)?) {
            (Element::F64, _) => Element::F64,
            (_, 1) => Element::F32,
            (_, 16) => Element::Bf16,
            (_, other) => {
                return Err(Trouble::graph(format!("no such `stash_type`: {other}")));
            }
        };
        let kept = Type::new(stash, dims);
        Ok(vec![x.clone(), kept.clone(), kept])
    },
    |run| {
        let rows = Rows::of(run.attributes(), run.input(0)?.dims())?;
        normalize(run, &rows, true, Spread::Trailing)
    },
    Grad::Rule(|cx| by_all(cx, along_axis(&cx.node.attributes, true)?, Spread::Trailing)),
)
.flop(flop);

static RMS_NORMALIZATION: Operator = Operator::new(
    "RMSNormalization",
    &[23],
    |cx| {
        let x = cx.kind(0)?;
        cx.axis(cx.attributes().int_or("axis", -1)?, x.dims.len())?;
        parameters(cx, |dims| broadcasts(dims, &x.dims))?;
        Ok(vec![x.clone()])
    },
    |run| {
        let rows = Rows::of(run.attributes(), run.input(0)?.dims())?;
        normalize(run, &rows, false, Spread::Trailing)
    },
    Grad::Rule(|cx| by_all(cx, along_axis(&cx.node.attributes, false)?, Spread::Trailing)),
)
.flop(flop);

static INSTANCE_NORMALIZATION: Operator = Operator::new(
    "InstanceNormalization",
    &[1, 6, 22],
    |cx| {
        let x = cx.kind(0)?;
        channels(cx, &x.dims)?;
        Ok(vec![x.clone()])
    },
    |run| {
        let space = along_space(run.attributes())?;
        let rows = Rows::of(&space, run.input(0)?.dims())?;
        normalize(run, &rows, true, Spread::Channels)
    },
    Grad::Rule(|cx| by_all(cx, along_space(&cx.node.attributes)?, Spread::Channels)),
)
.flop(flop);

/// Since set 21 with a scale and a bias of each channel.
static GROUP_NORMALIZATION: Operator = Operator::new(
    "GroupNormalization",
    &[18, 21],
    |cx| {
        let x = cx.kind(0)?;
        channels(cx, &x.dims)?;
        Rows::of(&in_groups(cx.attributes())?, &x.dims)?;
        Ok(vec![x.clone()])
    },
    |run| {
        let groups = in_groups(run.attributes())?;
        let rows = Rows::of(&groups, run.input(0)?.dims())?;
        normalize(run, &rows, true, Spread::Channels)
    },
    Grad::Rule(|cx| by_all(cx, in_groups(&cx.node.attributes)?, Spread::Channels)),
)
.flop(flop)
.import(by_channel);

/// An input with the mean of each row taken off, unless it is not `centred`, over the deviation.
static NORMALIZE: Operator = Operator::own(
    "Normalize",
    |cx| {
        let x = cx.kind(0)?;
        Rows::of(cx.attributes(), &x.dims)?;
        Ok(vec![x.clone()])
    },
    |run| {
        let rows = Rows::of(run.attributes(), run.input(0)?.dims())?;
        let centred = run.attributes().int_or("centred", 1)? != 0;
        normalize(run, &rows, centred, Spread::None)
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, attributes) = (cx.input(0)?, cx.node.attributes.clone());
        let gradient = cx.builder.apply_with(names::NORMALIZE_GRAD, &[flow, x], attributes)?;
        cx.give(0, gradient)
    }),
    |builder, node| {
        let Some(x) = node.inputs.first().copied().flatten() else {
            return Err(Trouble::graph("expected an input"));
        };
        let plain = Plain::write(builder, node, x)?;
        Ok(vec![builder.reshape_like(plain.normal, x)?])
    },
)
.flop(flop);

/// What flows into the input of [`NORMALIZE`]: flow, input.
static NORMALIZE_GRAD: Operator = Operator::own(
    "NormalizeGrad",
    |cx| {
        let (flow, x) = (cx.kind(0)?, cx.kind(1)?);
        Rows::of(cx.attributes(), &x.dims)?;
        if flow != x {
            return Err(Trouble::graph(format!("expected a flow of {x}, got {flow}")));
        }
        Ok(vec![x.clone()])
    },
    back,
    Grad::Rule(|cx| {
        let Some(back) = cx.flow(0) else { return Ok(()) };
        let (flow, x, attributes) = (cx.input(0)?, cx.input(1)?, cx.node.attributes.clone());
        let turned = cx.builder.apply_with(names::NORMALIZE_GRAD, &[back, x], attributes)?;
        if cx.wants(1) {
            let by = curved(cx.builder, cx.node, [back, turned, flow, x])?;
            cx.give(1, by)?;
        }
        cx.give(0, turned)
    }),
    |builder, node| {
        let [Some(flow), Some(x)] = node.inputs[..] else {
            return Err(Trouble::graph("expected two inputs"));
        };
        let plain = Plain::write(builder, node, x)?;
        let (axes, normal) = (plain.axes, plain.normal);
        let mut rest = match plain.view {
            Some(view) => builder.apply(names::RESHAPE, &[flow, view])?,
            None => flow,
        };
        let weighted = builder.mul(rest, normal)?;
        let along = builder.apply(names::REDUCE_MEAN, &[weighted, axes])?;
        let along = builder.mul(normal, along)?;
        if node.attributes.int_or("centred", 1)? != 0 {
            let common = builder.apply(names::REDUCE_MEAN, &[rest, axes])?;
            rest = builder.apply(names::SUB, &[rest, common])?;
        }
        let rest = builder.apply(names::SUB, &[rest, along])?;
        let gradient = builder.apply(names::DIV, &[rest, plain.deviation])?;
        Ok(vec![builder.reshape_like(gradient, x)?])
    },
)
.flop(flop);

/// The gradient of [`NORMALIZE_GRAD`] by its input, where `back` flows and `turned` is what the
/// operator makes of that: with y the normalised input, s the deviation and G the operator,
/// `-(y mean(back G(flow)) + mean(flow y) G(back) + mean(back y) G(flow)) / s`.
fn curved(
    builder: &mut Builder<'_>,
    node: &Node,
    [back, turned, flow, x]: [ValueId; 4],
) -> Result<ValueId> {
    let passed = builder.apply_with(names::NORMALIZE_GRAD, &[flow, x], node.attributes.clone())?;
    let plain = Plain::write(builder, node, x)?;
    let (axes, normal) = (plain.axes, plain.normal);
    let mut values = [back, turned, flow, passed];
    if let Some(view) = plain.view {
        for value in &mut values {
            *value = builder.apply(names::RESHAPE, &[*value, view])?;
        }
    }
    let [back, turned, flow, passed] = values;
    let mut total = None;
    for (a, b, times) in [(back, passed, normal), (flow, normal, turned), (back, normal, passed)] {
        let product = builder.mul(a, b)?;
        let mean = builder.apply(names::REDUCE_MEAN, &[product, axes])?;
        let term = builder.mul(mean, times)?;
        total = Some(match total {
            Some(total) => builder.add(total, term)?,
            None => term,
        });
    }
    let total = builder.apply(names::NEG, &[total.unwrap_or(normal)])?;
    let by = builder.apply(names::DIV, &[total, plain.deviation])?;
    builder.reshape_like(by, x)
}

/// How a scale and a bias are spread over the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spread {
    /// There are none.
    None,
    /// As broadcasting says.
    Trailing,
    /// One number for each channel.
    Channels,
}

/// Rows of neighbouring elements, and what is added to their variance.
#[derive(Clone, Copy, Debug)]
struct Rows {
    row: usize,
    epsilon: f32,
}

impl Rows {
    fn of(attributes: &Attributes, dims: &[usize]) -> Result<Self> {
        count(dims)?;
        let epsilon = attributes.float_or("epsilon", 1e-5)?;
        let row = match attributes.int("num_groups")? {
            Some(groups) => {
                let [_, channels, spatial @ ..] = dims else {
                    return Err(Trouble::graph(format!("expected channels, got {dims:?}")));
                };
                let each = usize::try_from(groups).ok().filter(|&groups| groups > 0);
                let each = each.filter(|groups| channels % groups == 0);
                let each = each.map(|groups| channels / groups);
                let each = each.ok_or_else(|| {
                    Trouble::graph(format!("{channels} channels do not fall into {groups} groups"))
                })?;
                count(spatial)?.saturating_mul(each)
            }
            None => {
                let axis = axis_of(attributes.int_or("axis", -1)?, dims.len())?;
                count(&dims[axis..])?
            }
        };
        Ok(Self { row, epsilon })
    }
}

/// The attributes of [`NORMALIZE`] for the axes from one on.
fn along_axis(attributes: &Attributes, centred: bool) -> Result<Attributes> {
    Ok(Attributes::new()
        .with("axis", attributes.int_or("axis", -1)?)
        .with("epsilon", attributes.float_or("epsilon", 1e-5)?)
        .with("centred", i64::from(centred)))
}

/// For the spatial axes.
fn along_space(attributes: &Attributes) -> Result<Attributes> {
    Ok(Attributes::new().with("axis", 2).with("epsilon", attributes.float_or("epsilon", 1e-5)?))
}

/// For groups of channels.
fn in_groups(attributes: &Attributes) -> Result<Attributes> {
    let groups = attributes.int("num_groups")?;
    let groups = groups.ok_or_else(|| Trouble::graph("expected the attribute `num_groups`"))?;
    Ok(Attributes::new()
        .with("num_groups", groups)
        .with("epsilon", attributes.float_or("epsilon", 1e-5)?))
}

/// Before set 21 a scale and a bias of each group: they are written out for each channel.
fn by_channel(import: &mut Import<'_>) -> Result<()> {
    if import.version >= 21 {
        return Ok(());
    }
    let groups = import.attributes.int("num_groups")?;
    let groups = groups.ok_or_else(|| Trouble::graph("expected the attribute `num_groups`"))?;
    let x = import.input(0)?;
    let second = Attributes::new().with("start", 1).with("end", 2);
    let channels = import.before(names::SHAPE, vec![Some(x)], second)?;
    let groups = import.constant(Tensor::list(vec![groups]));
    let inputs = vec![Some(channels), Some(groups)];
    let each = import.before(names::DIV, inputs, Attributes::new())?;
    let axis = import.constant(Tensor::list(vec![1_i64]));
    let all = import.constant(Tensor::list(vec![-1_i64]));
    for input in 1..3 {
        let inputs = vec![Some(import.input(input)?), Some(axis)];
        let column = import.before(names::UNSQUEEZE, inputs, Attributes::new())?;
        let inputs = vec![Some(column), Some(each)];
        let table = import.before(names::EXPAND, inputs, Attributes::new())?;
        let inputs = vec![Some(table), Some(all)];
        let list = import.before(names::RESHAPE, inputs, Attributes::new())?;
        import.set_input(input, list);
    }
    Ok(())
}

fn broadcasts(from: &[usize], to: &[usize]) -> bool {
    broadcast(&[from, to]).is_ok_and(|dims| dims == to)
}

/// Refuse a scale or a bias that does not fit.
fn parameters(cx: &Infer<'_>, fits: impl Fn(&[usize]) -> bool) -> Result<()> {
    let x = cx.kind(0)?;
    if !x.element.is_float() {
        return Err(Trouble::graph(format!("expected floats, got {x}")));
    }
    cx.kind(1)?;
    for input in 1..3 {
        if cx.has(input) && !(fits(cx.dims(input)?) && cx.element(input)?.is_float()) {
            let got = cx.kind(input)?;
            return Err(Trouble::graph(format!("{got} does not fit an input {x}")));
        }
    }
    Ok(())
}

/// Refuse a scale and a bias that are not one number a channel.
fn channels(cx: &Infer<'_>, x: &[usize]) -> Result<()> {
    let &[_, channels, _, ..] = x else {
        return Err(Trouble::graph(format!(
            "expected a batch, channels and spatial axes, got a shape {x:?}"
        )));
    };
    parameters(cx, |dims| dims == [channels])
}

fn flop(cx: &Infer<'_>, types: &[Type]) -> Result<u64> {
    let count = types.first().map_or(Ok(0), Type::count)?;
    Ok((count as u64).saturating_mul(if cx.has(2) { 8 } else { 7 }))
}

fn normalize(run: &Run<'_>, rows: &Rows, centred: bool, spread: Spread) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    // Shape of a parameter once it broadcasts to the input.
    let shape = |dims: &[usize]| match spread {
        Spread::Channels => {
            let spatial = x.dims().len().saturating_sub(2);
            dims.iter().copied().chain(std::iter::repeat_n(1, spatial)).collect::<Vec<_>>()
        }
        _ => dims.to_vec(),
    };
    let parameter = |input: usize| match spread {
        Spread::None => Ok(None),
        _ => run.optional(input).map(|tensor| tensor.cast(x.element())).transpose(),
    };
    let (scale, bias) = (parameter(1)?, parameter(2)?);
    let mut kept: [Vec<f64>; 2] = Default::default();
    macro_rules! rows {
        ($v:expr, $kind:ty) => {{
            let mut out = $v.clone();
            let size = rows.row as $kind;
            if rows.row > 0 {
                for row in out.chunks_exact_mut(rows.row) {
                    let mut mean = 0.0;
                    if centred {
                        mean = row.iter().sum::<$kind>() / size;
                    }
                    let squares = row.iter().map(|&x| (x - mean) * (x - mean));
                    let variance = squares.sum::<$kind>() / size;
                    let inverse = 1.0 / (variance + rows.epsilon as $kind).sqrt();
                    row.iter_mut().for_each(|x| *x = (*x - mean) * inverse);
                    if run.outputs.len() > 1 {
                        kept[0].push(mean.into());
                        kept[1].push(inverse.into());
                    }
                }
            }
            if let Some(scale) = &scale {
                let values = scale.values::<$kind>()?;
                let places = Places::broadcast(&shape(scale.dims()), x.dims());
                out.iter_mut().zip(places).for_each(|(x, at)| *x *= values[at]);
            }
            if let Some(bias) = &bias {
                let values = bias.values::<$kind>()?;
                let places = Places::broadcast(&shape(bias.dims()), x.dims());
                out.iter_mut().zip(places).for_each(|(x, at)| *x += values[at]);
            }
            out.into()
        }};
    }
    let data: Data = match x.data() {
        Data::F32(v) => rows!(v, f32),
        Data::F64(v) => rows!(v, f64),
        _ => return Err(of_type(x)),
    };
    let mut outputs = vec![run.shaped(0, data)?];
    for (kind, mut list) in run.outputs.iter().skip(1).zip(kept) {
        // Rows without elements have no mean.
        list.resize(kind.count()?, f64::NAN);
        outputs.push(Tensor::new(kind.dims.clone(), list)?.cast(kind.element)?);
    }
    Ok(outputs)
}

fn back(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (flow, x) = (run.input(0)?, run.input(1)?);
    let rows = Rows::of(run.attributes(), x.dims())?;
    let centred = run.attributes().int_or("centred", 1)? != 0;
    macro_rules! rows {
        ($v:expr, $kind:ty) => {{
            let flow = flow.values::<$kind>()?;
            let mut out = Vec::with_capacity($v.len());
            let size = rows.row as $kind;
            for (x, flow) in $v.chunks(rows.row.max(1)).zip(flow.chunks(rows.row.max(1))) {
                let (mut mean, mut common) = (0.0, 0.0);
                if centred {
                    mean = x.iter().sum::<$kind>() / size;
                    common = flow.iter().sum::<$kind>() / size;
                }
                let squares = x.iter().map(|&x| (x - mean) * (x - mean)).sum::<$kind>();
                let inverse = 1.0 / (squares / size + rows.epsilon as $kind).sqrt();
                let along = x.iter().zip(flow).map(|(&x, &flow)| (x - mean) * inverse * flow);
                let along = along.sum::<$kind>() / size;
                out.extend(
                    x.iter().zip(flow).map(|(&x, &flow)| {
                        inverse * (flow - common - (x - mean) * inverse * along)
                    }),
                );
            }
            out.into()
        }};
    }
    let data: Data = match x.data() {
        Data::F32(v) => rows!(v, f32),
        Data::F64(v) => rows!(v, f64),
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, data)?])
}

/// The gradients by input, scale and bias. `rows` are the attributes of [`NORMALIZE`].
fn by_all(cx: &mut Gradient<'_, '_>, rows: Attributes, spread: Spread) -> Result<()> {
    if (1..cx.node.outputs.len()).any(|output| cx.flow(output).is_some()) {
        return Err(Trouble::unsupported("the gradient of a mean or deviation that is kept"));
    }
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let (x, scale) = (cx.input(0)?, cx.input(1)?);
    let rank = cx.builder.rank(x)?;
    let element = cx.builder.element(x)?;
    if cx.wants(0) {
        let mut scale = scale;
        if spread == Spread::Channels {
            let axes = cx.builder.ints((1..rank as i64 - 1).collect());
            scale = cx.builder.apply(names::UNSQUEEZE, &[scale, axes])?;
        }
        let scale = cast(cx.builder, scale, element)?;
        let scaled = cx.builder.mul(flow, scale)?;
        let by = cx.builder.apply_with(names::NORMALIZE_GRAD, &[scaled, x], rows.clone())?;
        cx.give(0, by)?;
    }
    if cx.wants(1) {
        let normal = cx.builder.apply_with(names::NORMALIZE, &[x], rows)?;
        let weighted = cx.builder.mul(flow, normal)?;
        give_parameter(cx, 1, weighted, spread)?;
    }
    give_parameter(cx, 2, flow, spread)
}

fn give_parameter(
    cx: &mut Gradient<'_, '_>,
    input: usize,
    gradient: ValueId,
    spread: Spread,
) -> Result<()> {
    if !cx.wants(input) {
        return Ok(());
    }
    let like = cx.input(input)?;
    let total = if spread == Spread::Channels {
        let rank = cx.builder.rank(gradient)? as i64;
        let axes = cx.builder.ints((0..rank).filter(|&axis| axis != 1).collect());
        let without = Attributes::new().with("keepdims", 0);
        cx.builder.apply_with(names::REDUCE_SUM, &[gradient, axes], without)?
    } else {
        cx.builder.unbroadcast(gradient, like)?
    };
    let element = cx.builder.element(like)?;
    let total = cast(cx.builder, total, element)?;
    cx.give(input, total)
}

/// Of another element type, where it is not of that already.
fn cast(builder: &mut Builder<'_>, value: ValueId, element: Element) -> Result<ValueId> {
    if builder.element(value)? == element {
        return Ok(value);
    }
    builder.apply_with(names::CAST, &[value], Attributes::new().with("to", element.to_onnx()))
}

/// A normalisation as plain ONNX.
struct Plain {
    /// The shape in which rows are axes, where the input has another.
    view: Option<ValueId>,
    axes: ValueId,
    normal: ValueId,
    deviation: ValueId,
}

impl Plain {
    fn write(builder: &mut Builder<'_>, node: &Node, x: ValueId) -> Result<Self> {
        let rank = builder.rank(x)?;
        let attributes = &node.attributes;
        let (view, first, rank) = match attributes.int("num_groups")? {
            Some(groups) => (Some(builder.ints(vec![0, groups, -1])), 2, 3),
            None => (None, axis_of(attributes.int_or("axis", -1)?, rank)?, rank),
        };
        let axes = builder.ints((first as i64..rank as i64).collect());
        let mut rest = match view {
            Some(view) => builder.apply(names::RESHAPE, &[x, view])?,
            None => x,
        };
        if attributes.int_or("centred", 1)? != 0 {
            let mean = builder.apply(names::REDUCE_MEAN, &[rest, axes])?;
            rest = builder.apply(names::SUB, &[rest, mean])?;
        }
        let squares = builder.mul(rest, rest)?;
        let variance = builder.apply(names::REDUCE_MEAN, &[squares, axes])?;
        let epsilon = f64::from(attributes.float_or("epsilon", 1e-5)?);
        let epsilon = builder.float(x, epsilon)?;
        let above = builder.add(variance, epsilon)?;
        let deviation = builder.apply(names::SQRT, &[above])?;
        let normal = builder.apply(names::DIV, &[rest, deviation])?;
        Ok(Self { view, axes, normal, deviation })
    }
}
