//! The elements of a tensor as bytes in one order: little-endian, the last index running fastest.

use std::ops::Range;

use crate::{Budget, Bytes, Gap, Refusal, onnx};

use super::strided::{Strided, View};

/// The elements of a tensor.
#[derive(Clone, Debug)]
pub struct Elements(Form);

/// How a file stores them.
#[derive(Clone, Debug)]
enum Form {
    /// As they are read.
    Plain(Bytes),
    /// Each number of so many bytes turned round.
    Swapped(Bytes, u8),
    /// Out of their order; and how wide the numbers are that are turned round.
    Strided(Strided, Option<u8>),
    /// In a typed field of an ONNX tensor: its file, the tensor, bytes of an element, bytes in all.
    Typed(Bytes, Box<onnx::Tensor>, u8, u64),
}

impl Elements {
    /// Elements that lie as they are read.
    pub fn plain(bytes: Bytes) -> Self {
        Self(Form::Plain(bytes))
    }

    /// Numbers of so many bytes with the highest first.
    pub(crate) fn swapped(bytes: Bytes, width: u8) -> Self {
        if width < 2 { Self::plain(bytes) } else { Self(Form::Swapped(bytes, width)) }
    }

    /// Elements in another order than they are read.
    pub(crate) fn strided(
        storage: Bytes,
        view: View,
        swap: Option<u8>,
        budget: &Budget,
    ) -> Result<Self, Refusal> {
        if view.is_contiguous() {
            let length = super::count(&view.shape).and_then(|count| count.checked_mul(view.width));
            let start = view.offset.checked_mul(view.width);
            let Some((start, length)) = start.zip(length) else {
                return Err(Refusal::new(0, Gap::OversizedLength, "a view beyond 64 bits"));
            };
            // Without elements it lies nowhere.
            let bytes = storage.slice(if length == 0 { 0 } else { start }, length)?;
            return Ok(match swap {
                Some(width) => Self::swapped(bytes, width),
                None => Self::plain(bytes),
            });
        }
        Ok(Self(Form::Strided(Strided::new(&storage, view, budget)?, swap)))
    }

    /// Numbers of a typed field of ONNX: `length` bytes when each takes `width`.
    pub(crate) fn typed(file: Bytes, tensor: &onnx::Tensor, width: u8, length: u64) -> Self {
        Self(Form::Typed(file, Box::new(tensor.clone()), width, length))
    }

    /// Bytes of all elements.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Form::Plain(bytes) | Form::Swapped(bytes, _) => bytes.len(),
            Form::Strided(strided, _) => strided.length,
            Form::Typed(.., length) => *length,
        }
    }

    /// Bytes that reading all of them reads: more than they have where they lie far apart.
    pub fn cost(&self) -> u64 {
        match &self.0 {
            Form::Strided(strided, _) => strided.length.max(strided.at_hand_bytes()),
            _ => self.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The range of `file` that is these elements as they are read; `None` where they are stored
    /// otherwise, or lie elsewhere.
    pub fn range_in(&self, file: &Bytes) -> Option<Range<u64>> {
        let Form::Plain(bytes) = &self.0 else { return None };
        let start = bytes.offset_in(file)?;
        Some(start..start.checked_add(bytes.len())?)
    }

    /// Read all of them from the first to the last, in windows.
    ///
    /// # Errors
    /// Where the bytes cannot be had.
    pub fn each_window(&self, mut take: impl FnMut(&[u8])) -> Result<(), Refusal> {
        let mut reader = self.reader()?;
        while let Some(window) = reader.next_window()? {
            take(window);
        }
        Ok(())
    }

    /// Something that reads them from the first to the last.
    ///
    /// # Errors
    /// Where the bytes cannot be had, or numbers of a typed field take more memory than is spent on
    /// one tensor.
    pub fn reader(&self) -> Result<Windows, Refusal> {
        let elements = match &self.0 {
            Form::Typed(file, tensor, width, length) => {
                Self::plain(decode(file, tensor, *width, *length)?.into())
            }
            Form::Strided(strided, swap) => Self(Form::Strided(strided.at_hand()?, *swap)),
            _ => self.clone(),
        };
        Ok(Windows { elements, at: 0, window: Vec::new() })
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Refusal> {
        let (read, swap) = match &self.0 {
            Form::Plain(bytes) => (bytes.read_at(at, into)?, None),
            Form::Swapped(bytes, width) => (bytes.read_at(at, into)?, Some(*width)),
            Form::Strided(strided, swap) => (strided.read_at(at, into)?, *swap),
            // A reader has decoded them.
            Form::Typed(..) => (0, None),
        };
        if let Some(width) = swap {
            for number in into.get_mut(..read).unwrap_or_default().chunks_exact_mut(width.into()) {
                number.reverse();
            }
        }
        Ok(read)
    }
}

/// Elements that are being read.
#[derive(Debug)]
pub struct Windows {
    elements: Elements,
    at: u64,
    window: Vec<u8>,
}

impl Windows {
    /// The next bytes; `None` behind the last. All windows but the last are of one length, which is
    /// a multiple of the width of every number.
    ///
    /// # Errors
    /// Where the bytes cannot be had.
    pub fn next_window(&mut self) -> Result<Option<&[u8]>, Refusal> {
        let left = self.elements.len().saturating_sub(self.at);
        if left == 0 {
            return Ok(None);
        }
        let wanted = usize::try_from(left).unwrap_or(WINDOW).min(WINDOW);
        self.window.resize(wanted, 0);
        let read = self.elements.read_at(self.at, &mut self.window)?;
        if read < wanted {
            return Err(Refusal::truncated(self.at, "the elements end before their shape does"));
        }
        self.at = self.at.saturating_add(read as u64);
        Ok(Some(&self.window))
    }
}

/// Numbers of a typed field, in so many bytes each.
fn decode(file: &Bytes, tensor: &onnx::Tensor, width: u8, length: u64) -> Result<Vec<u8>, Refusal> {
    let width = usize::from(width.max(1));
    let count = usize::try_from(length).unwrap_or(usize::MAX).checked_div(width).unwrap_or(0);
    if count > MOST_NUMBERS {
        let why = format!("more than {MOST_NUMBERS} numbers in a typed field");
        return Err(Refusal::new(tensor.at, Gap::LargeMemory, why));
    }
    let numbers = tensor.typed(file, count)?;
    let mut bytes = Vec::with_capacity(numbers.len().saturating_mul(width));
    for number in numbers {
        bytes.extend_from_slice(number.to_le_bytes().get(..width).unwrap_or_default());
    }
    if bytes.len() as u64 != length {
        return Err(Refusal::truncated(tensor.at, "the numbers end before their shape does"));
    }
    Ok(bytes)
}

/// Bytes read at once.
const WINDOW: usize = 256 << 10;

/// The most numbers of one typed field that are decoded: they take eight bytes each meanwhile.
const MOST_NUMBERS: usize = 32 << 20;
