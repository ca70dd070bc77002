//! `Floor`, `Ceil`, `Round`: the whole number below, above and nearest; halves go to the even one.
//!
//! Source: ONNX `Floor` and `Ceil`, sets 6 and 13; `Round`, sets 11 and 22.

use crate::{
    Result, Tensor,
    graph::{
        Grad, Operator, Run,
        ops::elementwise::{alone, map},
    },
};

pub(super) const OPS: &[&Operator] = &[&FLOOR, &CEIL, &ROUND];

static FLOOR: Operator = rounding("Floor", &[6, 13], |run| map(run, f32::floor, f64::floor));

static CEIL: Operator = rounding("Ceil", &[6, 13], |run| map(run, f32::ceil, f64::ceil));

static ROUND: Operator =
    rounding("Round", &[11, 22], |run| map(run, f32::round_ties_even, f64::round_ties_even));

const fn rounding(
    name: &'static str,
    since: &'static [i64],
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
) -> Operator {
    Operator::new(name, since, alone, run, Grad::Zero("a rounding is constant but for steps"))
        .straight_through(|cx| cx.flow(0).map_or(Ok(()), |flow| cx.give(0, flow)))
}
