//! The encoder: one effect, and a program for each row of choices.

use super::{Choices, Effect};

/// A program that has this effect: its protocol, opcodes, memo, frames and idle values are as the
/// choices say. No choices at all give a plain program of protocol 0.
pub(crate) fn encode(effect: &Effect, choices: &mut Choices<'_>) -> Vec<u8> {
    let protocol = choices.below(6) as u8;
    let memo = match choices.below(4) {
        0 => Memo::None,
        1 => Memo::Memoize,
        // Not more than one byte holds: BINPUT must be able to write it.
        2 => Memo::From(0),
        _ => Memo::From(choices.below(200) as u32),
    };
    let idle = choices.below(3) > 0;
    let mut encoder =
        Encoder { choices, protocol, memo, idle, puts: 0, kept: Vec::new(), opcodes: Vec::new() };
    if encoder.choices.one_in(3) {
        encoder.names_first(effect);
    }
    encoder.value(effect);
    encoder.opcodes.push(b".".to_vec());
    encoder.framed()
}

pub(super) struct Encoder<'e, 'c> {
    pub(super) choices: &'e mut Choices<'c>,
    protocol: u8,
    memo: Memo,
    /// Whether values that are thrown away stand between the others.
    idle: bool,
    puts: u32,
    /// What lies in the memo and may be taken back, with its index.
    kept: Vec<(Effect, u32)>,
    opcodes: Vec<Vec<u8>>,
}

/// Where values are kept in the memo.
#[derive(Clone, Copy, PartialEq)]
enum Memo {
    None,
    /// By MEMOIZE, and by PUT with the same numbers.
    Memoize,
    /// By PUT, from this index on.
    From(u32),
}

impl Encoder<'_, '_> {
    pub(super) fn op(&mut self, code: u8) {
        self.opcodes.push(vec![code]);
    }

    pub(super) fn with(&mut self, code: u8, argument: &[u8]) {
        self.opcodes.push([&[code], argument].concat());
    }

    /// Put the names that the effect imports into the memo before anything is made of them.
    fn names_first(&mut self, effect: &Effect) {
        let mut names = Vec::new();
        effect.names(&mut names);
        for text in names {
            self.value(&Effect::Text(text));
            self.op(b'0');
        }
    }

    fn value(&mut self, effect: &Effect) {
        self.idle();
        let kept = self.kept.iter().find(|(kept, _)| kept == effect).map(|&(_, index)| index);
        match kept {
            Some(index) if self.choices.below(4) > 0 => self.get(index),
            _ => {
                self.fresh(effect);
                self.keep(effect);
            }
        }
        if self.idle && self.choices.one_in(12) {
            self.op(b'2');
            self.op(b'0');
        }
    }

    /// Values that come and go.
    fn idle(&mut self) {
        if !self.idle {
            return;
        }
        match self.choices.below(16) {
            11 => {
                self.op(b'(');
                self.op(b'0');
            }
            12 => {
                self.constant(&Effect::Int(7));
                self.op(b'0');
            }
            13 => {
                self.op(b'(');
                self.constant(&Effect::text("idle"));
                self.op(b'N');
                self.op(b'1');
            }
            14 => {
                self.op(b'N');
                self.op(b'2');
                self.op(b'0');
                self.op(b'0');
            }
            15 => {
                self.op(b'(');
                self.op(b'(');
                self.op(b'1');
                self.op(b'1');
            }
            _ => {}
        }
    }

    fn keep(&mut self, effect: &Effect) {
        if self.memo == Memo::None || self.choices.below(3) == 0 {
            return;
        }
        let from = if let Memo::From(from) = self.memo { from } else { 0 };
        let index = self.puts + from;
        self.puts += 1;
        match self.choices.below(4) {
            0 if self.memo == Memo::Memoize => self.op(0x94),
            0 | 1 if index < 256 => self.with(b'q', &[index as u8]),
            2 => self.with(b'r', &index.to_le_bytes()),
            _ => self.with(b'p', format!("{index}\n").as_bytes()),
        }
        // Anything else is a thing of its own each time it is made.
        if matches!(effect, Effect::Text(_) | Effect::Import(..) | Effect::Int(_)) {
            self.kept.push((effect.clone(), index));
        }
    }

    fn get(&mut self, index: u32) {
        match self.choices.below(3) {
            0 if index < 256 => self.with(b'h', &[index as u8]),
            1 => self.with(b'j', &index.to_le_bytes()),
            _ => self.with(b'g', format!("{index}\n").as_bytes()),
        }
    }

    fn fresh(&mut self, effect: &Effect) {
        match effect {
            Effect::Tuple(items) => self.tuple(items),
            Effect::List(items) => self.list(items),
            Effect::Dict(pairs) => {
                if self.choices.one_in(3) {
                    self.op(b'(');
                    self.pairs(pairs);
                    self.op(b'd');
                } else {
                    self.op(b'}');
                    self.set(pairs);
                }
            }
            Effect::Import(module, name) => self.import(module, name),
            Effect::Call(callee, arguments) => self.call(callee, arguments),
            Effect::Instance(class) => self.instance(class),
            Effect::State(object, state) => {
                self.value(object);
                self.value(state);
                self.op(b'b');
            }
            Effect::Items(object, pairs) => {
                self.value(object);
                self.set(pairs);
            }
            Effect::Persistent(id) => {
                self.value(id);
                self.op(b'Q');
            }
            constant => self.constant(constant),
        }
    }

    fn tuple(&mut self, items: &[Effect]) {
        let short = self.choices.below(3) > 0;
        if short && items.len() <= 3 {
            items.iter().for_each(|item| self.value(item));
            self.op([b')', 0x85, 0x86, 0x87][items.len()]);
        } else {
            self.op(b'(');
            items.iter().for_each(|item| self.value(item));
            self.op(b't');
        }
    }

    fn list(&mut self, items: &[Effect]) {
        match self.choices.below(3) {
            0 => {
                self.op(b'(');
                items.iter().for_each(|item| self.value(item));
                self.op(b'l');
            }
            1 => {
                self.op(b']');
                for item in items {
                    self.value(item);
                    self.op(b'a');
                }
            }
            _ => {
                self.op(b']');
                self.op(b'(');
                items.iter().for_each(|item| self.value(item));
                self.op(b'e');
            }
        }
    }

    fn pairs(&mut self, pairs: &[(Effect, Effect)]) {
        for (key, value) in pairs {
            self.value(key);
            self.value(value);
        }
    }

    fn set(&mut self, pairs: &[(Effect, Effect)]) {
        if self.choices.below(2) == 0 {
            self.op(b'(');
            self.pairs(pairs);
            self.op(b'u');
        } else {
            for pair in pairs {
                self.pairs(std::slice::from_ref(pair));
                self.op(b's');
            }
        }
    }

    /// How old programs call a module, where a reader maps it.
    fn module<'m>(&mut self, module: &'m str) -> &'m str {
        match module {
            "builtins" if self.protocol < 3 && self.choices.below(2) == 0 => "__builtin__",
            "copyreg" if self.protocol < 3 && self.choices.below(2) == 0 => "copy_reg",
            _ => module,
        }
    }

    fn import(&mut self, module: &str, name: &str) {
        let module = self.module(module);
        if self.choices.below(2) == 0 {
            self.with(b'c', format!("{module}\n{name}\n").as_bytes());
        } else {
            self.value(&Effect::text(module));
            self.value(&Effect::text(name));
            self.op(0x93);
        }
    }

    pub(super) fn call(&mut self, callee: &Effect, arguments: &[Effect]) {
        match (self.choices.below(4), callee) {
            (1, Effect::Import(module, name)) => {
                self.op(b'(');
                arguments.iter().for_each(|argument| self.value(argument));
                let module = self.module(module);
                self.with(b'i', format!("{module}\n{name}\n").as_bytes());
            }
            (2, _) => {
                self.op(b'(');
                self.value(callee);
                arguments.iter().for_each(|argument| self.value(argument));
                self.op(b'o');
            }
            _ => {
                self.value(callee);
                self.idle();
                self.tuple(arguments);
                self.op(b'R');
            }
        }
    }

    fn instance(&mut self, class: &Effect) {
        match self.choices.below(4) {
            0 => {
                self.value(class);
                self.tuple(&[]);
                self.op(0x81);
            }
            1 => {
                self.value(class);
                self.tuple(&[]);
                self.op(b'}');
                self.op(0x92);
            }
            2 => {
                let object = Effect::import("builtins", "object");
                let arguments = [class.clone(), object, Effect::None];
                self.call(&Effect::import("copyreg", "_reconstructor"), &arguments);
            }
            _ => self.call(&Effect::import("copyreg", "__newobj__"), std::slice::from_ref(class)),
        }
    }

    /// The opcodes one after the other, in frames or not.
    fn framed(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.protocol > 1 || (self.protocol > 0 && self.choices.below(2) == 1) {
            bytes.extend([0x80, self.protocol]);
        }
        let each = match self.choices.below(3) {
            1 if self.protocol >= 4 => self.opcodes.len(),
            2 if self.protocol >= 4 => 1 + self.choices.below(20),
            _ => 0,
        };
        if each == 0 {
            bytes.extend(self.opcodes.concat());
            return bytes;
        }
        let opcodes = std::mem::take(&mut self.opcodes);
        for (index, frame) in opcodes.chunks(each).enumerate() {
            let frame = frame.concat();
            if index == 0 || self.choices.below(4) > 0 {
                bytes.push(0x95);
                bytes.extend((frame.len() as u64).to_le_bytes());
            }
            bytes.extend(frame);
        }
        bytes
    }
}
