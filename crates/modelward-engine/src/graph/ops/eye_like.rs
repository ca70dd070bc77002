//! `EyeLike`: 1 on a diagonal, 0 elsewhere, in the shape of a matrix.
//!
//! Source: ONNX `EyeLike`, sets 9 and 22.

use crate::{
    Element, Result, Trouble, Type,
    graph::{Grad, Infer, Operator, ops::elementwise::made},
};

pub(super) const OPS: &[&Operator] = &[&EYE_LIKE];

static EYE_LIKE: Operator = Operator::new(
    "EyeLike",
    &[9, 22],
    infer,
    |run| {
        let kind = run.output(0)?;
        let diagonal = run.attributes().int_or("k", 0)?;
        let [_, columns] = kind.dims[..] else { return Err(Trouble::graph("no matrix")) };
        let mark = |at: usize| {
            let (row, column) = (at / columns, at % columns);
            let off = i128::from(column as u64) - i128::from(row as u64);
            f64::from(u8::from(off == diagonal.into()))
        };
        Ok(vec![made(kind, mark)?])
    },
    Grad::Zero("it does not depend on data"),
)
.moves();

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    if x.dims.len() != 2 {
        return Err(Trouble::graph(format!("expected a matrix, got {x}")));
    }
    Ok(vec![Type::new(element(cx, x.element)?, x.dims.clone())])
}

fn element(cx: &Infer<'_>, default: Element) -> Result<Element> {
    let element = match cx.attributes().int("dtype")? {
        None => Some(default),
        Some(data_type) => Element::of_onnx(data_type),
    };
    let element = element.filter(|element| *element != Element::Text);
    element.ok_or_else(|| Trouble::unsupported("a matrix of elements that are no numbers"))
}
