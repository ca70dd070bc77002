//! Compiled Python: the marshal format of CPython, and the `.pyc` files that wrap it.
//!
//! Marshal is what carries functions inside pickles, Keras files and caches of compiled modules.
//! Nothing is executed or rebuilt here: the reader tells what names and texts a code object has,
//! and what it reaches and calls. It is no part of the pickle machine, because other carriers
//! hold the same bytes.
//!
//! Source: `Python/marshal.c` of CPython 2.7 and 3.3 to 3.14. The format has no version of its
//! own, and code objects changed with Python's: each [`layout`] is tried until one holds to the
//! end.

use std::sync::Arc;

use self::{
    dialect::Dialect,
    layout::{LAYOUTS, Layout},
    reader::Reader,
};
use crate::{Asset, Budget, Bytes, Format, Gap, Refusal};

mod dialect;
mod layout;
mod reader;
mod walk;

/// Files of compiled Python, `.pyc`.
pub const FORMAT: Format = Format { name: "python-bytecode", read: read_file };

/// A code object: a function, a class body or a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// What it is called, qualified from 3.11 on: `<lambda>`, `<module>`, `f.<locals>.g`.
    pub name: String,
    /// The names of globals, attributes and modules that it uses, in the order of their first use.
    pub names: Vec<String>,
    /// Its text constants, also those inside tuples.
    pub texts: Vec<String>,
    /// What it reaches by names and attributes, in the order of its code; `None` where the
    /// instructions are those of no version that is known.
    pub uses: Option<Vec<Use>>,
}

/// A name that code reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name and its attributes: `os.system`.
    pub path: String,
    /// The call of it: `os.system("id")`.
    pub call: Option<String>,
}

/// A constant of a code object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constant {
    /// `None`.
    None,
    /// Text, or bytes.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A tuple or a set: the text in it.
    Texts(Vec<String>),
    /// A number of another kind, a code object.
    Other,
}

impl Code {
    /// A code object of its parts, of whatever version.
    pub fn of(name: String, code: &[u8], names: Vec<String>, constants: &[Constant]) -> Self {
        let dialects = [dialect::NEW, dialect::OLD].concat();
        Self::under(name, code, names, constants, &dialects)
    }

    fn under(
        name: String,
        code: &[u8],
        names: Vec<String>,
        constants: &[Constant],
        dialects: &[&Dialect],
    ) -> Self {
        let texts = constants.iter().flat_map(|constant| match constant {
            Constant::Text(text) => std::slice::from_ref(text),
            Constant::Texts(texts) => texts,
            _ => &[],
        });
        let texts = texts.cloned().collect();
        let uses = walk::walk(code, &names, constants, dialects);
        Self { name, names, texts, uses }
    }

    /// About how many bytes it takes.
    fn weight(&self) -> usize {
        let uses = self.uses.iter().flatten();
        let of =
            |one: &Use| one.path.len().saturating_add(one.call.as_ref().map_or(0, String::len));
        let texts = uses.map(of).chain(self.texts.iter().map(String::len));
        texts.fold(256, |sum: usize, len| sum.saturating_add(len).saturating_add(64))
    }
}

/// Read a marshal stream, and give every code object in it, inner ones before those around them.
/// Bytes behind the object are left alone, as `marshal.loads` leaves them.
///
/// # Errors
/// Where no layout holds: the refusal of the one that came furthest.
pub fn read(bytes: &[u8]) -> Result<Vec<Code>, Refusal> {
    read_under(bytes, |_| true)
}

fn read_under(bytes: &[u8], layouts: impl Fn(&Layout) -> bool) -> Result<Vec<Code>, Refusal> {
    let mut furthest = Refusal::truncated(0, "expected a code object");
    for layout in LAYOUTS.iter().filter(|layout| layouts(layout)) {
        let mut reader = Reader::new(bytes, layout);
        match reader.object(0) {
            Ok(_) => return Ok(reader.codes),
            Err(refusal) if refusal.at >= furthest.at => furthest = refusal,
            Err(_) => {}
        }
    }
    Err(furthest)
}

/// A file of compiled Python.
#[derive(Debug)]
pub struct Compiled {
    /// Its code objects, inner ones before those around them.
    pub codes: Vec<Code>,
}

impl Asset for Compiled {
    fn format(&self) -> &'static str {
        FORMAT.name
    }
}

/// Two bytes that say which Python wrote the file, a carriage return and a line feed, a header,
/// and a code object (`Lib/importlib/_bootstrap_external.py`).
fn read_file(bytes: &Bytes, _: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    const LONGEST: u64 = 16 << 20;
    let code = |at: u64| bytes.has(at, b"c") || bytes.has(at, b"\xe3");
    if !bytes.has(2, b"\r\n") {
        return None;
    }
    let mut found = None;
    for header in HEADERS.into_iter().filter(|&header| code(header)) {
        if bytes.len() > LONGEST {
            let why = format!("more than the limit of {LONGEST} bytes of compiled Python");
            return Some(Err(Refusal::new(0, Gap::LargeMemory, why)));
        }
        let stream = match bytes.tail(header).head(LONGEST) {
            Ok(stream) => stream,
            Err(refusal) => return Some(Err(refusal)),
        };
        match read_under(&stream, |layout| layout.headers.contains(&header)) {
            Ok(codes) => return Some(Ok(Box::new(Compiled { codes }))),
            // A limit is a gap; what breaks the grammar is no compiled Python.
            Err(refusal) if !matches!(refusal.gap, Gap::Truncated | Gap::OversizedLength) => {
                found = Some(Err(Refusal { at: refusal.at.saturating_add(header), ..refusal }));
            }
            Err(_) => {}
        }
    }
    found
}

/// How long the header is: from 3.7 on, from 3.3 on, before.
const HEADERS: [u64; 3] = [16, 12, 8];

#[cfg(test)]
mod tests;
