//! Ways by the file around the pickle: 5 to 10, and 16.

use std::time::Duration;

use modelward_core::{Outcome, Place};
use modelward_formats::Limits;
use modelward_scan::{Context, examine};

use crate::{
    COMMAND, breaks,
    carriers::{Carrier, NAMES, gzip, tar, torch, zip, zip::Member},
    examined, outcome,
    pickles::{Choices, encode, objects},
};

/// The command in LZMA's old format, in hexadecimal digits.
const LZMA: &str = "5d00008000ffffffffffffffff0040008803cb87e60e3fc6dba6623ad0e017a4130d6126caa58a2215222bffffe4ca8000";

#[test]
fn each_codec_of_joblib_under_each_name() {
    let codecs =
        [Carrier::Gzip, Carrier::Bzip2, Carrier::Xz, Carrier::Zlib, Carrier::Zstd, Carrier::Lz4];
    let mut files = codecs.map(|codec| codec.carry(COMMAND, "")).to_vec();
    let digits = LZMA.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    files.push(digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect());
    for level in [0, 1, 9] {
        files.push(miniz_oxide::deflate::compress_to_vec_zlib(COMMAND, level));
    }
    for file in files {
        for name in NAMES {
            let outcome = examined(name, &file).outcome();
            assert_eq!(outcome, Outcome::Malicious, "{name}: {}", file.escape_ascii());
        }
    }
}

#[test]
fn one_payload_under_each_name() {
    for name in NAMES.iter().chain(&["", ".", "tokenizer.json", "LICENSE", "a.py", "b.keras"]) {
        for bytes in [COMMAND, b"cos\nsystem\n(S'x'\ntR.", &torch(COMMAND)] {
            assert_eq!(examined(name, bytes).outcome(), Outcome::Malicious, "{name}");
        }
    }
}

#[test]
fn the_oldest_tar_of_torch() {
    let harmless = &b"\x80\x02}."[..];
    let members = ["sys_info", "pickle", "tensors", "storages"];
    for bad in members {
        let content = |name: &str| if name == bad { COMMAND } else { harmless };
        assert_eq!(outcome(&tar(&members.map(|name| (name, content(name))))), Outcome::Malicious);
    }
    assert_eq!(outcome(&tar(&members.map(|name| (name, harmless)))), Outcome::Clean);
}

#[test]
fn archives_that_carry_code_of_their_own() {
    let members =
        [Member::new("m/data.pkl", b"\x80\x02}."), Member::new("m/.data/extern_modules", b"os\n")];
    assert_ne!(outcome(&zip(&members)), Outcome::Clean, "torch.package");
    let manifest = br#"{"runtime": "python", "model": {"handler": "handler.py:handle"}}"#;
    let members = [
        Member::new("MAR-INF/MANIFEST.json", manifest),
        Member::new("handler.py", b"import os\nos.system('x')\n"),
    ];
    assert_ne!(examined("model.mar", &zip(&members)).outcome(), Outcome::Clean);
}

/// A checkpoint of the old format, with something more at the begin of one of its streams, and
/// the bytes of its one storage.
fn legacy(bad: usize, payload: &[u8], storage: &[u8]) -> Vec<u8> {
    let object = encode(&objects::tensor(&mut Choices::new(&[])), &mut Choices::new(&[]));
    let streams = [
        &b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."[..],
        b"M\xe9\x03.",
        b"}X\x0d\0\0\0little_endian\x88s.",
        &object,
        b"]X\x01\0\0\0\x30a.",
    ];
    let mut bytes = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        bytes.extend(b"\x80\x02");
        bytes.extend(if index == bad { payload } else { b"" });
        bytes.extend(*stream);
    }
    bytes.extend(u64::try_from(storage.len() / 4).unwrap().to_le_bytes());
    bytes.extend(storage);
    bytes
}

#[test]
fn a_payload_in_each_stream_and_in_a_storage_of_a_legacy_file() {
    let payload = b"cos\nsystem\n(S'x'\ntR0";
    assert_eq!(outcome(&legacy(9, b"", &[0; 16])), Outcome::Clean);
    for stream in 0..5 {
        let bytes = legacy(stream, payload, &[0; 16]);
        assert_eq!(outcome(&bytes), Outcome::Malicious, "stream {stream}");
    }
    let mut storage = COMMAND.to_vec();
    storage.resize(64, 0);
    assert_eq!(outcome(&legacy(9, b"", &storage)), Outcome::Malicious);
    let members = [
        Member::new("archive/data.pkl", b"\x80\x02}."),
        Member::new("archive/data/0", &storage),
        Member::new("archive/version", b"3\n"),
    ];
    assert_eq!(outcome(&zip(&members)), Outcome::Malicious, "a storage of the new format");
}

#[test]
fn one_template_under_each_name() {
    let template = "{{ ''.__class__.__base__.__subclasses__() }}";
    let json = format!(r#"{{"a": [{{"b": "{template}"}}]}}"#);
    let yaml = format!("a:\n  b: \"{template}\"\n");
    for name in ["chat_template.jinja", "tokenizer_config.json", "notes.json", "model.yaml", "x"] {
        for bytes in [template, &json, &yaml] {
            assert_eq!(examined(name, bytes.as_bytes()).outcome(), Outcome::Malicious, "{name}");
        }
    }
}

#[test]
fn formats_that_are_not_judged_yet() {
    let skops = br#"{"__class__": "FunctionNode", "__module__": "os", "__loader__": "FunctionNode",
        "content": {"module_path": "os", "function": "system"}, "protocol": 2}"#;
    let keras = br#"{"class_name": "Lambda", "config": {"function": "x"}}"#;
    let files: [(&str, Vec<u8>); 8] = [
        ("HDF5", b"\x89HDF\r\n\x1a\n\0\0\0\0".to_vec()),
        ("HDF5 behind a block", [&[0; 512][..], b"\x89HDF\r\n\x1a\n\0\0"].concat()),
        ("ONNX", b"\x08\x08\x3a\x10\x0a\x0c\x0a\x01x\x22\x04Evil\x3a\x01d\x12\x01g".to_vec()),
        ("MessagePack", b"\x81\xa6params\xc7\x01\x05x".to_vec()),
        ("an R promise", gzip(b"X\n\0\0\0\x03\0\x04\x03\0\0\x03\x05\0\0\0\0\x05UTF-8\0\0\0\x05")),
        ("an R workspace", b"RDX3\nX\n\0\0\0\x03".to_vec()),
        ("skops", zip(&[Member::new("schema.json", skops)])),
        (
            "Keras",
            zip(&[
                Member::new("config.json", keras),
                Member::new("metadata.json", b"{}"),
                Member::new("model.weights.h5", b"\x89HDF\r\n\x1a\n"),
            ]),
        ),
    ];
    for (what, bytes) in files {
        for name in ["model.h5", "model.onnx", "model.rds", "model.skops", "notes.txt"] {
            assert_ne!(examined(name, &bytes).outcome(), Outcome::Clean, "{what} as {name}");
        }
    }
}

#[test]
fn no_repository_is_trusted_by_its_name() {
    let findings = |name: &str| {
        let examined = examined(name, COMMAND);
        let rules = examined.findings.iter().map(|finding| (finding.rule.id, finding.severity));
        rules.collect::<Vec<_>>()
    };
    let plain = findings("mine/model.bin");
    assert!(plain.iter().any(|(rule, _)| *rule == "MW1101"));
    for owner in ["google", "meta-llama", "microsoft", "facebook", "openai", "huggingface"] {
        for path in ["model/model.bin", "hub/models--{}--model/snapshots/main/model.bin"] {
            let path = format!("{owner}/{}", path.replace("{}", owner));
            assert_eq!(findings(&path), plain, "{path}");
        }
    }
}

#[test]
fn no_limit_ends_in_a_clean_file() {
    let inner = tar(&[("a", &[7; 3000]), ("b", b"\x80\x02}.")]);
    let bytes = gzip(&gzip(&zip(&[Member::deflated("inner.tar", &inner)])));
    let judged = |limits| {
        examine(&Place::file("sample"), &bytes.as_slice().into(), &Context::new(limits, &[]))
    };
    let limits = Limits::default();
    for (what, limits) in [
        ("depth", Limits { depth: 1, ..limits }),
        ("ratio", Limits { ratio: 1, expanded: 1 << 12, ..limits }),
        ("expanded", Limits { expanded: 1000, ..limits }),
        ("members", Limits { members: 1, ..limits }),
        ("opcodes", Limits { opcodes: 0, ..limits }),
        ("time", Limits { time: Duration::ZERO, ..limits }),
    ] {
        assert_ne!(judged(limits).outcome(), Outcome::Clean, "{what}");
    }
}

#[test]
fn bytes_behind_a_pickle_that_another_reader_would_run() {
    let first = b"\x80\x04}.";
    assert!(breaks(&[&first[..], COMMAND].concat(), "MW1108"));
    assert!(breaks(&[&first[..], b"\n\n\0\0", COMMAND].concat(), "MW1108"));
    assert_eq!(outcome(&[&first[..], &torch(COMMAND)].concat()), Outcome::Malicious);
}
