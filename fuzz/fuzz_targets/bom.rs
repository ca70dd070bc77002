#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Bytes, Limits, Tree};
use modelward_provenance::bom::{Origin, Subject, cyclonedx, facts, spdx};

fuzz_target!(|data: &[u8]| {
    let names = ["README.md", "config.json", "model_index.json", "model.safetensors", "model.gguf"];
    let parts = data.split(|byte| *byte == 0xff);
    let files = names.iter().zip(parts).map(|(name, part)| ((*name).to_owned(), Bytes::from(part)));
    let facts = facts(&Tree::new(files.collect()), Origin::default(), Limits::default());
    let (missing, scan, created) = (&[], None, None);
    let subject = Subject { facts: &facts, files: &[], missing, scan, created, version: "0" };
    cyclonedx::write(&subject, cyclonedx::Version::V1_7);
    spdx::write(&subject);
});
