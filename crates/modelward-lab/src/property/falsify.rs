//! The search for a point that violates a property.
//!
//! Descents from many starts, those that are nearest to their goal first. Whatever a descent comes
//! upon is judged by the outputs of the model as it is deployed, at zero tolerance, so a search can
//! miss a violation and never makes one up. Nothing depends on threads or on time but for where the
//! search is cut off.

use modelward_engine::Result;

use crate::property::{case::Property, network::Network};

mod goal;
mod search;
mod walk;

pub use self::search::Witness;

use self::search::Search;

/// Search a point that violates a property, until one is found or `over` says that the time is over.
///
/// Without randomness in `over`, a seed gives the same answer in each run.
///
/// # Errors
/// Where the model does not run, has no gradient, or a limit is reached.
pub fn falsify(
    network: &mut Network<'_>,
    property: &Property,
    over: &mut dyn FnMut() -> bool,
    seed: u64,
) -> Result<Option<Witness>> {
    Search::new(network, property, over, seed)?.run()
}

#[cfg(test)]
mod tests {
    use modelward_engine::{Limits, Model};

    use super::*;
    use crate::{exact, property::tiny};

    /// Inputs in the unit square, and what is wrong.
    fn found(model: &Model, wrong: &str, seed: u64) -> Option<Witness> {
        let text = format!(
            "(declare-const X_0 Real)(declare-const X_1 Real)
             (declare-const Y_0 Real)(declare-const Y_1 Real)
             (assert (<= X_0 1))(assert (>= X_0 0.1))(assert (<= X_1 1))(assert (>= X_1 0.3)){wrong}"
        );
        let property = Property::parse(&text).unwrap();
        let mut network = Network::new(model, 2, 2, Limits::default()).unwrap();
        let mut left = 200;
        let mut over = || {
            left -= 1;
            left == 0
        };
        let witness = falsify(&mut network, &property, &mut over, seed).unwrap()?;
        // The judge is another one: in rational numbers.
        for (input, low) in [(0, "0.1"), (1, "0.3")] {
            let value = exact::of(f64::from(witness.x[input])).unwrap();
            assert!(exact::parse(low).unwrap() <= value && value <= exact::one());
        }
        let outputs = network.outputs(&witness.x).unwrap();
        assert!(
            property.cases[witness.case]
                .wrong
                .iter()
                .any(|wrong| { crate::property::margin(wrong, &outputs) <= 0.0 })
        );
        Some(witness)
    }

    #[test]
    fn a_violation_is_found_where_there_is_one() {
        let model = tiny::model();
        let corner = found(&model, "(assert (>= Y_0 0.69))", 0).unwrap();
        assert!(corner.margin <= 0.0 && corner.x[0] > 0.98);
        assert!(found(&model, "(assert (and (>= Y_0 0.2) (<= Y_1 0.51)))", 0).is_some());
        assert!(found(&model, "(assert (or (>= Y_0 2) (<= Y_1 0.11)))", 0).is_some());
    }

    #[test]
    fn none_is_made_up() {
        let model = tiny::model();
        assert_eq!(found(&model, "(assert (>= Y_0 0.71))", 0), None);
        assert_eq!(found(&model, "(assert (and (>= Y_0 0.5) (<= Y_1 0.7)))", 0), None);
        assert_eq!(found(&model, "(assert (<= X_0 0))(assert (>= Y_1 -1))", 0), None);
    }

    #[test]
    fn signs_are_no_wall() {
        assert!(
            found(&tiny::model_of_signs(), "(assert (<= Y_0 0))(assert (>= Y_1 1))", 0).is_some()
        );
    }

    #[test]
    fn a_seed_gives_the_same_answer_again() {
        let wrong = "(assert (and (>= Y_0 0.2) (<= Y_1 0.51)))";
        let model = tiny::model();
        assert_eq!(found(&model, wrong, 3), found(&model, wrong, 3));
    }
}
