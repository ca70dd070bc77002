use serde_json::{Value, json};

use super::*;
use crate::digest;

fn statement(parts: &[(&str, &[u8])]) -> Statement {
    let whole = |bytes: &&[u8]| Parts::Whole(digest::of(Function::Sha256, bytes));
    Statement {
        subject: "model".into(),
        root: None,
        serialization: Serialization {
            method: Method::Files,
            function: Function::Sha256,
            allow_symlinks: false,
            ignore_paths: vec![".git".into()],
        },
        files: parts.iter().map(|(name, bytes)| ((*name).to_owned(), whole(bytes))).collect(),
        old: false,
    }
}

fn legal() -> Value {
    let written = statement(&[("a/b", b"3"), ("a-x", b"2"), ("Z", b"1")]).write().unwrap();
    serde_json::from_slice(&written).unwrap()
}

/// Set the root to what the resources give.
fn reroot(statement: &mut Value) {
    let mut hash = Sha256::new();
    for resource in statement["predicate"]["resources"].as_array().unwrap() {
        let text = resource["digest"].as_str().unwrap().as_bytes().chunks_exact(2);
        let pair = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        let bytes = text.map(pair);
        hash.update(bytes.collect::<Result<Vec<_>, _>>().unwrap());
    }
    let root: [u8; 32] = hash.finalize().into();
    statement["subject"][0]["digest"]["sha256"] = json!(Digest::from(root).to_string());
}

fn read(change: impl Fn(&mut Value)) -> Result<Statement, String> {
    let mut statement = legal();
    change(&mut statement);
    Statement::read(statement.to_string().as_bytes())
}

#[test]
fn resources_are_written_in_the_order_of_code_points() {
    let legal = legal();
    let names = legal["predicate"]["resources"].as_array().unwrap();
    let names = names.iter().map(|resource| resource["name"].as_str().unwrap()).collect::<Vec<_>>();
    // By component, `a/b` would come before `a-x`.
    assert_eq!(names, ["Z", "a-x", "a/b"]);
    assert!(legal["predicate"]["serialization"].get("shard_size").is_none());
}

#[test]
fn what_is_written_is_read_again() {
    let mut written = statement(&[("a", b"1")]);
    let read = Statement::read(&written.write().unwrap()).unwrap();
    written.root = Some(written.computed_root());
    assert_eq!(read, written);
}

#[test]
fn legal_departures_are_read() {
    let reversed = read(|statement| {
        statement["predicate"]["resources"].as_array_mut().unwrap().reverse();
        reroot(statement);
    });
    assert!(reversed.is_ok(), "the root is that of the order listed");
    assert!(read(|s| s["predicate"]["resources"][0]["annotations"] = json!({ "x": 1 })).is_ok());
    let silent = read(|s| {
        s["predicate"]["serialization"].as_object_mut().unwrap().remove("ignore_paths");
    });
    assert!(silent.unwrap().serialization.ignore_paths.is_empty());
    assert!(read(|s| s["subject"][0]["name"] = json!("any name")).is_ok());
    let indented = serde_json::to_vec_pretty(&legal()).unwrap();
    assert!(Statement::read(&indented).is_ok());
}

#[test]
fn a_model_of_one_file_may_be_called_by_a_dot() {
    let only = |s: &mut Value| {
        s["predicate"]["resources"].as_array_mut().unwrap().truncate(1);
        s["predicate"]["resources"][0]["name"] = json!(".");
        reroot(s);
    };
    assert!(read(only).unwrap().files.contains_key("."));
    assert!(read(|s| s["predicate"]["resources"][0]["name"] = json!(".")).is_err());
}

#[test]
fn shards_are_read_in_every_spelling() {
    let shards = |size: Value, algorithm: &str| {
        read(|s| {
            s["predicate"]["serialization"]["method"] = json!("shards");
            s["predicate"]["serialization"]["shard_size"] = size.clone();
            s["predicate"]["resources"].as_array_mut().unwrap().truncate(1);
            s["predicate"]["resources"][0]["name"] = json!("co:lon:0:9");
            s["predicate"]["resources"][0]["algorithm"] = json!(algorithm);
            reroot(s);
        })
    };
    for size in [json!(16), json!(16.0)] {
        let read = shards(size, "sha256").unwrap();
        assert!(read.files.contains_key("co:lon"));
        assert!(shards(json!(16), "sha256-sharded-16").is_ok());
    }
    for size in [json!(0), json!(-1), json!(0.5), json!(1e300), json!("16"), Value::Null] {
        assert!(shards(size, "sha256").is_err());
    }
    assert!(shards(json!(16), "sha256-sharded-17").is_err());
    assert!(shards(json!(16), "blake3").is_err());
    assert!(read(|s| s["predicate"]["serialization"]["shard_size"] = json!(1)).is_err());
    assert!(read(|s| s["predicate"]["serialization"]["method"] = json!("shards")).is_err());
}

#[test]
fn hostile_statements_are_refused_in_one_sentence() {
    type Change = fn(&mut Value);
    let cases: &[(Change, &str)] = &[
        (|s| s["_type"] = json!("https://in-toto.io/Statement/v0.1"), "of the type"),
        (|s| s["predicateType"] = json!("https://x"), "a predicate of the type"),
        (|s| s["extra"] = json!(1), "unknown key `extra`"),
        (|s| s["predicate"]["extra"] = json!(1), "unknown key `extra`"),
        (|s| s["predicate"]["serialization"]["extra"] = json!(1), "unknown key `extra`"),
        (|s| s["subject"] = json!([]), "one subject, found 0"),
        (
            |s| {
                let another = s["subject"][0].clone();
                s["subject"].as_array_mut().unwrap().push(another);
            },
            "found 2",
        ),
        (|s| s["subject"][0]["name"] = json!(""), "a name for the subject"),
        (|s| s["subject"][0]["digest"]["sha256"] = json!("00".repeat(32)), "the root is said"),
        (|s| s["subject"][0]["digest"]["md5"] = json!("XY"), "lower-case hexadecimal"),
        (|s| s["predicate"]["resources"] = json!([]), "at least one resource"),
        (|s| s["predicate"]["resources"] = json!({}), "a list"),
        (|s| s["predicate"]["serialization"]["hash_type"] = json!("md5"), "found `md5`"),
        (|s| s["predicate"]["serialization"]["hash_type"] = json!(1), "a text"),
        (|s| s["predicate"]["serialization"]["method"] = json!("tree"), "found `tree`"),
        (|s| s["predicate"]["serialization"]["allow_symlinks"] = json!("false"), "true or false"),
        (|s| s["predicate"]["serialization"]["ignore_paths"] = json!([".."]), "no exact path"),
        (|s| s["predicate"]["serialization"]["ignore_paths"] = json!(["*.bin"]), "a pattern"),
        (|s| s["predicate"]["serialization"]["ignore_paths"] = json!(["./"]), "no exact path"),
        (|s| s["predicate"]["serialization"]["ignore_paths"] = json!(["."]), "no exact path"),
        (|s| s["predicate"]["serialization"]["ignore_paths"] = json!([""]), "no exact path"),
        (|s| s["predicate"]["serialization"]["ignore_paths"] = json!(["/x"]), "no exact path"),
        (|s| s["predicate"]["serialization"]["ignore_paths"] = json!(["a\\b"]), "backslash"),
        (|s| s["predicate"]["resources"][0]["algorithm"] = json!("blake3"), "the algorithm sha256"),
        (|s| s["predicate"]["resources"][0]["digest"] = json!("00"), "64 lower-case digits"),
        (|s| s["predicate"]["resources"][0]["digest"] = json!("AB".repeat(32)), "lower-case"),
        (
            |s| {
                s["predicate"]["resources"][1] = s["predicate"]["resources"][0].clone();
                reroot(s);
            },
            "listed twice",
        ),
    ];
    for (change, expected) in cases {
        let why = read(change).unwrap_err();
        assert!(why.contains(expected), "{why} instead of {expected}");
        assert!(!why.contains('\n') && !why.ends_with('.'), "{why}");
    }
    for name in ["", "/a", "../a", "a//b", "a/", "a\0", "./a", "a/../b"] {
        assert!(read(|s| s["predicate"]["resources"][0]["name"] = json!(name)).is_err(), "{name}");
    }
}

#[test]
fn statements_of_version_0_2_list_files_as_subjects() {
    let digest = "ab".repeat(32);
    let old = |subjects: Value| {
        let old = json!({
            "_type": TYPE,
            "subject": subjects,
            "predicateType": "https://model_signing/Digests/v0.1",
            "predicate": { "unused": "Unused" },
        });
        Statement::read(old.to_string().as_bytes())
    };
    let read = old(json!([{ "name": "a/b", "digest": { "sha256": digest } }])).unwrap();
    assert!(read.old && read.files.contains_key("a/b") && read.root.is_none());
    assert!(old(json!([])).is_err());
    assert!(old(json!([{ "name": "../b", "digest": { "sha256": digest } }])).is_err());
    let twice = json!({ "name": "a", "digest": { "sha256": digest } });
    assert!(old(json!([twice, twice])).is_err());
}
