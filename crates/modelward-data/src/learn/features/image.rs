//! Images as small pooled pixels and histograms of gradients (Dalal and Triggs, CVPR 2005).

use crate::{
    Matrix,
    learn::workers,
    pictures::{Picture, Pictures, pool},
};

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
        directions(&grey, height, width, &mut histogram);
        let norm = histogram.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-9);
        for (edge, value) in edges.iter_mut().zip(&histogram) {
            edge[row] = (value / norm).sqrt();
        }
    }
    named(name, pooled, [tall, wide, channels], edges)
}

/// Pixels, in rows, columns and channels, and edges as columns with names; what tells nothing is left out.
fn named(
    name: &str,
    mut pooled: Vec<Vec<f32>>,
    [_, wide, channels]: [usize; 3],
    mut edges: Vec<Vec<f32>>,
) -> Vec<(String, Vec<f32>)> {
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

/// The strength of edges by their direction, in cells.
fn directions(grey: &[f32], height: usize, width: usize, histogram: &mut [f32]) {
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
}

/// An image of any size in few numbers.
pub(super) struct Described {
    /// `[GREY, GREY]`.
    pub(super) grey: Vec<f32>,
    /// `[COLOURS, COLOURS, 3]`.
    pub(super) colours: Vec<f32>,
    /// `[CELLS, CELLS, TURNS]`, together of length 1 before each root was taken.
    pub(super) edges: Vec<f32>,
    /// Whether its channels are not all equal.
    pub(super) coloured: bool,
}

impl Described {
    /// What an image is like.
    pub(super) fn of(picture: &Picture) -> Self {
        let whole = [0.0, 0.0, picture.height as f64, picture.width as f64];
        let planes = (0..picture.channels.min(3)).map(|it| picture.plane(it)).collect::<Vec<_>>();
        let coloured = planes.windows(2).any(|pair| pair[0] != pair[1]);
        let channels = if planes.len() < 3 { [0, 0, 0] } else { [0, 1, 2] };
        let small = channels.map(|it| pool(&planes[it], picture.width, whole, COLOURS, COLOURS));
        let colours = (0..COLOURS * COLOURS).flat_map(|at| [0, 1, 2].map(|it| small[it][at]));
        let colours = colours.collect();
        // Edges of a picture with more pixels are those of it in this size.
        let (tall, wide) = (picture.height.min(EDGES), picture.width.min(EDGES));
        let mut mean = vec![0.0_f32; tall * wide];
        for plane in &planes {
            let part = pool(plane, picture.width, whole, tall, wide);
            mean.iter_mut().zip(part).for_each(|(sum, value)| *sum += value / planes.len() as f32);
        }
        let all = [0.0, 0.0, tall as f64, wide as f64];
        let grey = pool(&mean, wide, all, GREY, GREY);
        let mut edges = vec![0.0_f32; CELLS * CELLS * TURNS];
        directions(&mean, tall, wide, &mut edges);
        let norm = edges.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-9);
        edges.iter_mut().for_each(|value| *value = (*value / norm).sqrt());
        Self { grey, colours, edges, coloured }
    }
}

/// The features of images that lie in files, of any size, and how many cannot be read; these are as the mean.
pub(super) fn of_files(
    name: &str,
    pictures: &Pictures,
    threads: usize,
) -> (Vec<(String, Vec<f32>)>, usize) {
    let rows = pictures.len();
    let described = workers::each(rows.div_ceil(BLOCK), threads, |block| {
        let some = block * BLOCK..((block + 1) * BLOCK).min(rows);
        some.map(|row| pictures.get(row).map(|it| Described::of(&it))).collect::<Vec<_>>()
    });
    let described = described.into_iter().flatten().collect::<Vec<_>>();
    let coloured = described.iter().flatten().any(|it| it.coloured);
    let (side, channels) = if coloured { (COLOURS, 3) } else { (GREY, 1) };
    let columns = |of: fn(&Described) -> &[f32], width: usize| {
        let column = |at: usize| {
            let there = described.iter().flatten().map(|it| of(it)[at]);
            let mean = there.clone().sum::<f32>() / there.count().max(1) as f32;
            described.iter().map(|it| it.as_ref().map_or(mean, |it| of(it)[at])).collect()
        };
        (0..width).map(column).collect::<Vec<Vec<f32>>>()
    };
    let pixels: fn(&Described) -> &[f32] = if coloured { |it| &it.colours } else { |it| &it.grey };
    let pooled = columns(pixels, side * side * channels);
    let edges = columns(|it| &it.edges, CELLS * CELLS * TURNS);
    let broken = described.iter().enumerate();
    let broken = broken.filter(|(row, it)| it.is_none() && pictures.is_there(*row)).count();
    (named(name, pooled, [side, side, channels], edges), broken)
}

/// The names of what [`apart`] gives.
pub(super) fn names(name: &str) -> Vec<String> {
    let side = COLOURS / 2;
    let grey = (0..COLOURS * COLOURS).map(|at| ("pixels", at / COLOURS, at % COLOURS));
    let tint = (0..side * side * 2).map(|at| ("tint", at / 2 / side, at / 2 % side));
    let edges =
        (0..CELLS * CELLS * TURNS).map(|at| ("edges", at / TURNS / CELLS, at / TURNS % CELLS));
    let all = grey.chain(tint).chain(edges);
    all.map(|(what, y, x)| format!("{name} {what} {y},{x}")).collect()
}

/// An image in numbers none of which follows from others: brightness, what red and blue are off the mean,
/// edges. NaN where it cannot be read.
pub(super) fn apart(picture: Option<&Picture>, out: &mut Vec<f32>) {
    let side = COLOURS / 2;
    let Some(picture) = picture else {
        let width = COLOURS * COLOURS + side * side * 2 + CELLS * CELLS * TURNS;
        return out.extend(std::iter::repeat_n(f32::NAN, width));
    };
    let described = Described::of(picture);
    let colour = |at: usize, it: usize| described.colours[at * 3 + it];
    let grey = |at: usize| (0..3).map(|it| colour(at, it)).sum::<f32>() / 3.0;
    out.extend((0..COLOURS * COLOURS).map(grey));
    for at in 0..side * side {
        let corner = at / side * 2 * COLOURS + at % side * 2;
        let four = [corner, corner + 1, corner + COLOURS, corner + COLOURS + 1];
        out.extend(
            [0, 2].map(|it| four.iter().map(|at| colour(*at, it) - grey(*at)).sum::<f32>() / 4.0),
        );
    }
    out.extend(&described.edges);
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

/// Side of grey images from files.
const GREY: usize = 16;
/// Side of coloured ones.
const COLOURS: usize = 8;
/// The greatest side that edges are looked for in.
const EDGES: usize = 64;
/// Images that are decoded by one thread at a time.
const BLOCK: usize = 64;
/// Cells on a side.
const CELLS: usize = 4;
/// Directions that are told apart.
const TURNS: usize = 8;

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
    use arrow_schema::{DataType, Field, Schema};

    use super::*;
    use crate::{Limits, columns::IMAGE};

    #[test]
    fn files_of_any_size_are_alike_where_they_show_the_same_and_a_broken_one_is_as_the_mean() {
        // A bar, upright or lying, in three sizes.
        let file = |row: usize| {
            let (upright, side) = (row.is_multiple_of(2), [12, 24, 36][row % 3]);
            let lit = |at: usize| {
                let line = if upright { at % side } else { at / side };
                if line * 3 / side == 1 { 200 } else { 20 }
            };
            let mut file = format!("P5 {side} {side} 255\n").into_bytes();
            file.extend((0..side * side).map(lit));
            file
        };
        let mut files = (0..12).map(|row| Some(file(row))).collect::<Vec<_>>();
        files[11] = Some(b"P5 9 9 255\ncut short".to_vec());
        let array: ArrayRef = Arc::new(files.into_iter().collect::<BinaryArray>());
        let field = Field::new("image", DataType::Binary, true)
            .with_metadata(HashMap::from([(IMAGE.to_owned(), String::new())]));
        let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
        let pictures = Pictures::of(&rows, 0, &Limits::default()).unwrap();
        let (columns, broken) = of_files("image", &pictures, 1);
        assert_eq!(broken, 1);
        assert_eq!((columns.clone(), broken), of_files("image", &pictures, 3));
        let row = |at: usize| columns.iter().map(|(_, column)| column[at]).collect::<Vec<_>>();
        let apart = |one: usize, other: usize| {
            row(one).iter().zip(row(other)).map(|(a, b)| (a - b).powi(2)).sum::<f32>()
        };
        assert!(apart(0, 2) * 4.0 < apart(0, 3), "{} {}", apart(0, 2), apart(0, 3));
        assert!(row(11).iter().all(|value| value.abs() < 1e-3), "{:?}", row(11));
        assert!(columns.iter().flat_map(|(_, column)| column).all(|value| value.is_finite()));
    }
}
