//! What a change may be in the domain of the data: bounds, steps, whole numbers, groups of which one
//! holds, what cannot change and what a change costs.
//!
//! ```toml
//! budget = 12.5                  # on the sum of cost x |change|
//!
//! [default]                      # for every feature that says nothing else
//! min = 0
//! max = 1
//!
//! [feature.age]                  # by the name of its column, or its number from 0
//! kind = "int"
//! min = 18
//! max = 120
//! increase_only = true
//! cost = "1/10"
//!
//! [feature.income]
//! step = 0.01                    # min + k x step; from 0 where there is no min
//!
//! [feature.country_de]
//! kind = "onehot:country"        # one of the group's features is 1, the others are 0
//!
//! [feature.birthplace]
//! immutable = true
//! ```
//!
//! A rule judges changes: what a sample has already is never refused, so every sample has at least
//! itself. Numbers are what they say, `0.1` is a tenth. A value between steps is refused, and where
//! no `f32` is a step, the nearest one stands for it.

mod boxes;
mod cost;
mod feature;
mod grid;
mod read;
mod space;

pub use feature::Feature;
pub use space::Space;

use modelward_engine::{Kind, Result, Trouble};

use crate::exact::Rational;

/// The rules of a domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraints {
    features: Vec<Feature>,
    /// The features of each group of which one holds.
    groups: Vec<Vec<usize>>,
    budget: Option<Rational>,
}

impl Constraints {
    /// Read the rules of a number of features, whose columns may have names.
    ///
    /// # Errors
    /// Where the text is no TOML, names what is not there, or contradicts itself; the place is said.
    pub fn read(text: &str, names: &[String], features: usize) -> Result<Self> {
        let read::Rules { features, groups, budget } = read::rules(text, names, features)?;
        Ok(Self { features, groups, budget })
    }

    /// The rule of each feature.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// What a sample may become, at most `eps` away from it in each feature.
    ///
    /// # Errors
    /// Where the sample has another number of features.
    pub fn around<'a>(&'a self, original: &[f32], eps: Option<&Rational>) -> Result<Space<'a>> {
        let (expected, got) = (self.features.len(), original.len());
        if expected != got {
            return Err(Trouble::new(
                Kind::Input,
                format!("expected {expected} features, got {got}"),
            ));
        }
        Ok(Space::new(&self.features, &self.groups, self.budget.as_ref(), original, eps))
    }
}

#[cfg(test)]
mod tests;
