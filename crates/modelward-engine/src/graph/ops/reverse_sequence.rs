//! `ReverseSequence`: the first elements of each sequence of a batch backwards.
//!
//! Source: ONNX `ReverseSequence`, sets 10 and 28.

use crate::{
    Result, Trouble,
    graph::{
        Attributes, Grad, Operator, axis_of, names,
        ops::elementwise::{Places, strides},
    },
};

pub(super) const OPS: &[&Operator] = &[&REVERSE_SEQUENCE];

static REVERSE_SEQUENCE: Operator = Operator::new(
    "ReverseSequence",
    &[10, 28],
    |cx| {
        let x = cx.kind(0)?;
        let (batch, _) = axes(cx.attributes(), x.dims.len())?;
        if cx.dims(1)? != [x.dims[batch]] {
            let (expected, got) = (x.dims[batch], cx.kind(1)?);
            return Err(Trouble::graph(format!("expected {expected} lengths, got {got}")));
        }
        Ok(vec![x.clone()])
    },
    |run| {
        let (x, lengths) = (run.input(0)?, run.input(1)?.ints()?);
        let (batch, time) = axes(run.attributes(), x.dims().len())?;
        let size = x.dims()[time];
        if let Some(length) = lengths.iter().find(|&&n| n < 0 || n > size as i64) {
            return Err(Trouble::graph(format!("expected a length up to {size}, got {length}")));
        }
        let own = strides(x.dims());
        let all = Places::new(0, x.dims().to_vec(), own.clone());
        let from = all.map(|place| {
            let (example, at) = (place / own[batch] % x.dims()[batch], place / own[time] % size);
            let length = lengths[example] as usize;
            if at < length { place - at * own[time] + (length - 1 - at) * own[time] } else { place }
        });
        Ok(vec![run.shaped(0, x.data().gather(from))?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let lengths = cx.input(1)?;
        let attributes = cx.node.attributes.clone();
        let gradient =
            cx.builder.apply_with(names::REVERSE_SEQUENCE, &[flow, lengths], attributes)?;
        cx.give(0, gradient)
    }),
)
.moves();

/// The axes of the batch and of time.
fn axes(attributes: &Attributes, rank: usize) -> Result<(usize, usize)> {
    let batch = axis_of(attributes.int_or("batch_axis", 1)?, rank)?;
    let time = axis_of(attributes.int_or("time_axis", 0)?, rank)?;
    if batch == time {
        return Err(Trouble::graph("the batch and the time are the same axis"));
    }
    Ok((batch, time))
}
