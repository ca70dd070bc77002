//! Checks of what a repository makes a loader run.

use crate::Entry;

pub(crate) const CHECKS: &[Entry] = &[];
