//! What goes through a pipe: numbers of 64 bits, little-endian; bytes and texts behind their length;
//! tensors as type, shape and elements.
//!
//! Neither end believes the other. Nothing is allocated by a length alone: bytes are taken as they
//! come, and no more of them than the reader was told to take.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use half::{bf16, f16};
use modelward_engine::{Data, Element, Tensor, Type};

/// The end that writes.
pub(crate) struct Out<W>(pub(crate) W);

impl<W: Write> Out<W> {
    pub(crate) fn number(&mut self, number: u64) -> io::Result<()> {
        self.0.write_all(&number.to_le_bytes())
    }

    pub(crate) fn count(&mut self, count: usize) -> io::Result<()> {
        self.number(count as u64)
    }

    pub(crate) fn float(&mut self, number: f64) -> io::Result<()> {
        self.number(number.to_bits())
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.count(bytes.len())?;
        self.0.write_all(bytes)
    }

    pub(crate) fn tensor(&mut self, tensor: &Tensor) -> io::Result<()> {
        self.number(tensor.element().to_onnx().cast_unsigned())?;
        self.count(tensor.dims().len())?;
        for &size in tensor.dims() {
            self.count(size)?;
        }
        macro_rules! write {
            ($values:expr) => {
                for value in $values {
                    self.0.write_all(&value.to_le_bytes())?;
                }
            };
        }
        match tensor.data() {
            Data::F32(v) => write!(v),
            Data::F64(v) => write!(v),
            Data::F16(v) => write!(v),
            Data::Bf16(v) => write!(v),
            Data::I8(v) => write!(v),
            Data::I16(v) => write!(v),
            Data::I32(v) => write!(v),
            Data::I64(v) => write!(v),
            Data::U8(v) => self.0.write_all(v)?,
            Data::U16(v) => write!(v),
            Data::U32(v) => write!(v),
            Data::U64(v) => write!(v),
            Data::Bool(v) => write!(v.iter().map(|&value| u8::from(value))),
            Data::Text(v) => {
                for text in v {
                    self.bytes(text.as_bytes())?;
                }
            }
        }
        Ok(())
    }
}

/// The end that reads, and how many bytes it will still take.
pub(crate) struct In<R> {
    pub(crate) from: R,
    pub(crate) left: u64,
}

/// More than any tensor of a model has.
const MOST_DIMENSIONS: usize = 64;

/// How much is taken at once. A whole number of elements of any type.
const STEP: usize = 1 << 20;

impl<R: Read> In<R> {
    pub(crate) fn number(&mut self) -> io::Result<u64> {
        self.take(8)?;
        let mut bytes = [0; 8];
        self.from.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    pub(crate) fn count(&mut self) -> io::Result<usize> {
        usize::try_from(self.number()?).map_err(|_| wrong("a count of more than this machine has"))
    }

    pub(crate) fn float(&mut self) -> io::Result<f64> {
        self.number().map(f64::from_bits)
    }

    pub(crate) fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let length = self.number()?;
        self.take(length)?;
        let mut bytes = Vec::new();
        self.from.by_ref().take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> io::Result<String> {
        String::from_utf8(self.bytes()?).map_err(|_| wrong("a text that is not UTF-8"))
    }

    pub(crate) fn tensor(&mut self) -> io::Result<Tensor> {
        let element = i64::try_from(self.number()?).ok().and_then(Element::of_onnx);
        let element = element.ok_or_else(|| wrong("elements of no known type"))?;
        let rank = self.count()?;
        if rank > MOST_DIMENSIONS {
            return Err(wrong("a tensor of too many dimensions"));
        }
        let dims = (0..rank).map(|_| self.count()).collect::<io::Result<Vec<_>>>()?;
        let count = Type::new(element, dims.clone()).count();
        let count = count.map_err(|trouble| wrong(&trouble.why))?;
        macro_rules! read {
            ($kind:ty) => {{
                const SIZE: usize = size_of::<$kind>();
                let mut values: Vec<$kind> = Vec::new();
                self.pieces(count, SIZE, |piece| {
                    let (whole, _) = piece.as_chunks::<SIZE>();
                    values.extend(whole.iter().map(|bytes| <$kind>::from_le_bytes(*bytes)));
                })?;
                Data::from(values)
            }};
        }
        let data = match element {
            Element::F32 => read!(f32),
            Element::F64 => read!(f64),
            Element::F16 => read!(f16),
            Element::Bf16 => read!(bf16),
            Element::I8 => read!(i8),
            Element::I16 => read!(i16),
            Element::I32 => read!(i32),
            Element::I64 => read!(i64),
            Element::U8 => read!(u8),
            Element::U16 => read!(u16),
            Element::U32 => read!(u32),
            Element::U64 => read!(u64),
            Element::Bool => {
                let mut values = Vec::new();
                self.pieces(count, 1, |piece| values.extend(piece.iter().map(|&byte| byte != 0)))?;
                Data::Bool(values)
            }
            Element::Text => {
                let mut values: Vec<Arc<str>> = Vec::new();
                for _ in 0..count {
                    values.push(self.text()?.into());
                }
                Data::Text(values)
            }
        };
        Tensor::new(dims, data).map_err(|trouble| wrong(&trouble.why))
    }

    /// So many elements of so many bytes, in pieces.
    fn pieces(&mut self, count: usize, size: usize, mut add: impl FnMut(&[u8])) -> io::Result<()> {
        let length = count.checked_mul(size).ok_or_else(|| wrong("more bytes than can be"))?;
        self.take(length as u64)?;
        let mut piece = vec![0; length.min(STEP)];
        let mut left = length;
        while left > 0 {
            let step = left.min(STEP);
            let part = piece.get_mut(..step).unwrap_or_default();
            self.from.read_exact(part)?;
            add(part);
            left = left.saturating_sub(step);
        }
        Ok(())
    }

    fn take(&mut self, length: u64) -> io::Result<()> {
        self.left = self.left.checked_sub(length).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, "more bytes than the limit leaves")
        })?;
        Ok(())
    }
}

/// What does not belong in the pipe.
pub(crate) fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors() -> Vec<Tensor> {
        let mut all = Element::ALL
            .iter()
            .map(|&element| Tensor::zeros(&Type::new(element, [2, 3])).unwrap())
            .collect::<Vec<_>>();
        all.push(Tensor::new([2], vec![f32::NAN, -0.0]).unwrap());
        all.push(Tensor::new([0, 7], Vec::<i64>::new()).unwrap());
        all.push(Tensor::scalar(u64::MAX));
        all.push(Tensor::list(vec![Arc::<str>::from("ä"), Arc::from("")]));
        all.push(Tensor::list(vec![1.5_f64; 300_000]));
        all
    }

    #[test]
    fn what_is_written_is_read() {
        for tensor in tensors() {
            let mut bytes = Vec::new();
            Out(&mut bytes).tensor(&tensor).unwrap();
            let mut reader = In { from: &bytes[..], left: bytes.len() as u64 };
            let read = reader.tensor().unwrap();
            assert_eq!((reader.left, read.kind()), (0, tensor.kind()));
            let mut again = Vec::new();
            Out(&mut again).tensor(&read).unwrap();
            assert_eq!(bytes, again);
        }
    }

    #[test]
    fn what_is_cut_short_or_over_the_limit_is_an_error() {
        for tensor in tensors() {
            let mut bytes = Vec::new();
            Out(&mut bytes).tensor(&tensor).unwrap();
            for length in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
                let cut = In { from: &bytes[..length], left: u64::MAX }.tensor();
                assert!(cut.is_err(), "{} of {}", length, bytes.len());
                let less = In { from: &bytes[..], left: length as u64 }.tensor();
                assert!(less.is_err(), "{} of {}", length, bytes.len());
            }
        }
    }

    #[test]
    fn a_length_alone_allocates_nothing() {
        let mut bytes = Vec::new();
        let mut out = Out(&mut bytes);
        for number in [1, 2, 1 << 20, 1 << 20] {
            out.number(number).unwrap();
        }
        let error = In { from: &bytes[..], left: u64::MAX }.tensor().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        let mut bytes = Vec::new();
        Out(&mut bytes).number(u64::MAX - 8).unwrap();
        assert!(In { from: &bytes[..], left: u64::MAX }.bytes().is_err());
        for head in [[99, 0], [1, 65]] {
            let mut bytes = Vec::new();
            head.iter().for_each(|&number| Out(&mut bytes).number(number).unwrap());
            let error = In { from: &bytes[..], left: u64::MAX }.tensor().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
