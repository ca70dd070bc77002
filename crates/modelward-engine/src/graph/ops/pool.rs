//! `MaxPool`, `AveragePool`, `LpPool` and their global forms: one number for each window.
//!
//! The gradient of a largest element goes to the first in row-major order of its window that is as
//! large; where windows overlap, gradients add up. Padding counts as smaller than everything for
//! `MaxPool`, and as 0 for the others. `AveragePool` divides by the elements of the input in a
//! window, or with `count_include_pad` of the padded input; what `ceil_mode` reaches beyond that is
//! never counted.
//!
//! Source: ONNX `MaxPool`, `AveragePool`, `LpPool`, `GlobalMaxPool`, `GlobalAveragePool`,
//! `GlobalLpPool`, sets 1 to 22.

use std::iter::Sum;

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::{Builder, Dim, Gradient},
    graph::{
        Attributes, Grad, Infer, Node, Operator, Run, ValueId, ops,
        ops::{
            elementwise::of_type,
            windows::{self, Axis},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[
    &MAX_POOL,
    &MAX_POOL_GRAD,
    &AVERAGE_POOL,
    &AVERAGE_POOL_GRAD,
    &LP_POOL,
    &GLOBAL_MAX_POOL,
    &GLOBAL_AVERAGE_POOL,
    &GLOBAL_LP_POOL,
];

pub(crate) static MAX_POOL: Operator = Operator::new(
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
        let gradient = cx.builder.apply_with(&MAX_POOL_GRAD, &[flow, x], attributes)?;
        cx.give(0, gradient)
    }),
)
.flop(flop);

/// What flows into the input of a `MaxPool`: flow, input.
pub(crate) static MAX_POOL_GRAD: Operator = Operator::own(
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
            let picked = cx.builder.apply(&ops::GATHER, &[flat, indices])?;
            cx.give(0, picked)?;
        }
        Ok(())
    }),
    |builder, node| {
        let [flow, x] = two_inputs(node)?;
        let indices = places(builder, x, &node.attributes)?;
        let shape = builder.shape_of(x)?;
        let zero = builder.float(x, 0.0)?;
        let zeros = builder.apply(&ops::EXPAND, &[zero, shape])?;
        let (zeros, indices, flow) =
            (flat(builder, zeros)?, flat(builder, indices)?, flat(builder, flow)?);
        let add = Attributes::new().with("axis", 0).with("reduction", "add");
        let sums = builder.apply_with(&ops::SCATTER_ELEMENTS, &[zeros, indices, flow], add)?;
        Ok(vec![builder.reshape_like(sums, x)?])
    },
)
.flop(back_flop);

pub(crate) static AVERAGE_POOL: Operator = Operator::new(
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
        let gradient = cx.builder.apply_with(&AVERAGE_POOL_GRAD, &[flow, x], attributes)?;
        cx.give(0, gradient)
    }),
)
.flop(flop);

/// What flows into the input of an `AveragePool`: flow, and the input for its shape. With `sum` it
/// is that of a pool that adds up and does not divide.
pub(crate) static AVERAGE_POOL_GRAD: Operator = Operator::own(
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
            let gradient = cx.builder.apply_with(&AVERAGE_POOL, &[back], attributes)?;
            cx.give(0, gradient)?;
        }
        Ok(())
    }),
    lower_average_grad,
)
.flop(back_flop);

/// Norms: the `p`-th root of the sum of `p`-th powers.
pub(crate) static LP_POOL: Operator = Operator::new(
    "LpPool",
    &[2, 11, 18, 22],
    |cx| {
        let pool = Pool::of(cx.attributes(), cx.dims(0)?)?;
        power(cx.attributes())?;
        Ok(vec![Type::new(cx.element(0)?, pool.output_dims(cx.dims(0)?))])
    },
    |run| {
        let x = run.input(0)?;
        let pool = Pool::of(run.attributes(), x.dims())?;
        let p = power(run.attributes())?;
        macro_rules! norm {
            ($v:expr, $kind:ty) => {{
                let mut out = vec![<$kind>::default(); pool.outputs()];
                pool.windows(|at, window| {
                    let powers = window.cells().map(|cell| $v[cell].abs().powi(p));
                    out[at] = powers.sum::<$kind>().powf(1.0 / p as $kind);
                });
                out.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => norm!(v, f32),
            Data::F64(v) => norm!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let share = norm_share(cx, flow, y)?;
        let mut attributes = cx.node.attributes.clone();
        attributes.take("p");
        let attributes = attributes.with("sum", 1);
        let spread = cx.builder.apply_with(&AVERAGE_POOL_GRAD, &[share, x], attributes)?;
        norm_gradient(cx, spread)
    }),
)
.flop(flop);

pub(crate) static GLOBAL_MAX_POOL: Operator = Operator::new(
    "GlobalMaxPool",
    &[1, 22],
    global_type,
    |run| {
        let x = run.input(0)?;
        macro_rules! largest {
            ($v:expr) => {
                planes(x, $v, |plane| {
                    let window = Window::all(plane.len());
                    window.first_largest(plane).map(|at| plane[at]).unwrap_or_default()
                })
                .into()
            };
        }
        let data: Data = match x.data() {
            Data::F32(v) => largest!(v),
            Data::F64(v) => largest!(v),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let axes = (2..cx.builder.rank(x)? as i64).collect();
        let axes = cx.builder.ints(axes);
        let gradient = cx.builder.apply(&ops::REDUCE_EXTREME_GRAD, &[flow, x, y, axes])?;
        cx.give(0, gradient)
    }),
)
.flop(global_flop);

pub(crate) static GLOBAL_AVERAGE_POOL: Operator = Operator::new(
    "GlobalAveragePool",
    &[1, 22],
    global_type,
    |run| {
        let x = run.input(0)?;
        let data: Data = match x.data() {
            Data::F32(v) => {
                planes(x, v, |plane| plane.iter().sum::<f32>() / plane.len() as f32).into()
            }
            Data::F64(v) => {
                planes(x, v, |plane| plane.iter().sum::<f64>() / plane.len() as f64).into()
            }
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let builder = &mut *cx.builder;
        let count = count_each(builder, x, y)?;
        let share = builder.apply(&ops::DIV, &[flow, count])?;
        let shape = builder.shape_of(x)?;
        let gradient = builder.apply(&ops::EXPAND, &[share, shape])?;
        cx.give(0, gradient)
    }),
)
.flop(global_flop);

pub(crate) static GLOBAL_LP_POOL: Operator = Operator::new(
    "GlobalLpPool",
    &[2, 22],
    |cx| {
        power(cx.attributes())?;
        global_type(cx)
    },
    |run| {
        let x = run.input(0)?;
        let p = power(run.attributes())?;
        macro_rules! norm {
            ($v:expr, $kind:ty) => {
                planes(x, $v, |plane| {
                    plane.iter().map(|x| x.abs().powi(p)).sum::<$kind>().powf(1.0 / p as $kind)
                })
                .into()
            };
        }
        let data: Data = match x.data() {
            Data::F32(v) => norm!(v, f32),
            Data::F64(v) => norm!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let y = cx.output(0)?;
        let share = norm_share(cx, flow, y)?;
        norm_gradient(cx, share)
    }),
)
.flop(global_flop);

/// How the windows of a pool lie in each channel.
#[derive(Debug)]
struct Pool {
    /// Channels of all examples.
    planes: usize,
    axes: [Axis; 3],
    rank: usize,
    padded: bool,
}

impl Pool {
    fn of(attributes: &Attributes, x: &[usize]) -> Result<Self> {
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

    fn output_dims(&self, x: &[usize]) -> Vec<usize> {
        let spatial = self.axes[3 - self.rank..].iter().map(|axis| axis.output);
        x.iter().take(2).copied().chain(spatial).collect()
    }

    fn outputs(&self) -> usize {
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
    fn windows(&self, mut each: impl FnMut(usize, &Window)) {
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
struct Window {
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
    fn all(count: usize) -> Self {
        let mut axes = [Axis::UNIT; 3];
        axes[2] = Axis { input: count, kernel: count, ..Axis::UNIT };
        Self { first: 0, sizes: [1, 1, count], axes, places: [0; 3], padded: None }
    }

    /// Where the elements of the input lie, in row-major order.
    fn cells(&self) -> impl Iterator<Item = usize> {
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
    fn first_largest<T: PartialOrd + Copy>(&self, x: &[T]) -> Option<usize> {
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

fn flop(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
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
    Ok(builder.apply_all(&MAX_POOL, vec![Some(x)], attributes.clone(), 2)?[1])
}

/// In one dimension.
fn flat(builder: &mut Builder<'_>, value: ValueId) -> Result<ValueId> {
    let shape = builder.ints(vec![-1]);
    builder.apply(&ops::RESHAPE, &[value, shape])
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
    Ok(vec![builder.apply_with(&ops::CONV_TRANSPOSE, &[share, ones], attributes)?])
}

/// Refuse a kernel of ones that is larger than any real one.
fn builder_admits(kernel: &[usize]) -> Result<()> {
    const MOST: usize = 1 << 24;
    if crate::tensor::count(kernel)? > MOST {
        return Err(Trouble::limit(format!("a kernel of shape {kernel:?}")));
    }
    Ok(())
}

fn global_type(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    let (batch, channels, spatial) = windows::split(&x.dims)?;
    let ones = spatial.iter().map(|_| 1);
    Ok(vec![Type::new(x.element, [batch, channels].into_iter().chain(ones).collect::<Vec<_>>())])
}

fn global_flop(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
    Ok(cx.kind(0)?.count()? as u64)
}

/// One number for all elements of each channel.
fn planes<T: Copy>(x: &Tensor, values: &[T], of: impl Fn(&[T]) -> T) -> Vec<T> {
    let plane = x.dims()[2..].iter().product::<usize>();
    let planes = x.dims()[..2].iter().product::<usize>();
    (0..planes).map(|at| of(&values[at * plane..][..plane])).collect()
}

/// How many elements of one value each of another stands for, as a float.
fn count_each(builder: &mut Builder<'_>, of: ValueId, each: ValueId) -> Result<ValueId> {
    let dims = builder.dims(of)?;
    let spatial = dims.iter().skip(2).map(|dim| match dim {
        Dim::Fixed(size) => Some(*size as f64),
        Dim::Varies => None,
    });
    if let Some(count) = spatial.product::<Option<f64>>() {
        return builder.float(of, count);
    }
    let (all, some) = (builder.apply(&ops::SIZE, &[of])?, builder.apply(&ops::SIZE, &[each])?);
    let count = builder.apply(&ops::DIV, &[all, some])?;
    let to = Attributes::new().with("to", builder.element(of)?.to_onnx());
    builder.apply_with(&ops::CAST, &[count], to)
}

/// Which norm it is. Larger powers overflow long before.
fn power(attributes: &Attributes) -> Result<i32> {
    const MOST: i64 = 64;
    let p = attributes.int_or("p", 2)?;
    match i32::try_from(p) {
        Ok(p) if p >= 1 && i64::from(p) <= MOST => Ok(p),
        _ => Err(Trouble::graph(format!("expected a norm of 1 to {MOST}, got {p}"))),
    }
}

/// What flows, over the norm's power: 0 where the norm is 0, at its kink.
fn norm_share(cx: &mut Gradient<'_, '_>, flow: ValueId, y: ValueId) -> Result<ValueId> {
    let p = power(&cx.node.attributes)?;
    let builder = &mut *cx.builder;
    let (zero, one) = (builder.float(y, 0.0)?, builder.float(y, 1.0)?);
    let above = builder.apply(&ops::GREATER, &[y, zero])?;
    let norm = builder.apply(&ops::WHERE, &[above, y, one])?;
    let powered = powered(builder, norm, p - 1)?;
    builder.apply(&ops::DIV, &[flow, powered])
}

/// A norm's gradient from what its windows share out: times the sign and a power of the input.
fn norm_gradient(cx: &mut Gradient<'_, '_>, spread: ValueId) -> Result<()> {
    let p = power(&cx.node.attributes)?;
    let x = cx.input(0)?;
    let builder = &mut *cx.builder;
    let slope = if p == 2 {
        x
    } else {
        let sign = builder.apply(&ops::SIGN, &[x])?;
        let size = builder.apply(&ops::ABS, &[x])?;
        let powered = powered(builder, size, p - 1)?;
        builder.mul(sign, powered)?
    };
    let gradient = builder.mul(slope, spread)?;
    cx.give(0, gradient)
}

/// A whole power, by squaring.
fn powered(builder: &mut Builder<'_>, base: ValueId, power: i32) -> Result<ValueId> {
    let mut result = builder.float(base, 1.0)?;
    let (mut square, mut left) = (base, power);
    let mut empty = true;
    while left > 0 {
        if left & 1 == 1 {
            result = if empty { square } else { builder.mul(result, square)? };
            empty = false;
        }
        left >>= 1;
        if left > 0 {
            square = builder.mul(square, square)?;
        }
    }
    Ok(result)
}
