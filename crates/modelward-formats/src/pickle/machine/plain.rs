//! What a reader that knows nothing of joblib would do with an array, which it takes for opcodes.
//! Numbers break off at once; bytes that are made to be run do not.

use super::{LEASE, LINE, Machine, arguments::little_endian, op};
use crate::{
    Gap, Refusal,
    pickle::{
        opcode::{Argument, describe},
        program::{Call, Observer, Oddity, Program},
        trial,
        value::{Kind, Shape, Value},
    },
};

impl<O: Observer> Machine<'_, '_, O> {
    /// Whether the bytes of an array are program to such a reader.
    pub(super) fn is_program(&mut self, start: u64, end: u64) -> Result<bool, Refusal> {
        match self.glance(start, end)? {
            Glance::Breaks => Ok(false),
            Glance::Imports => Ok(true),
            Glance::Acts => self.acts(start, end),
        }
    }

    /// Look at the opcodes alone.
    fn glance(&self, start: u64, end: u64) -> Result<Glance, Refusal> {
        let mut cursor = self.program.bytes.cursor();
        cursor.seek(start);
        let (mut texts, mut steps, mut acts) = (0_u32, 0_u64, false);
        while cursor.position() < end {
            if steps.is_multiple_of(LEASE) {
                self.budget.tick(cursor.position())?;
            }
            steps = steps.saturating_add(1);
            let broken = if acts { Glance::Acts } else { Glance::Breaks };
            let window = cursor.peek(LINE)?;
            let Some((&code, rest)) = window.split_first() else { return Ok(broken) };
            let Some((_, argument)) = describe(code) else { return Ok(broken) };
            let mut lines = rest.split(|&byte| byte == b'\n');
            let len = match argument {
                Argument::None => 0,
                Argument::Fixed(width) => u64::from(width),
                Argument::Line => match lines.next() {
                    Some(line) if line.len() < rest.len() => (line.len() as u64).saturating_add(1),
                    _ => return Ok(broken),
                },
                Argument::TwoLines => {
                    let (Some(module), Some(name)) = (lines.next(), lines.next()) else {
                        return Ok(broken);
                    };
                    let named = |name: &[u8]| std::str::from_utf8(name).is_ok_and(trial::is_name);
                    if named(module) && named(name) {
                        return Ok(Glance::Imports);
                    }
                    let both = module.len().saturating_add(name.len()) as u64;
                    both.saturating_add(2)
                }
                Argument::Counted(width) => {
                    let Some(len) = rest.get(..usize::from(width)) else { return Ok(broken) };
                    u64::from(width).saturating_add(little_endian(len))
                }
            };
            match code {
                op::STOP => return Ok(broken),
                op::SHORT_BINUNICODE | op::BINUNICODE | op::BINUNICODE8 | op::UNICODE => {
                    texts = texts.saturating_add(1);
                }
                op::STACK_GLOBAL if texts > 1 => return Ok(Glance::Imports),
                // Of names that were made before.
                op::STACK_GLOBAL
                | op::REDUCE
                | op::NEWOBJ
                | op::NEWOBJ_EX
                | op::INST
                | op::OBJ
                | op::BUILD => {
                    acts = true;
                }
                _ => {}
            }
            if cursor.skip(len.saturating_add(1)).is_err() {
                return Ok(broken);
            }
        }
        Ok(Glance::Acts)
    }

    /// Run the opcodes on a copy of everything: whether they call or change something, or lead
    /// on to what stands behind the array with another stack.
    fn acts(&mut self, start: u64, end: u64) -> Result<bool, Refusal> {
        let copied = self.program.heap.bytes().saturating_add(self.memo.bytes()) as u64;
        self.copied = self.copied.saturating_add(copied);
        if self.copied > COPIED {
            let why = "more arrays that may be program than are looked into";
            return Err(Refusal::new(start, Gap::LongReading, why));
        }
        let (mut program, mut seen) = (self.program.clone(), Seen::default());
        let mut cursor = program.bytes.cursor();
        cursor.seek(start);
        let mut plain = Machine {
            program: &mut program,
            cursor,
            observer: &mut seen,
            budget: self.budget,
            stack: self.stack.clone(),
            marks: self.marks.clone(),
            memo: self.memo.clone(),
            frame: (start, start),
            opcodes: 0,
            lease: 0,
            effects: 0,
            nesting: self.nesting,
            copied: 0,
            plain: true,
        };
        loop {
            let before = plain.opcodes;
            // Where the bytes are no program, that is an answer; where a limit was hit, it is not.
            match plain.run(before.saturating_add(1)) {
                Err(refusal) if refusal.gap == Gap::Truncated => return Ok(plain.observer.acted),
                ran => ran?,
            }
            if plain.observer.acted {
                return Ok(true);
            }
            if plain.opcodes == before {
                return Ok(false);
            }
            if plain.cursor.position() >= end {
                // One or two bytes of numbers look like opcodes now and then.
                return Ok(end.saturating_sub(start) >= MEANT);
            }
        }
    }
}

/// What the opcodes of an array look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glance {
    Breaks,
    Imports,
    /// Something may be called or changed, or the end is reached.
    Acts,
}

/// Bytes that nobody takes for opcodes by chance to their last.
const MEANT: u64 = 4;
/// Bytes of memory that are copied for all arrays of a stream.
const COPIED: u64 = 4 << 30;

/// Whether something was done.
#[derive(Debug, Default)]
struct Seen {
    acted: bool,
}

impl Observer for Seen {
    fn import(&mut self, _: &Program<'_>, _: u64, _: u32) {
        self.acted = true;
    }
    fn call(&mut self, program: &Program<'_>, _: u64, call: Call) {
        // Python refuses arguments that are no tuple, and constants cannot be called.
        let arguments = program.heap().of(call.arguments);
        self.acted |=
            arguments.is_some_and(|node| matches!(node.shape, Shape::Tuple | Shape::List))
                && match call.callee.kind() {
                    Kind::Import(_) | Kind::Unknown => true,
                    Kind::Node(_) => program.heap().of(call.callee).is_some_and(|node| {
                        matches!(node.shape, Shape::Object | Shape::Persistent)
                    }),
                    _ => false,
                };
    }
    fn state(&mut self, program: &Program<'_>, _: u64, object: Value, state: Value) {
        let state = program.heap().of(state).map(|node| node.shape);
        let object = program.heap().of(object).map(|node| node.shape);
        self.acted |= matches!(state, Some(Shape::Tuple | Shape::Dict))
            && !matches!(object, Some(Shape::Tuple | Shape::Dict | Shape::List | Shape::Set));
    }
    fn items(&mut self, _: &Program<'_>, _: u64, _: Value, _: &'static str) {}
    fn grown(&mut self, _: &Program<'_>, _: u64, _: u32) {}
    fn contained(&mut self, _: &Program<'_>, _: u64, _: Value) {}
    fn hashed(&mut self, _: &Program<'_>, _: u64, _: Value) {}
    fn persistent(&mut self, _: &Program<'_>, _: u64, _: Value) {}
    fn oddity(&mut self, _: &Program<'_>, _: u64, oddity: Oddity) {
        self.acted |= oddity == Oddity::ExtensionCode;
    }
}
