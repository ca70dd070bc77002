//! `Conv`: each channel of the output is a sum over windows of the input, weighted.
//!
//! Its gradients are two operators of this engine: `ConvInputGrad` (flow, weight, and the input for
//! its shape) and `ConvWeightGrad` (flow, input, and the weight for its shape), with the attributes
//! of the convolution. All three walk over the same products, and each is linear in its operands, so
//! that the gradient of one is written with the others. As plain ONNX the first is a
//! `ConvTranspose`; the second a `Conv` of the input with what flows, stride and dilation exchanged.
//!
//! Source: ONNX `Conv`, sets 1, 11 and 22.

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::{Builder, Dim, Gradient},
    graph::{
        Attributes, Grad, Infer, Node, Operator, Run, ValueId, names,
        ops::{
            elementwise::of_type,
            windows::{self, Axis},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&CONV, &CONV_INPUT_GRAD, &CONV_WEIGHT_GRAD];

static CONV: Operator = Operator::new(
    "Conv",
    &[1, 11, 22],
    |cx| {
        let geometry = Geometry::of(cx.attributes(), cx.dims(0)?, cx.dims(1)?)?;
        floats(cx, &[0, 1, 2])?;
        biased(cx, 2, geometry.channels_out())?;
        Ok(vec![Type::new(cx.element(0)?, geometry.output_dims())])
    },
    |run| {
        let (x, w) = (run.input(0)?, run.input(1)?);
        let geometry = Geometry::of(run.attributes(), x.dims(), w.dims())?;
        let data: Data = match x.data() {
            Data::F32(v) => geometry.forward(v, w.values()?, bias::<f32>(run, 2)?).into(),
            Data::F64(v) => geometry.forward(v, w.values()?, bias::<f64>(run, 2)?).into(),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, w) = (cx.input(0)?, cx.input(1)?);
        let attributes = cx.node.attributes.clone();
        if cx.wants(0) {
            let inputs = [flow, w, x];
            let by = cx.builder.apply_with(names::CONV_INPUT_GRAD, &inputs, attributes.clone())?;
            cx.give(0, by)?;
        }
        if cx.wants(1) {
            let by = cx.builder.apply_with(names::CONV_WEIGHT_GRAD, &[flow, x, w], attributes)?;
            cx.give(1, by)?;
        }
        give_bias(cx, flow, 2)
    }),
)
.flop(|cx, _| Ok(Geometry::of(cx.attributes(), cx.dims(0)?, cx.dims(1)?)?.flop()));

/// What flows into the input of a convolution: flow, weight, input.
static CONV_INPUT_GRAD: Operator = Operator::own(
    "ConvInputGrad",
    |cx| {
        let geometry = Geometry::of(cx.attributes(), cx.dims(2)?, cx.dims(1)?)?;
        geometry.flows(cx.dims(0)?)?;
        floats(cx, &[0, 1, 2])?;
        Ok(vec![cx.kind(2)?.clone()])
    },
    |run| {
        let (flow, w, x) = (run.input(0)?, run.input(1)?, run.input(2)?);
        let geometry = Geometry::of(run.attributes(), x.dims(), w.dims())?;
        let data: Data = match flow.data() {
            Data::F32(v) => geometry.by_input(v, w.values()?).into(),
            Data::F64(v) => geometry.by_input(v, w.values()?).into(),
            _ => return Err(of_type(flow)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(back) = cx.flow(0) else { return Ok(()) };
        let (flow, w) = (cx.input(0)?, cx.input(1)?);
        let attributes = cx.node.attributes.clone();
        if cx.wants(0) {
            let by = cx.builder.apply_with(names::CONV, &[back, w], attributes.clone())?;
            cx.give(0, by)?;
        }
        if cx.wants(1) {
            let by =
                cx.builder.apply_with(names::CONV_WEIGHT_GRAD, &[flow, back, w], attributes)?;
            cx.give(1, by)?;
        }
        Ok(())
    }),
    |builder, node| {
        let [flow, w, x] = three_inputs(node)?;
        let geometry = fixed(builder, node, x, w)?;
        let attributes = windows::transposed(geometry.groups, geometry.spatial());
        Ok(vec![builder.apply_with(names::CONV_TRANSPOSE, &[flow, w], attributes)?])
    },
)
.flop(|cx, _| Ok(Geometry::of(cx.attributes(), cx.dims(2)?, cx.dims(1)?)?.flop()));

/// What flows into the weight of a convolution: flow, input, weight.
static CONV_WEIGHT_GRAD: Operator = Operator::own(
    "ConvWeightGrad",
    |cx| {
        let geometry = Geometry::of(cx.attributes(), cx.dims(1)?, cx.dims(2)?)?;
        geometry.flows(cx.dims(0)?)?;
        floats(cx, &[0, 1, 2])?;
        Ok(vec![cx.kind(2)?.clone()])
    },
    |run| {
        let (flow, x, w) = (run.input(0)?, run.input(1)?, run.input(2)?);
        let geometry = Geometry::of(run.attributes(), x.dims(), w.dims())?;
        let data: Data = match flow.data() {
            Data::F32(v) => geometry.by_weight(v, x.values()?).into(),
            Data::F64(v) => geometry.by_weight(v, x.values()?).into(),
            _ => return Err(of_type(flow)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(back) = cx.flow(0) else { return Ok(()) };
        let (flow, x) = (cx.input(0)?, cx.input(1)?);
        let attributes = cx.node.attributes.clone();
        if cx.wants(0) {
            let by = cx.builder.apply_with(names::CONV, &[x, back], attributes.clone())?;
            cx.give(0, by)?;
        }
        if cx.wants(1) {
            let by = cx.builder.apply_with(names::CONV_INPUT_GRAD, &[flow, back, x], attributes)?;
            cx.give(1, by)?;
        }
        Ok(())
    }),
    lower_weight_grad,
)
.flop(|cx, _| Ok(Geometry::of(cx.attributes(), cx.dims(1)?, cx.dims(2)?)?.flop()));

/// The sizes of a convolution, checked: what it walks over can be counted in plain arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Examples.
    pub(crate) batch: usize,
    /// Groups of channels, each convolved by itself.
    pub(crate) groups: usize,
    /// Channels of the input in a group.
    pub(crate) from: usize,
    /// Channels of the output in a group.
    pub(crate) to: usize,
    /// How the window slides over depth, height and width; axes that are not there stand in front.
    pub(crate) axes: [Axis; 3],
    /// How many spatial axes there are.
    pub(crate) rank: usize,
}

/// A run of products along the last axis: one weight, and as many elements of input and output.
#[derive(Clone, Copy, Debug)]
struct Row {
    weight: usize,
    input: usize,
    output: usize,
    count: usize,
}

impl Geometry {
    /// Of a convolution of an input of this shape with a weight of this shape.
    pub(crate) fn of(attributes: &Attributes, x: &[usize], w: &[usize]) -> Result<Self> {
        let (batch, channels, input) = windows::split(x)?;
        let (outputs, from, groups) = weight_sizes(attributes, x, w)?;
        if from.checked_mul(groups) != Some(channels) || outputs % groups != 0 {
            return Err(Trouble::graph(format!(
                "a weight {w:?} in {groups} groups does not fit an input {x:?}"
            )));
        }
        let axes = windows::slide(attributes, input, &w[2..])?;
        let rank = axes.len();
        let axes = windows::three(&axes)?;
        Ok(Self { batch, groups, from, to: outputs / groups, axes, rank })
    }

    /// Channels of the input.
    pub(crate) fn channels_in(&self) -> usize {
        self.groups * self.from
    }

    /// Channels of the output.
    pub(crate) fn channels_out(&self) -> usize {
        self.groups * self.to
    }

    /// The axes that are there.
    pub(crate) fn spatial(&self) -> &[Axis] {
        &self.axes[3 - self.rank..]
    }

    /// Shape of the input.
    pub(crate) fn input_dims(&self) -> Vec<usize> {
        let spatial = self.spatial().iter().map(|axis| axis.input);
        [self.batch, self.channels_in()].into_iter().chain(spatial).collect()
    }

    /// Shape of the output.
    pub(crate) fn output_dims(&self) -> Vec<usize> {
        let spatial = self.spatial().iter().map(|axis| axis.output);
        [self.batch, self.channels_out()].into_iter().chain(spatial).collect()
    }

    /// Multiplications and additions.
    pub(crate) fn flop(&self) -> u64 {
        let each = self.axes.iter().flat_map(|axis| [axis.output, axis.kernel]);
        let sizes = [2, self.batch, self.groups, self.from, self.to].into_iter().chain(each);
        sizes.fold(1, |all: u64, one| all.saturating_mul(one as u64))
    }

    /// Refuse what cannot flow out of this convolution.
    fn flows(&self, flow: &[usize]) -> Result<()> {
        let expected = self.output_dims();
        if flow == expected {
            return Ok(());
        }
        Err(Trouble::graph(format!("expected a flow of shape {expected:?}, got {flow:?}")))
    }

    /// Every product of the convolution once, in a fixed order.
    fn rows(&self, mut each: impl FnMut(Row)) {
        if self.flop() == 0 {
            return;
        }
        let [depth, height, width] = &self.axes;
        let input_plane = depth.input * height.input * width.input;
        let output_plane = depth.output * height.output * width.output;
        let kernel = depth.kernel * height.kernel * width.kernel;
        for image in 0..self.batch {
            for to in 0..self.channels_out() {
                let group = to / self.to;
                let output = (image * self.channels_out() + to) * output_plane;
                for from in 0..self.from {
                    let channel = image * self.channels_in() + group * self.from + from;
                    let input = channel * input_plane;
                    let mut weight = (to * self.from + from) * kernel;
                    for tap_depth in 0..depth.kernel {
                        for tap_height in 0..height.kernel {
                            for tap_width in 0..width.kernel {
                                let reach = width.outputs_of(tap_width);
                                let count = reach.len();
                                for at_depth in depth.outputs_of(tap_depth) {
                                    let input_depth = depth.place(at_depth, tap_depth);
                                    for at_height in height.outputs_of(tap_height) {
                                        if count == 0 {
                                            continue;
                                        }
                                        let input_row = input_depth * height.input
                                            + height.place(at_height, tap_height);
                                        let output_row = at_depth * height.output + at_height;
                                        each(Row {
                                            weight,
                                            input: input
                                                + input_row * width.input
                                                + width.place(reach.start, tap_width),
                                            output: output
                                                + output_row * width.output
                                                + reach.start,
                                            count,
                                        });
                                    }
                                }
                                weight += 1;
                            }
                        }
                    }
                }
            }
        }
    }

    /// The output: sums of products, begun with the bias of each channel.
    pub(super) fn forward<X: Copy, T: Multiply<X>>(
        &self,
        x: &[X],
        w: &[X],
        bias: Option<&[T]>,
    ) -> Vec<T> {
        let plane = self.axes.iter().map(|axis| axis.output).product::<usize>();
        let mut y = vec![T::default(); self.batch * self.channels_out() * plane];
        if let (Some(bias), false) = (bias, y.is_empty()) {
            for (plane, &bias) in y.chunks_exact_mut(plane).zip(bias.iter().cycle()) {
                plane.fill(bias);
            }
        }
        let step = self.axes[2].stride;
        self.rows(|row| {
            let weight = w[row.weight];
            let inputs = x[row.input..].iter().step_by(step);
            for (y, &x) in y[row.output..][..row.count].iter_mut().zip(inputs) {
                y.add(x, weight);
            }
        });
        y
    }

    /// What flows into the input.
    pub(super) fn by_input<T: Multiply<T>>(&self, flow: &[T], w: &[T]) -> Vec<T> {
        let plane = self.axes.iter().map(|axis| axis.input).product::<usize>();
        let mut x = vec![T::default(); self.batch * self.channels_in() * plane];
        let step = self.axes[2].stride;
        self.rows(|row| {
            let weight = w[row.weight];
            let inputs = x[row.input..].iter_mut().step_by(step);
            for (x, &flow) in inputs.zip(&flow[row.output..][..row.count]) {
                x.add(flow, weight);
            }
        });
        x
    }

    /// What flows into the weight.
    fn by_weight<T: Multiply<T>>(&self, flow: &[T], x: &[T]) -> Vec<T> {
        let kernel = self.axes.iter().map(|axis| axis.kernel).product::<usize>();
        let mut w = vec![T::default(); self.channels_out() * self.from * kernel];
        let step = self.axes[2].stride;
        self.rows(|row| {
            let inputs = x[row.input..].iter().step_by(step);
            for (&flow, &x) in flow[row.output..][..row.count].iter().zip(inputs) {
                w[row.weight].add(flow, x);
            }
        });
        w
    }
}

/// What products are added up in.
pub(super) trait Multiply<X>: Default + Copy {
    /// Add a product.
    fn add(&mut self, x: X, w: X);
}

impl Multiply<Self> for f32 {
    fn add(&mut self, x: Self, w: Self) {
        *self += x * w;
    }
}

impl Multiply<Self> for f64 {
    fn add(&mut self, x: Self, w: Self) {
        *self += x * w;
    }
}

impl Multiply<i16> for i32 {
    fn add(&mut self, x: i16, w: i16) {
        *self = self.wrapping_add(Self::from(x).wrapping_mul(w.into()));
    }
}

/// The first two sizes of a weight, and the groups, where the weight fits its attributes.
pub(super) fn weight_sizes(
    attributes: &Attributes,
    x: &[usize],
    w: &[usize],
) -> Result<(usize, usize, usize)> {
    let wrong = || Trouble::graph(format!("a weight {w:?} does not fit an input {x:?}"));
    let &[first, second, ref kernel @ ..] = w else { return Err(wrong()) };
    if w.len() != x.len() {
        return Err(wrong());
    }
    if let Some(declared) = windows::sizes(attributes, "kernel_shape", kernel.len(), 1)?
        && declared != kernel
    {
        return Err(Trouble::graph(format!("a kernel of {declared:?}, and a weight {w:?}")));
    }
    let groups = attributes.int_or("group", 1)?;
    let groups = usize::try_from(groups).ok().filter(|&groups| groups > 0);
    let groups = groups.ok_or_else(|| Trouble::graph("expected at least one group"))?;
    Ok((first, second, groups))
}

/// Refuse inputs that are not all the same floats.
pub(super) fn floats(cx: &Infer<'_>, inputs: &[usize]) -> Result<()> {
    let first = cx.element(0)?;
    for &input in inputs {
        if cx.has(input) && (cx.element(input)? != first || !first.is_float()) {
            let got = cx.element(input)?;
            let expected = if first.is_float() { first } else { Element::F32 };
            return Err(Trouble::graph(format!("expected {expected} elements, got {got}")));
        }
    }
    Ok(())
}

/// Refuse a bias that is not one number a channel.
pub(super) fn biased(cx: &Infer<'_>, input: usize, channels: usize) -> Result<()> {
    if cx.has(input) && cx.dims(input)? != [channels] {
        let dims = cx.dims(input)?;
        return Err(Trouble::graph(format!("expected a bias of {channels} numbers, got {dims:?}")));
    }
    Ok(())
}

/// The bias, if there is one.
pub(super) fn bias<'a, T: crate::Scalar>(run: &Run<'a>, input: usize) -> Result<Option<&'a [T]>> {
    run.optional(input).map(Tensor::values).transpose()
}

/// The gradient by a bias: what flows, summed over batch and space.
pub(super) fn give_bias(cx: &mut Gradient<'_, '_>, flow: ValueId, input: usize) -> Result<()> {
    if !cx.wants(input) {
        return Ok(());
    }
    let axes = (0..cx.builder.rank(flow)? as i64).filter(|&axis| axis != 1).collect();
    let axes = cx.builder.ints(axes);
    let keep = Attributes::new().with("keepdims", 0);
    let gradient = cx.builder.apply_with(names::REDUCE_SUM, &[flow, axes], keep)?;
    cx.give(input, gradient)
}

/// Three inputs that must be there.
pub(super) fn three_inputs(node: &Node) -> Result<[ValueId; 3]> {
    match node.inputs[..] {
        [Some(one), Some(two), Some(three)] => Ok([one, two, three]),
        _ => Err(Trouble::graph("expected three inputs")),
    }
}

/// The sizes of a convolution where its attributes as plain ONNX are the same for every shape that
/// its input may have: they are where the stride is 1, whatever the size.
fn fixed(builder: &Builder<'_>, node: &Node, x: ValueId, w: ValueId) -> Result<Geometry> {
    let geometry = Geometry::of(&node.attributes, &builder.kind(x)?.dims, &builder.kind(w)?.dims)?;
    let varies = builder.dims(w)?.contains(&Dim::Varies)
        || builder
            .dims(x)?
            .iter()
            .skip(2)
            .zip(geometry.spatial())
            .any(|(dim, axis)| *dim == Dim::Varies && axis.stride != 1);
    if varies {
        return Err(Trouble::data_dependent(
            "the gradient of a convolution with strides needs an input of fixed height and width",
        ));
    }
    Ok(geometry)
}

/// As a `Conv` over the batch: examples become channels, channels of the input become examples.
fn lower_weight_grad(builder: &mut Builder<'_>, node: &Node) -> Result<Vec<ValueId>> {
    let [flow, x, w] = three_inputs(node)?;
    let geometry = fixed(builder, node, x, w)?;
    let (axes, rank) = (geometry.spatial().to_vec(), geometry.rank as i64);
    let (groups, from) = (geometry.groups as i64, geometry.from as i64);
    let spatial = |first: i64| (first..first + rank).collect::<Vec<_>>();
    let swapped = Attributes::new().with("perm", [vec![1, 0], spatial(2)].concat());
    // [batch, groups * from, ...] to [from, groups * batch, ...]
    let turned = if groups == 1 {
        builder.apply_with(names::TRANSPOSE, &[x], swapped.clone())?
    } else {
        if builder.dims(x)?.iter().skip(2).any(|dim| *dim == Dim::Varies) {
            return Err(Trouble::data_dependent(
                "the gradient of a convolution in groups needs an input of fixed height and width",
            ));
        }
        let sizes = axes.iter().map(|axis| axis.input as i64).collect::<Vec<_>>();
        let apart = builder.ints([vec![0, groups, from], sizes.clone()].concat());
        let apart = builder.apply(names::RESHAPE, &[x, apart])?;
        let order = Attributes::new().with("perm", [vec![2, 1, 0], spatial(3)].concat());
        let apart = builder.apply_with(names::TRANSPOSE, &[apart], order)?;
        let joined = builder.ints([vec![from, -1], sizes].concat());
        builder.apply(names::RESHAPE, &[apart, joined])?
    };
    let flow = builder.apply_with(names::TRANSPOSE, &[flow], swapped.clone())?;
    // The same padding, with stride and dilation exchanged.
    let mut attributes = windows::convolution(geometry.groups, &axes);
    if let (Some(strides), Some(dilations)) =
        (attributes.take("strides"), attributes.take("dilations"))
    {
        attributes.set("strides", dilations);
        attributes.set("dilations", strides);
    }
    let mut found = builder.apply_with(names::CONV, &[turned, flow], attributes)?;
    for (at, axis) in axes.iter().enumerate() {
        // Strides that do not divide the input leave room for taps that the kernel does not have.
        if axis.transposed().1 >= axis.dilation {
            let taps = builder.ints((0..axis.kernel as i64).collect());
            let along = Attributes::new().with("axis", at as i64 + 2);
            found = builder.apply_with(names::GATHER, &[found, taps], along)?;
        }
    }
    Ok(vec![builder.apply_with(names::TRANSPOSE, &[found], swapped)?])
}
