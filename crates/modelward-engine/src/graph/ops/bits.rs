//! `BitwiseAnd`, `BitwiseOr`, `BitwiseXor`, `BitwiseNot`, `BitShift`: whole numbers as their bits.
//!
//! A shift by a negative number, or by as many bits as there are and more, leaves nothing: 0, or -1
//! where a negative number is shifted to the right.
//!
//! Source: ONNX `BitShift`, sets 11 and 28; the others, set 18.

use crate::{
    Data, Result, Tensor, Trouble,
    graph::{
        Grad, Infer, Operator, Run,
        ops::elementwise::{alone, broadcast_both, of_type, zip},
        shorten,
    },
};

pub(super) const OPS: &[&Operator] =
    &[&BITWISE_AND, &BITWISE_OR, &BITWISE_XOR, &BITWISE_NOT, &BIT_SHIFT];

const NO_SLOPE: Grad = Grad::Zero("whole numbers have no slope");

/// Do the same with whole numbers of any type; everything else goes to the last arm.
macro_rules! whole {
    ($data:expr, $v:pat => $body:expr, _ => $other:expr) => {
        match $data {
            Data::I8($v) => $body,
            Data::I16($v) => $body,
            Data::I32($v) => $body,
            Data::I64($v) => $body,
            Data::U8($v) => $body,
            Data::U16($v) => $body,
            Data::U32($v) => $body,
            Data::U64($v) => $body,
            _ => $other,
        }
    };
}

macro_rules! bitwise {
    ($name:literal, $of:expr) => {
        Operator::new(
            $name,
            &[18],
            broadcast_both,
            |run| {
                let (a, b) = (run.input(0)?, run.input(1)?);
                let to = &run.output(0)?.dims[..];
                let data: Data = whole!(
                    a.data(),
                    v => zip((a.dims(), v), (b.dims(), b.values()?), to, $of).into(),
                    _ => return Err(of_type(a))
                );
                Ok(vec![run.shaped(0, data)?])
            },
            NO_SLOPE,
        )
    };
}

static BITWISE_AND: Operator = bitwise!("BitwiseAnd", |a, b| a & b);
static BITWISE_OR: Operator = bitwise!("BitwiseOr", |a, b| a | b);
static BITWISE_XOR: Operator = bitwise!("BitwiseXor", |a, b| a ^ b);

static BITWISE_NOT: Operator = Operator::new(
    "BitwiseNot",
    &[18],
    alone,
    |run| {
        let x = run.input(0)?;
        let data: Data = whole!(
            x.data(),
            v => v.iter().map(|x| !x).collect::<Vec<_>>().into(),
            _ => return Err(of_type(x))
        );
        Ok(vec![run.shaped(0, data)?])
    },
    NO_SLOPE,
);

static BIT_SHIFT: Operator = Operator::new(
    "BitShift",
    &[11, 28],
    |cx| {
        to_left(cx)?;
        broadcast_both(cx)
    },
    shift,
    NO_SLOPE,
);

fn to_left(cx: &Infer<'_>) -> Result<bool> {
    match cx.attributes().text_or("direction", "")? {
        "LEFT" => Ok(true),
        "RIGHT" => Ok(false),
        other => {
            let other = shorten(other);
            let why = format!("expected `LEFT` or `RIGHT` in `direction`, got `{other}`");
            Err(Trouble::graph(why))
        }
    }
}

fn shift(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (a, b) = (run.input(0)?, run.input(1)?);
    let left = run.attributes().text_or("direction", "")? == "LEFT";
    let to = &run.output(0)?.dims[..];
    macro_rules! shifted {
        ($v:expr, $kind:ty) => {
            zip((a.dims(), $v), (b.dims(), b.values()?), to, |a: $kind, by: $kind| {
                let by = u32::try_from(by).unwrap_or(u32::MAX);
                if left {
                    a.checked_shl(by).unwrap_or(0)
                } else {
                    // As far as it goes: what is left is the sign.
                    #[allow(unused_comparisons, reason = "of unsigned numbers too")]
                    a.checked_shr(by).unwrap_or(if a < 0 { !0 } else { 0 })
                }
            })
            .into()
        };
    }
    let data: Data = match a.data() {
        Data::I8(v) => shifted!(v, i8),
        Data::I16(v) => shifted!(v, i16),
        Data::I32(v) => shifted!(v, i32),
        Data::I64(v) => shifted!(v, i64),
        Data::U8(v) => shifted!(v, u8),
        Data::U16(v) => shifted!(v, u16),
        Data::U32(v) => shifted!(v, u32),
        Data::U64(v) => shifted!(v, u64),
        _ => return Err(of_type(a)),
    };
    Ok(vec![run.shaped(0, data)?])
}
