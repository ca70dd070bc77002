//! `GridSample`: a tensor of images read at places between its elements.
//!
//! Places are given between -1 and 1, the last axis first. The gradient, `GridSampleGrad`, goes to
//! the images by the same weights, and to the places by the slopes of the weights; where a place is
//! moved to the border, that slope is 0, and in the mode `nearest` it is 0 everywhere.
//!
//! Source: ONNX `GridSample`, sets 16 to 22, and its reference; Keys 1981 (cubic).

use crate::{
    Result, Tensor, Trouble, Type,
    graph::{
        Attributes, Grad, Operator, Run, names,
        ops::along,
        ops::{
            elementwise::strides,
            real::{Real, of_reals},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&GRID_SAMPLE, &GRID_SAMPLE_GRAD];

static GRID_SAMPLE: Operator = Operator::new(
    "GridSample",
    &[16, 20, 22],
    |cx| {
        let (x, grid) = (cx.kind(0)?, cx.kind(1)?);
        Sampler::of(cx.attributes())?;
        Ok(vec![Type::new(x.element, sampled(&x.dims, &grid.dims)?)])
    },
    |run| of_reals!(run.input(0)?, sample(run)),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let inputs = vec![Some(flow), Some(cx.input(0)?), Some(cx.input(1)?)];
        let attributes = cx.node.attributes.clone();
        let found = cx.builder.apply_all(names::GRID_SAMPLE_GRAD, inputs, attributes, 2)?;
        cx.give(0, found[0])?;
        cx.give(1, found[1])
    }),
)
.flop(|cx, kinds| {
    let taps = 4_u64.saturating_pow(cx.dims(0)?.len().saturating_sub(2).min(16) as u32);
    let elements = kinds.iter().map(|kind| kind.count().map(|n| n as u64)).sum::<Result<u64>>()?;
    Ok(elements.saturating_mul(taps).saturating_mul(2))
});

/// What flows into samples, to the images and to the places: flow, images, places.
static GRID_SAMPLE_GRAD: Operator = Operator::own(
    "GridSampleGrad",
    |cx| {
        let (x, grid) = (cx.kind(1)?, cx.kind(2)?);
        along::check_flow(cx.kind(0)?, &sampled(&x.dims, &grid.dims)?)?;
        Ok(vec![x.clone(), grid.clone()])
    },
    |run| of_reals!(run.input(1)?, back(run)),
    Grad::None("the gradient of a GridSample is not differentiated again"),
    |_, _| Err(Trouble::unsupported("the gradient of a GridSample, as plain ONNX")),
)
.flop(|cx, _| {
    let taps = 4_u64.saturating_pow(cx.dims(1)?.len().saturating_sub(2).min(16) as u32);
    Ok((cx.kind(0)?.count()? as u64).saturating_mul(taps).saturating_mul(8))
});

fn sampled(x: &[usize], grid: &[usize]) -> Result<Vec<usize>> {
    let space = x.len().saturating_sub(2);
    let fits = space > 0
        && grid.len() == x.len()
        && grid[0] == x[0]
        && grid[grid.len() - 1] == space
        // The elements read for each place are 4 an axis.
        && space <= 8;
    if !fits || x[2..].contains(&0) {
        return Err(Trouble::graph(format!("a grid {grid:?} does not fit images {x:?}")));
    }
    let mut dims = x[..2].to_vec();
    dims.extend(&grid[1..grid.len() - 1]);
    Ok(dims)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Nearest,
    Linear,
    Cubic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    Zeros,
    Border,
    Reflection,
}

/// How places are read.
#[derive(Clone, Copy, Debug)]
struct Sampler {
    mode: Mode,
    padding: Padding,
    align_corners: bool,
}

/// An element that is read along an axis: its place, its weight, and the slope of the weight.
type Tap = (usize, f64, f64);

impl Sampler {
    fn of(attributes: &Attributes) -> Result<Self> {
        let mode = match attributes.text_or("mode", "linear")? {
            "nearest" => Mode::Nearest,
            "linear" | "bilinear" => Mode::Linear,
            "cubic" | "bicubic" => Mode::Cubic,
            other => return Err(Trouble::graph(format!("no such mode: `{other}`"))),
        };
        let padding = match attributes.text_or("padding_mode", "zeros")? {
            "zeros" => Padding::Zeros,
            "border" => Padding::Border,
            "reflection" => Padding::Reflection,
            other => return Err(Trouble::graph(format!("no such padding: `{other}`"))),
        };
        Ok(Self { mode, padding, align_corners: attributes.flag("align_corners")? })
    }

    /// The elements along an axis of this size that a place reads.
    fn taps(&self, place: f64, size: usize) -> Vec<Tap> {
        let length = size as f64;
        let (mut x, mut slope) = match self.align_corners {
            true => ((place + 1.0) / 2.0 * (length - 1.0), (length - 1.0) / 2.0),
            false => (((place + 1.0) * length - 1.0) / 2.0, length / 2.0),
        };
        let (low, high) = match self.align_corners {
            true => (0.0, length - 1.0),
            false => (-0.5, length - 0.5),
        };
        if self.mode == Mode::Nearest {
            (x, slope) = (x.round_ties_even(), 0.0);
        }
        if x < low || x > high {
            match self.padding {
                Padding::Zeros => {}
                // Of a cubic the elements alone are moved: the place still says their weights.
                Padding::Border if self.mode == Mode::Cubic => {}
                Padding::Border => (x, slope) = (x.clamp(0.0, length - 1.0), 0.0),
                Padding::Reflection => {
                    let (reflected, turned) = reflect(x, low, high);
                    (x, slope) = (reflected, slope * turned);
                }
            }
        }
        let floor = x.floor();
        let rest = x - floor;
        let (first, weights): (i64, Vec<(f64, f64)>) = match self.mode {
            Mode::Nearest => (0, vec![(1.0, 0.0)]),
            Mode::Linear => (0, vec![(1.0 - rest, -1.0), (rest, 1.0)]),
            Mode::Cubic => (-1, (-1..3).map(|at| cubic(rest - f64::from(at))).collect()),
        };
        let start = (floor as i64).saturating_add(first);
        let last = size as i64 - 1;
        let taps = weights.into_iter().enumerate().filter_map(|(at, (weight, by))| {
            let at = start.saturating_add(at as i64);
            let inside = match self.padding {
                Padding::Zeros if at < 0 || at > last => return None,
                Padding::Zeros | Padding::Border => at,
                Padding::Reflection => reflect(at as f64, low, high).0 as i64,
            };
            Some((inside.clamp(0, last) as usize, weight, by * slope))
        });
        taps.collect()
    }
}

/// A place reflected at the borders until it is inside, and the sign of the way there.
fn reflect(x: f64, low: f64, high: f64) -> (f64, f64) {
    let (off, below) = if x < low {
        (low - x, true)
    } else if x > high {
        (x - high, false)
    } else {
        return (x, 1.0);
    };
    let range = high - low;
    if range <= 0.0 || !range.is_finite() || !off.is_finite() {
        return (low, 0.0);
    }
    let times = (off / range).floor();
    let rest = off - times * range;
    let even = times % 2.0 == 0.0;
    match (below, even) {
        (true, true) => (low + rest, -1.0),
        (true, false) => (high - rest, 1.0),
        (false, true) => (high - rest, -1.0),
        (false, false) => (low + rest, 1.0),
    }
}

/// The cubic convolution kernel and its slope.
fn cubic(x: f64) -> (f64, f64) {
    const A: f64 = -0.75;
    let (size, sign) = (x.abs(), x.signum());
    if size <= 1.0 {
        let value = ((A + 2.0) * size - (A + 3.0)) * size * size + 1.0;
        (value, sign * (3.0 * (A + 2.0) * size - 2.0 * (A + 3.0)) * size)
    } else if size < 2.0 {
        let value = ((A * size - 5.0 * A) * size + 8.0 * A) * size - 4.0 * A;
        (value, sign * ((3.0 * A * size - 10.0 * A) * size + 8.0 * A))
    } else {
        (0.0, 0.0)
    }
}

/// The elements that a place of all axes reads: offset in a channel, weight, slopes an axis.
fn combined(taps: &[Vec<Tap>], strides: &[usize]) -> Vec<(usize, f64, Vec<f64>)> {
    let mut all = vec![(0, 1.0, vec![1.0; taps.len()])];
    for (axis, (taps, stride)) in taps.iter().zip(strides).enumerate() {
        let mut next = Vec::with_capacity(all.len() * taps.len());
        for (offset, weight, slopes) in &all {
            for (at, own, slope) in taps {
                let mut slopes: Vec<f64> = slopes.clone();
                for (other, by) in slopes.iter_mut().enumerate() {
                    *by *= if other == axis { *slope } else { *own };
                }
                next.push((offset + at * stride, weight * own, slopes));
            }
        }
        all = next;
    }
    all
}

/// Call `visit` for every place of every example: its number, and the elements it reads.
fn visit<T: Real>(
    run: &Run<'_>,
    x: &[usize],
    grid: &Tensor,
    mut visit: impl FnMut(usize, usize, &[(usize, f64, Vec<f64>)]),
) -> Result<()> {
    let sampler = Sampler::of(run.attributes())?;
    let space = &x[2..];
    let strides = strides(space);
    let places = grid.values::<T>()?;
    let each = grid.count().checked_div(space.len() * x[0]).unwrap_or(0);
    for (at, place) in places.chunks_exact(space.len()).enumerate() {
        // The last axis comes first.
        let taps = space.iter().zip(place.iter().rev());
        let taps = taps.map(|(&size, place)| sampler.taps(place.wide(), size)).collect::<Vec<_>>();
        visit(at / each, at % each, &combined(&taps, &strides));
    }
    Ok(())
}

fn sample<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (x, grid) = (run.input(0)?, run.input(1)?);
    let values = x.values::<T>()?;
    let channels = x.dims()[1];
    let block = x.dims()[2..].iter().product::<usize>();
    let kind = run.output(0)?;
    let each = kind.dims[2..].iter().product::<usize>();
    let mut out = vec![T::near(0.0); kind.count()?];
    visit::<T>(run, x.dims(), grid, |example, at, taps| {
        for channel in 0..channels {
            let row = example * channels + channel;
            let image = &values[row * block..][..block];
            let sum = taps.iter().map(|(offset, weight, _)| weight * image[*offset].wide());
            out[row * each + at] = T::near(sum.sum());
        }
    })?;
    Ok(vec![run.shaped(0, T::into_data(out))?])
}

fn back<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (flow, x, grid) = (run.input(0)?, run.input(1)?, run.input(2)?);
    let (flows, values) = (flow.values::<T>()?, x.values::<T>()?);
    let channels = x.dims()[1];
    let space = x.dims().len() - 2;
    let block = x.dims()[2..].iter().product::<usize>();
    let each = flow.dims()[2..].iter().product::<usize>();
    let mut by_x = vec![T::near(0.0); x.count()];
    let mut by_grid = vec![T::near(0.0); grid.count()];
    visit::<T>(run, x.dims(), grid, |example, at, taps| {
        let mut slopes = vec![0.0; space];
        for channel in 0..channels {
            let row = example * channels + channel;
            let flow = flows[row * each + at].wide();
            for (offset, weight, by) in taps {
                by_x[row * block + offset] += T::near(weight * flow);
                let value = values[row * block + offset].wide() * flow;
                for (slope, by) in slopes.iter_mut().zip(by) {
                    *slope += by * value;
                }
            }
        }
        for (to, slope) in
            by_grid[(example * each + at) * space..].iter_mut().zip(slopes.iter().rev())
        {
            *to = T::near(*slope);
        }
    })?;
    let by_x = Tensor::new(x.dims(), T::into_data(by_x))?;
    Ok(vec![by_x, Tensor::new(grid.dims(), T::into_data(by_grid))?])
}
