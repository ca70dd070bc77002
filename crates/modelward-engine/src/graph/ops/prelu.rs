//! `PRelu`: negative numbers are scaled by a slope that is broadcast to them; at 0 the gradient is
//! that of the slope.
//!
//! Before set 7 the slopes are those of the channels, along axis 1.
//!
//! Source: ONNX `PRelu`, sets 6, 7, 9 and 16; He et al. 2015, "Delving deep into rectifiers",
//! equation 1.

use crate::{
    Data, Result, Trouble, Type,
    graph::{
        Attributes, Grad, Infer, Operator, names,
        ops::elementwise::{broadcast_both, of_type, zip},
    },
};

pub(super) const OPS: &[&Operator] = &[&PRELU];

static PRELU: Operator = Operator::new(
    "PRelu",
    &[6, 7, 9, 16],
    infer,
    |run| {
        let (x, slope) = (run.input(0)?, run.input(1)?);
        let to = &run.output(0)?.dims[..];
        macro_rules! scaled {
            ($v:expr) => {
                zip((x.dims(), $v), (slope.dims(), slope.values()?), to, |x, slope| {
                    if x < 0.0 { x * slope } else { x }
                })
                .into()
            };
        }
        macro_rules! whole {
            ($v:expr) => {
                zip((x.dims(), $v), (slope.dims(), slope.values()?), to, |x, slope| {
                    if x < 0 { x.wrapping_mul(slope) } else { x }
                })
                .into()
            };
        }
        let data: Data = match x.data() {
            Data::F32(v) => scaled!(v),
            Data::F64(v) => scaled!(v),
            Data::I32(v) => whole!(v),
            Data::I64(v) => whole!(v),
            Data::U32(_) | Data::U64(_) => x.data().clone(),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, slope) = (cx.input(0)?, cx.input(1)?);
        let zero = cx.builder.float(x, 0.0)?;
        let above = cx.builder.apply(names::GREATER, &[x, zero])?;
        if cx.wants(0) {
            let scaled = cx.builder.mul(flow, slope)?;
            let gradient = cx.builder.apply(names::WHERE, &[above, flow, scaled])?;
            cx.give(0, gradient)?;
        }
        if cx.wants(1) {
            let scaled = cx.builder.mul(flow, x)?;
            let gradient = cx.builder.apply(names::WHERE, &[above, zero, scaled])?;
            cx.give_unbroadcast(1, gradient)?;
        }
        Ok(())
    }),
)
.import(|import| {
    let one = import.known(1).is_some_and(|slope| slope.count() == 1);
    if import.version < 7 && !one {
        let (x, slope) = (import.input(0)?, import.input(1)?);
        let channels = Attributes::new().with("axis", 1);
        let aligned = import.before(names::ALIGN, vec![Some(slope), Some(x)], channels)?;
        import.set_input(1, aligned);
    }
    Ok(())
});

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let types = broadcast_both(cx)?;
    let (x, slope) = (cx.kind(0)?, cx.kind(1)?);
    if types.first() != Some(x) {
        return Err(Trouble::graph(format!("the slopes {slope} do not broadcast to {x}")));
    }
    Ok(types)
}
