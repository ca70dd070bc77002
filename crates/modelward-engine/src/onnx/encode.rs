//! Protocol buffers, written: messages whose lengths are exact before a byte goes out.
//!
//! A message is a list of pieces, and the numbers of a tensor stay where they are until they are
//! written: a model takes its own size in memory once.
//!
//! Source: wire format of Protocol Buffers; field numbers of ONNX 1.23, `onnx/onnx.proto`.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use crate::{Data, Element, Kind, Result, Tensor, Trouble, graph::Attribute, replace::replace};

/// A message.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// Bytes, each with the tensor whose elements follow, little-endian.
    pieces: Vec<(Vec<u8>, Arc<Tensor>)>,
    /// Bytes behind these.
    tail: Vec<u8>,
    length: u64,
}

impl Message {
    /// How many bytes it takes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// A whole number.
    pub(super) fn int(&mut self, field: u32, value: i64) {
        self.tag(field, 0);
        self.varint(value.cast_unsigned());
    }

    /// A float.
    pub(super) fn float(&mut self, field: u32, value: f32) {
        self.tag(field, 5);
        self.raw(&value.to_le_bytes());
    }

    /// A text.
    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.tag(field, 2);
        self.varint(text.len() as u64);
        self.raw(text.as_bytes());
    }

    /// A text, where there is one.
    pub(super) fn some_text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.text(field, text);
        }
    }

    /// A message inside this one.
    pub(super) fn message(&mut self, field: u32, inner: Self) {
        self.tag(field, 2);
        self.varint(inner.length);
        self.length = self.length.saturating_add(inner.length);
        for (bytes, tensor) in inner.pieces {
            self.tail.extend_from_slice(&bytes);
            self.pieces.push((std::mem::take(&mut self.tail), tensor));
        }
        self.tail.extend_from_slice(&inner.tail);
    }

    /// The elements of a tensor as `raw_data`.
    pub(super) fn elements(&mut self, field: u32, tensor: &Arc<Tensor>) {
        let length = (tensor.count() as u64).saturating_mul(tensor.element().size() as u64);
        self.tag(field, 2);
        self.varint(length);
        self.length = self.length.saturating_add(length);
        self.pieces.push((std::mem::take(&mut self.tail), tensor.clone()));
    }

    fn tag(&mut self, field: u32, wire: u32) {
        self.varint((u64::from(field) << 3) | u64::from(wire));
    }

    /// A number of variable length.
    pub(super) fn varint(&mut self, value: u64) {
        let mut left = value;
        while left >= 0x80 {
            self.raw(&[(left & 0x7f) as u8 | 0x80]);
            left >>= 7;
        }
        self.raw(&[(left & 0x7f) as u8]);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.length = self.length.saturating_add(bytes.len() as u64);
    }

    /// Write it.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (bytes, tensor) in &self.pieces {
            out.write_all(bytes)?;
            elements(tensor.data(), out)?;
        }
        out.write_all(&self.tail)
    }
}

/// Elements as `raw_data` has them.
fn elements(data: &Data, out: &mut impl Write) -> io::Result<()> {
    macro_rules! write {
        ($values:expr) => {
            for value in $values {
                out.write_all(&value.to_le_bytes())?;
            }
        };
    }
    match data {
        Data::F32(v) => write!(v),
        Data::F64(v) => write!(v),
        Data::F16(v) => write!(v),
        Data::Bf16(v) => write!(v),
        Data::I8(v) => write!(v),
        Data::I16(v) => write!(v),
        Data::I32(v) => write!(v),
        Data::I64(v) => write!(v),
        Data::U8(v) => out.write_all(v)?,
        Data::U16(v) => write!(v),
        Data::U32(v) => write!(v),
        Data::U64(v) => write!(v),
        Data::Bool(v) => write!(v.iter().map(|&value| u8::from(value))),
        Data::Text(_) => return Err(io::ErrorKind::InvalidInput.into()),
    }
    Ok(())
}

/// `TensorProto`.
pub(super) fn tensor(tensor: &Arc<Tensor>, name: &str) -> Message {
    let mut message = Message::default();
    for &size in tensor.dims() {
        message.int(1, i64::try_from(size).unwrap_or(i64::MAX));
    }
    message.int(2, tensor.element().to_onnx());
    if let Data::Text(texts) = tensor.data() {
        for text in texts {
            message.text(6, text);
        }
    }
    message.some_text(8, name);
    if tensor.element() != Element::Text {
        message.elements(9, tensor);
    }
    message
}

/// `AttributeProto`; none for what no operator here reads.
pub(super) fn attribute(name: &str, attribute: &Attribute) -> Option<Message> {
    let mut message = Message::default();
    message.text(1, name);
    let kind = match attribute {
        Attribute::Float(value) => {
            message.float(2, *value);
            1
        }
        Attribute::Int(value) => {
            message.int(3, *value);
            2
        }
        Attribute::Text(value) => {
            message.text(4, value);
            3
        }
        Attribute::Tensor(value) => {
            message.message(5, tensor(value, ""));
            4
        }
        Attribute::Floats(values) => {
            values.iter().for_each(|value| message.float(7, *value));
            6
        }
        Attribute::Ints(values) => {
            values.iter().for_each(|value| message.int(8, *value));
            7
        }
        Attribute::Texts(values) => {
            values.iter().for_each(|value| message.text(9, value));
            8
        }
        Attribute::Other => return None,
    };
    message.int(20, kind);
    Some(message)
}

/// The most bytes of one message: readers count them in 31 bits.
const LONGEST: u64 = (1 << 31) - 1;

/// Refuse a message that no reader counts.
fn admit(length: u64) -> Result<()> {
    if length > LONGEST {
        let length = crate::exec::size(length);
        return Err(Trouble::limit(format!(
            "an ONNX file of {length}, more than the 2 GiB that its format holds"
        )));
    }
    Ok(())
}

/// A file of so many bytes, in memory.
pub(super) fn bytes(
    length: u64,
    write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
) -> Result<Vec<u8>> {
    admit(length)?;
    let mut bytes = Vec::with_capacity(length as usize);
    write(&mut bytes).map_err(|error| Trouble::new(Kind::System, error.to_string()))?;
    Ok(bytes)
}

/// Write a file of so many bytes under a name of its own in the same folder, then rename it: a
/// file that was there before stays as it was where this fails.
pub(super) fn save(
    path: &Path,
    length: u64,
    write: impl FnOnce(&mut io::BufWriter<&std::fs::File>) -> io::Result<()>,
) -> Result<()> {
    admit(length)?;
    let system = |error: io::Error| {
        Trouble::new(Kind::System, format!("cannot write `{}`: {error}", path.display()))
    };
    let whole = |file: &mut std::fs::File| {
        let mut out = io::BufWriter::new(&*file);
        write(&mut out)?;
        out.flush()
    };
    replace(path, whole).map_err(system)
}
