//! What cleaning came to, as people and programs read it.

use std::collections::BTreeMap;

use modelward_data::{
    prove::{Attack, HOW, Proof},
    quarantine::{Cleaned, Digest, Reasons},
};
use serde_json::{Value, json};

use super::Clean;
use crate::listing::shown;

/// What cleaning came to.
pub(super) struct Outcome<'a> {
    pub(super) arguments: &'a Clean,
    pub(super) cleaned: &'a Cleaned,
    pub(super) reasons: &'a Reasons,
    pub(super) proof: Option<Proof>,
}

impl Outcome<'_> {
    /// How many rows each check gave, and how many more than one of them.
    fn counts(&self) -> (BTreeMap<&str, u64>, u64) {
        let mut counts = BTreeMap::<&str, u64>::new();
        for reason in self.reasons.values().flatten() {
            let count = counts.entry(reason.check).or_default();
            *count = count.saturating_add(1);
        }
        let several = self.reasons.values().filter(|reasons| reasons.len() > 1).count();
        (counts, several as u64)
    }

    /// For people.
    pub(super) fn lines(&self) -> Vec<String> {
        let Cleaned { rows, removed, .. } = self.cleaned;
        let (counts, several) = self.counts();
        let mut each = counts.iter().map(|(check, rows)| format!("{rows} {check}"));
        let mut each = each.by_ref().collect::<Vec<_>>();
        if several > 0 {
            each.push(format!("{several} by more than one"));
        }
        let each = if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) };
        let mut lines = vec![format!(
            "removed {removed} of {rows} rows{each}; {} holds reasons and the way back; restore proven",
            shown(&self.arguments.quarantine)
        )];
        lines.extend(self.proof.iter().flat_map(proof_lines));
        lines
    }

    /// For programs.
    pub(super) fn json(&self, format: &str) -> Value {
        let digest = |Digest { bytes, sha256, blake3 }: &Digest| json!({ "bytes": bytes, "sha256": sha256, "blake3": blake3 });
        let Cleaned { rows, removed, original, cleaned, reads } = self.cleaned;
        let (counts, several) = self.counts();
        json!({
            "format": format,
            "rows": rows,
            "removed": removed,
            "checks": counts,
            "by more than one": several,
            "original": digest(original),
            "cleaned": digest(cleaned),
            "reads otherwise": reads,
            "quarantine": self.arguments.quarantine.to_string_lossy(),
            "proof": self.proof.as_ref().map(proof_json),
        })
    }
}

fn proof_lines(proof: &Proof) -> Vec<String> {
    if let Some(why) = &proof.skipped {
        return vec![format!("proof    not measured: {why}")];
    }
    let Proof { measure, rows, removed, before, after, better, worse, p_value, .. } = proof;
    let sampled = if proof.sampled { ", a sample that memory allows" } else { "" };
    let (right, wrong) = match *measure {
        "accuracy" => ("newly right", "newly wrong"),
        _ => ("nearer", "farther"),
    };
    let mut lines = vec![
        format!(
            "proof    {measure} on the same {rows} rows{sampled}: {before:.4} learning from the {removed} removed rows \
             too, {after:.4} without them ({better} {right}, {worse} {wrong}, p = {p_value:.2})"
        ),
        format!("         {HOW}"),
    ];
    lines.extend(proof.attacks.iter().map(|attack| {
        let Attack { kind, target, skipped, rows, without, before, after } = attack;
        match skipped {
            Some(why) => format!("proof    {kind} to `{target}` not tried: {why}"),
            None => format!(
                "proof    {kind} put on {rows} rows of other labels that neither run learnt from: {:.1} % come out \
                 as `{target}` before, {:.1} % after ({:.1} % without it)",
                100.0 * before,
                100.0 * after,
                100.0 * without
            ),
        }
    }));
    lines
}

fn proof_json(proof: &Proof) -> Value {
    if let Some(why) = &proof.skipped {
        return json!({ "skipped": why });
    }
    let attacks = proof.attacks.iter().map(|attack| {
        let Attack { kind, target, skipped, rows, without, before, after } = attack;
        match skipped {
            Some(why) => json!({ "kind": kind, "target": target, "skipped": why }),
            None => json!({
                "kind": kind,
                "target": target,
                "rows": rows,
                "without": without,
                "before": before,
                "after": after,
            }),
        }
    });
    json!({
        "measure": proof.measure,
        "how": HOW,
        "rows": proof.rows,
        "removed": proof.removed,
        "sampled": proof.sampled,
        "before": proof.before,
        "after": proof.after,
        "better": proof.better,
        "worse": proof.worse,
        "p_value": proof.p_value,
        "attacks": attacks.collect::<Vec<_>>(),
    })
}
