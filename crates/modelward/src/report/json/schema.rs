//! The schema of the JSON report, for those who read it by program.

use modelward_core::{Outcome, Severity};
use serde_json::{Value, json};

/// The JSON Schema (draft 2020-12) of the report.
pub fn schema() -> Value {
    let (text, count) = (json!({"type": "string"}), json!({"type": "integer", "minimum": 0}));
    let place = record(
        &["path", "inside"],
        json!({
            "path": {"type": "string", "description": "relative to the target where that is one folder"},
            "inside": {
                "type": "array", "items": text,
                "description": "the steps down to a piece inside the file",
            },
            "at": {"type": "integer", "minimum": 0, "description": "byte offset in that piece"},
        }),
    );
    let gap = record(&["place", "why"], json!({"rule": rule(), "place": place, "why": text}));
    let left = record(&["place", "why"], json!({"place": place, "why": text}));
    let tool = json!({"name": {"const": "modelward"}, "version": text});
    let counts = json!({
        "files": count, "unread": count, "checks": count,
        "findings": count, "denied": count, "allowed": count,
    });
    let fields = json!({
        "schema": {"const": 1},
        "tool": record(&["name", "version"], tool),
        "target": list(&text),
        "verdict": {"enum": ["clean", "denied", "unread"]},
        "files": list(&file()),
        "findings": list(&finding(&place)),
        "unread": list(&gap),
        "skipped": list(&left),
        "measurements": {
            "type": "array",
            "description": "what experiments came to; each kind has fields of its own",
            "items": record(&["kind"], json!({"kind": text})),
        },
        "basis": record(&["rules", "policy", "limits"], json!({
            "rules": sha256("of the rules"),
            "policy": sha256("of the policy"),
            "limits": {"type": "object", "additionalProperties": count},
        })),
        "counts": record(&["files", "unread", "checks", "findings", "denied", "allowed"], counts),
        "seconds": {"type": "number", "minimum": 0},
    });
    let required =
        ["schema", "tool", "target", "verdict", "files", "findings", "unread", "counts", "seconds"];
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "modelward report, schema 1",
        "type": "object",
        "required": required,
        "properties": fields,
    })
}

fn sha256(what: &str) -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{64}$", "description": format!("SHA-256 {what}")})
}

fn file() -> Value {
    let outcomes =
        [Outcome::AsSigned, Outcome::Clean, Outcome::Unread, Outcome::Unknown, Outcome::Malicious];
    record(
        &["path", "format", "verdict", "bytes", "sha256"],
        json!({
            "path": {"type": "string"},
            "format": {"type": "string", "description": "what the content is, whatever the name"},
            "verdict": {"enum": outcomes.map(Outcome::name)},
            "bytes": {"type": "integer", "minimum": 0},
            "sha256": {"type": ["string", "null"], "pattern": "^[0-9a-f]{64}$"},
        }),
    )
}

fn finding(place: &Value) -> Value {
    let text = json!({"type": "string"});
    record(
        &["rule", "name", "severity", "verdict", "place", "message", "evidence", "fix"],
        json!({
            "rule": rule(),
            "name": text,
            "severity": {"enum": Severity::ALL.map(Severity::name)},
            "verdict": {"enum": ["deny", "warn", "allow"]},
            "reason": {"type": "string", "description": "the user's own, where it is let through"},
            "place": place,
            "message": text,
            "evidence": evidence(),
            "allow": {
                "type": "string",
                "description": "what `modelward policy add` takes to let exactly this through",
            },
            "fix": {"description": "reserved; null in this version"},
        }),
    )
}

fn evidence() -> Value {
    let (text, number) = (json!({"type": "string"}), json!({"type": ["number", "null"]}));
    let bytes = json!({
        "kind": {"const": "bytes"}, "at": {"type": "integer", "minimum": 0}, "shown": text,
    });
    let measured =
        json!({"kind": {"const": "measured"}, "what": text, "value": number, "limit": number});
    let absent = json!({"kind": {"const": "absent"}, "looked_for": text});
    json!({"oneOf": [
        record(&["kind", "at", "shown"], bytes),
        record(&["kind", "what", "value", "limit"], measured),
        record(&["kind", "looked_for"], absent),
    ]})
}

fn rule() -> Value {
    json!({"type": "string", "pattern": "^MW[0-9]{4}$"})
}

fn list(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

fn record(required: &[&str], fields: Value) -> Value {
    let mut record = json!({"type": "object", "required": required});
    if let Some(record) = record.as_object_mut() {
        record.insert("properties".into(), fields);
    }
    record
}
