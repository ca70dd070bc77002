//! numpy's `.npy`, formats 1.0, 2.0 and 3.0, as `numpy.lib.format` reads them.
//!
//! The header is a Python literal of three keys. Where the element type has an object in it,
//! however deep, the data are a pickle, and `numpy.load(..., allow_pickle=True)` runs it. One
//! file may hold several arrays, one behind the other.

use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

use crate::{
    Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal,
    npy::{element::ElementType, literal::Literal},
};

mod element;
mod literal;

/// Arrays of numpy.
pub static NPY: Format = Format { name: "npy", read };

/// The arrays of one file.
#[derive(Debug)]
pub struct Arrays {
    /// The whole file.
    pub bytes: Bytes,
    /// The arrays, in the order of the file.
    pub arrays: Vec<Array>,
    /// Where declared and present data differ: an offset, and what was expected and came.
    pub flaws: Vec<(u64, String)>,
    /// Bytes that are no array's data.
    pub unowned: Option<Range<u64>>,
    /// What was not read.
    pub gaps: Vec<Refusal>,
}

/// One array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Its shape.
    pub shape: Vec<u64>,
    /// Whether the first index runs fastest.
    pub fortran_order: bool,
    /// Bytes of one element.
    pub item_size: u64,
    /// The letter of its element type and whether its bytes are big-endian first, where an element
    /// is one plain number, truth or text.
    pub letter: Option<(char, bool)>,
    /// Whether the data are a pickle.
    pub objects: bool,
    /// Its data; up to the end of the file where they are a pickle.
    pub data: Range<u64>,
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    if !bytes.has(0, MAGIC) {
        return None;
    }
    Some(Ok(Box::new(arrays(bytes, budget))))
}

fn arrays(bytes: &Bytes, budget: &Arc<Budget>) -> Arrays {
    let mut arrays = Arrays {
        bytes: bytes.clone(),
        arrays: Vec::new(),
        flaws: Vec::new(),
        unowned: None,
        gaps: Vec::new(),
    };
    let mut at = 0;
    while bytes.has(at, MAGIC) {
        let step = budget.member(at).and_then(|()| arrays.array(at));
        match step {
            Ok(next) => at = next,
            Err(refusal) => {
                // What follows a header that is not understood is judged in its own right.
                at = at.saturating_add(MAGIC.len() as u64);
                arrays.gaps.push(refusal);
                break;
            }
        }
    }
    let left = bytes.len().saturating_sub(at);
    if left > 0 {
        arrays.unowned = Some(at..bytes.len());
        if arrays.gaps.is_empty() {
            arrays.flaws.push((at, format!("{left} bytes behind the array belong to none")));
        }
    }
    arrays
}

impl Arrays {
    /// Read one array; gives the offset behind its data.
    fn array(&mut self, at: u64) -> Result<u64, Refusal> {
        let header = Header::read(&self.bytes, at)?;
        let (start, left) = (header.end, self.bytes.len().saturating_sub(header.end));
        let shape = header.shape.iter().map(|&size| u64::try_from(size).ok());
        let Some(shape) = shape.collect::<Option<Vec<_>>>() else {
            self.flaws.push((at, format!("a negative dimension: {:?}", header.shape)));
            return Ok(start);
        };
        let ElementType { size, objects, plain: letter } = header.element;
        let elements = shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size));
        let elements = if shape.contains(&0) { Some(0) } else { elements };
        let needed = elements.and_then(|elements| elements.checked_mul(size));
        let end = match needed {
            _ if objects => self.bytes.len(),
            Some(needed) if needed <= left => start.saturating_add(needed),
            _ => {
                let needed = needed.map_or("more than 2^64".into(), |needed| needed.to_string());
                let why = format!(
                    "an array of shape {shape:?} takes {needed} bytes, but only {left} are left",
                );
                self.flaws.push((at, why.clone()));
                self.gaps.push(Refusal::new(start, Gap::OversizedLength, why));
                self.bytes.len()
            }
        };
        let (fortran_order, data) = (header.fortran_order, start..end);
        self.arrays.push(Array { shape, fortran_order, item_size: size, letter, objects, data });
        Ok(end)
    }
}

impl Asset for Arrays {
    fn format(&self) -> &'static str {
        NPY.name
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        let part = |name: &str, range: &Range<u64>, expects| {
            let length = range.end.saturating_sub(range.start);
            Part { name: name.into(), bytes: self.bytes.slice(range.start, length), expects }
        };
        let pickles = self.arrays.iter().filter(|array| array.objects);
        let pickles = pickles.map(|array| part("pickle", &array.data, Expects::Anything));
        let unowned = self.unowned.iter().map(|range| part("bytes behind", range, Expects::Data));
        let gaps = self.gaps.iter().map(|refusal| Part {
            name: "array".into(),
            bytes: Err(refusal.clone()),
            expects: Expects::Data,
        });
        let _ = pickles.chain(unowned).chain(gaps).try_for_each(visit);
    }
}

/// What stands in front of the data.
#[derive(Debug)]
struct Header {
    shape: Vec<i64>,
    fortran_order: bool,
    element: ElementType,
    /// Offset behind it.
    end: u64,
}

impl Header {
    fn read(bytes: &Bytes, at: u64) -> Result<Self, Refusal> {
        let [major, minor] = bytes.array(at.saturating_add(MAGIC.len() as u64))?;
        let length_at = at.saturating_add(MAGIC.len() as u64).saturating_add(2);
        let (length, width) = match (major, minor) {
            (1, 0) => (u64::from(bytes.u16_le(length_at)?), 2),
            (2 | 3, 0) => (u64::from(bytes.u32_le(length_at)?), 4),
            _ => {
                let why = format!("expected npy format 1.0, 2.0 or 3.0, got {major}.{minor}");
                return Err(Refusal::new(at, Gap::Unsupported, why));
            }
        };
        let start = length_at.saturating_add(width);
        let header = bytes.slice(start, length)?;
        if length > LONGEST_HEADER {
            let why = format!("a header of {length} bytes, more than {LONGEST_HEADER}");
            return Err(Refusal::new(start, Gap::LargeMemory, why));
        }
        let broken = |why: String| Refusal::truncated(start, format!("npy header: {why}"));
        let text = header.take(0, length)?;
        let text = if major == 3 {
            String::from_utf8(text).map_err(|_| broken("not UTF-8".into()))?
        } else {
            text.iter().map(|&byte| char::from(byte)).collect()
        };
        let literal = literal::parse(&text).map_err(broken)?;
        let end = start.saturating_add(length);
        Self::of(literal, end).map_err(broken)
    }

    /// The three keys, each once, and no other.
    fn of(literal: Literal, end: u64) -> Result<Self, String> {
        let Literal::Dict(entries) = literal else {
            return Err("expected a dictionary".into());
        };
        let (mut shape, mut fortran_order, mut element) = (None, None, None);
        for (key, value) in entries {
            let again = match (key.as_str(), &value) {
                ("shape", Literal::Tuple(sizes)) => {
                    let sizes = sizes.iter().map(|size| match size {
                        Literal::Number(size) => Ok(*size),
                        _ => Err("expected a shape of numbers".to_owned()),
                    });
                    shape.replace(sizes.collect::<Result<Vec<_>, _>>()?).is_some()
                }
                ("fortran_order", Literal::Bool(order)) => fortran_order.replace(*order).is_some(),
                ("descr", value) => element.replace(ElementType::of(value)?).is_some(),
                (key, _) => return Err(format!("unexpected key or value of `{key}`")),
            };
            if again {
                return Err(format!("key `{key}` stands twice"));
            }
        }
        let missing = || "expected the keys `descr`, `fortran_order` and `shape`".to_owned();
        Ok(Self {
            shape: shape.ok_or_else(missing)?,
            fortran_order: fortran_order.ok_or_else(missing)?,
            element: element.ok_or_else(missing)?,
            end,
        })
    }
}

/// The first bytes of an array.
const MAGIC: &[u8] = b"\x93NUMPY";

/// numpy itself asks for confirmation past 10,000 bytes.
const LONGEST_HEADER: u64 = 1 << 20;

#[cfg(test)]
mod tests;
