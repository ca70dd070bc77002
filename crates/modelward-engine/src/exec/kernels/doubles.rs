//! Products of matrices in `f64`, for bounds that rounding must not spoil. What is 0 in four rows of
//! the left operand at once is skipped: of a network's linear functions, much is.

use super::{Cpu, lanes::lanes};

/// Rows that go through together.
const ROWS: usize = 4;

/// Columns whose sums are kept in registers.
const COLUMNS: usize = 16;

/// Add to `out[m, n]` the product of `left[m, k]` and `right[k, n]`, all in row-major order. Each sum
/// is in the order of the shared index.
///
/// # Panics
/// Where a slice is not of that size.
pub fn add_product(cpu: Cpu, [m, k, n]: [usize; 3], left: &[f64], right: &[f64], out: &mut [f64]) {
    assert!(left.len() == m * k && right.len() == k * n && out.len() == m * n);
    if m == 0 || k == 0 || n == 0 {
        return;
    }
    let (mut places, mut factors) = (Vec::with_capacity(k), Vec::with_capacity(k));
    for (left, out) in left.chunks(ROWS * k).zip(out.chunks_mut(ROWS * n)) {
        places.clear();
        factors.clear();
        let row = |row: usize| left.get(row * k..(row + 1) * k).unwrap_or(&[]);
        let rows = [row(0), row(1), row(2), row(3)];
        for at in 0..k {
            let four = rows.map(|row| row.get(at).copied().unwrap_or(0.0));
            if four != [0.0; ROWS] {
                places.push(at);
                factors.push(four);
            }
        }
        if !places.is_empty() {
            rows_of_product(cpu, &places, &factors, right, n, out);
        }
    }
}

lanes! {
    fn rows_of_product(
        places: &[usize],
        factors: &[[f64; ROWS]],
        right: &[f64],
        n: usize,
        out: &mut [f64],
    ) {
        let mut from = 0;
        while from < n {
            // The last tile reaches back into the one before it, whose sums stand already.
            let first = if n - from < COLUMNS { n.saturating_sub(COLUMNS) } else { from };
            let wide = COLUMNS.min(n);
            let mut sums = [[0.0_f64; COLUMNS]; ROWS];
            if wide == COLUMNS {
                for (place, four) in places.iter().zip(factors) {
                    let line = &right[place * n + first..][..COLUMNS];
                    for (sums, factor) in sums.iter_mut().zip(four) {
                        for (sum, value) in sums.iter_mut().zip(line) {
                            *sum += factor * value;
                        }
                    }
                }
            } else {
                for (place, four) in places.iter().zip(factors) {
                    let line = &right[place * n..][..wide];
                    for (sums, factor) in sums.iter_mut().zip(four) {
                        for (sum, value) in sums.iter_mut().zip(line) {
                            *sum += factor * value;
                        }
                    }
                }
            }
            for (out, sums) in out.chunks_mut(n).zip(&sums) {
                for (out, sum) in out[from..first + wide].iter_mut().zip(&sums[from - first..]) {
                    *out += sum;
                }
            }
            from = first + wide;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_the_sum_of_its_products() {
        for cpu in [Cpu::Scalar, Cpu::Avx2, Cpu::Avx512].into_iter().filter(|cpu| cpu.is_here()) {
            for [m, k, n] in [[1, 1, 1], [3, 5, 7], [4, 9, 16], [6, 4, 50], [9, 33, 17], [2, 0, 3]]
            {
                let left = (0..m * k).map(|at| (at % 7) as f64 * (at % 3) as f64 - 2.0);
                let left = left.collect::<Vec<_>>();
                let right = (0..k * n).map(|at| (at % 11) as f64 - 5.0).collect::<Vec<_>>();
                let mut out = vec![1.0; m * n];
                add_product(cpu, [m, k, n], &left, &right, &mut out);
                for row in 0..m {
                    for column in 0..n {
                        let products = (0..k).map(|at| left[row * k + at] * right[at * n + column]);
                        assert_eq!(out[row * n + column], 1.0 + products.sum::<f64>());
                    }
                }
            }
        }
    }
}
