//! Patterns that are laid over an image.

use crate::picture::Layout;

/// The form of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// A rectangle of pixels.
    Patch,
    /// A row and a column that cross.
    Cross,
    /// The frame of the whole image.
    Border,
    /// Something added to every pixel.
    Overlay,
    /// Pixels wherever they lie.
    Scattered,
}

impl Form {
    /// Whether it changes the image from side to side.
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Border | Self::Overlay)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Cross => "cross",
            Self::Border => "border",
            Self::Overlay => "overlay",
            Self::Scattered => "scattered pixels",
        }
    }
}

/// A pattern at its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// Its form.
    pub form: Form,
    /// Row and column of its upper left pixel.
    pub at: (usize, usize),
    /// Its height and width.
    pub size: (usize, usize),
    /// Which pixels it covers, by row and column of the image, and where in `values` each begins.
    cells: Vec<(usize, usize)>,
    /// The values, one for each channel of each pixel: what a pixel becomes; of an overlay, what is
    /// added.
    pub values: Vec<f32>,
}

impl Pattern {
    /// A pattern that covers the pixels of its form.
    pub(super) fn new(
        form: Form,
        at: (usize, usize),
        size: (usize, usize),
        layout: Layout,
        value: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let mut cells = Vec::new();
        for row in 0..size.0 {
            for column in 0..size.1 {
                let covers = match form {
                    Form::Patch | Form::Overlay | Form::Scattered => true,
                    Form::Cross => row == size.0 / 2 || column == size.1 / 2,
                    Form::Border => {
                        row == 0 || column == 0 || row + 1 == size.0 || column + 1 == size.1
                    }
                };
                if covers {
                    cells.push((at.0 + row, at.1 + column));
                }
            }
        }
        let values = cells.iter().flat_map(|&(row, column)| {
            let value = &value;
            (0..layout.channels).map(move |channel| value(row - at.0, column - at.1, channel))
        });
        let values = values.collect();
        Self { form, at, size, cells, values }
    }

    /// Pixels wherever they lie, by row and column, and the values of their channels.
    pub(super) fn scattered(cells: Vec<(usize, usize)>, values: Vec<f32>) -> Self {
        let ends = |of: fn(&(usize, usize)) -> usize| {
            let all = cells.iter().map(of);
            let (first, last) = (all.clone().min().unwrap_or(0), all.max().unwrap_or(0));
            (first, last - first + 1)
        };
        let ((row, height), (column, width)) = (ends(|cell| cell.0), ends(|cell| cell.1));
        Self { form: Form::Scattered, at: (row, column), size: (height, width), cells, values }
    }

    /// The same so many rows and columns further; `None` where that is outside of the image.
    pub(super) fn shifted(&self, (down, right): (isize, isize), layout: Layout) -> Option<Self> {
        let inside = |at: usize, by: isize, end: usize| {
            at.checked_add_signed(by).filter(|moved| *moved < end)
        };
        let place = |(row, column): (usize, usize)| {
            Some((inside(row, down, layout.height)?, inside(column, right, layout.width)?))
        };
        let cells = self.cells.iter().map(|cell| place(*cell)).collect::<Option<Vec<_>>>()?;
        Some(Self { at: place(self.at)?, cells, ..self.clone() })
    }

    /// What an image has in its place.
    pub(super) fn cut(&self, image: &[f32], layout: Layout) -> Self {
        let values = self.cells.iter().flat_map(|cell| {
            (0..layout.channels).map(move |channel| image[layout.at(channel, cell.0, cell.1)])
        });
        Self { values: values.collect(), ..self.clone() }
    }

    /// The rectangle that a form of one place lies in, with the same values anywhere in it.
    pub(super) fn boxed(&self, layout: Layout) -> Self {
        match self.form {
            Form::Cross => Self::new(Form::Patch, self.at, self.size, layout, |_, _, _| 0.0),
            _ => self.clone(),
        }
    }

    /// How many pixels it covers.
    pub fn pixels(&self) -> usize {
        self.cells.len()
    }

    /// Lay it over an image.
    pub fn lay(&self, image: &mut [f32], layout: &Laid) {
        let channels = layout.0.channels;
        for (cell, values) in self.cells.iter().zip(self.values.chunks_exact(channels)) {
            for (channel, value) in values.iter().enumerate() {
                let pixel = &mut image[layout.0.at(channel, cell.0, cell.1)];
                *pixel = match self.form {
                    Form::Overlay => (*pixel + value).clamp(layout.1.0, layout.1.1),
                    _ => *value,
                };
            }
        }
    }
}

/// How images lie, and the range of their pixels.
#[derive(Clone, Copy, Debug)]
pub struct Laid(pub(super) Layout, pub(super) (f32, f32));

impl Laid {
    /// Of images of this shape; `None` where they are none.
    pub fn of(shape: &[usize], range: (f32, f32)) -> Option<Self> {
        Some(Self(Layout::of(shape)?, range))
    }
}
