//! `Identity`: what it is given.
//!
//! Source: ONNX `Identity`, sets 1 to 25.

use crate::graph::{Grad, Operator, ops::elementwise::alone};

pub(super) const OPS: &[&Operator] = &[&IDENTITY];

static IDENTITY: Operator = Operator::new(
    "Identity",
    &[1, 13, 14, 16, 19, 21, 23, 24, 25],
    alone,
    |run| Ok(vec![run.input(0)?.clone()]),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        cx.give(0, flow)
    }),
)
.moves();
