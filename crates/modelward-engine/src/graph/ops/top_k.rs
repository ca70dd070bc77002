//! `TopK`: the largest or smallest elements along an axis, and where they lie.
//!
//! Equal elements keep the order of their indices; NaN counts as larger than all others. The
//! gradient flows back to where the elements came from.
//!
//! Source: ONNX `TopK`, sets 1, 10, 11 and 24.

use std::cmp::Ordering;

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    graph::{Attributes, Grad, Infer, Operator, Run, axis_of, names, ops::elementwise::of_type},
    numbers,
};

pub(super) const OPS: &[&Operator] = &[&TOP_K];

static TOP_K: Operator = Operator::new(
    "TopK",
    &[1, 10, 11, 24],
    infer,
    run,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, indices) = (cx.input(0)?, cx.output(1)?);
        let axis = axis_of(cx.node.attributes.int_or("axis", -1)?, cx.builder.rank(x)?)?;
        let zero = cx.builder.float(x, 0.0)?;
        let zeros = cx.builder.mul(x, zero)?;
        let axis = Attributes::new().with("axis", axis as i64);
        let gradient =
            cx.builder.apply_with(names::SCATTER_ELEMENTS, &[zeros, indices, flow], axis)?;
        cx.give(0, gradient)
    }),
)
.import(|import| {
    if import.version < 10 {
        let k = import.attributes.int("k")?;
        let k = k.ok_or_else(|| Trouble::graph("expected the attribute `k`, got none"))?;
        import.attributes.take("k");
        let k = import.constant(Tensor::list(vec![k]));
        import.set_input(1, k);
    }
    Ok(())
});

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    let axis = cx.axis(cx.attributes().int_or("axis", -1)?, x.dims.len())?;
    let k = cx.value(1)?.ints()?;
    let size = x.dims[axis];
    let [k] = k[..] else { return Err(Trouble::graph("expected one number of elements")) };
    let k = usize::try_from(k).ok().filter(|&k| k <= size).ok_or_else(|| {
        Trouble::graph(format!("expected at most {size} elements along axis {axis}, got {k}"))
    })?;
    let mut dims = x.dims.clone();
    dims[axis] = k;
    Ok(vec![Type::new(x.element, dims.clone()), Type::new(Element::I64, dims)])
}

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let axis = axis_of(run.attributes().int_or("axis", -1)?, x.dims().len())?;
    let largest = run.attributes().int_or("largest", 1)? != 0;
    let (size, inner) = (x.dims()[axis], x.dims()[axis + 1..].iter().product::<usize>());
    let outer = x.dims()[..axis].iter().product::<usize>();
    // The inferred type, or where only the indices are asked for, the same.
    let k = run.output(0)?.dims[axis];
    let count = outer * k * inner;
    let (mut from, mut indices) = (vec![0_usize; count], vec![0_i64; count]);
    numbers!(x.data(), v => {
        for outer in 0..outer {
            for inner_at in 0..inner {
                let place = |index: usize| (outer * size + index) * inner + inner_at;
                let mut order = (0..size).collect::<Vec<_>>();
                order.sort_by(|&a, &b| {
                    let (a, b) = (v[place(a)], v[place(b)]);
                    let order = compare(&a, &b);
                    if largest { order.reverse() } else { order }
                });
                for (rank, &index) in order.iter().take(k).enumerate() {
                    let to = (outer * k + rank) * inner + inner_at;
                    from[to] = place(index);
                    indices[to] = index as i64;
                }
            }
        }
    }, _ => return Err(of_type(x)));
    let values = Tensor::new(run.output(0)?.dims.clone(), x.data().gather(from.into_iter()))?;
    let indices = Tensor::new(values.dims(), Data::I64(indices))?;
    Ok(vec![values, indices])
}

/// The order of two numbers, NaN above all others.
pub(super) fn compare<T: PartialOrd>(a: &T, b: &T) -> Ordering {
    #[expect(clippy::eq_op, reason = "NaN alone differs from itself")]
    a.partial_cmp(b).unwrap_or_else(|| match (a != a, b != b) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        _ => Ordering::Less,
    })
}
