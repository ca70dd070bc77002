//! Rows that are taken out of a text, so that they can be put back byte for byte.
//!
//! The cleaned text is the original without the bytes of some rows. The folder of the quarantine, mode 0700,
//! holds these bytes, where they stood, why they went (`quarantine.jsonl`), and a manifest with the SHA-256 of
//! all of it, of the original and of the cleaned text. What was not proven to come back is not written.

use std::{
    collections::BTreeMap,
    fs::{DirBuilder, File, OpenOptions},
    io::{BufReader, BufWriter, Read, Write},
    ops::Range,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Set, Trouble};

mod reasons;

pub use self::reasons::reasons;

/// What became of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleaned {
    /// How many rows it had.
    pub rows: u64,
    /// How many were taken out.
    pub removed: u64,
    /// The SHA-256 of the original, in hexadecimal digits.
    pub sha256: String,
}

/// Take rows out of a text file: `reasons` has for each row why. Writes the rest to `cleaned` and what is needed
/// to put them back to the folder `quarantine`, neither of which may be there.
///
/// # Errors
/// Where the set is not one plain text file, something cannot be read or written, or is there already.
pub fn clean(
    set: &Set,
    original: &Path,
    reasons: &BTreeMap<u64, Vec<String>>,
    cleaned: &Path,
    quarantine: &Path,
) -> Result<Cleaned, Trouble> {
    for path in [cleaned, quarantine] {
        if std::fs::symlink_metadata(path).is_ok() {
            return Err(Trouble::new(format!(
                "expected nothing at `{}`, found something",
                path.display()
            )));
        }
    }
    if set.pieces.len() != 1 {
        return Err(Trouble::new("expected one text file, got a set of several parts"));
    }
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut whole = true;
    let (rows, _) = set
        .walk(|batch| {
            let Some(places) = &batch.places else {
                whole = false;
                return Ok(());
            };
            for (at, place) in places.iter().enumerate() {
                if reasons.contains_key(&batch.row(at)) {
                    ranges.push(place.clone());
                }
            }
            Ok(())
        })
        .map_err(|unread| Trouble::new(unread.why))?;
    if !whole || packed(original)? {
        return Err(Trouble::new(
            "expected a text that is not packed: rows of other forms cannot be taken out yet",
        ));
    }
    // Both files stand under other names until all is proven.
    let parent = |path: &Path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let folder = tempfile::Builder::new().prefix(".quarantine-").tempdir_in(parent(quarantine));
    let folder = folder.map_err(|error| failed(quarantine, &error))?;
    let inside = folder.path().join("parts");
    DirBuilder::new().mode(0o700).create(&inside).map_err(|error| failed(quarantine, &error))?;
    let kept = tempfile::NamedTempFile::new_in(parent(cleaned))
        .map_err(|error| failed(cleaned, &error))?;
    let removed = create(&inside.join(REMOVED))?;
    let whole = divide(original, &ranges, kept.as_file(), &removed)
        .map_err(|error| failed(original, &error))?;
    let reasons_file = create(&inside.join(REASONS))?;
    let mut lines = BufWriter::new(&reasons_file);
    for (row, why) in reasons.range(..rows) {
        writeln!(lines, "{}", json!({ "row": row, "why": why }))
            .map_err(|error| failed(quarantine, &error))?;
    }
    lines.flush().map_err(|error| failed(quarantine, &error))?;
    let places = ranges.iter().map(|range| json!([range.start, range.end])).collect::<Vec<_>>();
    let at = std::path::absolute(cleaned).map_err(|error| failed(cleaned, &error))?;
    let contents = json!({
        "version": 1,
        "original": whole,
        "cleaned": { "path": at.to_string_lossy(), "sha256": digest(kept.path())? },
        "parts": { REMOVED: digest(&inside.join(REMOVED))?, REASONS: digest(&inside.join(REASONS))? },
        "places": places,
    });
    let seal = hexadecimal(&Sha256::digest(contents.to_string()));
    let manifest = json!({ "contents": contents, "sha256": seal });
    let file = create(&inside.join(MANIFEST))?;
    writeln!(&file, "{manifest:#}").map_err(|error| failed(quarantine, &error))?;
    // The proof: what comes back is the original.
    let mut proof = Sha256::new();
    let kept_again = File::open(kept.path()).map_err(|error| failed(cleaned, &error))?;
    let removed_again =
        File::open(inside.join(REMOVED)).map_err(|error| failed(quarantine, &error))?;
    join(kept_again, removed_again, &ranges, |bytes| {
        proof.update(bytes);
        Ok(())
    })
    .map_err(|error| failed(cleaned, &error))?;
    if hexadecimal(&proof.finalize()) != whole {
        return Err(Trouble::new(
            "expected the original to come back, got other bytes: it changed meanwhile",
        ));
    }
    // What was taken out lies safe before the rest has its name.
    for part in [&removed, &reasons_file, &file, kept.as_file()] {
        part.sync_all().map_err(|error| failed(quarantine, &error))?;
    }
    // An empty folder that came meanwhile is somebody else's.
    if std::fs::symlink_metadata(quarantine).is_ok() {
        return Err(failed(quarantine, &std::io::ErrorKind::AlreadyExists.into()));
    }
    std::fs::rename(&inside, quarantine).map_err(|error| failed(quarantine, &error))?;
    if let Err(error) = kept.persist_noclobber(cleaned) {
        // Without the cleaned text the quarantine is of nothing.
        let _ = std::fs::remove_dir_all(quarantine);
        return Err(failed(cleaned, &error.error));
    }
    Ok(Cleaned { rows, removed: ranges.len() as u64, sha256: whole })
}

/// Put a text together again from its quarantine and write it to `output`, which may not be there; gives its
/// SHA-256. `cleaned` is where the cleaned text lies, if no longer where it was written.
///
/// # Errors
/// Where a byte of the quarantine or of the cleaned text is another than it was: then nothing is written.
pub fn restore(
    quarantine: &Path,
    cleaned: Option<&Path>,
    output: &Path,
) -> Result<String, Trouble> {
    if std::fs::symlink_metadata(output).is_ok() {
        return Err(Trouble::new(format!(
            "expected nothing at `{}`, found something",
            output.display()
        )));
    }
    let other =
        |what: &str| Trouble::new(format!("expected {what} as it was written, got other bytes"));
    let path = quarantine.join(MANIFEST);
    let mut text = Vec::new();
    let file = regular(&path)?;
    file.take(MOST_MANIFEST).read_to_end(&mut text).map_err(|error| failed(&path, &error))?;
    let manifest: Value = serde_json::from_slice(&text).map_err(|_| other("the manifest"))?;
    let contents = &manifest["contents"];
    // The text itself as well: a space between its words is a change, too.
    let sealed = manifest["sha256"] == hexadecimal(&Sha256::digest(contents.to_string()));
    if !sealed || text != format!("{manifest:#}\n").into_bytes() || contents["version"] != 1 {
        return Err(other("the manifest"));
    }
    for part in [REMOVED, REASONS] {
        if contents["parts"][part] != digest(&quarantine.join(part))? {
            return Err(other(&format!("`{part}`")));
        }
    }
    let written = || PathBuf::from(contents["cleaned"]["path"].as_str().unwrap_or_default());
    let cleaned = cleaned.map_or_else(written, Path::to_owned);
    if contents["cleaned"]["sha256"] != digest(&cleaned)? {
        return Err(other(&format!("`{}`", cleaned.display())));
    }
    let ranges = contents["places"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let ranges = ranges.map(|place| Some(place[0].as_u64()?..place[1].as_u64()?));
    let ranges = ranges.collect::<Option<Vec<_>>>().ok_or_else(|| other("the manifest"))?;
    let parent = output.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let kept = regular(&cleaned)?;
    let removed = regular(&quarantine.join(REMOVED))?;
    let mut file =
        tempfile::NamedTempFile::new_in(parent).map_err(|error| failed(output, &error))?;
    let mut whole = Sha256::new();
    join(kept, removed, &ranges, |bytes| {
        whole.update(bytes);
        file.write_all(bytes)
    })
    .map_err(|error| failed(output, &error))?;
    let whole = hexadecimal(&whole.finalize());
    if contents["original"] != whole {
        return Err(other("the original"));
    }
    file.as_file().sync_all().map_err(|error| failed(output, &error))?;
    file.persist_noclobber(output).map_err(|error| failed(output, &error.error))?;
    Ok(whole)
}

/// Whether a file is packed.
fn packed(path: &Path) -> Result<bool, Trouble> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|error| failed(path, &error))?;
    file.take(4).read_to_end(&mut head).map_err(|error| failed(path, &error))?;
    Ok(head.starts_with(&[0x1f, 0x8b, 8]) || head == [0x28, 0xb5, 0x2f, 0xfd])
}

/// Write the bytes of a file within ranges to one file, all others to another; gives the SHA-256 of all.
fn divide(
    from: &Path,
    ranges: &[Range<u64>],
    kept: &File,
    removed: &File,
) -> std::io::Result<String> {
    let mut from = BufReader::with_capacity(WINDOW, File::open(from)?);
    let (mut kept, mut removed) = (BufWriter::new(kept), BufWriter::new(removed));
    let (mut whole, mut at) = (Sha256::new(), 0);
    for range in ranges {
        pass(&mut from, range.start.saturating_sub(at), |bytes| {
            whole.update(bytes);
            kept.write_all(bytes)
        })?;
        pass(&mut from, range.end.saturating_sub(range.start), |bytes| {
            whole.update(bytes);
            removed.write_all(bytes)
        })?;
        at = range.end;
    }
    pass(&mut from, u64::MAX, |bytes| {
        whole.update(bytes);
        kept.write_all(bytes)
    })?;
    kept.flush()?;
    removed.flush()?;
    Ok(hexadecimal(&whole.finalize()))
}

/// The reverse: all bytes in their order.
fn join(
    kept: File,
    removed: File,
    ranges: &[Range<u64>],
    mut visit: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut kept = BufReader::with_capacity(WINDOW, kept);
    let mut removed = BufReader::with_capacity(WINDOW, removed);
    let mut at = 0;
    for range in ranges {
        pass(&mut kept, range.start.saturating_sub(at), &mut visit)?;
        pass(&mut removed, range.end.saturating_sub(range.start), &mut visit)?;
        at = range.end;
    }
    pass(&mut kept, u64::MAX, &mut visit)
}

/// Show at most so many bytes.
fn pass(
    from: &mut impl Read,
    mut count: u64,
    mut visit: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut window = vec![0; WINDOW.min(usize::try_from(count).unwrap_or(WINDOW))];
    while count > 0 {
        let most = window.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        let read = from.read(&mut window[..most])?;
        if read == 0 {
            break;
        }
        visit(&window[..read])?;
        count -= read as u64;
    }
    Ok(())
}

fn digest(path: &Path) -> Result<String, Trouble> {
    let mut whole = Sha256::new();
    let mut file = regular(path)?;
    let passed = pass(&mut file, u64::MAX, |bytes| {
        whole.update(bytes);
        Ok(())
    });
    passed.map_err(|error| failed(path, &error))?;
    Ok(hexadecimal(&whole.finalize()))
}

/// Open a regular file: what a manifest names may be a pipe that never ends.
fn regular(path: &Path) -> Result<File, Trouble> {
    let metadata = std::fs::metadata(path).map_err(|error| failed(path, &error))?;
    if !metadata.is_file() {
        return Err(Trouble::new(format!("expected a regular file at `{}`", path.display())));
    }
    File::open(path).map_err(|error| failed(path, &error))
}

fn create(path: &Path) -> Result<File, Trouble> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Trouble {
    Trouble::new(format!("cannot read or write `{}`: {error}", path.display()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const MANIFEST: &str = "manifest.json";
const REASONS: &str = "quarantine.jsonl";
const REMOVED: &str = "removed.txt";
const WINDOW: usize = 64 << 10;
/// The most bytes of a manifest that are read.
const MOST_MANIFEST: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::read;

    fn text(form: usize, rows: usize) -> Vec<u8> {
        let csv = |end: &str| {
            let rows = (0..rows).map(|row| format!("{row},\"a \"\"{row}\"\",\r\nb\",é{end}"));
            format!("id,text,z{end}{}", rows.collect::<String>())
        };
        match form {
            0 => csv("\n").into_bytes(),
            1 => csv("\r\n").trim_end().into(),
            2 => [b"\xef\xbb\xbf".as_slice(), csv("\n").as_bytes()].concat(),
            3 => [0xfeff]
                .into_iter()
                .chain(csv("\n").encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect(),
            4 => (0..rows)
                .map(|row| format!("{{\"id\": {row}, \"t\": \"x\"}}\n\n"))
                .collect::<String>()
                .into(),
            _ => (0..rows).map(|row| format!("line {row}\n")).collect::<String>().into(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_was_taken_out_comes_back(form in 0_usize..6, keep in prop::collection::vec(any::<bool>(), 1..60), flip in any::<prop::sample::Index>()) {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            let bytes = text(form, keep.len());
            std::fs::write(at("in"), &bytes).unwrap();
            let open = |path: &Path| read::open(path, &read::Options::default()).unwrap();
            let removed = keep.iter().enumerate().filter(|(_, keep)| !**keep);
            let removed = removed.map(|(row, _)| (row as u64, vec!["outlier".to_owned()])).collect::<BTreeMap<_, _>>();
            let done = clean(&open(&at("in")), &at("in"), &removed, &at("out"), &at("q")).unwrap();
            prop_assert_eq!((done.rows, done.removed), (keep.len() as u64, removed.len() as u64));
            restore(&at("q"), None, &at("back")).unwrap();
            prop_assert_eq!(std::fs::read(at("back")).unwrap(), bytes);
            prop_assert!(restore(&at("q"), None, &at("back")).is_err());
            let left = keep.iter().filter(|keep| **keep).count() as u64;
            if left > 1 {
                prop_assert_eq!(open(&at("out")).walk(|_| Ok(())).unwrap().0, left);
            }
            // A changed byte anywhere.
            for name in ["q/manifest.json", "q/quarantine.jsonl", "q/removed.txt", "out"] {
                let mut changed = std::fs::read(at(name)).unwrap();
                if changed.is_empty() { continue }
                let place = flip.index(changed.len());
                changed[place] ^= 1;
                let before = std::fs::read(at(name)).unwrap();
                std::fs::write(at(name), &changed).unwrap();
                prop_assert!(restore(&at("q"), None, &at("again")).is_err());
                prop_assert!(!at("again").exists());
                std::fs::write(at(name), before).unwrap();
            }
        }
    }
}
