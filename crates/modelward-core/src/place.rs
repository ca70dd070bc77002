//! Where something is.

use std::fmt;

/// A file, and the way down to a piece inside it: `model.pt!archive/data.pkl`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    path: String,
    inside: Vec<String>,
}

impl Place {
    /// The place of a file on disk, or of a folder, or of `-` for standard input.
    pub fn file(path: impl Into<String>) -> Self {
        Self { path: path.into(), inside: Vec::new() }
    }

    /// The place of a piece inside this one.
    #[must_use]
    pub fn inside(&self, step: impl Into<String>) -> Self {
        let mut inside = self.inside.clone();
        inside.push(step.into());
        Self { path: self.path.clone(), inside }
    }

    /// The file on disk.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The steps from the file down to the piece; none for the file itself.
    pub fn steps(&self) -> &[String] {
        &self.inside
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        self.inside.iter().try_for_each(|step| write!(f, "!{step}"))
    }
}
