//! `ConvTranspose`: the transpose of a convolution, which takes its output back to its input.
//!
//! Its gradients are those of the convolution that it transposes, with the roles exchanged.
//!
//! Source: ONNX `ConvTranspose`, sets 1, 11 and 22.

use crate::{
    Data, Result, Trouble, Type,
    grad::Dim,
    graph::{
        Attributes, Grad, Operator, names,
        ops::{
            conv::{Geometry, bias, biased, floats, give_bias, weight_sizes},
            elementwise::of_type,
            windows::{self, AutoPad, Axis, Window},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&CONV_TRANSPOSE];

static CONV_TRANSPOSE: Operator = Operator::new(
    "ConvTranspose",
    &[1, 11, 22],
    |cx| {
        let geometry = transposed(cx.attributes(), cx.dims(0)?, cx.dims(1)?)?;
        floats(cx, &[0, 1, 2])?;
        biased(cx, 2, geometry.channels_in())?;
        Ok(vec![Type::new(cx.element(0)?, geometry.input_dims())])
    },
    |run| {
        let (x, w) = (run.input(0)?, run.input(1)?);
        let geometry = transposed(run.attributes(), x.dims(), w.dims())?;
        macro_rules! spread {
            ($v:expr, $kind:ty) => {{
                let mut y = geometry.by_input($v, w.values()?);
                let plane = geometry.axes.iter().map(|axis| axis.input).product::<usize>();
                if let (Some(bias), false) = (bias::<$kind>(run, 2)?, y.is_empty()) {
                    for (plane, &bias) in y.chunks_exact_mut(plane).zip(bias.iter().cycle()) {
                        plane.iter_mut().for_each(|y| *y += bias);
                    }
                }
                y.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => spread!(v, f32),
            Data::F64(v) => spread!(v, f64),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, w) = (cx.input(0)?, cx.input(1)?);
        let attributes = &cx.node.attributes;
        if attributes.find("output_shape").is_some() {
            let varies = cx.builder.dims(x)?.into_iter().skip(2).any(|dim| dim == Dim::Varies);
            if varies {
                return Err(Trouble::data_dependent(
                    "its padding depends on the height and width of its input",
                ));
            }
        }
        let (x_dims, w_dims) = (&cx.builder.kind(x)?.dims, &cx.builder.kind(w)?.dims);
        let geometry = transposed(attributes, x_dims, w_dims)?;
        let convolution = convolution(&geometry)?;
        if cx.wants(0) {
            let by = cx.builder.apply_with(names::CONV, &[flow, w], convolution.clone())?;
            cx.give(0, by)?;
        }
        if cx.wants(1) {
            let inputs = [x, flow, w];
            let by = cx.builder.apply_with(names::CONV_WEIGHT_GRAD, &inputs, convolution)?;
            cx.give(1, by)?;
        }
        give_bias(cx, flow, 2)
    }),
)
.flop(|cx, _| Ok(transposed(cx.attributes(), cx.dims(0)?, cx.dims(1)?)?.flop()));

/// The convolution that is transposed: its output is the input here.
fn transposed(attributes: &Attributes, x: &[usize], w: &[usize]) -> Result<Geometry> {
    let (batch, channels, sizes) = windows::split(x)?;
    let (outputs, from, groups) = weight_sizes(attributes, x, w)?;
    if outputs != channels || outputs % groups != 0 || from.checked_mul(groups).is_none() {
        return Err(Trouble::graph(format!(
            "a weight {w:?} in {groups} groups does not fit an input {x:?}"
        )));
    }
    let rank = sizes.len();
    let window = Window::of(attributes, rank)?;
    let padding = windows::sizes(attributes, "output_padding", rank, 0)?;
    let padding = padding.unwrap_or_else(|| vec![0; rank]);
    let shape = match attributes.ints("output_shape")? {
        // Some exporters write batch and channels too.
        Some(shape) if shape.len() == rank + 2 => {
            let spatial = Attributes::new().with("output_shape", shape[2..].to_vec());
            windows::sizes(&spatial, "output_shape", rank, 0)?
        }
        _ => windows::sizes(attributes, "output_shape", rank, 0)?,
    };
    let axes = (0..rank).map(|axis| {
        let (output, kernel) = (sizes[axis], w[axis + 2]);
        let (stride, dilation) = (window.strides[axis], window.dilations[axis]);
        windows::bounded(output, kernel)?;
        let mut one = Axis { kernel, stride, dilation, output, ..Axis::UNIT };
        let reached = output
            .saturating_sub(1)
            .checked_mul(stride)
            .and_then(|reached| reached.checked_add(one.extent()))
            .and_then(|reached| reached.checked_add(padding[axis]))
            .filter(|&reached| reached as u64 <= 1 << 62)
            .ok_or_else(|| Trouble::limit("an output of more elements than can be counted"))?;
        // The larger half of the padding lies in front, unless `SAME_UPPER` puts it behind.
        let upper = window.auto_pad == AutoPad::SameUpper;
        let same = matches!(window.auto_pad, AutoPad::SameUpper | AutoPad::SameLower);
        match (&shape, same) {
            (Some(shape), _) => {
                one.input = shape[axis];
                (one.before, one.after) = windows::halves(reached.saturating_sub(one.input), upper);
            }
            (None, true) => {
                one.input = output
                    .checked_mul(stride)
                    .ok_or_else(|| Trouble::limit("an output that cannot be counted"))?;
                if reached < one.input {
                    // The definition would cut a negative padding off; no two tools agree on it.
                    return Err(Trouble::unsupported(
                        "a kernel smaller than the stride, with `auto_pad`",
                    ));
                }
                (one.before, one.after) = windows::halves(reached.saturating_sub(one.input), upper);
            }
            (None, false) => {
                (one.before, one.after) = (window.pads[axis], window.pads[axis + rank]);
                let left = reached.checked_sub(one.before + one.after);
                one.input = left.ok_or_else(|| {
                    Trouble::graph(format!("pads {:?} larger than the output", window.pads))
                })?;
            }
        }
        Ok(one)
    });
    let axes = axes.collect::<Result<Vec<_>>>()?;
    let axes = windows::three(&axes)?;
    Ok(Geometry { batch, groups, from, to: outputs / groups, axes, rank })
}

/// The attributes of the convolution that takes the output back to the shape of the input.
fn convolution(geometry: &Geometry) -> Result<Attributes> {
    let axes = geometry.spatial();
    if axes.iter().any(|axis| axis.transposed().1 >= axis.stride) {
        return Err(Trouble::unsupported(
            "the gradient of a transposed convolution whose output is padded by a stride or more",
        ));
    }
    Ok(windows::convolution(geometry.groups, axes))
}
