//! Folders of images: each folder is a class, as torchvision's `ImageFolder` has them; a folder that holds
//! images alone is a set without classes.
//!
//! Rows come by class and then by path, in the order of the names' bytes. Names that begin with a dot are
//! passed over, links are told of and not followed. Of an image the header is read; its pixels are decoded by
//! [`crate::image::decode`] where they are looked at.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{BinaryBuilder, StringBuilder},
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use modelward_core::Rule;
use modelward_formats::{Bytes, Gap, Refusal, picture};

use super::{Options, Source, guard::guarded, notes::Notes};
use crate::{
    Chunk, Limits, Note, Piece, Rows, Set, Unread,
    columns::{IMAGE, PATH},
    foreign,
    limits::{BATCH_BYTES, BATCH_ROWS},
    rules::{CODE_IN_DATA, DATA_MALFORMED},
};

/// Whether bytes begin as an image does.
pub(super) fn is(head: &[u8]) -> bool {
    picture::is(head)
}

/// Open a folder of images; `None` where none of the first files in it is an image.
pub(super) fn folder(source: &Source, options: &Options) -> Option<Result<Set, Unread>> {
    let mut found =
        Found { limits: options.limits, files: Vec::new(), notes: Notes::default(), looked: 0 };
    match found.gather(&source.path, "", DEPTH) {
        Ok(true) => {}
        Ok(false) => return None,
        Err(unread) => return Some(Err(unread)),
    }
    let Found { files, notes, .. } = found;
    if files.is_empty() {
        return None;
    }
    Some(Ok(set(source, files, notes.all(&source.name), &options.limits)))
}

/// Open one image as a set of one row.
pub(super) fn single(source: &Source, bytes: &Bytes, options: &Options) -> Result<Set, Unread> {
    let file = File { path: source.path.clone(), name: source.name.clone(), class: None };
    let limits = options.limits;
    judge(bytes, &limits).map_err(|refusal| source.refused(&refusal))?;
    Ok(set(source, vec![file], Vec::new(), &limits))
}

fn set(source: &Source, files: Vec<File>, notes: Vec<Note>, limits: &Limits) -> Set {
    let classes = files.iter().any(|file| file.class.is_some());
    let schema = schema(classes);
    let name = source.name.clone();
    let piece =
        Images { name: name.clone(), files, schema: schema.clone(), classes, limits: *limits };
    Set { name, format: "images", schema, pieces: vec![Arc::new(piece)], notes }
}

/// The columns of a set of images.
fn schema(classes: bool) -> SchemaRef {
    let marked = |name: &str, kind, key: &str| {
        Field::new(name, kind, true).with_metadata(HashMap::from([(key.to_owned(), String::new())]))
    };
    let mut fields =
        vec![marked("image", DataType::Binary, IMAGE), marked("path", DataType::Utf8, PATH)];
    if classes {
        fields.push(Field::new("label", DataType::Utf8, true));
    }
    Arc::new(Schema::new(fields))
}

/// Read the header of an image; the rest of it is bounded by this.
pub(super) fn judge(bytes: &Bytes, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let (length, most) = (bytes.len(), limits.cell as u64);
    if length > most {
        let why = format!("an image of {length} bytes, more than the limit of {most}");
        return Err(Refusal::new(0, Gap::LargeMemory, why));
    }
    let bytes = bytes.take(0, length)?;
    let size = guarded(|| picture::size(&bytes))
        .unwrap_or_else(|| Err(Refusal::truncated(0, "an image that its decoder gives up on")))?;
    let pixels = (size.width as u64).saturating_mul(size.height as u64);
    if pixels > limits.pixels {
        let (most, picture::Size { width, height }) = (limits.pixels, size);
        let why = format!("expected an image of at most {most} pixels, got {width} x {height}");
        return Err(Refusal::new(0, Gap::LargeMemory, why));
    }
    Ok(bytes)
}

/// An image of a folder.
struct File {
    path: PathBuf,
    /// Its path below the folder, as it is shown.
    name: String,
    /// The folder that is its class.
    class: Option<Arc<str>>,
}

struct Found {
    limits: Limits,
    files: Vec<File>,
    notes: Notes,
    /// Files that were looked at.
    looked: u64,
}

impl Found {
    /// Take in the images below a folder; gives whether it is a folder of images at all.
    fn gather(&mut self, folder: &Path, above: &str, depth: usize) -> Result<bool, Unread> {
        let shown = folder.display().to_string();
        let refused = |error: std::io::Error| Unread::refused(&shown, &Refusal::io(0, &error));
        let mut entries = Vec::new();
        for entry in fs::read_dir(folder).map_err(refused)? {
            let entry = entry.map_err(refused)?;
            let name = entry.file_name();
            if !name.as_encoded_bytes().starts_with(b".") {
                entries.push((name, entry.file_type().map_err(refused)?));
            }
            if entries.len() as u64 > self.limits.files {
                let why = format!("expected at most {} files in a folder", self.limits.files);
                return Err(Unread::new(&shown, Gap::ManyMembers, why));
            }
        }
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        // Folders stand behind the files beside them, as `os.walk` has them.
        entries.sort_by_key(|(_, kind)| kind.is_dir());
        for (entry, kind) in entries {
            let path = folder.join(&entry);
            let entry = entry.to_string_lossy();
            let name =
                if above.is_empty() { entry.into_owned() } else { format!("{above}/{entry}") };
            if kind.is_dir() {
                if depth == 0 {
                    let why = format!("folders nested deeper than {DEPTH}");
                    return Err(Unread::new(&name, Gap::DeepNesting, why));
                }
                if !self.gather(&path, &name, depth.saturating_sub(1))? {
                    return Ok(false);
                }
                continue;
            }
            if !kind.is_file() {
                self.note(&name, "it is a link or a device, which is not followed");
                continue;
            }
            self.looked = self.looked.saturating_add(1);
            if self.looked > self.limits.files {
                let why = format!("expected at most {} files", self.limits.files);
                return Err(Unread::new(&name, Gap::ManyMembers, why));
            }
            let source = Source { path: path.clone(), name: name.clone() };
            let head = source
                .bytes()
                .and_then(|bytes| bytes.head(32).map_err(|refusal| source.refused(&refusal)))?;
            if !is(&head) {
                // Not after so many files without one image.
                if self.files.is_empty() && self.looked >= LOOK {
                    return Ok(false);
                }
                match source.bytes().ok().and_then(|bytes| foreign::code(&name, &bytes)) {
                    Some(what) => {
                        self.tell(
                            &CODE_IN_DATA,
                            &name,
                            format!("{what} among the images, which is left out"),
                        );
                    }
                    None => {
                        self.note(&name, "expected an image, got another file, which is left out")
                    }
                }
                continue;
            }
            let class = name.split_once('/').map(|(class, _)| Arc::from(class));
            self.files.push(File { path, name, class });
        }
        Ok(true)
    }

    fn note(&mut self, name: &str, why: &str) {
        self.tell(&DATA_MALFORMED, name, why.to_owned());
    }

    fn tell(&mut self, rule: &'static Rule, name: &str, why: String) {
        self.notes.push(|| Note { rule, file: name.to_owned(), line: None, why });
    }
}

/// The images of a folder.
struct Images {
    name: String,
    files: Vec<File>,
    schema: SchemaRef,
    classes: bool,
    limits: Limits,
}

impl Piece for Images {
    fn name(&self) -> &str {
        &self.name
    }

    fn rows(&self) -> Option<u64> {
        Some(self.files.len() as u64)
    }

    fn open(&self) -> Result<Box<dyn Rows + '_>, Unread> {
        Ok(Box::new(Reading { images: self, at: 0, notes: Notes::default() }))
    }
}

struct Reading<'a> {
    images: &'a Images,
    at: usize,
    notes: Notes,
}

impl Rows for Reading<'_> {
    fn next(&mut self) -> Result<Option<Chunk>, Unread> {
        let (mut images, mut paths, mut labels) =
            (BinaryBuilder::new(), StringBuilder::new(), StringBuilder::new());
        let (mut rows, mut bytes) = (0_usize, 0_usize);
        while let Some(file) = self.images.files.get(self.at) {
            if rows >= BATCH_ROWS || bytes >= BATCH_BYTES {
                break;
            }
            let source = Source { path: file.path.clone(), name: file.name.clone() };
            match judge(&source.bytes()?, &self.images.limits) {
                Ok(image) => {
                    bytes = bytes.saturating_add(image.len());
                    images.append_value(&image);
                }
                Err(refusal) => {
                    images.append_null();
                    self.notes.push(|| Note {
                        rule: &DATA_MALFORMED,
                        file: file.name.clone(),
                        line: None,
                        why: refusal.why.into_owned(),
                    });
                }
            }
            paths.append_value(&file.name);
            labels.append_option(file.class.as_deref());
            rows = rows.saturating_add(1);
            self.at = self.at.saturating_add(1);
        }
        if rows == 0 {
            return Ok(None);
        }
        let mut columns: Vec<ArrayRef> = vec![Arc::new(images.finish()), Arc::new(paths.finish())];
        if self.images.classes {
            columns.push(Arc::new(labels.finish()));
        }
        let rows = RecordBatch::try_new(self.images.schema.clone(), columns)
            .map_err(|error| Unread::new(&self.images.name, Gap::Malformed, error.to_string()))?;
        Ok(Some(Chunk { rows, places: None }))
    }

    fn notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes).all(&self.images.name)
    }
}

/// The most folders within one another.
const DEPTH: usize = 16;
/// Files without one image among them after which a folder is none of images.
const LOOK: u64 = 64;

#[cfg(test)]
mod tests {
    #![allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        reason = "small numbers of the tests' own"
    )]

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

    fn rows(folder: &tempfile::TempDir) -> (Set, Vec<RecordBatch>, Vec<Note>) {
        let set = crate::read::open(folder.path(), &Options::default()).unwrap();
        let mut batches = Vec::new();
        let (_, notes) = set
            .walk(|batch| {
                batches.push(batch.rows.clone());
                Ok(())
            })
            .unwrap();
        (set, batches, notes)
    }

    fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
        use arrow_array::cast::AsArray;
        let texts = batch.column_by_name(name).unwrap().as_string::<i32>();
        texts.iter().map(|text| text.unwrap_or("-").to_owned()).collect()
    }

    const GREY: &[u8] = b"P5 1 1 255\n\xff";

    #[test]
    fn folders_are_classes_in_the_order_of_their_names() {
        let folder = tree(&[
            ("dog/b.pgm", GREY),
            ("dog/deep/a.pgm", GREY),
            ("cat/z.pgm", GREY),
            ("cat/notes.txt", b"words"),
            ("cat/.hidden", b"words"),
            ("cat/broken.png", b"\x89PNG\r\n\x1a\nwords"),
        ]);
        let (set, batches, notes) = rows(&folder);
        assert_eq!(
            texts(&batches[0], "path"),
            ["cat/broken.png", "cat/z.pgm", "dog/b.pgm", "dog/deep/a.pgm"]
        );
        assert_eq!(texts(&batches[0], "label"), ["cat", "cat", "dog", "dog"]);
        assert!(batches[0].column(0).is_null(0));
        assert_eq!((set.notes.len(), notes.len()), (1, 1));
        assert_eq!(crate::kind(set.schema.field(0)), crate::Kind::Image);
    }

    #[test]
    fn a_flat_folder_has_no_classes() {
        let (set, batches, _) = rows(&tree(&[("b.pgm", GREY), ("a.pgm", GREY)]));
        assert_eq!(texts(&batches[0], "path"), ["a.pgm", "b.pgm"]);
        assert!(set.column("label").is_none());
    }
}
