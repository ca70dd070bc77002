//! What the values of a program are: whose instance, what an entry makes, which storage.

use modelward_formats::pickle::{
    Program, element_width,
    value::{Kind, Shape, Value},
};

use super::{super::known::Special, Facts};

impl Facts<'_> {
    /// The import that an object came from: what was called, or whose instance it is.
    pub(crate) fn maker(&self, program: &Program<'_>, object: Value) -> Option<u32> {
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

    /// Whether the `__hash__` of a value is known to mind nothing of the file's. What a call made
    /// hashes what it was given.
    pub(crate) fn may_be_hashed(&self, program: &Program<'_>, value: Value, depth: u32) -> bool {
        const DEEP: u32 = 16;
        let Some(node) = program.heap().of(value) else { return true };
        let items = program.heap().items(node);
        let deeper = depth.saturating_add(1);
        if depth > DEEP || !self.work.spend(items.len().saturating_add(1)) {
            return false;
        }
        let all =
            |items: &[Value]| items.iter().all(|&item| self.may_be_hashed(program, item, deeper));
        match (node.shape, items) {
            (Shape::Persistent, _) => true,
            (Shape::Object, &[callee, arguments]) => {
                let Some(entry) = self.entry(loaded(program, callee)) else { return true };
                let given = program.heap().items_of(arguments, Shape::Tuple).unwrap_or_default();
                let first = given.first().and_then(|&first| self.entry(first));
                match entry.special {
                    Some(Special::EnumMember) => first.is_some_and(|entry| entry.enumeration),
                    Some(Special::Reconstructor | Special::NewObject | Special::Partial) => {
                        first.is_some_and(|entry| entry.key)
                    }
                    _ if entry.key || entry.enumeration => true,
                    _ if entry.makes.iter().any(|made| HASHED.contains(&made.as_str())) => true,
                    _ => !entry.class && all(&[arguments]),
                }
            }
            (_, items) => !node.more_objects && all(items),
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
    pub(crate) fn is_torch_id(&self, program: &Program<'_>, id: Value) -> bool {
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
}

/// The class that torch's loader gives back for the persistent id of a module's source, or the
/// value itself.
///
/// Source: `torch/serialization.py`, `_legacy_load`, `persistent_load`.
pub(crate) fn loaded(program: &Program<'_>, value: Value) -> Value {
    let id = program.heap().items_of(value, Shape::Persistent).and_then(|id| id.first());
    match id.and_then(|&id| program.heap().items_of(id, Shape::Tuple)) {
        Some(&[tag, class, _, _]) if program.text(tag, 16).as_deref() == Some("module") => class,
        _ => value,
    }
}

/// What is hashed by its identity or by numbers of its own.
const HASHED: &[&str] = &[
    "device",
    "dtype",
    "layout",
    "plain_dtype",
    "qscheme",
    "scalar",
    "storage",
    "tensor",
    "torch_dtype",
];
