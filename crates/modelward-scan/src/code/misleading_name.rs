//! Names that promise another format than the content has.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};

use super::executable_as_model::program;
#[cfg(test)]
use crate::Samples;
use crate::{Check, file::File};

pub(crate) struct MisleadingName;

impl Check for MisleadingName {
    type Asset = File;

    const RULE: Rule = Rule {
        id: "MW1003",
        name: "misleading-file-name",
        severity: Severity::Info,
        title: "the file's name promises another format than its content has",
        why: "People and many scanners choose by a file's extension what to do with it; loaders \
              often look at the content. A pickle called `.safetensors` or an archive called \
              `.json` passes by whoever trusts names. modelward judges the content in any case.",
        advice: "Ask the publisher for a file that is what its name says.",
        class: Class::MaliciousFile,
        cwe: &[646],
    };

    fn check(file: &File, out: &mut Findings<'_>) {
        let Some(extension) = file.extension() else { return };
        let promised = PROMISES.iter().find(|(names, _)| names.contains(&extension.as_str()));
        let Some((_, kept)) = promised else { return };
        let Some(found) = file.formats.first() else { return };
        let is = |part: &&str| file.formats.iter().any(|format| format.contains(part));
        // What is recognised and unread is named by its gap; what is plain text is harmless.
        let other = BINARY.iter().any(is) && !kept.iter().any(is);
        if !other {
            return;
        }
        let message = format!("the content of `{}` is {found}", file.name);
        let evidence = Evidence::bytes(0, format!("{found}, not .{extension}"));
        let program = program(file).is_some();
        let severity = if program { Severity::High } else { Self::RULE.severity };
        out.report_as(severity, message, evidence);
    }

    #[cfg(test)]
    fn samples() -> Samples {
        Samples {
            fires: vec![
                b"\x7fELF\x02\x01\x01\0".to_vec(),
                b"GIF89a\x01\0\x01\0\0\0\0\x3b".to_vec(),
            ],
            silent: vec![b"{}".to_vec(), b"plain text".to_vec(), b"a: 1\n".to_vec()],
        }
    }

    #[cfg(test)]
    fn sample_name() -> &'static str {
        "config.json"
    }
}

/// Formats that no name promises by accident.
const BINARY: &[&str] = &[
    "pickle",
    "pytorch",
    "torch",
    "joblib",
    "zip",
    "tar",
    "7z",
    "gzip",
    "bzip2",
    "xz",
    "zstd",
    "lz4",
    "gguf",
    "safetensors",
    "npy",
    "npz",
    "executable",
    "png",
    "jpeg",
    "gif",
    "webp",
];

/// Extensions, and the formats that are no surprise under them. Extensions that hold anything
/// (`bin`, `pt`, `ckpt`, `model`, `dat`) promise nothing.
const PROMISES: &[(&[&str], &[&str])] = &[
    (&["safetensors"], &["safetensors"]),
    (&["gguf"], &["gguf"]),
    (&["npy"], &["npy"]),
    (&["npz"], &["npz", "zip"]),
    (&["json", "yaml", "yml", "toml", "txt", "md", "csv", "tsv", "jinja", "j2", "cfg", "ini"], &[]),
    (&["py", "ipynb", "html", "xml", "pmml"], &[]),
    (&["png", "jpg", "jpeg", "gif", "webp"], &["png", "jpeg", "gif", "webp"]),
    (&["onnx", "tflite", "h5", "hdf5", "msgpack", "parquet", "arrow", "mlmodel"], &[]),
    (&["keras", "skops"], &["zip"]),
    (&["zip", "whl", "mar"], &["zip", "torch", "npz"]),
    (&["tar", "nemo"], &["tar", "torch", "zip", "gzip"]),
    (&["gz", "tgz"], &["gzip", "joblib", "tar"]),
];
