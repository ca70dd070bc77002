//! The rule of one feature, exactly as written.

use num_traits::Zero;

use crate::exact::Rational;

/// What a feature may become.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// The least value.
    pub min: Option<Rational>,
    /// The largest.
    pub max: Option<Rational>,
    /// Values are this apart, from `min` on, or from 0.
    pub step: Option<Rational>,
    /// The group of which it is one, among all groups.
    pub group: Option<usize>,
    /// It never changes.
    pub immutable: bool,
    /// It never gets less.
    pub increase_only: bool,
    /// What a change by 1 costs.
    pub cost: Rational,
}

impl Feature {
    /// Nothing is asked of it.
    pub(super) fn free() -> Self {
        Self {
            min: None,
            max: None,
            step: None,
            group: None,
            immutable: false,
            increase_only: false,
            cost: Rational::zero(),
        }
    }

    /// Why a value other than a sample's own is none of this feature's, by its bounds and by what it
    /// was. `value` is what is judged; of a feature with steps it is the step itself.
    pub(super) fn refuses(&self, value: &Rational) -> Option<String> {
        let shown = crate::exact::float(value);
        if let Some(min) = self.min.as_ref().filter(|min| value < min) {
            return Some(format!("{shown} is below its min {}", crate::exact::float(min)));
        }
        if let Some(max) = self.max.as_ref().filter(|max| value > max) {
            return Some(format!("{shown} is above its max {}", crate::exact::float(max)));
        }
        None
    }
}
