//! Bills of materials of a model, from its bytes.
