//! The pages of a column chunk, one after the other.

use crate::{Budget, Bytes, Gap, Refusal};

use super::{
    codec::Codec,
    thrift::{Field, Thrift, Type},
};

/// The pages of one column chunk.
#[derive(Debug)]
pub struct Pages {
    chunk: Bytes,
    codec: Codec,
    /// Offset of the next page in the chunk.
    at: u64,
    /// The most bytes of one page, unpacked.
    most: u64,
}

/// A page, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it is.
    pub kind: Kind,
    /// How many values it has, missing ones counted.
    pub values: u32,
    /// The number of the encoding of its values.
    pub encoding: i32,
    /// Its bytes: those of the levels, as the kind has them, and then those of the values.
    pub bytes: Vec<u8>,
}

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The distinct values that later pages name by their number.
    Dictionary {
        /// Whether they are in order.
        sorted: bool,
    },
    /// Values, with levels before them.
    Data {
        /// The number of the encoding of the levels of definition.
        definition: i32,
        /// The number of the encoding of the levels of repetition.
        repetition: i32,
    },
    /// Values of the second version, whose levels are never compressed.
    DataV2 {
        /// Missing values.
        nulls: u32,
        /// Rows.
        rows: u32,
        /// Bytes of the levels of definition.
        definition: u32,
        /// Bytes of the levels of repetition.
        repetition: u32,
    },
}

/// What the header of a page says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Whether it is a dictionary.
    pub dictionary: bool,
    /// How many values it has, missing ones counted.
    pub values: u32,
    /// How many rows, of a page of the second version.
    pub rows: Option<u32>,
}

/// What stands before a page.
#[derive(Debug, Default)]
struct Header {
    kind: i64,
    unpacked: u64,
    packed: u64,
    checksum: Option<u32>,
    values: Option<u32>,
    encoding: i32,
    definition: i32,
    repetition: i32,
    nulls: u32,
    rows: u32,
    definition_bytes: u32,
    repetition_bytes: u32,
    sorted: bool,
    plain: bool,
}

impl Pages {
    /// The pages in the bytes of a column chunk; none may have more bytes than `most`.
    pub fn new(chunk: Bytes, codec: Codec, most: u64) -> Self {
        Self { chunk, codec, at: 0, most }
    }

    /// Where the next page lies in the chunk.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// What stands before the next page; `None` behind the last.
    ///
    /// # Errors
    /// Where a header breaks its grammar, or its size reaches beyond the chunk.
    pub fn peek(&mut self, budget: &Budget) -> Result<Option<Ahead>, Refusal> {
        let ahead = self.header(budget)?.map(|(_, header)| Ahead {
            dictionary: header.kind == DICTIONARY,
            values: header.values.unwrap_or(0),
            rows: (header.kind == DATA_V2).then_some(header.rows),
        });
        Ok(ahead)
    }

    /// Go past the next page without unpacking it.
    ///
    /// # Errors
    /// As [`Self::peek`].
    pub fn skip_page(&mut self, budget: &Budget) -> Result<(), Refusal> {
        if let Some((data, header)) = self.header(budget)? {
            self.at = data.saturating_add(header.packed);
        }
        Ok(())
    }

    /// The next page; `None` behind the last. Nothing is allocated before the header's sizes are held
    /// against the bytes that are left and the limits.
    ///
    /// # Errors
    /// Where a header breaks its grammar, sizes lie or are over a limit, or bytes cannot be unpacked.
    /// The offset is one of the chunk.
    pub fn next_page(&mut self, budget: &Budget) -> Result<Option<Page>, Refusal> {
        let Some((data, header)) = self.header(budget)? else { return Ok(None) };
        let start = self.at;
        let here = |refusal: Refusal| Refusal { at: start, ..refusal };
        self.at = data.saturating_add(header.packed);
        self.judge(&header, budget).map_err(here)?;
        let packed = self.chunk.take(data, header.packed)?;
        if header.checksum.is_some_and(|expected| expected != crc32fast::hash(&packed)) {
            return Err(here(Refusal::truncated(0, "the checksum of a page does not match")));
        }
        self.page(&header, packed).map(Some).map_err(here)
    }

    /// The header of the next page that holds values, and where its bytes begin.
    fn header(&mut self, budget: &Budget) -> Result<Option<(u64, Header)>, Refusal> {
        loop {
            let start = self.at;
            if start >= self.chunk.len() {
                return Ok(None);
            }
            budget.tick(start)?;
            let rest = self.chunk.tail(start);
            let mut thrift = Thrift::new(&rest, budget);
            let header =
                Header::read(&mut thrift).map_err(|refusal| Refusal { at: start, ..refusal })?;
            let data = start.saturating_add(thrift.position());
            let left = self.chunk.len().saturating_sub(data);
            if header.packed > left {
                let why = format!("a page of {} bytes, but only {left} are left", header.packed);
                return Err(Refusal::new(start, Gap::OversizedLength, why));
            }
            if header.kind != INDEX {
                return Ok(Some((data, header)));
            }
            self.at = data.saturating_add(header.packed);
        }
    }

    /// Hold what a page claims to unpack to against the limits.
    fn judge(&self, header: &Header, budget: &Budget) -> Result<(), Refusal> {
        let (unpacked, ratio) = (header.unpacked, budget.limits().ratio);
        if unpacked > FREE && unpacked > header.packed.saturating_mul(ratio) {
            let why = format!(
                "a page of {} bytes says that it grows to {unpacked}, more than {ratio} times as much",
                header.packed
            );
            return Err(Refusal::new(0, Gap::HighExpansionRatio, why));
        }
        if unpacked > self.most || header.packed > self.most {
            let most = self.most;
            let why =
                format!("a page of {unpacked} bytes, more than the {most} that memory allows");
            return Err(Refusal::new(0, Gap::LargeMemory, why));
        }
        budget.expand(0, unpacked)
    }

    fn page(&self, header: &Header, mut packed: Vec<u8>) -> Result<Page, Refusal> {
        let values =
            header.values.ok_or_else(|| broken("expected the number of a page's values"))?;
        let length =
            usize::try_from(header.unpacked).map_err(|_| broken("a page beyond the memory"))?;
        let (encoding, codec) = (header.encoding, self.codec);
        let (kind, bytes) = match header.kind {
            DICTIONARY => {
                (Kind::Dictionary { sorted: header.sorted }, codec.unpack(packed, length)?)
            }
            DATA => {
                let Header { definition, repetition, .. } = *header;
                (Kind::Data { definition, repetition }, codec.unpack(packed, length)?)
            }
            DATA_V2 => {
                let (definition, repetition) = (header.definition_bytes, header.repetition_bytes);
                let levels = definition.checked_add(repetition);
                let levels = levels.and_then(|levels| usize::try_from(levels).ok());
                let levels = levels.filter(|&levels| levels <= packed.len() && levels <= length);
                let levels =
                    levels.ok_or_else(|| broken("levels of a page that reach beyond it"))?;
                let kind =
                    Kind::DataV2 { nulls: header.nulls, rows: header.rows, definition, repetition };
                let values = packed.split_off(levels);
                let length = length.saturating_sub(levels);
                // Without a value there may be nothing at all where a compressed stream ought to be.
                let plain = header.plain || (values.is_empty() && length == 0);
                let codec = if plain { Codec::Plain } else { codec };
                let values = codec.unpack(values, length)?;
                packed.reserve_exact(values.len());
                packed.extend_from_slice(&values);
                (kind, packed)
            }
            other => return Err(broken(format!("expected a kind of page, got {other}"))),
        };
        Ok(Page { kind, values, encoding, bytes })
    }
}

fn broken(why: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(0, Gap::Malformed, why)
}

impl Header {
    fn read(thrift: &mut Thrift<'_>) -> Result<Self, Refusal> {
        let mut header = Self::default();
        let (mut kind, mut unpacked, mut packed) = (None, None, None);
        thrift.fields(|thrift, field| {
            match (field.id, field.kind) {
                (1, Type::Int) => kind = Some(thrift.int()?),
                (2, Type::Int) => unpacked = Some(count(thrift, field)?),
                (3, Type::Int) => packed = Some(count(thrift, field)?),
                // The checksum is written as a signed number of 32 bits.
                (4, Type::Int) => {
                    header.checksum = i32::try_from(thrift.int()?).ok().map(i32::cast_unsigned);
                }
                (5, Type::Struct) => return header.data(thrift),
                (7, Type::Struct) => return header.dictionary(thrift),
                (8, Type::Struct) => return header.second(thrift),
                _ => return thrift.skip(field.kind),
            }
            Ok(())
        })?;
        let (Some(kind), Some(unpacked), Some(packed)) = (kind, unpacked, packed) else {
            return Err(thrift.broken("expected the kind and the sizes of a page"));
        };
        Ok(Self { kind, unpacked: unpacked.into(), packed: packed.into(), ..header })
    }

    fn data(&mut self, thrift: &mut Thrift<'_>) -> Result<(), Refusal> {
        thrift.fields(|thrift, field| {
            match (field.id, field.kind) {
                (1, Type::Int) => self.values = Some(count(thrift, field)?),
                (2, Type::Int) => self.encoding = code(thrift)?,
                (3, Type::Int) => self.definition = code(thrift)?,
                (4, Type::Int) => self.repetition = code(thrift)?,
                _ => return thrift.skip(field.kind),
            }
            Ok(())
        })
    }

    fn dictionary(&mut self, thrift: &mut Thrift<'_>) -> Result<(), Refusal> {
        thrift.fields(|thrift, field| {
            match (field.id, field.kind) {
                (1, Type::Int) => self.values = Some(count(thrift, field)?),
                (2, Type::Int) => self.encoding = code(thrift)?,
                (3, Type::Bool) => self.sorted = field.truth,
                _ => return thrift.skip(field.kind),
            }
            Ok(())
        })
    }

    fn second(&mut self, thrift: &mut Thrift<'_>) -> Result<(), Refusal> {
        thrift.fields(|thrift, field| {
            match (field.id, field.kind) {
                (1, Type::Int) => self.values = Some(count(thrift, field)?),
                (2, Type::Int) => self.nulls = count(thrift, field)?,
                (3, Type::Int) => self.rows = count(thrift, field)?,
                (4, Type::Int) => self.encoding = code(thrift)?,
                (5, Type::Int) => self.definition_bytes = count(thrift, field)?,
                (6, Type::Int) => self.repetition_bytes = count(thrift, field)?,
                (7, Type::Bool) => self.plain = !field.truth,
                _ => return thrift.skip(field.kind),
            }
            Ok(())
        })
    }
}

/// A count of 31 bits.
fn count(thrift: &mut Thrift<'_>, field: Field) -> Result<u32, Refusal> {
    let number = thrift.int()?;
    i32::try_from(number).ok().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| {
        thrift.broken(format!("expected a count in field {} of a page, got {number}", field.id))
    })
}

/// The number of an encoding.
fn code(thrift: &mut Thrift<'_>) -> Result<i32, Refusal> {
    let number = thrift.int()?;
    i32::try_from(number).map_err(|_| thrift.broken(format!("expected an encoding, got {number}")))
}

const DATA: i64 = 0;
const INDEX: i64 = 1;
const DICTIONARY: i64 = 2;
const DATA_V2: i64 = 3;

/// What any page may unpack to: writers end pages near 1 MiB, and a page of one repeated value shrinks
/// to a few bytes.
const FREE: u64 = 8 << 20;
