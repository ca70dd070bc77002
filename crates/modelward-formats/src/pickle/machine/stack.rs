//! The stack, its marks, the memo, and the containers that are filled on it.

use super::{Machine, SLOT, Step, WEIGHT};
use crate::{
    Refusal,
    pickle::{
        program::{Observer, Oddity, Program},
        value::{Kind, Shape, Value},
    },
};

impl<O: Observer> Machine<'_, '_, O> {
    pub(super) fn put(&mut self, at: u64, index: u64) -> Step {
        let top = self.top(at, "PUT")?;
        // Readers allocate a table up to the index.
        let table = index.saturating_mul(SLOT);
        if table > self.budget.limits().memory && index > self.opcodes.saturating_mul(2) {
            self.observer.oddity(self.program, at, Oddity::FarMemo(index));
        }
        self.memo.put(index, top);
        Ok(())
    }

    pub(super) fn get(&mut self, at: u64, index: u64) -> Step {
        let value = self.memo.get(index);
        let value = value.ok_or_else(|| {
            Refusal::truncated(at, format!("expected something in memo slot {index}"))
        })?;
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn make(&mut self, shape: Shape, items: &[Value], at: u64) -> Step {
        let value = self.program.heap.make(shape, items, at)?;
        self.heavy(at, value);
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn tuple(&mut self, at: u64, name: &'static str, len: usize) -> Step {
        match self.stack.len().checked_sub(len) {
            Some(from) if from >= self.floor() => self.gather(at, from),
            _ => Err(self.underflow(at, name)),
        }
    }

    /// Make a tuple of everything from this height of the stack on.
    pub(super) fn gather(&mut self, at: u64, from: usize) -> Step {
        let items = self.stack.get(from..).unwrap_or_default();
        let tuple = self.program.heap.make(Shape::Tuple, items, at)?;
        self.stack.truncate(from);
        self.heavy(at, tuple);
        self.stack.push(tuple);
        Ok(())
    }

    /// Add what lies above the last MARK to the container below it. The items stay where they
    /// are until they are added: batches are long, and a copy of each is most of the time.
    pub(super) fn add_batch(&mut self, at: u64, name: &'static str) -> Step {
        let from = self.marks.pop().ok_or_else(|| self.underflow(at, name))?;
        let (below, items) = self.stack.split_at_checked(from).unwrap_or_default();
        let container = below.last().filter(|_| below.len() > self.floor());
        let &container = container.ok_or_else(|| self.underflow(at, name))?;
        hashed(self.observer, self.program, at, name, items);
        match container.kind() {
            Kind::Node(index) if self.program.heap.is_container(index) => {
                if !items.is_empty() {
                    self.observer.grown(self.program, at, index);
                }
                if self.program.heap.add(index, items) {
                    contained(self.observer, self.program, at, items);
                }
                self.heavy(at, container);
            }
            _ if items.is_empty() => {}
            _ => {
                self.observer.items(self.program, at, container, name);
                self.observer.entries(self.program, container, name, items);
            }
        }
        self.stack.truncate(from);
        Ok(())
    }

    /// Add items to the container on top of the stack.
    pub(super) fn add(&mut self, at: u64, name: &'static str, items: &[Value]) -> Step {
        let container = self.top(at, name)?;
        hashed(self.observer, self.program, at, name, items);
        match container.kind() {
            Kind::Node(index) if self.program.heap.is_container(index) => {
                if !items.is_empty() {
                    self.observer.grown(self.program, at, index);
                }
                if self.program.heap.add(index, items) {
                    contained(self.observer, self.program, at, items);
                }
                self.heavy(at, container);
            }
            _ if items.is_empty() => {}
            _ => {
                self.observer.items(self.program, at, container, name);
                self.observer.entries(self.program, container, name, items);
            }
        }
        Ok(())
    }

    pub(super) fn heavy(&mut self, at: u64, value: Value) {
        let weight = self.program.heap.weight(value);
        if weight > WEIGHT && weight > 64.0 * self.program.bytes.len() as f32 {
            self.observer.oddity(self.program, at, Oddity::Doubling(weight));
        }
    }

    /// The lowest position that may be popped: what lies under the last MARK is out of reach.
    pub(super) fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn top(&self, at: u64, name: &'static str) -> Result<Value, Refusal> {
        match self.stack.last() {
            Some(&top) if self.stack.len() > self.floor() => Ok(top),
            _ => Err(self.underflow(at, name)),
        }
    }

    pub(super) fn pop(&mut self, at: u64, name: &'static str) -> Result<Value, Refusal> {
        let top = self.top(at, name)?;
        self.stack.pop();
        Ok(top)
    }

    /// POP takes a value, or the MARK where there is none above it.
    pub(super) fn discard(&mut self, at: u64) -> Step {
        if self.stack.len() > self.floor() {
            self.stack.pop();
        } else if self.marks.pop().is_none() {
            return Err(self.underflow(at, "POP"));
        }
        Ok(())
    }

    pub(super) fn pop_mark(&mut self, at: u64, name: &'static str) -> Result<Vec<Value>, Refusal> {
        let floor = self.marks.pop().ok_or_else(|| self.underflow(at, name))?;
        Ok(self.stack.split_off(floor.min(self.stack.len())))
    }

    pub(super) fn underflow(&self, at: u64, name: &'static str) -> Refusal {
        Refusal::truncated(at, format!("expected more on the stack for {name}"))
    }
}

/// Show the keys and the items of sets that are no constants.
fn hashed(
    observer: &mut impl Observer,
    program: &Program<'_>,
    at: u64,
    name: &str,
    items: &[Value],
) {
    let step = match name {
        "DICT" | "SETITEM" | "SETITEMS" => 2,
        "FROZENSET" | "ADDITEMS" => 1,
        _ => return,
    };
    for &item in items.iter().step_by(step) {
        if matches!(item.kind(), Kind::Node(_)) {
            observer.hashed(program, at, item);
        }
    }
}

/// Show the items of a container that bring imports.
fn contained(observer: &mut impl Observer, program: &Program<'_>, at: u64, items: &[Value]) {
    for &item in items.iter().filter(|&&item| program.heap.brings(item)) {
        observer.contained(program, at, item);
    }
}
