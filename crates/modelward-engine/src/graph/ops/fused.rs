//! Operators that ONNX Runtime's optimiser writes in place of several: `FusedMatMul`, `Gelu`,
//! `FastGelu`, `BiasGelu`, `QuickGelu`, `SkipLayerNormalization`,
//! `SkipSimplifiedLayerNormalization`. But for the first and `QuickGelu` they are read as what they
//! stand for.
//!
//! Source: ONNX Runtime's contrib operators of these names, set 1.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    grad::Gradient,
    graph::{
        Attributes, Domain, Grad, Name, Operator, names,
        ops::{
            elementwise::{Places, of_type, same, strides},
            matmul::Product,
        },
    },
    onnx::Import,
};

pub(super) const OPS: &[&Operator] = &[
    &FUSED_MATMUL,
    &GELU,
    &FAST_GELU,
    &BIAS_GELU,
    &QUICK_GELU,
    &SKIP_LAYER_NORMALIZATION,
    &SKIP_SIMPLIFIED_LAYER_NORMALIZATION,
];

/// A scaled product of matrices, each turned where `transA` and `transB` say so.
static FUSED_MATMUL: Operator = Operator::new(
    "FusedMatMul",
    &[1],
    |cx| {
        let product = product(cx.attributes(), cx.dims(0)?, cx.dims(1)?)?;
        if cx.element(0)? != cx.element(1)? {
            let (one, other) = (cx.element(0)?, cx.element(1)?);
            return Err(Trouble::graph(format!("two element types, {one} and {other}")));
        }
        Ok(vec![Type::new(cx.element(0)?, product.dims)])
    },
    |run| {
        let attributes = run.attributes();
        let (a, b) = (run.input(0)?, run.input(1)?);
        let product = product(attributes, a.dims(), b.dims())?;
        let alpha = attributes.float_or("alpha", 1.0)?;
        let (a, b) = (turned(a, attributes, "transA")?, turned(b, attributes, "transB")?);
        macro_rules! product {
            ($kind:ty) => {{
                let (a, b) = (a.values::<$kind>()?, b.values::<$kind>()?);
                let mut out = product.run(a, b, 0.0, |sum: $kind, a: $kind, b: $kind| sum + a * b);
                out.iter_mut().for_each(|sum| *sum *= alpha as $kind);
                out.into()
            }};
        }
        let data: Data = match a.data() {
            Data::F32(_) => product!(f32),
            Data::F64(_) => product!(f64),
            _ => return Err(of_type(&a)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (a, b) = (cx.input(0)?, cx.input(1)?);
        if cx.builder.rank(a)? < 2 || cx.builder.rank(b)? < 2 {
            return Err(Trouble::unsupported("its gradient by a vector"));
        }
        let attributes = &cx.node.attributes;
        let alpha = attributes.float_or("alpha", 1.0)?;
        let (turn_a, turn_b) = (attributes.flag("transA")?, attributes.flag("transB")?);
        let fused = |cx: &mut Gradient<'_, '_>, left, right, turn_left: bool, turn_right: bool| {
            let attributes = Attributes::new()
                .with("alpha", alpha)
                .with("transA", i64::from(turn_left))
                .with("transB", i64::from(turn_right));
            cx.builder.apply_with(names::FUSED_MATMUL, &[left, right], attributes)
        };
        if cx.wants(0) {
            let by = match turn_a {
                true => fused(cx, b, flow, turn_b, true)?,
                false => fused(cx, flow, b, false, !turn_b)?,
            };
            cx.give_unbroadcast(0, by)?;
        }
        if cx.wants(1) {
            let by = match turn_b {
                true => fused(cx, flow, a, true, turn_a)?,
                false => fused(cx, a, flow, !turn_a, false)?,
            };
            cx.give_unbroadcast(1, by)?;
        }
        Ok(())
    }),
)
.of(Domain::Microsoft)
.flop(|cx, types| {
    let product = product(cx.attributes(), cx.dims(0)?, cx.dims(1)?)?;
    let out = types.first().map_or(Ok(0), Type::count)? as u64;
    Ok(out.saturating_mul(product.k as u64).saturating_mul(2))
});

static GELU: Operator = rewritten("Gelu", |import| gelu(import, "none"));

/// Approximated by a hyperbolic tangent, of a sum where a bias is given.
static FAST_GELU: Operator = rewritten("FastGelu", |import| {
    add_bias(import)?;
    gelu(import, "tanh")
});

static BIAS_GELU: Operator = rewritten("BiasGelu", |import| {
    add_bias(import)?;
    gelu(import, "none")
});

/// `x` times the sigmoid of `alpha x`.
static QUICK_GELU: Operator = Operator::new(
    "QuickGelu",
    &[1],
    same,
    |run| {
        let alpha = run.attributes().float_or("alpha", 1.702)?;
        let x = run.input(0)?;
        let data: Data = match x.data() {
            Data::F32(v) => {
                v.iter().map(|&x| x / (1.0 + (-alpha * x).exp())).collect::<Vec<_>>().into()
            }
            Data::F64(v) => {
                let alpha = f64::from(alpha);
                v.iter().map(|&x| x / (1.0 + (-alpha * x).exp())).collect::<Vec<_>>().into()
            }
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, y) = (cx.input(0)?, cx.output(0)?);
        let alpha = f64::from(cx.node.attributes.float_or("alpha", 1.702)?);
        // s + alpha y (1 - s)
        let builder = &mut *cx.builder;
        let (alpha, one) = (builder.float(x, alpha)?, builder.float(x, 1.0)?);
        let scaled = builder.mul(x, alpha)?;
        let gate = builder.apply(names::SIGMOID, &[scaled])?;
        let rest = builder.apply(names::SUB, &[one, gate])?;
        let rest = builder.mul(rest, y)?;
        let rest = builder.mul(rest, alpha)?;
        let slope = builder.add(gate, rest)?;
        let gradient = builder.mul(flow, slope)?;
        cx.give(0, gradient)
    }),
)
.of(Domain::Microsoft)
.flop(|cx, _| Ok((cx.kind(0)?.count()? as u64).saturating_mul(4)));

static SKIP_LAYER_NORMALIZATION: Operator =
    rewritten("SkipLayerNormalization", |import| skip(import, names::LAYER_NORMALIZATION, 4));

static SKIP_SIMPLIFIED_LAYER_NORMALIZATION: Operator =
    rewritten("SkipSimplifiedLayerNormalization", |import| {
        skip(import, names::RMS_NORMALIZATION, 3)
    });

/// An operator that is read as others.
const fn rewritten(name: &'static str, import: fn(&mut Import<'_>) -> Result<()>) -> Operator {
    Operator::new(
        name,
        &[1],
        |_| Err(unread()),
        |_| Err(unread()),
        Grad::None("it is read as what it stands for"),
    )
    .of(Domain::Microsoft)
    .import(import)
}

fn unread() -> Trouble {
    Trouble::unsupported("it runs only where it is read from a file")
}

fn gelu(import: &mut Import<'_>, approximate: &str) -> Result<()> {
    import.set_operator(names::GELU)?;
    import.attributes = Attributes::new().with("approximate", approximate);
    Ok(())
}

/// A bias as the second input is added to the first.
fn add_bias(import: &mut Import<'_>) -> Result<()> {
    if let Some(bias) = import.inputs.get(1).copied().flatten() {
        let x = import.input(0)?;
        let sum = import.before(names::ADD, vec![Some(x), Some(bias)], Attributes::new())?;
        import.set_input(0, sum);
    }
    import.inputs.truncate(1);
    Ok(())
}

/// A sum of two inputs, and of a bias, is normalised.
fn skip(import: &mut Import<'_>, operator: Name, bias: usize) -> Result<()> {
    if import.outputs() > 1 {
        return Err(Trouble::unsupported("more than one output of a normalised sum"));
    }
    let (x, other) = (import.input(0)?, import.input(1)?);
    let mut sum = import.before(names::ADD, vec![Some(x), Some(other)], Attributes::new())?;
    if let Some(bias) = import.inputs.get(bias).copied().flatten() {
        sum = import.before(names::ADD, vec![Some(sum), Some(bias)], Attributes::new())?;
    }
    let mut inputs = vec![Some(sum)];
    inputs.extend(import.inputs.get(2..bias).unwrap_or_default().iter().copied());
    let epsilon = import.attributes.float_or("epsilon", 1e-12)?;
    import.inputs = inputs;
    import.attributes = Attributes::new().with("axis", -1).with("epsilon", epsilon);
    import.set_operator(operator)
}

/// The sizes of the product once both operands are turned.
fn product(attributes: &Attributes, a: &[usize], b: &[usize]) -> Result<Product> {
    for batch in ["transBatchA", "transBatchB"] {
        if attributes.flag(batch)? {
            return Err(Trouble::unsupported(format!("a product with `{batch}`")));
        }
    }
    let turn = |dims: &[usize], name: &str| -> Result<Vec<usize>> {
        let mut dims = dims.to_vec();
        let rank = dims.len();
        if rank >= 2 && attributes.flag(name)? {
            dims.swap(rank - 1, rank - 2);
        }
        Ok(dims)
    };
    Product::of(&turn(a, "transA")?, &turn(b, "transB")?)
}

/// An operand with its last two axes exchanged, where an attribute says so.
fn turned(tensor: &Tensor, attributes: &Attributes, name: &str) -> Result<Tensor> {
    let rank = tensor.dims().len();
    if rank < 2 || !attributes.flag(name)? {
        return Ok(tensor.clone());
    }
    let (mut dims, mut steps) = (tensor.dims().to_vec(), strides(tensor.dims()));
    dims.swap(rank - 1, rank - 2);
    steps.swap(rank - 1, rank - 2);
    let places = Places::new(0, dims.clone(), steps);
    Tensor::new(dims, tensor.data().gather(places))
}
