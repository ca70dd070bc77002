//! Files of the user's, opened without waiting for what is none.

use std::{fs::File, path::Path};

use modelward_formats::Bytes;

use crate::{Kind, Result, Trouble};

/// The bytes of a regular file, read where they are asked for.
///
/// # Errors
/// Where it cannot be opened, or is no regular file.
pub fn open(path: &Path) -> Result<Bytes> {
    let system = |error: std::io::Error| {
        Trouble::new(Kind::System, format!("cannot read `{}`: {error}", path.display()))
    };
    let metadata = path.metadata().map_err(system)?;
    if !metadata.is_file() {
        let why = format!("`{}` is no regular file", path.display());
        return Err(Trouble::new(Kind::System, why));
    }
    Bytes::file(File::open(path).map_err(system)?, metadata.len()).map_err(system)
}
