//! What a program does to the world: imports, calls, states, and what readers take from the file
//! while they do it.

use super::{INNER, Machine, NESTING, Step};
use crate::{
    Gap, Refusal,
    pickle::{
        constant::Encoding,
        joblib,
        program::{Call, Import, Inner, Observer, Oddity},
        value::{Kind, Shape, Value},
    },
};

impl<O: Observer> Machine<'_, '_, O> {
    pub(super) fn import(
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

    pub(super) fn call(&mut self, at: u64, call: Call) -> Step {
        self.effects = self.effects.saturating_add(1);
        self.observer.call(self.program, at, call);
        self.checkpoint(at, call);
        let items = [call.callee, call.arguments];
        self.make(Shape::Object, &items, at)
    }

    /// The constant that torch loads as a checkpoint of its own is a file, whatever it begins with.
    pub(super) fn checkpoint(&mut self, from: u64, call: Call) {
        let Kind::Import(index) = call.callee.kind() else { return };
        let loads = self.program.import(index);
        if !loads.is_some_and(|import| import.is("torch.storage", "_load_from_bytes")) {
            return;
        }
        let arguments = self.program.heap.items_of(call.arguments, Shape::Tuple);
        let Some(&[constant]) = arguments else { return };
        let raw = || Some((self.program.range(constant)?, Encoding::Checkpoint));
        let Some(((at, len), encoding)) = raw().or_else(|| self.program.latin1(constant)) else {
            return;
        };
        // One constant may be loaded a million times.
        if self.program.checkpoints.insert((at, encoding)) {
            // The same text means another file when it is taken as it is.
            let apart = |old| matches!(old, Encoding::Latin1 | Encoding::Latin1Escaped);
            let replaces = |old| old == encoding || !apart(old) && !apart(encoding);
            let known = |inner: &&mut Inner| inner.at == at && replaces(inner.encoding);
            let full = self.program.inner.len() >= INNER;
            match self.program.inner.iter_mut().rev().take(64).find(known) {
                Some(inner) => inner.encoding = encoding,
                None if !full => {
                    self.program.inner.push(Inner { at, len, encoding });
                }
                None => {
                    self.program.crowded.get_or_insert(from);
                }
            }
        }
    }

    pub(super) fn persistent(&mut self, at: u64, id: Value) -> Step {
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

    pub(super) fn build(&mut self, at: u64, name: &'static str) -> Step {
        let state = self.pop(at, name)?;
        let object = self.top(at, name)?;
        self.effects = self.effects.saturating_add(1);
        self.observer.state(self.program, at, object, state);
        if self.plain {
            return Ok(());
        }
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

    /// Run a whole stream inside this one, as joblib does for arrays of objects.
    pub(super) fn nested(&mut self, at: u64) -> Step {
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
}
