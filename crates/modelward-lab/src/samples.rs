//! Samples: the user's data, as an experiment takes them.
//!
//! Read from an npz, a table of text or a folder of images; what the bytes are decides, not the
//! file's name. The order is that of the file; of a folder, that of its names.

mod arrays;
mod folder;
mod picture;
mod set;
mod table;

use std::{fs::File, io::Read, path::Path};

use modelward_engine::{Kind, Result, Trouble};

pub use set::{Options, Samples};

impl Samples {
    /// Read samples.
    ///
    /// # Errors
    /// Where the path cannot be read, is none of npz, table and image folder, holds no samples, or
    /// more than the limits allow; where a label or a number is none; where samples differ in size.
    pub fn read(path: &Path, options: &Options) -> Result<Self> {
        let shown = path.display();
        let system = |error| Trouble::new(Kind::System, format!("cannot read `{shown}`: {error}"));
        let metadata = path.metadata().map_err(system)?;
        let samples = if metadata.is_dir() {
            folder::read(path, options)?
        } else if metadata.is_file() {
            let mut head = Vec::new();
            let file = File::open(path).map_err(system)?;
            file.take(8192).read_to_end(&mut head).map_err(system)?;
            match form(&head)? {
                Form::Arrays => arrays::read(path, options)?,
                Form::Table => table::read(path, options)?,
            }
        } else {
            return Err(Trouble::new(Kind::System, format!("`{shown}` is no regular file")));
        };
        if samples.is_empty() {
            return Err(Trouble::new(Kind::Input, format!("`{shown}` holds no samples")));
        }
        Ok(samples)
    }
}

enum Form {
    Arrays,
    Table,
}

/// What a file is, by its first bytes.
fn form(head: &[u8]) -> Result<Form> {
    let refused = |what: &str, help: &'static str| {
        let why = format!("expected an npz, a table of text or a folder of images, got {what}");
        Err(Trouble::new(Kind::Input, why).help(help))
    };
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Ok(Form::Arrays)
    } else if head.starts_with(b"\x93NUMPY") {
        refused("one array", "save inputs and labels together: `numpy.savez(path, x=x, y=y)`")
    } else if head.starts_with(b"\x1f\x8b") || head.starts_with(b"\x28\xb5\x2f\xfd") {
        refused("a compressed file", "unpack it first")
    } else if head.starts_with(b"PAR1") {
        refused("Parquet", "save it as CSV, or as an npz with the keys x and y")
    } else if picture::is(head) {
        refused("one image", "name the folder that holds a folder of images for each class")
    } else if head.is_empty() {
        refused("an empty file", "the file is cut short")
    } else if head.contains(&0) {
        refused("other bytes", "an npz holds inputs under x and labels under y")
    } else {
        Ok(Form::Table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_data_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        for (bytes, word) in [
            (&b"\x93NUMPY\x01\x00"[..], "one array"),
            (b"\x1f\x8b\x08", "compressed"),
            (b"PAR1....", "Parquet"),
            (b"BM\0\0\0\0\0\0\0\0", "one image"),
            (b"", "empty"),
            (b"\x7fELF\0", "other bytes"),
            (b"PK\x03\x04", "an array `x`"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let trouble = Samples::read(&path, &Options::default()).unwrap_err();
            assert!(trouble.to_string().contains(word), "{trouble}");
        }
        let trouble = Samples::read(&folder.path().join("none"), &Options::default());
        assert_eq!(trouble.unwrap_err().kind, Kind::System);
    }
}
