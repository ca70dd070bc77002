//! Whatever the form and whatever goes: what stays is as it was, and what went comes back byte for byte.

#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of the tests' own"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray, types::Int32Type,
};
use arrow_ipc::{
    CompressionType,
    writer::{FileWriter, IpcWriteOptions, StreamWriter},
};
use arrow_schema::{Field, Schema};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, GzipLevel},
    file::{
        metadata::KeyValue,
        properties::{WriterProperties, WriterVersion},
    },
};
use proptest::prelude::*;

use super::*;
use crate::{read, row};

/// The forms of one file.
const FILES: [&str; 20] = [
    "csv",
    "crlf",
    "mark",
    "utf16",
    "jsonl",
    "lines",
    "gz",
    "zst",
    "npy",
    "fortran.npy",
    "stored.npz",
    "deflated.npz",
    "tar",
    "none.parquet",
    "gzip.parquet",
    "snappy.parquet",
    "v2.parquet",
    "file.arrow",
    "lz4.arrow",
    "stream.arrow",
];
/// The forms of folders.
const FOLDERS: [&str; 4] = ["texts", "datasets", "classes", "flat"];

fn text(form: &str, rows: usize) -> Vec<u8> {
    let csv = |end: &str| {
        let rows = (0..rows).map(|row| format!("{row},\"a \"\"{row}\"\",\r\nb\",é{end}"));
        format!("id,text,z{end}{}", rows.collect::<String>())
    };
    match form {
        "csv" => csv("\n").into_bytes(),
        "crlf" => csv("\r\n").trim_end().into(),
        "mark" => [b"\xef\xbb\xbf".as_slice(), csv("\n").as_bytes()].concat(),
        "utf16" => {
            let text = csv("\n");
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        }
        "jsonl" => (0..rows)
            .map(|row| format!("{{\"id\": {row}, \"t\": \"x\"}}\n\n"))
            .collect::<String>()
            .into(),
        _ => (0..rows).map(|row| format!("line {row}\n")).collect::<String>().into(),
    }
}

/// Rows of many kinds, missing ones among them.
fn batch(rows: usize) -> RecordBatch {
    let some = |row: usize| !row.is_multiple_of(5);
    let numbers = (0..rows).map(|row| some(row).then_some(row as f64 / 7.0));
    let words = (0..rows).map(|row| (row % 7 != 0).then(|| format!("word {row}")));
    let named = (0..rows).map(|row| some(row + 1).then_some(["red", "green", "blue"][row % 3]));
    let lists = (0..rows).map(|row| {
        some(row).then_some((0..row % 4).map(move |at| (at > 0).then_some((row + at) as i32)))
    });
    let times = (0..rows).map(|row| row as i64 * 1_000_001);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int32Array::from_iter_values((0..rows).map(|row| row as i32)))),
        ("number", Arc::new(numbers.collect::<Float64Array>())),
        ("word", Arc::new(words.collect::<StringArray>())),
        ("named", Arc::new(named.collect::<DictionaryArray<Int32Type>>())),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ("time", Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    );
    let batch = batch.unwrap();
    let plain = batch.schema();
    let fields = plain.fields().iter().map(|field| {
        let said = ("said".to_owned(), format!("of {}", field.name()));
        Field::clone(field).with_metadata(std::collections::HashMap::from([said]))
    });
    let schema = Schema::new_with_metadata(
        fields.collect::<Vec<_>>(),
        std::collections::HashMap::from([("huggingface".to_owned(), "{\"info\": 1}".to_owned())]),
    );
    RecordBatch::try_new(Arc::new(schema), batch.columns().to_vec()).unwrap()
}

fn parquet(form: &str, rows: usize) -> Vec<u8> {
    let batch = batch(rows);
    let mut properties = WriterProperties::builder().set_max_row_group_row_count(Some(16));
    properties = match form {
        "gzip.parquet" => properties.set_compression(Compression::GZIP(GzipLevel::default())),
        "snappy.parquet" => {
            properties.set_compression(Compression::SNAPPY).set_dictionary_enabled(false)
        }
        "v2.parquet" => properties.set_writer_version(WriterVersion::PARQUET_2_0),
        _ => properties,
    };
    let properties = Some(properties.build());
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), properties).unwrap();
    writer.write(&batch).unwrap();
    writer.append_key_value_metadata(KeyValue::new("mine".to_owned(), "kept".to_owned()));
    writer.into_inner().unwrap()
}

fn arrow(form: &str, rows: usize) -> Vec<u8> {
    let batch = batch(rows);
    let lz4 = (form == "lz4.arrow").then_some(CompressionType::LZ4_FRAME);
    let options = IpcWriteOptions::default().try_with_compression(lz4).unwrap();
    let mut bytes = Vec::new();
    let parts = (0..rows).step_by(11).map(|at| batch.slice(at, 11.min(rows - at)));
    if form == "file.arrow" || form == "lz4.arrow" {
        let mut writer =
            FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
        parts.for_each(|part| writer.write(&part).unwrap());
        writer.write_metadata("mine", "kept");
        writer.finish().unwrap();
    } else {
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        parts.for_each(|part| writer.write(&part).unwrap());
        writer.finish().unwrap();
    }
    bytes
}

fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), data].concat()
}

fn pixels(rows: usize) -> Vec<u8> {
    (0..rows * 6).flat_map(|at| (at as f32).to_le_bytes()).collect()
}

/// An archive with its sizes behind the data, as streams have them, is not made here.
fn npz(deflated: bool, rows: usize) -> Vec<u8> {
    let members = [
        ("x.npy", npy("<f4", rows.is_multiple_of(2), &format!("{rows}, 2, 3"), &pixels(rows))),
        ("y.npy", npy("|u1", false, &format!("{rows},"), &vec![3; rows])),
    ];
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in &members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let packed = if deflated {
            let mut packed =
                flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(content).unwrap();
            packed.finish().unwrap()
        } else {
            content.clone()
        };
        let mut shared = vec![20, 0, 0, 0, if deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
        for number in [crc.sum(), packed.len() as u32, content.len() as u32] {
            shared.extend(number.to_le_bytes());
        }
        shared.extend((name.len() as u16).to_le_bytes());
        shared.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&shared);
        directory.extend([0; 10]);
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&shared);
        bytes.extend(name.as_bytes());
        bytes.extend(&packed);
    }
    let at = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0\x02\0\x02\0");
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// Samples of several members, of which some have long names and some are only passed over.
fn tar(rows: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut member = |kind: u8, name: &str, content: &[u8]| {
        let mut header = [0_u8; 512];
        let short = &name.as_bytes()[..name.len().min(100)];
        header[..short.len()].copy_from_slice(short);
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = kind;
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum = header.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(header);
        bytes.extend_from_slice(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    };
    member(b'5', "folder/", b"");
    for row in 0..rows {
        let key = format!("folder/{row:04}");
        if row % 3 == 0 {
            let long = format!("{key}.{}.pgm\0", "deep".repeat(30));
            member(b'L', "././@LongLink", long.as_bytes());
            member(b'0', &long, b"P5 1 1 255\n\xff");
        } else {
            member(b'0', &format!("{key}.pgm"), b"P5 1 1 255\n\xff");
        }
        if row % 4 == 0 {
            member(b'0', &format!("{key}.pyd"), b"\x80\x04K\x01.");
            member(b'0', "folder/README", b"passed over");
        }
        member(b'0', &format!("{key}.cls"), (row % 3).to_string().as_bytes());
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Make a set of a form.
fn make(form: &str, rows: usize, at: &Path) {
    let file = |name: &str, bytes: &[u8]| {
        let path = at.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let bytes = match form {
        "gz" => gzip(&text("csv", rows)),
        "zst" => ruzstd::encoding::compress_to_vec(
            text("jsonl", rows).as_slice(),
            ruzstd::encoding::CompressionLevel::Fastest,
        ),
        "npy" => npy("<f4", false, &format!("{rows}, 2, 3"), &pixels(rows)),
        "fortran.npy" => npy("<f4", true, &format!("{rows}, 6"), &pixels(rows)),
        "stored.npz" => npz(false, rows),
        "deflated.npz" => npz(true, rows),
        "tar" => tar(rows),
        form if form.ends_with("parquet") => parquet(form, rows),
        form if form.ends_with("arrow") => arrow(form, rows),
        "texts" => {
            let (one, other) = (rows / 2, rows - rows / 2);
            file("a.csv", &text("csv", one));
            return file("b.csv.gz", &gzip(&text("csv", other)));
        }
        "datasets" => {
            let (one, other) = (rows / 2, rows - rows / 2);
            file("data-00000-of-00002.arrow", &arrow("stream.arrow", one.max(1)));
            file("data-00001-of-00002.arrow", &arrow("stream.arrow", other.max(1)));
            let files = "[{\"filename\": \"data-00000-of-00002.arrow\"}, \
                {\"filename\": \"data-00001-of-00002.arrow\"}]";
            let state = format!("{{\"_data_files\": {files}, \"_fingerprint\": \"ab12\"}}");
            file("state.json", state.as_bytes());
            let info = format!("{{\"splits\": {{\"train\": {{\"num_examples\": {rows}}}}}}}");
            return file("dataset_info.json", info.as_bytes());
        }
        "classes" => {
            for row in 0..rows {
                let image = format!("P5 1 1 255\n{}", char::from(b'a' + (row % 26) as u8));
                file(&format!("{}/deep/{row:03}.pgm", ["cat", "dog"][row % 2]), image.as_bytes());
            }
            file(".hidden", b"kept");
            file("cat/notes.txt", b"kept too");
            return fs::create_dir_all(at.join("cat/empty")).unwrap();
        }
        "flat" => {
            (0..rows).for_each(|row| file(&format!("{row:03}.pgm"), b"P5 1 1 255\n\xff"));
            return;
        }
        form => text(form, rows),
    };
    fs::write(at, bytes).unwrap();
}

/// Everything in a folder, or the file.
fn content(at: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut all = BTreeMap::new();
    let mut open = vec![at.to_owned()];
    while let Some(path) = open.pop() {
        let within = path.strip_prefix(at).unwrap().to_owned();
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            all.insert(within, None);
        } else {
            all.insert(within, Some(fs::read(&path).unwrap()));
        }
    }
    all
}

/// The rows of a set, each as the bytes of its values.
fn rows(at: &Path) -> Vec<Vec<u8>> {
    let set = read::open(at, &read::Options::default()).unwrap();
    let mut all = Vec::new();
    set.walk(|batch| {
        for row in 0..batch.len() {
            let mut bytes = Vec::new();
            for column in batch.rows.columns() {
                row::write(column, row, &mut bytes);
            }
            all.push(bytes);
        }
        Ok(())
    })
    .unwrap();
    all
}

fn reasons_for(rows: impl Iterator<Item = usize>) -> Reasons {
    let reason = Reason {
        check: "outlier",
        rule: Some("MW3301"),
        score: Some(2.5),
        why: Some("far \"out\"".to_owned()),
    };
    rows.map(|row| (row as u64, vec![reason.clone()])).collect()
}

/// Clean `in` of a folder into `out` and `q`; `meanwhile` happens once the rows are known.
fn attempt(
    folder: &Path,
    [cleaned, quarantine]: [&str; 2],
    reasons: &Reasons,
    meanwhile: impl FnOnce(),
    stops: &dyn Fn() -> bool,
) -> Result<Cleaned, crate::check::Failed> {
    let at = |name: &str| folder.join(name);
    let options = read::Options::default();
    let plan = Plan::new(&at("in"), &at(cleaned), &at(quarantine))?;
    let set = read::open(&at("in"), &options)?;
    meanwhile();
    clean(&Order {
        set: &set,
        plan: &plan,
        options: &options,
        reasons,
        command: &["modelward".to_owned(), "data".to_owned()],
        stops,
    })
}

fn take_out(folder: &Path, reasons: &Reasons) -> Cleaned {
    attempt(folder, ["out", "q"], reasons, || {}, &|| false).unwrap()
}

fn back(quarantine: &Path, cleaned: Option<&Path>, output: &Path) -> Result<Restored, Trouble> {
    restore(quarantine, cleaned, output, &|| false)
}

fn divided(form: &str, keep: &[bool], flip: impl Fn(usize) -> usize) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make(form, keep.len(), &at("in"));
    let (before, was) = (content(&at("in")), rows(&at("in")));
    let goes = |row: &usize| !keep.get(*row).copied().unwrap_or(true);
    let reasons = reasons_for((0..was.len()).filter(goes));
    let done = take_out(folder.path(), &reasons);
    prop_assert_eq!((done.rows, done.removed), (was.len() as u64, reasons.len() as u64));
    prop_assert_eq!(&content(&at("in")), &before, "the input is not touched");
    let restored = back(&at("q"), None, &at("back")).unwrap();
    prop_assert_eq!(&content(&at("back")), &before);
    prop_assert_eq!(restored.digest, done.original);
    prop_assert!(back(&at("q"), None, &at("back")).is_err(), "nothing is written over");
    let stays = (0..was.len()).filter(|row| !goes(row)).map(|row| was[row].clone());
    let stays = stays.collect::<Vec<_>>();
    if !stays.is_empty() && form != "lines" && form != "tar" {
        prop_assert_eq!(rows(&at("out")), stays);
    }
    // A changed byte anywhere in the quarantine, or in the cleaned set.
    let within = |name: &'static str| {
        let whole = at(name);
        let files = content(&whole).into_iter().filter_map(|(path, bytes)| {
            let inner = !path.as_os_str().is_empty();
            let path = if inner { whole.join(path) } else { whole.clone() };
            Some((path, bytes.filter(|bytes| !bytes.is_empty())?))
        });
        files.collect::<Vec<_>>()
    };
    let some = within("out").into_iter().take(4);
    for (path, bytes) in within("q").into_iter().chain(some) {
        let mut changed = bytes.clone();
        changed[flip(bytes.len())] ^= 1;
        fs::write(&path, &changed).unwrap();
        prop_assert!(back(&at("q"), None, &at("again")).is_err(), "{path:?}");
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        prop_assert!(back(&at("q"), None, &at("again")).is_err(), "{path:?}");
        prop_assert!(!at("again").exists());
        fs::write(&path, bytes).unwrap();
    }
    back(&at("q"), None, &at("again")).unwrap();
    let left = fs::read_dir(folder.path()).unwrap().count();
    prop_assert_eq!(left, 5, "nothing is left beside them");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn what_was_taken_out_of_a_file_comes_back(
        keep in prop::collection::vec(any::<bool>(), 1..60), flip in any::<prop::sample::Index>())
    {
        for form in FILES {
            divided(form, &keep, |length| flip.index(length))?;
        }
    }

    #[test]
    fn what_was_taken_out_of_a_folder_comes_back(
        keep in prop::collection::vec(any::<bool>(), 2..40), flip in any::<prop::sample::Index>())
    {
        for form in FOLDERS {
            divided(form, &keep, |length| flip.index(length))?;
        }
    }
}

#[test]
fn nothing_or_everything_may_go() {
    for form in FILES.into_iter().chain(FOLDERS) {
        for keep in [true, false] {
            divided(form, &[keep; 23], |length| length / 2).unwrap();
        }
    }
}

#[test]
fn a_moved_pair_is_found_and_a_moved_set_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make("gzip.parquet", 40, &at("in"));
    take_out(folder.path(), &reasons_for([3, 4, 39].into_iter()));
    fs::create_dir(at("other")).unwrap();
    fs::rename(at("q"), at("other/q")).unwrap();
    fs::rename(at("out"), at("other/out")).unwrap();
    back(&at("other/q"), None, &at("back")).unwrap();
    fs::rename(at("other/out"), at("far")).unwrap();
    assert!(back(&at("other/q"), None, &at("back2")).is_err());
    back(&at("other/q"), Some(&at("far")), &at("back2")).unwrap();
    assert_eq!(fs::read(at("back2")).unwrap(), fs::read(at("in")).unwrap());
}

#[test]
fn what_a_file_says_of_itself_stays() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make("gzip.parquet", 40, &at("in"));
    take_out(folder.path(), &reasons_for([0, 1].into_iter()));
    let metadata = |path: &Path| {
        let bytes = bytes::Bytes::from(fs::read(path).unwrap());
        let mut reader = parquet::file::metadata::ParquetMetaDataReader::new();
        reader.try_parse(&bytes).unwrap();
        reader.finish().unwrap()
    };
    let (was, is) = (metadata(&at("in")), metadata(&at("out")));
    let (was, is) =
        ((was.file_metadata(), was.row_groups()), (is.file_metadata(), is.row_groups()));
    assert_eq!(was.0.schema(), is.0.schema());
    assert_eq!(was.0.key_value_metadata(), is.0.key_value_metadata());
    assert_eq!(was.1.len(), is.1.len());
    assert_eq!(was.1[0].column(0).compression(), is.1[0].column(0).compression());
}

#[test]
fn the_folder_is_its_owners_alone_and_says_why() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make("classes", 9, &at("in"));
    take_out(folder.path(), &reasons_for([2, 3].into_iter()));
    let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("q"), mode("q/taken")), (0o700, 0o700));
    for (path, bytes) in content(&at("q")) {
        assert!(bytes.is_none() || mode(&format!("q/{}", path.display())) == 0o600);
    }
    let lines = fs::read_to_string(at("q/quarantine.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["row"], &first["why"][0]["rule"]), (&2.into(), &"MW3301".into()));
    assert_eq!(first["why"][0]["score"], 2.5);
}

#[test]
fn hostile_manifests_write_nothing_outside() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make("classes", 6, &at("in"));
    take_out(folder.path(), &reasons_for([1].into_iter()));
    let files = fs::read_to_string(at("q/files.jsonl")).unwrap();
    for (from, to) in [
        ("\"path\":\"cat/notes.txt\"", "\"path\":\"../notes.txt\""),
        ("\"path\":\"cat/notes.txt\"", "\"path\":\"/tmp/notes.txt\""),
        ("\"part\":\"taken/", "\"part\":\"../taken/"),
        ("\"path\":\"dog/deep/001.pgm\"", "\"path\":\"cat/notes.txt\""),
        ("\"mode\":420", "\"mode\":2541"),
    ] {
        seal(&at("q"), |_| files.replace(from, to));
        assert!(back(&at("q"), None, &at("back")).is_err(), "{to}");
        assert!(!at("back").exists() && !at("notes.txt").exists());
    }
}

#[test]
fn links_and_places_within_the_set_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make("classes", 6, &at("in"));
    let reasons = reasons_for([1].into_iter());
    let attempt = |cleaned: &str, quarantine: &str| {
        attempt(folder.path(), [cleaned, quarantine], &reasons, || {}, &|| false)
    };
    assert!(attempt("in/out", "q").is_err() && attempt("out", "in/q").is_err());
    assert!(attempt("out", "out").is_err() && attempt("in", "q").is_err());
    std::os::unix::fs::symlink("/etc", at("in/link")).unwrap();
    assert!(attempt("out", "q").is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Seal a quarantine anew, as whoever wrote it would.
fn seal(quarantine: &Path, change: impl FnOnce(String) -> String) {
    let at = |name: &str| quarantine.join(name);
    let files = fs::read_to_string(at("files.jsonl")).unwrap();
    let hostile = change(files.clone());
    assert_ne!(files, hostile);
    fs::write(at("files.jsonl"), hostile).unwrap();
    let manifest = fs::read(at("manifest.json")).unwrap();
    let mut read = serde_json::from_slice::<serde_json::Value>(&manifest).unwrap();
    read["contents"]["parts"]["files.jsonl"] = Digest::of(&at("files.jsonl")).unwrap().json();
    let seal = {
        use sha2::Digest as _;
        digest::hexadecimal(&sha2::Sha256::digest(read["contents"].to_string()))
    };
    read["sha256"] = seal.into();
    fs::write(at("manifest.json"), format!("{read:#}\n")).unwrap();
}

#[test]
fn what_the_quarantine_holds_once_is_not_written_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make("classes", 6, &at("in"));
    take_out(folder.path(), &reasons_for([1].into_iter()));
    seal(&at("q"), |files| {
        let taken = files.lines().find(|line| line.contains("\"taken/")).unwrap();
        let again = (0..1000).map(|at| taken.replace("/deep/", &format!("/deep/{at}")));
        let more = again.map(|line| line + "\n").collect::<String>();
        format!("{files}{more}")
    });
    let trouble = back(&at("q"), None, &at("back")).unwrap_err();
    assert_eq!(trouble.why, "expected the list of files as it was written, got other bytes");
}

#[test]
fn nothing_is_put_into_what_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    make("classes", 6, &at("in"));
    take_out(folder.path(), &reasons_for([1].into_iter()));
    for place in ["q/back", "out/back", "out/cat/back", "q/taken/back"] {
        let trouble = back(&at("q"), None, &at(place)).unwrap_err();
        assert!(trouble.why.starts_with("expected a place outside"), "{}", trouble.why);
    }
    back(&at("q"), None, &at("back")).unwrap();
}

#[test]
fn a_set_that_changes_meanwhile_is_left_alone() {
    for form in ["csv", "none.parquet", "classes"] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        make(form, 12, &at("in"));
        let reasons = reasons_for([1].into_iter());
        // A row more in front: the second row is another one.
        let done =
            attempt(folder.path(), ["out", "q"], &reasons, || make(form, 13, &at("in")), &|| false);
        let Err(crate::check::Failed::Trouble(trouble)) = done else { panic!("{form}") };
        assert!(trouble.why.ends_with("it changed meanwhile"), "{}", trouble.why);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{form}");
    }
}

#[test]
fn a_signal_leaves_nothing() {
    for form in ["csv", "gz", "classes"] {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        make(form, 12, &at("in"));
        let reasons = reasons_for([1].into_iter());
        // Whenever it comes.
        for when in 0.. {
            let asked = std::cell::Cell::new(0);
            let stops = || {
                asked.set(asked.get() + 1);
                asked.get() > when
            };
            let done = attempt(folder.path(), ["out", "q"], &reasons, || {}, &stops);
            if done.is_ok() {
                assert!(when > 2 && at("out").exists() && at("q").exists());
                break;
            }
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{form} {when}");
        }
        assert!(restore(&at("q"), None, &at("back"), &|| true).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}

#[test]
fn who_may_read_the_original_may_read_the_rest_and_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (form, within) in [("csv", ""), ("npy", ""), ("gz", ""), ("gzip.parquet", "")]
        .into_iter()
        .chain([("classes", "cat/notes.txt"), ("classes", "cat/deep"), ("flat", "001.pgm")])
    {
        for wanted in [0o600, 0o640, 0o744] {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| match within {
                "" => folder.path().join(name),
                within => folder.path().join(name).join(within),
            };
            let whole = |name: &str| folder.path().join(name);
            make(form, 12, &whole("in"));
            let wanted = if at("in").is_dir() { wanted | 0o700 } else { wanted };
            fs::set_permissions(at("in"), fs::Permissions::from_mode(wanted)).unwrap();
            let whole_mode = mode(whole("in"));
            // Of `flat` the very file goes.
            take_out(folder.path(), &reasons_for([1].into_iter()));
            back(&whole("q"), None, &whole("back")).unwrap();
            assert_eq!((mode(at("back")), mode(whole("back"))), (wanted, whole_mode), "{form}");
            assert!(!at("out").exists() || mode(at("out")) == wanted, "{form}");
            assert_eq!(mode(whole("out")), whole_mode);
        }
    }
}

#[test]
fn a_text_that_reads_otherwise_is_told_of() {
    let reads = |content: &str, cleaned: &str| {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("in"), content).unwrap();
        let reasons = reasons_for([0].into_iter());
        attempt(folder.path(), [cleaned, "q"], &reasons, || {}, &|| false).unwrap().reads
    };
    let fields = (0..30).map(|row| format!("a{row},b{row},c{row}\n")).collect::<String>();
    let prose = reads(&format!("just a line\n{fields}"), "out");
    assert_eq!(prose.as_deref(), Some("29 rows of csv"));
    assert_eq!(reads(&format!("a,b,c\n{fields}"), "out.csv"), None);
    assert_eq!(reads(&"a line\n".repeat(9), "out"), None);
}

#[test]
fn a_folder_may_be_named_with_strokes_behind() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (form, path) in [("texts", "in//"), ("classes", "in///"), ("datasets", "in/.")] {
        make(form, 8, &at("in"));
        let plan = Plan::new(&at(path), &at("out/"), &at("q/")).unwrap();
        let set = read::open(&at(path), &read::Options::default()).unwrap();
        let order = Order {
            set: &set,
            plan: &plan,
            options: &read::Options::default(),
            reasons: &reasons_for([0, 5].into_iter()),
            command: &[],
            stops: &|| false,
        };
        assert_eq!(clean(&order).unwrap().removed, 2, "{form}");
        back(&at("q/"), None, &at("back/")).unwrap();
        assert_eq!(content(&at("back")), content(&at("in")));
        ["in", "out", "q", "back"].iter().for_each(|name| fs::remove_dir_all(at(name)).unwrap());
    }
}
