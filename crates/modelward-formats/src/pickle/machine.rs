//! The stack machine, run symbolically: nothing is imported, nothing is called.
//!
//! It goes on wherever any of CPython's readers would go on (the C accelerator from a file or
//! from bytes, and the Python one, which alone minds frames), so every effect that one of them
//! would have is seen; where they differ, that difference is itself observed as an [`Oddity`].

use std::ops::ControlFlow;

use super::{
    constant,
    memo::Memo,
    opcode::{self as op, Argument, describe},
    program::{Call, Observer, Oddity, Program, Stream},
    value::{Shape, Value},
};
use crate::{Budget, Cursor, Gap, Refusal};

mod arguments;
mod effects;
mod plain;
mod stack;

use arguments::little_endian;

impl Program<'_> {
    /// Run one stream from `start`. Whatever breaks it comes back beside what ran before.
    pub fn run<O: Observer>(
        &mut self,
        start: u64,
        budget: &Budget,
        observer: &mut O,
    ) -> (Stream, Option<Refusal>) {
        run(self, start, u64::MAX, budget, observer)
    }
}

/// Run one stream of a program from `start`, at most so many opcodes.
pub(super) fn run<O: Observer>(
    program: &mut Program<'_>,
    start: u64,
    most: u64,
    budget: &Budget,
    observer: &mut O,
) -> (Stream, Option<Refusal>) {
    program.protocol = 0;
    let mut cursor = program.bytes.cursor();
    cursor.seek(start);
    let mut machine = Machine {
        program,
        cursor,
        observer,
        budget,
        stack: Vec::with_capacity(256),
        marks: Vec::new(),
        memo: Memo::default(),
        frame: (start, start),
        opcodes: 0,
        lease: 0,
        effects: 0,
        nesting: 0,
        copied: 0,
        plain: false,
    };
    let broken = machine.run(most).err();
    let (end, result) = (machine.cursor.position(), machine.stack.pop());
    let (effects, opcodes) = (machine.effects, machine.opcodes);
    let (protocol, result) = (program.protocol, result.unwrap_or(Value::UNKNOWN));
    (Stream { start, end, protocol, effects, opcodes, result }, broken)
}

struct Machine<'m, 'a, O> {
    program: &'m mut Program<'a>,
    cursor: Cursor<'a>,
    observer: &'m mut O,
    budget: &'m Budget,
    stack: Vec<Value>,
    /// Heights of the stack at each open MARK.
    marks: Vec<usize>,
    memo: Memo,
    /// Start and end of the current frame.
    frame: (u64, u64),
    opcodes: u64,
    /// Opcodes that may run before the next look at the budget.
    lease: u64,
    effects: u64,
    /// How many streams this one runs inside.
    nesting: u32,
    /// Bytes of memory that were copied to look into arrays.
    copied: u64,
    /// Whether it runs as a reader does that knows nothing of joblib.
    plain: bool,
}

/// How many opcodes run between two looks at the budget.
const LEASE: u64 = 4096;
/// How many floats are taken together.
const FLOATS: usize = 1024;
/// The longest line that is read as a name or a number.
const LINE: usize = 64 << 10;
/// Digits of a decimal number beyond which reading it takes a reader quadratic time.
const DIGITS: u64 = 4300;
/// Bytes of a reader's memo for each index: it doubles a table of pointers.
const SLOT: u64 = 16;
/// Values met by walking a structure, beyond which it is a bomb.
const WEIGHT: f32 = 1e9;
/// Streams inside streams.
const NESTING: u32 = 32;
/// How many inner pieces are kept.
const INNER: usize = 100_000;

type Step = Result<(), Refusal>;

impl<O: Observer> Machine<'_, '_, O> {
    fn run(&mut self, most: u64) -> Step {
        loop {
            if self.lease == 0 {
                let at = self.cursor.position();
                self.budget.opcodes(at, self.opcodes.min(LEASE))?;
                self.memory(at)?;
                self.lease = LEASE;
            }
            if self.opcodes >= most || self.step()?.is_break() {
                return Ok(());
            }
            self.lease = self.lease.saturating_sub(1);
            self.opcodes = self.opcodes.saturating_add(1);
        }
    }

    fn memory(&self, at: u64) -> Step {
        let stack = self.stack.capacity().saturating_mul(size_of::<Value>());
        let names = self.program.imports.len().saturating_mul(200);
        let used = [self.program.heap.bytes(), self.memo.bytes(), stack, names];
        let used = used.into_iter().fold(0_usize, usize::saturating_add);
        let limit = self.budget.limits().memory;
        if used as u64 > limit {
            let why = format!("the program holds more than the limit of {limit} bytes");
            return Err(Refusal::new(at, Gap::LargeMemory, why));
        }
        Ok(())
    }

    /// Run one opcode.
    #[inline]
    fn step(&mut self) -> Result<ControlFlow<()>, Refusal> {
        let at = self.cursor.position();
        let here = self.cursor.peek(11)?;
        let Some((&code, rest)) = here.split_first() else {
            return Err(Refusal::truncated(at, "expected an opcode, the file ends without STOP"));
        };
        if code == op::BINFLOAT {
            // Large pickles are made of floats: as many as lie together are taken together.
            let frame = match self.frame.1.checked_sub(at) {
                Some(room @ 1..) => usize::try_from(room / 9).unwrap_or(usize::MAX),
                _ => usize::MAX,
            };
            let floats = here.chunks_exact(9).take(frame.min(FLOATS));
            let run = floats.take_while(|opcode| opcode.first() == Some(&op::BINFLOAT)).count();
            if run > 0 {
                self.cursor.advance(run.saturating_mul(9));
                let run = run as u64;
                self.stack.extend(
                    (0..run).map(|i| Value::number(at.saturating_add(i.saturating_mul(9)))),
                );
                // The caller counts one of them.
                self.opcodes = self.opcodes.saturating_add(run.saturating_sub(1));
                self.lease = self.lease.saturating_sub(run.saturating_sub(1)).max(1);
                return Ok(ControlFlow::Continue(()));
            }
        }
        let straight = match code {
            op::BINFLOAT if rest.len() >= 8 => Some((9, Value::number(at))),
            op::BININT1 => rest.first().map(|&n| (2, Value::int(n.into(), at))),
            op::BININT => array(rest).map(|n| (5, Value::int(i32::from_le_bytes(n).into(), at))),
            op::BININT2 => array(rest).map(|n| (3, Value::int(u16::from_le_bytes(n).into(), at))),
            op::NONE => Some((1, Value::NONE)),
            op::NEWTRUE => Some((1, Value::bool(true))),
            op::NEWFALSE => Some((1, Value::bool(false))),
            _ => None,
        };
        if let Some((len, value)) = straight {
            self.cursor.advance(len);
            self.stack.push(value);
            self.frame_edge(at);
            return Ok(ControlFlow::Continue(()));
        }
        let done = match code {
            op::SHORT_BINUNICODE | op::SHORT_BINBYTES | op::SHORT_BINSTRING => {
                match array(rest) {
                    Some([len]) => self.counted(code, at, 1, len.into())?,
                    None => return Err(self.ends(at, code)),
                }
                ControlFlow::Continue(())
            }
            op::BINUNICODE | op::BINBYTES | op::BINSTRING => {
                match array(rest) {
                    Some(len) => self.counted(code, at, 4, u32::from_le_bytes(len).into())?,
                    None => return Err(self.ends(at, code)),
                }
                ControlFlow::Continue(())
            }
            op::BINUNICODE8 | op::BINBYTES8 | op::BYTEARRAY8 => {
                match array(rest) {
                    Some(len) => self.counted(code, at, 8, u64::from_le_bytes(len))?,
                    None => return Err(self.ends(at, code)),
                }
                ControlFlow::Continue(())
            }
            op::MEMOIZE => {
                self.cursor.advance(1);
                let index = self.memo.entries;
                self.put(at, index)?;
                ControlFlow::Continue(())
            }
            op::BINPUT | op::LONG_BINPUT | op::BINGET | op::LONG_BINGET => {
                let (wide, get) = (code == op::LONG_BINPUT || code == op::LONG_BINGET, code);
                let index = if wide {
                    array(rest).map(u32::from_le_bytes).map(u64::from)
                } else {
                    rest.first().map(|&index| index.into())
                };
                let Some(index) = index else { return Err(self.ends(at, code)) };
                self.cursor.advance(if wide { 5 } else { 2 });
                match get {
                    op::BINPUT | op::LONG_BINPUT => self.put(at, index)?,
                    _ => self.get(at, index)?,
                }
                ControlFlow::Continue(())
            }
            _ => self.rare(code, at)?,
        };
        self.frame_edge(at);
        Ok(done)
    }

    /// The opcodes that are not most of every pickle.
    fn rare(&mut self, code: u8, at: u64) -> Result<ControlFlow<()>, Refusal> {
        let Some((name, argument)) = describe(code) else {
            let why = format!("expected an opcode, got the byte {code:#04x}");
            return Err(Refusal::truncated(at, why));
        };
        self.cursor.advance(1);
        let number = match argument {
            Argument::Fixed(width) => {
                let width = usize::from(width);
                let read = self.cursor.take(width);
                let read = read.map_err(|e| Refusal { at, ..e })?;
                little_endian(read)
            }
            _ => 0,
        };
        match code {
            op::STOP => {
                // Open marks are no matter to the readers, as long as a value lies above the last.
                if self.stack.len() <= self.floor() {
                    return Err(self.underflow(at, name));
                }
                return Ok(ControlFlow::Break(()));
            }
            op::PROTO => self.protocol(at, number)?,
            op::FRAME => self.frame(at, number),
            op::MARK => self.marks.push(self.stack.len()),
            op::POP => self.discard(at)?,
            op::POP_MARK => drop(self.pop_mark(at, name)?),
            op::DUP => {
                let top = self.top(at, name)?;
                self.stack.push(top);
            }
            op::FLOAT | op::INT | op::LONG => self.decimal(code, at)?,
            op::LONG1 | op::LONG4 => self.long(code, at)?,
            op::STRING | op::UNICODE => {
                let start = self.cursor.position();
                let line = match self.line_or_longer(at)? {
                    Some(line) => line,
                    // Old protocols write whole arrays in one line: its ends say enough.
                    None => self.ends_of_line(start)?,
                };
                let text = line.trim_ascii();
                let text = match (code, text) {
                    (op::STRING, [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"']) => inner,
                    (op::STRING, _) => {
                        return Err(Refusal::truncated(at, "expected a text in quotes"));
                    }
                    _ => text,
                };
                self.stack.push(Value::text(at, constant::is_dunder(text, code)));
            }
            op::PERSID => {
                if self.line(at, LINE)?.iter().any(u8::is_ascii_control) {
                    return Err(Refusal::truncated(at, "expected a persistent id in text"));
                }
                self.persistent(at, Value::text(at, false))?;
            }
            op::BINPERSID => {
                let id = self.pop(at, name)?;
                self.persistent(at, id)?;
            }
            op::GET | op::PUT => {
                let line = self.numeral(at)?;
                let Some(index) = memo_index(&line) else {
                    return Err(Refusal::truncated(at, "expected a memo index"));
                };
                if code == op::GET { self.get(at, index)? } else { self.put(at, index)? }
            }
            op::GLOBAL => {
                let (module, name) = (self.name_line(at)?, self.name_line(at)?);
                let import = self.import(at, module, name)?;
                self.stack.push(import);
            }
            op::STACK_GLOBAL => {
                let (qualname, module) = (self.pop(at, name)?, self.pop(at, name)?);
                if qualname.is_shadowed() || module.is_shadowed() {
                    self.observer.oddity(self.program, at, Oddity::ShadowedMemo);
                }
                let module = self.constant_name(module);
                let qualname = self.constant_name(qualname);
                let import = self.import(at, module, qualname)?;
                self.stack.push(import);
            }
            op::INST => {
                let (module, qualname) = (self.name_line(at)?, self.name_line(at)?);
                let callee = self.import(at, module, qualname)?;
                let items = self.pop_mark(at, name)?;
                let arguments = self.program.heap.make(Shape::Tuple, &items, at)?;
                self.call(at, Call { by: code, callee, arguments, keywords: None })?;
            }
            op::OBJ => {
                let items = self.pop_mark(at, name)?;
                let Some((&callee, items)) = items.split_first() else {
                    return Err(self.underflow(at, name));
                };
                let arguments = self.program.heap.make(Shape::Tuple, items, at)?;
                self.call(at, Call { by: code, callee, arguments, keywords: None })?;
            }
            op::REDUCE | op::NEWOBJ => {
                let (arguments, callee) = (self.pop(at, name)?, self.pop(at, name)?);
                self.call(at, Call { by: code, callee, arguments, keywords: None })?;
            }
            op::NEWOBJ_EX => {
                let keywords = Some(self.pop(at, name)?);
                let (arguments, callee) = (self.pop(at, name)?, self.pop(at, name)?);
                self.call(at, Call { by: code, callee, arguments, keywords })?;
            }
            op::EXT1 | op::EXT2 | op::EXT4 => {
                self.effects = self.effects.saturating_add(1);
                self.observer.oddity(self.program, at, Oddity::ExtensionCode);
                self.stack.push(Value::UNKNOWN);
            }
            op::BUILD => self.build(at, name)?,
            op::EMPTY_LIST => self.make(Shape::List, &[], at)?,
            op::EMPTY_DICT => self.make(Shape::Dict, &[], at)?,
            op::EMPTY_SET => self.make(Shape::Set, &[], at)?,
            op::EMPTY_TUPLE => self.make(Shape::Tuple, &[], at)?,
            op::TUPLE1 => self.tuple(at, name, 1)?,
            op::TUPLE2 => self.tuple(at, name, 2)?,
            op::TUPLE3 => self.tuple(at, name, 3)?,
            op::TUPLE => {
                let from = self.marks.pop().ok_or_else(|| self.underflow(at, name))?;
                self.gather(at, from)?;
            }
            op::LIST | op::DICT | op::FROZENSET => {
                let items = self.pop_mark(at, name)?;
                let shape = match code {
                    op::LIST => Shape::List,
                    op::DICT => Shape::Dict,
                    _ => Shape::Set,
                };
                self.make(shape, &[], at)?;
                self.add(at, name, &items)?;
            }
            op::APPEND => {
                let item = self.pop(at, name)?;
                self.add(at, name, &[item])?;
            }
            op::SETITEM => {
                let (value, key) = (self.pop(at, name)?, self.pop(at, name)?);
                self.add(at, name, &[key, value])?;
            }
            op::APPENDS | op::SETITEMS | op::ADDITEMS => self.add_batch(at, name)?,
            op::NEXT_BUFFER => self.stack.push(Value::UNKNOWN),
            op::READONLY_BUFFER => drop(self.top(at, name)?),
            _ => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Every reader refuses a version that it does not know, wherever in the stream it stands.
    fn protocol(&mut self, at: u64, version: u64) -> Step {
        self.program.protocol = u8::try_from(version).unwrap_or(u8::MAX);
        if version > 5 {
            let why = format!("expected protocol 0 to 5, got {version}");
            return Err(Refusal::new(at, Gap::Unsupported, why));
        }
        Ok(())
    }

    /// A frame begins. The Python reader refuses one that begins inside another, and an opcode of
    /// it that crosses the edge of another.
    fn frame(&mut self, at: u64, len: u64) {
        let start = self.cursor.position();
        let (from, edge) = self.frame;
        let within = (from..edge).contains(&at) && start != edge;
        if within || len > self.cursor.left() {
            self.observer.oddity(self.program, at, Oddity::FrameStraddle);
        }
        self.frame = (start, start.saturating_add(len));
    }

    /// Whether the opcode that began at `at` crosses the end of the current frame.
    #[inline]
    fn frame_edge(&mut self, at: u64) {
        let edge = self.frame.1;
        if at < edge && at >= self.frame.0 && self.cursor.position() > edge {
            self.observer.oddity(self.program, at, Oddity::FrameStraddle);
        }
    }

    fn ends(&self, at: u64, code: u8) -> Refusal {
        let name = describe(code).map_or("an opcode", |(name, _)| name);
        Refusal::truncated(at, format!("expected the argument of {name}, the file ends"))
    }
}

/// A memo index in digits. Python's memo is a dict, so no number is too large for it; all of those
/// share the last slot here, which is a finding in any case.
fn memo_index(line: &str) -> Option<u64> {
    let digits = line.replace('_', "");
    let bare = digits.strip_prefix('+').unwrap_or(&digits);
    match digits.parse::<i128>() {
        // `-0` is a number to Python.
        Ok(index) => u64::try_from(index).ok().or((index > 0).then_some(u64::MAX)),
        Err(_) if !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(u64::MAX)
        }
        Err(_) => None,
    }
}

/// The first bytes, as many as the array has.
fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}
