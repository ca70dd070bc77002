//! Checks of configurations that build objects.

use crate::Entry;

mod yaml_python_tag;

pub(crate) const CHECKS: &[Entry] = &[Entry::of::<yaml_python_tag::YamlPythonTag>()];
