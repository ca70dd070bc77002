//! MW1312 `script-in-metadata`.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::weights::Weights;

use crate::Check;

/// Metadata that read like a program.
pub(super) struct ScriptInMetadata;

impl Check for ScriptInMetadata {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1312",
        name: "script-in-metadata",
        severity: Severity::Low,
        title: "the metadata hold text that reads like a program",
        why: "No loader runs the metadata of a tensor file, so this does no harm by itself. But \
              pages that show it unescaped run a script in it, and a program has no business \
              there: it is a sign that somebody tried.",
        advice: "Look at the text; escape metadata wherever you display them.",
        class: Class::MaliciousFile,
        cwe: &[79, 94],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        // Chat templates are programs, and are judged as such.
        for text in weights.texts.iter().filter(|text| !text.key.contains("chat_template")) {
            let head = text.bytes.head(LONGEST).unwrap_or_default();
            let found = MARKS.iter().find_map(|mark| {
                let mut windows = head.windows(mark.len());
                let at = windows.position(|text| text.eq_ignore_ascii_case(mark.as_bytes()))?;
                Some((mark, head.get(at..).unwrap_or_default()))
            });
            let Some((mark, rest)) = found else { continue };
            let shown = rest.get(..rest.len().min(80)).unwrap_or_default();
            let message = format!("`{}` of the metadata holds `{mark}`", text.key);
            out.report(message, Evidence::bytes(text.at, String::from_utf8_lossy(shown)));
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{Gguf, safetensors};
        let noted =
            |text: &str| safetensors(&format!(r#"{{"__metadata__":{{"note":"{text}"}}}}"#), &[]);
        crate::Samples {
            fires: vec![
                noted("<script>fetch('http://127.0.0.1')</script>"),
                noted("import os; os.system('id')"),
                noted("<IMG SRC=x ONERROR=alert(1)>"),
                Gguf::new(0, 1).text("general.description", "#!/bin/sh\nid").finish(),
            ],
            silent: vec![
                noted("a small transformer, imported from a script of ours"),
                noted("see https://example.org/model"),
                Gguf::new(0, 1).text("tokenizer.chat_template", "<script>").finish(),
            ],
        }
    }
}

/// What a program begins or works with; in lower case.
const MARKS: [&str; 22] = [
    "<script",
    "javascript:",
    "onerror=",
    "onload=",
    "<iframe",
    "os.system(",
    "import os",
    "import subprocess",
    "subprocess.",
    "__import__",
    "eval(",
    "exec(",
    "base64.b64decode",
    "#!/",
    "/bin/sh",
    "/bin/bash",
    "powershell",
    "cmd.exe",
    "rm -rf",
    "curl http",
    "wget http",
    "chmod +x",
];

/// How much of a text is looked at, in bytes.
const LONGEST: u64 = 64 << 10;
