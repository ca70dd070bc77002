//! Checks of archives and compressed streams.

use crate::Entry;

pub(crate) const CHECKS: &[Entry] = &[];
