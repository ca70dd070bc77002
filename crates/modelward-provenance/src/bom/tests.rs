//! Whatever a model says of itself, there is a document, and its references name one thing each.

use std::collections::HashSet;

use modelward_formats::{Bytes, Limits, Tree};
use proptest::prelude::*;
use serde_json::Value;

use super::{FileEntry, Origin, Subject, cyclonedx, facts, spdx};
use crate::digest::{self, Function};

fn documents(files: &[(&str, &[u8])]) -> [Value; 3] {
    let entry = |(path, bytes): &(&str, &[u8])| FileEntry {
        path: (*path).to_owned(),
        bytes: bytes.len() as u64,
        sha256: digest::of(Function::Sha256, bytes),
        blake3: digest::of(Function::Blake3, bytes),
    };
    let mut entries = files.iter().map(entry).collect::<Vec<_>>();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let bytes = files.iter().map(|(path, bytes)| ((*path).to_owned(), Bytes::from(*bytes)));
    let tree = Tree::new(bytes.collect());
    let facts =
        facts(&tree, Origin { name: "model".into(), ..Origin::default() }, Limits::default());
    let subject = Subject {
        facts: &facts,
        files: &entries,
        missing: &[],
        scan: None,
        created: None,
        version: "0",
    };
    let texts = [
        cyclonedx::write(&subject, cyclonedx::Version::V1_6),
        cyclonedx::write(&subject, cyclonedx::Version::V1_7),
        spdx::write(&subject),
    ];
    texts.map(|text| serde_json::from_str(&text).unwrap())
}

/// The texts under a key, wherever it stands.
fn under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get(key).and_then(Value::as_str));
            map.values().for_each(|value| under(value, key, found));
        }
        Value::Array(list) => list.iter().for_each(|value| under(value, key, found)),
        _ => {}
    }
}

#[test]
fn a_model_in_two_precisions_is_counted_once() {
    let weights = |kind: &str, bytes: usize| {
        let header =
            format!(r#"{{"a":{{"dtype":"{kind}","shape":[2,3],"data_offsets":[0,{bytes}]}}}}"#);
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.resize(file.len().saturating_add(bytes), 0);
        file
    };
    let (single, half) = (weights("F32", 24), weights("F16", 12));
    let [document, ..] =
        documents(&[("model.safetensors", &single), ("model.fp16.safetensors", &half)]);
    let properties = document["components"][0]["properties"].as_array().unwrap();
    let of = |name: &str| {
        let mut found = properties.iter().filter(|property| property["name"] == name);
        found.next().map(|property| property["value"].as_str().unwrap())
    };
    assert_eq!(of("modelward:parameters"), Some("6"));
    assert_eq!(of("modelward:counted-in"), Some("model.safetensors"));
    assert_eq!(of("modelward:dtype:f16"), None);
}

fn card() -> impl Strategy<Value = String> {
    let keys = prop::sample::select(vec![
        "license",
        "datasets",
        "base_model",
        "tags",
        "pipeline_tag",
        "language",
        "model-index",
    ]);
    let value = prop_oneof![
        "[a-z:/, \\[\\]{}\"'-]{0,20}".boxed(),
        Just("[a, a, b]".to_owned()).boxed(),
        "\"(\\\\n|\\\\0|\\\\u202e|[a-z ]){0,9}\"".boxed(),
    ];
    prop::collection::vec((keys, value), 0..6).prop_map(|entries| {
        let lines = entries.iter().map(|(key, value)| format!("{key}: {value}\n"));
        format!("---\n{}---\n", lines.collect::<String>())
    })
}

proptest! {
    #[test]
    fn references_name_one_thing_each(
        card in card(),
        config in "\\{\"(architectures|model_type|auto_map|quantization_config)\": .{0,30}\\}",
        weights in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let files: [(&str, &[u8]); 4] = [
            ("README.md", card.as_bytes()),
            ("config.json", config.as_bytes()),
            ("model.safetensors", &weights),
            ("model.gguf", &weights),
        ];
        let [old, new, spdx] = documents(&files);
        for document in [&old, &new] {
            let (mut named, mut used) = (Vec::new(), Vec::new());
            under(document, "bom-ref", &mut named);
            under(document, "ref", &mut used);
            let all = named.iter().copied().collect::<HashSet<_>>();
            prop_assert_eq!(all.len(), named.len());
            prop_assert!(used.iter().all(|used| all.contains(used)));
        }
        let mut named = Vec::new();
        under(&spdx, "spdxId", &mut named);
        prop_assert_eq!(named.iter().collect::<HashSet<_>>().len(), named.len());
    }
}
