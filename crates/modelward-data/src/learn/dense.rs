//! Small dense matrices: Cholesky's root, for covariances and least squares.

/// The lower root of a symmetric matrix whose values are positive.
pub(crate) struct Cholesky {
    width: usize,
    root: Vec<f64>,
}

impl Cholesky {
    /// The root of a matrix `[width, width]` whose lower half is given; `None` where it has none.
    pub(crate) fn of(mut matrix: Vec<f64>, width: usize) -> Option<Self> {
        for row in 0..width {
            let (above, rest) = matrix.split_at_mut(row * width);
            let own = &mut rest[..width];
            for column in 0..row {
                let other = &above[column * width..][..width];
                let sum = inner(&own[..column], &other[..column]);
                own[column] = (own[column] - sum) / other[column];
            }
            let rest = own[row] - inner(&own[..row], &own[..row]);
            if rest <= 0.0 || !rest.is_finite() {
                return None;
            }
            own[row] = rest.sqrt();
            own[row + 1..].fill(0.0);
        }
        Some(Self { width, root: matrix })
    }

    /// What the root takes to `vector`: forward substitution, in place.
    pub(crate) fn forward(&self, vector: &mut [f64]) {
        for row in 0..self.width {
            let line = &self.root[row * self.width..][..=row];
            let sum = inner(&line[..row], &vector[..row]);
            vector[row] = (vector[row] - sum) / line[row];
        }
    }

    /// What the matrix takes to `vector`.
    pub(crate) fn solve(&self, vector: &[f64]) -> Vec<f64> {
        let mut solved = vector.to_vec();
        self.forward(&mut solved);
        for row in (0..self.width).rev() {
            let line = &self.root[row * self.width..][..=row];
            solved[row] /= line[row];
            let value = solved[row];
            solved[..row].iter_mut().zip(line).for_each(|(to, part)| *to -= value * part);
        }
        solved
    }

    /// The inverse of the matrix, `[width, width]`.
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let mut inverse = vec![0.0; self.width * self.width];
        let mut unit = vec![0.0; self.width];
        for column in 0..self.width {
            unit.fill(0.0);
            unit[column] = 1.0;
            let solved = self.solve(&unit);
            inverse[column * self.width..][..self.width].copy_from_slice(&solved);
        }
        inverse
    }
}

/// The inner product, in eight parts.
fn inner(one: &[f64], other: &[f64]) -> f64 {
    let mut parts = [0.0; 8];
    let (ones, others) = (one.chunks_exact(8), other.chunks_exact(8));
    let rest = ones.remainder().iter().zip(others.remainder()).map(|(a, b)| a * b).sum::<f64>();
    for (one, other) in ones.zip(others) {
        for lane in 0..8 {
            parts[lane] += one[lane] * other[lane];
        }
    }
    parts.iter().sum::<f64>() + rest
}

/// The widest matrix.
pub(crate) const WIDEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solving_undoes_multiplying() {
        let matrix = vec![4.0, 0.0, 0.0, 1.0, 3.0, 0.0, 0.5, -1.0, 2.0];
        let full = [[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 2.0]];
        let root = Cholesky::of(matrix, 3).unwrap();
        let wanted = [1.0, -2.0, 3.0];
        let product = full.map(|line| line.iter().zip(&wanted).map(|(a, b)| a * b).sum::<f64>());
        for (found, wanted) in root.solve(&product).iter().zip(&wanted) {
            assert!((found - wanted).abs() < 1e-12);
        }
        assert!(Cholesky::of(vec![1.0, 0.0, 2.0, 1.0], 2).is_none());
    }
}
