//! `RotaryEmbedding`: pairs of numbers turned by an angle that grows with their place.
//!
//! Source: ONNX `RotaryEmbedding`, set 23; Su et al. 2021, "RoFormer".

use crate::{
    Result, Tensor, Trouble,
    graph::{
        Attributes, Grad, Operator, Run, names,
        ops::{
            gather::places,
            real::{Real, of_reals},
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&ROTARY_EMBEDDING];

static ROTARY_EMBEDDING: Operator = Operator::new(
    "RotaryEmbedding",
    &[23],
    |cx| {
        let x = cx.kind(0)?;
        let sizes = Sizes::of(cx.attributes(), &x.dims)?;
        let (cos, sin) = (cx.dims(1)?, cx.dims(2)?);
        let fits = cos == sin
            && match cx.has(3) {
                true => {
                    cx.dims(3)? == [sizes.batch, sizes.steps]
                        && matches!(cos, &[_, half] if half == sizes.turned / 2)
                }
                false => cos == [sizes.batch, sizes.steps, sizes.turned / 2],
            };
        if !fits {
            return Err(Trouble::graph(format!(
                "cosines {cos:?} and sines {sin:?} do not fit {x}"
            )));
        }
        Ok(vec![x.clone()])
    },
    |run| of_reals!(run.input(0)?, turn(run)),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        if cx.wants(1) || cx.wants(2) {
            return Err(Trouble::unsupported("the gradient of a rotation by its angle"));
        }
        // Turned back.
        let back = cx.builder.apply(names::NEG, &[cx.input(2)?])?;
        let mut inputs = vec![Some(flow), Some(cx.input(1)?), Some(back)];
        inputs.extend(cx.node.inputs.get(3));
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_all(names::ROTARY_EMBEDDING, inputs, attributes, 1)?[0];
        cx.give(0, gradient)
    }),
);

#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    steps: usize,
    heads: usize,
    size: usize,
    /// How many numbers of each head are turned.
    turned: usize,
    /// Whether the heads lie in the last axis of three.
    flat: bool,
}

impl Sizes {
    fn of(attributes: &Attributes, dims: &[usize]) -> Result<Self> {
        let wrong = || Trouble::graph(format!("an input {dims:?} does not divide into heads"));
        let (batch, steps, heads, size, flat) = match *dims {
            [batch, heads, steps, size] => (batch, steps, heads, size, false),
            [batch, steps, hidden] => {
                let heads = usize::try_from(attributes.int_or("num_heads", 0)?).unwrap_or(0);
                if heads == 0 || hidden % heads != 0 {
                    return Err(wrong());
                }
                (batch, steps, heads, hidden / heads, true)
            }
            _ => return Err(wrong()),
        };
        let turned = match attributes.int_or("rotary_embedding_dim", 0)? {
            0 => Some(size),
            turned => usize::try_from(turned).ok().filter(|&turned| turned <= size),
        };
        let turned = turned.filter(|turned| turned % 2 == 0).ok_or_else(wrong)?;
        Ok(Self { batch, steps, heads, size, turned, flat })
    }
}

fn turn<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let sizes = Sizes::of(run.attributes(), x.dims())?;
    let Sizes { batch, steps, heads, size, turned, flat } = sizes;
    let (cos, sin) = (run.input(1)?.values::<T>()?, run.input(2)?.values::<T>()?);
    let half = turned / 2;
    let rows = match run.optional(3) {
        Some(ids) => places(ids, run.input(1)?.dims()[0])?,
        None => (0..batch * steps).collect(),
    };
    let between = run.attributes().flag("interleaved")?;
    let mut out = x.values::<T>()?.to_vec();
    for (at, head) in out.chunks_exact_mut(size.max(1)).enumerate() {
        let (example, step) = match flat {
            true => (at / heads / steps, at / heads % steps),
            false => (at / steps / heads, at % steps),
        };
        let row = rows[example * steps + step] * half;
        for pair in 0..half {
            let (one, other) = if between { (2 * pair, 2 * pair + 1) } else { (pair, half + pair) };
            let (a, b) = (head[one], head[other]);
            let (cos, sin) = (cos[row + pair], sin[row + pair]);
            head[one] = cos * a - sin * b;
            head[other] = sin * a + cos * b;
        }
    }
    Ok(vec![run.shaped(0, T::into_data(out))?])
}
