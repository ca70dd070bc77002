//! The numbers and strings of a GGUF file, in its version's width and its byte order.

use crate::{
    Bytes, Cursor, Gap, Refusal,
    weights::{FlawKind, Flaws, MOST_MEMORY},
};

/// Reads fields one after the other.
#[derive(Debug)]
pub(super) struct Fields<'a, 'f> {
    bytes: &'a Bytes,
    cursor: Cursor<'a>,
    version: u32,
    big_endian: bool,
    pub(super) flaws: &'f mut Flaws,
    /// Bytes of memory that the tables take, about.
    memory: u64,
}

impl<'a, 'f> Fields<'a, 'f> {
    pub(super) fn new(
        bytes: &'a Bytes,
        start: u64,
        version: u32,
        big_endian: bool,
        flaws: &'f mut Flaws,
    ) -> Self {
        let mut cursor = bytes.cursor();
        cursor.seek(start);
        Self { bytes, cursor, version, big_endian, flaws, memory: 0 }
    }

    /// Offset of the next field.
    pub(super) fn position(&self) -> u64 {
        self.cursor.position()
    }

    /// Whether numbers have their highest byte first.
    pub(super) fn big_endian(&self) -> bool {
        self.big_endian
    }

    pub(super) fn u32(&mut self) -> Result<u32, Refusal> {
        let bytes = self.cursor.array()?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub(super) fn u64(&mut self) -> Result<u64, Refusal> {
        let bytes = self.cursor.array()?;
        Ok(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// A length, a count or a dimension: 32 bits in version 1, 64 since.
    pub(super) fn size(&mut self) -> Result<u64, Refusal> {
        if self.version == 1 { self.u32().map(Into::into) } else { self.u64() }
    }

    /// How many entries of at least `smallest` bytes follow. A count that the file cannot hold is
    /// noted; reading then ends where the file does.
    pub(super) fn count(&mut self, what: &str, smallest: u64) -> Result<u64, Refusal> {
        let at = self.position();
        let count = self.size()?;
        if count.checked_mul(smallest).is_none_or(|needed| needed > self.cursor.left()) {
            let why = format!("{count} {what} do not fit the {} bytes left", self.cursor.left());
            self.flaws.note(FlawKind::CountOverflow, at, why);
        }
        Ok(count)
    }

    /// The range of `count` things of `width` bytes; the next field is what follows them.
    pub(super) fn span(&mut self, count: u64, width: u64, what: &str) -> Result<Bytes, Refusal> {
        let (at, left) = (self.position(), self.cursor.left());
        let Some(length) = count.checked_mul(width).filter(|&length| length <= left) else {
            let why = format!("{what} of {count} times {width} bytes, but only {left} are left");
            self.flaws.note(FlawKind::CountOverflow, at, &*why);
            return Err(Refusal::new(at, Gap::OversizedLength, why));
        };
        self.cursor.skip(length)?;
        self.bytes.slice(at, length)
    }

    /// The name of a value or tensor.
    pub(super) fn name(&mut self) -> Result<Box<str>, Refusal> {
        let at = self.position();
        let length = self.size()?;
        let bytes = self.span(length, 1, "a name")?;
        if bytes.is_empty() || bytes.len() > LONGEST_NAME {
            let why = format!("expected a name of 1 to {LONGEST_NAME} bytes, got {}", bytes.len());
            return Err(Refusal::truncated(at, why));
        }
        self.spend(at, bytes.len())?;
        Ok(String::from_utf8_lossy(&bytes.head(LONGEST_NAME)?).into())
    }

    /// The bytes that follow, without going past them: at least `wanted`, fewer at the end.
    pub(super) fn peek(&mut self, wanted: usize) -> Result<&[u8], Refusal> {
        self.cursor.peek(wanted)
    }

    /// Spend memory for one entry, about as much as it takes.
    pub(super) fn spend(&mut self, at: u64, length: u64) -> Result<(), Refusal> {
        self.memory = self.memory.saturating_add(length).saturating_add(ENTRY);
        if self.memory > MOST_MEMORY {
            let limit = MOST_MEMORY >> 20;
            let why = format!("the tables take more than {limit} MiB of memory");
            return Err(Refusal::new(at, Gap::LargeMemory, why));
        }
        Ok(())
    }
}

/// The longest name that the specification allows, in bytes.
const LONGEST_NAME: u64 = 65_535;

/// What an entry takes beside its name, with the allocator's own cost, in bytes.
const ENTRY: u64 = 160;
