//! `GatherElements`: elements by their place along one axis.
//!
//! Source: ONNX `GatherElements`, sets 11 and 13.

use crate::{
    Trouble, Type,
    graph::{
        Attributes, Grad, Operator, axis_of, names,
        ops::{
            elementwise::{Places, strides},
            gather::places,
        },
    },
};

pub(super) const OPS: &[&Operator] = &[&GATHER_ELEMENTS];

static GATHER_ELEMENTS: Operator = Operator::new(
    "GatherElements",
    &[11, 13],
    |cx| {
        let (x, indices) = (cx.kind(0)?, cx.dims(1)?);
        let axis = cx.axis(cx.attributes().int_or("axis", 0)?, x.dims.len())?;
        let fits = indices.len() == x.dims.len()
            && (0..indices.len()).all(|at| at == axis || indices[at] <= x.dims[at]);
        if !fits {
            return Err(Trouble::graph(format!("indices {indices:?} do not fit {x}")));
        }
        Ok(vec![Type::new(x.element, indices)])
    },
    |run| {
        let (x, indices) = (run.input(0)?, run.input(1)?);
        let axis = axis_of(run.attributes().int_or("axis", 0)?, x.dims().len())?;
        let own = strides(x.dims());
        let along = places(indices, x.dims()[axis])?;
        let mut flat = own.clone();
        flat[axis] = 0;
        let bases = Places::new(0, indices.dims().to_vec(), flat);
        let from = bases.zip(along).map(|(base, index)| base + index * own[axis]);
        Ok(vec![run.shaped(0, x.data().gather(from))?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, indices) = (cx.input(0)?, cx.input(1)?);
        let zero = cx.builder.float(x, 0.0)?;
        let zeros = cx.builder.mul(x, zero)?;
        let axis = cx.node.attributes.int_or("axis", 0)?;
        let add = Attributes::new().with("axis", axis).with("reduction", "add");
        let gradient =
            cx.builder.apply_with(names::SCATTER_ELEMENTS, &[zeros, indices, flow], add)?;
        cx.give(0, gradient)
    }),
)
.moves();
