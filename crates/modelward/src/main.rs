//! The door of modelward.
fn main() {}
