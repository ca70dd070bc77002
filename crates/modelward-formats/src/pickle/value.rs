//! What a pickle program holds on its stack and in its memo, symbolically.
//!
//! A value is eight bytes: what kind of thing it is, and where to look for the rest. Constants
//! stay in the file and are looked up by the offset of the opcode that made them; containers
//! and objects are nodes of the [`Heap`]. So a pickle of millions of floats costs no more than
//! its memo.

use crate::Refusal;

/// A value of a pickle program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(u64);

/// A value, opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number that fits.
    Int(i64),
    /// A number of another kind, by the offset of its opcode.
    Number(u64),
    /// A text constant, by the offset of its opcode.
    Text(u64),
    /// A bytes constant, by the offset of its opcode.
    Bytes(u64),
    /// The name of an import, by its index.
    Import(u32),
    /// A container or an object on the heap.
    Node(u32),
    /// What another program holds: a buffer, a copy of a value that was not kept.
    Unknown,
}

const SHIFT: u32 = 56;
const PAYLOAD: u64 = (1 << SHIFT) - 1;
const NONE: u64 = 0;
const BOOL: u64 = 1;
const INT: u64 = 2;
const NUMBER: u64 = 3;
const TEXT: u64 = 4;
const BYTES: u64 = 5;
const IMPORT: u64 = 6;
const NODE: u64 = 7;
const UNKNOWN: u64 = 8;
const VACANT: u64 = 9;
/// The text starts with `__`.
const DUNDER: u64 = 0x10 << SHIFT;
/// The value came out of a memo slot that had been overwritten.
const SHADOWED: u64 = 0x20 << SHIFT;

impl Value {
    /// `None`.
    pub const NONE: Self = Self(NONE << SHIFT);
    /// A value that nothing is known of.
    pub const UNKNOWN: Self = Self(UNKNOWN << SHIFT);

    /// A memo slot in which nothing lies.
    pub(super) const VACANT: Self = Self(VACANT << SHIFT);

    pub(super) const fn bool(value: bool) -> Self {
        Self(BOOL << SHIFT | value as u64)
    }

    /// A whole number; one that does not fit is known by its offset only.
    pub(super) fn int(value: i64, at: u64) -> Self {
        let fits = (value << 8) >> 8 == value;
        if fits {
            Self(INT << SHIFT | (value.cast_unsigned() & PAYLOAD))
        } else {
            Self(NUMBER << SHIFT | (at & PAYLOAD))
        }
    }

    pub(super) const fn number(at: u64) -> Self {
        Self(NUMBER << SHIFT | (at & PAYLOAD))
    }

    pub(super) const fn text(at: u64, dunder: bool) -> Self {
        Self(TEXT << SHIFT | (at & PAYLOAD) | if dunder { DUNDER } else { 0 })
    }

    pub(super) const fn bytes(at: u64) -> Self {
        Self(BYTES << SHIFT | (at & PAYLOAD))
    }

    pub(super) const fn import(index: u32) -> Self {
        Self(IMPORT << SHIFT | index as u64)
    }

    const fn node(index: u32) -> Self {
        Self(NODE << SHIFT | index as u64)
    }

    #[must_use]
    pub(super) const fn shadowed(self) -> Self {
        Self(self.0 | SHADOWED)
    }

    /// Whether it came out of a memo slot that had been overwritten.
    pub const fn is_shadowed(self) -> bool {
        self.0 & SHADOWED != 0
    }

    /// Whether it is a text constant that starts with `__`.
    pub const fn is_dunder(self) -> bool {
        self.0 & DUNDER != 0
    }

    const fn is_number(self) -> bool {
        (self.0 >> SHIFT) & 0xf == NUMBER
    }

    /// Open it.
    pub fn kind(self) -> Kind {
        let payload = self.0 & PAYLOAD;
        // An index was 32 bits when it was packed.
        let index = (payload & 0xffff_ffff) as u32;
        match (self.0 >> SHIFT) & 0xf {
            NONE => Kind::None,
            BOOL => Kind::Bool(payload != 0),
            INT => Kind::Int((payload << 8).cast_signed() >> 8),
            NUMBER => Kind::Number(payload),
            TEXT => Kind::Text(payload),
            BYTES => Kind::Bytes(payload),
            IMPORT => Kind::Import(index),
            NODE => Kind::Node(index),
            _ => Kind::Unknown,
        }
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A tuple; its items are all there.
    Tuple,
    /// A list; its first items are there.
    List,
    /// A dict; its first keys and values are there, in turn.
    Dict,
    /// A set or a frozenset; its first items are there.
    Set,
    /// What a call gave: the callee, then the argument tuple.
    Object,
    /// What the loader makes of a persistent id: the id.
    Persistent,
}

/// A container or an object.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    first: u32,
    kept: u32,
    /// Vacant places behind the items.
    room: u32,
    weight: f32,
    /// What it is.
    pub shape: Shape,
    /// Whether items were added that are not kept.
    pub more: bool,
    /// Whether one of those was no constant.
    pub more_objects: bool,
    /// Whether a key is a text that starts with `__`.
    pub dunder_key: bool,
    /// Whether a key is no text.
    pub other_key: bool,
    /// Whether it is a tuple with an import in it, in tuples however deep.
    holds_import: bool,
}

/// The containers and objects of a running program.
#[derive(Clone, Debug, Default)]
pub struct Heap {
    nodes: Vec<Node>,
    items: Vec<Value>,
    keep_all: bool,
}

impl Heap {
    /// How many items of a list, a dict or a set are kept: enough to show and to judge a state.
    const KEPT: usize = 1024;

    /// Make a node. All items of a tuple are kept, however long: arguments are judged whole.
    pub(super) fn make(
        &mut self,
        shape: Shape,
        items: &[Value],
        at: u64,
    ) -> Result<Value, Refusal> {
        let index = u32::try_from(self.nodes.len()).map_err(|_| full(at))?;
        let first = u32::try_from(self.items.len()).map_err(|_| full(at))?;
        let kept = u32::try_from(items.len()).map_err(|_| full(at))?;
        self.items.extend_from_slice(items);
        let weight = 1.0 + items.iter().map(|&item| self.weight(item)).sum::<f32>();
        self.nodes.push(Node {
            first,
            kept,
            room: 0,
            weight,
            shape,
            more: false,
            more_objects: false,
            dunder_key: false,
            other_key: false,
            holds_import: shape == Shape::Tuple && items.iter().any(|&item| self.brings(item)),
        });
        Ok(Value::node(index))
    }

    /// Add items to a container; tells whether one [brings](Self::brings) an import. The first are
    /// kept, in one piece; of the rest only what a state rule asks for.
    pub(super) fn add(&mut self, index: u32, added: &[Value]) -> bool {
        // Long lists of floats are what large pickles are made of, and no rule asks for them.
        let floats = !self.keep_all && added.iter().all(|item| item.is_number());
        if floats && let Some(node) = self.nodes.get_mut(index as usize) {
            node.weight += added.len() as f32;
            node.more |= !added.is_empty();
            node.other_key |= node.shape == Shape::Dict && !added.is_empty();
            return false;
        }
        let imports = added.iter().any(|&item| self.brings(item));
        let weight = added.iter().map(|&item| self.weight(item)).sum::<f32>();
        let end = self.items.len();
        let Some(node) = self.nodes.get_mut(index as usize) else { return imports };
        node.weight += weight;
        if node.shape == Shape::Dict {
            for key in added.iter().step_by(2) {
                node.dunder_key |= key.is_dunder();
                node.other_key |= !matches!(key.kind(), Kind::Text(_));
            }
        }
        let (first, kept) = (node.first as usize, node.kept as usize);
        let most = if self.keep_all { usize::MAX } else { Self::KEPT };
        let (keep, rest) = added.split_at(added.len().min(most.saturating_sub(kept)));
        node.more |= !rest.is_empty();
        node.more_objects |= rest
            .iter()
            .any(|item| matches!(item.kind(), Kind::Import(_) | Kind::Node(_) | Kind::Unknown));
        if keep.is_empty() {
            return imports;
        }
        let (behind, len) = (first.saturating_add(kept), kept.saturating_add(keep.len()));
        let (Ok(grown), Ok(at)) = (u32::try_from(len), u32::try_from(end)) else { return imports };
        node.kept = grown;
        if let Some(places) = self.items.get_mut(behind..behind.saturating_add(keep.len()))
            && keep.len() <= node.room as usize
        {
            places.copy_from_slice(keep);
            node.room =
                node.room.saturating_sub(grown.saturating_sub(u32::try_from(kept).unwrap_or(0)));
            return imports;
        }
        if kept == 0 {
            node.first = at;
        } else if behind.saturating_add(node.room as usize) == end {
            self.items.truncate(behind);
        } else {
            // Another container has grown behind this one: it moves, with room to grow.
            node.first = at;
            self.items.extend_from_within(first..behind);
            self.items.extend_from_slice(keep);
            let room = len.min(most.saturating_sub(len));
            node.room = u32::try_from(room).unwrap_or(0);
            self.items.extend(std::iter::repeat_n(Value::VACANT, room));
            return imports;
        }
        node.room = 0;
        self.items.extend_from_slice(keep);
        imports
    }

    /// Keep the items of containers to the last one, or only as many as rules ask for.
    pub(super) fn keep_all(&mut self, keep_all: bool) {
        self.keep_all = keep_all;
    }

    /// Whether it keeps the items of containers to the last one.
    pub(super) fn keeps_all(&self) -> bool {
        self.keep_all
    }

    /// The index that the next node will have.
    pub fn next(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    /// Whether items can be added to a node without a call of its methods.
    pub(super) fn is_container(&self, index: u32) -> bool {
        self.node(index)
            .is_some_and(|node| matches!(node.shape, Shape::List | Shape::Dict | Shape::Set))
    }

    /// The value that stands for a node.
    pub fn value(&self, index: u32) -> Option<Value> {
        self.node(index).map(|_| Value::node(index))
    }

    /// The node behind an index.
    pub fn node(&self, index: u32) -> Option<&Node> {
        self.nodes.get(index as usize)
    }

    /// The node behind a value.
    pub fn of(&self, value: Value) -> Option<&Node> {
        match value.kind() {
            Kind::Node(index) => self.node(index),
            _ => None,
        }
    }

    /// The items that a node keeps.
    pub fn items(&self, node: &Node) -> &[Value] {
        let first = node.first as usize;
        self.items.get(first..first.saturating_add(node.kept as usize)).unwrap_or_default()
    }

    /// The items of a value of this shape.
    pub fn items_of(&self, value: Value, shape: Shape) -> Option<&[Value]> {
        self.of(value).filter(|node| node.shape == shape).map(|node| self.items(node))
    }

    /// How many values one would meet by walking this one, shared parts counted each time.
    pub fn weight(&self, value: Value) -> f32 {
        self.of(value).map_or(1.0, |node| node.weight)
    }

    /// Whether a value is an import, or a tuple that holds one.
    pub(super) fn brings(&self, value: Value) -> bool {
        match value.kind() {
            Kind::Import(_) => true,
            Kind::Node(index) => self.node(index).is_some_and(|node| node.holds_import),
            _ => false,
        }
    }

    /// Bytes of memory in use.
    pub(super) fn bytes(&self) -> usize {
        let nodes = self.nodes.capacity().saturating_mul(size_of::<Node>());
        nodes.saturating_add(self.items.capacity().saturating_mul(size_of::<Value>()))
    }
}

fn full(at: u64) -> Refusal {
    Refusal::new(at, crate::Gap::LargeMemory, "more than 4294967296 values")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_to_what_was_packed() {
        for n in [0, 1, -1, i64::from(i32::MIN), (1 << 55) - 1, -(1 << 55)] {
            assert_eq!(Value::int(n, 9).kind(), Kind::Int(n));
        }
        assert_eq!(Value::int(1 << 55, 9).kind(), Kind::Number(9));
        assert_eq!(Value::text(77, true).shadowed().kind(), Kind::Text(77));
        assert!(Value::text(77, true).shadowed().is_dunder());
    }

    #[test]
    fn a_container_keeps_its_first_items_though_another_grows_between() {
        let mut heap = Heap::default();
        let lists = [0; 2].map(|_| heap.make(Shape::List, &[], 0).unwrap());
        for n in 0..50 {
            for list in lists {
                let Kind::Node(index) = list.kind() else { panic!() };
                heap.add(index, &[Value::int(n, 0), Value::NONE]);
            }
        }
        let node = *heap.of(lists[0]).unwrap();
        assert!(!node.more && heap.items(&node).len() == 100);
        assert_eq!(heap.items(&node)[62].kind(), Kind::Int(31));
        assert_eq!(heap.items(&node)[99], Value::NONE);
    }

    #[test]
    fn containers_that_grow_in_any_order_keep_their_own_items() {
        let mut heap = Heap::default();
        let lists = [0; 7].map(|_| heap.make(Shape::List, &[], 0).unwrap());
        let mut held = vec![Vec::new(); lists.len()];
        let mut seed = 1_u64;
        for n in 0..4000_i64 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (list, count) = ((seed >> 33) as usize % lists.len(), (seed >> 40) as usize % 9);
            let added = vec![Value::int(n, 0); count];
            let Kind::Node(index) = lists[list].kind() else { panic!() };
            // An item that is no number keeps the rest from being passed over.
            let added = [&[Value::NONE][..], &added].concat();
            heap.add(index, &added);
            held[list].extend(added);
        }
        for (list, held) in lists.iter().zip(&mut held) {
            held.truncate(Heap::KEPT);
            assert_eq!(heap.items_of(*list, Shape::List), Some(held.as_slice()));
        }
    }
}
