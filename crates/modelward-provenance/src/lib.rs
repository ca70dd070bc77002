//! Where a model comes from, and whether it is still the same.
//!
//! Digests of files and tensors, signatures after OpenSSF Model Signing, manifests, locks, bills of
//! materials, signed reports and seals. It knows no rule: what is wrong comes back as a [`Defect`]
//! of a kind, and whoever reports it says which rule that breaks.

pub mod bom;
mod defect;
pub mod digest;
pub mod keys;
pub mod lock;
pub mod manifest;
pub mod oms;
pub mod report;
pub mod seal;
pub mod sigstore;
pub mod tree;
pub mod x509;

pub use crate::defect::{Defect, Kind, Weight};
pub use modelward_core::Trouble;
