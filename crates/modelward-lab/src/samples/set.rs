//! What samples are.

use modelward_engine::{Kind, Limits, Result, Trouble, Type};

/// Inputs of a model in the user's own scale, and the classes they belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// The inputs, sample after sample, each in row-major order.
    pub x: Vec<f32>,
    /// The shape of one sample: `[channels, height, width]` of an image folder, `[columns]` of a
    /// table, what an npz has after its first axis.
    pub shape: Vec<usize>,
    /// The class of each sample, where the data name it.
    pub y: Option<Vec<i64>>,
    /// The names of a table's columns, without the label's.
    pub columns: Option<Vec<String>>,
    /// The names of the classes 0, 1, ..., where the data name them.
    pub classes: Option<Vec<String>>,
    /// What was read, for the report.
    pub source: String,
}

/// How samples are read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The column of a table, or the array of an npz, that holds the labels. Without it an npz's is
    /// `y`, and a table has none.
    pub label: Option<String>,
    /// What they may cost.
    pub limits: Limits,
}

impl Samples {
    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.x.len().checked_div(self.width()).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// How many numbers one sample has.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// One sample.
    pub fn sample(&self, index: usize) -> &[f32] {
        let width = self.width();
        index
            .checked_mul(width)
            .and_then(|start| self.x.get(start..)?.get(..width))
            .unwrap_or_default()
    }

    /// The first samples; all where there are no more.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.x.truncate(count.saturating_mul(self.width()));
        if let Some(labels) = &mut self.y {
            labels.truncate(count);
        }
        self
    }
}

/// Refuse what would take more memory than the limits allow.
pub(super) fn admit(count: usize, shape: &[usize], limits: &Limits) -> Result<()> {
    let dims = [&[count], shape].concat();
    let bytes = Type::new(modelward_engine::Element::F32, dims).bytes()?;
    if bytes > limits.memory {
        let limit = limits.memory;
        return Err(Trouble::limit(format!(
            "the samples take {bytes} bytes, over the limit of {limit}"
        ))
        .help("give fewer samples, or raise the limit with `--max-memory`"));
    }
    Ok(())
}

/// What a user gave does not fit.
pub(super) fn wrong(why: impl Into<String>) -> Trouble {
    Trouble::new(Kind::Input, why.into())
}
