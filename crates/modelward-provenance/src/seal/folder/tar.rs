//! The blocks of a tar archive (POSIX.1-2017, `pax`, "ustar Interchange Format" and "pax Extended
//! Header").

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

/// The comment by which an archive of a folder is known.
pub const MARK: &str = "modelward-folder/1";

/// The type flags that are written.
pub(super) const FILE: u8 = b'0';
pub(super) const FOLDER: u8 = b'5';
pub(super) const EXTENDED: u8 = b'x';
pub(super) const GLOBAL: u8 = b'g';

/// What a header says.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) name: Vec<u8>,
    pub(super) size: u64,
    pub(super) executable: bool,
}

impl Header {
    /// A block as a header, where its checksum fits.
    pub(super) fn read(block: &[u8; BLOCK]) -> Option<Self> {
        let field = |from: usize, len: usize| block.get(from..)?.get(..len);
        if number(field(148, 8)?)? != checksum(block) {
            return None;
        }
        let text = |from, len| {
            let field = field(from, len)?;
            field.split(|byte| *byte == 0).next()
        };
        let (mut name, prefix) = (text(0, 100)?.to_vec(), text(345, 155)?);
        // GNU puts other things where ustar has the first part of a long name.
        if field(257, 6)? == b"ustar\0" && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        let executable = number(field(100, 8)?)? & 0o100 != 0;
        let [kind] = *field(156, 1)?.first_chunk()?;
        Some(Self { kind, name, size: number(field(124, 12)?)?, executable })
    }

    /// A header as a block. The name must fit ([`fits`]), and the size.
    pub(super) fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| {
            for (into, from) in block.iter_mut().skip(at).zip(bytes) {
                *into = *from;
            }
        };
        put(0, &self.name);
        let mode = if self.executable || self.kind == FOLDER { 0o755 } else { 0o644 };
        put(100, format!("{mode:07o}").as_bytes());
        put(108, b"0000000\x000000000\x00");
        put(124, format!("{:011o}", self.size).as_bytes());
        put(136, b"00000000000\x00        ");
        put(156, &[self.kind]);
        put(257, b"ustar\x0000");
        let sum = checksum(&block);
        let sum = format!("{sum:06o}\0 ");
        for (into, from) in block.iter_mut().skip(148).zip(sum.bytes()) {
            *into = from;
        }
        block
    }
}

/// Whether a name and a size can stand in a header itself.
pub(super) fn fits(name: &str, size: u64) -> bool {
    name.len() < 100 && name.is_ascii() && size < 1 << 33
}

/// A record of an extended header: its own length in decimal, a key, a value.
pub(super) fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut len = rest.len();
    // The length counts its own digits.
    loop {
        let whole = len.to_string().len().saturating_add(rest.len());
        if whole == len {
            return format!("{len}{rest}").into_bytes();
        }
        len = whole;
    }
}

/// The records of an extended header; none where one is malformed.
pub(super) fn records(mut bytes: &[u8]) -> Option<Vec<(&str, &[u8])>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let digits = str::from_utf8(bytes.get(..space)?).ok()?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (record, rest) = bytes.split_at_checked(digits.parse().ok()?)?;
        let record = record.get(space.checked_add(1)?..)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let (key, value) = record.split_at_checked(equals)?;
        records.push((str::from_utf8(key).ok()?, value.get(1..)?));
        bytes = rest;
    }
    Some(records)
}

/// What fills the last block of a content of this size.
pub(super) fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64).saturating_sub(size)
}

/// The sum of all bytes of a header, with spaces for the checksum itself.
fn checksum(block: &[u8; BLOCK]) -> u64 {
    let mut sum = 0_u64;
    for (at, byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&at) { b' ' } else { *byte };
        sum = sum.saturating_add(byte.into());
    }
    sum
}

/// A number in octal digits, or in base 256 where the first bit is set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if let Some((0x80, rest)) = field.split_first() {
        return rest
            .iter()
            .try_fold(0_u64, |number, &byte| number.checked_mul(256)?.checked_add(byte.into()));
    }
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let digits = field.get(..end)?.trim_ascii();
    digits.iter().try_fold(0_u64, |number, byte| match byte {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(byte.wrapping_sub(b'0').into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_count_their_own_length() {
        for len in [0, 1, 80, 90, 91, 92, 93, 94, 95, 990, 995, 9990] {
            let value = "v".repeat(len);
            let record = record("path", &value);
            let text = String::from_utf8(record.clone()).unwrap();
            assert_eq!(text.split(' ').next().unwrap().parse(), Ok(record.len()));
            assert_eq!(records(&record), Some(vec![("path", value.as_bytes())]));
        }
    }

    #[test]
    fn malformed_records_are_refused() {
        for bad in ["5 a=b", "6 a=b\n\n", "+6 a=b\n", "6 a b\n\n", "99 a=b\n", " a=b\n", "x"] {
            assert_eq!(records(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
