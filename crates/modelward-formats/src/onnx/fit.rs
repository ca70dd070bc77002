//! What a tensor declares, against the bytes that it has.
//!
//! Source: ONNX 1.23, `onnx/onnx.proto`, `TensorProto`.

use crate::{Bytes, Refusal};

use super::{Data, Field, Piece, Span, Tensor, element_name, element_size};

/// How a tensor breaks its word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// Whether a careless loader would reach beyond its memory.
    pub(super) severe: bool,
    pub(super) why: String,
}

impl Misfit {
    fn new(severe: bool, why: impl Into<String>) -> Self {
        Self { severe, why: why.into() }
    }
}

/// How many elements a tensor declares.
pub(super) fn elements(tensor: &Tensor) -> Result<u64, Misfit> {
    let mut sizes = Vec::with_capacity(tensor.dims.len());
    for &size in &tensor.dims {
        let negative = |_| Misfit::new(true, format!("has the dimension {size}"));
        sizes.push(u64::try_from(size).map_err(negative)?);
    }
    if sizes.contains(&0) {
        return Ok(0);
    }
    let product = sizes.iter().try_fold(1_u64, |product, &size| product.checked_mul(size));
    let large = || Misfit::new(true, format!("has more elements than 64 bits count: {sizes:?}"));
    product.filter(|&count| count <= 1 << 62).ok_or_else(large)
}

/// How many bytes a tensor takes where it is stored byte by byte; `None` for texts.
pub(super) fn bytes_of(tensor: &Tensor, count: u64) -> Result<Option<u64>, Misfit> {
    let bits = match tensor.data_type {
        8 => return Ok(None),
        21..=23 => 4,
        25 | 26 => 2,
        27 | 28 => 6,
        kind => {
            let unknown = || Misfit::new(false, format!("has elements of the unknown type {kind}"));
            element_size(kind).ok_or_else(unknown)?.saturating_mul(8)
        }
    };
    let bits = u128::from(count).saturating_mul(bits.into());
    let large = |_| Misfit::new(true, "takes more bytes than 64 bits count");
    u64::try_from(bits.div_ceil(8)).map(Some).map_err(large)
}

/// Hold a tensor's own data against its shape and type; external data are not looked at.
pub(super) fn fit(tensor: &Tensor, bytes: &Bytes) -> Result<Result<(), Misfit>, Refusal> {
    let count = match elements(tensor) {
        Ok(count) => count,
        Err(misfit) => return Ok(Err(misfit)),
    };
    let needed = match bytes_of(tensor, count) {
        Ok(needed) => needed,
        Err(misfit) => return Ok(Err(misfit)),
    };
    let (needed, got, unit) = match (&tensor.data, needed) {
        (Data::External(_) | Data::Twice, _) => return Ok(Ok(())),
        (Data::None, _) => (count, 0, "elements"),
        (Data::Raw(_), None) => {
            return Ok(Err(Misfit::new(false, "has texts as raw bytes")));
        }
        (Data::Raw(span), Some(needed)) => (needed, length(span), "bytes"),
        (Data::Typed(field, pieces), _) => {
            let Some(numbers) = numbers(tensor.data_type, *field, count) else {
                let name = element_name(tensor.data_type).unwrap_or_default();
                let why = format!("has elements of type {name} in the field of another type");
                return Ok(Err(Misfit::new(false, why)));
            };
            (numbers, counted(pieces, *field, bytes)?, "numbers")
        }
    };
    if needed == got {
        return Ok(Ok(()));
    }
    let why = format!("takes {needed} {unit} by its shape {:?}, and has {got}", tensor.dims);
    Ok(Err(Misfit::new(false, why)))
}

/// How many numbers of a typed field so many elements of a type take; `None` where the type does
/// not stand in that field.
fn numbers(data_type: i64, field: Field, count: u64) -> Option<u64> {
    let numbers = match (field, data_type) {
        (Field::Float, 1) | (Field::Double, 11) | (Field::Int64, 7) | (Field::Text, 8) => count,
        (Field::Float, 14) | (Field::Double, 15) => count.checked_mul(2)?,
        (Field::Uint64, 12 | 13) => count,
        (Field::Int32, 2..=6 | 9 | 10 | 16..=20 | 24 | 27 | 28) => count,
        (Field::Int32, 21..=23) => count.div_ceil(2),
        (Field::Int32, 25 | 26) => count.div_ceil(4),
        _ => return None,
    };
    Some(numbers)
}

/// How many numbers stand in the pieces of a field.
fn counted(pieces: &[Piece], field: Field, bytes: &Bytes) -> Result<u64, Refusal> {
    let mut count = 0_u64;
    for piece in pieces {
        let more = match (piece, field) {
            (Piece::Varint(_) | Piece::Fixed(_), _) | (Piece::Span(_), Field::Text) => 1,
            (Piece::Span(span), Field::Float) => length(span).div_ceil(4),
            (Piece::Span(span), Field::Double) => length(span).div_ceil(8),
            (Piece::Span(span), _) => varints(bytes, span)?,
        };
        count = count.saturating_add(more);
    }
    Ok(count)
}

/// How many numbers of variable length end in a range: those bytes without the highest bit.
fn varints(bytes: &Bytes, span: &Span) -> Result<u64, Refusal> {
    let range = bytes.slice(span.start, length(span))?;
    let mut cursor = range.cursor();
    let mut count = 0_u64;
    while cursor.left() > 0 {
        let window = cursor.peek(1)?;
        let ends = window.iter().filter(|&&byte| byte < 0x80).count();
        let seen = window.len();
        count = count.saturating_add(ends as u64);
        cursor.advance(seen);
    }
    Ok(count)
}

fn length(span: &Span) -> u64 {
    span.end.saturating_sub(span.start)
}
