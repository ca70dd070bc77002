//! `RoiAlign`: regions of images, pooled from samples between the elements.
//!
//! The gradient goes back by the weights of the samples: `RoiAlignGrad`, one of this engine's own.
//! It goes to the images alone; the regions are taken for constants, as detectors do.
//!
//! Source: ONNX `RoiAlign`, sets 10 to 22; He et al. 2017, "Mask R-CNN".

use crate::{
    Result, Tensor, Trouble, Type,
    graph::{
        Attributes, Grad, Infer, Operator, Run, names,
        ops::along,
        ops::{
            gather::places,
            real::{Real, of_reals},
        },
    },
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&ROI_ALIGN, &ROI_ALIGN_GRAD];

static ROI_ALIGN: Operator = Operator::new(
    "RoiAlign",
    &[10, 16, 22],
    |cx| Ok(vec![Type::new(cx.element(0)?, pooled(cx, cx.dims(0)?, 1)?)]),
    |run| of_reals!(run.input(0)?, forward(run)),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        if cx.wants(1) {
            return Err(Trouble::unsupported("the gradient of a RoiAlign by its regions"));
        }
        let inputs = [flow, cx.input(0)?, cx.input(1)?, cx.input(2)?];
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_with(names::ROI_ALIGN_GRAD, &inputs, attributes)?;
        cx.give(0, gradient)
    }),
)
.import(|import| {
    // Before set 16 nothing was moved by half an element.
    if import.version < 16 {
        import.attributes.set("coordinate_transformation_mode", "output_half_pixel");
    }
    Ok(())
});

/// What flows into regions, to the images: flow, images, regions, and the image of each.
static ROI_ALIGN_GRAD: Operator = Operator::own(
    "RoiAlignGrad",
    |cx| {
        let x = cx.kind(1)?;
        along::check_flow(cx.kind(0)?, &pooled(cx, &x.dims, 2)?)?;
        Ok(vec![x.clone()])
    },
    |run| of_reals!(run.input(1)?, back(run)),
    Grad::None("the gradient of a RoiAlign is not differentiated again"),
    |_, _| Err(Trouble::unsupported("the gradient of a RoiAlign, as plain ONNX")),
);

fn pooled(cx: &Infer<'_>, x: &[usize], regions: usize) -> Result<Vec<usize>> {
    let habits = Habits::of(cx.attributes())?;
    let (&[_, channels, _, _], &[all, 4]) = (x, cx.dims(regions)?) else {
        return Err(Trouble::graph("expected images N,C,H,W and regions R,4"));
    };
    if cx.dims(regions + 1)? != [all] {
        return Err(Trouble::graph(format!("expected the image of each of {all} regions")));
    }
    let dims = vec![all, channels, habits.high, habits.wide];
    count(&dims)?;
    Ok(dims)
}

struct Habits {
    high: usize,
    wide: usize,
    ratio: usize,
    scale: f64,
    half: f64,
    most: bool,
}

impl Habits {
    fn of(attributes: &Attributes) -> Result<Self> {
        let size = |name: &str, default: i64| {
            let size = attributes.int_or(name, default)?;
            usize::try_from(size).ok().filter(|&size| size < 1 << 24).ok_or_else(|| {
                Trouble::graph(format!("expected a size in the attribute `{name}`, got {size}"))
            })
        };
        let half = match attributes.text_or("coordinate_transformation_mode", "half_pixel")? {
            "half_pixel" => 0.5,
            "output_half_pixel" => 0.0,
            other => return Err(Trouble::graph(format!("no such coordinates: `{other}`"))),
        };
        let most = match attributes.text_or("mode", "avg")? {
            "avg" => false,
            "max" => true,
            other => return Err(Trouble::graph(format!("no such mode: `{other}`"))),
        };
        Ok(Self {
            high: size("output_height", 1)?,
            wide: size("output_width", 1)?,
            ratio: size("sampling_ratio", 0)?,
            scale: attributes.float_or("spatial_scale", 1.0)?.into(),
            half,
            most,
        })
    }
}

/// An element of an image, with its weight.
type Tap = (usize, f64);

/// Call `visit` for each cell of each region, with the samples in it.
fn visit<T: Real>(
    run: &Run<'_>,
    x: &[usize],
    regions: usize,
    mut visit: impl FnMut(usize, usize, usize, &[Vec<Tap>]),
) -> Result<()> {
    let habits = Habits::of(run.attributes())?;
    let &[batch, channels, height, width] = x else {
        return Err(Trouble::graph("expected images"));
    };
    let images = places(run.input(regions + 1)?, batch)?;
    let all = run.input(regions)?.values::<T>()?;
    for (region, sides) in all.chunks_exact(4).enumerate() {
        let side = |at: usize| sides[at].wide() * habits.scale - habits.half;
        let (left, top) = (side(0), side(1));
        let (mut across, mut down) = (side(2) - left, side(3) - top);
        if habits.half == 0.0 {
            (across, down) = (across.max(1.0), down.max(1.0));
        }
        let (cell_w, cell_h) = (across / habits.wide as f64, down / habits.high as f64);
        let samples = |cell: f64| match habits.ratio {
            0 => cell.ceil().max(0.0) as usize,
            ratio => ratio,
        };
        let (rows, columns) = (samples(cell_h), samples(cell_w));
        // A region may be as large as it says: what it costs is counted first.
        let each =
            [rows.max(1), columns.max(1), habits.high, habits.wide, channels.saturating_add(4)];
        run.meter.work(each.iter().fold(8_u64, |all, &n| all.saturating_mul(n as u64)))?;
        for cell in 0..habits.high * habits.wide {
            let (cell_y, cell_x) = ((cell / habits.wide) as f64, (cell % habits.wide) as f64);
            let mut taps = Vec::new();
            for row in 0..rows {
                let y = top + cell_y * cell_h + (row as f64 + 0.5) * cell_h / rows as f64;
                for column in 0..columns {
                    let x =
                        left + cell_x * cell_w + (column as f64 + 0.5) * cell_w / columns as f64;
                    taps.push(sample(y, x, height, width));
                }
            }
            visit(region, images[region], cell, &taps);
        }
    }
    Ok(())
}

/// The four elements around a place; none where it is outside of the image.
fn sample(y: f64, x: f64, height: usize, width: usize) -> Vec<Tap> {
    let inside = |place: f64, size: usize| place >= -1.0 && place <= size as f64;
    if !inside(y, height) || !inside(x, width) || height == 0 || width == 0 {
        return Vec::new();
    }
    let along = |place: f64, size: usize| {
        let place = place.max(0.0).min(size as f64 - 1.0);
        let low = place.floor();
        let rest = place - low;
        let low = low as usize;
        [(low, 1.0 - rest), ((low + 1).min(size - 1), rest)]
    };
    let mut taps = Vec::with_capacity(4);
    for (row, by_row) in along(y, height) {
        for (column, by_column) in along(x, width) {
            taps.push((row * width + column, by_row * by_column));
        }
    }
    taps
}

/// The largest weighted element of all samples, as the mode `max` takes it.
fn largest<T: Real>(image: &[T], samples: &[Vec<Tap>]) -> Option<(usize, f64)> {
    let mut best: Option<(usize, f64, f64)> = None;
    for &(at, weight) in samples.iter().flatten() {
        let value = image[at].wide() * weight;
        if best.is_none_or(|(_, _, most)| value > most) {
            best = Some((at, weight, value));
        }
    }
    best.map(|(at, weight, _)| (at, weight))
}

fn forward<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let values = x.values::<T>()?;
    let kind = run.output(0)?;
    let most = Habits::of(run.attributes())?.most;
    let channels = x.dims()[1];
    let size = x.dims()[2] * x.dims()[3];
    let cells = kind.dims[2] * kind.dims[3];
    let mut out = vec![T::near(0.0); kind.count()?];
    visit::<T>(run, x.dims(), 1, |region, image, cell, samples| {
        for channel in 0..channels {
            let image = &values[(image * channels + channel) * size..][..size];
            let value = if most {
                largest(image, samples).map_or(0.0, |(at, weight)| image[at].wide() * weight)
            } else {
                let sum = samples.iter().flatten().map(|(at, by)| image[*at].wide() * by);
                sum.sum::<f64>() / samples.len().max(1) as f64
            };
            out[(region * channels + channel) * cells + cell] = T::near(value);
        }
    })?;
    Ok(vec![run.shaped(0, T::into_data(out))?])
}

fn back<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (flow, x) = (run.input(0)?, run.input(1)?);
    let (flows, values) = (flow.values::<T>()?, x.values::<T>()?);
    let most = Habits::of(run.attributes())?.most;
    let channels = x.dims()[1];
    let size = x.dims()[2] * x.dims()[3];
    let cells = flow.dims()[2] * flow.dims()[3];
    let mut out = vec![T::near(0.0); x.count()];
    visit::<T>(run, x.dims(), 2, |region, image, cell, samples| {
        for channel in 0..channels {
            let flow = flows[(region * channels + channel) * cells + cell].wide();
            let start = (image * channels + channel) * size;
            if most {
                if let Some((at, weight)) = largest(&values[start..][..size], samples) {
                    out[start + at] += T::near(flow * weight);
                }
                continue;
            }
            let share = flow / samples.len().max(1) as f64;
            for (at, weight) in samples.iter().flatten() {
                out[start + at] += T::near(share * weight);
            }
        }
    })?;
    Ok(vec![run.shaped(0, T::into_data(out))?])
}
