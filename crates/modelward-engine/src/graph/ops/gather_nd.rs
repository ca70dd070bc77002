//! `GatherND`, `ScatterND`: slices read or written by their index along several axes.
//!
//! Source: ONNX `GatherND`, sets 11 to 13; `ScatterND`, sets 11 to 18.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    graph::{
        Attributes, Grad, Operator, names,
        ops::{
            along::{lower_moved, zeros_like},
            elementwise::{of_type, strides},
            scatter_elements::reduce,
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&GATHER_ND, &GATHER_ND_GRAD, &SCATTER_ND];

static GATHER_ND: Operator = Operator::new(
    "GatherND",
    &[11, 12, 13],
    |cx| {
        let x = cx.kind(0)?;
        let batch = cx.attributes().int_or("batch_dims", 0)?;
        Ok(vec![Type::new(x.element, gathered(&x.dims, cx.dims(1)?, batch)?)])
    },
    |run| {
        let (x, indices) = (run.input(0)?, run.input(1)?);
        let batch = run.attributes().int_or("batch_dims", 0)? as usize;
        let (starts, block) = slices(x.dims(), indices, batch)?;
        let from = starts.into_iter().flat_map(|start| start..start + block);
        Ok(vec![run.shaped(0, x.data().gather(from))?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let inputs = [flow, cx.input(1)?, cx.input(0)?];
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_with(names::GATHER_ND_GRAD, &inputs, attributes)?;
        cx.give(0, gradient)
    }),
)
.moves();

/// What flows into slices, added where they were taken from: flow, indices, and the input, whose
/// shape alone is looked at.
static GATHER_ND_GRAD: Operator = Operator::own(
    "GatherNDGrad",
    |cx| Ok(vec![Type::new(cx.element(0)?, cx.dims(2)?)]),
    |run| {
        let (flow, kind) = (run.input(0)?, run.output(0)?);
        let batch = run.attributes().int_or("batch_dims", 0)? as usize;
        let (starts, block) = slices(&kind.dims, run.input(1)?, batch)?;
        macro_rules! add {
            ($v:expr) => {{
                let mut out = vec![0.0; kind.count()?];
                let places = starts.into_iter().flat_map(|start| start..start + block);
                for (place, flow) in places.zip($v) {
                    out[place] += flow;
                }
                out.into()
            }};
        }
        let data: Data = match flow.data() {
            Data::F32(v) => add!(v),
            Data::F64(v) => add!(v),
            _ => return Err(of_type(flow)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let indices = cx.input(1)?;
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_with(names::GATHER_ND, &[flow, indices], attributes)?;
        cx.give(0, gradient)
    }),
    |builder, node| {
        let [Some(flow), Some(indices), Some(x)] = node.inputs[..] else {
            return Err(Trouble::graph("expected three inputs"));
        };
        if node.attributes.int_or("batch_dims", 0)? != 0 {
            let attributes = node.attributes.clone();
            let others = [Some(indices)];
            return Ok(vec![lower_moved(builder, flow, x, names::GATHER_ND, &others, attributes)?]);
        }
        let zeros = zeros_like(builder, x)?;
        let add = Attributes::new().with("reduction", "add");
        Ok(vec![builder.apply_with(names::SCATTER_ND, &[zeros, indices, flow], add)?])
    },
);

static SCATTER_ND: Operator = Operator::new(
    "ScatterND",
    &[11, 13, 16, 18],
    |cx| {
        let (x, updates) = (cx.kind(0)?, cx.kind(2)?);
        let expected = gathered(&x.dims, cx.dims(1)?, 0)?;
        if updates.dims != expected || updates.element != x.element {
            return Err(Trouble::graph(format!("expected updates {expected:?}, got {updates}")));
        }
        Ok(vec![x.clone()])
    },
    |run| {
        let (x, updates) = (run.input(0)?, run.input(2)?);
        let (starts, block) = slices(x.dims(), run.input(1)?, 0)?;
        let to = starts.into_iter().flat_map(|start| start..start + block).collect::<Vec<_>>();
        let reduction = run.attributes().text_or("reduction", "none")?;
        Ok(vec![run.shaped(0, reduce(x, &to, updates, reduction)?)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let reduction = cx.node.attributes.text_or("reduction", "none")?.to_owned();
        if !matches!(&*reduction, "none" | "add") {
            let why = format!("the gradient of a scatter with the reduction `{reduction}`");
            return Err(Trouble::unsupported(why));
        }
        let (indices, updates) = (cx.input(1)?, cx.input(2)?);
        if cx.wants(2) {
            let gradient = cx.builder.apply(names::GATHER_ND, &[flow, indices])?;
            cx.give(2, gradient)?;
        }
        if cx.wants(0) {
            let mut gradient = flow;
            if reduction == "none" {
                let zeros = zeros_like(cx.builder, updates)?;
                gradient = cx.builder.apply(names::SCATTER_ND, &[flow, indices, zeros])?;
            }
            cx.give(0, gradient)?;
        }
        Ok(())
    }),
);

/// The shape of what is gathered.
fn gathered(dims: &[usize], indices: &[usize], batch: i64) -> Result<Vec<usize>> {
    let wrong = || Trouble::graph(format!("indices {indices:?} do not fit a shape {dims:?}"));
    let batch = usize::try_from(batch).map_err(|_| wrong())?;
    let (&depth, front) = indices.split_last().ok_or_else(wrong)?;
    let used = batch.checked_add(depth).filter(|&used| used <= dims.len()).ok_or_else(wrong)?;
    if batch > front.len() || dims[..batch] != front[..batch] {
        return Err(wrong());
    }
    Ok([front, &dims[used..]].concat())
}

/// Where each slice begins, and how many elements it has.
fn slices(dims: &[usize], indices: &Tensor, batch: usize) -> Result<(Vec<usize>, usize)> {
    let depth = indices.dims().last().copied().unwrap_or(0);
    let own = strides(dims);
    let block = dims[batch + depth..].iter().product::<usize>();
    let behind = dims[batch..].iter().product::<usize>();
    let each = indices.dims()[batch..indices.dims().len() - 1].iter().product::<usize>();
    let count = indices.dims()[..indices.dims().len() - 1].iter().product::<usize>();
    let values = indices.ints()?;
    let mut starts = Vec::with_capacity(count);
    for slice in 0..count {
        let mut start = slice / each * behind;
        for axis in 0..depth {
            let (size, index) = (dims[batch + axis], values[slice * depth + axis]);
            let at = if index < 0 { index.checked_add(size as i64) } else { Some(index) };
            let at = at.and_then(|at| usize::try_from(at).ok()).filter(|&at| at < size);
            let at = at.ok_or_else(|| {
                Trouble::graph(format!("expected an index of {size} places, got {index}"))
            })?;
            start += at * own[batch + axis];
        }
        starts.push(start);
    }
    Ok((starts, block))
}
