//! Models encrypted at rest: age v1.
