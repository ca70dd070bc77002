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
