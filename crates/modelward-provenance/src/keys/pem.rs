//! The text form of keys and certificates (RFC 7468), as tools write it: text around the blocks, other
//! line ends and other widths are tolerated.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::Trouble;

/// Bytes of the longest file that is read: the certificates of all public authorities are 300 KB.
const LONGEST: usize = 4 << 20;

/// One block.
pub(crate) struct Block {
    /// What its first line calls it.
    pub(crate) label: String,
    /// Whether its header says that it is encrypted (RFC 1421); then `bytes` is of no use.
    pub(crate) is_encrypted: bool,
    /// What it holds; may be secret.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// The blocks of a text, in their order.
pub(crate) fn blocks(text: &[u8]) -> Result<Vec<Block>, Trouble> {
    if text.len() > LONGEST {
        return Err(Trouble::new(format!("expected PEM of at most {LONGEST} bytes")));
    }
    let mut blocks = Vec::new();
    let mut open: Option<(String, bool, Zeroizing<Vec<u8>>)> = None;
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        match (&mut open, boundary(line, b"-----BEGIN ")) {
            (None, Some(label)) => {
                // Of its full size at once, so that no copy of a secret is left behind.
                open = Some((label, false, Zeroizing::new(Vec::with_capacity(text.len()))));
            }
            (None, None) => {}
            (Some((label, ..)), Some(_)) => return Err(broken(label, "has no end")),
            (Some((label, is_encrypted, letters)), None) => {
                if let Some(end) = boundary(line, b"-----END ") {
                    if end != *label {
                        return Err(broken(label, &format!("ends as `{end}`")));
                    }
                    let bytes =
                        if *is_encrypted { Ok(Vec::new()) } else { STANDARD.decode(&**letters) };
                    let bytes = bytes.map_err(|_| broken(label, "is not base64"))?;
                    let label = std::mem::take(label);
                    blocks.push(Block { label, is_encrypted: *is_encrypted, bytes: bytes.into() });
                    open = None;
                } else if line.contains(&b':') {
                    *is_encrypted |= line.ends_with(b"ENCRYPTED");
                } else {
                    letters.extend_from_slice(line);
                }
            }
        }
    }
    match open {
        Some((label, ..)) => Err(broken(&label, "has no end")),
        None => Ok(blocks),
    }
}

/// A block: lines of 64 letters, each with a line feed.
pub(crate) fn block(label: &str, bytes: &[u8]) -> Zeroizing<String> {
    let letters = Zeroizing::new(STANDARD.encode(bytes));
    let size = letters.len().saturating_mul(2).saturating_add(label.len().saturating_mul(2));
    let mut text = Zeroizing::new(String::with_capacity(size.saturating_add(64)));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    for line in letters.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    text
}

fn boundary(line: &[u8], start: &[u8]) -> Option<String> {
    let label = line.strip_prefix(start)?.strip_suffix(b"-----")?;
    (label.len() < 64).then(|| String::from_utf8_lossy(label).into_owned())
}

fn broken(label: &str, how: &str) -> Trouble {
    Trouble::new(format!("the PEM block `{label}` {how}")).help("the file may be cut short")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let text = block("SOME THING", &bytes);
            let with = format!("Bag Attributes\r\n{}after\n", text.replace('\n', " \r\n"));
            for text in [text.as_str(), &with] {
                let blocks = blocks(text.as_bytes()).unwrap();
                prop_assert_eq!(blocks.len(), 1);
                prop_assert_eq!(&blocks[0].label, "SOME THING");
                prop_assert_eq!(&*blocks[0].bytes, &bytes);
            }
        }
    }

    #[test]
    fn broken_blocks_are_named() {
        for (text, why) in [
            ("-----BEGIN A-----\nAAAA\n", "has no end"),
            ("-----BEGIN A-----\n-----BEGIN A-----\n", "has no end"),
            ("-----BEGIN A-----\nAAAA\n-----END B-----\n", "ends as `B`"),
            ("-----BEGIN A-----\nA*AA\n-----END A-----\n", "is not base64"),
        ] {
            let trouble = blocks(text.as_bytes()).err().unwrap();
            assert_eq!(trouble.why, format!("the PEM block `A` {why}"));
        }
    }
}
