//! That a transparency log has taken in an entry: its promise, or a proof of inclusion (RFC 6962, section
//! 2.1.1) with a checkpoint that it signed (C2SP tlog-checkpoint and signed-note).

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{
    evidence::{Entry, Proof},
    form::{base64, hexadecimal, unbase64},
    root::{Log, TrustedRoot},
};
use crate::x509::Moment;

/// Check that a trusted log holds the entry; the time of its promise, if there is one.
pub(super) fn check(
    entry: &Entry,
    root: &TrustedRoot,
    at: Option<Moment>,
) -> Result<Option<Moment>, String> {
    let mut logs = root.logs.iter().filter(|log| log.id == entry.log_id.key_id.0).peekable();
    if logs.peek().is_none() {
        return Err(format!(
            "its log `{}` is none of the trusted root",
            base64(&entry.log_id.key_id.0)
        ));
    }
    let mut last = Err(String::new());
    for log in logs {
        last = by(log, entry, at);
        if last.is_ok() {
            break;
        }
    }
    last
}

fn by(log: &Log, entry: &Entry, at: Option<Moment>) -> Result<Option<Moment>, String> {
    let seconds =
        i64::try_from(entry.integrated_time.0).map_err(|_| "its time is beyond all calendars")?;
    let integrated = Moment(seconds);
    let promised = match &entry.inclusion_promise {
        None => None,
        Some(promise) => {
            let signature = &promise.signed_entry_timestamp.0;
            log.verify(&promise_text(entry), signature, integrated)
                .map_err(|why| format!("the promise of the log is void: {why}"))?;
            Some(integrated)
        }
    };
    match &entry.inclusion_proof {
        None if promised.is_none() => {
            return Err("there is neither a promise nor a proof of the log".into());
        }
        None => {}
        Some(proof) => {
            // What no time vouches for is asked for the time that something else proved.
            let at = promised.or(at).ok_or("there is no time at which the log could be asked")?;
            included(proof, &entry.canonicalized_body.0)?;
            checkpoint(log, proof, at)
                .map_err(|why| format!("the checkpoint of the log is void: {why}"))?;
        }
    }
    Ok(promised)
}

/// What a log signs when it promises: keys in order, no blanks (RFC 8785).
fn promise_text(entry: &Entry) -> Vec<u8> {
    let body = base64(&entry.canonicalized_body.0);
    let id = hexadecimal(&entry.log_id.key_id.0);
    // Base64 and hexadecimal have nothing to escape.
    format!(
        "{{\"body\":{},\"integratedTime\":{},\"logID\":{},\"logIndex\":{}}}",
        json!(body),
        entry.integrated_time.0,
        json!(id),
        entry.log_index.0
    )
    .into_bytes()
}

fn node(left: &[u8], right: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().to_vec()
}

/// Check that the hashes lead from the entry to the root (RFC 9162, section 2.1.3.2).
fn included(proof: &Proof, body: &[u8]) -> Result<(), String> {
    let (mut index, size) = (proof.log_index.0, proof.tree_size.0);
    let Some(mut last) = size.checked_sub(1).filter(|last| index <= *last) else {
        return Err("its index is outside the tree of the log".into());
    };
    let mut hash = Sha256::new().chain_update([0]).chain_update(body).finalize().to_vec();
    for sibling in &proof.hashes {
        if last == 0 || sibling.0.len() != 32 {
            return Err("the proof of the log has hashes too many, or of another size".into());
        }
        if index & 1 == 1 || index == last {
            hash = node(&sibling.0, &hash);
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, &sibling.0);
        }
        index >>= 1;
        last >>= 1;
    }
    if last != 0 || hash != proof.root_hash.0 {
        return Err("the proof of the log does not lead from this entry to its root".into());
    }
    Ok(())
}

/// Check that the log signed the root of the tree.
fn checkpoint(log: &Log, proof: &Proof, at: Moment) -> Result<(), String> {
    const NO_NOTE: &str = "it is no signed note";
    let note = &proof.checkpoint.as_ref().ok_or("it is missing")?.envelope;
    let (text, signatures) = note.split_once("\n\n").ok_or(NO_NOTE)?;
    let mut lines = text.split('\n');
    let (_origin, size, root) = (lines.next(), lines.next(), lines.next());
    let size = size.filter(|size| !size.starts_with('+')).and_then(|size| size.parse().ok());
    if size != Some(proof.tree_size.0)
        || root.and_then(unbase64).as_deref() != Some(&proof.root_hash.0[..])
    {
        return Err("it is of another tree".into());
    }
    // The line end of the last line of the text is signed too.
    let signed = [text, "\n"].concat();
    let mut last = Err("the log did not sign it".into());
    for line in signatures.lines().take(64) {
        let line =
            line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' ')).ok_or(NO_NOTE)?;
        let bytes = unbase64(line.1).ok_or(NO_NOTE)?;
        let (hint, signature) = bytes.split_at_checked(4).ok_or(NO_NOTE)?;
        if !log.id.starts_with(hint) {
            continue;
        }
        last = log.verify(signed.as_bytes(), signature, at);
        if last.is_ok() {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;

    use super::*;
    use crate::sigstore::root::LogKey;

    fn leaf(at: usize) -> Vec<u8> {
        Sha256::new().chain_update([0]).chain_update(at.to_string()).finalize().to_vec()
    }

    /// Merkle tree hash and audit path, as RFC 6962, section 2.1, defines them.
    fn tree(leaves: std::ops::Range<usize>) -> Vec<u8> {
        match leaves.len() {
            1 => leaf(leaves.start),
            len => {
                let middle = leaves.start.saturating_add(len.next_power_of_two() / 2);
                node(&tree(leaves.start..middle), &tree(middle..leaves.end))
            }
        }
    }

    fn path(at: usize, leaves: std::ops::Range<usize>) -> Vec<Vec<u8>> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let middle = leaves.start.saturating_add(leaves.len().next_power_of_two() / 2);
        let (inside, beside) = if at < middle {
            (leaves.start..middle, middle..leaves.end)
        } else {
            (middle..leaves.end, leaves.start..middle)
        };
        [path(at, inside), vec![tree(beside)]].concat()
    }

    fn entry(at: usize, size: usize, log: &SigningKey) -> (Log, Entry) {
        let root = tree(0..size);
        let id = Sha256::digest(log.verifying_key().as_bytes()).to_vec();
        let text = format!("log.example\n{size}\n{}\n", base64(&root));
        let signature = [&id[..4], &log.sign(text.as_bytes()).to_bytes()].concat();
        let note = format!(
            "{text}\n\u{2014} other AAAAAAA=\n\u{2014} log.example {}\n",
            base64(&signature)
        );
        let hashes: Vec<String> = path(at, 0..size).iter().map(|hash| base64(hash)).collect();
        let entry = serde_json::from_value(json!({
            "logId": {"keyId": base64(&id)},
            "canonicalizedBody": base64(at.to_string().as_bytes()),
            "inclusionProof": {
                "logIndex": at.to_string(), "treeSize": size, "rootHash": base64(&root),
                "hashes": hashes, "checkpoint": {"envelope": note},
            },
        }));
        let valid = serde_json::from_value(
            json!({"start": "2025-01-01T00:00:00Z", "end": "2025-12-31T00:00:00Z"}),
        );
        let key = LogKey::Ed25519(Box::new(log.verifying_key()));
        (Log { id, key, valid: valid.unwrap() }, entry.unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn proofs_hold_for_their_own_place_alone(size in 1..80usize, at: prop::sample::Index, other in 0..80usize) {
            let at = at.index(size);
            let key = SigningKey::from_bytes(&[7; 32]);
            let (log, entry) = entry(at, size, &key);
            let inside = Moment::parse("2025-06-01T00:00:00Z");
            prop_assert_eq!(by(&log, &entry, inside), Ok(None));
            // Without a time nobody vouches for the log, nor outside of its own.
            prop_assert!(by(&log, &entry, None).is_err());
            prop_assert!(by(&log, &entry, Moment::parse("2026-01-01T00:00:00Z")).is_err());
            if other != at {
                let mut moved = entry.clone();
                moved.canonicalized_body.0 = other.to_string().into_bytes();
                prop_assert!(by(&log, &moved, inside).is_err());
            }
            let mut longer = entry.clone();
            let proof = longer.inclusion_proof.as_mut().unwrap();
            proof.hashes.push(proof.root_hash.clone());
            prop_assert!(by(&log, &longer, inside).is_err());
            let mut forged = entry.clone();
            let checkpoint = forged.inclusion_proof.as_mut().unwrap().checkpoint.as_mut().unwrap();
            checkpoint.envelope = checkpoint.envelope.replacen("log", "lag", 1);
            prop_assert!(by(&log, &forged, inside).is_err());
        }
    }
}
