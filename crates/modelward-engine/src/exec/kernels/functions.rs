//! Functions of floats, as polynomials that the compiler makes vectors of. Their errors are a few
//! units in the last place; the interpreter has the functions of the standard library.

use super::lanes::lanes;

/// A function of one float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exec) enum Function {
    /// The exponential.
    Exp,
    /// The error function.
    Erf,
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// The square root.
    Sqrt,
}

/// Where it is between these; what is no number stays so.
#[inline(always)]
fn within(x: f32, least: f32, most: f32) -> f32 {
    if x > most {
        most
    } else if x < least {
        least
    } else {
        x
    }
}

/// A polynomial, from its highest coefficient on.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = 0.0;
    for coefficient in coefficients {
        sum = sum * x + coefficient;
    }
    sum
}

/// The exponential: powers of two apart, a polynomial over the rest.
///
/// Source: Moshier 1992, Cephes, `expf`.
#[inline(always)]
#[expect(clippy::excessive_precision, reason = "as in the source")]
pub(super) fn exp(x: f32) -> f32 {
    // Adding it leaves the nearest whole number in the low bits.
    const WHOLE: f32 = 12_582_912.0;
    /// The exponential of more is more than the largest float.
    const MOST: f32 = 88.722_84;
    let inside = within(x, -87.3, MOST);
    let power = inside * std::f32::consts::LOG2_E + WHOLE;
    let whole = power - WHOLE;
    let rest = inside - whole * 0.693_359_375 - whole * -2.121_944_4e-4;
    let sum = polynomial(
        rest,
        [
            1.987_569_15e-4,
            1.398_199_950_7e-3,
            8.333_451_907_3e-3,
            4.166_579_589_4e-2,
            1.666_666_545_9e-1,
            5.000_000_120_1e-1,
        ],
    );
    let sum = sum * rest * rest + rest + 1.0;
    // The power of two by halves, since the largest is none that a float holds.
    let power = power.to_bits().wrapping_sub(WHOLE.to_bits()).cast_signed();
    let two = |power: i32| f32::from_bits((power.wrapping_add(127).cast_unsigned()) << 23);
    let half = power >> 1;
    let value = sum * two(half) * two(power.wrapping_sub(half));
    if x > MOST {
        f32::INFINITY
    } else if x < -87.3 {
        0.0
    } else {
        value
    }
}

/// The error function: a rational function of odd degree.
///
/// Source: Eigen 3.4, `generic_fast_erf_float`.
#[inline(always)]
#[expect(clippy::excessive_precision, reason = "as in the source")]
fn erf(x: f32) -> f32 {
    let x = within(x, -4.0, 4.0);
    let square = x * x;
    let above = polynomial(
        square,
        [
            -2.726_142_258_013_06e-10,
            2.770_681_424_959_02e-8,
            -2.101_024_020_825_08e-6,
            -5.692_506_394_623_46e-5,
            -7.349_906_303_268_55e-4,
            -2.954_599_808_540_25e-3,
            -1.609_603_332_624_15e-2,
        ],
    );
    let below = polynomial(
        square,
        [
            -1.456_607_184_649_96e-5,
            -2.133_740_552_789_05e-4,
            -1.682_826_974_382_03e-3,
            -7.373_329_167_204_68e-3,
            -1.426_473_905_141_89e-2,
        ],
    );
    within(x * above / below, -1.0, 1.0)
}

/// The hyperbolic tangent: a rational function of odd degree.
///
/// Source: Eigen 3.4, `generic_fast_tanh_float`.
#[inline(always)]
#[expect(clippy::excessive_precision, reason = "as in the source")]
fn tanh(x: f32) -> f32 {
    let inside = within(x, -7.905_311, 7.905_311);
    let square = inside * inside;
    let above = polynomial(
        square,
        [
            -2.760_768_477_423_55e-16,
            2.000_187_904_824_77e-13,
            -8.604_671_522_137_35e-11,
            5.122_297_090_371_14e-8,
            1.485_722_357_179_79e-5,
            6.372_619_288_754_36e-4,
            4.893_524_558_917_86e-3,
        ],
    );
    let below = polynomial(
        square,
        [
            1.198_258_394_667_02e-6,
            1.185_347_056_866_54e-4,
            2.268_434_632_439_00e-3,
            4.893_525_185_543_85e-3,
        ],
    );
    let value = inside * above / below;
    if x.abs() < 4e-4 { x } else { within(value, -1.0, 1.0) }
}

lanes! {
    /// A function of each float.
    pub(in crate::exec) fn apply(function: Function, x: &[f32], out: &mut [f32]) {
        let all = out.iter_mut().zip(x);
        match function {
            Function::Exp => all.for_each(|(out, x)| *out = exp(*x)),
            Function::Erf => all.for_each(|(out, x)| *out = erf(*x)),
            Function::Tanh => all.for_each(|(out, x)| *out = tanh(*x)),
            Function::Sigmoid => all.for_each(|(out, x)| *out = 1.0 / (1.0 + exp(-*x))),
            Function::Sqrt => all.for_each(|(out, x)| *out = x.sqrt()),
        }
    }
}

/// The sum of what a function makes of each float: sixteen chains, added in order, so that it has
/// the same bits on every instruction set.
#[inline(always)]
fn summed(row: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0_f32; 16];
    let chunks = row.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += of(*x);
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += of(*x);
    }
    sums.iter().sum()
}

lanes! {
    /// Shares of each row: exponentials over their sum.
    pub(in crate::exec) fn softmax(row: usize, x: &[f32], out: &mut [f32]) {
        for (out, x) in out.chunks_exact_mut(row).zip(x.chunks_exact(row)) {
            let mut most = [f32::NEG_INFINITY; 16];
            for chunk in x.chunks(16) {
                for (most, x) in most.iter_mut().zip(chunk) {
                    *most = if *x > *most { *x } else { *most };
                }
            }
            let most = most.into_iter().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a });
            for (out, x) in out.iter_mut().zip(x) {
                *out = exp(x - most);
            }
            let total = summed(out, |x| x);
            for out in out.iter_mut() {
                *out /= total;
            }
        }
    }
}

lanes! {
    /// Each row less its mean, where it is centred, over its deviation; then times a scale and plus
    /// a bias, where they are.
    pub(in crate::exec) fn normalize(
        row: usize,
        epsilon: f32,
        centred: bool,
        x: &[f32],
        scale: &[f32],
        bias: &[f32],
        out: &mut [f32],
    ) {
        let size = row as f32;
        for (out, x) in out.chunks_exact_mut(row).zip(x.chunks_exact(row)) {
            let mean = if centred { summed(x, |x| x) / size } else { 0.0 };
            let variance = summed(x, |x| (x - mean) * (x - mean)) / size;
            let inverse = 1.0 / (variance + epsilon).sqrt();
            for (out, x) in out.iter_mut().zip(x) {
                *out = (x - mean) * inverse;
            }
            for (out, scale) in out.iter_mut().zip(scale) {
                *out *= scale;
            }
            for (out, bias) in out.iter_mut().zip(bias) {
                *out += bias;
            }
        }
    }
}

lanes! {
    /// What flows back through [`normalize`] without scale and bias.
    ///
    /// Source: Ba et al. 2016, "Layer normalization", differentiated.
    pub(in crate::exec) fn normalize_back(
        row: usize,
        epsilon: f32,
        centred: bool,
        x: &[f32],
        flow: &[f32],
        out: &mut [f32],
    ) {
        let size = row as f32;
        let rows = x.chunks_exact(row).zip(flow.chunks_exact(row));
        for (out, (x, flow)) in out.chunks_exact_mut(row).zip(rows) {
            let mean = if centred { summed(x, |x| x) / size } else { 0.0 };
            let common = if centred { summed(flow, |flow| flow) / size } else { 0.0 };
            let variance = summed(x, |x| (x - mean) * (x - mean)) / size;
            let inverse = 1.0 / (variance + epsilon).sqrt();
            for ((out, x), flow) in out.iter_mut().zip(x).zip(flow) {
                *out = (x - mean) * inverse * flow;
            }
            let along = summed(out, |x| x) / size;
            for ((out, x), flow) in out.iter_mut().zip(x).zip(flow) {
                *out = inverse * (flow - common - (x - mean) * inverse * along);
            }
        }
    }
}

lanes! {
    /// Sums along the middle of three axes, of which the second and the third have these sizes; then
    /// times a scale.
    pub(in crate::exec) fn sums(size: usize, inner: usize, scale: f32, x: &[f32], out: &mut [f32]) {
        if inner == 1 {
            for (out, row) in out.iter_mut().zip(x.chunks_exact(size)) {
                *out = summed(row, |x| x) * scale;
            }
            return;
        }
        for (out, block) in out.chunks_exact_mut(inner).zip(x.chunks_exact(size * inner)) {
            out.fill(0.0);
            for row in block.chunks_exact(inner) {
                for (out, x) in out.iter_mut().zip(row) {
                    *out += x;
                }
            }
            for out in out.iter_mut() {
                *out *= scale;
            }
        }
    }
}
