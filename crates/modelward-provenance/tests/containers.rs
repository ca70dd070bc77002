//! One model in every container, as the libraries write them: the same tensors have the same digests.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, path::Path};

use modelward_provenance::manifest::{Manifest, Options, diff};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/containers"))
}

fn options() -> Options {
    Options { contents: true, threads: 2, ..Options::default() }
}

type Tensors = BTreeMap<String, (String, Vec<u64>, String)>;

fn tensors(manifest: &Manifest, file: &str) -> Tensors {
    let all = &manifest.contents.as_ref().unwrap().tensors;
    let here = all.iter().filter(|tensor| tensor.file == file);
    here.map(|tensor| {
        let kept = (tensor.dtype.clone(), tensor.shape.clone(), tensor.sha256.to_string());
        (tensor.name.clone(), kept)
    })
    .collect()
}

#[test]
fn every_container_of_a_model_has_the_same_tensors() {
    let manifest = Manifest::of(folder(), &options()).unwrap();
    assert_eq!(manifest.unread, []);
    let model = tensors(&manifest, "model.safetensors");
    assert_eq!(model.len(), 14);
    for (file, count) in [
        ("model.bin", 14),
        ("model.legacy.pt", 14),
        ("model.views.pt", 14),
        ("model.views.legacy.pt", 14),
        ("model.onnx", 14),
        ("model.typed.onnx", 14),
        ("external/model.onnx", 14),
        // numpy has no bfloat16; ggml no truths, no unsigned numbers, no tensors without elements.
        ("model.npz", 13),
        ("model.packed.npz", 13),
        ("model.gguf", 10),
        ("model.big.gguf", 10),
        ("script.pt", 3),
    ] {
        let found = tensors(&manifest, file);
        assert_eq!(found.len(), count, "{file}");
        for (name, tensor) in found {
            assert_eq!(model.get(&name), Some(&tensor), "{name} of {file}");
        }
    }
}

#[test]
fn digests_are_those_that_numpy_and_hashlib_give() {
    // sha256(b"modelward-tensor/v1\n" + dtype + b"\n" + shape + b"\n" + array.tobytes())
    let manifest = Manifest::of(&folder().join("model.safetensors"), &options()).unwrap();
    let model = tensors(&manifest, "model.safetensors");
    for (name, digest) in [
        ("embed.weight", EMBED),
        ("mask", MASK),
        ("brain", BRAIN),
        ("scalar", SCALAR),
        ("none", NONE),
    ] {
        assert_eq!(model[name].2, digest, "{name}");
    }
}

#[test]
fn another_container_is_told_as_that() {
    let side = |file: &str| diff::Side::open(&folder().join(file), &options()).unwrap();
    let (old, new) = (side("model.bin"), side("model.safetensors"));
    let comparison = diff::compare(&old, &new, &options());
    assert!(comparison.differs() && comparison.tensors.is_empty());
    let converted = &comparison.converted[0];
    assert_eq!(
        (converted.from.1.as_str(), converted.to.1.as_str()),
        ("pytorch-zip", "safetensors")
    );
    assert!(!converted.renamed && converted.tensors == 14);
}

const EMBED: &str = "d56bbb049c05c6c09a14fde4d2eb694067f4d02d13f778f38fc4d1a450a34104";
const MASK: &str = "dcbf01c3aad2ec008ec7a1f536dc244714896c4eef45bffd398d72291add201f";
const BRAIN: &str = "a057cd81ab7cf1827076c3c969ee1d0a23d7fe8037fbece9545a39c0142fd0d5";
const SCALAR: &str = "f2df489ada101a8267a8d0fdcaa917703c0f59200c13539b3b7ef0c50384aa18";
const NONE: &str = "fe949ac82206a1915c9ae69e6e244f19e855d8180d9c0aca9fe032de0ab1796c";
