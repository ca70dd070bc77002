//! Checks of pickle programs.

use crate::Entry;

pub(crate) const CHECKS: &[Entry] = &[];
