//! What a model or a data set consists of, and where two of them differ.
