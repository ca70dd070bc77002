//! The images of a column, one at a time, whether they lie as files or as numbers.

use arrow_array::{Array, ArrayRef, FixedSizeListArray, RecordBatch, cast::AsArray};
use arrow_schema::DataType;

use crate::{Kind, Limits, columns::numbers, image, image_shape, kind};

/// An image.
pub(crate) struct Picture {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// `[height, width, channels]`, in the set's own unit; 0 where it is none.
    pub(crate) values: Vec<f32>,
}

impl Picture {
    /// One channel, `[height, width]`.
    pub(crate) fn plane(&self, channel: usize) -> Vec<f32> {
        self.values.iter().skip(channel).step_by(self.channels.max(1)).copied().collect()
    }
}

/// The images of a column.
pub(crate) struct Pictures {
    array: ArrayRef,
    /// Height, width, channels and whether these come first, of images that lie as numbers.
    shape: Option<(usize, usize, usize, bool)>,
    limits: Limits,
}

impl Pictures {
    /// Those of a column; `None` where it has none.
    pub(crate) fn of(rows: &RecordBatch, column: usize, limits: &Limits) -> Option<Self> {
        let schema = rows.schema();
        let field = schema.fields().get(column)?;
        let array = rows.columns().get(column)?.clone();
        let shape = match kind(field) {
            Kind::Image => None,
            Kind::Numbers(_) => Some(image_shape(field)?),
            _ => return None,
        };
        Some(Self { array, shape, limits: *limits })
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.array.len()
    }

    /// Whether an image lies as it does in its file, so that its values go from 0 to 255.
    pub(crate) fn encoded(&self) -> bool {
        self.shape.is_none()
    }

    /// Height, width, channels of all images that lie as numbers.
    pub(crate) fn shape(&self) -> Option<(usize, usize, usize, bool)> {
        self.shape
    }

    /// The image of a row; `None` where there is none, or none that can be read.
    pub(crate) fn get(&self, row: usize) -> Option<Picture> {
        match self.shape {
            None => self.decoded(row),
            Some(shape) => self.numbers(row, shape),
        }
    }

    /// Whether a row has an image, be it one that can be read or not.
    pub(crate) fn is_there(&self, row: usize) -> bool {
        !self.array.is_null(row)
    }

    /// Height and width of the image of a row, by its header where it lies in a file.
    pub(crate) fn size(&self, row: usize) -> Option<[usize; 2]> {
        match self.shape {
            Some((height, width, ..)) => (!self.array.is_null(row)).then_some([height, width]),
            None => image::size(self.file(row)?).ok(),
        }
    }

    fn file(&self, row: usize) -> Option<&[u8]> {
        if self.array.is_null(row) {
            return None;
        }
        match self.array.data_type() {
            DataType::Binary => Some(self.array.as_binary::<i32>().value(row)),
            DataType::LargeBinary => Some(self.array.as_binary::<i64>().value(row)),
            _ => None,
        }
    }

    fn decoded(&self, row: usize) -> Option<Picture> {
        let image::Image { width, height, channels, pixels } =
            image::decode(self.file(row)?, &self.limits).ok()?;
        let values = pixels.into_iter().map(f32::from).collect();
        Some(Picture { height, width, channels, values })
    }

    fn numbers(
        &self,
        row: usize,
        (height, width, channels, first): (usize, usize, usize, bool),
    ) -> Option<Picture> {
        if self.array.is_null(row) {
            return None;
        }
        let list = self.array.as_any().downcast_ref::<FixedSizeListArray>()?;
        let numbers = numbers(&list.value(row))?;
        if numbers.len() != height * width * channels {
            return None;
        }
        let area = height * width;
        let place = |at: usize| match first {
            true => at % channels * area + at / channels,
            false => at,
        };
        let value = |at: usize| match numbers[place(at)] as f32 {
            value if value.is_finite() => value,
            _ => 0.0,
        };
        Some(Picture { height, width, channels, values: (0..numbers.len()).map(value).collect() })
    }
}

/// A part of a plane, from top and left to bottom and right in pixels, averaged to a size: each pixel counts
/// by how much of it lies in a cell.
pub(crate) fn pool(
    plane: &[f32],
    width: usize,
    [top, left, bottom, right]: [f64; 4],
    rows: usize,
    columns: usize,
) -> Vec<f32> {
    let height = plane.len() / width.max(1);
    let (tall, wide) = (cells(top, bottom, height, rows), cells(left, right, width, columns));
    let mut small = Vec::with_capacity(rows * columns);
    let mut line = vec![0.0_f32; width];
    for (from, weights) in &tall {
        line.fill(0.0);
        for (row, weight) in weights.iter().enumerate() {
            let pixels = &plane[(from + row) * width..][..width];
            line.iter_mut().zip(pixels).for_each(|(sum, value)| *sum += weight * value);
        }
        small.extend(wide.iter().map(|(from, weights)| {
            weights.iter().zip(&line[*from..]).map(|(weight, value)| weight * value).sum::<f32>()
        }));
    }
    small
}

/// For each of `of` cells between two places the first pixel in it, and what each pixel from there counts.
fn cells(from: f64, to: f64, pixels: usize, of: usize) -> Vec<(usize, Vec<f32>)> {
    let step = (to - from) / of as f64;
    let cell = |at: usize| {
        let (start, end) = (from + at as f64 * step, from + (at + 1) as f64 * step);
        let first = (start.floor().max(0.0) as usize).min(pixels - 1);
        let last = (end.ceil() as usize).clamp(first + 1, pixels);
        let weights = (first..last).map(|pixel| {
            let inside = end.min((pixel + 1) as f64) - start.max(pixel as f64);
            (inside.max(1e-9) / step.max(1e-9)) as f32
        });
        (first, weights.collect())
    };
    (0..of).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_keeps_the_mean_whatever_the_size() {
        let plane = (0..7 * 5).map(|value| value as f32).collect::<Vec<_>>();
        for (rows, columns) in [(7, 5), (2, 2), (3, 4), (1, 1), (14, 10), (9, 9)] {
            let small = pool(&plane, 5, [0.0, 0.0, 7.0, 5.0], rows, columns);
            let mean = small.iter().sum::<f32>() / small.len() as f32;
            assert!((mean - 17.0).abs() < 1e-3, "{rows} x {columns}: {mean}");
        }
        assert_eq!(pool(&plane, 5, [0.0, 0.0, 7.0, 5.0], 7, 5), plane);
        assert_eq!(pool(&plane, 5, [2.0, 1.0, 3.0, 3.0], 1, 1), [11.5]);
    }
}
