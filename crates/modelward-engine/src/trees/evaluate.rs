//! What an ensemble says of rows: tree by tree, in the order and the float type that it names.

use super::{Aggregate, Branch, Ensemble, Missing, Next, Precision, Real, Test};
use crate::{Data, Element, Limits, Meter, Result, Tensor, Trouble, Type};

/// What an ensemble says of rows.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Raw scores, `[rows, targets]`.
    pub raw: Tensor,
    /// What the transform makes of them, `[rows, targets]`, or `[rows, 1]` where it is a class.
    pub transformed: Tensor,
}

/// Raw scores, and which targets a tree has voted for at all.
pub(crate) struct Scores<T> {
    pub(crate) values: Vec<T>,
    pub(crate) seen: Vec<bool>,
}

impl Ensemble {
    /// Raw scores of rows `[rows, features]`, and what the transform makes of them.
    ///
    /// # Errors Where the rows are no numbers, have another number of features, or get more scores
    /// than fit the default limit of memory.
    pub fn predict(&self, rows: &Tensor) -> Result<Prediction> {
        let &[count, width] = rows.dims() else {
            return Err(Trouble::graph(format!("expected rows of features, got {}", rows.kind())));
        };
        if width != self.features {
            let features = self.features;
            return Err(Trouble::graph(format!("expected {features} features, got {width}")));
        }
        Meter::new(Limits::default()).admit(&Type::new(Element::F64, [count, self.targets]))?;
        match self.precision {
            Precision::Single => self.prediction::<f32>(rows, count),
            Precision::Double => self.prediction::<f64>(rows, count),
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "floats do not overflow")]
    fn prediction<T: Real>(&self, rows: &Tensor, count: usize) -> Result<Prediction>
    where
        Data: From<Vec<T>>,
    {
        let raw = self.scores::<T>(rows)?.values;
        let width = self.transform.width(self.targets);
        let mut transformed = Vec::with_capacity(count.saturating_mul(width));
        for row in raw.chunks(self.targets.max(1)) {
            let mut row = row.to_vec();
            if let Some(trees) = self.averaged {
                row.iter_mut().for_each(|score| *score /= T::near(trees as f64));
            }
            self.transform.apply(&mut row);
            transformed.extend(row.into_iter().take(width));
        }
        Ok(Prediction {
            raw: Tensor::new([count, self.targets], raw)?,
            transformed: Tensor::new([count, width], transformed)?,
        })
    }

    /// Raw scores of rows, row by row.
    pub(crate) fn scores<T: Real>(&self, rows: &Tensor) -> Result<Scores<T>> {
        let &[count, width] = rows.dims() else {
            return Err(Trouble::graph(format!("expected rows of features, got {}", rows.kind())));
        };
        if width < self.features {
            let features = self.features;
            return Err(Trouble::graph(format!(
                "the trees read {features} features, and a row has {width}"
            )));
        }
        let size = crate::tensor::count(&[count, self.targets])?;
        let mut scores =
            Scores { values: Vec::with_capacity(size), seen: Vec::with_capacity(size) };
        let mut row = Vec::with_capacity(width);
        for at in 0..count {
            row.clear();
            self.row::<T>(rows.data(), at.saturating_mul(width), width, &mut row)?;
            self.score(&row, &mut scores);
        }
        Ok(scores)
    }

    /// The features of a row as they are compared: rounded to the float type, and widened again,
    /// which changes no comparison.
    fn row<T: Real>(
        &self,
        data: &Data,
        from: usize,
        width: usize,
        row: &mut Vec<f64>,
    ) -> Result<()> {
        let to = from.saturating_add(width);
        let flush = self.flush;
        macro_rules! widen {
            ($values:expr, $of:expr) => {
                row.extend($values.get(from..to).unwrap_or_default().iter().map($of).map(
                    |v: f64| {
                        let v = T::near(v).wide();
                        if v.abs() <= flush { 0.0 } else { v }
                    },
                ))
            };
        }
        match data {
            Data::F32(v) => widen!(v, |&v| f64::from(v)),
            Data::F64(v) => widen!(v, |&v| v),
            Data::I32(v) => widen!(v, |&v| f64::from(v)),
            // Rounded once: to `f32` at once where that is what is compared.
            Data::I64(v) if T::ELEMENT == Element::F32 => widen!(v, |&v| f64::from(v as f32)),
            Data::I64(v) => widen!(v, |&v| v as f64),
            _ => {
                let element = data.element();
                return Err(Trouble::graph(format!("trees do not read elements of {element}")));
            }
        }
        Ok(())
    }

    #[expect(clippy::arithmetic_side_effects, reason = "floats do not overflow")]
    fn score<T: Real>(&self, row: &[f64], scores: &mut Scores<T>) {
        let start = scores.values.len();
        let base = |target: usize| {
            let one = if self.base.len() == 1 { self.base.first() } else { self.base.get(target) };
            one.map(|&base| T::near(base))
        };
        let zero = T::near(0.0);
        for target in 0..self.targets {
            scores.values.push(base(target).filter(|_| self.base_first).unwrap_or(zero));
            scores.seen.push(false);
        }
        for &root in &self.roots {
            let Some(leaf) = self.leaves.get(self.walk(root, row)) else { continue };
            let votes = self.votes.get(leaf.from as usize..leaf.to as usize).unwrap_or_default();
            for vote in votes {
                let at = start.saturating_add(vote.target as usize);
                let place = (scores.values.get_mut(at), scores.seen.get_mut(at));
                let (Some(score), Some(seen)) = place else { continue };
                let weight = T::near(vote.weight);
                match self.aggregate {
                    Aggregate::Sum | Aggregate::Average => *score += weight,
                    Aggregate::Min if *seen && *score < weight => {}
                    Aggregate::Max if *seen && *score > weight => {}
                    Aggregate::Min | Aggregate::Max => *score = weight,
                }
                *seen = true;
            }
        }
        for (target, score) in scores.values.iter_mut().skip(start).enumerate() {
            if self.aggregate == Aggregate::Average {
                *score /= T::near(self.roots.len() as f64);
            }
            if let Some(base) = base(target).filter(|_| !self.base_first) {
                *score += base;
            }
        }
    }

    /// The leaf that a row comes to. No branch is passed twice: this was checked.
    fn walk(&self, root: Next, row: &[f64]) -> usize {
        let mut next = root;
        loop {
            match next {
                Next::Leaf(leaf) => return leaf as usize,
                Next::Branch(at) => {
                    let Some(branch) = self.branches.get(at as usize) else { return usize::MAX };
                    let value = row.get(branch.feature as usize).copied().unwrap_or(f64::NAN);
                    next = if self.answer(branch, value) { branch.yes } else { branch.no };
                }
            }
        }
    }

    /// What a branch answers to a feature, as it is compared when a row of `f32` is given.
    pub fn answers(&self, branch: &Branch, value: f32) -> bool {
        let value = f64::from(value);
        self.answer(branch, if value.abs() <= self.flush { 0.0 } else { value })
    }

    fn answer(&self, branch: &Branch, value: f64) -> bool {
        let value = match branch.missing {
            Missing::Goes(answer) if value.is_nan() => return answer,
            Missing::ZeroGoes(answer) if value.is_nan() || value.abs() <= self.flush => {
                return answer;
            }
            Missing::Zero if value.is_nan() => 0.0,
            _ => value,
        };
        let threshold = branch.threshold;
        match branch.test {
            Test::Less => value < threshold,
            Test::LessOrEqual => value <= threshold,
            Test::Greater => value > threshold,
            Test::GreaterOrEqual => value >= threshold,
            Test::Equal => value == threshold,
            Test::NotEqual => value != threshold,
            Test::In(set) => self.member(set, value),
            Test::Category(set) => self.member(set, value.trunc()),
            Test::CategoryFromZero(set) => value >= 0.0 && self.member(set, value.trunc()),
        }
    }

    fn member(&self, set: u32, value: f64) -> bool {
        // -0 and 0 are one number, and lie apart in the total order.
        let value = if value == 0.0 { 0.0 } else { value };
        self.set(set).binary_search_by(|member| member.total_cmp(&value)).is_ok()
    }
}
