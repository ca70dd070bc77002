//! One square of an image in which all may change.
//!
//! Brown et al., "Adversarial patch", 2017, with a patch for each image.

use modelward_engine::{Kind, Result, Trouble};

use super::no_image;
use crate::image::Shape;

/// A square of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// How many rows and columns it has.
    pub side: usize,
    shape: Shape,
}

impl Patch {
    /// A square of this side in images of these dimensions.
    ///
    /// # Errors
    /// Where inputs are no images, or it is larger than they are.
    pub fn new(side: usize, dims: &[usize]) -> Result<Self> {
        let shape = Shape::of(dims);
        if !shape.is_image() {
            return Err(no_image(dims).help("a patch is a square of an image"));
        }
        let most = shape.height.min(shape.width);
        if side == 0 || side > most {
            let message = format!("expected a patch with a side from 1 to {most}, got {side}");
            return Err(Trouble::new(Kind::Input, message));
        }
        Ok(Self { side, shape })
    }

    /// Where it can lie: its top row and its left column.
    pub fn corners(self) -> impl Iterator<Item = (usize, usize)> {
        let columns = self.shape.width - self.side;
        (0..=self.shape.height - self.side)
            .flat_map(move |top| (0..=columns).map(move |left| (top, left)))
    }

    /// The numbers inside it.
    pub fn places(self, (top, left): (usize, usize)) -> impl Iterator<Item = usize> {
        let Self { side, shape } = self;
        (0..shape.channels).flat_map(move |channel| {
            (top..top + side).flat_map(move |row| {
                (left..left + side).map(move |column| shape.at(channel, row, column))
            })
        })
    }

    /// Whether all that changes lies in one square.
    pub fn admits(self, sample: &[f32], point: &[f32]) -> bool {
        let (mut rows, mut columns) = ((usize::MAX, 0), (usize::MAX, 0));
        for row in 0..self.shape.height {
            for column in 0..self.shape.width {
                let places = (0..self.shape.channels).map(|c| self.shape.at(c, row, column));
                if places.into_iter().any(|at| point[at] != sample[at]) {
                    rows = (rows.0.min(row), rows.1.max(row));
                    columns = (columns.0.min(column), columns.1.max(column));
                }
            }
        }
        let fits = |(first, last): (usize, usize)| first > last || last - first < self.side;
        fits(rows) && fits(columns)
    }

    /// Undo all changes but those in the square that has most of them, by their squares.
    pub fn project(self, sample: &[f32], point: &mut [f32]) {
        let weight = |at: usize| (f64::from(point[at]) - f64::from(sample[at])).powi(2);
        let change = |corner| self.places(corner).map(weight).sum::<f64>();
        let mut best = (0.0, (0, 0));
        for corner in self.corners() {
            let here = change(corner);
            if here > best.0 {
                best = (here, corner);
            }
        }
        let kept = self.places(best.1).map(|at| (at, point[at])).collect::<Vec<_>>();
        point.copy_from_slice(sample);
        for (at, value) in kept {
            point[at] = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_projected_is_admitted_and_stays(
            side in 1_usize..5,
            last: bool,
            changes in prop::collection::vec((0_usize..60, 0.0_f32..1.0), 0..20),
        ) {
            let dims = if last { [6, 5, 2] } else { [2, 6, 5] };
            let patch = Patch::new(side, &dims).unwrap();
            let sample = vec![0.5_f32; 60];
            let mut point = sample.clone();
            for (at, value) in changes {
                point[at] = value;
            }
            patch.project(&sample, &mut point);
            prop_assert!(patch.admits(&sample, &point));
            let again = point.clone();
            patch.project(&sample, &mut point);
            prop_assert_eq!(again, point);
        }
    }

    #[test]
    fn two_far_changes_are_in_no_square() {
        let patch = Patch::new(2, &[1, 4, 4]).unwrap();
        let sample = [0.0_f32; 16];
        let change = |at: &[usize]| {
            let mut point = sample;
            at.iter().for_each(|&at| point[at] = 1.0);
            patch.admits(&sample, &point)
        };
        assert!(change(&[]) && change(&[5]) && change(&[0, 5]) && change(&[10, 15, 11]));
        assert!(!change(&[0, 2]) && !change(&[0, 8]) && !change(&[3, 4]));
    }

    #[test]
    fn what_is_no_square_of_an_image_is_refused() {
        assert!(Patch::new(2, &[30]).is_err());
        assert!(Patch::new(0, &[1, 4, 4]).is_err());
        assert!(Patch::new(5, &[1, 4, 6]).is_err());
        assert_eq!(Patch::new(4, &[1, 4, 6]).unwrap().corners().count(), 3);
    }
}
