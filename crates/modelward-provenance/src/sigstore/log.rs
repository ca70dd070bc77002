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
