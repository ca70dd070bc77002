//! A hostile quarantine whose digests are right, as whoever forged it would see to: restoring refuses it or gives
//! what its manifest says, and writes nothing else anywhere.
//!
//! The input is the contents of the manifest, the list of files, the places, the removed bytes, one part, and one
//! cleaned file, with a line `----` between each two. Digests are filled in wherever `@1` to `@5` stand for them.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use modelward_data::quarantine::restore;
use modelward_provenance::digest::{Function, of};
use serde_json::{Value, json};

fuzz_target!(|data: &[u8]| {
    let mut parts = split(data).into_iter();
    let mut next = || parts.next().unwrap_or_default();
    let (contents, files, places, removed, part, cleaned) =
        (next(), next(), next(), next(), next(), next());
    // What stands for a digest in the list of files.
    let Ok(mut files) = String::from_utf8(files.to_vec()) else { return };
    let joined = [cleaned, removed].concat();
    let marks = [("@1", cleaned), ("@2", part), ("@3", removed), ("@4", &joined[..]), ("@5", &[])];
    for (mark, bytes) in marks {
        files = files.replace(mark, &digest(bytes).to_string());
    }
    let Ok(Value::Object(mut contents)) = serde_json::from_slice(contents) else { return };
    let named = [
        ("files.jsonl", files.as_bytes()),
        ("places.txt", places),
        ("removed.bin", removed),
        ("quarantine.jsonl", &[]),
        ("original-000001", part),
    ];
    if contents.get("parts").is_none() {
        let known = named.iter().map(|(name, bytes)| ((*name).to_owned(), digest(bytes)));
        contents.insert("parts".to_owned(), Value::Object(known.collect()));
    }
    for key in ["original", "cleaned"] {
        let Some(Value::Object(of_key)) = contents.get_mut(key) else { continue };
        let bytes = match of_key.get("of").and_then(Value::as_str) {
            Some("@2") => part,
            Some("@4") => &joined,
            _ => cleaned,
        };
        let Value::Object(known) = digest(bytes) else { continue };
        of_key.extend(known);
    }
    let contents = Value::Object(contents);
    let seal = of(Function::Sha256, contents.to_string().as_bytes()).to_string();
    let manifest = format!("{:#}\n", json!({ "contents": contents, "sha256": seal }));

    let Ok(folder) = tempfile::tempdir() else { return };
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("q/taken")).unwrap();
    fs::create_dir(at("clean")).unwrap();
    for (name, bytes) in named {
        fs::write(at("q").join(name), bytes).unwrap();
    }
    fs::write(at("q/taken/000002.png"), part).unwrap();
    fs::write(at("q/manifest.json"), manifest).unwrap();
    let is_folder = contents.pointer("/original/folder") == Some(&Value::Bool(true));
    fs::write(at("clean/a.txt"), cleaned).unwrap();
    let kept = at(if is_folder { "clean" } else { "clean/a.txt" });
    let restored = restore(&at("q"), Some(&kept), &at("back"), &|| false);
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2 + usize::from(restored.is_ok()));
    match restored {
        Ok(restored) if !restored.folder => {
            let back = fs::read(at("back")).unwrap();
            assert_eq!(back.len() as u64, restored.digest.bytes);
            assert_eq!(of(Function::Sha256, &back).to_string(), restored.digest.sha256);
        }
        Ok(_) => assert!(at("back").is_dir()),
        Err(_) => assert!(!at("back").exists()),
    }
});

/// The parts of the input.
fn split(data: &[u8]) -> Vec<&[u8]> {
    const LINE: &[u8] = b"\n----\n";
    let (mut parts, mut rest) = (Vec::new(), data);
    while let Some(at) = rest.windows(LINE.len()).position(|window| window == LINE) {
        parts.push(&rest[..at]);
        rest = &rest[at + LINE.len()..];
    }
    parts.push(rest);
    parts
}

/// What a quarantine says of bytes.
fn digest(bytes: &[u8]) -> Value {
    let of = |function| of(function, bytes).to_string();
    json!({ "bytes": bytes.len(), "sha256": of(Function::Sha256), "blake3": of(Function::Blake3) })
}
