//! Samples in a folder of images: one folder a class, as torchvision's `ImageFolder` has them.
//!
//! The classes are the folders in the order of their names; within one, the images of all folders
//! below it, sorted by folder and then by name. Links are followed. Names that begin with a dot are
//! passed over; any other file must be an image.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use modelward_engine::{Kind, Limits, Result, Trouble};

use super::{
    picture::{self, Picture},
    set::{Options, Samples, admit, wrong},
};

/// The most files and folders.
const ENTRIES: usize = 1 << 22;

/// The most folders within one another.
const DEPTH: usize = 16;

/// The most bytes of one file.
const BYTES: u64 = 1 << 28;

pub(super) fn read(path: &Path, options: &Options) -> Result<Samples> {
    if options.label.is_some() {
        return Err(wrong("a folder of images has no column of labels")
            .help("each folder in it is a class: leave `--label` out"));
    }
    let mut left = ENTRIES;
    let Listing { folders, files } = list(path, &mut left)?;
    if let Some(file) = files.first() {
        return Err(wrong(format!(
            "expected a folder for each class, got the file `{}`",
            file.display()
        ))
        .help("put the images of each class in a folder of its own"));
    }
    let mut images = Vec::new();
    let mut classes = Vec::new();
    for (class, folder) in folders.iter().enumerate() {
        let before = images.len();
        gather(folder, DEPTH, &mut left, &mut |file| images.push((class, file)))?;
        if images.len() == before {
            return Err(wrong(format!("the folder `{}` holds no images", folder.display())));
        }
        classes.push(name(folder));
    }
    load(&images, classes, &options.limits)
}

fn load(images: &[(usize, PathBuf)], classes: Vec<String>, limits: &Limits) -> Result<Samples> {
    let mut y = Vec::with_capacity(images.len());
    let mut pictures: Vec<Picture> = Vec::with_capacity(images.len());
    for (class, path) in images {
        let size = pictures.first().map(|first| first.size);
        let picture = open(path).and_then(|bytes| picture::read(&bytes, size, limits));
        let picture = picture.map_err(|trouble| trouble.at(|| format!("`{}`", path.display())))?;
        if pictures.is_empty() {
            // Coloured, if any is; and once more while all are put together.
            let pixels = picture.size.width.saturating_mul(picture.size.height);
            admit(images.len().saturating_mul(2), &[3, pixels], limits)?;
        }
        pictures.push(picture);
        y.push(i64::try_from(*class).map_err(|_| wrong("more classes than can be counted"))?);
    }
    let Some(first) = pictures.first() else {
        return Err(wrong("expected a folder of images for each class, got none"));
    };
    let size = first.size;
    let channels = pictures.iter().map(|picture| picture.channels).max().unwrap_or(1);
    let mut x = Vec::new();
    for picture in pictures {
        // A grey image among coloured ones has three equal channels.
        let times = channels.checked_div(picture.channels).unwrap_or(1);
        for _ in 0..times {
            x.extend_from_slice(&picture.values);
        }
    }
    let source = format!("images, {} classes", classes.len());
    let shape = vec![channels, size.height, size.width];
    Ok(Samples { x, shape, y: Some(y), columns: None, classes: Some(classes), source })
}

struct Listing {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

/// What stands in a folder, sorted.
fn list(folder: &Path, left: &mut usize) -> Result<Listing> {
    let system =
        |error| Trouble::new(Kind::System, format!("cannot read `{}`: {error}", folder.display()));
    let mut listing = Listing { folders: Vec::new(), files: Vec::new() };
    for entry in fs::read_dir(folder).map_err(system)? {
        let entry = entry.map_err(system)?;
        *left = left.checked_sub(1).ok_or_else(|| {
            Trouble::limit(format!("expected at most {ENTRIES} files and folders, got more"))
        })?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if fs::metadata(&path).map_err(system)?.is_dir() {
            listing.folders.push(path);
        } else {
            listing.files.push(path);
        }
    }
    listing.folders.sort();
    listing.files.sort();
    Ok(listing)
}

/// Every file below a folder.
fn gather(
    folder: &Path,
    depth: usize,
    left: &mut usize,
    found: &mut impl FnMut(PathBuf),
) -> Result<()> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Trouble::limit(format!("expected at most {DEPTH} folders in one another")));
    };
    let Listing { folders, files } = list(folder, left)?;
    files.into_iter().for_each(&mut *found);
    for folder in folders {
        gather(&folder, depth, left, found)?;
    }
    Ok(())
}

fn open(path: &Path) -> Result<Vec<u8>> {
    let system = |error: std::io::Error| Trouble::new(Kind::System, error.to_string());
    let metadata = fs::metadata(path).map_err(system)?;
    if !metadata.is_file() {
        return Err(Trouble::new(Kind::System, "it is no regular file"));
    }
    if metadata.len() > BYTES {
        return Err(Trouble::limit(format!("expected at most {BYTES} bytes")));
    }
    fs::read(path).map_err(system)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn folders_are_classes_in_the_order_of_their_names() {
        let folder = tree(&[
            ("dog/b.pgm", b"P5 1 1 255\n\xff"),
            ("dog/deep/a.pgm", b"P5 1 1 255\n\x33"),
            ("cat/z.ppm", b"P6 1 1 255\n\x00\x33\xff"),
            ("cat/.hidden", b"not an image"),
        ]);
        let samples = read(folder.path(), &Options::default()).unwrap();
        assert_eq!(samples.shape, [3, 1, 1]);
        assert_eq!(samples.x, [0.0, 0.2, 1.0, 1.0, 1.0, 1.0, 0.2, 0.2, 0.2]);
        assert_eq!(samples.y.unwrap(), [0, 1, 1]);
        assert_eq!(samples.classes.unwrap(), ["cat", "dog"]);
    }

    #[test]
    fn the_first_that_differs_is_named() {
        for (files, words) in [
            (
                &[("a/1.pgm", &b"P5 1 1 255\n\xff"[..]), ("a/2.pgm", b"P5 1 2 255\n\xff\xff")][..],
                "2.pgm",
            ),
            (&[("a/1.pgm", b"P5 1 1 255\n\xff"), ("a/notes.txt", b"words")], "notes.txt"),
            (&[("1.pgm", b"P5 1 1 255\n\xff")], "a folder for each class"),
            (&[("a/.keep", b"")], "holds no images"),
            (&[], "got none"),
        ] {
            let folder = tree(files);
            let trouble = read(folder.path(), &Options::default()).unwrap_err();
            assert!(trouble.to_string().contains(words), "{trouble}");
        }
    }

    #[test]
    fn memory_ends_before_it_is_taken() {
        let folder = tree(&[("a/1.pgm", b"P5 1 1 255\n\xff"), ("a/2.pgm", b"P5 1 1 255\n\xff")]);
        let limits = Limits { memory: 47, ..Limits::default() };
        let trouble = read(folder.path(), &Options { limits, label: None }).unwrap_err();
        assert_eq!(trouble.kind, Kind::Limit);
    }
}
