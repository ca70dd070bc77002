//! The lock file: which models a project depends on, and exactly which bytes.
