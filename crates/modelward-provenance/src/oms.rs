//! OpenSSF Model Signing v1.0: who signed a model, and whether it is still what was signed.
//!
//! A bundle is a Sigstore bundle around a DSSE envelope around an in-toto statement that lists the
//! files of a model with their digests. What is verified are the bytes that came; they are parsed
//! once, and never written anew to be compared. Whom to trust is the user's word alone: nothing in a
//! bundle is a reason to trust it.

mod bundle;
mod compare;
mod copy;
mod difference;
pub mod envelope;
mod hashing;
pub(crate) mod json;
mod method;
pub(crate) mod name;
mod outside;
pub(crate) mod request;
pub(crate) mod resources;
mod role;
pub(crate) mod sign;
mod statement;
mod trust;
mod verify;

pub use self::{
    bundle::{Bundle, Material},
    compare::{Counts, State, Verified},
    copy::Copy,
    hashing::{Nobody, Observer, Reading, sha256},
    method::Method,
    request::{Request, exclusions},
    resources::Parts,
    role::Role,
    sign::{Order, Signed, chain, sign, sign_statement},
    statement::{Serialization, Statement},
    trust::{Opened, SignedBy, Trust, open},
    verify::{Verification, verify},
};
