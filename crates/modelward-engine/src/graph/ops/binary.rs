//! `Add`, `Sub`, `Mul`, `Div`: arithmetic of two tensors, with broadcasting.
//!
//! Whole numbers wrap; a division by 0 is refused. Before opset 7 the second operand was broadcast
//! only where `broadcast` said so, from `axis` on.
//!
//! Source: ONNX operators of these names, sets 6, 7, 13 and 14.

use crate::{
    Data, Result, Tensor, Trouble,
    grad::Gradient,
    graph::{
        Attributes, Grad, Operator, Run, names,
        ops::elementwise::{broadcast_both, of_type, zip},
    },
    onnx::Import,
};

pub(super) const OPS: &[&Operator] = &[&ADD, &SUB, &MUL, &DIV];

static ADD: Operator = arithmetic(
    "Add",
    |run| numeric(run, |a, b| a + b, |a, b| a + b, i64::wrapping_add, u64::wrapping_add),
    |cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        cx.give_unbroadcast(0, flow)?;
        cx.give_unbroadcast(1, flow)
    },
);

static SUB: Operator = arithmetic(
    "Sub",
    |run| numeric(run, |a, b| a - b, |a, b| a - b, i64::wrapping_sub, u64::wrapping_sub),
    |cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        cx.give_unbroadcast(0, flow)?;
        if cx.wants(1) {
            let negative = cx.builder.apply(names::NEG, &[flow])?;
            cx.give_unbroadcast(1, negative)?;
        }
        Ok(())
    },
);

static MUL: Operator = arithmetic(
    "Mul",
    |run| numeric(run, |a, b| a * b, |a, b| a * b, i64::wrapping_mul, u64::wrapping_mul),
    |cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        for (input, other) in [(0, 1), (1, 0)] {
            if cx.wants(input) {
                let other = cx.input(other)?;
                let gradient = cx.builder.mul(flow, other)?;
                cx.give_unbroadcast(input, gradient)?;
            }
        }
        Ok(())
    },
);

static DIV: Operator = arithmetic("Div", divide, |cx| {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let divisor = cx.input(1)?;
    if cx.wants(0) {
        let gradient = cx.builder.apply(names::DIV, &[flow, divisor])?;
        cx.give_unbroadcast(0, gradient)?;
    }
    if cx.wants(1) {
        let quotient = cx.output(0)?;
        let scaled = cx.builder.mul(flow, quotient)?;
        let scaled = cx.builder.apply(names::DIV, &[scaled, divisor])?;
        let gradient = cx.builder.apply(names::NEG, &[scaled])?;
        cx.give_unbroadcast(1, gradient)?;
    }
    Ok(())
});

const fn arithmetic(
    name: &'static str,
    run: fn(&Run<'_>) -> Result<Vec<Tensor>>,
    grad: fn(&mut Gradient<'_, '_>) -> Result<()>,
) -> Operator {
    Operator::new(name, &[6, 7, 13, 14], broadcast_both, run, Grad::Rule(grad))
        .import(old_broadcast)
}

/// Before opset 7: `broadcast` and `axis` say where the second operand lies.
pub(super) fn old_broadcast(import: &mut Import<'_>) -> Result<()> {
    let axis = import.attributes.int("axis")?;
    import.attributes.take("axis");
    let broadcast = import.attributes.flag("broadcast")?;
    import.attributes.take("broadcast");
    if let (true, Some(axis), true) = (import.version < 7, axis, broadcast) {
        // The second operand's dimensions end where the first's do, unless `axis` says otherwise.
        let (first, second) = (import.input(0)?, import.input(1)?);
        let aligned = import.before(
            names::ALIGN,
            vec![Some(second), Some(first)],
            Attributes::new().with("axis", axis),
        )?;
        import.set_input(1, aligned);
    }
    Ok(())
}

/// Run arithmetic on numbers of any type. Small integers wrap as wide ones do, cut to size.
#[expect(clippy::cast_possible_truncation, reason = "the low bits of a wrapped result are right")]
pub(super) fn numeric(
    run: &Run<'_>,
    narrow: fn(f32, f32) -> f32,
    wide: fn(f64, f64) -> f64,
    signed: fn(i64, i64) -> i64,
    unsigned: fn(u64, u64) -> u64,
) -> Result<Vec<Tensor>> {
    let (a, b) = (run.input(0)?, run.input(1)?);
    let to = &run.output(0)?.dims[..];
    macro_rules! pair {
        ($v:expr, $of:expr) => {
            zip((a.dims(), $v), (b.dims(), b.values()?), to, $of).into()
        };
    }
    let data: Data = match a.data() {
        Data::F32(v) => pair!(v, narrow),
        Data::F64(v) => pair!(v, wide),
        Data::I8(v) => pair!(v, |a, b| signed(a.into(), b.into()) as i8),
        Data::I16(v) => pair!(v, |a, b| signed(a.into(), b.into()) as i16),
        Data::I32(v) => pair!(v, |a, b| signed(a.into(), b.into()) as i32),
        Data::I64(v) => pair!(v, signed),
        Data::U8(v) => pair!(v, |a, b| unsigned(a.into(), b.into()) as u8),
        Data::U16(v) => pair!(v, |a, b| unsigned(a.into(), b.into()) as u16),
        Data::U32(v) => pair!(v, |a, b| unsigned(a.into(), b.into()) as u32),
        Data::U64(v) => pair!(v, unsigned),
        _ => return Err(of_type(a)),
    };
    Ok(vec![run.shaped(0, data)?])
}

fn divide(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let divisor = run.input(1)?;
    if !divisor.element().is_float() && divisor.ints()?.contains(&0) {
        return Err(Trouble::graph("a whole number is divided by 0"));
    }
    numeric(run, |a, b| a / b, |a, b| a / b, i64::wrapping_div, u64::wrapping_div)
}
