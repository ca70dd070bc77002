//! Bounds of the inputs of a case.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{collections::BTreeMap, sync::Arc};

use crate::exact::Rational;

/// Bounds of one input from below and above.
type Interval = [Option<Arc<Rational>>; 2];

/// Bounds of some inputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bounds(BTreeMap<usize, Interval>);

impl Bounds {
    pub(super) fn is_tightened_by(&self, input: usize, above: bool, bound: &Arc<Rational>) -> bool {
        let known = self.0.get(&input);
        known
            .and_then(|[low, high]| if above { high.as_ref() } else { low.as_ref() })
            .is_none_or(|known| if above { bound < known } else { bound > known })
    }

    pub(super) fn tighten(&mut self, input: usize, above: bool, bound: &Arc<Rational>) {
        if self.is_tightened_by(input, above, bound) {
            let [low, high] = self.0.entry(input).or_default();
            *(if above { high } else { low }) = Some(bound.clone());
        }
    }

    /// The box of these and of tighter ones.
    pub(super) fn joined(
        &self,
        tighter: &Self,
        inputs: usize,
    ) -> (Vec<Option<Rational>>, Vec<Option<Rational>>) {
        let pick = |input: usize, side: usize| {
            let of = |bounds: &Self| bounds.0.get(&input)?.get(side)?.as_deref().cloned();
            of(tighter).or_else(|| of(self))
        };
        let side = |side| (0..inputs).map(|input| pick(input, side)).collect();
        (side(0), side(1))
    }
}
