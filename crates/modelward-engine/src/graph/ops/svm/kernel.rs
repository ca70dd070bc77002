//! Support vectors, the kernel through which rows are compared with them, and the slopes of both.

use crate::{
    Element, Result, Tensor, Trouble,
    grad::{Builder, Gradient},
    graph::{
        Attributes, Infer, ValueId, names,
        ops::{
            linear_model::give_rows,
            rows::{numeric, products, rows},
        },
    },
};

/// Vectors, and the kernel through which rows are compared with them.
pub(super) struct Vectors<'a> {
    values: &'a [f32],
    pub(super) count: usize,
    features: usize,
    kernel: Kernel,
    /// Added to the products of linear machines.
    added: f32,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kernel {
    Linear,
    Poly { scale: f32, added: f32, degree: f32 },
    Radial { scale: f32 },
    Sigmoid { scale: f32, added: f32 },
}

impl Kernel {
    pub(super) fn of(attributes: &Attributes) -> Result<Self> {
        let parameters = attributes.floats("kernel_params")?.unwrap_or_default();
        let (scale, added, degree) = match *parameters {
            [scale, added, degree] => (scale, added, degree),
            [] => (0.0, 0.0, 0.0),
            _ => {
                let got = parameters.len();
                return Err(Trouble::graph(format!("expected 3 kernel parameters, got {got}")));
            }
        };
        Ok(match attributes.text_or("kernel_type", "LINEAR")? {
            "LINEAR" => Self::Linear,
            "POLY" => Self::Poly { scale, added, degree },
            "RBF" => Self::Radial { scale },
            "SIGMOID" => Self::Sigmoid { scale, added },
            other => {
                let other = crate::graph::shorten(other);
                return Err(Trouble::graph(format!("no kernel is called `{other}`")));
            }
        })
    }
}

impl<'a> Vectors<'a> {
    pub(super) fn new(values: &'a [f32], count: usize, kernel: Kernel, added: f32) -> Result<Self> {
        let features = values.len().checked_div(count).unwrap_or(0);
        if count == 0 || features * count != values.len() {
            let got = values.len();
            return Err(Trouble::graph(format!("{got} numbers do not make {count} vectors")));
        }
        Ok(Self { values, count, features, kernel, added })
    }

    /// How many rows there are, which must be as long as the vectors.
    pub(super) fn count(&self, cx: &Infer<'_>) -> Result<usize> {
        numeric(cx)?;
        let [count, features] = rows(cx.dims(0)?)?;
        if features != self.features {
            let expected = self.features;
            return Err(Trouble::graph(format!("expected {expected} features, got {features}")));
        }
        Ok(count)
    }

    /// The kernel of a row with each vector.
    pub(super) fn kernels(&self, x: &[f32]) -> Vec<f32> {
        let dots = |scale: f32, added: f32| {
            products(x, [1, self.features], self.values, self.count, |_| added, scale)
        };
        match self.kernel {
            Kernel::Linear => dots(1.0, self.added),
            Kernel::Poly { scale, added, degree } => {
                let mut out = dots(scale, added);
                out.iter_mut().for_each(|v| *v = v.powf(degree));
                out
            }
            Kernel::Sigmoid { scale, added } => {
                let mut out = dots(scale, added);
                out.iter_mut().for_each(|v| *v = v.tanh());
                out
            }
            Kernel::Radial { scale } => {
                let far = |vector: &[f32]| {
                    let squares = x.iter().zip(vector).map(|(a, b)| (a - b) * (a - b));
                    (-scale * squares.sum::<f32>()).exp()
                };
                self.values.chunks(self.features.max(1)).map(far).collect()
            }
        }
    }
}

/// What flows into rows from scores `[n, k]` that are sums of kernels with these weights
/// `[k, vectors]`.
pub(super) fn into_rows(
    cx: &mut Gradient<'_, '_>,
    vectors: &Vectors<'_>,
    scores: ValueId,
    weights: ValueId,
) -> Result<()> {
    let (count, features) = (vectors.count, vectors.features);
    let x = cx.input(0)?;
    let b = &mut *cx.builder;
    let values = b.constant(Tensor::new([count, features], vectors.values.to_vec())?);
    let kernels = b.apply(names::MATMUL, &[scores, weights])?;
    let rows = match vectors.kernel {
        Kernel::Linear => b.apply(names::MATMUL, &[kernels, values])?,
        Kernel::Radial { scale } => {
            let x = rows_of(b, x, features)?;
            // |x - v|^2 for each row and vector, by its three parts.
            let mut turned = vec![0.0_f32; count * features];
            let mut norms = vec![0.0_f32; count];
            for (at, vector) in vectors.values.chunks(features.max(1)).enumerate() {
                norms[at] = vector.iter().map(|v| v * v).sum();
                vector.iter().enumerate().for_each(|(f, v)| turned[f * count + at] = *v);
            }
            let turned = b.constant(Tensor::new([features, count], turned)?);
            let norms = b.constant(Tensor::new([1, count], norms)?);
            let axis = b.ints(vec![1]);
            let squares = b.mul(x, x)?;
            let squares = b.apply(names::REDUCE_SUM, &[squares, axis])?;
            let dots = b.apply(names::MATMUL, &[x, turned])?;
            let two = b.float(dots, 2.0)?;
            let dots = b.mul(dots, two)?;
            let far = b.add(squares, norms)?;
            let far = b.apply(names::SUB, &[far, dots])?;
            let negative = b.float(far, -f64::from(scale))?;
            let exponents = b.mul(far, negative)?;
            let values_of = b.apply(names::EXP, &[exponents])?;
            let weighted = b.mul(kernels, values_of)?;
            // Each vector draws by -2 scale (x - v).
            let total = b.apply(names::REDUCE_SUM, &[weighted, axis])?;
            let own = b.mul(total, x)?;
            let drawn = b.apply(names::MATMUL, &[weighted, values])?;
            let away = b.apply(names::SUB, &[own, drawn])?;
            let factor = b.float(away, -2.0 * f64::from(scale))?;
            b.mul(away, factor)?
        }
        Kernel::Poly { scale, added, .. } | Kernel::Sigmoid { scale, added } => {
            let x = rows_of(b, x, features)?;
            let mut turned = vec![0.0_f32; count * features];
            for (at, vector) in vectors.values.chunks(features.max(1)).enumerate() {
                vector.iter().enumerate().for_each(|(f, v)| turned[f * count + at] = scale * v);
            }
            let turned = b.constant(Tensor::new([features, count], turned)?);
            let dots = b.apply(names::MATMUL, &[x, turned])?;
            let added = b.float(dots, added.into())?;
            let inner = b.add(dots, added)?;
            let slope = match vectors.kernel {
                Kernel::Poly { degree, .. } => power_slope(b, inner, degree)?,
                _ => {
                    let y = b.apply(names::TANH, &[inner])?;
                    let square = b.mul(y, y)?;
                    let one = b.float(y, 1.0)?;
                    b.apply(names::SUB, &[one, square])?
                }
            };
            let weighted = b.mul(kernels, slope)?;
            let drawn = b.apply(names::MATMUL, &[weighted, values])?;
            let factor = b.float(drawn, scale.into())?;
            b.mul(drawn, factor)?
        }
    };
    give_rows(cx, rows)
}

/// The input as rows of `f32`.
fn rows_of(b: &mut Builder<'_>, x: ValueId, features: usize) -> Result<ValueId> {
    let mut x = x;
    if b.element(x)? != Element::F32 {
        let to = Attributes::new().with("to", Element::F32.to_onnx());
        x = b.apply_with(names::CAST, &[x], to)?;
    }
    let shape = b.ints(vec![-1, features as i64]);
    b.apply(names::RESHAPE, &[x, shape])
}

/// The slope of a power whose exponent is a small whole number.
fn power_slope(b: &mut Builder<'_>, base: ValueId, degree: f32) -> Result<ValueId> {
    const MOST: f32 = 16.0;
    if degree.fract() != 0.0 || !(1.0..=MOST).contains(&degree) {
        let why = format!("the gradient of a polynomial kernel of degree {degree}");
        return Err(Trouble::unsupported(why));
    }
    let zero = b.float(base, 0.0)?;
    let factor = b.float(base, degree.into())?;
    let mut slope = b.mul(base, zero)?;
    slope = b.add(slope, factor)?;
    for _ in 1..degree as usize {
        slope = b.mul(slope, base)?;
    }
    Ok(slope)
}
