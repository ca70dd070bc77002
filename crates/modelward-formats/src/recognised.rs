//! Formats that are recognised and not judged yet: each leaves a gap with its name, never a clean
//! file.

use std::sync::Arc;

use crate::{
    Asset, Budget, Bytes, Format, Gap, Refusal,
    json::Json,
    protobuf::{self, Content},
};

/// Formats with a magic number or a structure of their own.
pub const BINARY: Format = Format { name: "recognised", read: read_binary };
/// Formats that are text: their readers as text, JSON or template speak too.
pub const TEXT: Format = Format { name: "recognised", read: read_text };

type Reading = Option<Result<Box<dyn Asset>, Refusal>>;

fn read_binary(bytes: &Bytes, _: &Arc<Budget>) -> Reading {
    let magic = MAGIC.iter().find(|(_, at, magic)| bytes.has(*at, magic)).map(|(name, ..)| *name);
    unsupported(magic.or_else(|| hdf5(bytes)).or_else(|| msgpack(bytes)).or_else(|| proto(bytes))?)
}

fn read_text(bytes: &Bytes, budget: &Arc<Budget>) -> Reading {
    let head = bytes.head(4096).ok()?;
    let head = String::from_utf8_lossy(&head);
    let start = head.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with('<') && !start.contains("ir_version:") {
        return unsupported(xml(start)?);
    }
    // What `git clone` leaves where Git LFS is not installed: docs/spec.md of git-lfs.
    if start.starts_with("version https://git-lfs.github.com/spec/") {
        let why = "a pointer of Git LFS in the place of the file: fetch it with `git lfs pull`";
        return Some(Err(Refusal::new(0, Gap::MissingPart, why)));
    }
    // What `onnx.load` reads as well, by the file's name: the text of protocol buffers, and ONNX's own.
    let has_line = |words: &str| start.lines().any(|line| line.trim_start().starts_with(words));
    if start.starts_with("graph {") || has_line("ir_version:") && !start.starts_with('{') {
        return unsupported("an ONNX model as text");
    }
    if start.starts_with("tree\nversion=") {
        return unsupported("a LightGBM model");
    }
    if start.starts_with("7767517\n") {
        return unsupported("an ncnn model");
    }
    if !start.starts_with('{') {
        return None;
    }
    let keys = Json::read(bytes, budget).ok()?.keys;
    let has = |key: &str| keys.iter().any(|each| each == key);
    match () {
        () if has("nodes") && has("arg_nodes") && has("heads") => unsupported("an MXNet graph"),
        () if has("irVersion") && has("graph") => unsupported("an ONNX model as JSON"),
        () if has("learner") && has("version") => unsupported("an XGBoost model"),
        () if has("oblivious_trees") || has("model_info") && has("features_info") => {
            unsupported("a CatBoost model")
        }
        () if has("modelTopology") && has("weightsManifest") => {
            unsupported("a TensorFlow.js model")
        }
        () => None,
    }
}

fn unsupported(name: &'static str) -> Reading {
    Some(Err(Refusal::new(0, Gap::Unsupported, format!("{name} is not judged yet"))))
}

/// HDF5 file format 3.0, section II.A: the superblock may stand at 0, 512, 1024 and so on.
fn hdf5(bytes: &Bytes) -> Option<&'static str> {
    let mut at: u64 = 0;
    while at < bytes.len() {
        if bytes.has(at, b"\x89HDF\r\n\x1a\n") {
            return Some("HDF5");
        }
        at = at.saturating_mul(2).max(512);
    }
    None
}

/// MessagePack, as Flax writes it: a map whose first key is text.
fn msgpack(bytes: &Bytes) -> Option<&'static str> {
    let head = bytes.head(64).ok()?;
    let key = match head.as_slice() {
        [0x81..=0x8f, key @ ..] | [0xde, _, _, key @ ..] | [0xdf, _, _, _, _, key @ ..] => key,
        _ => return None,
    };
    let (length, text) = match key {
        [fixed @ 0xa1..=0xbf, text @ ..] => (usize::from(fixed & 0x1f), text),
        [0xd9, length, text @ ..] => (usize::from(*length), text),
        _ => return None,
    };
    let text = text.get(..length.min(text.len()))?;
    let known = std::str::from_utf8(text).is_ok_and(|t| !t.contains(char::is_control));
    known.then_some("MessagePack (Flax)")
}

/// Messages whose every field is one that the schema has.
fn proto(bytes: &Bytes) -> Option<&'static str> {
    let mut seen = Vec::new();
    let walked = protobuf::fields(bytes, &mut |field| {
        let kind = match field.content {
            Content::Varint(_) => 'v',
            Content::Bytes(..) => 'b',
            Content::Fixed64 | Content::Fixed32 => 'f',
        };
        if !seen.contains(&(field.number, kind)) {
            seen.push((field.number, kind));
        }
        if seen.len() > 16 {
            return Err(Refusal::truncated(0, "more kinds of field than any of these has"));
        }
        Ok(())
    });
    walked.ok()?;
    let only = |known: &[(u64, char)]| seen.iter().all(|field| known.contains(field));
    let has = |field: &(u64, char)| seen.contains(field);
    let message =
        SCHEMAS.iter().find(|(_, must, may)| must.iter().all(has) && only(&[*must, *may].concat()));
    message.map(|(name, ..)| *name)
}

fn xml(start: &str) -> Option<&'static str> {
    let has = |part: &str| start.contains(part);
    match () {
        () if has("<PMML") => Some("PMML"),
        () if has("<net ") => Some("an OpenVINO graph"),
        () if has("<!ENTITY") || has("<!DOCTYPE") && has("[") => {
            Some("XML with declarations of its own")
        }
        () => None,
    }
}

/// Name, fields it must have, fields it may have besides: number and wire type (`v`, `b`, `f`).
type Schema = (&'static str, &'static [(u64, char)], &'static [(u64, char)]);

const SCHEMAS: &[Schema] = &[
    // saved_model.proto: schema version, graphs.
    ("a TensorFlow SavedModel", &[(1, 'v'), (2, 'b')], &[]),
    // graph.proto: nodes, versions, library.
    ("a TensorFlow graph", &[(1, 'b'), (4, 'b')], &[(2, 'b'), (3, 'v')]),
    // Model.proto: version, description, and one of the kinds of model from 200 on.
    ("Core ML", &[(1, 'v'), (2, 'b'), (500, 'b')], &[(10, 'v')]),
    ("Core ML", &[(1, 'v'), (2, 'b'), (502, 'b')], &[(10, 'v')]),
    ("Core ML", &[(1, 'v'), (2, 'b'), (200, 'b')], &[(10, 'v')]),
];

/// Name, offset, bytes.
const MAGIC: &[(&str, u64, &[u8])] = &[
    ("TFLite", 4, b"TFL3"),
    ("ExecuTorch", 4, b"ET12"),
    ("ExecuTorch", 4, b"ET13"),
    ("a CatBoost model", 0, b"CBM1"),
    ("a TensorRT engine", 0, b"ftrt"),
    ("a TensorRT engine", 0, b"ptrt"),
    ("an R object", 0, b"X\n\0\0\0"),
    ("an R object", 0, b"B\n\x02\0\0\0"),
    ("an R object", 0, b"B\n\x03\0\0\0"),
    ("an R object", 0, b"A\n2\n"),
    ("an R object", 0, b"A\n3\n"),
    ("an R workspace", 0, b"RDX2\n"),
    ("an R workspace", 0, b"RDX3\n"),
    ("Parquet", 0, b"PAR1"),
    ("Arrow", 0, b"ARROW1"),
    ("MXNet parameters", 0, b"\x12\x01\0\0\0\0\0\0"),
    ("an XGBoost model", 0, b"binf"),
    ("an XGBoost model (UBJSON)", 0, b"{L\0\0\0\0\0\0\0\x07learner"),
    ("an XGBoost model (UBJSON)", 0, b"{i\x07learner"),
    ("an early ggml model", 0, b"lmgg"),
    ("an early ggml model", 0, b"tjgg"),
    ("an early ggml model", 0, b"fmgg"),
    ("an SQLite database", 0, b"SQLite format 3\0"),
    ("PDF", 0, b"%PDF-"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_named_and_none_is_clean() {
        let why = |bytes: &[u8]| {
            let bytes = Bytes::from(bytes);
            let budget = Arc::default();
            let reading = read_binary(&bytes, &budget).or_else(|| read_text(&bytes, &budget));
            reading.map(|reading| reading.err().unwrap().why.into_owned())
        };
        let mut hdf5 = vec![0; 1024];
        hdf5.extend(b"\x89HDF\r\n\x1a\n");
        assert_eq!(why(&hdf5).unwrap(), "HDF5 is not judged yet");
        assert_eq!(why(b"\x08\x01\x12\0").unwrap(), "a TensorFlow SavedModel is not judged yet");
        assert!(why(b"\x81\xa6params\x80").unwrap().starts_with("MessagePack"));
        assert!(why(b"<?xml version=\"1.0\"?><PMML/>").unwrap().starts_with("PMML"));
        assert!(why(b"{\"nodes\": [], \"arg_nodes\": [], \"heads\": []}").is_some());
        for text in
            ["ir_version: 8\ngraph {\n}", "<\n  ir_version: 8,\n>\ng (x) => (y) {}", "graph {\n}"]
        {
            assert_eq!(why(text.as_bytes()).unwrap(), "an ONNX model as text is not judged yet");
        }
        assert!(why(b"{\"irVersion\": \"8\", \"graph\": {}}").unwrap().starts_with("an ONNX"));
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n";
        assert!(why(pointer).unwrap().starts_with("a pointer of Git LFS"));
        for other in [&b"<svg/>"[..], b"{\"a\": 1}", b"text", b"", b"\x08\x08"] {
            assert_eq!(why(other), None);
        }
    }
}
