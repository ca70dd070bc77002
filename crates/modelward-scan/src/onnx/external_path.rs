//! MW1401 `graph-external-path`.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::onnx::{File, FlawKind};

use crate::Check;

/// Data that are said to lie where the model has no business.
pub(crate) struct ExternalPath;

impl Check for ExternalPath {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1401",
        name: "graph-external-path",
        severity: Severity::High,
        title: "the model takes data from outside its folder, or from beyond the end of a file",
        why: "A tensor of an ONNX model may lie in another file, which the loader opens by the name that \
              the model gives. An absolute path, one that climbs with `..`, a drive, a share, a device or \
              a link makes it read any file of the machine into a weight, from where the model's output \
              carries it off; an offset beyond the end makes it read memory.",
        advice: "Do not load it. The data of a model lie beside it, under a plain relative name: ask the \
                 publisher for such a file.",
        class: Class::MaliciousFile,
        cwe: &[22, 59, 125],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        super::report(file, FlawKind::ExternalPath, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::{attribute, external, model, node, node_with, number, text};
        let named = |entries: &[(&str, &str)]| {
            model(&[node("Add", &["x", "w"], &["y"]), external("w", &[4], entries)])
        };
        let at = |location: &str| named(&[("location", location)]);
        let context = |path: &str| {
            let mode = attribute("embed_mode", &number(3, 0), 2);
            let cache = attribute("ep_cache_context", &text(4, path), 3);
            model(&[node_with("EPContext", "com.microsoft", &["x"], &["y"], &[mode, cache])])
        };
        crate::Samples {
            fires: vec![
                at("/etc/passwd"),
                at("../secret"),
                at("sub/../../secret"),
                at("..\\..\\windows\\win.ini"),
                at("\\\\host\\share\\w"),
                at("c:w.bin"),
                at("http://127.0.0.1/w"),
                at("w\0/etc/passwd"),
                at("*/_ORT_MEM_ADDR_/*"),
                at("NUL"),
                at(""),
                named(&[]),
                named(&[("location", "w.bin"), ("offset", "-1")]),
                named(&[("location", "w.bin"), ("offset", "18446744073709551608")]),
                named(&[("location", "w.bin"), ("__class__", "x")]),
                context("../../tmp/driver.bin"),
            ],
            silent: vec![
                at("w.bin"),
                at("./data/w..bin"),
                named(&[("location", "w.bin"), ("offset", "4096"), ("length", "16")]),
                context("model_ctx.bin"),
            ],
        }
    }
}
