//! What storages and tensors are held against, and what the call of a container hashes.

use modelward_formats::{
    Gap, Refusal,
    pickle::{
        Observer, Program, element_width,
        value::{Kind, Shape, Value},
    },
};

use super::{
    super::{facts::loaded, known::Special, shown},
    Judge, Kinds, MOST_GAPS,
};
use crate::container::Flaw;

impl Judge<'_> {
    /// What the call of a container hashes of its arguments; `callee` is called with them, or names
    /// the class that it makes an instance of.
    pub(super) fn hashed_by_call(
        &mut self,
        program: &Program<'_>,
        at: u64,
        callee: u32,
        arguments: &[Value],
    ) {
        let special = self.facts.entry_of(callee).and_then(|entry| entry.special);
        let import = |value: Option<&Value>| match loaded(program, *value?).kind() {
            Kind::Import(index) => Some(index),
            _ => None,
        };
        let (class, arguments) = match special {
            // The base is what takes the items.
            Some(Special::Reconstructor) => {
                (import(arguments.get(1)), arguments.get(2..).unwrap_or_default())
            }
            Some(Special::NewObject) => {
                (import(arguments.first()), arguments.get(1..).unwrap_or_default())
            }
            _ => (Some(callee), arguments),
        };
        let Some(name) = class.and_then(|class| self.facts.name(class)) else { return };
        let pairs = match (name.module.as_str(), name.name.as_str()) {
            ("builtins", "set" | "frozenset") | ("collections", "Counter") => false,
            ("builtins", "dict") | ("collections", "OrderedDict" | "defaultdict") => true,
            _ => return,
        };
        for &argument in arguments {
            let heap = program.heap();
            // The keys of a dict were hashed when it was filled.
            let node = heap.of(argument).filter(|node| node.shape != Shape::Dict);
            let Some(node) = node else { continue };
            if node.shape == Shape::Object {
                continue;
            }
            if node.more_objects {
                let line = shown::shown(program, argument);
                let message = "hashes more objects than are looked at".into();
                self.note(Kinds::UnlistedState, at, line, message, false);
            }
            for &item in heap.items(node) {
                let pair = heap
                    .of(item)
                    .filter(|pair| pairs && matches!(pair.shape, Shape::Tuple | Shape::List));
                let key = pair.and_then(|pair| heap.items(pair).first().copied());
                self.hashed(program, at, key.unwrap_or(item));
            }
        }
    }

    /// Hold a storage against the member that it is kept in.
    pub(super) fn storage(&mut self, program: &Program<'_>, at: u64, id: Value) {
        let Some([tag, class, key, location, count, ..]) =
            program.heap().items_of(id, Shape::Tuple)
        else {
            return;
        };
        let is = |value: &Value, text: &str| program.text(*value, 64).as_deref() == Some(text);
        // A tensor of torch's `meta` device has a shape and no data.
        if !is(tag, "storage") || is(location, "meta") {
            return;
        }
        let width = match class.kind() {
            Kind::Import(index) => program.import(index),
            _ => None,
        };
        let width = width.and_then(|class| element_width(class.name.as_deref()?));
        let count = match count.kind() {
            Kind::Int(count) => u64::try_from(count).ok(),
            _ => None,
        };
        let length = width.and_then(|width| count?.checked_mul(width));
        let number = match key.kind() {
            Kind::Int(number) => Some(number.to_string()),
            _ => None,
        };
        let Some(key) = number.or_else(|| program.text(*key, 256)) else { return };
        if !self.storages.insert((key.clone(), length)) {
            return;
        }
        let message = match self.facts.neighbours.flaw_of(&key, length) {
            None => return,
            Some(Flaw::Missing(name)) => {
                let why = format!("the storage `{name}` is not in the archive");
                if self.gaps.len() < MOST_GAPS {
                    self.gaps.push(Refusal::new(at, Gap::MissingPart, why.clone()));
                }
                why
            }
            Some(Flaw::Length(name, expected, found)) => {
                format!("expected {expected} bytes in the storage `{name}`, there are {found}")
            }
        };
        self.note(Kinds::TensorLayout, at, shown::shown(program, id), message, false);
    }

    /// Whether a rebuilt tensor's offset, sizes and strides name elements that its storage lacks.
    pub(super) fn tensor_reaches_out(
        &self,
        program: &Program<'_>,
        arguments: &[Value],
        function: u32,
    ) -> bool {
        let rebuilds = self.facts.name(function).is_some_and(|name| {
            name.module == "torch._utils"
                && matches!(
                    name.name.as_str(),
                    "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3"
                )
        });
        rebuilds && reaches_out(program, arguments)
    }
}

fn reaches_out(program: &Program<'_>, arguments: &[Value]) -> bool {
    let [storage, offset, sizes, strides, ..] = *arguments else { return false };
    let Some(&[id]) = program.heap().items_of(storage, Shape::Persistent) else { return false };
    let count = program.heap().items_of(id, Shape::Tuple).and_then(|id| id.get(4)).copied();
    let number = |value: Value| match value.kind() {
        Kind::Int(number) => u128::try_from(number).ok(),
        _ => None,
    };
    let numbers = |value: Value| {
        let items = program.heap().items_of(value, Shape::Tuple)?;
        items.iter().map(|&item| number(item)).collect::<Option<Vec<_>>>()
    };
    let (Some(count), Some(mut last), Some(sizes), Some(strides)) =
        (count.and_then(number), number(offset), numbers(sizes), numbers(strides))
    else {
        // What is no constant was judged by its shape; a negative number is none of torch's.
        return program.heap().items_of(sizes, Shape::Tuple).is_some();
    };
    if sizes.contains(&0) {
        return last > count;
    }
    for (size, stride) in sizes.iter().zip(&strides) {
        last = last.saturating_add(size.saturating_sub(1).saturating_mul(*stride));
    }
    sizes.len() != strides.len() || last >= count
}
