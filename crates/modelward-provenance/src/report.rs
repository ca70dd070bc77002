//! Reports that travel with a model: an in-toto statement over its root digest.
