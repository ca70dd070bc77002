//! Data in other files: where they are said to lie, and whether that is beside the model.
//!
//! Source: ONNX 1.23, `docs/ExternalData.md`; CVE-2022-25882, CVE-2024-27318, CVE-2026-34446.

use super::flaw::{Flaw, FlawKind, short};

/// Data that lie in another file of the model's folder, or below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// What takes them, in words.
    pub of: String,
    /// The file, relative to the folder of the model, in plain components.
    pub location: String,
    /// Offset of the first byte.
    pub offset: u64,
    /// How many bytes; `None` for the whole file.
    pub length: Option<u64>,
    /// Offset of what names them in the model file.
    pub at: u64,
}

/// What a tensor's entries of external data say; `needed` is what its shape asks for.
pub(super) fn read(
    entries: &[(String, String)],
    needed: Option<u64>,
    of: &str,
    at: u64,
    flaws: &mut Vec<Flaw>,
) -> Option<External> {
    let mut flaw = |kind, why: String| flaws.push(Flaw { kind, at, severe: true, why });
    let mut sound = true;
    for (index, (key, _)) in entries.iter().enumerate() {
        let known = matches!(key.as_str(), "location" | "offset" | "length" | "checksum")
            || key.starts_with("prepacked");
        if !known {
            // A loader that sets whatever it is told sets its own fields (CVE-2026-34445).
            let why =
                format!("{of} has external data with the key `{}`, which none has", short(key));
            flaw(FlawKind::ExternalPath, why);
            sound = false;
        }
        if entries.iter().take(index.min(16)).any(|(earlier, _)| earlier == key) {
            let why = format!("{of} says twice which `{}` its external data have", short(key));
            flaw(FlawKind::AmbiguousName, why);
            sound = false;
        }
    }
    let entry = |key: &str| entries.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str());
    let location = entry("location").unwrap_or_default();
    let plain = match plain(location) {
        Ok(plain) => Some(plain),
        Err(why) => {
            flaw(FlawKind::ExternalPath, format!("{of} lies in `{}`: {why}", short(location)));
            None
        }
    };
    let mut number = |key: &str| match entry(key).map(str::parse::<u64>) {
        None => None,
        Some(Ok(number)) => Some(number),
        Some(Err(_)) => {
            let got = short(entry(key).unwrap_or_default());
            let why = format!("{of} has external data whose {key} is `{got}`, which is no number");
            flaw(FlawKind::ExternalPath, why);
            sound = false;
            None
        }
    };
    let (offset, length) = (number("offset").unwrap_or(0), number("length"));
    let last = length.or(needed).and_then(|length| offset.checked_add(length));
    if last.is_none_or(|end| i64::try_from(end).is_err()) && needed.is_some() {
        let why = format!("{of} has external data from {offset} on, beyond the end of any file");
        flaw(FlawKind::ExternalPath, why);
        sound = false;
    }
    if let (Some(length), Some(needed)) = (length, needed)
        && length != needed
    {
        let why = format!("{of} takes {needed} bytes by its shape, its external data {length}");
        flaw(FlawKind::TensorMismatch, why);
    }
    let (location, of) = (plain?, of.to_owned());
    sound.then_some(External { of, location, offset, length: length.or(needed), at })
}

/// A path of plain components without those that mean nothing, or why it is none.
pub(super) fn plain(location: &str) -> Result<String, &'static str> {
    match location {
        "" => return Err("no file at all"),
        _ if location.contains('\0') => return Err("a name with a NUL in it"),
        // Where ONNX Runtime keeps the address of memory of its own process.
        _ if location.contains('*') => return Err("an address in memory"),
        _ if location.contains('\\') => return Err("a path of Windows"),
        _ if location.contains("://") => return Err("an address on the network"),
        _ if location.contains(':') => return Err("a drive or a stream of Windows"),
        _ if location.contains(char::REPLACEMENT_CHARACTER) => {
            return Err("a name that is not UTF-8");
        }
        _ if location.starts_with('/') => return Err("an absolute path"),
        _ => {}
    }
    let mut parts = Vec::new();
    for part in location.split('/') {
        match part {
            "." => {}
            "" => return Err("a path with an empty part"),
            ".." => return Err("a path that leaves the folder of the model"),
            _ if is_device(part) => return Err("the name of a device"),
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { Err("the folder itself") } else { Ok(parts.join("/")) }
}

/// Names that Windows keeps for devices, whatever their extension.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |prefix| {
        let rest = stem.strip_prefix(prefix);
        rest.is_some_and(|rest: &str| matches!(rest.as_bytes(), [b'1'..=b'9']))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_relative_paths_pass() {
        for (location, expected) in
            [("w.bin", "w.bin"), ("./data/w.bin", "data/w.bin"), ("a/..b/c..", "a/..b/c..")]
        {
            assert_eq!(plain(location).as_deref(), Ok(expected));
        }
        for location in [
            "",
            ".",
            "..",
            "/etc/passwd",
            "a/../../b",
            "a//b",
            "a/",
            "..\\b",
            "\\\\host\\w",
            "c:w",
            "http://h/w",
            "w\0",
            "nul",
            "COM1.bin",
            "*/_ORT_MEM_ADDR_/*",
            "\u{fffd}",
        ] {
            assert!(plain(location).is_err(), "{location:?}");
        }
    }
}
