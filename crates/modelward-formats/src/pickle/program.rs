//! A pickle program: what it imports and calls, and who looks on while it runs.

use std::collections::{HashMap, HashSet};

use super::{
    DECODED,
    constant::{self, Encoding},
    opcode as op,
    value::{Heap, Kind, Shape, Value},
};
use crate::Bytes;

/// Looks on while a program runs. Each method is told the offset of the opcode.
pub trait Observer {
    /// A name is imported. Importing a module runs its code.
    fn import(&mut self, program: &Program<'_>, at: u64, import: u32);
    /// Something is called with an argument tuple, or what stands in its place.
    fn call(&mut self, program: &Program<'_>, at: u64, call: Call);
    /// An object is given a state by BUILD: `__setstate__`, or its attributes.
    fn state(&mut self, program: &Program<'_>, at: u64, object: Value, state: Value);
    /// Items are added to what is no list, dict or set: its methods are called.
    fn items(&mut self, program: &Program<'_>, at: u64, object: Value, by: &'static str);
    /// What these items are: keys and values in turn where `by` is SETITEM or SETITEMS.
    fn entries(&mut self, program: &Program<'_>, object: Value, by: &'static str, items: &[Value]) {
        let _ = (program, object, by, items);
    }
    /// Items are added to a list, a dict or a set.
    fn grown(&mut self, program: &Program<'_>, at: u64, container: u32);
    /// An import, or a tuple that holds one, becomes an item of a list, a dict or a set.
    fn contained(&mut self, program: &Program<'_>, at: u64, item: Value);
    /// What a call gave becomes the key of a dict or an item of a set, alone or in a tuple: its
    /// `__hash__` is called.
    fn hashed(&mut self, program: &Program<'_>, at: u64, item: Value);
    /// A persistent id is handed to the loader.
    fn persistent(&mut self, program: &Program<'_>, at: u64, id: Value);
    /// Something that no pickler writes.
    fn oddity(&mut self, program: &Program<'_>, at: u64, oddity: Oddity);
}

/// A call that a program makes.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The opcode: REDUCE, INST, OBJ, NEWOBJ, NEWOBJ_EX.
    pub by: u8,
    /// What is called.
    pub callee: Value,
    /// The argument tuple.
    pub arguments: Value,
    /// The keyword arguments of NEWOBJ_EX.
    pub keywords: Option<Value>,
}

/// Something that no pickler writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Oddity {
    /// An opcode or its argument crosses the edge of a frame, or frames nest.
    FrameStraddle,
    /// A name is no constant.
    ComputedName,
    /// A memo slot was overwritten between two uses, and the new value is used as a name.
    ShadowedMemo,
    /// EXT1, EXT2, EXT4: the meaning lies in a registry outside the file.
    ExtensionCode,
    /// What joblib skips as an array is program to a reader that does not know joblib.
    HiddenProgram,
    /// A memo index that no pickler reaches: readers allocate a table up to it.
    FarMemo(u64),
    /// A whole number of so many decimal digits, which takes a reader quadratic time.
    LongNumber(u64),
    /// A structure whose parts stand for so many values: small in the file, endless to walk.
    Doubling(f32),
}

/// A name that a program imports.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Import {
    /// The module, as written; `None` where it is computed.
    pub module: Option<String>,
    /// The qualified name, as written; `None` where it is computed.
    pub name: Option<String>,
    /// The protocol of the stream: below 3 old names are mapped, from 4 on dots are walked.
    pub protocol: u8,
}

/// One stream of a pickle file, up to its STOP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Offset of its first byte.
    pub start: u64,
    /// Offset behind its STOP, or where it breaks.
    pub end: u64,
    /// Its protocol.
    pub protocol: u8,
    /// How many imports and calls it makes.
    pub effects: u64,
    /// How many opcodes it has.
    pub opcodes: u64,
    /// What it gives.
    pub result: Value,
}

/// A range of the file that is not program: an array of joblib's, a constant that may be a
/// file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inner {
    /// Offset of its first byte.
    pub at: u64,
    /// Its length.
    pub len: u64,
    /// How it is written.
    pub encoding: Encoding,
}

/// A program as far as it has run: its names, its heap, and the constants behind its values.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    pub(super) bytes: &'a Bytes,
    pub(super) heap: Heap,
    pub(super) imports: Vec<Import>,
    pub(super) known: HashMap<Import, u32>,
    pub(super) inner: Vec<Inner>,
    /// Constants that torch loads as checkpoints, by their offset.
    pub(super) checkpoints: HashSet<(u64, Encoding)>,
    pub(super) protocol: u8,
    /// The state that BUILD gave to a numpy dtype, by the dtype's node.
    pub(super) dtypes: HashMap<u32, Value>,
    /// Offset of the first constant that may be a file and is one too many to be read.
    pub(super) crowded: Option<u64>,
}

impl<'a> Program<'a> {
    /// A program that has not run yet.
    pub fn new(bytes: &'a Bytes) -> Self {
        let (heap, imports, known, inner, dtypes, checkpoints) = Default::default();
        let (protocol, crowded) = (0, None);
        Self { bytes, heap, imports, known, inner, checkpoints, protocol, dtypes, crowded }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &'a Bytes {
        self.bytes
    }

    /// The containers and objects.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// The names that were imported so far.
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }

    /// The name behind an import's index.
    pub fn import(&self, index: u32) -> Option<&Import> {
        self.imports.get(index as usize)
    }

    /// What lies inside the program and is to be read in its own right.
    pub fn inner(&self) -> &[Inner] {
        &self.inner
    }

    /// The text of a text or bytes constant, if it is at most `most` bytes long.
    pub fn text(&self, value: Value, most: u64) -> Option<String> {
        let (Kind::Text(at) | Kind::Bytes(at)) = value.kind() else { return None };
        constant::text(self.bytes, at, most)
    }

    /// Where the raw bytes of a text or bytes constant lie: offset and length.
    pub fn range(&self, value: Value) -> Option<(u64, u64)> {
        let (Kind::Text(at) | Kind::Bytes(at)) = value.kind() else { return None };
        constant::range(self.bytes, at)
    }

    /// The text that `_codecs.encode(text, "latin1")` made bytes of, as protocols 0 to 2 write
    /// bytes: its offset and length, and how it is written.
    pub fn latin1(&self, value: Value) -> Option<((u64, u64), Encoding)> {
        let (callee, arguments) = self.call_of(value)?;
        let [text, codec] = *arguments else { return None };
        self.encoded(text, codec, "latin1").filter(|_| callee.is("_codecs", "encode"))
    }

    fn encoded(&self, text: Value, codec: Value, name: &str) -> Option<((u64, u64), Encoding)> {
        let (Kind::Text(at), Kind::Text(_)) = (text.kind(), codec.kind()) else { return None };
        let encoding = match self.bytes.array(at) {
            Ok([op::UNICODE]) => Encoding::Latin1Escaped,
            Ok([op::BINUNICODE | op::SHORT_BINUNICODE | op::BINUNICODE8]) => Encoding::Latin1,
            // How the text of a STRING is decoded is up to the reader.
            _ => return None,
        };
        let named = self.text(codec, 16).as_deref() == Some(name);
        self.range(text).filter(|_| named).map(|range| (range, encoding))
    }

    /// The import that was called to make an object, and what it was called with.
    fn call_of(&self, object: Value) -> Option<(&Import, &[Value])> {
        let [callee, arguments] = *self.heap.items_of(object, Shape::Object)? else { return None };
        let Kind::Import(index) = callee.kind() else { return None };
        Some((self.import(index)?, self.heap.items_of(arguments, Shape::Tuple)?))
    }

    /// The bytes of a bytes constant, or those that a bytearray began with, however its protocol
    /// writes them.
    pub fn constant(&self, value: Value) -> Option<Bytes> {
        let built = |name| {
            let (callee, arguments) = self.call_of(value)?;
            let is = callee.is("builtins", name) || callee.is("__builtin__", name);
            is.then_some(arguments)
        };
        let bytes = match built("bytearray").or_else(|| built("bytes")) {
            Some([]) => return Some(Bytes::from(Vec::new())),
            Some(&[bytes]) => bytes,
            Some(&[text, codec]) => return self.decoded(self.encoded(text, codec, "latin-1")?),
            Some(_) => return None,
            None => value,
        };
        if let Kind::Bytes(_) = bytes.kind() {
            let (at, len) = self.range(bytes)?;
            return self.bytes.slice(at, len).ok();
        }
        self.decoded(self.latin1(bytes)?)
    }

    fn decoded(&self, ((at, len), encoding): ((u64, u64), Encoding)) -> Option<Bytes> {
        let text = self.bytes.take(at, Some(len).filter(|&len| len <= DECODED)?).ok()?;
        constant::decode(encoding, &text).map(Bytes::from)
    }

    /// The class or function that an object came from: what was called to make it.
    pub fn maker(&self, object: Value) -> Option<&Import> {
        let [callee, arguments] = *self.heap.items_of(object, Shape::Object)? else { return None };
        let Kind::Import(index) = callee.kind() else { return None };
        let import = self.import(index)?;
        if import.is("copyreg", "_reconstructor") || import.is("copy_reg", "_reconstructor") {
            let class = *self.heap.items_of(arguments, Shape::Tuple)?.first()?;
            let Kind::Import(index) = class.kind() else { return None };
            return self.import(index);
        }
        Some(import)
    }

    /// The value under a text key of a dict, among the items that are kept.
    pub fn entry(&self, dict: Value, key: &str) -> Option<Value> {
        let pairs = self.heap.items_of(dict, Shape::Dict)?.chunks_exact(2);
        let mut found = pairs.filter_map(|pair| match *pair {
            [name, value] if self.text(name, 256).as_deref() == Some(key) => Some(value),
            _ => None,
        });
        found.next_back()
    }
}

impl Import {
    /// Whether it is exactly this name.
    pub fn is(&self, module: &str, name: &str) -> bool {
        self.module.as_deref() == Some(module) && self.name.as_deref() == Some(name)
    }
}
