//! Images as small pooled pixels and histograms of gradients (Dalal and Triggs, CVPR 2005).

use crate::Matrix;

/// The features of images, as columns: pixels pooled to at most 16 x 16 by channel, and the directions of
/// edges in 4 x 4 cells.
pub(super) fn features(
    name: &str,
    pixels: &Matrix,
    (height, width, channels, first): (usize, usize, usize, bool),
) -> Vec<(String, Vec<f32>)> {
    let rows = pixels.rows();
    if pixels.columns != height * width * channels || rows == 0 {
        return Vec::new();
    }
    let side = if channels == 1 { 16 } else { 8 };
    let (tall, wide) = (height.min(side), width.min(side));
    let mut pooled = vec![vec![0.0_f32; rows]; tall * wide * channels];
    let mut edges = vec![vec![0.0_f32; rows]; CELLS * CELLS * TURNS];
    let at = |y: usize, x: usize, channel: usize| match first {
        true => (channel * height + y) * width + x,
        false => (y * width + x) * channels + channel,
    };
    let mut grey = vec![0.0_f32; height * width];
    let mut histogram = vec![0.0_f32; CELLS * CELLS * TURNS];
    for row in 0..rows {
        let image = pixels.row(row);
        grey.fill(0.0);
        for y in 0..height {
            for x in 0..width {
                for channel in 0..channels {
                    let value = image[at(y, x, channel)];
                    let value = if value.is_finite() { value } else { 0.0 };
                    grey[y * width + x] += value / channels as f32;
                    let place = (y * tall / height * wide + x * wide / width) * channels + channel;
                    pooled[place][row] += value;
                }
            }
        }
        histogram.fill(0.0);
        for y in 0..height {
            for x in 0..width {
                let of = |y: usize, x: usize| grey[y.min(height - 1) * width + x.min(width - 1)];
                let across = of(y, x + 1) - of(y, x.saturating_sub(1));
                let down = of(y + 1, x) - of(y.saturating_sub(1), x);
                let turn = down.atan2(across).rem_euclid(std::f32::consts::PI);
                let turn = (turn / std::f32::consts::PI * TURNS as f32) as usize % TURNS;
                let cell = y * CELLS / height * CELLS + x * CELLS / width;
                histogram[cell * TURNS + turn] += (across * across + down * down).sqrt();
            }
        }
        let norm = histogram.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-9);
        for (edge, value) in edges.iter_mut().zip(&histogram) {
            edge[row] = (value / norm).sqrt();
        }
    }
    let mut columns = Vec::with_capacity(pooled.len() + edges.len());
    block(&mut pooled);
    block(&mut edges);
    for (at, column) in pooled.into_iter().enumerate() {
        let (y, x) = (at / channels / wide, at / channels % wide);
        columns.push((format!("{name} pixels {y},{x}"), column));
    }
    for (at, column) in edges.into_iter().enumerate() {
        let cell = at / TURNS;
        columns.push((format!("{name} edges {},{}", cell / CELLS, cell % CELLS), column));
    }
    columns.retain(|(_, column)| column.iter().any(|value| *value != column[0]));
    columns
}

/// Centre columns, and scale all of them alike: a pixel that hardly changes is not to count as much as one
/// that does.
fn block(columns: &mut [Vec<f32>]) {
    let mut total = 0.0;
    for column in columns.iter_mut() {
        let count = column.len() as f64;
        let mean = column.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        column.iter_mut().for_each(|value| *value -= mean as f32);
        total += column.iter().map(|value| f64::from(value * value)).sum::<f64>() / count;
    }
    let scale = (total / columns.len().max(1) as f64).sqrt().max(1e-12) as f32;
    columns.iter_mut().flatten().for_each(|value| *value = (*value / scale).clamp(-8.0, 8.0));
}

/// Cells on a side.
const CELLS: usize = 4;
/// Directions that are told apart.
const TURNS: usize = 8;
