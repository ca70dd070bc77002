//! Elements that do not lie in their order: transposed arrays, slices, one element for many.

use crate::{Budget, Bytes, Gap, Refusal};

use super::count;

/// Which elements of a storage a tensor is made of, in units of elements.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The first.
    pub(crate) offset: u64,
    /// The shape.
    pub(crate) shape: Vec<u64>,
    /// How far it is to the next of each index.
    pub(crate) strides: Vec<u64>,
    /// Bytes of an element.
    pub(crate) width: u64,
}

impl View {
    /// How many elements of the storage it reaches over, from the first on; `None` where that is no
    /// number of 64 bits.
    pub(crate) fn extent(&self) -> Option<u64> {
        if count(&self.shape)? == 0 {
            return Some(0);
        }
        let steps = self.shape.iter().zip(&self.strides);
        let last = steps.map(|(&size, &stride)| size.saturating_sub(1).checked_mul(stride));
        last.chain([Some(1)]).try_fold(0_u64, |sum, step| sum.checked_add(step?))
    }

    /// Whether its elements lie one behind the other.
    pub(crate) fn is_contiguous(&self) -> bool {
        let mut step = Some(1_u64);
        let dimensions = self.shape.iter().zip(&self.strides).rev();
        self.shape.contains(&0)
            || dimensions.into_iter().all(|(&size, &stride)| {
                let fits = size == 1 || step == Some(stride);
                step = step.and_then(|step| step.checked_mul(size));
                fits
            })
    }
}

/// A view over a storage, read in the order of its shape.
#[derive(Clone, Debug)]
pub(super) struct Strided {
    /// The storage from the first element to the last.
    bytes: Bytes,
    view: View,
    /// Elements that lie in a row where the last index runs.
    run: u64,
    /// Bytes of all its elements.
    pub(super) length: u64,
    /// Bytes that may be held in memory to read it.
    most: u64,
}

impl Strided {
    /// A view, of which nothing is read yet.
    ///
    /// # Errors
    /// Where it reaches beyond the storage, or would need more memory than the budget has for it.
    pub(super) fn new(storage: &Bytes, view: View, budget: &Budget) -> Result<Self, Refusal> {
        let sizes = (view.extent(), count(&view.shape), view.offset.checked_mul(view.width));
        let (Some(extent), Some(count), Some(start)) = sizes else {
            return Err(Refusal::new(0, Gap::OversizedLength, "a view beyond 64 bits"));
        };
        let bytes = extent.checked_mul(view.width).zip(count.checked_mul(view.width));
        let Some((span, length)) = bytes else {
            return Err(Refusal::new(0, Gap::OversizedLength, "a view beyond 64 bits"));
        };
        let whole = storage.slice(start, span)?;
        let last = view.shape.last().copied().zip(view.strides.last().copied());
        let run = last.filter(|&(_, stride)| stride == 1).map_or(1, |(size, _)| size);
        let most = budget.limits().memory / 4;
        let short = run.saturating_mul(view.width) < LONG_RUN;
        if short && span > most {
            let why = format!("a view over {span} bytes in small steps, more than {most}");
            return Err(Refusal::new(start, Gap::LargeMemory, why));
        }
        Ok(Self { bytes: whole, view, run, length, most: if short { most } else { 0 } })
    }

    /// The same, in memory where it would be read in small pieces.
    ///
    /// # Errors
    /// Where the bytes cannot be had.
    pub(super) fn at_hand(&self) -> Result<Self, Refusal> {
        let bytes = match self.most {
            0 => self.bytes.clone(),
            most => self.bytes.head(most)?.into(),
        };
        Ok(Self { bytes, ..self.clone() })
    }

    /// Bytes that [`Self::at_hand`] reads.
    pub(super) fn at_hand_bytes(&self) -> u64 {
        if self.most == 0 { 0 } else { self.bytes.len() }
    }

    /// Fill `into` with elements from a byte of the whole on, which must be an element's first.
    pub(super) fn read_at(&self, at: u64, into: &mut [u8]) -> Result<usize, Refusal> {
        let width = self.view.width;
        let mut filled = 0_usize;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let index = at.saturating_add(filled as u64).checked_div(width).unwrap_or(u64::MAX);
            if index.saturating_mul(width) >= self.length {
                break;
            }
            let in_run = index.checked_rem(self.run).unwrap_or(0);
            let left = self.run.saturating_sub(in_run).saturating_mul(width);
            let take = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
            let from = self.offset(index).saturating_mul(width);
            self.bytes.read_at(from, rest.get_mut(..take).unwrap_or_default())?;
            filled = filled.saturating_add(take);
        }
        Ok(filled)
    }

    /// Where in the storage the element of this index in the order of the shape lies.
    fn offset(&self, mut index: u64) -> u64 {
        let mut offset = 0_u64;
        for (&size, &stride) in self.view.shape.iter().zip(&self.view.strides).rev() {
            let here = index.checked_rem(size).unwrap_or(0);
            index = index.checked_div(size).unwrap_or(0);
            offset = offset.saturating_add(here.saturating_mul(stride));
        }
        offset
    }
}

/// Runs of so many bytes are read from the file as they are asked for.
const LONG_RUN: u64 = 4096;
