//! Tree ensembles: the exact distance to the nearest input of another label, and what holds in a box.
//!
//! What an ensemble says is the same in every cell between its cuts, so the nearest input of another
//! label is found among finitely many. It is a point of `f32`, its label is asked of the arithmetic
//! of the library that wrote the file, and its distance is that of real numbers.
//!
//! That arithmetic adds up tree by tree, as a library does with one thread. Where votes tie, rounding
//! decides, and one that adds in another order, as ONNX Runtime does with several threads, may name
//! another label there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use modelward_engine::{Kind, Model, Result, Tensor, Trouble, trees::Ensemble};

use self::{
    bounds::Bounds,
    grid::Grid,
    hunt::Hunt,
    library::Library,
    margin::{Decision, Margin},
    search::Outcome,
};

mod arena;
mod blocks;
mod bounds;
mod grid;
mod hunt;
mod library;
mod margin;
mod onnx;
mod search;

/// Values of leaves in all margins that are kept, at most.
const MOST_VALUES: usize = 1 << 24;

/// The margins that were needed so far, from one class to another.
type Margins = Mutex<HashMap<(usize, usize), Arc<Margin>>>;

/// A tree model that names classes.
#[derive(Debug)]
pub struct Trees {
    library: Library,
    decision: Decision,
    grid: Grid,
    /// Features of a row.
    features: usize,
    labels: Vec<i64>,
    margins: Margins,
}

/// What is known of the distance to the nearest input of another label.
#[derive(Clone, Debug, PartialEq)]
pub struct Distance {
    /// No such input is nearer, in the largest change of a feature; infinity where there is none.
    pub lower: f64,
    /// There is one at this distance; infinity where none is known.
    pub upper: f64,
    /// That one.
    pub witness: Option<Vec<f32>>,
}

impl Distance {
    /// Whether it is known exactly.
    pub fn exact(&self) -> bool {
        self.lower == self.upper
    }
}

/// Whether a label holds in a box.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Every input of the box has it.
    Holds,
    /// This one has another.
    Violated(Vec<f32>),
    /// It was not decided: the time was up, or it takes more memory than is allowed.
    Unknown,
}

impl Trees {
    /// A model of XGBoost (JSON, UBJSON, a dump in JSON) or LightGBM (text).
    ///
    /// # Errors
    /// As [`Ensemble::read`]; where it names no classes, or its trees ask for more than thresholds.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let ensemble = Ensemble::read(bytes)?;
        let classes = if ensemble.targets == 1 { 2 } else { ensemble.targets };
        let features = ensemble.features;
        let labels = (0..classes as i64).collect();
        Self::of(Library::Ensemble(ensemble), features, labels)
    }

    /// Whether a file that begins so is one that [`Trees::read`] takes: JSON, UBJSON or LightGBM's
    /// text, and no ONNX.
    pub fn is_library(head: &[u8]) -> bool {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        head.starts_with(b"{")
            || head.starts_with(b"[")
            || head.starts_with(b"tree\n")
            || head.starts_with(b"tree\r")
            || head.starts_with(b"binf")
    }

    /// The trees of an ONNX model; `None` where it has none.
    ///
    /// # Errors
    /// Where something stands beside its trees that changes features or classes.
    pub fn of_model(model: &Model) -> Result<Option<Self>> {
        let Some(found) = onnx::find(model)? else { return Ok(None) };
        Self::of(Library::Classifier(found.classifier), found.features, found.labels).map(Some)
    }

    fn of(library: Library, features: usize, labels: Vec<i64>) -> Result<Self> {
        let decision = library.decision()?;
        let mut known = labels.clone();
        known.sort_unstable();
        known.dedup();
        if known.len() != labels.len() {
            return Err(Trouble::graph("two classes of one label"));
        }
        let grid = Grid::of(library.ensemble())?;
        if features < grid.cuts.len() {
            let read = grid.cuts.len();
            return Err(Trouble::graph(format!(
                "the trees read {read} features, and a row has {features}"
            )));
        }
        Ok(Self { library, decision, grid, features, labels, margins: Margins::default() })
    }

    /// How many features a row has; of an ONNX model that does not say so, how many the trees read.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The labels of the classes, in the order of their scores; their places where they are texts.
    pub fn labels(&self) -> &[i64] {
        &self.labels
    }

    /// The labels of rows, `[rows * features]`, in the arithmetic of the library.
    ///
    /// # Errors
    /// Where the rows have another number of features, or numbers that are not finite.
    pub fn classify(&self, rows: &[f32]) -> Result<Vec<i64>> {
        let places = self.library.places(&self.rows(rows)?)?;
        Ok(places.into_iter().map(|place| self.labels.get(place).copied().unwrap_or(-1)).collect())
    }

    /// The scores of rows, `[rows * classes]`: shares where the library gives them.
    ///
    /// # Errors
    /// As [`Self::classify`].
    pub fn scores(&self, rows: &[f32]) -> Result<Vec<f64>> {
        self.library.scores(&self.rows(rows)?)
    }

    fn rows(&self, rows: &[f32]) -> Result<Tensor> {
        let width = self.features;
        let count = rows.len().checked_div(width).unwrap_or(0);
        if count * width != rows.len() {
            let got = rows.len();
            let why = format!("expected rows of {width} features, got {got} numbers");
            return Err(Trouble::new(Kind::Input, why));
        }
        if rows.iter().any(|value| !value.is_finite()) {
            return Err(Trouble::new(Kind::Input, "expected finite features, got infinity or NaN"));
        }
        Tensor::new([count, width], rows.to_vec())
    }

    /// The margin by which an input goes from a class to another.
    fn margin(&self, from: usize, to: usize) -> Result<Arc<Margin>> {
        let mut margins = self.margins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(margin) = margins.get(&(from, to)) {
            return Ok(margin.clone());
        }
        let margin = self.decision.margin(&self.grid, self.library.ensemble(), from, to)?;
        let margin = Arc::new(margin);
        // Of very many classes only the last ones are kept.
        if margins.len().saturating_mul(self.grid.leaves.len()) > MOST_VALUES {
            margins.clear();
        }
        margins.insert((from, to), margin.clone());
        Ok(margin)
    }

    /// The distance from a sample `[features]` to the nearest input whose label is not `label`, inside
    /// `clip` where it is given. It is zero where the sample itself has another label. At the deadline
    /// what is known by then is given back.
    ///
    /// # Errors
    /// As [`Self::classify`], of one row; where `clip` is empty.
    pub fn minimal(
        &self,
        sample: &[f32],
        label: i64,
        clip: Option<(f32, f32)>,
        deadline: Option<Instant>,
    ) -> Result<Distance> {
        let from = self.one(sample)?;
        if self.labels.get(from) != Some(&label) {
            return Ok(Distance { lower: 0.0, upper: 0.0, witness: Some(sample.to_vec()) });
        }
        let (low, high) = clip.unwrap_or((f32::MIN, f32::MAX));
        if low > high || low.is_nan() || high.is_nan() {
            return Err(Trouble::new(Kind::Input, "expected a range, got one that is empty"));
        }
        let bounds = Bounds { sample, low: &|_| low, high: &|_| high };
        let far = bounds.far(&self.grid);
        let flips = |row: &[f32]| Ok(self.one(row)? != from);
        let mut best = Distance { lower: f64::INFINITY, upper: f64::INFINITY, witness: None };
        for to in (0..self.labels.len()).filter(|&to| to != from) {
            let margin = self.margin(from, to)?;
            let (grid, bounds, far, flips) = (&self.grid, &bounds, &far, &flips);
            let hunt = Hunt { grid, margin: &margin, bounds, far, flips, deadline };
            let (lower, prey) = hunt.nearest(best.upper)?;
            best.lower = best.lower.min(lower);
            if let Some((distance, witness)) = prey {
                (best.upper, best.witness) = (distance, Some(witness));
            }
        }
        best.lower = best.lower.min(best.upper);
        if let Some(witness) = &mut best.witness {
            self.restore(witness, sample, (low, high), from)?;
        }
        Ok(best)
    }

    /// Put back what was changed for nothing.
    fn restore(
        &self,
        witness: &mut [f32],
        sample: &[f32],
        (low, high): (f32, f32),
        from: usize,
    ) -> Result<()> {
        for at in 0..witness.len() {
            let (changed, before) = (witness[at], sample[at]);
            if changed != before && (low..=high).contains(&before) {
                witness[at] = before;
                if self.one(witness)? == from {
                    witness[at] = changed;
                }
            }
        }
        Ok(())
    }

    /// Whether every input between `low` and `high`, feature by feature, has a label.
    ///
    /// # Errors
    /// As [`Self::minimal`]; where the box is empty.
    pub fn holds(
        &self,
        low: &[f32],
        high: &[f32],
        label: i64,
        deadline: Option<Instant>,
    ) -> Result<Verdict> {
        if low.len() != high.len() || low.iter().zip(high).any(|(low, high)| low > high) {
            return Err(Trouble::new(Kind::Input, "expected a box, got one that is empty"));
        }
        let from = self.one(low)?;
        self.one(high)?;
        if self.labels.get(from) != Some(&label) {
            return Ok(Verdict::Violated(low.to_vec()));
        }
        let bounds = Bounds { sample: low, low: &|at| low[at], high: &|at| high[at] };
        let far = bounds.far(&self.grid);
        let flips = |row: &[f32]| Ok(self.one(row)? != from);
        let mut unknown = false;
        for to in (0..self.labels.len()).filter(|&to| to != from) {
            let margin = self.margin(from, to)?;
            let (grid, bounds, far, flips) = (&self.grid, &bounds, &far, &flips);
            let hunt = Hunt { grid, margin: &margin, bounds, far, flips, deadline };
            match hunt.within(f64::MAX)? {
                Outcome::Found((_, witness)) => return Ok(Verdict::Violated(witness)),
                Outcome::Empty => {}
                Outcome::GivenUp => unknown = true,
            }
        }
        Ok(if unknown { Verdict::Unknown } else { Verdict::Holds })
    }

    /// The class of one row.
    fn one(&self, row: &[f32]) -> Result<usize> {
        if row.len() != self.features {
            let (width, got) = (self.features, row.len());
            let why = format!("expected a row of {width} features, got {got}");
            return Err(Trouble::new(Kind::Input, why));
        }
        Ok(self.library.places(&self.rows(row)?)?.first().copied().unwrap_or(0))
    }
}
