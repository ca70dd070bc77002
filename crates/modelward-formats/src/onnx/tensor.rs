//! Tensors: what they say of themselves, and where their numbers lie.

use crate::{Bytes, Cursor, Gap, Refusal};

use super::{
    Span, over, refused,
    wire::{Content, Field as WireField, Wire},
};

/// A tensor of the file.
#[derive(Clone, Debug, Default)]
pub struct Tensor {
    /// Its name; empty where it is an attribute.
    pub name: String,
    /// Its shape, as declared.
    pub dims: Vec<i64>,
    /// `TensorProto.DataType`.
    pub data_type: i64,
    /// Where its numbers lie.
    pub data: Data,
    /// Offset of the message.
    pub at: u64,
    /// Where the content of the message lies.
    pub span: Span,
}

/// A sparse tensor.
#[derive(Clone, Debug, Default)]
pub struct Sparse {
    /// Its values, which bear its name.
    pub values: Tensor,
    /// Where they stand.
    pub indices: Tensor,
}

impl Sparse {
    pub(super) fn read(
        wire: &mut Wire<'_>,
        field: WireField,
        into: &mut Vec<Self>,
    ) -> Result<(), Refusal> {
        wire.item(field.at)?;
        let (mut sparse, mut seen) = (Self::default(), 0);
        wire.nested(field, |wire, field| {
            match field.number {
                1 => {
                    wire.once(&mut seen, field, "the values of a sparse tensor")?;
                    sparse.values = Tensor::read(wire, field)?;
                }
                2 => {
                    wire.once(&mut seen, field, "the indices of a sparse tensor")?;
                    sparse.indices = Tensor::read(wire, field)?;
                }
                _ => wire.pass(field, &[3])?,
            }
            Ok(())
        })?;
        into.push(sparse);
        Ok(())
    }
}

/// Where the numbers of a tensor lie.
#[derive(Clone, Debug, Default)]
pub enum Data {
    /// Nowhere: a tensor without elements, or one that lacks them.
    #[default]
    None,
    /// Little-endian, one behind the other.
    Raw(Span),
    /// In a field of a type of its own, in pieces of the wire format.
    Typed(Field, Vec<Piece>),
    /// In another file: keys and values, `location` among them.
    External(Vec<(String, String)>),
    /// In two of these places at once: two readers would see two tensors.
    Twice,
}

/// The typed fields of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `float_data`, also of complex numbers.
    Float,
    /// `int32_data`, also of all smaller types.
    Int32,
    /// `string_data`.
    Text,
    /// `int64_data`.
    Int64,
    /// `double_data`, also of complex numbers.
    Double,
    /// `uint64_data`, also of `uint32`.
    Uint64,
}

/// A piece of a typed field.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Packed numbers, or the bytes of one text.
    Span(Span),
    /// One number of variable length.
    Varint(u64),
    /// One number of 32 or 64 bits.
    Fixed(u64),
}

impl Tensor {
    pub(super) fn read(wire: &mut Wire<'_>, field: WireField) -> Result<Self, Refusal> {
        wire.item(field.at)?;
        let mut tensor = Self { at: field.at, ..Self::default() };
        let end = wire.end(field)?;
        tensor.span = wire.position()..end;
        let mut typed: Option<(Field, Vec<Piece>)> = None;
        let (mut raw, mut external, mut elsewhere) = (None, Vec::new(), false);
        wire.nested(field, |wire, field| {
            let kind = match field.number {
                1 => {
                    wire.ints(field, &mut tensor.dims)?;
                    if tensor.dims.len() > wire.limits.rank {
                        let rank = wire.limits.rank;
                        return Err(over(field.at, Gap::LargeMemory, rank, "dimensions"));
                    }
                    return Ok(());
                }
                2 => {
                    tensor.data_type = field.int()?;
                    return Ok(());
                }
                3 => return Err(refused(field.at, "a tensor in segments")),
                4 => Field::Float,
                5 => Field::Int32,
                6 => Field::Text,
                7 => Field::Int64,
                8 => {
                    tensor.name = wire.text(field)?;
                    return Ok(());
                }
                9 => {
                    let span = wire.span(field)?;
                    if raw.replace(span).is_some() {
                        return Err(refused(field.at, "the bytes of a tensor stand twice"));
                    }
                    return Ok(());
                }
                10 => Field::Double,
                11 => Field::Uint64,
                13 => {
                    external.push(wire.pair_of_any_bytes(field)?);
                    return Ok(());
                }
                14 => {
                    elsewhere = field.int()? == 1;
                    return Ok(());
                }
                _ => return wire.pass(field, &[12, 16]),
            };
            let piece = match field.content {
                Content::Length(_) => Piece::Span(wire.span(field)?),
                Content::Varint(value) => Piece::Varint(value),
                Content::Fixed64(value) => Piece::Fixed(value),
                Content::Fixed32(value) => Piece::Fixed(value.into()),
            };
            let (known, pieces) = typed.get_or_insert((kind, Vec::new()));
            if *known != kind {
                return Err(refused(field.at, "a tensor has data of two types"));
            }
            // An empty packed field is as good as none, a million of them is not.
            wire.item(field.at)?;
            pieces.push(piece);
            Ok(())
        })?;
        let empty = |piece: &Piece| matches!(piece, Piece::Span(span) if span.is_empty());
        let typed =
            typed.filter(|(kind, pieces)| *kind == Field::Text || !pieces.iter().all(empty));
        tensor.data = match (raw, typed, elsewhere || !external.is_empty()) {
            (None, None, false) => Data::None,
            (Some(raw), None, false) => Data::Raw(raw),
            (None, Some((kind, pieces)), false) => Data::Typed(kind, pieces),
            (None, None, true) if elsewhere => Data::External(external),
            _ => Data::Twice,
        };
        Ok(tensor)
    }

    /// The numbers of a typed field as whole numbers; floats by their bits. At most `most`.
    ///
    /// # Errors
    /// Where a piece breaks the wire format, or there are more numbers.
    pub fn typed(&self, bytes: &Bytes, most: usize) -> Result<Vec<u64>, Refusal> {
        let Data::Typed(field, pieces) = &self.data else { return Ok(Vec::new()) };
        let mut numbers = Vec::new();
        let mut push = |at: u64, number: u64| {
            if numbers.len() >= most {
                return Err(refused(at, format!("expected {most} numbers, got more")));
            }
            numbers.push(number);
            Ok(())
        };
        for piece in pieces {
            match (piece, field) {
                (Piece::Varint(value) | Piece::Fixed(value), _) => push(self.at, *value)?,
                (Piece::Span(span), Field::Float) => {
                    let mut cursor = packed(bytes, span, 4)?;
                    while cursor.left() > 0 {
                        push(span.start, u32::from_le_bytes(cursor.array()?).into())?;
                    }
                }
                (Piece::Span(span), Field::Double) => {
                    let mut cursor = packed(bytes, span, 8)?;
                    while cursor.left() > 0 {
                        push(span.start, u64::from_le_bytes(cursor.array()?))?;
                    }
                }
                (Piece::Span(span), _) => {
                    let slice = bytes.slice(span.start, length(span))?;
                    let limits = super::Limits::default();
                    let mut wire = Wire::new(&slice, &limits);
                    while wire.position() < slice.len() {
                        push(span.start, wire.varint()?)?;
                    }
                }
            }
        }
        Ok(numbers)
    }

    /// The texts of `string_data`, at most `most`, none longer than a name may be.
    ///
    /// # Errors
    /// Where there are more texts, or longer ones.
    pub fn texts(&self, bytes: &Bytes, most: usize) -> Result<Vec<Vec<u8>>, Refusal> {
        let Data::Typed(Field::Text, pieces) = &self.data else { return Ok(Vec::new()) };
        if pieces.len() > most {
            return Err(refused(self.at, format!("expected {most} texts, got {}", pieces.len())));
        }
        let text = |piece: &Piece| match piece {
            Piece::Span(span) if length(span) <= super::Limits::default().name => {
                bytes.take(span.start, length(span))
            }
            Piece::Span(span) => Err(refused(span.start, "a text longer than a name may be")),
            _ => Err(refused(self.at, "expected a text")),
        };
        pieces.iter().map(text).collect()
    }
}

fn length(span: &Span) -> u64 {
    span.end.saturating_sub(span.start)
}

/// Go through packed numbers of one size.
fn packed<'a>(bytes: &'a Bytes, span: &Span, size: u64) -> Result<Packed<'a>, Refusal> {
    if !length(span).is_multiple_of(size) {
        return Err(refused(span.start, "packed numbers of no whole number"));
    }
    let mut cursor = bytes.cursor();
    cursor.seek(span.start);
    Ok(Packed { cursor, end: span.end })
}

struct Packed<'a> {
    cursor: Cursor<'a>,
    end: u64,
}

impl Packed<'_> {
    fn left(&self) -> u64 {
        self.end.saturating_sub(self.cursor.position())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        self.cursor.array()
    }
}

/// Bytes of one element of a `TensorProto.DataType` that is stored byte by byte.
pub fn element_size(data_type: i64) -> Option<u64> {
    Some(match data_type {
        2 | 3 | 9 | 17..=20 | 24 => 1,
        4 | 5 | 10 | 16 => 2,
        1 | 6 | 12 => 4,
        7 | 11 | 13 | 14 => 8,
        15 => 16,
        _ => return None,
    })
}

/// The name of a `TensorProto.DataType`.
pub fn element_name(data_type: i64) -> Option<&'static str> {
    const NAMES: &[&str] = &[
        "undefined",
        "f32",
        "u8",
        "i8",
        "u16",
        "i16",
        "i32",
        "i64",
        "string",
        "bool",
        "f16",
        "f64",
        "u32",
        "u64",
        "complex64",
        "complex128",
        "bf16",
        "f8e4m3fn",
        "f8e4m3fnuz",
        "f8e5m2",
        "f8e5m2fnuz",
        "u4",
        "i4",
        "f4e2m1",
        "f8e8m0",
        "u2",
        "i2",
        "f6e2m3",
        "f6e3m2",
    ];
    NAMES.get(usize::try_from(data_type).ok()?).copied()
}
