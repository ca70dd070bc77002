//! Bills of materials of a model, from its bytes.
//!
//! [`facts`] reads the card, the configurations and the tensor tables of a folder into [`Facts`];
//! [`cyclonedx`] and [`spdx`] write these down. What is counted and what somebody declares are kept
//! apart all the way: a document names the file that declares a fact.

mod card;
mod config;
mod counted;
pub mod cyclonedx;
mod entry;
mod facts;
mod folder;
mod gather;
mod gguf;
mod graph;
mod licence;
mod source;
pub mod spdx;
mod subject;
mod task;
mod text;
mod time;
mod trees;
mod uuid;
mod weights;

pub use self::{
    entry::{FileEntry, root},
    facts::{Base, Declared, Facts, Metric, Property},
    gather::{Origin, facts},
    licence::{Licence, Term},
    source::Source,
    subject::{Cwes, Scan, Subject},
    time::rfc3339,
    weights::Table,
};

#[cfg(test)]
mod tests;
