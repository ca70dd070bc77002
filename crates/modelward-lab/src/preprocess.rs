//! What is done to a user's data before the model sees them, and finding out what that is.
//!
//! Boxes and budgets live in the user's space; the convention stands between it and the model. Each
//! of its steps is affine in one number or moves numbers about, so gradients come back exactly as
//! they would through the pipeline itself.

mod candidates;
mod convention;
mod guess;
mod known;
mod search;
mod sign_test;
mod spec;

pub use convention::Convention;
pub use guess::Guess;
pub use search::{Classify, Found, Tried, find};
pub use spec::{Layout, Number, Spec, Word};
