//! Whether a value of a program looks as a shape of the allow-list says.

use modelward_formats::pickle::{
    Program,
    value::{Kind, Shape as NodeShape, Value},
};

use super::{
    facts::Facts,
    shape::{Shape, Slot, Times},
};

/// The longest constant that is compared with one of the lists.
const LONGEST: u64 = 256;

/// Looks at the values of one program with what is known of it.
pub(crate) struct Matcher<'j, 'p, 'b> {
    pub(crate) facts: &'j Facts<'j>,
    pub(crate) program: &'p Program<'b>,
}

impl Matcher<'_, '_, '_> {
    /// Whether these arguments fill these slots, in order.
    pub(crate) fn arguments(&self, slots: &[Slot], values: &[Value]) -> bool {
        let (mut slots, mut values) = (slots, values);
        loop {
            let Some((slot, more_slots)) = slots.split_first() else { return values.is_empty() };
            let fits = values.split_first().filter(|(value, _)| self.one_of(&slot.shapes, **value));
            match (slot.times, fits) {
                (Times::Any, Some((_, rest))) => values = rest,
                (Times::Once | Times::Optional, Some((_, rest))) => {
                    (slots, values) = (more_slots, rest);
                }
                (Times::Any | Times::Optional, None) => slots = more_slots,
                (Times::Once, None) => return false,
            }
        }
    }

    /// Whether a value looks like one of these.
    pub(crate) fn one_of(&self, shapes: &[Shape], value: Value) -> bool {
        shapes.iter().any(|shape| self.is(shape, value))
    }

    fn is(&self, shape: &Shape, value: Value) -> bool {
        if !self.facts.work.spend(1) {
            return false;
        }
        let kind = value.kind();
        if !matches!(shape, Shape::Any) {
            self.facts.sealed.seal(self.program, value);
        }
        match shape {
            Shape::Any => self.may_be_handed_on(value, 0),
            Shape::Plain => self.plain(value, &mut 0, 0),
            Shape::None => kind == Kind::None,
            Shape::Bool => matches!(kind, Kind::Bool(_)),
            Shape::Int => matches!(kind, Kind::Int(_)) || self.number(value, true),
            Shape::Float => self.number(value, false),
            Shape::Number => matches!(kind, Kind::Int(_) | Kind::Number(_)),
            Shape::Text => matches!(kind, Kind::Text(_)),
            Shape::Digits => {
                let text = matches!(kind, Kind::Text(_)).then(|| self.program.text(value, LONGEST));
                let digit = |c: char| c.is_ascii_digit() || matches!(c, '-' | '/');
                text.flatten().is_some_and(|text| text.chars().all(digit))
            }
            Shape::Bytes => {
                // Text written by Python 2 is bytes to Python 3 where it is asked to be.
                matches!(kind, Kind::Bytes(_) | Kind::Unknown)
                    || self.old_text(value)
                    || self.makes(value, "bytes")
            }
            Shape::Exactly(text) => self.program.text(value, LONGEST).as_deref() == Some(text),
            Shape::Value(number) => kind == Kind::Int(*number),
            Shape::Class => match kind {
                Kind::Import(index) => self.facts.may_be_handed_on(index),
                _ => false,
            },
            Shape::Dict => self.program.heap().items_of(value, NodeShape::Dict).is_some(),
            Shape::Fields(fields) => {
                // A key that is not kept cannot be looked at.
                let whole = self.program.heap().of(value).is_some_and(|node| !node.more);
                self.fields(value) && (whole || fields.is_empty()) && {
                    fields.iter().all(|(name, shapes)| {
                        let field = self.program.entry(value, name);
                        field.is_none_or(|field| self.one_of(shapes, field))
                    })
                }
            }
            Shape::Closed(fields) => {
                let node = self.program.heap().of(value);
                node.filter(|node| !node.more && self.fields(value)).is_some_and(|node| {
                    self.program.heap().items(node).chunks_exact(2).all(|pair| {
                        let &[key, field] = pair else { return false };
                        let name = self.program.text(key, LONGEST);
                        fields.iter().any(|(known, shapes)| {
                            name.as_deref() == Some(known) && self.one_of(shapes, field)
                        })
                    })
                })
            }
            Shape::Values(shapes) => {
                let node = self.program.heap().of(value);
                node.filter(|node| node.shape == NodeShape::Dict && !node.more).is_some_and(
                    |node| {
                        let values = self.program.heap().items(node).iter().skip(1).step_by(2);
                        values.copied().all(|value| self.one_of(shapes, value))
                    },
                )
            }
            Shape::Tuple(slots) => {
                let items = self.program.heap().items_of(value, NodeShape::Tuple);
                items.is_some_and(|items| self.arguments(slots, items) && self.filled(slots, items))
            }
            Shape::Each(shapes) => self.each(shapes, value),
            Shape::Sequence(sequence) => self.sequence(value).is_some_and(|(items, more)| {
                !more
                    && items.len() == sequence.len()
                    && items.iter().zip(sequence).all(|(&item, shapes)| self.one_of(shapes, item))
            }),
            Shape::Filling => self.each(&[Shape::Any], value),
            Shape::Pair => {
                self.sequence(value).is_some_and(|(items, more)| !more && items.len() == 2)
                    && self.may_be_handed_on(value, 0)
            }
            Shape::Set => {
                self.program.heap().items_of(value, NodeShape::Set).is_some()
                    || self.makes(value, "set")
            }
            Shape::Hooks => {
                kind == Kind::None || self.facts.is_empty_ordered_dict(self.program, value)
            }
            Shape::Of(module, name) => self.facts.is_of(self.program, value, module, name),
            Shape::Called(module, name, slots) => {
                let call = self.program.heap().items_of(value, NodeShape::Object);
                let arguments = call.and_then(|call| call.get(1));
                let arguments =
                    arguments.and_then(|&all| self.program.heap().items_of(all, NodeShape::Tuple));
                self.facts.is_of(self.program, value, module, name)
                    && arguments.is_some_and(|arguments| self.arguments(slots, arguments))
            }
            // What may still be given a state is nothing to build on.
            Shape::Made(_) if self.facts.dtype(value).is_some_and(|dtype| !dtype.settled) => false,
            Shape::Made(atom) => {
                self.makes(value, atom)
                    || (atom == "storage" && self.facts.is_torch_storage(self.program, value))
                    || (atom == "dtype" && self.makes(value, "plain_dtype"))
            }
        }
    }

    /// Whether a value may be handed on. A name that is listed to be called only may not: some
    /// loader might call it there with arguments that nobody judged. Such a name in a list, a dict
    /// or a set was found when it was put there.
    pub(crate) fn may_be_handed_on(&self, value: Value, depth: u32) -> bool {
        const DEEP: u32 = 64;
        match value.kind() {
            Kind::Import(index) => self.facts.may_be_handed_on(index),
            _ => {
                let items = self.program.heap().items_of(value, NodeShape::Tuple);
                let items = items.unwrap_or_default();
                let deeper = depth.saturating_add(1);
                let mut items = items.iter();
                depth < DEEP
                    && self.facts.work.spend(items.len())
                    && items.all(|&item| self.may_be_handed_on(item, deeper))
            }
        }
    }

    /// Whether a value is made of constants alone.
    fn plain(&self, value: Value, seen: &mut u32, depth: u32) -> bool {
        const MOST: u32 = 100_000;
        *seen = seen.saturating_add(1);
        match value.kind() {
            Kind::Import(_) => false,
            _ if !self.facts.work.spend(1) => false,
            Kind::Node(index) => {
                self.facts.sealed.seal(self.program, value);
                let Some(node) = self.program.heap().node(index) else { return false };
                !matches!(node.shape, NodeShape::Object | NodeShape::Persistent)
                    && !node.more_objects
                    && *seen < MOST
                    && depth < 64
                    && self
                        .program
                        .heap()
                        .items(node)
                        .iter()
                        .all(|&item| self.plain(item, seen, depth.saturating_add(1)))
            }
            _ => true,
        }
    }

    /// A dict with text keys, none of them a dunder.
    pub(crate) fn fields(&self, value: Value) -> bool {
        self.program.heap().of(value).is_some_and(|node| {
            node.shape == NodeShape::Dict && !node.dunder_key && !node.other_key
        })
    }

    /// Whether what fills an array reaches for each place of its shape: numpy reads on behind the
    /// end of a shorter list.
    fn filled(&self, slots: &[Slot], items: &[Value]) -> bool {
        let sizes = [Shape::Each(vec![Shape::Int])];
        let places = || {
            let (_, &sizes) = slots.iter().zip(items).find(|(slot, _)| slot.shapes == sizes)?;
            let (sizes, more) = self.sequence(sizes)?;
            let mut places = Some(1_u64).filter(|_| !more);
            for size in sizes {
                let Kind::Int(size) = size.kind() else { return None };
                places = places?.checked_mul(u64::try_from(size).ok()?);
            }
            places
        };
        slots.iter().zip(items).all(|(slot, &value)| {
            !slot.shapes.contains(&Shape::Filling)
                || self.sequence(value).is_none()
                || places().is_some_and(|places| places <= self.at_least(value))
        })
    }

    /// A number of items that a list or a tuple has at least. Those that are not kept are told by
    /// the weight, where each of them is a constant and the weight is still a whole number.
    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^24")]
    fn at_least(&self, value: Value) -> u64 {
        const WHOLE: f32 = 16_777_216.0;
        let Some(node) = self.program.heap().of(value) else { return 0 };
        let items = self.program.heap().items(node);
        let kept = items.len() as u64;
        let weight = self.program.heap().weight(value);
        if !node.more || node.more_objects || weight >= WHOLE || !self.facts.work.spend(items.len())
        {
            return kept;
        }
        let of_kept = items.iter().map(|&item| self.program.heap().weight(item)).sum::<f32>();
        kept.saturating_add((weight - 1.0 - of_kept).max(0.0) as u64)
    }

    fn each(&self, shapes: &[Shape], value: Value) -> bool {
        let Some((items, more)) = self.sequence(value) else { return false };
        let objects = self.program.heap().of(value).is_some_and(|node| node.more_objects);
        let loose = shapes.iter().any(|shape| match shape {
            Shape::Any => true,
            Shape::Plain | Shape::Number | Shape::Float => !objects,
            _ => false,
        });
        (!more || loose) && items.iter().all(|&item| self.one_of(shapes, item))
    }

    /// The items of a list or a tuple, and whether there are more than these.
    pub(crate) fn sequence(&self, value: Value) -> Option<(&[Value], bool)> {
        let node = self.program.heap().of(value)?;
        matches!(node.shape, NodeShape::List | NodeShape::Tuple)
            .then(|| (self.program.heap().items(node), node.more))
    }

    fn makes(&self, value: Value, atom: &str) -> bool {
        self.facts.makes(self.program, value, atom)
    }

    /// Whether a number that is known by its offset only is whole, or is a float.
    fn number(&self, value: Value, whole: bool) -> bool {
        let Kind::Number(at) = value.kind() else { return false };
        let opcode = self.program.bytes().array(at).map_or(0, |[opcode]: [u8; 1]| opcode);
        whole != matches!(opcode, b'F' | b'G')
    }

    /// Whether a text constant was written by an opcode of Python 2's `str`.
    fn old_text(&self, value: Value) -> bool {
        let Kind::Text(at) = value.kind() else { return false };
        let opcode = self.program.bytes().array(at).map_or(0, |[opcode]: [u8; 1]| opcode);
        matches!(opcode, b'S' | b'T' | b'U')
    }
}
