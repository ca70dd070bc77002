//! An image turned and moved.
//!
//! Engstrom et al., "Exploring the landscape of spatial robustness", 2019: rotations and
//! translations from a grid, bilinear, with black where nothing was. The paper's grid has 31 angles
//! and 5 places along each axis.

use modelward_engine::{Kind, Result, Trouble};

use super::no_image;
use crate::image::Shape;

/// How far images may be turned and moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spatial {
    /// The largest angle, in degrees.
    pub degrees: f64,
    /// The longest way along each axis, in pixels.
    pub pixels: f64,
    shape: Shape,
    clip: Option<(f32, f32)>,
}

/// One place of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// By how much it is turned to the left, in degrees.
    pub degrees: f64,
    /// By how much it is moved down, in pixels.
    pub down: f64,
    /// By how much it is moved to the right, in pixels.
    pub right: f64,
}

/// Angles of the grid.
const ANGLES: u32 = 31;
/// Places of the grid along each axis.
const PLACES: u32 = 5;

impl Spatial {
    /// The rule for images of these dimensions, whose numbers lie in a range.
    ///
    /// # Errors
    /// Where inputs are no images, or a size is no number of 0 or more.
    pub fn new(
        degrees: f64,
        pixels: f64,
        dims: &[usize],
        clip: Option<(f32, f32)>,
    ) -> Result<Self> {
        let shape = Shape::of(dims);
        if !shape.is_image() {
            return Err(no_image(dims).help("only images can be turned and moved"));
        }
        let most = shape.height.max(shape.width) as f64;
        if !(0.0..=180.0).contains(&degrees) || !(0.0..=most).contains(&pixels) {
            return Err(Trouble::new(
                Kind::Input,
                format!(
                    "expected at most 180 degrees and {most} pixels, got {degrees} and {pixels}"
                ),
            ));
        }
        Ok(Self { degrees, pixels, shape, clip })
    }

    /// All places of the grid, the nearest first.
    pub fn poses(self) -> Vec<Pose> {
        let angles = steps(self.degrees, ANGLES);
        let ways = steps(self.pixels, PLACES);
        let mut poses = Vec::with_capacity(angles.len() * ways.len() * ways.len());
        for &degrees in &angles {
            for &down in &ways {
                poses.extend(ways.iter().map(|&right| Pose { degrees, down, right }));
            }
        }
        let share = |value: f64, most: f64| if most > 0.0 { (value / most).powi(2) } else { 0.0 };
        let far = |pose: &Pose| {
            share(pose.degrees, self.degrees)
                + share(pose.down, self.pixels)
                + share(pose.right, self.pixels)
        };
        poses.sort_by(|a, b| far(a).total_cmp(&far(b)));
        poses
    }

    /// An image `[features]` in another place.
    pub fn posed(self, sample: &[f32], pose: Pose) -> Vec<f32> {
        if pose == Pose::default() {
            return sample.to_vec();
        }
        let Shape { channels, height, width, .. } = self.shape;
        let (sin, cos) = pose.degrees.to_radians().sin_cos();
        let middle = |count: usize| (count as f64 - 1.0) / 2.0;
        let black = self.clip.map_or(0.0, |(low, high)| 0.0_f32.clamp(low, high));
        let mut posed = vec![black; sample.len()];
        for row in 0..height {
            for column in 0..width {
                // Where it comes from: back by the way, then back by the angle.
                let down = row as f64 - middle(height) - pose.down;
                let right = column as f64 - middle(width) - pose.right;
                let from_row = cos * down + sin * right + middle(height);
                let from_column = cos * right - sin * down + middle(width);
                let (top, left) = (from_row.floor(), from_column.floor());
                let (low, side) = (from_row - top, from_column - left);
                for channel in 0..channels {
                    let at = |row: f64, column: f64| {
                        let inside = row >= 0.0
                            && column >= 0.0
                            && row < height as f64
                            && column < width as f64;
                        let value = if inside {
                            sample[self.shape.at(channel, row as usize, column as usize)]
                        } else {
                            black
                        };
                        f64::from(value)
                    };
                    let above = at(top, left) * (1.0 - side) + at(top, left + 1.0) * side;
                    let below =
                        at(top + 1.0, left) * (1.0 - side) + at(top + 1.0, left + 1.0) * side;
                    let value = (above * (1.0 - low) + below * low) as f32;
                    // The mean of numbers in the range may leave it by a rounding error.
                    let value = self.clip.map_or(value, |(low, high)| value.clamp(low, high));
                    posed[self.shape.at(channel, row, column)] = value;
                }
            }
        }
        posed
    }

    /// Whether a point is the sample in a place of the grid.
    pub fn admits(self, sample: &[f32], point: &[f32]) -> bool {
        self.poses().into_iter().any(|pose| self.posed(sample, pose) == point)
    }
}

/// So many steps from `-most` to `most`, as many on either side of 0.
fn steps(most: f64, count: u32) -> Vec<f64> {
    if most == 0.0 {
        return vec![0.0];
    }
    let half = f64::from(count / 2);
    (0..count).map(|at| most * (f64::from(at) - half) / half).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spatial(degrees: f64, pixels: f64, dims: &[usize]) -> Spatial {
        Spatial::new(degrees, pixels, dims, Some((0.0, 1.0))).unwrap()
    }

    #[test]
    fn whole_ways_move_and_right_angles_turn() {
        let image = [1.0, 0.0, 0.25, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0];
        let spatial = spatial(90.0, 1.0, &[1, 3, 3]);
        let right = spatial.posed(&image, Pose { right: 1.0, ..Pose::default() });
        assert_eq!(right, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0]);
        let down = spatial.posed(&image, Pose { down: 1.0, ..Pose::default() });
        assert_eq!(down, [0.0, 0.0, 0.0, 1.0, 0.0, 0.25, 0.0, 0.0, 0.0]);
        let turned = spatial.posed(&image, Pose { degrees: 90.0, ..Pose::default() });
        let want = [0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.5];
        assert!(turned.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6), "{turned:?}");
    }

    #[test]
    fn places_of_the_grid_are_admitted_and_others_are_not() {
        let mut random = crate::random::stream(&[5]);
        let image = (0..2 * 6 * 5).map(|_| random.f32()).collect::<Vec<_>>();
        let spatial = spatial(30.0, 2.0, &[2, 6, 5]);
        let poses = spatial.poses();
        assert_eq!((poses.len(), poses[0]), (31 * 25, Pose::default()));
        for pose in poses.iter().step_by(97) {
            let posed = spatial.posed(&image, *pose);
            assert!(posed.iter().all(|x| (0.0..=1.0).contains(x)));
            assert!(spatial.admits(&image, &posed));
        }
        let other = spatial.posed(&image, Pose { degrees: 31.0, ..Pose::default() });
        assert!(!spatial.admits(&image, &other));
        assert!(!spatial.admits(&image, &vec![0.5; 60]));
    }
}
