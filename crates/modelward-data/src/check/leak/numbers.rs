//! Rows of numbers that are nearly equal: a copy with noise, rounded, converted.

use arrow_array::RecordBatch;

use crate::{Kind, Matrix, columns::written, kind, learn::random::drawn};

/// Two rows are nearly equal if their columns differ by this much of a standard deviation, as the root of
/// the mean square.
const NEAR: f32 = 0.02;
/// ... and by at most this share of what a row is from its nearest neighbour: where rows lie dense by
/// nature, near is no copy.
const CLOSER: f32 = 0.1;
/// Rows whose nearest neighbour is sought, and rows that it is sought among.
const ASKED: (usize, usize) = (256, 4096);
/// Columns of numbers that a row needs for near to mean anything.
const LEAST_COLUMNS: usize = 4;
/// Pairs that are compared for one row.
const MOST_COMPARED: usize = 10_000;

/// Test rows that are nearly equal to a training row: the test row, the training row, the similarity.
pub(super) fn near(
    train: &RecordBatch,
    test: &RecordBatch,
    features: &[(usize, usize)],
) -> Vec<(usize, usize, f64)> {
    let numeric = |column: usize| {
        matches!(kind(train.schema().field(column)), Kind::Number | Kind::Numbers(_))
    };
    let chosen = features.iter().filter(|(at, _)| numeric(*at)).copied().collect::<Vec<_>>();
    let mut one = Matrix::of(train, chosen.iter().map(|(at, _)| *at));
    let mut other = Matrix::of(test, chosen.iter().map(|(_, at)| *at));
    if one.columns < LEAST_COLUMNS || one.columns != other.columns || one.rows() < 16 {
        return Vec::new();
    }
    let width = one.columns;
    for column in 0..width {
        let (mean, scale) = scale(&one, column);
        for matrix in [&mut one, &mut other] {
            for value in matrix.data.iter_mut().skip(column).step_by(width) {
                // What is missing is far from every number, and equal to what is missing.
                *value = if value.is_finite() { (*value - mean) * scale } else { 1e6 };
            }
        }
    }
    let most = limit(&one) * (width as f32).sqrt();
    // Near rows are near along any line: only those are compared whose sums of a fixed sign pattern are.
    let along = |row: &[f32]| {
        let sum = row.iter().enumerate().map(|(at, value)| {
            let sign = crate::check::near::shingles::mix(at as u64) & 1;
            if sign == 1 { f64::from(*value) } else { -f64::from(*value) }
        });
        sum.sum::<f64>() / (width as f64).sqrt()
    };
    let mut order = (0..one.rows()).map(|row| (along(one.row(row)), row)).collect::<Vec<_>>();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let categories = |batch: &RecordBatch, side: fn(&(usize, usize)) -> usize| {
        let text = features.iter().map(side);
        let text = text.filter(|column| kind(batch.schema().field(*column)) == Kind::Text);
        text.map(|column| written(batch.column(column))).collect::<Vec<_>>()
    };
    let (ours, theirs) = (categories(train, |(at, _)| *at), categories(test, |(_, at)| *at));
    let equal = |row: usize, test: usize| {
        ours.len() == theirs.len()
            && ours.iter().zip(&theirs).all(|(ours, theirs)| ours[row] == theirs[test])
    };
    let mut found = Vec::new();
    for test in 0..other.rows() {
        let row = other.row(test);
        let place = along(row);
        let from = order.partition_point(|(at, _)| *at < place - f64::from(most));
        let near = order[from..].iter().take_while(|(at, _)| *at <= place + f64::from(most));
        let best = near
            .take(MOST_COMPARED)
            .map(|(_, train)| (distance(row, one.row(*train)).sqrt(), *train))
            .filter(|(distance, train)| *distance <= most && equal(*train, test))
            .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if let Some((distance, train)) = best {
            let apart = f64::from(distance) / (width as f64).sqrt();
            found.push((test, train, 1.0 - apart.min(1.0)));
        }
    }
    found
}

fn distance(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The mean of a column, and one over its deviation; 0 for a constant one, which then tells nothing.
fn scale(matrix: &Matrix, column: usize) -> (f32, f32) {
    let values = matrix.data.iter().skip(column).step_by(matrix.columns);
    let values = values.filter(|value| value.is_finite()).map(|value| f64::from(*value));
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    let deviation = (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean as f32, if deviation > 1e-12 { (1.0 / deviation) as f32 } else { 0.0 })
}

/// The distance that two rows are nearly equal within, as a root of the mean square.
fn limit(matrix: &Matrix) -> f32 {
    let rows = matrix.rows();
    // Drawn: rows of one kind may come in turn.
    let (asked, among) = (drawn(ASKED.0, rows), drawn(ASKED.1, rows));
    let nearest = asked.into_iter().map(|row| {
        let others = among.iter().filter(|other| **other != row);
        others.map(|other| distance(matrix.row(row), matrix.row(*other))).fold(f32::MAX, f32::min)
    });
    let mut nearest = nearest.collect::<Vec<_>>();
    nearest.sort_unstable_by(f32::total_cmp);
    let middle = (nearest[nearest.len() / 2] / matrix.columns as f32).sqrt();
    NEAR.min(CLOSER * middle)
}
