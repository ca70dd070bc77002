//! The arrays of numpy in a file or an archive, by name.

use std::sync::Arc;

use super::asset;
use crate::{
    Budget, Bytes, Gap, Refusal,
    npy::{Array, Arrays, NPY},
    tensors::{Elements, Kind, Order, View, count},
    zip,
};

/// The arrays of one file.
#[derive(Debug)]
pub struct NamedArrays {
    /// `npy` or `npz`.
    pub format: &'static str,
    /// The arrays, in the order of the file.
    pub arrays: Vec<Named>,
    /// What keeps arrays from being listed.
    pub gaps: Vec<Refusal>,
}

/// An array and its name.
#[derive(Debug)]
pub struct Named {
    /// Its name; empty where the file holds one and no names.
    pub name: String,
    /// What its header says.
    pub array: Array,
    /// Its elements, numbers with their lowest byte first; or why they cannot be had. Objects never can.
    pub elements: Result<Elements, Refusal>,
}

/// The arrays of an npy.
pub(super) fn of_file(bytes: &Bytes, budget: &Arc<Budget>) -> Option<NamedArrays> {
    let format = NPY.name;
    let arrays = match asset::<Arrays>((NPY.read)(bytes, budget)?) {
        Ok(arrays) => arrays?,
        Err(refusal) => {
            return Some(NamedArrays { format, arrays: Vec::new(), gaps: vec![refusal] });
        }
    };
    let flaws = arrays.flaws.iter();
    let flaws = flaws.map(|(at, why)| Refusal::new(*at, Gap::Malformed, why.clone()));
    let mut gaps = arrays.gaps.iter().cloned().chain(flaws).collect::<Vec<_>>();
    gaps.dedup_by(|one, other| one.why == other.why);
    let lone = arrays.arrays.len() == 1;
    let named = arrays.arrays.into_iter().enumerate().map(|(at, array)| {
        let name = if lone { String::new() } else { at.to_string() };
        let elements = elements(&arrays.bytes, &array, budget);
        Named { name, array, elements }
    });
    Some(NamedArrays { format, arrays: named.collect(), gaps })
}

/// The arrays in the members of an npz.
pub(super) fn of_members(archive: &zip::Archive, budget: &Arc<Budget>) -> NamedArrays {
    let mut all =
        NamedArrays { format: "npz", arrays: Vec::new(), gaps: archive.refusals().to_vec() };
    for member in &archive.members {
        let shown = member.shown();
        let name = shown.strip_suffix(".npy").unwrap_or(&shown);
        let inner = archive.only_view(member).map(|bytes| of_file(&bytes, budget));
        match inner {
            Ok(Some(inner)) => {
                let lone = inner.arrays.len() == 1;
                all.gaps.extend(inner.gaps);
                all.arrays.extend(inner.arrays.into_iter().map(|array| Named {
                    name: if lone { name.into() } else { format!("{name}.{}", array.name) },
                    ..array
                }));
            }
            Ok(None) => {
                let why = format!("expected an array in member `{shown}`");
                all.gaps.push(Refusal::truncated(member.at(), why));
            }
            Err(refusal) => all.gaps.push(refusal),
        }
        if all.gaps.len() > MOST_GAPS {
            break;
        }
    }
    all
}

fn elements(bytes: &Bytes, array: &Array, budget: &Budget) -> Result<Elements, Refusal> {
    let at = array.data.start;
    if array.objects {
        return Err(Refusal::new(at, Gap::Unsupported, "an array of objects"));
    }
    let width = match array.letter {
        // A text is as many characters of 32 bits.
        Some(('U', _)) => 4,
        Some(('S', _)) => 1,
        letter => match letter.and_then(|(letter, _)| Kind::of_numpy(letter, array.item_size)) {
            Some(Kind { order: Order::Bytes(width), .. }) => width,
            _ => {
                let why = "an array of what are no plain numbers";
                return Err(Refusal::new(at, Gap::Unsupported, why));
            }
        },
    };
    let length = count(&array.shape).and_then(|count| count.checked_mul(array.item_size));
    let there = array.data.end.saturating_sub(at);
    let length = length.filter(|&length| length == there).ok_or_else(|| {
        Refusal::new(at, Gap::OversizedLength, "the file ends before the array does")
    })?;
    let data = bytes.slice(at, length)?;
    let big_endian = array.letter.is_some_and(|(_, big_endian)| big_endian);
    let swap = (big_endian && width > 1).then_some(width);
    if array.fortran_order {
        let mut strides = Vec::with_capacity(array.shape.len());
        let mut step = 1_u64;
        for &size in &array.shape {
            strides.push(step);
            step = step.saturating_mul(size.max(1));
        }
        let shape = array.shape.clone();
        let view = View { offset: 0, shape, strides, width: array.item_size };
        return Elements::strided(data, view, swap, budget);
    }
    Ok(match swap {
        Some(width) => Elements::swapped(data, width),
        None => Elements::plain(data),
    })
}

/// How many members that are no arrays are told of.
const MOST_GAPS: usize = 1000;
