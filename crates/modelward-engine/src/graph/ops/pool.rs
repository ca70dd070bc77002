//! `MaxPool`, `AveragePool`: one number for each window.
//!
//! The gradient of a largest element goes to the first in row-major order of its window that is as
//! large; where windows overlap, gradients add up. Padding counts as smaller than everything for
//! `MaxPool`, and as 0 for `AveragePool`, which divides by the elements of the input in a window, or
//! with `count_include_pad` of the padded input; what `ceil_mode` reaches beyond that is never
//! counted.
//!
//! Source: ONNX `MaxPool`, sets 1 to 22, and `AveragePool`, sets 1 to 22.

use std::iter::Sum;

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::{Builder, Dim},
    graph::{
        Attributes, Grad, Infer, Node, Operator, Run, ValueId, names,
        ops::{
            elementwise::of_type,
            windows::{self, Axis},
        },
    },
};

pub(super) const OPS: &[&Operator] =
    &[&MAX_POOL, &MAX_POOL_GRAD, &AVERAGE_POOL, &AVERAGE_POOL_GRAD];

static MAX_POOL: Operator = Operator::new(
    "MaxPool",
    &[1, 8, 10, 11, 12, 22],
    |cx| {
        let dims = Pool::of(cx.attributes(), cx.dims(0)?)?.output_dims(cx.dims(0)?);
        Ok(vec![Type::new(cx.element(0)?, dims.clone()), Type::new(Element::I64, dims)])
    },
    max_pool,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let x = cx.input(0)?;
        let mut attributes = cx.node.attributes.clone();
        attributes.take("storage_order");
        let gradient = cx.builder.apply_with(names::MAX_POOL_GRAD, &[flow, x], attributes)?;
        cx.give(0, gradient)
    }),
)
.flop(flop);

/// What flows into the input of a `MaxPool`: flow, input.
static MAX_POOL_GRAD: Operator = Operator::own(
    "MaxPoolGrad",
    back_type,
    |run| {
        let (flow, x) = (run.input(0)?, run.input(1)?);
        let pool = Pool::of(run.attributes(), x.dims())?;
        macro_rules! spread {
            ($v:expr, $kind:ty) => {{
                let flow = flow.values::<$kind>()?;
                let mut out = vec![<$kind>::default(); $v.len()];
                pool.windows(|at, window| {
                    if let Some(most) = window.first_largest($v) {
                        out[most] += flow[at];
                    }
                });
                out.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => spread!(v, f32),
            Data::F64(v) => spread!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    // It is linear in what flows: its transpose picks the largest elements' places.
    Grad::Rule(|cx| {
        let Some(back) = cx.flow(0) else { return Ok(()) };
        if cx.wants(0) {
            let x = cx.input(1)?;
            let indices = places(cx.builder, x, &cx.node.attributes)?;
            let flat = flat(cx.builder, back)?;
            let picked = cx.builder.apply(names::GATHER, &[flat, indices])?;
            cx.give(0, picked)?;
        }
        Ok(())
    }),
    |builder, node| {
        let [flow, x] = two_inputs(node)?;
        let indices = places(builder, x, &node.attributes)?;
        if let Some(window) = apart(builder, x, &node.attributes)? {
            return Ok(vec![builder.apply_with(names::MAX_UNPOOL, &[flow, indices], window)?]);
        }
        let shape = builder.shape_of(x)?;
        let zero = builder.float(x, 0.0)?;
        let zeros = builder.apply(names::EXPAND, &[zero, shape])?;
        let (zeros, indices, flow) =
            (flat(builder, zeros)?, flat(builder, indices)?, flat(builder, flow)?);
        let add = Attributes::new().with("axis", 0).with("reduction", "add");
        let sums = builder.apply_with(names::SCATTER_ELEMENTS, &[zeros, indices, flow], add)?;
        Ok(vec![builder.reshape_like(sums, x)?])
    },
)
.flop(back_flop);

static AVERAGE_POOL: Operator = Operator::new(
    "AveragePool",
    &[1, 7, 10, 11, 19, 22],
    |cx| {
        let pool = Pool::of(cx.attributes(), cx.dims(0)?)?;
        Ok(vec![Type::new(cx.element(0)?, pool.output_dims(cx.dims(0)?))])
    },
    |run| {
        let x = run.input(0)?;
        let pool = Pool::of(run.attributes(), x.dims())?;
        let data: Data = match x.data() {
            Data::F32(v) => pool.sums(v, |total, count| total / count as f32).into(),
            Data::F64(v) => pool.sums(v, |total, count| total / count as f64).into(),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, attributes) = (cx.input(0)?, cx.node.attributes.clone());
        let gradient = cx.builder.apply_with(names::AVERAGE_POOL_GRAD, &[flow, x], attributes)?;
        cx.give(0, gradient)
    }),
)
.flop(flop);

/// What flows into the input of an `AveragePool`: flow, and the input for its shape. With `sum` it
/// is that of a pool that adds up and does not divide.
static AVERAGE_POOL_GRAD: Operator = Operator::own(
    "AveragePoolGrad",
    back_type,
    |run| {
        let (flow, x) = (run.input(0)?, run.input(1)?);
        let pool = Pool::of(run.attributes(), x.dims())?;
        let sum = run.attributes().flag("sum")?;
        macro_rules! spread {
            ($v:expr, $kind:ty) => {{
                let mut out = vec![<$kind>::default(); x.count()];
                pool.windows(|at, window| {
                    let count = if sum { 1.0 } else { window.count() as $kind };
                    let share = $v[at] / count;
                    window.cells().for_each(|cell| out[cell] += share);
                });
                out.into()
            }};
        }
        let data: Data = match flow.data() {
            Data::F32(v) => spread!(v, f32),
            Data::F64(v) => spread!(v, f64),
            _ => return Err(of_type(flow)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(back) = cx.flow(0) else { return Ok(()) };
        if cx.node.attributes.flag("sum")? {
            return Err(Trouble::unsupported("the second derivative of a pool of norms"));
        }
        if cx.wants(0) {
            let attributes = cx.node.attributes.clone();
            let gradient = cx.builder.apply_with(names::AVERAGE_POOL, &[back], attributes)?;
            cx.give(0, gradient)?;
        }
        Ok(())
    }),
    lower_average_grad,
)
.flop(back_flop);

/// How the windows of a pool lie in each channel.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Channels of all examples.
    pub(crate) planes: usize,
    /// How the windows slide over depth, height and width.
    pub(crate) axes: [Axis; 3],
    rank: usize,
    padded: bool,
}

impl Pool {
    /// Of a pool over an input of this shape.
    pub(crate) fn of(attributes: &Attributes, x: &[usize]) -> Result<Self> {
        let (batch, channels, input) = windows::split(x)?;
        let kernel = windows::sizes(attributes, "kernel_shape", input.len(), 1)?;
        let kernel =
            kernel.ok_or_else(|| Trouble::graph("expected the attribute `kernel_shape`"))?;
        let axes = windows::slide(attributes, input, &kernel)?;
        let rank = axes.len();
        let axes = windows::three(&axes)?;
        let planes = batch.saturating_mul(channels);
        Ok(Self { planes, axes, rank, padded: attributes.flag("count_include_pad")? })
    }

    pub(super) fn output_dims(&self, x: &[usize]) -> Vec<usize> {
        let spatial = self.axes[3 - self.rank..].iter().map(|axis| axis.output);
        x.iter().take(2).copied().chain(spatial).collect()
    }

    /// How many elements an average is of along one of these axes, at this place of the window.
    pub(crate) fn count_of(&self, axis: &Axis, at: usize) -> usize {
        if self.padded { axis.padded_taps_of(at) } else { axis.taps_of(at).len() }
    }

    pub(super) fn outputs(&self) -> usize {
        self.axes.iter().fold(self.planes, |all, axis| all * axis.output)
    }

    /// Elements that all windows look at; padding is not looked at.
    fn flop(&self) -> u64 {
        let each = self.axes.iter().flat_map(|axis| [axis.output, axis.kernel.min(axis.input)]);
        each.fold(self.planes as u64, |all, one| all.saturating_mul(one as u64))
    }

    /// What is made of the sum and the number of elements of each window.
    fn sums<T: Copy + Default + Sum<T>>(&self, x: &[T], of: impl Fn(T, usize) -> T) -> Vec<T> {
        let mut out = vec![T::default(); self.outputs()];
        self.windows(|at, window| {
            out[at] = of(window.cells().map(|cell| x[cell]).sum(), window.count());
        });
        out
    }

    /// Each window in the order of the output.
    pub(super) fn windows(&self, mut each: impl FnMut(usize, &Window)) {
        // There may be more channels than anybody can count through, each without a window.
        if self.axes.iter().any(|axis| axis.output == 0) {
            return;
        }
        let [depth, height, width] = &self.axes;
        let sizes = self.axes.map(|axis| axis.input);
        let mut at = 0;
        for plane in 0..self.planes {
            let first = plane * sizes.iter().product::<usize>();
            for at_depth in 0..depth.output {
                for at_height in 0..height.output {
                    for at_width in 0..width.output {
                        let places = [at_depth, at_height, at_width];
                        let padded = self.padded.then(|| {
                            let taps = self.axes.iter().zip(places);
                            taps.map(|(axis, at)| axis.padded_taps_of(at)).product()
                        });
                        let window = Window { first, sizes, axes: self.axes, places, padded };
                        each(at, &window);
                        at += 1;
                    }
                }
            }
        }
    }
}

/// One place of a window over a channel.
#[derive(Debug)]
pub(super) struct Window {
    /// Where the channel begins.
    first: usize,
    sizes: [usize; 3],
    axes: [Axis; 3],
    places: [usize; 3],
    /// How many elements of the padded input there are, where they are counted.
    padded: Option<usize>,
}

impl Window {
    /// Over all of this many elements.
    pub(super) fn all(count: usize) -> Self {
        let mut axes = [Axis::UNIT; 3];
        axes[2] = Axis { input: count, kernel: count, ..Axis::UNIT };
        Self { first: 0, sizes: [1, 1, count], axes, places: [0; 3], padded: None }
    }

    /// Where the elements of the input lie, in row-major order.
    pub(super) fn cells(&self) -> impl Iterator<Item = usize> {
        let [_, rows, columns] = self.sizes;
        let [depth, height, width] = self.axes;
        let [at_depth, at_height, at_width] = self.places;
        let first = self.first;
        depth.taps_of(at_depth).flat_map(move |tap| {
            let plane = first + depth.place(at_depth, tap) * rows * columns;
            height.taps_of(at_height).flat_map(move |tap| {
                let row = plane + height.place(at_height, tap) * columns;
                width.taps_of(at_width).map(move |tap| row + width.place(at_width, tap))
            })
        })
    }

    /// How many elements an average is of.
    fn count(&self) -> usize {
        self.padded.unwrap_or_else(|| {
            self.axes.iter().zip(self.places).map(|(axis, at)| axis.taps_of(at).len()).product()
        })
    }

    /// The first of the largest elements; NaN is larger than all.
    pub(super) fn first_largest<T: PartialOrd + Copy>(&self, x: &[T]) -> Option<usize> {
        let mut cells = self.cells();
        let first = cells.next()?;
        #[expect(clippy::eq_op, reason = "NaN alone differs from itself")]
        let nan = |value: T| value != value;
        Some(cells.fold(first, |most, cell| {
            let larger = x[cell] > x[most] || (nan(x[cell]) && !nan(x[most]));
            if larger { cell } else { most }
        }))
    }
}

/// The shape of the output of a pool.
pub(super) fn pooled(attributes: &Attributes, x: &[usize]) -> Result<Vec<usize>> {
    Ok(Pool::of(attributes, x)?.output_dims(x))
}

/// Means as ONNX Runtime's quantised pool takes them: with `count_include_pad` over the whole window,
/// also where `ceil_mode` reaches beyond the padding.
pub(super) fn whole_means(
    attributes: &Attributes,
    x: &[usize],
    values: &[f32],
) -> Result<Vec<f32>> {
    let pool = Pool::of(attributes, x)?;
    let kernel = pool.axes.iter().map(|axis| axis.kernel).product::<usize>();
    let count = |count| if pool.padded { kernel } else { count };
    Ok(pool.sums(values, |total, cells| total / count(cells) as f32))
}

pub(super) fn flop(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
    Ok(Pool::of(cx.attributes(), cx.dims(0)?)?.flop())
}

fn back_flop(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
    Ok(Pool::of(cx.attributes(), cx.dims(1)?)?.flop())
}

/// What flows into an input of a pool is as large as the input.
fn back_type(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(1)?;
    let expected = Pool::of(cx.attributes(), &x.dims)?.output_dims(&x.dims);
    let flow = cx.kind(0)?;
    if flow.dims != expected || flow.element != x.element {
        return Err(Trouble::graph(format!("expected a flow of shape {expected:?}, got {flow}")));
    }
    Ok(vec![x.clone()])
}

fn max_pool(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let pool = Pool::of(run.attributes(), x.dims())?;
    let indexed = run.outputs.len() > 1;
    let by_columns = run.attributes().flag("storage_order")?;
    let mut indices = vec![-1_i64; if indexed { pool.outputs() } else { 0 }];
    macro_rules! largest {
        ($v:expr, $least:expr) => {{
            let mut out = vec![$least; pool.outputs()];
            pool.windows(|at, window| {
                let Some(most) = window.first_largest($v) else { return };
                out[at] = $v[most];
                if indexed {
                    let place = if by_columns { column_major(window, most) } else { most };
                    indices[at] = place as i64;
                }
            });
            out.into()
        }};
    }
    let data: Data = match x.data() {
        Data::F32(v) => largest!(v, f32::NEG_INFINITY),
        Data::F64(v) => largest!(v, f64::NEG_INFINITY),
        Data::I8(v) => largest!(v, i8::MIN),
        Data::U8(v) => largest!(v, u8::MIN),
        _ => return Err(of_type(x)),
    };
    let mut outputs = vec![run.shaped(0, data)?];
    if indexed {
        outputs.push(run.shaped(1, indices)?);
    }
    Ok(outputs)
}

/// The place of an element where columns are stored one after the other.
fn column_major(window: &Window, cell: usize) -> usize {
    let [depths, rows, columns] = window.sizes;
    let place = cell - window.first;
    let (depth, row, column) = (place / (rows * columns), place / columns % rows, place % columns);
    window.first + (column * rows + row) * depths + depth
}

/// Where the largest element of each window lies, as `MaxPool` says.
fn places(builder: &mut Builder<'_>, x: ValueId, attributes: &Attributes) -> Result<ValueId> {
    Ok(builder.apply_all(names::MAX_POOL, vec![Some(x)], attributes.clone(), 2)?[1])
}

/// The window of a `MaxUnpool` that puts back what a pool over `x` found: where no two windows
/// share an element and they reach just as far as the input, which is of fixed size.
fn apart(builder: &Builder<'_>, x: ValueId, attributes: &Attributes) -> Result<Option<Attributes>> {
    if builder.dims(x)?.iter().skip(2).any(|dim| *dim == Dim::Varies) {
        return Ok(None);
    }
    let pool = Pool::of(attributes, &builder.kind(x)?.dims)?;
    let axes = &pool.axes[3 - pool.rank..];
    let fits = |axis: &Axis| {
        axis.stride >= axis.kernel
            && (axis.dilation, axis.before, axis.after) == (1, 0, 0)
            && axis.output > 0
            && (axis.output - 1) * axis.stride + axis.kernel == axis.input
    };
    if !axes.iter().all(fits) {
        return Ok(None);
    }
    let list = |of: fn(&Axis) -> usize| axes.iter().map(|axis| of(axis) as i64).collect::<Vec<_>>();
    let window = Attributes::new()
        .with("kernel_shape", list(|axis| axis.kernel))
        .with("strides", list(|axis| axis.stride));
    Ok(Some(window))
}

/// In one dimension.
fn flat(builder: &mut Builder<'_>, value: ValueId) -> Result<ValueId> {
    let shape = builder.ints(vec![-1]);
    builder.apply(names::RESHAPE, &[value, shape])
}

fn two_inputs(node: &Node) -> Result<[ValueId; 2]> {
    match node.inputs[..] {
        [Some(one), Some(two)] => Ok([one, two]),
        _ => Err(Trouble::graph("expected two inputs")),
    }
}

/// A transposed convolution of each channel with ones spreads the shares.
fn lower_average_grad(builder: &mut Builder<'_>, node: &Node) -> Result<Vec<ValueId>> {
    let [flow, x] = two_inputs(node)?;
    let dims = builder.dims(x)?;
    if dims.iter().skip(1).any(|dim| *dim == Dim::Varies) {
        return Err(Trouble::data_dependent(
            "the gradient of an average pool needs an input of fixed channels, height and width",
        ));
    }
    let sizes = builder.kind(x)?.dims.clone();
    let pool = Pool::of(&node.attributes, &sizes)?;
    let axes = &pool.axes[3 - pool.rank..];
    let element = builder.element(x)?;
    let mut share = flow;
    if !node.attributes.flag("sum")? {
        let one = Pool { planes: 1, ..Pool::of(&node.attributes, &sizes)? };
        let mut parts = vec![0.0_f64; one.outputs()];
        one.windows(|at, window| parts[at] = 1.0 / window.count() as f64);
        let spatial = axes.iter().map(|axis| axis.output);
        let dims = [1, 1].into_iter().chain(spatial).collect::<Vec<_>>();
        let parts = Tensor::new(dims, parts)?.cast(element)?;
        let parts = builder.constant(parts);
        share = builder.mul(flow, parts)?;
    }
    let channels = sizes.get(1).copied().unwrap_or(1);
    let kernel = axes.iter().map(|axis| axis.kernel);
    let dims = [channels, 1].into_iter().chain(kernel).collect::<Vec<_>>();
    builder_admits(&dims)?;
    let ones = Tensor::new(dims.clone(), vec![1.0_f64; crate::tensor::count(&dims)?])?;
    let ones = builder.constant(ones.cast(element)?);
    let attributes = windows::transposed(channels, axes);
    Ok(vec![builder.apply_with(names::CONV_TRANSPOSE, &[share, ones], attributes)?])
}

/// Refuse a kernel of ones that is larger than any real one.
fn builder_admits(kernel: &[usize]) -> Result<()> {
    const MOST: usize = 1 << 24;
    if crate::tensor::count(kernel)? > MOST {
        return Err(Trouble::limit(format!("a kernel of shape {kernel:?}")));
    }
    Ok(())
}
