//! PyTorch's format before 1.6: five pickle streams, then the raw storages.
//!
//! Source: `torch/serialization.py`, `_legacy_save` and `_legacy_load`: a magic number, the
//! protocol version, facts of the system, the object, the keys of its storages; then for each
//! key a 64-bit count of elements and the elements.

use std::collections::HashMap;

use super::{
    Traces,
    constant::Encoding,
    program::{Call, Inner, Observer, Oddity, Program},
    value::{Kind, Shape, Value},
};
use crate::{Budget, Gap, Refusal};

/// Whether the first stream's result is the magic number of the format.
pub(super) fn is_magic(program: &Program<'_>, value: Value) -> bool {
    const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
    let Kind::Number(at) = value.kind() else { return false };
    // LONG1, its length, the number.
    program.bytes().has(at.saturating_add(2), &MAGIC)
}

/// Read the four streams behind the magic number, and the storages. Gives where they end.
pub(super) fn read<O: Observer>(
    program: &mut Program<'_>,
    start: u64,
    budget: &Budget,
    observer: &mut O,
    traces: &mut Traces,
) -> Result<u64, Refusal> {
    let mut watching = Watching { observer, widths: HashMap::new() };
    let mut at = start;
    let keeps_all = program.heap.keeps_all();
    for stream in 2..=5 {
        // The keys are needed to the last one.
        program.heap.keep_all(keeps_all || stream == 5);
        let (stream, broken) = program.run(at, budget, &mut watching);
        program.heap.keep_all(keeps_all);
        traces.streams.push(stream);
        at = stream.end;
        if let Some(refusal) = broken {
            return Err(refusal);
        }
    }
    let keys = traces.streams.last().map_or(Value::UNKNOWN, |stream| stream.result);
    let keys = program.heap.items_of(keys, Shape::List).unwrap_or_default().to_vec();
    for key in keys {
        let key = program.text(key, 256).unwrap_or_default();
        let Some(&width) = watching.widths.get(&key) else {
            return Err(Refusal::truncated(at, format!("expected a storage named `{key}`")));
        };
        let count = program.bytes().u64_le(at)?;
        at = at.saturating_add(8);
        let len = count.checked_mul(width);
        let len = len.filter(|&len| len <= program.bytes().len().saturating_sub(at));
        let Some(len) = len else {
            let why = format!("expected {count} elements of {width} bytes, the file ends");
            return Err(Refusal::new(at, Gap::OversizedLength, why));
        };
        program.inner.push(Inner { at, len, encoding: Encoding::Raw });
        at = at.saturating_add(len);
    }
    Ok(at)
}

/// The width in bytes of one element of a storage class.
pub fn element_width(class: &str) -> Option<u64> {
    Some(match class {
        "ComplexDoubleStorage" => 16,
        "DoubleStorage" | "LongStorage" | "ComplexFloatStorage" => 8,
        "FloatStorage" | "IntStorage" | "QInt32Storage" => 4,
        "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
        "CharStorage" | "ByteStorage" | "BoolStorage" | "QInt8Storage" | "QUInt8Storage"
        | "QUInt4x2Storage" | "QUInt2x4Storage" | "UntypedStorage" => 1,
        _ => return None,
    })
}

/// Notes the storages that the object names, for whoever looks on.
struct Watching<'o, O> {
    observer: &'o mut O,
    /// Bytes of an element, by the storage's key.
    widths: HashMap<String, u64>,
}

impl<O: Observer> Observer for Watching<'_, O> {
    fn contained(&mut self, program: &Program<'_>, at: u64, item: Value) {
        self.observer.contained(program, at, item);
    }
    fn hashed(&mut self, program: &Program<'_>, at: u64, item: Value) {
        self.observer.hashed(program, at, item);
    }
    fn entries(&mut self, program: &Program<'_>, object: Value, by: &'static str, items: &[Value]) {
        self.observer.entries(program, object, by, items);
    }
    fn persistent(&mut self, program: &Program<'_>, at: u64, id: Value) {
        if let Some([_, class, key, ..]) = program.heap().items_of(id, Shape::Tuple)
            && let Kind::Import(index) = class.kind()
            && let Some(width) = program
                .import(index)
                .and_then(|import| import.name.as_deref())
                .and_then(element_width)
            && let Some(key) = program.text(*key, 256)
        {
            self.widths.insert(key, width);
        }
        self.observer.persistent(program, at, id);
    }

    fn import(&mut self, program: &Program<'_>, at: u64, import: u32) {
        self.observer.import(program, at, import);
    }
    fn call(&mut self, program: &Program<'_>, at: u64, call: Call) {
        self.observer.call(program, at, call);
    }
    fn state(&mut self, program: &Program<'_>, at: u64, object: Value, state: Value) {
        self.observer.state(program, at, object, state);
    }
    fn items(&mut self, program: &Program<'_>, at: u64, object: Value, by: &'static str) {
        self.observer.items(program, at, object, by);
    }
    fn grown(&mut self, program: &Program<'_>, at: u64, container: u32) {
        self.observer.grown(program, at, container);
    }
    fn oddity(&mut self, program: &Program<'_>, at: u64, oddity: Oddity) {
        self.observer.oddity(program, at, oddity);
    }
}
