//! Experiments on a running model.
//!
//! An attack only proposes inputs. The lab keeps them inside the budget, asks the model, counts and
//! judges each witness again in exact arithmetic, so no attack can flatter itself. What is proven is
//! proven of the model as it is deployed: in `f32`, with every rounding error in the bound.

pub mod certify;
pub mod exact;
pub mod property;
pub mod statistics;
