//! What the values of a program are: whose instance, which storage, an empty container.

use modelward_formats::{
    Gap, Refusal,
    pickle::{
        Observer, Program, element_width,
        value::{Kind, Shape, Value},
    },
};

use super::{
    super::{known::Special, shown},
    Judge, Kinds, MOST_GAPS,
};
use crate::container::Flaw;

impl Judge<'_> {
    /// The import that an object came from: what was called, or whose instance it is.
    pub(super) fn maker(&self, program: &Program<'_>, object: Value) -> Option<u32> {
        let [callee, arguments] = *program.heap().items_of(object, Shape::Object)? else {
            return None;
        };
        let Kind::Import(index) = loaded(program, callee).kind() else { return None };
        match self.entry_of(index)?.special {
            Some(Special::Reconstructor | Special::NewObject) => {
                let class = *program.heap().items_of(arguments, Shape::Tuple)?.first()?;
                let Kind::Import(index) = loaded(program, class).kind() else { return None };
                Some(index)
            }
            _ => Some(index),
        }
    }

    /// Whether an import may be handed on. One that is not listed was found already.
    pub(crate) fn may_be_handed_on(&self, index: u32) -> bool {
        self.entry_of(index).is_none_or(|entry| entry.may_be_handed_on())
    }

    /// Whether the `__hash__` of a value is known to mind nothing of the file's.
    pub(super) fn may_be_hashed(&self, program: &Program<'_>, value: Value, depth: u32) -> bool {
        const DEEP: u32 = 16;
        let Some(node) = program.heap().of(value) else { return true };
        let items = program.heap().items(node);
        match node.shape {
            Shape::Tuple => {
                let deeper = depth.saturating_add(1);
                depth < DEEP
                    && self.work.spend(items.len())
                    && items.iter().all(|&item| self.may_be_hashed(program, item, deeper))
            }
            Shape::Object => {
                let entry = self.maker(program, value).and_then(|index| self.entry_of(index));
                entry.is_none_or(|entry| entry.may_be_hashed())
            }
            _ => true,
        }
    }

    /// What the call of a container hashes of its arguments.
    pub(super) fn hashed_by_call(
        &mut self,
        program: &Program<'_>,
        at: u64,
        callee: u32,
        arguments: &[Value],
    ) {
        let Some(name) = self.name(callee) else { return };
        let pairs = match (name.module.as_str(), name.name.as_str()) {
            ("builtins", "set" | "frozenset") => false,
            ("builtins", "dict") | ("collections", "OrderedDict" | "Counter" | "defaultdict") => {
                true
            }
            _ => return,
        };
        for &argument in arguments {
            let Some(node) = program.heap().of(argument) else { continue };
            for &item in program.heap().items(node) {
                let pair = program.heap().of(item).filter(|_| pairs);
                let key = pair.and_then(|pair| program.heap().items(pair).first().copied());
                self.hashed(program, at, key.unwrap_or(item));
            }
        }
    }

    /// Whether a value is that import, its instance, or what its call gave.
    pub(crate) fn is_of(
        &self,
        program: &Program<'_>,
        value: Value,
        module: &str,
        name: &str,
    ) -> bool {
        let index = match value.kind() {
            Kind::Import(index) => Some(index),
            _ => self.maker(program, value),
        };
        let found = index.and_then(|index| self.name(index));
        found.is_some_and(|found| (found.module.as_str(), found.name.as_str()) == (module, name))
    }

    /// Whether a value is what an entry says that it makes.
    pub(crate) fn makes(&self, program: &Program<'_>, value: Value, atom: &str) -> bool {
        if let Kind::Node(index) = value.kind()
            && let Some(dtype) = self.dtypes.get(&index)
        {
            return atom == "dtype" || (atom == "plain_dtype" && !dtype.objects);
        }
        let index = match value.kind() {
            Kind::Import(index) => Some(index),
            _ => self.maker(program, value),
        };
        let Some(entry) = index.and_then(|index| self.entry_of(index)) else { return false };
        entry.makes.iter().any(|made| made == atom)
    }

    /// Whether a value is an empty `OrderedDict`, or none.
    pub(crate) fn is_empty_ordered_dict(&self, program: &Program<'_>, value: Value) -> bool {
        let Kind::Node(index) = value.kind() else { return false };
        let empty = |arguments: Value| {
            program.heap().items_of(arguments, Shape::Tuple).is_some_and(<[Value]>::is_empty)
        };
        !self.touched.contains(&index)
            && self.is_of(program, value, "collections", "OrderedDict")
            && matches!(program.heap().items_of(value, Shape::Object), Some(&[_, arguments]) if empty(arguments))
    }

    /// Whether a value is a storage that torch's loader makes of a persistent id.
    pub(crate) fn is_torch_storage(&self, program: &Program<'_>, value: Value) -> bool {
        let id = program.heap().items_of(value, Shape::Persistent);
        matches!(id, Some(&[id]) if self.is_torch_id(program, id))
    }

    /// `("storage", class, key, location, elements)`, and in old files a view behind it. Torch 0.1
    /// wrote the number of a tensor or a storage, or a class with its source.
    pub(super) fn is_torch_id(&self, program: &Program<'_>, id: Value) -> bool {
        if self.neighbours.numbered {
            let text = |value: &Value| matches!(value.kind(), Kind::Text(_) | Kind::None);
            return match program.heap().items_of(id, Shape::Tuple) {
                Some([class, file, source]) => {
                    matches!(class.kind(), Kind::Import(_)) && text(file) && text(source)
                }
                Some(_) => false,
                None => program.text(id, 20).is_some_and(|text| text.parse::<u64>().is_ok()),
            };
        }
        let Some(items) = program.heap().items_of(id, Shape::Tuple) else { return false };
        let tag = items.first().and_then(|&tag| program.text(tag, 16));
        match (tag.as_deref(), items) {
            (Some("storage"), [_, class, key, location, count, rest @ ..]) => {
                let class = match class.kind() {
                    // Torch once called it with the number of elements.
                    Kind::Import(index) => {
                        let name = program.import(index).and_then(|class| class.name.as_deref());
                        self.entry_of(index).is_some() && name.and_then(element_width).is_some()
                    }
                    _ => false,
                };
                let view = match rest {
                    [] => true,
                    [view] => {
                        *view == Value::NONE
                            || program.heap().items_of(*view, Shape::Tuple).is_some()
                    }
                    _ => false,
                };
                class
                    && view
                    // `torch.package` counts its storages.
                    && matches!(key.kind(), Kind::Text(_) | Kind::Int(_))
                    && matches!(location.kind(), Kind::Text(_))
                    && matches!(count.kind(), Kind::Int(_))
            }
            // The source of a module's class, kept to warn when it has changed.
            (Some("module"), [_, class, file, source]) => {
                let text = |value: &Value| matches!(value.kind(), Kind::Text(_) | Kind::None);
                let class =
                    matches!(class.kind(), Kind::Import(index) if self.may_be_handed_on(index));
                class && text(file) && text(source)
            }
            _ => false,
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
        let message = match self.neighbours.flaw_of(&key, length) {
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
        let rebuilds = self.name(function).is_some_and(|name| {
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

/// The class that torch's loader gives back for the persistent id of a module's source, or the
/// value itself.
///
/// Source: `torch/serialization.py`, `_legacy_load`, `persistent_load`.
pub(super) fn loaded(program: &Program<'_>, value: Value) -> Value {
    let id = program.heap().items_of(value, Shape::Persistent).and_then(|id| id.first());
    match id.and_then(|&id| program.heap().items_of(id, Shape::Tuple)) {
        Some(&[tag, class, _, _]) if program.text(tag, 16).as_deref() == Some("module") => class,
        _ => value,
    }
}
