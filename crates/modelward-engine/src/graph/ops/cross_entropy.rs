//! `CrossEntropy`: softmax cross-entropy of logits against labels that sum to 1, one number an
//! example. One of this engine's own.
//!
//! Its gradient is the softmax less the labels, which does not underflow as that of a `Log` of a
//! `Softmax` does.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    graph::{Attributes, Grad, Operator, Run, names, ops::elementwise::of_type},
};

pub(super) const OPS: &[&Operator] = &[&CROSS_ENTROPY];

/// Of logits `[N, K]` and labels `[N, K]`: `[N]`.
static CROSS_ENTROPY: Operator = Operator::own(
    "CrossEntropy",
    |cx| {
        let (logits, labels) = (cx.kind(0)?, cx.kind(1)?);
        if logits.dims.len() != 2 || logits != labels {
            return Err(Trouble::graph(format!(
                "expected logits and labels alike, got {logits} and {labels}"
            )));
        }
        Ok(vec![Type::new(logits.element, [logits.dims[0]])])
    },
    run,
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (logits, labels) = (cx.input(0)?, cx.input(1)?);
        if cx.wants(1) {
            return Err(Trouble::unsupported("the gradient of a cross-entropy by its labels"));
        }
        let axis = Attributes::new().with("axis", 1);
        let shares = cx.builder.apply_with(names::SOFTMAX, &[logits], axis)?;
        let mut gradient = cx.builder.apply(names::SUB, &[shares, labels])?;
        if !cx.builder.is_ones(flow) {
            let axis = cx.builder.ints(vec![1]);
            let flow = cx.builder.apply(names::UNSQUEEZE, &[flow, axis])?;
            gradient = cx.builder.mul(gradient, flow)?;
        }
        cx.give(0, gradient)
    }),
    |builder, node| {
        let [Some(logits), Some(labels)] = node.inputs[..] else {
            return Err(Trouble::graph("expected two inputs"));
        };
        let axis = Attributes::new().with("axis", 1);
        let log = builder.apply_with(names::LOG_SOFTMAX, &[logits], axis)?;
        let picked = builder.mul(labels, log)?;
        let axes = builder.ints(vec![1]);
        let row = Attributes::new().with("keepdims", 0);
        let total = builder.apply_with(names::REDUCE_SUM, &[picked, axes], row)?;
        Ok(vec![builder.apply(names::NEG, &[total])?])
    },
)
.flop(|cx, _| Ok(4 * cx.kind(0)?.count()? as u64));

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (logits, labels) = (run.input(0)?, run.input(1)?);
    let classes = logits.dims()[1];
    macro_rules! losses {
        ($v:expr, $kind:ty) => {{
            let labels = labels.values::<$kind>()?;
            let rows = $v.chunks_exact(classes.max(1)).zip(labels.chunks_exact(classes.max(1)));
            let loss = |(logits, labels): (&[$kind], &[$kind])| {
                let most = logits.iter().fold(<$kind>::NEG_INFINITY, |a, &b| a.max(b));
                let total = logits.iter().map(|x| (x - most).exp()).sum::<$kind>().ln();
                // A label of 0 takes no part, also where the logit is infinite.
                let all = logits.iter().zip(labels).filter(|(_, label)| **label != 0.0);
                all.map(|(x, label)| label * (total - (x - most))).sum::<$kind>()
            };
            rows.map(loss).collect::<Vec<_>>().into()
        }};
    }
    let data: Data = match logits.data() {
        Data::F32(v) => losses!(v, f32),
        Data::F64(v) => losses!(v, f64),
        _ => return Err(of_type(logits)),
    };
    Ok(vec![run.shaped(0, data)?])
}
