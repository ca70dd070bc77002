//! What is left of rows when their common part is taken off, and whether it looks like other classes.

use crate::{Matrix, check::trigger::Labelled, learn::random::drawn, tail::Factorials};

/// Inputs as directions from the mean of their class' complement.
pub(super) struct Restored<'a> {
    inputs: Matrix,
    rows: &'a Labelled<'a>,
    /// The rows that neighbours are taken from.
    reference: Vec<u32>,
}

/// Neighbours that are asked.
const NEIGHBOURS: usize = 9;
/// Of these, so many have to name one class for a clear answer.
const CLEAR: u32 = 7;
/// Rows whose neighbours are sought at once.
const MOST_ASKED: usize = 512;
/// Rows that neighbours are taken from.
const MOST_REFERENCE: usize = 4096;

/// How clearly some rows look like rows of other classes.
struct Look {
    asked: usize,
    /// How many rows get a clear answer.
    clear: usize,
    /// The mean cosine of the angles to the neighbours.
    cosine: f64,
}

impl<'a> Restored<'a> {
    pub(super) fn new(inputs: &Matrix, rows: &'a Labelled<'a>) -> Self {
        let mut inputs = inputs.clone();
        inputs.data.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = 0.0);
        let reference = drawn(MOST_REFERENCE, rows.len());
        let reference = reference.into_iter().map(|row| row as u32).collect();
        Self { inputs, rows, reference }
    }

    /// The logarithm of the probability that rows of a class, less what they share, look as clearly like
    /// rows of other classes; `None` where they do not look so more than honest ones.
    pub(super) fn test(&self, class: u32, mode: &[u32], factorials: &Factorials) -> Option<f64> {
        let own = self.look(class, mode, true);
        // Honest rows of every other class, less what they share, do not look like the rest...
        let (mut foreign, mut farthest) = (Look { asked: 0, clear: 0, cosine: 0.0 }, 0.0_f64);
        for other in (0..self.rows.classes as u32).filter(|other| *other != class) {
            let members = (0..self.rows.len() as u32).filter(|row| self.rows.label(*row) == other);
            let members = members.collect::<Vec<_>>();
            let every = members.len().div_ceil(64).max(1);
            if members.len() >= 10 {
                let look = self.look_of(other, &members, members.iter().step_by(every).copied());
                foreign.asked += look.asked;
                foreign.clear += look.clear;
                farthest = farthest.max(look.cosine);
            }
        }
        // ... and among their own they look as clear as can be.
        let others = (0..self.rows.len() as u32).filter(|row| self.rows.label(*row) != class);
        let others = others.collect::<Vec<_>>();
        let some = drawn(MOST_ASKED, others.len()).into_iter().map(|at| others[at]);
        let some = some.collect::<Vec<_>>();
        let honest = self.look(class, &some, false);
        if own.asked == 0 || foreign.asked == 0 || own.cosine <= (farthest + honest.cosine) / 2.0 {
            return None;
        }
        let clear = |look: &Look| look.clear as f64 / look.asked as f64;
        if clear(&own) <= (clear(&foreign) + clear(&honest)) / 2.0 {
            return None;
        }
        Some(factorials.hypergeometric(
            own.asked + foreign.asked,
            own.clear + foreign.clear,
            own.asked,
            own.clear,
        ))
    }

    fn look(&self, class: u32, rows: &[u32], centred: bool) -> Look {
        let every = rows.len().div_ceil(MOST_ASKED).max(1);
        let asked = rows.iter().step_by(every).copied();
        if centred {
            return self.look_of(class, rows, asked);
        }
        let others = (0..self.rows.len() as u32).filter(|row| self.rows.label(*row) != class);
        let others = others.collect::<Vec<_>>();
        self.look_of(class, &others, asked)
    }

    /// How rows look among those that are not of a class, less the mean of `common`.
    fn look_of(&self, class: u32, common: &[u32], asked: impl Iterator<Item = u32>) -> Look {
        let reference = self.reference.iter().copied();
        let reference = reference.filter(|row| self.rows.label(*row) != class).collect::<Vec<_>>();
        let off = self.mean(&reference);
        let others = reference.iter().map(|row| self.direction(*row, &off)).collect::<Vec<_>>();
        let off = self.mean(common);
        let mut look = Look { asked: 0, clear: 0, cosine: 0.0 };
        let mut votes = vec![0_u32; self.rows.classes];
        for row in asked {
            let own = self.direction(row, &off);
            let mut nearest = [(f32::MIN, 0_u32); NEIGHBOURS];
            for (other, direction) in reference.iter().zip(&others).filter(|(o, _)| **o != row) {
                let cosine = own.iter().zip(direction).map(|(a, b)| a * b).sum::<f32>();
                if cosine > nearest[NEIGHBOURS - 1].0 {
                    let mut at = NEIGHBOURS - 1;
                    while at > 0 && nearest[at - 1].0 < cosine {
                        nearest[at] = nearest[at - 1];
                        at -= 1;
                    }
                    nearest[at] = (cosine, *other);
                }
            }
            if nearest[NEIGHBOURS - 1].0 == f32::MIN {
                continue;
            }
            votes.fill(0);
            nearest.iter().for_each(|(_, row)| votes[self.rows.label(*row) as usize] += 1);
            look.asked += 1;
            look.clear += usize::from(votes.iter().any(|votes| *votes >= CLEAR));
            let sum = nearest.iter().map(|(cosine, _)| f64::from(*cosine)).sum::<f64>();
            look.cosine += sum / NEIGHBOURS as f64;
        }
        look.cosine /= look.asked.max(1) as f64;
        look
    }

    fn mean(&self, rows: &[u32]) -> Vec<f32> {
        let mut sums = vec![0.0_f64; self.inputs.columns];
        for row in rows {
            let values = self.inputs.row(*row as usize).iter();
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums.into_iter().map(|sum| (sum / rows.len().max(1) as f64) as f32).collect()
    }

    fn direction(&self, row: u32, off: &[f32]) -> Vec<f32> {
        let values = self.inputs.row(row as usize).iter().zip(off);
        let mut values = values.map(|(value, off)| value - off).collect::<Vec<_>>();
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 1e-12 {
            values.iter_mut().for_each(|value| *value /= length);
        }
        values
    }
}
