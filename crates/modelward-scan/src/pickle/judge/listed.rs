//! The rules of listed names: what they may be called with, and what state they may be given.

use modelward_formats::pickle::{
    Program, opcode,
    value::{Kind, Shape, Value},
};

use super::{
    super::{
        arrow_array,
        facts::{Standing, loaded},
        known::{Entry, Special},
        matching::Matcher,
        numpy_dtype,
        shape::{self, Parser},
    },
    Judge,
};

impl Judge<'_> {
    /// Judge a call of a listed name. The error says what is wrong with it.
    pub(super) fn listed_call(
        &mut self,
        program: &Program<'_>,
        entry: &Entry,
        by: u8,
        arguments: &[Value],
        result: u32,
    ) -> Result<(), String> {
        let matcher = Matcher { facts: &self.facts, program };
        // Calls that the user's policy adds to a rule of its own.
        let added = |slots: &Vec<_>| matcher.arguments(slots, arguments);
        if entry.special.is_some() && entry.calls.iter().any(added) {
            return Ok(());
        }
        match entry.special {
            Some(Special::Partial) => {
                let (function, rest) = arguments.split_first().ok_or("no function")?;
                return self.partial(program, *function, rest);
            }
            Some(Special::EnumMember) => {
                let [object, member] = *arguments else { return Err("not two arguments".into()) };
                let enumeration = self.facts.entry(object).is_some_and(|entry| entry.enumeration);
                let member = program.text(member, 256).filter(|name| !name.contains('.'));
                let fine = member.is_some_and(|name| {
                    enumeration && !name.starts_with('_')
                        || self.lists_attribute(program, object, &name)
                });
                return fine
                    .then_some(())
                    .ok_or_else(|| "not a member of a listed enumeration".into());
            }
            Some(Special::Reconstructor) => {
                let [class, base, state] = *arguments else {
                    return Err("not three arguments".into());
                };
                let class = loaded(program, class);
                let entry = self.facts.entry(class).ok_or("its class is not listed")?;
                let object = self.facts.is_of(program, base, "builtins", "object");
                // A named tuple gets its items without its `__new__`.
                let items = program.heap().items_of(state, Shape::Tuple);
                if self.facts.is_of(program, base, "builtins", "tuple")
                    && items.is_some_and(|items| {
                        entry.calls.iter().any(|slots| matcher.arguments(slots, items))
                    })
                {
                    return Ok(());
                }
                let container = ["dict", "list", "set"];
                let container =
                    container.iter().any(|name| self.facts.is_of(program, base, "builtins", name));
                let held = Parser::new("dict|[any*]|set").one_of(0);
                let held = held.is_ok_and(|held| matcher.one_of(&held, state))
                    && matcher.one_of(&[shape::Shape::Any], state);
                let empty = state == Value::NONE;
                let fine =
                    entry.class && (object && empty || container && entry.items && (empty || held));
                return fine
                    .then_some(())
                    .ok_or_else(|| "not an empty instance of a listed class".into());
            }
            Some(Special::NewObject) => {
                let Some((&class, rest)) = arguments.split_first() else {
                    return Err("no class".into());
                };
                let class = loaded(program, class);
                let entry = self.facts.entry(class).ok_or("its class is not listed")?;
                if entry.special == Some(Special::NestedTorch) {
                    return Err("its class is a function".into());
                }
                return self.listed_call(program, &entry, opcode::NEWOBJ, rest, result);
            }
            Some(Special::RebuildFromType) => {
                let (function, class, inner, state) = match *arguments {
                    [function, class, inner, state] => (function, class, inner, Some(state)),
                    [function, class, inner] => (function, class, inner, None),
                    _ => return Err("not four arguments".into()),
                };
                let entry = self.facts.entry(function).ok_or("its function is not listed")?;
                if entry.special.is_some() {
                    return Err("its function builds no tensor".into());
                }
                let given = state.filter(|&state| state != Value::NONE);
                let state = given.is_none_or(|state| {
                    matcher.fields(state) || {
                        let pair = program.heap().items_of(state, Shape::Tuple);
                        pair.is_some_and(|pair| {
                            pair.iter().all(|&one| one == Value::NONE || matcher.fields(one))
                        })
                    }
                });
                let stated = self.facts.entry(class).is_some_and(|class| {
                    let shapes = given.filter(|_| !class.states.is_empty());
                    shapes.is_none_or(|state| {
                        class.states.iter().any(|shapes| matcher.one_of(shapes, state))
                    })
                });
                if !stated || !state {
                    return Err("its class is not listed, or its state is none of an object".into());
                }
                let inner =
                    program.heap().items_of(inner, Shape::Tuple).unwrap_or_default().to_vec();
                return self.listed_call(program, &entry, opcode::REDUCE, &inner, result);
            }
            Some(Special::NestedTorch) => {
                // Escapes of a STRING would have to be undone first.
                let raw = |at: u64| {
                    program.bytes().array(at).is_ok_and(|[code]: [u8; 1]| code != opcode::STRING)
                };
                let fine = matches!(arguments, [bytes] if match bytes.kind() {
                    Kind::Bytes(_) => true,
                    Kind::Text(at) => raw(at),
                    // Decoded and read as a checkpoint of its own, as the constants are.
                    Kind::Node(_) => program.latin1(*bytes).is_some(),
                    _ => false,
                });
                return fine.then_some(()).ok_or_else(|| "its argument is no constant".into());
            }
            Some(Special::NumpyDtype) => {
                let dtype = numpy_dtype::of_call(&matcher, arguments);
                let dtype = dtype.ok_or("not the code of an element type")?;
                self.facts.dtypes.insert(result, dtype);
                return Ok(());
            }
            Some(Special::ArrowArray) => return arrow_array::of_call(&matcher, arguments),
            None => {}
        }
        let constant = || match arguments {
            [value] => matcher.one_of(&[shape::Shape::Plain], *value),
            _ => false,
        };
        // Of the calls without arguments only REDUCE runs `__init__`; the others make an object
        // that is still empty.
        let empty = entry.class && arguments.is_empty() && by != opcode::REDUCE;
        let fits = empty
            || entry.calls.iter().any(|slots| matcher.arguments(slots, arguments))
            || (entry.enumeration && constant());
        fits.then_some(())
            .ok_or_else(|| "its arguments are not of the kind that the allow-list knows".into())
    }

    /// Whether an attribute of a class, or of its instance, is listed as a value under its dotted
    /// name, as protocol 4 writes it.
    fn lists_attribute(&self, program: &Program<'_>, object: Value, attribute: &str) -> bool {
        let class = match object.kind() {
            Kind::Import(index) => Some(index),
            _ => self
                .facts
                .maker(program, object)
                .filter(|&index| self.facts.entry_of(index).is_some_and(|entry| entry.class)),
        };
        class.and_then(|index| self.facts.name(index)).is_some_and(|class| {
            let dotted = format!("{}.{attribute}", class.name);
            let standing = self.facts.standing(&class.module, &dotted);
            matches!(standing, Standing::Listed(entry) if entry.value)
        })
    }

    /// A partial calls its function once something calls it, which a method that the file replaces
    /// may do while it is loaded: so it gets nothing to call it with but what is tame.
    fn partial(
        &self,
        program: &Program<'_>,
        function: Value,
        arguments: &[Value],
    ) -> Result<(), String> {
        let matcher = Matcher { facts: &self.facts, program };
        let listed = self.facts.entry(function).filter(|entry| entry.may_be_handed_on());
        if listed.is_none_or(|entry| entry.uncalled) {
            return Err("its function is not listed as a value".into());
        }
        let tame = arguments.iter().all(|&value| self.is_tame(&matcher, value, 0));
        tame.then_some(()).ok_or_else(|| "its arguments are no constants".into())
    }

    /// Whether a value is a constant, a name that may be called with constants, or what is as good
    /// as a constant; alone or in lists and tuples.
    fn is_tame(&self, matcher: &Matcher<'_, '_, '_>, value: Value, depth: u32) -> bool {
        const DEEP: u32 = 8;
        if !self.facts.work.spend(1) {
            return false;
        }
        self.facts.sealed.seal(matcher.program, value);
        if let Kind::Import(_) = value.kind() {
            let entry = self.facts.entry(value);
            return entry.is_some_and(|entry| entry.may_be_handed_on() && !entry.uncalled);
        }
        let made =
            self.facts.maker(matcher.program, value).and_then(|index| self.facts.entry_of(index));
        let deeper = depth.saturating_add(1);
        matcher.one_of(&[shape::Shape::Plain], value)
            || made.is_some_and(|entry| !entry.class && !entry.makes.is_empty())
            || depth < DEEP
                && matcher.sequence(value).is_some_and(|(items, more)| {
                    !more && items.iter().all(|&item| self.is_tame(matcher, item, deeper))
                })
    }

    /// Whether a state may be given to what this name makes.
    pub(super) fn listed_state(
        &mut self,
        program: &Program<'_>,
        entry: &Entry,
        object: Value,
        state: Value,
    ) -> bool {
        let matcher = Matcher { facts: &self.facts, program };
        if entry.special == Some(Special::NumpyDtype) {
            let Kind::Node(index) = object.kind() else { return false };
            let known = self.facts.dtypes.get(&index).filter(|dtype| !dtype.settled).copied();
            return match known.and_then(|dtype| numpy_dtype::of_state(&matcher, dtype, state)) {
                Some(dtype) => {
                    self.facts.dtypes.insert(index, dtype);
                    true
                }
                None => false,
            };
        }
        if entry.special == Some(Special::Partial) {
            let parts = program.heap().items_of(state, Shape::Tuple).unwrap_or_default();
            // The keywords and the dict of a partial are kept, not copied.
            for &part in parts {
                self.facts.sealed.seal(program, part);
            }
            let [function, arguments, keywords, ..] = parts else { return false };
            let arguments = program.heap().items_of(*arguments, Shape::Tuple);
            let named = program.heap().of(*keywords).filter(|node| !node.more);
            let named = match named {
                Some(node) if matcher.fields(*keywords) => program.heap().items(node),
                _ if *keywords == Value::NONE => &[],
                _ => return false,
            };
            let named = named.iter().skip(1).step_by(2);
            return arguments.is_some_and(|arguments| {
                let all = arguments.iter().chain(named).copied().collect::<Vec<_>>();
                self.partial(program, *function, &all).is_ok()
            });
        }
        if !matcher.one_of(&[shape::Shape::Any], state) {
            return false;
        }
        if !entry.states.is_empty() {
            return entry.states.iter().any(|shapes| matcher.one_of(shapes, state));
        }
        let half = |state: Value| state == Value::NONE || matcher.fields(state);
        let pair = program.heap().items_of(state, Shape::Tuple);
        entry.class
            && (half(state) || matches!(pair, Some(&[dict, slots]) if half(dict) && half(slots)))
    }
}
