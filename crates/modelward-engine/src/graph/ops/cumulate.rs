//! `CumSum`, `CumProd`: sums and products of the elements up to each, along an axis.
//!
//! `exclusive` leaves out the element itself; `reverse` goes from the end. The gradient of products
//! is `CumProdGrad`, one of this engine's own, which is right also where elements are 0; as plain
//! ONNX it divides by the elements.
//!
//! Source: ONNX `CumSum`, sets 11 and 14; `CumProd`, set 26.

use crate::{
    Data, Number, Result, Tensor, Trouble, Type,
    graph::{
        Attributes, Grad, Infer, Operator, Run, axis_of, names,
        ops::elementwise::{of_type, same},
    },
    numbers,
};

pub(super) const OPS: &[&Operator] = &[&CUM_SUM, &CUM_PROD, &CUM_PROD_GRAD];

static CUM_SUM: Operator = Operator::new(
    "CumSum",
    &[11, 14],
    infer,
    |run| {
        let x = run.input(0)?;
        let data = numbers!(
            x.data(),
            v => cumulate(run, v, 0 as _, Number::plus)?,
            _ => return Err(of_type(x))
        );
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        // Each element flows into the sums behind it: the same, from the other end.
        let attributes = turned(&cx.node.attributes)?;
        let axis = cx.input(1)?;
        let gradient = cx.builder.apply_with(names::CUM_SUM, &[flow, axis], attributes)?;
        cx.give(0, gradient)
    }),
);

static CUM_PROD: Operator = Operator::new(
    "CumProd",
    &[26],
    infer,
    |run| {
        let x = run.input(0)?;
        let data = numbers!(
            x.data(),
            v => cumulate(run, v, 1 as _, Number::times)?,
            _ => return Err(of_type(x))
        );
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let inputs = [flow, cx.input(0)?, cx.input(1)?];
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_with(names::CUM_PROD_GRAD, &inputs, attributes)?;
        cx.give(0, gradient)
    }),
);

/// The gradient of products: what flows, the elements, and the axis.
static CUM_PROD_GRAD: Operator = Operator::own(
    "CumProdGrad",
    same,
    products_back,
    Grad::None("the second derivative of a cumulative product is not written"),
    |builder, node| {
        let [Some(flow), Some(x), Some(axis)] = node.inputs[..] else {
            return Err(Trouble::graph("expected three inputs"));
        };
        let products = builder.apply_with(names::CUM_PROD, &[x, axis], node.attributes.clone())?;
        let weighted = builder.mul(flow, products)?;
        let attributes = turned(&node.attributes)?;
        let total = builder.apply_with(names::CUM_SUM, &[weighted, axis], attributes)?;
        Ok(vec![builder.apply(names::DIV, &[total, x])?])
    },
);

fn turned(attributes: &Attributes) -> Result<Attributes> {
    let reverse = attributes.flag("reverse")?;
    Ok(attributes.clone().with("reverse", i64::from(!reverse)))
}

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let axis = cx.kind(1)?;
    if axis.count()? != 1 || axis.element.is_float() {
        return Err(Trouble::graph(format!("expected one axis, got {axis}")));
    }
    same(cx)
}

/// The places along an axis, in the order in which they are gone through, for every other place.
struct Lines {
    size: usize,
    inner: usize,
    count: usize,
    reverse: bool,
}

impl Lines {
    fn of(run: &Run<'_>, axis: usize) -> Result<Self> {
        let dims = &run.output(0)?.dims[..];
        let axis = match run.input(axis)?.ints()?[..] {
            [axis] => axis_of(axis, dims.len())?,
            _ => return Err(Trouble::graph("expected one axis")),
        };
        let (size, inner) = (dims[axis], dims[axis + 1..].iter().product::<usize>());
        let count = dims.iter().product::<usize>().checked_div(size).unwrap_or(0);
        Ok(Self { size, inner, count, reverse: run.attributes().flag("reverse")? })
    }

    fn each(&self, line: usize) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let start = line / self.inner * self.size * self.inner + line % self.inner;
        let (size, inner, reverse) = (self.size, self.inner, self.reverse);
        (0..size).map(move |at| start + inner * if reverse { size - 1 - at } else { at })
    }
}

fn cumulate<T: Number>(run: &Run<'_>, v: &[T], first: T, of: fn(T, T) -> T) -> Result<Data> {
    let exclusive = run.attributes().flag("exclusive")?;
    let lines = Lines::of(run, 1)?;
    let mut out = v.to_vec();
    for line in 0..lines.count {
        let mut so_far = first;
        for at in lines.each(line) {
            let next = of(so_far, v[at]);
            out[at] = if exclusive { so_far } else { next };
            so_far = next;
        }
    }
    Ok(T::into_data(out))
}

/// With the elements behind one gone through from the end, what flows into each is a recurrence:
/// s_i = g_i + x_{i+1} s_{i+1}, times the product of the elements before i.
fn products_back(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (flow, x) = (run.input(0)?, run.input(1)?);
    let exclusive = run.attributes().flag("exclusive")?;
    let lines = Lines::of(run, 2)?;
    macro_rules! back {
        ($flow:expr, $kind:ty) => {{
            let v = x.values::<$kind>()?;
            let mut out = vec![0.0; v.len()];
            for line in 0..lines.count {
                let mut before = 1.0;
                for at in lines.each(line) {
                    out[at] = before;
                    before *= v[at];
                }
                let mut behind = 0.0;
                for at in lines.each(line).rev() {
                    let here = if exclusive { behind } else { $flow[at] + behind };
                    out[at] *= here;
                    behind = v[at] * here + if exclusive { $flow[at] } else { 0.0 };
                }
            }
            out.into()
        }};
    }
    let data: Data = match flow.data() {
        Data::F32(v) => back!(v, f32),
        Data::F64(v) => back!(v, f64),
        _ => return Err(of_type(flow)),
    };
    Ok(vec![run.shaped(0, data)?])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        Limits, Meter, exec,
        grad::Builder,
        graph::{Graph, Inference, Known, Node, Value},
    };

    #[test]
    fn written_as_plain_onnx_it_is_the_same() {
        for (reverse, exclusive) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let mut graph = Graph::default();
            let inputs = [(); 2].map(|()| graph.add_value(Value::default()));
            let axis = graph.constant(Tensor::scalar(1_i64));
            let output = graph.add_value(Value::default());
            let flags = Attributes::new().with("reverse", reverse).with("exclusive", exclusive);
            let node = Node {
                operator: &CUM_PROD_GRAD,
                name: Arc::default(),
                attributes: flags,
                inputs: vec![Some(inputs[0]), Some(inputs[1]), Some(axis)],
                outputs: vec![output],
                bodies: Vec::new(),
            };
            graph.inputs = inputs.to_vec();
            graph.nodes.push(node.clone());
            graph.outputs.push(output);
            let meter = Meter::new(Limits::default());
            let tensor = |values: [f64; 6]| Arc::new(Tensor::new([2, 3], values.to_vec()).unwrap());
            let flow = tensor([1.0, -2.0, 0.5, 3.0, 1.5, -1.0]);
            let x = tensor([2.0, 3.0, -0.5, 1.5, -2.0, 4.0]);
            let given = [(inputs[0], flow.clone()), (inputs[1], x)];
            let expected = exec::evaluate(&graph, &given, &meter).unwrap();
            let kind = flow.kind();
            let known = inputs.map(|id| (id, Known { kind: &kind, value: None }));
            let inference = Inference::of(&graph, &known, &meter).unwrap();
            let mut builder =
                Builder::new(graph, vec![inference], &meter, crate::graph::ops::named);
            let lower = CUM_PROD_GRAD.lower.unwrap();
            let written = lower(&mut builder, &node).unwrap();
            let (mut graph, _) = builder.finish();
            graph.outputs = written;
            graph.prune();
            let plain = graph.nodes.iter().all(|node| node.operator.domain.name().is_empty());
            assert!(plain);
            let got = exec::evaluate(&graph, &given, &meter).unwrap();
            let pairs = expected[0].floats().unwrap().into_iter().zip(got[0].floats().unwrap());
            for (expected, got) in pairs {
                assert!((expected - got).abs() < 1e-12, "expected {expected}, got {got}");
            }
        }
    }
}
