//! The files of a model folder, as signing and verifying see them.
