//! `Det`: the determinants of square matrices.
//!
//! Its gradient is the matrix of cofactors, `Cofactors`, one of this engine's own, which is right
//! also for matrices without an inverse.
//!
//! Source: ONNX `Det`, sets 11 and 22; Golub and Van Loan, "Matrix computations", 3.4.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    graph::{Grad, Infer, Operator, Run, names, ops::elementwise::of_type},
};

pub(super) const OPS: &[&Operator] = &[&DET, &COFACTORS];

static DET: Operator = Operator::new(
    "Det",
    &[11, 22],
    |cx| {
        size(cx)?;
        let x = cx.kind(0)?;
        let [front @ .., _, _] = &x.dims[..] else { return Err(not_square(x)) };
        Ok(vec![Type::new(x.element, front)])
    },
    |run| {
        each(run, |matrix, size| {
            let Factors { upper, sign, .. } = factors(matrix, size);
            vec![(0..size).map(|at| upper[at * size + at]).fold(sign, |a, b| a * b)]
        })
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let x = cx.input(0)?;
        let slope = cx.builder.apply(names::COFACTORS, &[x])?;
        let axes = cx.builder.ints(vec![-2, -1]);
        let flow = cx.builder.apply(names::UNSQUEEZE, &[flow, axes])?;
        let gradient = cx.builder.mul(slope, flow)?;
        cx.give(0, gradient)
    }),
)
.flop(cubed);

/// The derivative of each determinant by the elements of its matrix.
static COFACTORS: Operator = Operator::own(
    "Cofactors",
    |cx: &Infer<'_>| {
        size(cx)?;
        Ok(vec![cx.kind(0)?.clone()])
    },
    |run| each(run, |matrix, size| cofactors(factors(matrix, size), size)),
    Grad::None("the second derivative of a determinant is not written"),
    |_, _| Err(Trouble::unsupported("plain ONNX has no operator for the inverse of a matrix")),
)
.flop(cubed);

fn size(cx: &Infer<'_>) -> Result<usize> {
    let x = cx.kind(0)?;
    match x.dims[..] {
        [.., rows, columns] if rows == columns && x.element.is_float() => Ok(rows),
        _ => Err(not_square(x)),
    }
}

fn not_square(x: &Type) -> Trouble {
    Trouble::graph(format!("expected square matrices of floats, got {x}"))
}

fn cubed(cx: &Infer<'_>, _: &[Type]) -> Result<u64> {
    Ok((cx.kind(0)?.count()? as u64).saturating_mul(size(cx)?.max(1) as u64))
}

/// What a function makes of each matrix, one behind the other. It is computed in `f64`.
fn each(run: &Run<'_>, of: impl Fn(Vec<f64>, usize) -> Vec<f64>) -> Result<Vec<Tensor>> {
    let x: &Tensor = run.input(0)?;
    let [front @ .., size, _] = x.dims() else { return Err(not_square(&x.kind())) };
    let count = front.iter().product::<usize>();
    let places = |at: usize| at * size * size..(at + 1) * size * size;
    let data: Data = match x.data() {
        Data::F32(v) => {
            let matrix = |at| v[places(at)].iter().map(|&x| f64::from(x)).collect();
            let all = (0..count).flat_map(|at| of(matrix(at), *size));
            all.map(|x| x as f32).collect::<Vec<_>>().into()
        }
        Data::F64(v) => {
            let all = (0..count).flat_map(|at| of(v[places(at)].to_vec(), *size));
            all.collect::<Vec<_>>().into()
        }
        _ => return Err(of_type(x)),
    };
    Ok(vec![run.shaped(0, data)?])
}

/// A matrix as the product of triangles, after its rows and columns have changed places: the
/// largest element that is left becomes the next pivot.
struct Factors {
    /// Upper triangle; below the diagonal lies the lower one, whose diagonal is 1.
    upper: Vec<f64>,
    /// Which row and which column stands at each place.
    rows: Vec<usize>,
    columns: Vec<usize>,
    /// 1 or -1: the determinant of the changes.
    sign: f64,
}

fn factors(mut upper: Vec<f64>, size: usize) -> Factors {
    let (mut rows, mut columns) = ((0..size).collect::<Vec<_>>(), (0..size).collect::<Vec<_>>());
    let mut sign = 1.0;
    for pivot in 0..size {
        let mut best = (pivot, pivot);
        for row in pivot..size {
            for column in pivot..size {
                if upper[row * size + column].abs() > upper[best.0 * size + best.1].abs() {
                    best = (row, column);
                }
            }
        }
        if best.0 != pivot {
            for column in 0..size {
                upper.swap(pivot * size + column, best.0 * size + column);
            }
            rows.swap(pivot, best.0);
            sign = -sign;
        }
        if best.1 != pivot {
            for row in 0..size {
                upper.swap(row * size + pivot, row * size + best.1);
            }
            columns.swap(pivot, best.1);
            sign = -sign;
        }
        let divisor = upper[pivot * size + pivot];
        // Nothing but zeros is left.
        if divisor == 0.0 {
            break;
        }
        for row in pivot + 1..size {
            let factor = upper[row * size + pivot] / divisor;
            upper[row * size + pivot] = factor;
            for column in pivot + 1..size {
                upper[row * size + column] -= factor * upper[pivot * size + column];
            }
        }
    }
    Factors { upper, rows, columns, sign }
}

/// The adjugate of an upper triangle `[U, w; 0, s]`, whose last pivot may be 0, is with d the
/// product of the others `[s d U^-1, -d U^-1 w; 0, d]`; that of a lower one is its inverse.
fn cofactors(factors: Factors, size: usize) -> Vec<f64> {
    let Factors { upper, rows, columns, sign } = factors;
    let at = |row: usize, column: usize| upper[row * size + column];
    let Some(last) = size.checked_sub(1) else { return Vec::new() };
    let pivots = (0..last).map(|pivot| at(pivot, pivot)).product::<f64>();
    let mut out = vec![0.0; size * size];
    if pivots == 0.0 {
        return out;
    }
    for column in 0..size {
        // One column of the inverse of the lower triangle, and of the adjugate of the product.
        let mut solved = vec![0.0; size];
        solved[column] = 1.0;
        for row in column + 1..size {
            solved[row] = -(column..row).map(|k| at(row, k) * solved[k]).sum::<f64>();
        }
        let behind = pivots * solved[last];
        let scale = pivots * at(last, last);
        for (row, solved) in solved.iter_mut().enumerate().take(last) {
            *solved = scale * *solved - at(row, last) * behind;
        }
        for row in (0..last).rev() {
            let rest = (row + 1..last).map(|k| at(row, k) * solved[k]).sum::<f64>();
            solved[row] = (solved[row] - rest) / at(row, row);
        }
        solved[last] = behind;
        // The adjugate has rows and columns the other way round; cofactors are its transpose.
        for (row, solved) in solved.into_iter().enumerate() {
            out[rows[column] * size + columns[row]] = sign * solved;
        }
    }
    out
}
