//! Checks of chat templates.

use crate::Entry;

pub(crate) const CHECKS: &[Entry] = &[];
