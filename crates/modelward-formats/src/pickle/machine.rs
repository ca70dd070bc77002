//! The stack machine, run symbolically: nothing is imported, nothing is called.
//!
//! It goes on wherever any of CPython's readers would go on (the C accelerator from a file or
//! from bytes, and the Python one, which alone minds frames), so every effect that one of them
//! would have is seen; where they differ, that difference is itself observed as an [`Oddity`].

use std::ops::ControlFlow;

use super::{
    constant::{self, Encoding},
    joblib,
    memo::Memo,
    opcode::{self as op, Argument, describe},
    program::{Call, Import, Inner, Observer, Oddity, Program, Stream},
    trial,
    value::{Kind, Shape, Value},
};
use crate::{Budget, Cursor, Gap, Refusal};

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
}

/// How many opcodes run between two looks at the budget.
const LEASE: u64 = 4096;
/// The longest line that is read as a name or a number.
const LINE: usize = 64 << 10;
/// Digits of a decimal number beyond which reading it takes a reader quadratic time.
const DIGITS: u64 = 4300;
/// A memo index that no pickler reaches: readers allocate a table up to it.
const MEMO: u64 = 1 << 24;
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
                // `-0` is a number to Python.
                let index = line.replace('_', "").parse::<i128>().map(u64::try_from);
                let Ok(Ok(index)) = index else {
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
                self.add(at, &items)?;
            }
            op::APPEND => {
                let item = self.pop(at, name)?;
                self.add(at, &[item])?;
            }
            op::SETITEM => {
                let (value, key) = (self.pop(at, name)?, self.pop(at, name)?);
                self.add(at, &[key, value])?;
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

    /// A constant whose length stands before it.
    #[inline]
    fn counted(&mut self, code: u8, at: u64, width: u64, len: u64) -> Step {
        let start = at.saturating_add(1).saturating_add(width);
        self.cursor.advance(usize::try_from(width).unwrap_or(8).saturating_add(1));
        if len > self.cursor.left() {
            let left = self.cursor.left();
            let why = format!("expected a constant of {len} bytes, but only {left} are left");
            return Err(Refusal::new(at, Gap::OversizedLength, why));
        }
        let text = matches!(
            code,
            op::SHORT_BINUNICODE
                | op::BINUNICODE
                | op::BINUNICODE8
                | op::SHORT_BINSTRING
                | op::BINSTRING
        );
        let head = self.cursor.peek(16)?;
        let head =
            head.get(..head.len().min(usize::try_from(len).unwrap_or(16))).unwrap_or_default();
        let dunder = text && head.starts_with(b"__");
        if let Some(encoding) = constant::sniff(head, len)
            && self.program.inner.len() < INNER
        {
            self.program.inner.push(Inner { at: start, len, encoding });
        }
        self.cursor.skip(len)?;
        self.stack.push(if text { Value::text(at, dunder) } else { Value::bytes(at) });
        Ok(())
    }

    /// A number written in decimal digits.
    fn decimal(&mut self, code: u8, at: u64) -> Step {
        let start = self.cursor.position();
        let line = self.line_or_longer(at)?;
        let digits = self.cursor.position().saturating_sub(start);
        if digits > DIGITS && code != op::FLOAT {
            self.observer.oddity(self.program, at, Oddity::Expansion);
        }
        // The C reader takes a number up to the first NUL.
        let text = line.as_deref().map(|line| line.split(|&byte| byte == 0).next());
        let text = text.map(|line| String::from_utf8_lossy(line.unwrap_or_default()));
        let text = text.as_deref().map(|text| text.trim().trim_end_matches('L'));
        let value = match (code, text) {
            (op::INT, Some("00")) => Value::bool(false),
            (op::INT, Some("01")) => Value::bool(true),
            (op::FLOAT, Some(text)) if text.replace('_', "").parse::<f64>().is_err() => {
                return Err(Refusal::truncated(at, "expected a decimal number"));
            }
            (op::INT | op::LONG, Some(text)) => match text.parse() {
                Ok(number) => Value::int(number, at),
                Err(_) if is_whole(text) => Value::number(at),
                Err(_) => return Err(Refusal::truncated(at, "expected a whole number")),
            },
            _ => Value::number(at),
        };
        self.stack.push(value);
        Ok(())
    }

    /// A number of any length in two's complement.
    fn long(&mut self, code: u8, at: u64) -> Step {
        let len = if code == op::LONG1 {
            u64::from(self.cursor.array::<1>()?[0])
        } else {
            u64::from(u32::from_le_bytes(self.cursor.array()?))
        };
        if len > 8 {
            self.cursor.skip(len)?;
            self.stack.push(Value::number(at));
            return Ok(());
        }
        let bytes = self.cursor.take(usize::try_from(len).unwrap_or(8))?;
        let unsigned = little_endian(bytes);
        let unused = 64_u32.saturating_sub(u32::try_from(len).unwrap_or(8).saturating_mul(8));
        let value =
            unsigned.checked_shl(unused).map_or(0, |top| top.cast_signed() >> unused.min(63));
        self.stack.push(Value::int(if len == 0 { 0 } else { value }, at));
        Ok(())
    }

    fn put(&mut self, at: u64, index: u64) -> Step {
        let top = self.top(at, "PUT")?;
        if index > MEMO && index > self.opcodes.saturating_mul(2) {
            self.observer.oddity(self.program, at, Oddity::Expansion);
        }
        self.memo.put(index, top);
        Ok(())
    }

    fn get(&mut self, at: u64, index: u64) -> Step {
        let value = self.memo.get(index);
        let value = value.ok_or_else(|| {
            Refusal::truncated(at, format!("expected something in memo slot {index}"))
        })?;
        self.stack.push(value);
        Ok(())
    }

    fn make(&mut self, shape: Shape, items: &[Value], at: u64) -> Step {
        let value = self.program.heap.make(shape, items, at)?;
        self.heavy(at, value);
        self.stack.push(value);
        Ok(())
    }

    fn tuple(&mut self, at: u64, name: &'static str, len: usize) -> Step {
        match self.stack.len().checked_sub(len) {
            Some(from) if from >= self.floor() => self.gather(at, from),
            _ => Err(self.underflow(at, name)),
        }
    }

    /// Make a tuple of everything from this height of the stack on.
    fn gather(&mut self, at: u64, from: usize) -> Step {
        let items = self.stack.get(from..).unwrap_or_default();
        let tuple = self.program.heap.make(Shape::Tuple, items, at)?;
        self.stack.truncate(from);
        self.heavy(at, tuple);
        self.stack.push(tuple);
        Ok(())
    }

    /// Add what lies above the last MARK to the container below it. The items stay where they
    /// are until they are added: batches are long, and a copy of each is most of the time.
    fn add_batch(&mut self, at: u64, name: &'static str) -> Step {
        let from = self.marks.pop().ok_or_else(|| self.underflow(at, name))?;
        let (below, items) = self.stack.split_at_checked(from).unwrap_or_default();
        let container = below.last().filter(|_| below.len() > self.floor());
        let &container = container.ok_or_else(|| self.underflow(at, name))?;
        match container.kind() {
            Kind::Node(index) if self.program.heap.is_container(index) => {
                self.program.heap.add(index, items);
                self.heavy(at, container);
            }
            _ if items.is_empty() => {}
            _ => self.observer.items(self.program, at, container),
        }
        self.stack.truncate(from);
        Ok(())
    }

    /// Add items to the container on top of the stack.
    fn add(&mut self, at: u64, items: &[Value]) -> Step {
        let container = self.top(at, "a container")?;
        match container.kind() {
            Kind::Node(index) if self.program.heap.is_container(index) => {
                self.program.heap.add(index, items);
                self.heavy(at, container);
            }
            _ if items.is_empty() => {}
            _ => self.observer.items(self.program, at, container),
        }
        Ok(())
    }

    /// A structure that doubles at each step is small in the file and endless to walk.
    fn heavy(&mut self, at: u64, value: Value) {
        let weight = self.program.heap.weight(value);
        if weight > WEIGHT && weight > 64.0 * self.program.bytes.len() as f32 {
            self.observer.oddity(self.program, at, Oddity::Expansion);
        }
    }

    fn import(
        &mut self,
        at: u64,
        module: Option<String>,
        name: Option<String>,
    ) -> Result<Value, Refusal> {
        if module.as_deref().is_some_and(|module| module.contains('\0')) {
            // No file and no built-in module has such a name: every reader stops here. The header
            // of a tar whose first name begins with `c` looks like this.
            return Err(Refusal::truncated(at, "expected the name of a module, got a zero byte"));
        }
        self.effects = self.effects.saturating_add(1);
        if module.is_none() || name.is_none() {
            self.observer.oddity(self.program, at, Oddity::ComputedName);
        }
        let import = Import { module, name, protocol: self.program.protocol };
        let index = match self.program.known.get(&import) {
            Some(&index) => index,
            None => {
                let index = u32::try_from(self.program.imports.len()).unwrap_or(u32::MAX);
                self.program.imports.push(import.clone());
                self.program.known.insert(import, index);
                self.observer.import(self.program, at, index);
                index
            }
        };
        Ok(Value::import(index))
    }

    fn call(&mut self, at: u64, call: Call) -> Step {
        self.effects = self.effects.saturating_add(1);
        self.observer.call(self.program, at, call);
        self.checkpoint(call);
        let items = [call.callee, call.arguments];
        self.make(Shape::Object, &items, at)
    }

    /// The constant that torch loads as a checkpoint of its own is a file, whatever it begins with.
    fn checkpoint(&mut self, call: Call) {
        let Kind::Import(index) = call.callee.kind() else { return };
        let loads = self.program.import(index);
        if !loads.is_some_and(|import| import.is("torch.storage", "_load_from_bytes")) {
            return;
        }
        let arguments = self.program.heap.items_of(call.arguments, Shape::Tuple);
        if let Some(&[constant]) = arguments
            && let Some((at, len)) = self.program.range(constant)
        {
            let known = |inner: &&mut Inner| inner.at == at;
            match self.program.inner.iter_mut().rev().take(64).find(known) {
                Some(inner) => inner.encoding = Encoding::Checkpoint,
                None => {
                    self.program.inner.push(Inner { at, len, encoding: Encoding::Checkpoint });
                }
            }
        }
    }

    fn persistent(&mut self, at: u64, id: Value) -> Step {
        self.observer.persistent(self.program, at, id);
        // Torch's loader gives the class that stands in such an id, so a call of it is a call.
        if let Some(&[tag, class, ..]) = self.program.heap.items_of(id, Shape::Tuple)
            && matches!(class.kind(), Kind::Import(_))
            && self.program.text(tag, 16).as_deref() == Some("module")
        {
            self.stack.push(class);
            return Ok(());
        }
        self.make(Shape::Persistent, &[id], at)
    }

    fn build(&mut self, at: u64, name: &'static str) -> Step {
        let state = self.pop(at, name)?;
        let object = self.top(at, name)?;
        self.effects = self.effects.saturating_add(1);
        self.observer.state(self.program, at, object, state);
        let behind = self.cursor.position();
        match joblib::array_behind(self.program, object, state, &mut self.cursor)? {
            Some(joblib::Array::Raw { at: array, len }) => {
                self.program.inner.push(Inner { at: array, len, encoding: Encoding::Raw });
                if self.is_program(behind, array.saturating_add(len))? {
                    self.observer.oddity(self.program, at, Oddity::HiddenProgram);
                }
                if behind < self.frame.1 {
                    self.observer.oddity(self.program, at, Oddity::FrameStraddle);
                }
                // joblib closes the frame before it writes an array.
                let here = self.cursor.position();
                self.frame = (here, here);
            }
            Some(joblib::Array::Pickled) => self.nested(at)?,
            None => {}
        }
        Ok(())
    }

    /// Whether a reader that knows nothing of joblib, which takes an array for opcodes, would
    /// import something there. Numbers break off at once.
    fn is_program(&self, start: u64, end: u64) -> Result<bool, Refusal> {
        let mut cursor = self.program.bytes.cursor();
        cursor.seek(start);
        let (mut texts, mut steps) = (0_u32, 0_u64);
        while cursor.position() < end {
            if steps.is_multiple_of(LEASE) {
                self.budget.tick(cursor.position())?;
            }
            steps = steps.saturating_add(1);
            let window = cursor.peek(LINE)?;
            let Some((&code, rest)) = window.split_first() else { break };
            let Some((_, argument)) = describe(code) else { break };
            let mut lines = rest.split(|&byte| byte == b'\n');
            let len = match argument {
                Argument::None => 0,
                Argument::Fixed(width) => u64::from(width),
                Argument::Line => match lines.next() {
                    Some(line) if line.len() < rest.len() => (line.len() as u64).saturating_add(1),
                    _ => break,
                },
                Argument::TwoLines => {
                    let (Some(module), Some(name)) = (lines.next(), lines.next()) else { break };
                    let named = |name: &[u8]| std::str::from_utf8(name).is_ok_and(trial::is_name);
                    if named(module) && named(name) {
                        return Ok(true);
                    }
                    let both = module.len().saturating_add(name.len()) as u64;
                    both.saturating_add(2)
                }
                Argument::Counted(width) => {
                    let Some(len) = rest.get(..usize::from(width)) else { break };
                    u64::from(width).saturating_add(little_endian(len))
                }
            };
            match code {
                op::STOP => break,
                op::SHORT_BINUNICODE | op::BINUNICODE | op::BINUNICODE8 | op::UNICODE => {
                    texts = texts.saturating_add(1);
                }
                op::STACK_GLOBAL if texts > 1 => return Ok(true),
                _ => {}
            }
            if cursor.skip(len.saturating_add(1)).is_err() {
                break;
            }
        }
        Ok(false)
    }

    /// Run a whole stream inside this one, as joblib does for arrays of objects.
    fn nested(&mut self, at: u64) -> Step {
        if self.nesting >= NESTING {
            let why = format!("more than {NESTING} arrays of objects inside each other");
            return Err(Refusal::new(at, Gap::DeepNesting, why));
        }
        let stack = std::mem::take(&mut self.stack);
        let marks = std::mem::take(&mut self.marks);
        let memo = std::mem::take(&mut self.memo);
        let protocol = self.program.protocol;
        let start = self.cursor.position();
        self.frame = (start, start);
        self.nesting = self.nesting.saturating_add(1);
        let ran = self.run(u64::MAX);
        self.nesting = self.nesting.saturating_sub(1);
        (self.stack, self.marks, self.memo) = (stack, marks, memo);
        self.program.protocol = protocol;
        let here = self.cursor.position();
        self.frame = (here, here);
        ran
    }

    /// The lowest position that may be popped: what lies under the last MARK is out of reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self, at: u64, name: &'static str) -> Result<Value, Refusal> {
        match self.stack.last() {
            Some(&top) if self.stack.len() > self.floor() => Ok(top),
            _ => Err(self.underflow(at, name)),
        }
    }

    fn pop(&mut self, at: u64, name: &'static str) -> Result<Value, Refusal> {
        let top = self.top(at, name)?;
        self.stack.pop();
        Ok(top)
    }

    /// POP takes a value, or the MARK where there is none above it.
    fn discard(&mut self, at: u64) -> Step {
        if self.stack.len() > self.floor() {
            self.stack.pop();
        } else if self.marks.pop().is_none() {
            return Err(self.underflow(at, "POP"));
        }
        Ok(())
    }

    fn pop_mark(&mut self, at: u64, name: &'static str) -> Result<Vec<Value>, Refusal> {
        let floor = self.marks.pop().ok_or_else(|| self.underflow(at, name))?;
        Ok(self.stack.split_off(floor.min(self.stack.len())))
    }

    /// A line of text, without its newline.
    fn line(&mut self, at: u64, most: usize) -> Result<Vec<u8>, Refusal> {
        let window = self.cursor.peek(most)?;
        let end = window.iter().take(most).position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| {
            Refusal::truncated(at, format!("expected a line of at most {most} bytes"))
        })?;
        let line = window.get(..end).unwrap_or_default().to_vec();
        self.cursor.advance(end.saturating_add(1));
        Ok(line)
    }

    /// A line of text, or `None` for one that is too long to be kept.
    fn line_or_longer(&mut self, at: u64) -> Result<Option<Vec<u8>>, Refusal> {
        let window = self.cursor.peek(LINE)?;
        if window.iter().take(LINE).any(|&byte| byte == b'\n') {
            return self.line(at, LINE).map(Some);
        }
        loop {
            let window = self.cursor.peek(LINE)?;
            if window.is_empty() {
                return Err(Refusal::truncated(at, "expected a line, the file ends"));
            }
            match window.iter().position(|&byte| byte == b'\n') {
                Some(end) => {
                    self.cursor.advance(end.saturating_add(1));
                    return Ok(None);
                }
                None => {
                    let all = window.len();
                    self.cursor.advance(all);
                }
            }
        }
    }

    /// A whole number in a line, which Python takes with blanks around it however many, and the C
    /// reader up to the first NUL.
    fn numeral(&mut self, at: u64) -> Result<String, Refusal> {
        let window = self.cursor.peek(LINE)?;
        let head = window.get(..window.len().min(LINE)).unwrap_or_default();
        let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b);
        let plain = |byte: &u8| blank(byte) || matches!(byte, b'0'..=b'9' | b'_' | b'+' | b'-');
        if head.len() == LINE && !head.contains(&b'\n') && head.iter().all(plain) {
            let why = "a memo index written in more than 65536 bytes";
            return Err(Refusal::new(at, Gap::LongReading, why));
        }
        let line = self.line(at, LINE)?;
        let text = line.split(|&byte| byte == 0).next().unwrap_or_default();
        Ok(String::from_utf8_lossy(text).trim().to_owned())
    }

    /// The first and the last bytes of a line that began at `start` and has just been read.
    fn ends_of_line(&self, start: u64) -> Result<Vec<u8>, Refusal> {
        let end = self.cursor.position().saturating_sub(1);
        let mut ends = self.program.bytes.take(start, 64)?;
        ends.extend(self.program.bytes.take(end.saturating_sub(64), 64)?);
        Ok(ends)
    }

    fn name_line(&mut self, at: u64) -> Result<Option<String>, Refusal> {
        let line = self.line_or_longer(at)?;
        Ok(line.map(|line| String::from_utf8_lossy(&line).into_owned()))
    }

    fn constant_name(&self, value: Value) -> Option<String> {
        match value.kind() {
            Kind::Text(at) => constant::text(self.program.bytes, at, LINE as u64),
            _ => None,
        }
    }

    fn underflow(&self, at: u64, name: &'static str) -> Refusal {
        Refusal::truncated(at, format!("expected more on the stack for {name}"))
    }

    fn ends(&self, at: u64, code: u8) -> Refusal {
        let name = describe(code).map_or("an opcode", |(name, _)| name);
        Refusal::truncated(at, format!("expected the argument of {name}, the file ends"))
    }
}

/// Whether Python's `int(text, 0)` would take it, as far as its letters go.
fn is_whole(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '_' | 'x' | 'X' | 'o' | 'O'))
}

/// The first bytes, as many as the array has.
fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
