//! Attacks on classifiers of text: few characters or words change, and the answer with them.
//!
//! An attack proposes edits ([`family`], [`search`]); the [`arena`] applies them, turns the text into
//! tokens as deployed, asks the model, counts and judges. Every success is asked again from its final
//! text, alone, and its edits are counted and held against their family once more ([`witness`]).

pub mod arena;
pub mod classifier;
mod clusters;
pub mod course;
pub mod edit;
pub mod family;
mod guard;
mod homoglyphs;
mod invisible;
pub mod measure;
pub mod search;
pub mod texts;
pub mod tokenizer;
mod trust;
mod typos;
pub mod witness;
pub mod words;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tiny;
