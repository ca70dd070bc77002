//! Pickle, read as what it is: a program for a small stack machine.
//!
//! The program is run symbolically and never executed: see [`machine`]. A file may hold several
//! streams, one behind the other; the old PyTorch format is five of them with raw storages
//! behind, and joblib puts raw arrays inside.
//!
//! Source: CPython `pickle.py`, `_pickle.c`, `pickletools.py` (3.8 to 3.14); PyTorch
//! `serialization.py`, `_legacy_save`.

use std::{
    ops::ControlFlow,
    sync::{Arc, OnceLock},
};

use crate::{Asset, Budget, Bytes, Expects, Format, Gap, Part, Refusal};

pub(crate) mod checkpoint;
mod constant;
mod joblib;
mod legacy;
mod machine;
mod memo;
mod modules;
pub mod opcode;
mod program;
mod torch_tar;
mod trial;
pub mod value;

pub(crate) use trial::acts;

pub use constant::Encoding;
pub use legacy::element_width;
pub use program::{Call, Import, Inner, Observer, Oddity, Program, Stream};

/// The pickle format.
pub const FORMAT: Format = Format {
    name: "pickle",
    read: |bytes, budget| {
        trial::accepts(bytes).then(|| Ok(Box::new(Pickle::new(bytes, budget)) as Box<dyn Asset>))
    },
};

/// A pickle file: one stream or several.
#[derive(Debug)]
pub struct Pickle {
    bytes: Bytes,
    budget: Arc<Budget>,
    traces: OnceLock<Traces>,
}

/// What a run over a pickle file left behind.
#[derive(Debug)]
pub struct Traces {
    /// The streams, in order.
    pub streams: Vec<Stream>,
    /// What lies inside and is to be read in its own right.
    pub inner: Vec<Inner>,
    /// Where the last stream breaks, and why.
    pub broken: Option<Refusal>,
    /// Offset of the first byte that belongs to nothing.
    pub tail: Option<u64>,
    /// Offset of the first constant that may be a file and is one too many to be read.
    pub crowded: Option<u64>,
    /// Whether this is a checkpoint of the old PyTorch format.
    pub legacy: bool,
    /// Whether arrays of joblib lie inside.
    pub joblib: bool,
}

impl Traces {
    /// Nothing but these streams.
    const fn of(streams: Vec<Stream>) -> Self {
        Self {
            streams,
            inner: Vec::new(),
            broken: None,
            tail: None,
            crowded: None,
            legacy: false,
            joblib: false,
        }
    }
}

impl Pickle {
    /// A pickle file that has not run yet.
    pub fn new(bytes: &Bytes, budget: &Arc<Budget>) -> Self {
        // Constants are looked up again and again.
        let held = (bytes.len() <= AT_HAND).then(|| bytes.head(AT_HAND).ok()).flatten();
        let bytes = &held.map_or_else(|| bytes.clone(), Bytes::from);
        Self { bytes: bytes.clone(), budget: budget.clone(), traces: OnceLock::new() }
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Run all streams while `observer` looks on.
    pub fn run<O: Observer>(&self, observer: &mut O) -> &Traces {
        let traces = self.streams(observer);
        self.traces.get_or_init(|| traces)
    }

    /// What the last run left behind.
    pub fn traces(&self) -> &Traces {
        self.traces.get_or_init(|| self.streams(&mut Nobody))
    }

    fn streams<O: Observer>(&self, observer: &mut O) -> Traces {
        let mut program = Program::new(&self.bytes);
        let mut traces = Traces::of(Vec::new());
        let mut start = 0;
        loop {
            let (stream, broken) = program.run(start, &self.budget, observer);
            traces.streams.push(stream);
            if broken.is_some() {
                traces.broken = broken;
                break;
            }
            if traces.streams.len() == 1 && legacy::is_magic(&program, stream.result) {
                traces.legacy = true;
                match legacy::read(&mut program, stream.end, &self.budget, observer, &mut traces) {
                    Ok(end) => traces.tail = Some(end).filter(|&end| end < self.bytes.len()),
                    Err(refusal) => traces.broken = Some(refusal),
                }
                break;
            }
            if traces.streams.len() == 2
                && let Some(read) =
                    torch_tar::read(&mut program, &self.budget, observer, &mut traces)
            {
                traces.legacy = true;
                match read {
                    Ok(end) => traces.tail = Some(end).filter(|&end| end < self.bytes.len()),
                    Err(refusal) => traces.broken = Some(refusal),
                }
                break;
            }
            let next = behind_blanks(&self.bytes, stream.end);
            if next >= self.bytes.len() {
                break;
            }
            if !trial::accepts(&self.bytes.tail(next)) {
                traces.tail = Some(stream.end);
                break;
            }
            start = next;
        }
        traces.joblib =
            program.inner().iter().any(|inner| inner.encoding == Encoding::Raw) && !traces.legacy;
        traces.crowded = program.crowded;
        traces.inner = std::mem::take(&mut program.inner);
        traces
    }
}

impl Asset for Pickle {
    fn format(&self) -> &'static str {
        match self.traces() {
            Traces { legacy: true, .. } => "pytorch-legacy",
            Traces { joblib: true, .. } => "joblib",
            _ => "pickle",
        }
    }

    fn gaps(&self) -> Vec<Refusal> {
        let crowded = self.traces().crowded.map(|at| {
            Refusal::new(at, Gap::ManyMembers, "more constants that may be files than are read")
        });
        self.traces().broken.iter().cloned().chain(crowded).collect()
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        let traces = self.traces();
        for inner in &traces.inner {
            let checkpoint = matches!(
                inner.encoding,
                Encoding::Checkpoint | Encoding::Latin1 | Encoding::Latin1Escaped
            );
            let what = if inner.encoding == Encoding::Raw { "array" } else { "constant" };
            let name = format!("{what}@{:#x}", inner.at);
            let bytes = match inner.encoding {
                Encoding::Raw | Encoding::Constant | Encoding::Checkpoint => {
                    self.bytes.slice(inner.at, inner.len)
                }
                _ if inner.len > DECODED => {
                    let why = format!("expected at most {DECODED} bytes of text to decode");
                    Err(Refusal::new(inner.at, Gap::LargeExpansion, why))
                }
                encoding => match self.bytes.take(inner.at, inner.len) {
                    Ok(text) => match constant::decode(encoding, &text) {
                        Some(decoded) => Ok(decoded.into()),
                        None if checkpoint => {
                            let why = "expected a text of characters that are one byte each";
                            Err(Refusal::truncated(inner.at, why))
                        }
                        None => continue,
                    },
                    Err(refusal) => Err(refusal),
                },
            };
            let expects = match inner.encoding {
                _ if checkpoint => Expects::Anything,
                Encoding::Raw => Expects::Numbers,
                _ => Expects::Data,
            };
            if visit(Part { name, bytes, expects }).is_break() {
                return;
            }
        }
        if let Some(tail) = traces.tail {
            let name = format!("trailing@{tail:#x}");
            let part = Part { name, bytes: Ok(self.bytes.tail(tail)), expects: Expects::Data };
            let _ = visit(part);
        }
    }
}

/// Files up to this length are held in memory while they run.
const AT_HAND: u64 = 256 << 10;
/// The most text of one constant that is decoded from base64 or hexadecimal digits.
const DECODED: u64 = 32 << 20;

/// The first byte at or behind `at` that is neither blank nor zero; some writers pad with them.
fn behind_blanks(bytes: &Bytes, at: u64) -> u64 {
    let mut cursor = bytes.cursor();
    cursor.seek(at);
    while let Ok(window) = cursor.peek(1) {
        let blank = |byte: &&u8| matches!(byte, 0 | b'\n' | b'\r' | b' ' | b'\t');
        let (blanks, all) = (window.iter().take_while(blank).count(), window.len());
        cursor.advance(blanks);
        if blanks < all || all == 0 {
            break;
        }
    }
    cursor.position()
}

/// An observer that minds nothing.
#[derive(Debug)]
struct Nobody;

impl Observer for Nobody {
    fn import(&mut self, _: &Program<'_>, _: u64, _: u32) {}
    fn call(&mut self, _: &Program<'_>, _: u64, _: Call) {}
    fn state(&mut self, _: &Program<'_>, _: u64, _: value::Value, _: value::Value) {}
    fn items(&mut self, _: &Program<'_>, _: u64, _: value::Value, _: &'static str) {}
    fn grown(&mut self, _: &Program<'_>, _: u64, _: u32) {}
    fn contained(&mut self, _: &Program<'_>, _: u64, _: value::Value) {}
    fn hashed(&mut self, _: &Program<'_>, _: u64, _: value::Value) {}
    fn persistent(&mut self, _: &Program<'_>, _: u64, _: value::Value) {}
    fn oddity(&mut self, _: &Program<'_>, _: u64, _: Oddity) {}
}
