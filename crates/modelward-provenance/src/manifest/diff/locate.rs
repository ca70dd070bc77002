//! Where the bytes of two files, or the elements of two tensors, differ.

use std::collections::HashMap;

use modelward_formats::{
    Budget, Bytes, Refusal, tables,
    tensors::{self, Elements, Kind, Order, Place as At},
};
use serde::Serialize;

use super::{Side, value::shown};
use crate::manifest::{
    Options,
    read::{beside, opened},
};

/// Where the bytes of two files differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Offset of the first byte that differs.
    pub first: u64,
    /// How many differ, up to the end of the shorter.
    pub count: u64,
}

/// Where the elements of two tensors differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The index of the first element that differs, one number a dimension; of a type that is stored
    /// in blocks, the number of the byte.
    pub index: Vec<u64>,
    /// Its value on the old side.
    pub old: String,
    /// Its value on the new side.
    pub new: String,
    /// How many elements differ; bytes, of a type that is stored in blocks.
    pub count: u64,
    /// `element` or `byte`.
    pub unit: &'static str,
}

/// Where the bytes of a file differ, where both sides have it at hand.
pub(super) fn bytes(old: &Side, path: &str, new: &Side, to: &str) -> Option<Place> {
    let (one, other) = (file(old, path)?, file(new, to)?);
    let common = one.len().min(other.len());
    let one = Elements::plain(one.slice(0, common).ok()?);
    let other = Elements::plain(other.slice(0, common).ok()?);
    let (first, count) = differing(&one, &other, 1).ok()?;
    Some(Place { first: first.map_or(common, |first| first.at), count })
}

fn file(side: &Side, path: &str) -> Option<Bytes> {
    opened(side.tree.as_ref()?.find(path)?).ok().map(|(bytes, _)| bytes)
}

/// The tables of two files that are compared.
pub(super) struct Tables<'a> {
    sides: [One<'a>; 2],
}

impl<'a> Tables<'a> {
    /// Both tables, where both sides have the files at hand.
    pub(super) fn open(
        old: &'a Side,
        path: &'a str,
        new: &'a Side,
        to: &'a str,
        options: &Options,
    ) -> Option<Self> {
        let table = |side, path| {
            let bytes = file(side, path)?;
            let table = tables::read(&bytes, &Budget::new(options.limits))?;
            let names = table.tensors.iter().enumerate();
            let names = names.map(|(at, tensor)| (tensor.name.clone(), at)).collect();
            Some(One { side, path, table, names })
        };
        Some(Self { sides: [table(old, path)?, table(new, to)?] })
    }

    /// Where a tensor differs.
    pub(super) fn difference(&mut self, old: &str, new: &str) -> Option<Difference> {
        let [one, other] = &self.sides;
        let (tensor, before) = elements(one, old)?;
        let (_, after) = elements(other, new)?;
        let (width, unit) = match tensor.kind.width() {
            Some(width) => (width, "element"),
            None => (1, "byte"),
        };
        let (first, count) = differing(&before, &after, width).ok()?;
        let First { at, old, new } = first?;
        let index = match unit {
            "element" => index(at, &tensor.shape),
            _ => vec![at],
        };
        let kind = if unit == "element" { tensor.kind } else { BYTE };
        Some(Difference { index, old: shown(kind, &old), new: shown(kind, &new), count, unit })
    }
}

/// A table, and where in it which name is.
struct One<'a> {
    side: &'a Side,
    path: &'a str,
    table: tensors::Table,
    names: HashMap<String, usize>,
}

fn elements<'t>(
    One { side, path, table, names }: &'t One<'_>,
    name: &str,
) -> Option<(&'t tensors::Tensor, Elements)> {
    let tensor = table.tensors.get(*names.get(name)?)?;
    let elements = match tensor.elements.as_ref().ok()? {
        At::Here(elements) => elements.clone(),
        At::Beside { location, offset, length } => {
            let tree = side.tree.as_ref()?;
            let (bytes, ..) = beside(tree, tree.find(path)?, location).ok()?;
            Elements::plain(bytes.slice(*offset, *length).ok()?)
        }
    };
    Some((tensor, elements))
}

/// The first element that differs, and its bytes on both sides.
struct First {
    at: u64,
    old: Vec<u8>,
    new: Vec<u8>,
}

/// The first element of so many bytes that differs, and how many do.
fn differing(
    one: &Elements,
    other: &Elements,
    width: u64,
) -> Result<(Option<First>, u64), Refusal> {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let (mut ones, mut others) = (one.reader()?, other.reader()?);
    let (mut first, mut count, mut seen) = (None, 0_u64, 0_u64);
    while let (Some(one), Some(other)) = (ones.next_window()?, others.next_window()?) {
        if one != other {
            let pairs = one.chunks(width).zip(other.chunks(width)).enumerate();
            for (at, (one, other)) in pairs.filter(|(_, (one, other))| one != other) {
                count = count.saturating_add(1);
                first.get_or_insert_with(|| First {
                    at: seen.saturating_add(at as u64),
                    old: one.to_vec(),
                    new: other.to_vec(),
                });
            }
        }
        let elements = one.len().checked_div(width).unwrap_or(0);
        seen = seen.saturating_add(elements as u64);
    }
    Ok((first, count))
}

/// The index of an element in a shape.
fn index(mut at: u64, shape: &[u64]) -> Vec<u64> {
    let mut index = Vec::with_capacity(shape.len());
    for &size in shape.iter().rev() {
        index.push(at.checked_rem(size).unwrap_or(0));
        at = at.checked_div(size).unwrap_or(0);
    }
    index.reverse();
    index
}

/// How a byte of a block is shown.
const BYTE: Kind = Kind { name: "byte", order: Order::Packed };
