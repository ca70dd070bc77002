//! A class as the others see it: whitened by their spread, along its strongest directions.

use crate::{Matrix, check::near::shingles::mix, check::trigger::Labelled, learn::random::drawn};

/// Columns that are kept: more are projected onto so many (Achlioptas, 2003).
const MOST_COLUMNS: usize = 128;
/// Of the mean variance, so much is added to each, since few rows cannot tell all directions.
const SHRINK: f64 = 0.01;
/// Rows of the other classes whose spread is taken.
const MOST_ROWS: usize = 20_000;

/// Activations of at most [`MOST_COLUMNS`] columns.
pub(super) fn narrow(matrix: &Matrix) -> Matrix {
    if matrix.columns <= MOST_COLUMNS {
        return matrix.clone();
    }
    let mut data = Vec::with_capacity(matrix.rows() * MOST_COLUMNS);
    for row in 0..matrix.rows() {
        let mut sums = [0.0_f32; MOST_COLUMNS];
        for (at, value) in matrix.row(row).iter().enumerate().filter(|(_, value)| **value != 0.0) {
            // 128 signs from the hash of the column.
            for half in 0..2_u64 {
                let bits = mix((at as u64) * 2 + half);
                for bit in 0..64 {
                    let sign = if bits >> bit & 1 == 1 { *value } else { -*value };
                    sums[half as usize * 64 + bit] += sign;
                }
            }
        }
        data.extend(sums);
    }
    Matrix { columns: MOST_COLUMNS, data, names: Vec::new() }
}

/// The rows of a class along the directions in which it spreads most beyond the other classes.
pub(super) fn directions(
    matrix: &Matrix,
    rows: &Labelled<'_>,
    class: u32,
    own: &[u32],
    count: usize,
) -> Vec<Vec<f64>> {
    let width = matrix.columns;
    let lower = cholesky(&spread(matrix, rows, class), width);
    let mean = mean(matrix, own.iter().copied());
    let white = own.iter().map(|row| {
        let row = matrix.row(*row as usize).iter().zip(&mean);
        let mut row = row.map(|(value, mean)| finite(*value) - mean).collect::<Vec<_>>();
        // Solve `lower * x = row` from the top.
        for at in 0..width {
            let known = (0..at).map(|before| lower[at * width + before] * row[before]).sum::<f64>();
            row[at] = (row[at] - known) / lower[at * width + at];
        }
        row
    });
    let mut white = white.collect::<Vec<_>>();
    let mut found = Vec::new();
    for _ in 0..count.min(width) {
        let direction = strongest(&white, width);
        let places = white.iter().map(|row| dot(row, &direction)).collect::<Vec<_>>();
        for (row, place) in white.iter_mut().zip(&places) {
            row.iter_mut().zip(&direction).for_each(|(value, along)| *value -= place * along);
        }
        found.push(places);
    }
    found
}

fn finite(value: f32) -> f64 {
    if value.is_finite() { f64::from(value) } else { 0.0 }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn mean(matrix: &Matrix, rows: impl Iterator<Item = u32>) -> Vec<f64> {
    let (mut sums, mut count) = (vec![0.0; matrix.columns], 0.0);
    for row in rows {
        count += 1.0;
        let values = matrix.row(row as usize).iter();
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += finite(*value));
    }
    sums.iter_mut().for_each(|sum| *sum /= f64::max(count, 1.0));
    sums
}

/// The covariance within the other classes, shrunk towards its diagonal's mean.
fn spread(matrix: &Matrix, rows: &Labelled<'_>, class: u32) -> Vec<f64> {
    let width = matrix.columns;
    let mut means = Vec::new();
    for other in 0..rows.classes as u32 {
        let of_class = (0..rows.len() as u32).filter(|row| rows.label(*row) == other);
        means.push(mean(matrix, of_class));
    }
    let mut sums = vec![0.0; width * width];
    let mut count = 0.0;
    let mut off = vec![0.0; width];
    for row in drawn(MOST_ROWS, rows.len()).into_iter().map(|row| row as u32) {
        let label = rows.label(row);
        if label == class {
            continue;
        }
        count += 1.0;
        let values = matrix.row(row as usize).iter().zip(&means[label as usize]);
        off.iter_mut().zip(values).for_each(|(off, (value, mean))| *off = finite(*value) - mean);
        for at in 0..width {
            for to in 0..=at {
                sums[at * width + to] += off[at] * off[to];
            }
        }
    }
    let trace = (0..width).map(|at| sums[at * width + at]).sum::<f64>() / f64::max(count, 1.0);
    let more = (SHRINK * trace / width as f64).max(1e-12);
    sums.iter_mut().for_each(|sum| *sum /= f64::max(count, 1.0));
    (0..width).for_each(|at| sums[at * width + at] += more);
    sums
}

/// The lower triangle whose product with itself turned is this positive matrix, of which the lower triangle
/// is read.
fn cholesky(matrix: &[f64], width: usize) -> Vec<f64> {
    let mut lower = vec![0.0; width * width];
    for at in 0..width {
        for to in 0..=at {
            let known = dot(&lower[at * width..][..to], &lower[to * width..][..to]);
            let rest = matrix[at * width + to] - known;
            lower[at * width + to] =
                if at == to { rest.max(1e-12).sqrt() } else { rest / lower[to * width + to] };
        }
    }
    lower
}

/// The direction of the greatest variance, by power iteration from a fixed start.
fn strongest(rows: &[Vec<f64>], width: usize) -> Vec<f64> {
    let start = |at: usize| (mix(at as u64) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
    let mut direction = (0..width).map(start).collect::<Vec<_>>();
    for _ in 0..100 {
        let mut next = vec![0.0; width];
        for row in rows {
            let along = dot(row, &direction);
            next.iter_mut().zip(row).for_each(|(next, value)| *next += along * value);
        }
        let length = dot(&next, &next).sqrt();
        if length < 1e-12 {
            break;
        }
        next.iter_mut().for_each(|value| *value /= length);
        let moved = 1.0 - dot(&next, &direction).abs();
        direction = next;
        if moved < 1e-12 {
            break;
        }
    }
    direction
}
