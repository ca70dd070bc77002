//! Properties of a model: sets of inputs whose outputs must keep out of a set.
//!
//! As VNN-LIB 1.0 has them, a property is written as its negation: a point that satisfies it is a
//! violation. It is read here, points that tools publish against it are judged, and points are
//! searched.

mod bounds;
mod case;
mod counterexample;
mod falsify;
mod floats;
mod judge;
mod linear;
mod network;
mod read;
mod soften;
mod terms;
#[cfg(test)]
mod tiny;

pub use self::{
    case::{Case, Halfspace, Property, margin},
    counterexample::Counterexample,
    falsify::{Witness, falsify},
    floats::nearest_inside,
    judge::{Judgement, Outside, Verdict, check},
    network::Network,
};
