//! The tensors of PyTorch's checkpoints: what their program would build, and over which storage.
//!
//! Source: `torch/serialization.py`, `_load` and `_legacy_load`; `torch/_utils.py`,
//! `_rebuild_tensor_v2` and its kin; `torch/csrc/jit/serialization/pickler.cpp`.

use std::{collections::HashMap, sync::Arc};

use super::{Traces, legacy as old, program::Program, value::Shape};
use crate::{
    Budget, Bytes, Gap, Refusal,
    tensors::{Elements, Kind, Order, Place, Table, Tensor, View},
    zip::Archive,
};

mod rebuilt;
mod walk;

use self::{
    rebuilt::Rebuilt,
    walk::{Found, Kept, walk},
};

/// The tensors of a zipped checkpoint.
pub(crate) fn zipped(archive: &Archive, budget: &Arc<Budget>) -> Table {
    let mut table =
        Table { format: archive.kind(), tensors: Vec::new(), gaps: archive.refusals().to_vec() };
    let folders = folders(archive);
    let [folder] = folders.as_slice() else {
        let why = format!("expected one `data.pkl`, found {}", folders.len());
        table.gaps.push(Refusal::new(0, Gap::Malformed, why));
        return table;
    };
    let order = archive.member(&format!("{folder}byteorder"));
    let order = order.map(|member| archive.only_view(member).and_then(|bytes| bytes.head(8)));
    let big_endian = match order {
        None => false,
        Some(Ok(order)) if order == b"little" => false,
        Some(Ok(order)) if order == b"big" => true,
        Some(_) => {
            let why = "expected `byteorder` to be `little` or `big`";
            table.gaps.push(Refusal::new(0, Gap::Malformed, why));
            return table;
        }
    };
    for (program, storages, prefix) in
        [("data", "data", ""), ("constants", "constants", "constants")]
    {
        let Some(member) = archive.member(&format!("{folder}{program}.pkl")) else { continue };
        let found = archive.only_view(member).map(|bytes| run(&bytes, budget, prefix));
        let found = match found {
            Ok(found) => found,
            Err(refusal) => {
                table.gaps.push(refusal);
                continue;
            }
        };
        let mut known = HashMap::new();
        let mut storage = |key: &str| {
            let name = format!("{folder}{storages}/{key}");
            known
                .entry(key.to_owned())
                .or_insert_with(|| match archive.member(&name) {
                    Some(member) => archive.only_view(member),
                    None => {
                        let why = format!("the storage `{name}` is not in the archive");
                        Err(Refusal::new(0, Gap::MissingPart, why))
                    }
                })
                .clone()
        };
        table.take(found, big_endian, budget, &mut storage);
    }
    table
}

/// The folders in which a `data.pkl` lies.
fn folders(archive: &Archive) -> Vec<String> {
    let names = archive.members.iter().filter_map(|member| {
        let name = std::str::from_utf8(member.name()).ok()?;
        let folder = name.strip_suffix("data.pkl")?;
        let depth = folder.matches('/').count();
        (folder.is_empty() || depth == 1 && folder.ends_with('/')).then(|| folder.to_owned())
    });
    let mut folders = names.collect::<Vec<_>>();
    folders.sort_unstable();
    folders
}

/// Run a program of a checkpoint and walk what it gives.
fn run(bytes: &Bytes, budget: &Arc<Budget>, prefix: &str) -> Found {
    let mut program = Program::new(bytes);
    program.heap.keep_all(true);
    let mut kept = Kept::default();
    let (stream, broken) = program.run(0, budget, &mut kept);
    match broken.or(kept.refusal()) {
        Some(refusal) => Found::broken(refusal),
        None => walk(&program, &kept, stream.result, prefix, budget),
    }
}

/// The tensors of a checkpoint of the old format; `None` where it is none.
pub(crate) fn legacy(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Table> {
    // PROTO, its number, LONG1.
    if !bytes.has(0, b"\x80") || !bytes.has(2, b"\x8a\x0a") {
        return None;
    }
    let mut program = Program::new(bytes);
    program.heap.keep_all(true);
    let mut kept = Kept::default();
    let (magic, broken) = program.run(0, budget, &mut kept);
    if broken.is_some() || !old::is_magic(&program, magic.result) {
        return None;
    }
    let mut table = Table { format: "pytorch-legacy", tensors: Vec::new(), gaps: Vec::new() };
    let mut traces = Traces::of(vec![magic]);
    let read = old::read(&mut program, magic.end, budget, &mut kept, &mut traces);
    let [.., facts, object, keys] = *traces.streams.as_slice() else {
        table.gaps.extend(read.err());
        return Some(table);
    };
    if let Some(refusal) = read.err().or(kept.refusal()) {
        table.gaps.push(refusal);
        return Some(table);
    }
    let little = program.entry(facts.result, "little_endian");
    let big_endian = little.is_some_and(|little| little.kind() == super::value::Kind::Bool(false));
    let keys = program.heap().items_of(keys.result, Shape::List).unwrap_or_default();
    let first = program.inner.len().saturating_sub(keys.len());
    let ranges = program.inner.get(first..).unwrap_or_default();
    let storages = keys.iter().zip(ranges).filter_map(|(&key, range)| {
        Some((program.text(key, 256)?, bytes.slice(range.at, range.len)))
    });
    let storages = storages.collect::<HashMap<_, _>>();
    let found = walk(&program, &kept, object.result, "", budget);
    table.take(found, big_endian, budget, &mut |key| {
        storages.get(key).cloned().unwrap_or_else(|| {
            let why = format!("the storage `{key}` is not in the file");
            Err(Refusal::new(0, Gap::MissingPart, why))
        })
    });
    Some(table)
}

impl Table {
    /// Take tensors over storages into the table.
    fn take(
        &mut self,
        found: Found,
        big_endian: bool,
        budget: &Budget,
        storage: &mut dyn FnMut(&str) -> Result<Bytes, Refusal>,
    ) {
        self.gaps.extend(found.gaps);
        // Older versions of PyTorch take the type that a storage was first named with for all its tensors.
        let mut types: HashMap<String, (Kind, bool)> = HashMap::new();
        for rebuilt in found.tensors.iter().filter_map(|(_, rebuilt)| rebuilt.as_ref().ok()) {
            let first = types.entry(rebuilt.key.clone()).or_insert((rebuilt.stored, true));
            first.1 &= first.0 == rebuilt.stored;
        }
        self.tensors.extend(found.tensors.into_iter().map(|(name, rebuilt)| match rebuilt {
            Ok(rebuilt) => {
                let elements = match types.get(&rebuilt.key) {
                    Some((_, false)) => {
                        let why = format!("the storage `{}` is named with two types", rebuilt.key);
                        Err(Refusal::new(rebuilt.at, Gap::Malformed, why))
                    }
                    _ => elements(&rebuilt, big_endian, budget, storage),
                };
                Tensor { name, kind: rebuilt.kind, shape: rebuilt.shape, elements }
            }
            Err(refusal) => {
                Tensor { name, kind: Kind::UNKNOWN, shape: Vec::new(), elements: Err(refusal) }
            }
        }));
    }
}

fn elements(
    rebuilt: &Rebuilt,
    big_endian: bool,
    budget: &Budget,
    storage: &mut dyn FnMut(&str) -> Result<Bytes, Refusal>,
) -> Result<Place, Refusal> {
    let Rebuilt { key, declared, offset, shape, strides, kind, at, .. } = rebuilt;
    let bytes = storage(key)?;
    if bytes.len() != *declared {
        let found = bytes.len();
        let why = format!("expected {declared} bytes in the storage `{key}`, there are {found}");
        return Err(Refusal::new(*at, Gap::Malformed, why));
    }
    let unsupported = |why: &'static str| Refusal::new(*at, Gap::Unsupported, why);
    let width = kind.width().ok_or_else(|| unsupported("elements that are no whole bytes"))?;
    let swap = match kind.order {
        Order::Bytes(width) if big_endian => Some(width),
        _ => None,
    };
    let (shape, strides) = (shape.clone(), strides.clone());
    let view = View { offset: *offset, shape, strides, width };
    Elements::strided(bytes, view, swap, budget)
        .map(Place::Here)
        .map_err(|refusal| Refusal { at: *at, ..refusal })
}
