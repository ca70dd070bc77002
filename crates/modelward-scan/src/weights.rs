//! Checks of weight files: tensors, arrays, their tables.

use crate::Entry;

pub(crate) const CHECKS: &[Entry] = &[];
