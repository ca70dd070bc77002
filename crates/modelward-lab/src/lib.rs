//! Experiments on a running model.
//!
//! An attack only proposes inputs. The lab keeps them inside the budget, asks the model, counts and
//! judges each witness again in exact arithmetic, so no attack can flatter itself. What is proven is
//! proven of the model as it is deployed: in `f32`, with every rounding error in the bound.

pub mod arena;
pub mod backdoor;
pub mod budget;
pub mod certified;
pub mod certify;
pub mod constraints;
pub mod endpoint;
pub mod evade;
pub mod exact;
pub mod file;
pub mod image;
pub mod picture;
pub mod preprocess;
pub mod property;
pub mod random;
pub mod robustness;
pub mod rule;
pub mod rules;
pub mod samples;
pub mod settle;
pub mod statistics;
pub mod text;
pub mod trees;
pub mod trust;
pub mod victim;
