//! What a file of a model does, by its name and its first bytes; and so what a change of it can do.

use crate::{
    defect::Weight,
    tree::{File, open},
};

/// What a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights, and tables that say where they lie.
    Weights,
    /// Code that runs on load or by hand.
    Code,
    /// What tells a loader how to load, and what to import.
    Configuration,
    /// A template that turns a conversation into text.
    Template,
    /// What turns text into tokens.
    Tokenizer,
    /// What people read or look at.
    Text,
    /// What nothing is known of.
    Unknown,
}

impl Role {
    /// What the name of a file says.
    pub fn named(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or_default().to_lowercase();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
        if TOKENIZERS.iter().any(|known| name.starts_with(known)) || extension == "tiktoken" {
            return Self::Tokenizer;
        }
        if name.starts_with("chat_template") || matches!(extension, "jinja" | "jinja2" | "j2") {
            return Self::Template;
        }
        if name.ends_with(".index.json") || WEIGHTS.contains(&extension) {
            return Self::Weights;
        }
        // External data of ONNX go by several names.
        let is_external = extension.starts_with("onnx_data") || name.ends_with(".onnx.data");
        if stem.starts_with("pytorch_model") || is_external {
            return Self::Weights;
        }
        if CODE.contains(&extension) || NAMES_OF_CODE.contains(&name.as_str()) {
            return Self::Code;
        }
        if CONFIGURATION.contains(&extension) || NAMES_OF_CONFIGURATION.contains(&name.as_str()) {
            return Self::Configuration;
        }
        let plain = stem.trim_start_matches('.');
        if TEXT.contains(&extension) || NAMES_OF_TEXT.contains(&plain) || name.starts_with(".git") {
            return Self::Text;
        }
        Self::Unknown
    }

    /// What the name says, or where that says nothing, the first bytes and the mode.
    pub(crate) fn of(file: &File) -> Self {
        match Self::named(&file.name) {
            Self::Unknown if file.executable => Self::Code,
            Self::Unknown => head(file, 16).map_or(Self::Unknown, |head| Self::beginning(&head)),
            named => named,
        }
    }

    /// What the first bytes say.
    fn beginning(head: &[u8]) -> Self {
        // Pickle protocols 2 to 5; ELF; Mach-O; Windows; a script; zip, as PyTorch saves; GGUF; HDF5;
        // NumPy; the header of safetensors after its length.
        match head {
            [b'#', b'!', ..] | [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] => Self::Code,
            [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => Self::Code,
            [0x80, 2..=5, ..] | [b'P', b'K', 3, 4, ..] | [b'G', b'G', b'U', b'F', ..] => {
                Self::Weights
            }
            [0x89, b'H', b'D', b'F', ..] | [0x93, b'N', b'U', b'M', ..] => Self::Weights,
            [_, _, _, _, _, 0, 0, 0, b'{', ..] => Self::Weights,
            _ => Self::Unknown,
        }
    }

    /// What a change of such a file can do.
    pub const fn weight(self) -> Weight {
        match self {
            Self::Weights | Self::Code | Self::Configuration => Weight::Load,
            Self::Template | Self::Tokenizer | Self::Unknown => Weight::Language,
            Self::Text => Weight::Text,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Code => "code",
            Self::Configuration => "configuration",
            Self::Template => "template",
            Self::Tokenizer => "tokenizer",
            Self::Text => "text",
            Self::Unknown => "of no known use",
        }
    }
}

/// What of a configuration runs code on load, as a clause: the class that `auto_map` names, and so on.
pub(crate) fn runs(file: &File) -> Option<String> {
    let role = Role::named(&file.name);
    if !matches!(role, Role::Configuration | Role::Tokenizer) || !file.name.ends_with(".json") {
        return None;
    }
    let text = content(file)?;
    let json = serde_json::from_str::<serde_json::Value>(&text).ok()?;
    let find = |key: &str| json.get(key).map(first_text);
    if let Some(name) = find("auto_map") {
        let module = name.rsplit_once("--").map_or(name.as_str(), |(_, name)| name);
        let module = module.split('.').next().unwrap_or_default();
        let module = crate::oms::json::brief(module);
        return Some(format!("`auto_map` names {module}.py, which runs on load"));
    }
    if json.get("trust_remote_code").and_then(serde_json::Value::as_bool) == Some(true) {
        return Some("`trust_remote_code` is true".into());
    }
    let name = find("custom_pipelines").map(|_| "custom_pipelines");
    name.map(|name| format!("`{name}` names code that runs on load"))
}

/// The first text in a value.
fn first_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(list) => list.first().map_or_else(String::new, first_text),
        serde_json::Value::Object(object) => {
            object.values().next().map_or_else(String::new, first_text)
        }
        _ => String::new(),
    }
}

/// Whether a file that is named like weights is a pointer of Git LFS instead (LFS specification v1):
/// the SHA-256 that it points to.
pub(crate) fn pointer(file: &File) -> Option<String> {
    if file.len >= MOST_POINTER || Role::named(&file.name) != Role::Weights {
        return None;
    }
    let text = content(file)?;
    let text = text.strip_prefix("version https://git-lfs.github.com/spec/v1\n")?;
    let id = text.lines().find_map(|line| line.strip_prefix("oid sha256:"))?;
    (id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit())).then(|| id.to_owned())
}

/// A short file as text.
pub(crate) fn content(file: &File) -> Option<String> {
    use std::io::Read;
    let mut text = String::new();
    let opened = open::open(file).ok()?;
    opened.take(MOST_TEXT).read_to_string(&mut text).ok()?;
    (file.len <= MOST_TEXT).then_some(text)
}

/// Whether a file begins with text: UTF-8 without control characters but tabs and line ends.
pub(crate) fn is_text(file: &File) -> bool {
    let Some(head) = head(file, 4096) else { return false };
    let text = match str::from_utf8(&head) {
        Ok(text) => text,
        // A character may be cut at the end.
        Err(error) if error.error_len().is_none() => {
            head.get(..error.valid_up_to()).and_then(|head| str::from_utf8(head).ok()).unwrap_or("")
        }
        Err(_) => return false,
    };
    !text.chars().any(|char| char.is_control() && !matches!(char, '\t' | '\n' | '\r'))
}

/// The first bytes of a file.
fn head(file: &File, most: u64) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut head = Vec::new();
    open::open(file).ok()?.take(most).read_to_end(&mut head).ok()?;
    Some(head)
}

const WEIGHTS: [&str; 30] = [
    "bin",
    "safetensors",
    "pt",
    "pth",
    "ckpt",
    "onnx",
    "ort",
    "gguf",
    "ggml",
    "h5",
    "hdf5",
    "keras",
    "npz",
    "npy",
    "pkl",
    "pickle",
    "joblib",
    "dill",
    "msgpack",
    "tflite",
    "pb",
    "mlmodel",
    "pte",
    "pt2",
    "engine",
    "params",
    "weights",
    "nemo",
    "mar",
    "ubj",
];
const CODE: [&str; 30] = [
    "py", "pyc", "pyd", "pyx", "ipynb", "so", "dll", "dylib", "exe", "sh", "bash", "bat", "cmd",
    "ps1", "js", "mjs", "ts", "wasm", "jar", "class", "lua", "rb", "pl", "r", "cu", "cpp", "c",
    "whl", "egg", "ptx",
];
const CONFIGURATION: [&str; 9] =
    ["json", "yaml", "yml", "toml", "ini", "cfg", "conf", "prototxt", "pbtxt"];
const TEXT: [&str; 22] = [
    "md", "txt", "rst", "pdf", "png", "jpg", "jpeg", "gif", "webp", "bib", "csv", "tsv", "log",
    "cff", "sig", "asc", "sigstore", "mp4", "wav", "mp3", "tex", "lock",
];
const TOKENIZERS: [&str; 12] = [
    "tokenizer",
    "vocab",
    "merges.txt",
    "special_tokens_map",
    "added_tokens",
    "spiece",
    "sentencepiece",
    "bpe",
    "dict.txt",
    "source.spm",
    "target.spm",
    "normalizer.json",
];
const NAMES_OF_CODE: [&str; 4] = ["makefile", "dockerfile", "requirements.txt", "setup.cfg"];
const NAMES_OF_CONFIGURATION: [&str; 1] = [".env"];
const NAMES_OF_TEXT: [&str; 5] = ["readme", "license", "licence", "notice", "changelog"];
/// A pointer is shorter.
const MOST_POINTER: u64 = 1024;
/// What is read of a configuration.
const MOST_TEXT: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_ranked_by_what_they_do() {
        let cases = [
            ("model-00001-of-00002.safetensors", Role::Weights),
            ("model.safetensors.index.json", Role::Weights),
            ("weights.bin", Role::Weights),
            ("model.onnx_data", Role::Weights),
            ("model.onnx.data", Role::Weights),
            ("sub/modeling_x.py", Role::Code),
            ("requirements.txt", Role::Code),
            ("config.json", Role::Configuration),
            ("tokenizer_config.json", Role::Tokenizer),
            ("tokenizer.model", Role::Tokenizer),
            ("chat_template.json", Role::Template),
            ("chat_template.jinja", Role::Template),
            ("README.md", Role::Text),
            ("LICENSE", Role::Text),
            ("a.txt", Role::Text),
            ("sub/.gitignore", Role::Text),
            ("sub/deep/f", Role::Unknown),
        ];
        for (name, role) in cases {
            assert_eq!(Role::named(name), role, "{name}");
        }
    }

    #[test]
    fn the_first_bytes_say_what_the_name_does_not() {
        assert_eq!(Role::beginning(b"#!/bin/sh\n"), Role::Code);
        assert_eq!(Role::beginning(b"\x80\x04\x95"), Role::Weights);
        assert_eq!(Role::beginning(b"\x10\0\0\0\0\0\0\0{\"a\""), Role::Weights);
        assert_eq!(Role::beginning(b"f"), Role::Unknown);
    }
}
