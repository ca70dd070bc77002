//! `Resize`, `Upsample`: a tensor interpolated to another size, axis by axis.
//!
//! Along each axis an element of the output is a weighted sum of a few of the input: a sparse matrix,
//! the same for all modes (nearest, linear, cubic, with and without antialiasing). The gradient goes
//! through its transpose: `ResizeGrad`, one of this engine's own, in plain ONNX products with the
//! matrices where the sizes are fixed. An element outside of a crop is a constant, and has no
//! gradient.
//!
//! Source: ONNX `Resize`, sets 10 to 19, and its reference; Keys 1981 (cubic); Pillow (antialias).

use crate::{
    Data, Result, Tensor, Trouble, Type,
    grad::{Dim, Gradient},
    graph::{
        Attributes, Grad, Infer, Operator, Run, ValueId, axis_of, names,
        ops::along,
        ops::elementwise,
        ops::real::{Real, of_reals},
    },
    onnx::Import,
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&RESIZE, &UPSAMPLE, &RESIZE_GRAD];

static RESIZE: Operator = Operator::new(
    "Resize",
    &[10, 11, 13, 18, 19],
    |cx| {
        let x = cx.kind(0)?;
        let axes = inferred(cx, &x.dims, 1)?;
        let dims = axes.iter().map(|axis| axis.to).collect::<Vec<_>>();
        count(&dims)?;
        Ok(vec![Type::new(x.element, dims)])
    },
    |run| {
        let x = run.input(0)?;
        if x.element().is_float() {
            return of_reals!(x, resize(run));
        }
        // Whole numbers are computed as floats, and rounded towards zero as a cast does.
        let wide = x.cast(crate::Element::F64)?;
        let axes = given(run, x.dims(), 1)?;
        let values = apply(&axes, x.dims(), wide.values::<f64>()?.to_vec(), false)?;
        let all = Tensor::new(run.output(0)?.dims.clone(), values)?;
        Ok(vec![all.cast(x.element())?])
    },
    Grad::Rule(grad),
)
.flop(|cx, kinds| {
    let axes = inferred(cx, cx.dims(0)?, 1)?;
    let taps = axes.iter().filter(|axis| !axis.same()).map(Axis::taps).fold(1, u64::saturating_add);
    let most =
        kinds.iter().map(|kind| kind.count().map(|count| count as u64)).sum::<Result<u64>>()?;
    Ok(most.max(cx.kind(0)?.count()? as u64).saturating_mul(taps).saturating_mul(2))
})
.import(|import| {
    if import.version < 11 {
        // Set 10 has scales as its second input, and counts from the corner.
        let (x, scales) = (import.input(0)?, import.input(1)?);
        import.inputs = vec![Some(x), None, Some(scales)];
        old(import);
    }
    Ok(())
});

/// Before set 10, `Resize` by its old name.
static UPSAMPLE: Operator = Operator::new(
    "Upsample",
    &[1, 7, 9, 10],
    |cx| Ok(vec![cx.kind(0)?.clone()]),
    |run| Ok(vec![run.input(0)?.clone()]),
    Grad::None("it is read as Resize"),
)
.import(|import| {
    let x = import.input(0)?;
    let scales = match import.attributes.floats("scales")? {
        Some(scales) => {
            let scales = Tensor::list(scales.to_vec());
            import.constant(scales)
        }
        None if import.version < 7 => {
            let side = |import: &Import<'_>, name| import.attributes.float_or(name, 1.0);
            let (high, wide) = (side(import, "height_scale")?, side(import, "width_scale")?);
            import.constant(Tensor::list(vec![1.0, 1.0, high, wide]))
        }
        None => import.input(1)?,
    };
    for name in ["scales", "height_scale", "width_scale"] {
        import.attributes.take(name);
    }
    import.set_operator(names::RESIZE)?;
    import.inputs = vec![Some(x), None, Some(scales)];
    old(import);
    Ok(())
});

fn old(import: &mut Import<'_>) {
    import.attributes.set("coordinate_transformation_mode", "asymmetric");
    import.attributes.set("nearest_mode", "floor");
    if matches!(import.attributes.text_or("mode", "nearest"), Ok("bilinear" | "trilinear")) {
        import.attributes.set("mode", "linear");
    }
}

/// What flows into a resized tensor, by the transposed weights: flow, the input, whose shape alone is
/// looked at, region, scales, sizes.
static RESIZE_GRAD: Operator = Operator::own(
    "ResizeGrad",
    |cx| {
        let (flow, dims) = (cx.kind(0)?, cx.dims(1)?);
        let axes = inferred(cx, dims, 2)?;
        along::check_flow(flow, &axes.iter().map(|axis| axis.to).collect::<Vec<_>>())?;
        Ok(vec![Type::new(flow.element, dims)])
    },
    |run| of_reals!(run.input(0)?, back(run)),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let mut inputs = vec![Some(flow)];
        inputs.extend(cx.node.inputs.iter().skip(2));
        // What stands outside of a crop is no part of what is linear.
        let mut attributes = cx.node.attributes.clone();
        attributes.take("extrapolation_value");
        let gradient = cx.builder.apply_all(names::RESIZE, inputs, attributes, 1)?[0];
        cx.give(0, gradient)
    }),
    |builder, node| {
        let [Some(flow), Some(x), others @ ..] = &node.inputs[..] else {
            return Err(Trouble::graph("expected a gradient and an input"));
        };
        let unsupported =
            || Trouble::unsupported("the gradient of a Resize of free size, as plain ONNX");
        let known = |at: usize| match others.get(at).copied().flatten() {
            None => Ok(None),
            Some(id) => builder.known(id).cloned().map(Some).ok_or_else(unsupported),
        };
        let (region, scales, sizes) = (known(0)?, known(1)?, known(2)?);
        let dims = builder.dims(*x)?;
        // A free size may stay only where nothing is interpolated, which is seen by its scale.
        let free = dims.iter().map(|dim| *dim == Dim::Varies).collect::<Vec<_>>();
        let dims = dims.into_iter().map(|dim| match dim {
            Dim::Fixed(size) => size,
            Dim::Varies => 1,
        });
        let axes = axes(
            &node.attributes,
            &dims.collect::<Vec<_>>(),
            region.as_ref(),
            scales.as_ref(),
            sizes.as_ref(),
        )?;
        let element = builder.element(*flow)?;
        let rank = axes.len() as i64;
        let mut gradient = *flow;
        for (at, axis) in axes.iter().enumerate().filter(|(_, axis)| !axis.same()) {
            if free[at] {
                return Err(unsupported());
            }
            let mut matrix = vec![0.0_f64; axis.to * axis.from];
            for (row, weights) in axis.rows().enumerate() {
                for (place, weight) in weights {
                    matrix[row * axis.from + place] += weight;
                }
            }
            let matrix = Tensor::new([axis.to, axis.from], matrix)?.cast(element)?;
            let matrix = builder.constant(matrix);
            let mut order = (0..rank).collect::<Vec<_>>();
            order.swap(at, rank as usize - 1);
            let turn = || Attributes::new().with("perm", order.clone());
            gradient = builder.apply_with(names::TRANSPOSE, &[gradient], turn())?;
            gradient = builder.apply(names::MATMUL, &[gradient, matrix])?;
            gradient = builder.apply_with(names::TRANSPOSE, &[gradient], turn())?;
        }
        Ok(vec![gradient])
    },
);

fn grad(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let mut inputs: Vec<Option<ValueId>> = vec![Some(flow), Some(cx.input(0)?)];
    inputs.extend(cx.node.inputs.iter().skip(1));
    let attributes = cx.node.attributes.clone();
    let gradient = cx.builder.apply_all(names::RESIZE_GRAD, inputs, attributes, 1)?[0];
    cx.give(0, gradient)
}

/// How an axis is resized.
#[derive(Clone, Debug)]
struct Axis {
    from: usize,
    to: usize,
    scale: f64,
    region: Option<(f64, f64)>,
    coordinates: Coordinates,
    mode: Mode,
    exclude_outside: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    Crop,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Nearest(Nearest),
    Linear { antialias: bool },
    Cubic { a: f64, antialias: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nearest {
    RoundPreferFloor,
    RoundPreferCeil,
    Floor,
    Ceil,
}

fn inferred(cx: &Infer<'_>, dims: &[usize], first: usize) -> Result<Vec<Axis>> {
    let value = |input: usize| match cx.has(input) {
        true if cx.kind(input)?.count()? > 0 => cx.value(input).map(Some),
        _ => Ok(None),
    };
    axes(cx.attributes(), dims, value(first)?, value(first + 1)?, value(first + 2)?)
}

fn given(run: &Run<'_>, dims: &[usize], first: usize) -> Result<Vec<Axis>> {
    let [region, scales, sizes] = [0, 1, 2].map(|at| run.optional(first + at));
    axes(run.attributes(), dims, region, scales, sizes)
}

/// How each axis is resized. An input without elements counts as left out.
fn axes(
    attributes: &Attributes,
    dims: &[usize],
    region: Option<&Tensor>,
    scales: Option<&Tensor>,
    sizes: Option<&Tensor>,
) -> Result<Vec<Axis>> {
    let there = |tensor: Option<&Tensor>| tensor.filter(|tensor| tensor.count() > 0).cloned();
    let (region, scales, sizes) = (there(region), there(scales), there(sizes));
    let coordinates = match attributes.text_or("coordinate_transformation_mode", "half_pixel")? {
        "half_pixel" => Coordinates::HalfPixel,
        "half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
        "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        "tf_crop_and_resize" => Coordinates::Crop,
        other => return Err(Trouble::graph(format!("no such coordinates: `{other}`"))),
    };
    let antialias = attributes.flag("antialias")?;
    let mode = match attributes.text_or("mode", "nearest")? {
        "nearest" => {
            Mode::Nearest(match attributes.text_or("nearest_mode", "round_prefer_floor")? {
                "round_prefer_floor" => Nearest::RoundPreferFloor,
                "round_prefer_ceil" => Nearest::RoundPreferCeil,
                "floor" => Nearest::Floor,
                "ceil" => Nearest::Ceil,
                other => return Err(Trouble::graph(format!("no such rounding: `{other}`"))),
            })
        }
        "linear" => Mode::Linear { antialias },
        "cubic" => {
            Mode::Cubic { a: attributes.float_or("cubic_coeff_a", -0.75)?.into(), antialias }
        }
        other => return Err(Trouble::graph(format!("no such mode: `{other}`"))),
    };
    let exclude_outside = attributes.flag("exclude_outside")?;
    let rank = dims.len();
    let chosen = match attributes.ints("axes")? {
        Some(axes) => axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Result<Vec<_>>>()?,
        None => (0..rank).collect(),
    };
    let wrong = |what: &str, got: usize| {
        let expected = chosen.len();
        Trouble::graph(format!("expected {expected} {what}, got {got}"))
    };
    let mut all = dims.iter().map(|&size| Axis {
        from: size,
        to: size,
        scale: 1.0,
        region: None,
        coordinates,
        mode,
        exclude_outside,
    });
    let mut all = all.by_ref().collect::<Vec<_>>();
    match (&scales, &sizes) {
        (Some(scales), None) => {
            let scales = scales.floats()?;
            if scales.len() != chosen.len() {
                return Err(wrong("scales", scales.len()));
            }
            for (&axis, scale) in chosen.iter().zip(scales) {
                if !(scale.is_finite() && scale > 0.0) {
                    let why = format!("expected a scale above 0, got {scale}");
                    return Err(Trouble::graph(why));
                }
                // The size is that of 32 bits, as everywhere.
                let to = (dims[axis] as f32 * scale as f32).floor();
                if to >= (1_u64 << 40) as f32 {
                    return Err(Trouble::limit(format!(
                        "{} elements, scaled by {scale}",
                        dims[axis]
                    )));
                }
                (all[axis].to, all[axis].scale) = (to as usize, scale);
            }
        }
        (None, Some(sizes)) => {
            let sizes = sizes.ints()?;
            if sizes.len() != chosen.len() {
                return Err(wrong("sizes", sizes.len()));
            }
            for (&axis, &size) in chosen.iter().zip(&sizes) {
                let to = usize::try_from(size)
                    .map_err(|_| Trouble::graph(format!("a negative dimension: {size}")))?;
                all[axis].to = to;
                if dims[axis] > 0 {
                    all[axis].scale = to as f64 / dims[axis] as f64;
                }
            }
            keep_aspect(attributes, &mut all, &chosen)?;
        }
        _ => return Err(Trouble::graph("expected either scales or sizes")),
    }
    for axis in &all {
        if axis.from == 0 && axis.to > 0 {
            return Err(Trouble::graph("an axis without elements cannot grow"));
        }
    }
    if coordinates == Coordinates::Crop {
        let region = region.ok_or_else(|| Trouble::graph("expected a region to crop"))?.floats()?;
        if region.len() != 2 * chosen.len() {
            return Err(wrong("starts and ends of a region", region.len() / 2));
        }
        for (at, &axis) in chosen.iter().enumerate() {
            let (start, end) = (region[at], region[at + chosen.len()]);
            if !start.is_finite() || !end.is_finite() {
                return Err(Trouble::graph("expected a region of finite numbers"));
            }
            all[axis].region = Some((start, end));
        }
    }
    Ok(all)
}

/// One scale for all axes, where the shape of images is to be kept.
fn keep_aspect(attributes: &Attributes, all: &mut [Axis], chosen: &[usize]) -> Result<()> {
    let scales = chosen.iter().map(|&axis| all[axis].scale);
    let scale = match attributes.text_or("keep_aspect_ratio_policy", "stretch")? {
        "stretch" => return Ok(()),
        "not_larger" => scales.fold(f64::INFINITY, f64::min),
        "not_smaller" => scales.fold(0.0, f64::max),
        other => return Err(Trouble::graph(format!("no such policy: `{other}`"))),
    };
    for &axis in chosen {
        let to = (scale * all[axis].from as f64 + 0.5).floor();
        if to.is_nan() || to >= (1_u64 << 40) as f64 {
            return Err(Trouble::limit(format!("{} elements, scaled by {scale}", all[axis].from)));
        }
        (all[axis].to, all[axis].scale) = (to as usize, scale);
    }
    Ok(())
}

impl Axis {
    /// Whether nothing is done.
    fn same(&self) -> bool {
        self.from == self.to
            && (self.scale - 1.0).abs() < 1e-9
            && self.region.is_none_or(|region| region == (0.0, 1.0))
    }

    /// How many elements of the input each of the output reads, at most.
    fn taps(&self) -> u64 {
        let narrow = self.scale.min(1.0);
        let taps = match self.mode {
            Mode::Nearest(_) => 1.0,
            Mode::Linear { antialias: false } => 2.0,
            Mode::Cubic { antialias: false, .. } => 4.0,
            Mode::Linear { antialias: true } => 2.0 / narrow + 2.0,
            Mode::Cubic { antialias: true, .. } => 4.0 / narrow + 2.0,
        };
        taps.min(self.from as f64 * 4.0 + 8.0) as u64
    }

    /// The place in the input that a place of the output means; none where it is outside of a crop.
    fn place(&self, to: usize) -> Option<f64> {
        let (x, from) = (to as f64, self.from as f64);
        let size = self.scale * from;
        // A rounded place is that of 32 bits, as everywhere: a scale of 0.6 is not quite 0.6.
        let divided = |x: f64| match self.mode {
            Mode::Nearest(_) => f64::from(x as f32 / self.scale as f32),
            _ => x / self.scale,
        };
        let half = divided(x + 0.5) - 0.5;
        Some(match self.coordinates {
            Coordinates::HalfPixel => half,
            Coordinates::PytorchHalfPixel if size == 1.0 => -0.5,
            Coordinates::PytorchHalfPixel => half,
            Coordinates::HalfPixelSymmetric => from / 2.0 * (1.0 - self.to as f64 / size) + half,
            Coordinates::AlignCorners if size == 1.0 => 0.0,
            Coordinates::AlignCorners => x * (from - 1.0) / (size - 1.0),
            Coordinates::Asymmetric => divided(x),
            Coordinates::Crop => {
                let (start, end) = self.region.unwrap_or((0.0, 1.0));
                let place = if size == 1.0 {
                    (end - start) * (from - 1.0) / 2.0
                } else {
                    x * (end - start) * (from - 1.0) / (size - 1.0)
                };
                let place = place + start * (from - 1.0);
                if place < 0.0 || place > from - 1.0 {
                    return None;
                }
                place
            }
        })
    }

    /// The elements of the input that make an element of the output, with their weights.
    fn weights(&self, to: usize) -> Vec<(usize, f64)> {
        let Some(place) = self.place(to) else { return Vec::new() };
        let last = self.from as i64 - 1;
        let inside = |at: i64| at.clamp(0, last) as usize;
        let floor = place.floor();
        if let Mode::Nearest(rounding) = self.mode {
            let rest = place - floor;
            let up = match rounding {
                Nearest::RoundPreferFloor => rest > 0.5,
                Nearest::RoundPreferCeil => rest >= 0.5,
                Nearest::Floor => false,
                Nearest::Ceil => rest > 0.0,
            };
            return vec![(inside(floor as i64 + i64::from(up)), 1.0)];
        }
        // The element to the left is preferred: a whole number counts as the right end.
        let ratio = if place == floor { 1.0 } else { place - floor };
        let start = if place == floor { floor as i64 - 1 } else { floor as i64 };
        let narrow = self.scale.min(1.0);
        let (first, kernel): (i64, Vec<f64>) = match self.mode {
            Mode::Nearest(_) => (0, Vec::new()),
            Mode::Linear { antialias: false } => (0, vec![1.0 - ratio, ratio]),
            Mode::Cubic { a, antialias: false } => {
                let at = [1.0 + ratio, ratio, 1.0 - ratio, 2.0 - ratio];
                (-1, at.map(|x| cubic(x, a)).to_vec())
            }
            Mode::Linear { antialias: true } => {
                let first = (-1.0 / narrow).floor() as i64 + 1;
                let count = 2 - 2 * first;
                let weight =
                    |at: i64| (1.0 - ((first + at) as f64 - ratio).abs() * narrow).clamp(0.0, 1.0);
                (first, normal((0..count).map(weight).collect()))
            }
            Mode::Cubic { a, antialias: true } => {
                let first = (-2.0 / narrow).floor() as i64 + 1;
                let weight = |at: i64| cubic(narrow * (at as f64 - ratio), a);
                (first, normal((first..2 - first).map(weight).collect()))
            }
        };
        let places = (0..kernel.len() as i64).map(|at| start + first + at);
        let mut kernel = kernel;
        if self.exclude_outside {
            for (weight, place) in kernel.iter_mut().zip(places.clone()) {
                if place < 0 || place > last {
                    *weight = 0.0;
                }
            }
            kernel = normal(kernel);
        }
        places.map(inside).zip(kernel).collect()
    }

    fn rows(&self) -> impl Iterator<Item = Vec<(usize, f64)>> + '_ {
        (0..self.to).map(|to| self.weights(to))
    }
}

/// Weights with the sum 1.
fn normal(mut weights: Vec<f64>) -> Vec<f64> {
    let total = weights.iter().sum::<f64>();
    if total != 0.0 {
        for weight in &mut weights {
            *weight /= total;
        }
    }
    weights
}

/// The cubic convolution kernel.
fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

fn resize<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let axes = given(run, x.dims(), 1)?;
    let mut values = apply(&axes, x.dims(), x.values::<T>()?.to_vec(), false)?;
    let outside = run.attributes().float_or("extrapolation_value", 0.0)?;
    if axes.iter().any(|axis| axis.coordinates == Coordinates::Crop) && outside != 0.0 {
        let dims = &run.output(0)?.dims;
        let strides = elementwise::strides(dims);
        for (at, axis) in axes.iter().enumerate() {
            let out = (0..axis.to).map(|to| axis.place(to).is_none()).collect::<Vec<_>>();
            for (place, value) in values.iter_mut().enumerate() {
                if out[place / strides[at] % dims[at]] {
                    *value = T::near(outside.into());
                }
            }
        }
    }
    Ok(vec![run.shaped(0, T::into_data(values))?])
}

fn back<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (flow, x) = (run.input(0)?, run.input(1)?);
    let axes = given(run, x.dims(), 2)?;
    let values = apply(&axes, flow.dims(), flow.values::<T>()?.to_vec(), true)?;
    let data: Data = T::into_data(values);
    Ok(vec![run.shaped(0, data)?])
}

/// Axis by axis, the weights or their transpose.
fn apply<T: Real>(
    axes: &[Axis],
    dims: &[usize],
    mut values: Vec<T>,
    transposed: bool,
) -> Result<Vec<T>> {
    let mut dims = dims.to_vec();
    // What shrinks first, so that nothing between is larger than both ends.
    let mut order = (0..axes.len()).filter(|&at| !axes[at].same()).collect::<Vec<_>>();
    let growth = |at: usize| axes[at].to as f64 / axes[at].from.max(1) as f64;
    order.sort_by(|&a, &b| {
        let order = growth(a).total_cmp(&growth(b));
        if transposed { order.reverse() } else { order }
    });
    for at in order {
        let axis = &axes[at];
        let inner = dims[at + 1..].iter().product::<usize>();
        let outer = dims[..at].iter().product::<usize>();
        let (from, to) = if transposed { (axis.to, axis.from) } else { (axis.from, axis.to) };
        dims[at] = to;
        let mut out = vec![T::near(0.0); count(&dims)?];
        for (row, weights) in axis.rows().enumerate() {
            for (place, weight) in weights {
                let (read, write) = if transposed { (row, place) } else { (place, row) };
                let weight = T::near(weight);
                for outer in 0..outer {
                    let read = &values[(outer * from + read) * inner..][..inner];
                    let write = &mut out[(outer * to + write) * inner..][..inner];
                    for (write, &read) in write.iter_mut().zip(read) {
                        *write += weight * read;
                    }
                }
            }
        }
        values = out;
    }
    Ok(values)
}
