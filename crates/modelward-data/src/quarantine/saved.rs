//! What the `datasets` library keeps beside its data: how many rows there are, and a fingerprint under which
//! it finds what it made of them before.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{digest::hexadecimal, gather::Gathered};

/// A file beside the data as it has to be without some rows; `None` where it says nothing of them.
pub(super) fn anew(path: &str, bytes: &[u8], gathered: &Gathered) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(bytes).ok()?;
    match path {
        "state.json" => {
            let known = json.get("_fingerprint")?.as_str()?.to_owned();
            let mut digest = Sha256::new();
            digest.update(known);
            digest.update(&gathered.kept);
            let fresh: String = hexadecimal(&digest.finalize()).chars().take(16).collect();
            json.as_object_mut()?.insert("_fingerprint".to_owned(), fresh.into());
        }
        "dataset_info.json" => {
            let splits = json.get_mut("splits")?.as_object_mut()?;
            // Of several splits the folder holds one, which the number of rows tells.
            let alone = splits.len() == 1;
            let rows = gathered.rows;
            let left = rows.saturating_sub(gathered.removed);
            for split in splits.values_mut().filter_map(Value::as_object_mut) {
                let said = split.get("num_examples").and_then(Value::as_u64);
                if alone || said == Some(rows) {
                    split.insert("num_examples".to_owned(), left.into());
                }
            }
        }
        _ => return None,
    }
    let mut bytes = serde_json::to_vec_pretty(&json).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}
