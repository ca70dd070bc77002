//! `Trilu`: the upper or lower triangle of matrices, 0 elsewhere.
//!
//! Source: ONNX `Trilu`, set 14.

use crate::{
    Result, Trouble, Type, alike,
    graph::{Grad, Infer, Operator, names, ops::elementwise::same},
};

pub(super) const OPS: &[&Operator] = &[&TRILU];

static TRILU: Operator = Operator::new(
    "Trilu",
    &[14],
    infer,
    |run| {
        let x = run.input(0)?;
        let upper = run.attributes().int_or("upper", 1)? != 0;
        let diagonal = match run.optional(1) {
            Some(diagonal) => diagonal.ints()?.first().copied().unwrap_or(0),
            None => 0,
        };
        let [.., rows, columns] = x.dims()[..] else {
            return Err(Trouble::graph("expected matrices"));
        };
        let kept = |at: usize| {
            let (row, column) = (at / columns % rows, at % columns);
            let off = i128::from(column as u64) - i128::from(row as u64);
            if upper { off >= diagonal.into() } else { off <= diagonal.into() }
        };
        let data = alike!(x.data(), v => {
            let each = v.iter().enumerate();
            each.map(|(at, x)| if kept(at) { x.to_owned() } else { Default::default() }).collect()
        });
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let inputs = std::iter::once(Some(flow)).chain(cx.node.inputs.get(1).copied()).collect();
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_all(names::TRILU, inputs, attributes, 1)?[0];
        cx.give(0, gradient)
    }),
)
.moves();

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let x = cx.kind(0)?;
    if x.dims.len() < 2 {
        return Err(Trouble::graph(format!("expected matrices, got {x}")));
    }
    if cx.has(1) && cx.kind(1)?.count()? != 1 {
        return Err(Trouble::graph(format!("expected one diagonal, got {}", cx.kind(1)?)));
    }
    same(cx)
}
