//! `DepthToSpace`, `SpaceToDepth`: channels as blocks of pixels, and the other way round.
//!
//! The mode `DCR` takes the place in the block for the outer part of the channel, `CRD` for the
//! inner. Each is the gradient of the other; in `CRD` with the channels reordered, because
//! `SpaceToDepth` has had that mode since set 28 only.
//!
//! Source: ONNX `DepthToSpace`, sets 1 to 28; `SpaceToDepth`, sets 1 to 28.

use crate::{
    Result, Trouble, Type,
    grad::{Dim, Gradient},
    graph::{
        Attributes, Grad, Operator, ValueId, names,
        ops::elementwise::{Places, strides},
    },
};

pub(super) const OPS: &[&Operator] = &[&DEPTH_TO_SPACE, &SPACE_TO_DEPTH];

static DEPTH_TO_SPACE: Operator = Operator::new(
    "DepthToSpace",
    &[1, 11, 13, 28],
    |cx| {
        let x = cx.kind(0)?;
        let (&[n, c, h, w], b) = (&x.dims[..], block(cx.attributes())?) else {
            return Err(Trouble::graph(format!("expected images N,C,H,W, got {x}")));
        };
        mode(cx.attributes())?;
        let area = b.checked_mul(b).filter(|area| c % area == 0);
        let area = area.ok_or_else(|| {
            Trouble::graph(format!("{c} channels do not divide into blocks of {b} x {b}"))
        })?;
        let (Some(high), Some(wide)) = (h.checked_mul(b), w.checked_mul(b)) else {
            return Err(Trouble::limit(format!("blocks of {b}")));
        };
        Ok(vec![Type::new(x.element, [n, c / area, high, wide])])
    },
    |run| {
        let x = run.input(0)?;
        let b = block(run.attributes())?;
        let &[n, c, h, w] = x.dims() else { return Err(Trouble::graph("expected images")) };
        let c = c / (b * b);
        // In the order of the output: n, c, h, row in the block, w, column.
        let (own, order) = match mode(run.attributes())? {
            Mode::Dcr => (strides(&[n, b, b, c, h, w]), [0, 3, 4, 1, 5, 2]),
            Mode::Crd => (strides(&[n, c, b, b, h, w]), [0, 1, 4, 2, 5, 3]),
        };
        let places = Places::new(0, vec![n, c, h, b, w, b], order.map(|at| own[at]).to_vec());
        Ok(vec![run.shaped(0, x.data().gather(places))?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let size = Attributes::new().with("blocksize", block(&cx.node.attributes)? as i64);
        let mut gradient = cx.builder.apply_with(names::SPACE_TO_DEPTH, &[flow], size)?;
        if mode(&cx.node.attributes)? == Mode::Crd {
            let channels = channels(cx, cx.input(0)?)?;
            let area = block(&cx.node.attributes)?.pow(2);
            let inner = channels / area;
            let from = (0..channels).map(|at| at % area * inner + at / area);
            gradient = reordered(cx, gradient, from.map(|at| at as i64).collect())?;
        }
        cx.give(0, gradient)
    }),
)
.moves();

static SPACE_TO_DEPTH: Operator = Operator::new(
    "SpaceToDepth",
    &[1, 13, 28],
    |cx| {
        let x = cx.kind(0)?;
        let (&[n, c, h, w], b) = (&x.dims[..], block(cx.attributes())?) else {
            return Err(Trouble::graph(format!("expected images N,C,H,W, got {x}")));
        };
        mode(cx.attributes())?;
        if h % b != 0 || w % b != 0 {
            return Err(Trouble::graph(format!("{h} x {w} does not divide into blocks of {b}")));
        }
        let channels = b.checked_mul(b).and_then(|area| area.checked_mul(c));
        let channels = channels.ok_or_else(|| Trouble::limit(format!("blocks of {b}")))?;
        Ok(vec![Type::new(x.element, [n, channels, h / b, w / b])])
    },
    |run| {
        let x = run.input(0)?;
        let b = block(run.attributes())?;
        let &[n, c, h, w] = x.dims() else { return Err(Trouble::graph("expected images")) };
        let (h, w) = (h / b, w / b);
        let own = strides(&[n, c, h, b, w, b]);
        let (dims, order) = match mode(run.attributes())? {
            Mode::Dcr => (vec![n, b, b, c, h, w], [0, 3, 5, 1, 2, 4]),
            Mode::Crd => (vec![n, c, b, b, h, w], [0, 1, 3, 5, 2, 4]),
        };
        let places = Places::new(0, dims, order.map(|at| own[at]).to_vec());
        Ok(vec![run.shaped(0, x.data().gather(places))?])
    },
    Grad::Rule(|cx| {
        let Some(mut flow) = cx.flow(0) else { return Ok(()) };
        let size = Attributes::new().with("blocksize", block(&cx.node.attributes)? as i64);
        if mode(&cx.node.attributes)? == Mode::Crd {
            let inner = channels(cx, cx.input(0)?)?;
            let area = block(&cx.node.attributes)?.pow(2);
            let from = (0..inner * area).map(|at| at % inner * area + at / inner);
            flow = reordered(cx, flow, from.map(|at| at as i64).collect())?;
        }
        let gradient = cx.builder.apply_with(names::DEPTH_TO_SPACE, &[flow], size)?;
        cx.give(0, gradient)
    }),
)
.moves();

/// Which part of a channel is the place in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Dcr,
    Crd,
}

fn mode(attributes: &Attributes) -> Result<Mode> {
    match attributes.text_or("mode", "DCR")? {
        "DCR" => Ok(Mode::Dcr),
        "CRD" => Ok(Mode::Crd),
        other => Err(Trouble::graph(format!("no such mode: `{other}`"))),
    }
}

fn block(attributes: &Attributes) -> Result<usize> {
    let size = attributes.int_or("blocksize", 0)?;
    usize::try_from(size)
        .ok()
        .filter(|&size| size > 0)
        .ok_or_else(|| Trouble::graph(format!("expected blocks of 1 or more, got {size}")))
}

fn channels(cx: &Gradient<'_, '_>, value: ValueId) -> Result<usize> {
    match cx.builder.dims(value)?.get(1) {
        Some(Dim::Fixed(channels)) => Ok(*channels),
        _ => Err(Trouble::unsupported("the mode `CRD` with any number of channels")),
    }
}

fn reordered(cx: &mut Gradient<'_, '_>, value: ValueId, from: Vec<i64>) -> Result<ValueId> {
    let from = cx.builder.ints(from);
    cx.builder.apply_with(names::GATHER, &[value, from], Attributes::new().with("axis", 1))
}
