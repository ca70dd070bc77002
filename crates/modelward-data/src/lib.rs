//! Data sets in batches, and what is wrong with them.
//!
//! [`read`] opens what the user points at, whatever its name says, as a [`Set`]: a schema and pieces
//! whose rows come in batches of bounded size. What streams is an [`Accumulate`]: fed with batches,
//! merged in the order of the rows, the same under any split. A [`Sample`] holds the rows that learning
//! needs, all of them where memory allows. [`check`] runs the checks over these and says of each what
//! it found, how many false alarms to expect, or why it was skipped.

pub mod accumulate;
mod batch;
pub mod check;
mod columns;
mod foreign;
pub mod image;
mod instant;
mod learn;
mod leaves;
mod limits;
pub mod manifest;
mod normalise;
mod note;
mod pictures;
pub mod prove;
pub mod quarantine;
pub mod read;
mod roles;
mod row;
pub mod rules;
mod sample;
mod set;
pub mod show;
mod tail;
mod watch;

pub use crate::{
    accumulate::Accumulate,
    batch::Batch,
    columns::{Kind, Matrix, image_shape, kind},
    limits::Limits,
    note::{Note, Unread},
    roles::{Asked, Roles},
    sample::Sample,
    set::{Chunk, Piece, Rows, Set},
    watch::Watch,
};
pub use modelward_core::Trouble;
