//! How the numbers of an image lie.

/// Channels, rows and columns of an image, or of a row of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many channels; for what is no image how many numbers.
    pub channels: usize,
    /// How many rows.
    pub height: usize,
    /// How many columns.
    pub width: usize,
    /// Channels lie behind rows and columns.
    last: bool,
}

impl Shape {
    /// Of an input of these dimensions.
    pub fn of(shape: &[usize]) -> Self {
        match *shape {
            [height, width, channels] if channels <= 4 && height > 4 => {
                Self { channels, height, width, last: true }
            }
            [channels, height, width] => Self { channels, height, width, last: false },
            _ => Self { channels: shape.iter().product(), height: 1, width: 1, last: false },
        }
    }

    /// Whether it is one.
    pub fn is_image(self) -> bool {
        self.height > 1 && self.width > 1
    }

    /// Where a number lies.
    pub fn at(self, channel: usize, row: usize, column: usize) -> usize {
        if self.last {
            (row * self.width + column) * self.channels + channel
        } else {
            (channel * self.height + row) * self.width + column
        }
    }
}
