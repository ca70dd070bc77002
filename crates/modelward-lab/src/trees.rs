//! Tree ensembles: the exact distance to the nearest input of another label, and what holds in a box.
//!
//! What an ensemble says is the same in every cell between its cuts, so the nearest input of another
//! label is found among finitely many. It is a point of `f32`, its label is asked of the arithmetic
//! of the library that wrote the file, and its distance is that of real numbers.

use std::{cell::RefCell, collections::HashMap, rc::Rc, time::Instant};

use modelward_engine::{Kind, Model, Result, Tensor, Trouble, trees::Ensemble};

use self::{
    arena::{Arena, Scope, Wanted},
    decision::{Decision, Library, Margin},
    grid::{Grid, Side},
    search::{Outcome, Search},
};

mod arena;
mod decision;
mod grid;
mod onnx;
mod search;

/// A tree model that names classes.
#[derive(Debug)]
pub struct Trees {
    library: Library,
    decision: Decision,
    grid: Grid,
    /// Features of a row.
    features: usize,
    labels: Vec<i64>,
    margins: RefCell<HashMap<(usize, usize), Rc<Margin>>>,
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
    /// The time was up.
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
        let grid = Grid::of(library.ensemble())?;
        if features < grid.cuts.len() {
            let read = grid.cuts.len();
            return Err(Trouble::graph(format!(
                "the trees read {read} features, and a row has {features}"
            )));
        }
        Ok(Self { library, decision, grid, features, labels, margins: RefCell::default() })
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
    fn margin(&self, from: usize, to: usize) -> Result<Rc<Margin>> {
        if let Some(margin) = self.margins.borrow().get(&(from, to)) {
            return Ok(margin.clone());
        }
        let margin = self.decision.margin(&self.grid, self.library.ensemble(), from, to)?;
        let margin = Rc::new(margin);
        self.margins.borrow_mut().insert((from, to), margin.clone());
        Ok(margin)
    }

    /// The distance from a sample to the nearest input whose label is not `label`, inside `clip` where
    /// it is given, until a moment where one is given. It is zero where the sample has another label.
    ///
    /// # Errors
    /// As [`Self::classify`], of one row; where `label` is none of [`Self::labels`].
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
        let bounds = Bounds { sample, low: &|_| low, high: &|_| high };
        let far = bounds.far(&self.grid);
        let mut best = Distance { lower: f64::INFINITY, upper: f64::INFINITY, witness: None };
        for to in (0..self.labels.len()).filter(|&to| to != from) {
            let margin = self.margin(from, to)?;
            let lower = self.nearest(&margin, from, &bounds, &far, &mut best, deadline)?;
            best.lower = best.lower.min(lower);
        }
        best.lower = best.lower.min(best.upper);
        Ok(best)
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
        let mut unknown = false;
        for to in (0..self.labels.len()).filter(|&to| to != from) {
            let margin = self.margin(from, to)?;
            match self.probe(&margin, from, &bounds, &far, f64::MAX, u64::MAX, deadline)? {
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

    /// Look for the nearest input by one margin; improves `best`, and gives the distance below which
    /// there is none.
    fn nearest(
        &self,
        margin: &Margin,
        from: usize,
        bounds: &Bounds<'_>,
        far: &[f64],
        best: &mut Distance,
        deadline: Option<Instant>,
    ) -> Result<f64> {
        let steps = steps(margin, &self.grid, far, best.upper);
        // Nothing is wanted at the steps before `proven`, something is from `known` on.
        let (mut proven, mut known) = (0, steps.len());
        let trace = std::env::var("TRACE").is_ok();
        while proven < known {
            let middle = proven + (known - proven) / 2;
            let t = Instant::now();
            let outcome = self.probe(margin, from, bounds, far, steps[middle], u64::MAX, deadline)?;
            if trace { eprintln!("   {proven} {middle} {known} r {} {} {:.2}ms", steps[middle], match &outcome {Outcome::Found(x)=>format!("found {}", x.0), Outcome::Empty=>"empty".into(), Outcome::GivenUp=>"given up".into()}, t.elapsed().as_secs_f64()*1e3); }
            match outcome {
                Outcome::Found((distance, witness)) => {
                    known = steps.partition_point(|&step| step < distance).min(middle);
                    best.upper = distance;
                    best.witness = Some(witness);
                }
                Outcome::Empty => proven = middle + 1,
                Outcome::GivenUp => return Ok(steps[proven]),
            }
        }
        Ok(steps.get(proven).copied().unwrap_or(best.upper))
    }

    /// Look for an input within a distance.
    fn probe(
        &self,
        margin: &Margin,
        from: usize,
        bounds: &Bounds<'_>,
        far: &[f64],
        limit: f64,
        most: u64,
        deadline: Option<Instant>,
    ) -> Result<Outcome<(f64, Vec<f32>)>> {
        let wanted = Wanted {
            grid: &self.grid,
            values: &margin.values,
            far,
            never: margin.never,
            by_value: margin.exact(),
        };
        let t = Instant::now();
        let arena = match Arena::within(&wanted, limit, true) {
            Scope::Nothing => return Ok(Outcome::Empty),
            Scope::Large => return Ok(Outcome::GivenUp),
            Scope::Some(arena) => arena,
        };
        let t1 = t.elapsed();
        let mut search = Search::new(&arena, margin.never);
        let judge = |sides: &mut dyn Iterator<Item = Side>| {
            let (distance, point) = bounds.nearest(&self.grid, sides);
            Ok::<_, Trouble>((self.one(&point)? != from).then_some((distance, point)))
        };
        let outcome = search.run(judge, |boxes| {
            boxes >= most
                || (boxes % 16 == 15 && deadline.is_some_and(|deadline| Instant::now() > deadline))
        })?;
        if std::env::var("TRACE").is_ok() { eprintln!("     arena {:.2}ms {} groups {} leaves {} features {} cells; {} boxes {:.2}ms", t1.as_secs_f64()*1e3, arena.words.len()-1, arena.all.iter().map(|w| w.count_ones()).sum::<u32>(), arena.cells.len(), arena.cells.iter().map(|&c| c as usize).sum::<usize>(), search.boxes, t.elapsed().as_secs_f64()*1e3); }
        Ok(outcome)
    }
}

/// The distances at which something wanted may begin, ascending, and below one that is known.
fn steps(margin: &Margin, grid: &Grid, far: &[f64], known: f64) -> Vec<f64> {
    let mut order = Vec::with_capacity(far.len());
    for (tree, range) in grid.trees.windows(2).enumerate() {
        let near = (range[0]..range[1]).filter(|&leaf| far[leaf] < known);
        order.extend(near.map(|leaf| (far[leaf], tree, margin.values[leaf])));
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut best = vec![None; grid.trees.len() - 1];
    let (mut total, mut empty) = (0_i64, best.len());
    let mut steps: Vec<f64> = Vec::new();
    for (distance, tree, value) in order {
        match &mut best[tree] {
            Some(best) if *best >= value => {}
            Some(best) => {
                total += value - *best;
                *best = value;
            }
            none => {
                *none = Some(value);
                total += value;
                empty -= 1;
            }
        }
        if empty == 0 && total >= margin.never && steps.last() != Some(&distance) {
            steps.push(distance);
        }
    }
    steps
}

/// Where inputs may lie, and the sample from which distances count.
struct Bounds<'a> {
    sample: &'a [f32],
    low: &'a dyn Fn(usize) -> f32,
    high: &'a dyn Fn(usize) -> f32,
}

impl Bounds<'_> {
    /// How far the nearest allowed value of a feature in these cells is away.
    fn reach(&self, grid: &Grid, side: Side) -> Option<f32> {
        let at = side.feature as usize;
        let last = grid.cuts[at].len();
        let low = grid.ends(at, side.low as usize).0.max((self.low)(at));
        let high = grid.ends(at, (side.high as usize).min(last)).1.min((self.high)(at));
        (low <= high).then(|| self.sample[at].clamp(low, high))
    }

    fn distance(&self, at: usize, value: f32) -> f64 {
        (f64::from(value) - f64::from(self.sample[at])).abs()
    }

    /// How far each leaf of a grid is away.
    fn far(&self, grid: &Grid) -> Vec<f64> {
        let least = (0..self.sample.len())
            .map(|at| self.distance(at, self.sample[at].clamp((self.low)(at), (self.high)(at))))
            .fold(0.0, f64::max);
        let far = |leaf| {
            grid.sides_of(leaf).iter().try_fold(least, |far: f64, &side| {
                let value = self.reach(grid, side)?;
                Some(far.max(self.distance(side.feature as usize, value)))
            })
        };
        (0..grid.leaves.len()).map(|leaf| far(leaf).unwrap_or(f64::INFINITY)).collect()
    }

    /// The nearest point of a box of cells, and how far it is away.
    fn nearest(&self, grid: &Grid, sides: &mut dyn Iterator<Item = Side>) -> (f64, Vec<f32>) {
        let start = (0..self.sample.len())
            .map(|at| self.sample[at].clamp((self.low)(at), (self.high)(at)));
        let mut point = start.collect::<Vec<_>>();
        for side in sides {
            if let Some(value) = self.reach(grid, side) {
                point[side.feature as usize] = value;
            }
        }
        let far = point.iter().enumerate().map(|(at, &value)| self.distance(at, value));
        (far.fold(0.0, f64::max), point)
    }
}
