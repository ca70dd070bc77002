//! `modelward bom`: documents of small models, held against the official schemas of CycloneDX.

use std::{collections::HashSet, error::Error, fs, path::Path};

use serde_json::{Value, json};

use crate::{Bench, HARMFUL, NOTHING};

const COMMIT: &str = "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a";

const CARD: &str = "\
---
license: Apache-2.0
language: [en, no]
datasets: [org/stories, squad]
base_model: org/base-1b
base_model_relation: finetune
pipeline_tag: text-generation
library_name: transformers
tags: [trl, sft]
model-index:
- name: tiny
  results:
  - task: {type: text-generation}
    dataset: {name: GSM8K, type: gsm8k, split: test}
    metrics: [{type: accuracy, value: 0.42}]
---
# Tiny
";

const CONFIG: &str = r#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4,
    "num_hidden_layers": 2, "vocab_size": 8, "max_position_embeddings": 64, "dtype": "float16",
    "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}}"#;

/// A safetensors file of 8 x 4 halves and 4 single floats.
fn weights() -> Vec<u8> {
    let header = r#"{"a":{"dtype":"F16","shape":[8,4],"data_offsets":[0,64]},"b":{"dtype":"F32","shape":[4],"data_offsets":[64,80]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend([0; 80]);
    file
}

fn tiny() -> Bench {
    let bench = Bench::new();
    bench.file("tiny/README.md", CARD.as_bytes()).file("tiny/config.json", CONFIG.as_bytes());
    bench.file("tiny/model.safetensors", &weights());
    bench
}

/// The schemas lie beside the test, so none is fetched.
struct Beside;

impl jsonschema::Retrieve for Beside {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Value, Box<dyn Error + Send + Sync>> {
        schema(uri.as_str().rsplit('/').next().unwrap_or_default())
    }
}

fn schema(name: &str) -> Result<Value, Box<dyn Error + Send + Sync>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cyclonedx");
    Ok(serde_json::from_slice(&fs::read(folder.join(name))?)?)
}

/// The document of a run in both versions, of which the newer is given back.
fn valid(bench: &Bench, arguments: &[&str]) -> Value {
    let documents = ["1.6", "1.7"].map(|version| {
        let run = bench.run(&[&["bom", "--spec", version], arguments].concat());
        assert!(run.code == 0 || run.code == 3, "{run:?}");
        let document = serde_json::from_str(&run.out).unwrap();
        let schema = schema(&format!("bom-{version}.schema.json")).unwrap();
        let options = jsonschema::options().with_retriever(Beside).should_validate_formats(true);
        let validator = options.build(&schema).unwrap();
        let faults = validator.iter_errors(&document).map(|fault| fault.to_string());
        assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new(), "{version}");
        document
    });
    let [_, document] = documents;
    references(&document);
    document
}

/// References name one thing each, and every one that is used is there.
fn references(document: &Value) {
    fn walk<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get(key).and_then(Value::as_str));
                map.values().for_each(|value| walk(value, key, found));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, key, found)),
            _ => {}
        }
    }
    let (mut named, mut used) = (Vec::new(), Vec::new());
    walk(document, "bom-ref", &mut named);
    walk(document, "ref", &mut used);
    let all = named.iter().copied().collect::<HashSet<_>>();
    assert_eq!(all.len(), named.len(), "{named:?}");
    assert!(used.iter().all(|used| all.contains(used)), "{used:?}");
}

/// The document without what changes with every release.
fn shown(document: &Value) -> String {
    let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
    serde_json::to_string_pretty(document).unwrap().replace(&version, "\"version\": \"X.Y.Z\"")
}

fn property<'a>(component: &'a Value, name: &str) -> Option<&'a str> {
    let properties = component["properties"].as_array()?;
    properties.iter().find(|property| property["name"] == name)?["value"].as_str()
}

#[test]
fn what_is_known_of_a_model_stands_in_its_document() {
    let bench = tiny();
    let source = format!("hf:org/tiny@{COMMIT}");
    let document = valid(&bench, &["tiny", "--source", &source]);
    let model = &document["components"][0];
    assert_eq!(model["purl"], format!("pkg:huggingface/org/tiny@{COMMIT}"));
    assert_eq!(model["licenses"][0]["license"]["id"], "Apache-2.0");
    assert_eq!(property(model, "modelward:parameters"), Some("36"));
    assert_eq!(property(model, "modelward:dtype:f16"), Some("32"));
    assert_eq!(property(model, "modelward:quantisation"), Some("gptq, 4 bits, groups of 128"));
    assert_eq!(property(model, "modelward:quantisation:declared-by"), Some("config.json"));
    assert_eq!(property(model, "modelward:language"), Some("en, no"));
    assert_eq!(
        model["modelCard"]["modelParameters"],
        json!({
            "approach": {"type": "supervised"}, "task": "text-generation",
            "architectureFamily": "llama", "modelArchitecture": "LlamaForCausalLM",
            "datasets": [{"ref": "dataset:org/stories"}, {"ref": "dataset:squad"}],
            "inputs": [{"format": "text"}], "outputs": [{"format": "text"}],
        })
    );
    let ancestor = &model["pedigree"]["ancestors"][0];
    assert_eq!(ancestor["purl"], "pkg:huggingface/org/base-1b");
    assert_eq!(property(ancestor, "modelward:declared-by"), Some("README.md"));
    assert!(document["metadata"].get("timestamp").is_none());
    insta::assert_snapshot!(shown(&document));
}

#[test]
fn a_file_alone_has_a_document_too() {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../modelward-formats/tests/fixtures");
    bench.file("kinds.gguf", &fs::read(folder.join("kinds.gguf")).unwrap());
    let document = valid(&bench, &["kinds.gguf"]);
    insta::assert_snapshot!(shown(&document));
}

#[test]
fn the_same_bytes_give_the_same_document() {
    let bench = tiny();
    for index in 0..20 {
        bench.file(format!("tiny/more/{index}.txt"), &[index]);
    }
    for spec in ["1.6", "1.7", "spdx"] {
        let of = |threads| {
            let arguments = ["bom", "tiny", "--spec", spec, "--threads", threads];
            let mut command = bench.command(&arguments);
            let output = command.env("SOURCE_DATE_EPOCH", "1700000000").output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let one = of("1");
        assert!(one.contains("2023-11-14T22:13:20Z"), "{one}");
        assert_eq!(of("8"), one);
    }
}

#[test]
fn findings_are_vulnerabilities_of_their_file() {
    let bench = tiny();
    bench.file("tiny/extra.pkl", HARMFUL);
    let run = bench.run(&["bom", "tiny"]);
    assert_eq!(run.code, 0, "{run:?}");
    let document = valid(&bench, &["tiny"]);
    let found = document["vulnerabilities"].as_array().unwrap();
    let worst = found.iter().find(|one| one["analysis"]["state"] == "exploitable").unwrap();
    assert_eq!(worst["affects"], json!([{"ref": "file:extra.pkl"}]));
    assert_eq!(worst["ratings"][0]["severity"], "critical");
    assert!(valid(&bench, &["tiny", "--no-scan"]).get("vulnerabilities").is_none());
    let single = valid(&bench, &["tiny/extra.pkl"]);
    assert_eq!(single["vulnerabilities"][0]["affects"], json!([{"ref": "file:extra.pkl"}]));
}

#[test]
fn what_was_not_read_is_told() {
    let bench = tiny();
    bench.file("tiny/odd.bin", NOTHING);
    let run = bench.run(&["bom", "tiny"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.out.contains("modelward:unread"), "{run:?}");
    // A list of shards that are not there, and a card that is no YAML.
    bench.file("bad/model.safetensors.index.json", br#"{"weight_map": {"a": "gone.safetensors"}}"#);
    bench.file("bad/README.md", b"---\na: [\n---\n").file("bad/config.json", b"{");
    assert_eq!(bench.run(&["bom", "bad", "--no-scan"]).code, 3);
    let document = valid(&bench, &["bad", "--no-scan"]);
    let properties = document["metadata"]["properties"].as_array().unwrap();
    let unread = properties.iter().filter(|property| property["name"] == "modelward:unread");
    assert_eq!(unread.count(), 3, "{properties:?}");
}

#[test]
fn hostile_cards_give_valid_documents() {
    let bench = tiny();
    let card = "---\nlicense: \"MIT\\n\\u202e OR\"\nlicense_link: \"javascript:x y\"\ndatasets: [a, a, \"\\x07\", {b: c}, \"file:config.json\"]\nbase_model: [\"../../x\", \"../../x\", model]\ntags: [x, x, ~]\npipeline_tag: \"a\\nb\"\nmodel-index: [{results: [{metrics: [{type: [1]}, {value: .nan, type: \"\\0\"}]}]}]\n---\n";
    bench.file("tiny/README.md", card.as_bytes());
    bench.file("tiny/a b\n\u{202e}c", b"x");
    bench.file("tiny/config.json", br#"{"architectures": [7], "model_type": {"a": 1}, "vocab_size": -1, "auto_map": {"a": ["\u0000"]}}"#);
    let document = valid(&bench, &["tiny"]);
    let model = &document["components"][0];
    assert_eq!(model["licenses"][0]["license"]["name"], "MIT OR");
    assert_eq!(model["modelCard"]["modelParameters"]["task"], "a b");
    assert_eq!(model["modelCard"]["modelParameters"]["datasets"].as_array().unwrap().len(), 2);
    assert!(model["pedigree"]["ancestors"][0].get("purl").is_none());
}

#[test]
fn a_document_takes_the_place_of_an_older_one_alone() {
    let bench = tiny();
    let first = bench.run(&["bom", "tiny"]);
    assert_eq!(bench.run(&["bom", "tiny", "-o", "tiny/bom.json"]).code, 0);
    // It lies in the folder now, and is no part of the model.
    assert_eq!(bench.run(&["bom", "tiny", "-o", "tiny/bom.json"]).code, 0);
    assert_eq!(fs::read_to_string(bench.path("tiny/bom.json")).unwrap(), first.out);
    let run = bench.run(&["bom", "tiny", "-o", "tiny/config.json"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("no older bill of materials"), "{run:?}");
    assert_eq!(fs::read_to_string(bench.path("tiny/config.json")).unwrap(), CONFIG);
}

#[test]
fn wrong_usage_is_told() {
    let bench = tiny();
    for (arguments, hint) in [
        (&["bom", "gone"][..], "cannot read `gone`"),
        (&["bom", "-"], "found standard input"),
        (&["bom", "tiny", "--source", "org/x"], "expected `hf:OWNER/NAME@COMMIT`"),
        (&["bom", "tiny", "--spec", "1.5"], "1.6"),
    ] {
        let run = bench.run(arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert!(run.err.contains(hint) && run.out.is_empty(), "{arguments:?}: {run:?}");
    }
    let mut command = bench.command(&["bom", "tiny"]);
    let output = command.env("SOURCE_DATE_EPOCH", "soon").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn spdx_has_an_element_for_every_reference() {
    let bench = tiny();
    bench.file("tiny/extra.pkl", HARMFUL);
    let run = bench.run(&["bom", "tiny", "--spec", "spdx"]);
    let document: Value = serde_json::from_str(&run.out).unwrap();
    let graph = document["@graph"].as_array().unwrap();
    let ids = graph.iter().filter_map(|element| element["spdxId"].as_str());
    let ids = ids.collect::<HashSet<_>>();
    assert_eq!(ids.len().checked_add(1), Some(graph.len()), "each has one of its own");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for element in graph.iter().filter(|element| element.get("relationshipType").is_some()) {
        let to = element["to"].as_array().unwrap().iter().map(text);
        for id in to.chain([text(&element["from"])]) {
            assert!(ids.contains(id.as_str()), "{id}");
        }
    }
    let package = graph.iter().find(|element| element["name"] == "tiny").unwrap();
    assert_eq!(package["type"], "ai_AIPackage");
    assert_eq!(package["ai_typeOfModel"], json!(["llama", "LlamaForCausalLM"]));
    let count = |kind: &str| graph.iter().filter(|element| element["type"] == kind).count();
    assert_eq!(count("software_File"), 4);
    assert_eq!(count("dataset_DatasetPackage"), 2);
    assert!(count("security_VexAffectedVulnAssessmentRelationship") > 0);
}
