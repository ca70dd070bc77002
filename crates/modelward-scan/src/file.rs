//! A piece as a whole: what it is called against what it is.
//!
//! No reader gives this asset; the examination makes it of what all readers said of one piece.

use modelward_core::Place;
use modelward_formats::{Asset, Bytes, Expects};

/// A file on disk, a member of an archive, or a range inside a container.
pub(crate) struct File {
    /// The last component of its path.
    pub(crate) name: String,
    /// The component before that, where there is one: the folder it lies in.
    pub(crate) folder: Option<String>,
    /// Every format that recognised it.
    pub(crate) formats: Vec<&'static str>,
    /// How many containers it lies in; 0 for a file on disk.
    pub(crate) depth: u64,
    /// What its container expects it to be.
    pub(crate) expects: Expects,
    /// Its content.
    pub(crate) bytes: Bytes,
}

impl File {
    pub(crate) fn new(place: &Place, bytes: &Bytes, expects: Expects, depth: u64) -> Self {
        let path = place.steps().last().map_or(place.path(), String::as_str);
        let mut components = path.rsplit(['/', '\\']);
        let name = components.next().unwrap_or_default().to_owned();
        let folder = components.next().filter(|folder| !folder.is_empty()).map(ToOwned::to_owned);
        Self { name, folder, formats: Vec::new(), depth, expects, bytes: bytes.clone() }
    }

    /// The part of the name behind its last dot, in lower case.
    pub(crate) fn extension(&self) -> Option<String> {
        let (stem, extension) = self.name.rsplit_once('.')?;
        (!stem.is_empty()).then(|| extension.to_ascii_lowercase())
    }

    /// Whether a reader recognised it as this.
    pub(crate) fn is(&self, format: &str) -> bool {
        self.formats.contains(&format)
    }

    /// The text of its first bytes.
    pub(crate) fn head(&self) -> String {
        let head = self.bytes.head(64 << 10).unwrap_or_default();
        String::from_utf8_lossy(&head).into_owned()
    }
}

impl Asset for File {
    fn format(&self) -> &'static str {
        self.formats.first().copied().unwrap_or("unknown")
    }
}
