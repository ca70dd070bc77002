//! `ScatterElements`: elements written to places of a copy, along one axis; `Scatter`, its old name.
//!
//! Source: ONNX `ScatterElements`, sets 11, 13, 16 and 18; `Scatter`, sets 9 and 11.

use crate::{
    Data, Number, Result, Tensor, Trouble, alike,
    graph::{
        Attributes, Grad, Operator, Run, axis_of, names,
        ops::{
            elementwise::{Places, like, of_type, strides},
            gather::places,
        },
    },
    numbers,
};

pub(super) const OPS: &[&Operator] = &[&SCATTER_ELEMENTS, &SCATTER];

static SCATTER_ELEMENTS: Operator = Operator::new(
    "ScatterElements",
    &[11, 13, 16, 18],
    |cx| {
        let (x, indices, updates) = (cx.kind(0)?, cx.dims(1)?, cx.kind(2)?);
        let axis = cx.axis(cx.attributes().int_or("axis", 0)?, x.dims.len())?;
        let fits = indices.len() == x.dims.len()
            && (0..indices.len()).all(|at| at == axis || indices[at] <= x.dims[at]);
        if indices != updates.dims || !fits || updates.element != x.element {
            let dims = &x.dims;
            return Err(Trouble::graph(format!(
                "indices {indices:?} and updates {updates} do not fit {dims:?}"
            )));
        }
        Ok(vec![x.clone()])
    },
    scatter,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let reduction = cx.node.attributes.text_or("reduction", "none")?.to_owned();
        if !matches!(&*reduction, "none" | "add") {
            let why = format!("the gradient of a scatter with the reduction `{reduction}`");
            return Err(Trouble::unsupported(why));
        }
        let (indices, updates) = (cx.input(1)?, cx.input(2)?);
        let axis = Attributes::new().with("axis", cx.node.attributes.int_or("axis", 0)?);
        if cx.wants(2) {
            let gradient =
                cx.builder.apply_with(names::GATHER_ELEMENTS, &[flow, indices], axis.clone())?;
            cx.give(2, gradient)?;
        }
        if cx.wants(0) {
            let mut gradient = flow;
            if reduction == "none" {
                let zero = cx.builder.float(updates, 0.0)?;
                let zeros = cx.builder.mul(updates, zero)?;
                gradient = cx.builder.apply_with(
                    names::SCATTER_ELEMENTS,
                    &[flow, indices, zeros],
                    axis,
                )?;
            }
            cx.give(0, gradient)?;
        }
        Ok(())
    }),
);

static SCATTER: Operator = Operator::new(
    "Scatter",
    &[9, 11],
    |cx| Ok(vec![cx.kind(0)?.clone()]),
    scatter,
    Grad::None("it is read as ScatterElements"),
)
.import(|import| {
    import.set_operator(names::SCATTER_ELEMENTS)?;
    Ok(())
});

fn scatter(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (x, indices, updates) = (run.input(0)?, run.input(1)?, run.input(2)?);
    let axis = axis_of(run.attributes().int_or("axis", 0)?, x.dims().len())?;
    let own = strides(x.dims());
    let along = places(indices, x.dims()[axis])?;
    // Where each update goes: its own place, but for the axis.
    let mut flat = own.clone();
    flat[axis] = 0;
    let bases = Places::new(0, indices.dims().to_vec(), flat);
    let to = bases.zip(along).map(|(base, index)| base + index * own[axis]).collect::<Vec<_>>();
    Ok(vec![
        run.shaped(0, reduce(x, &to, updates, run.attributes().text_or("reduction", "none")?)?)?,
    ])
}

/// Write updates to places, in order, by what `reduction` says.
pub(super) fn reduce(x: &Tensor, to: &[usize], updates: &Tensor, reduction: &str) -> Result<Data> {
    fn fold<T: Number>(
        out: &mut [T],
        to: &[usize],
        updates: &Tensor,
        of: fn(T, T) -> T,
    ) -> Result<()> {
        for (&to, &update) in to.iter().zip(updates.values()?) {
            out[to] = of(out[to], update);
        }
        Ok(())
    }
    macro_rules! combine {
        ($of:expr) => {{
            let mut data = x.data().clone();
            numbers!(&mut data, out => fold(out, to, updates, $of)?, _ => return Err(of_type(x)));
            Ok(data)
        }};
    }
    match reduction {
        "none" => Ok(alike!(x.data(), v => {
            let mut out = v.clone();
            for (&to, update) in to.iter().zip(like(v, updates)?) {
                out[to] = update.to_owned();
            }
            out
        })),
        "add" => combine!(Number::plus),
        "mul" => combine!(Number::times),
        "max" => combine!(|a, b| if b > a { b } else { a }),
        "min" => combine!(|a, b| if b < a { b } else { a }),
        other => Err(Trouble::graph(format!("no such reduction: `{other}`"))),
    }
}
