//! The test vectors of the age format (C2SP/CCTV), each as it says itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "tests"
)]

use std::{collections::HashMap, io::Read, ops::ControlFlow, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use modelward_formats::{Budget, Bytes, Limits, read};
use modelward_provenance::seal::{Fault, Opened, Passphrase, Result, Secret, USUAL_WORK, Unseal};
use sha2::{Digest, Sha256};

/// A vector: what it says of itself, and the sealed file.
struct Vector {
    name: &'static str,
    keys: HashMap<String, Vec<String>>,
    sealed: Vec<u8>,
}

impl Vector {
    fn key(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(|values| values[0].as_str())
    }

    fn secret(&self) -> Secret {
        if let Some(passphrase) = self.key("passphrase") {
            let passphrase = Passphrase::new(passphrase.to_owned()).unwrap();
            return Secret::Passphrase { passphrase, most_work: USUAL_WORK };
        }
        let identities = self.keys.get("identity").map(Vec::as_slice).unwrap_or_default();
        Secret::Identities(identities.iter().map(|text| text.parse().unwrap()).collect())
    }

    /// What was given before the end or the fault.
    fn stream(&self) -> (Vec<u8>, Result<()>) {
        let mut content = Vec::new();
        let end = Unseal::new(&self.sealed[..], &self.secret())
            .and_then(|mut unseal| Ok(unseal.read_to_end(&mut content).map(drop)?));
        (content, end)
    }

    /// The same by ranges, the last byte first.
    fn ranges(&self) -> Result<Vec<u8>> {
        let opened = Opened::new(Bytes::from(&self.sealed[..]), &self.secret())?;
        let mut content = vec![0; usize::try_from(opened.len()).unwrap()];
        for (index, part) in content.chunks_mut(1000).enumerate().rev() {
            let at = index as u64 * 1000;
            let mut filled = 0;
            while filled < part.len() {
                filled += opened.read_at(at + filled as u64, &mut part[filled..])?;
            }
        }
        Ok(content)
    }
}

#[test]
fn every_vector_opens_or_fails_as_it_says() {
    let mut seen = HashMap::<String, usize>::new();
    for vector in vectors() {
        let (name, expected) = (vector.name, vector.key("expect").unwrap().to_owned());
        let (content, end) = vector.stream();
        let broken = matches!(end, Err(Fault::Broken(_)));
        let shown = format!("{name}: expected {expected}, got {end:?}");
        if let Some(payload) = vector.key("payload") {
            let digest = Sha256::digest(&content);
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, payload, "{shown}");
        } else {
            assert!(content.is_empty(), "{shown}");
        }
        let as_expected = match &expected[..] {
            "success" => end.is_ok(),
            "no match" => matches!(end, Err(Fault::Trouble(_))),
            // What is no file of this format, or of its first version, is not broken.
            _ if NOT_BROKEN.contains(&name) => matches!(end, Err(Fault::Trouble(_))),
            "header failure" | "HMAC failure" | "payload failure" | "armor failure" => broken,
            _ => false,
        };
        assert!(as_expected, "{shown}");
        match vector.ranges() {
            Ok(by_ranges) => assert!(end.is_ok() && by_ranges == content, "{name} by ranges"),
            Err(fault) => {
                let armored = vector.key("armored").is_some();
                assert!(end.is_err() || armored, "{name} by ranges: {fault}");
            }
        }
        *seen.entry(expected).or_default() += 1;
    }
    assert_eq!(seen.values().sum::<usize>(), 124);
    assert_eq!(seen.get("success"), Some(&21));
}

const NOT_BROKEN: [&str; 4] =
    ["armor_empty", "armor_garbage_leading", "empty", "version_unsupported"];

fn vectors() -> impl Iterator<Item = Vector> {
    let lines = include_str!("fixtures/age-vectors.tsv").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| {
        let (name, encoded) = line.split_once('\t').unwrap();
        let bytes = STANDARD.decode(encoded).unwrap();
        let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap();
        let mut keys = HashMap::<_, Vec<_>>::new();
        for line in str::from_utf8(&bytes[..end]).unwrap().lines() {
            let (key, value) = line.split_once(": ").unwrap();
            keys.entry(key.to_owned()).or_default().push(value.to_owned());
        }
        let mut sealed = bytes[end + 2..].to_vec();
        if keys.contains_key("compressed") {
            sealed = expand(&sealed);
        }
        Vector { name, keys, sealed }
    })
}

/// What zlib has packed.
fn expand(packed: &[u8]) -> Vec<u8> {
    let budget: Arc<Budget> = Budget::new(Limits { ratio: 10_000, ..Limits::default() });
    let mut expanded = None;
    for reading in read(&Bytes::from(packed), &budget) {
        let Ok(asset) = reading.asset else { continue };
        asset.parts(&mut |part| {
            let bytes = part.bytes.unwrap();
            expanded = Some(bytes.take(0, bytes.len()).unwrap());
            ControlFlow::Continue(())
        });
    }
    expanded.expect("a vector packed by zlib")
}
