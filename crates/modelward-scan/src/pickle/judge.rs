//! The judge of pickle programs: looks on while one runs, and holds every import, call and state
//! against the allow-list. What is not proven harmless is kept as an [`Effect`]; the checks of
//! this family each report one kind of them.

use std::{
    collections::{HashMap, HashSet},
    iter::once,
    rc::Rc,
};

use modelward_formats::{
    Asset, Gap, Refusal,
    pickle::{
        self, Call, Import, Observer, Oddity, Program, element_width, opcode,
        value::{Kind, Shape, Value},
    },
};

use super::{
    compatibility::mapped,
    functions,
    known::{self, Entry, Special},
    matching::Matcher,
    numpy_dtype::{self, Dtype},
    shape::Parser,
    shown,
};
use crate::compiled::Account;
use crate::container::{Flaw, Neighbours};

/// A pickle file after its judgement: what the checks of this family read.
#[derive(Debug)]
pub(crate) struct Judged {
    /// What is not proven harmless, in program order, one for each name and kind.
    pub(crate) effects: Vec<Effect>,
    /// Where the program breaks off, if it does.
    pub(crate) broken: Option<(u64, String)>,
    /// Offset of bytes behind the last stream that belong to nothing.
    pub(crate) tail: Option<u64>,
    /// Starts of the streams, from the second on, that the format does not ask for.
    pub(crate) further: Vec<u64>,
    /// Storages that lie nowhere.
    pub(crate) gaps: Vec<Refusal>,
}

impl Asset for Judged {
    fn format(&self) -> &'static str {
        "pickle"
    }
}

/// Something that a program does and that is not proven harmless.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) kind: Kinds,
    /// Offset of the opcode.
    pub(crate) at: u64,
    /// The decompiled line.
    pub(crate) shown: String,
    /// What is wrong with it, as a sentence without a full stop.
    pub(crate) message: String,
    /// Whether it surely does harm, or only is not proven harmless.
    pub(crate) harmful: bool,
    /// Whether it names what is known to be dangerous: critical, whatever its rule says.
    pub(crate) dangerous: bool,
    /// The policy entry that would allow it.
    pub(crate) allow: Option<String>,
}

/// The kinds of effects, one for each rule of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kinds {
    ForeignCall,
    UnlistedCall,
    UnlistedImport,
    ForbiddenArgument,
    DottedName,
    ComputedName,
    ExtensionCode,
    FrameStraddle,
    UnlistedState,
    CodeObject,
    Expansion,
    ShadowedMemo,
    PersistentId,
    TensorLayout,
}

/// What the user lets pickles do, beyond the lists that ship: kinds by module and name.
pub(crate) type Allowed = HashMap<(String, String), String>;

/// Judge a pickle file among what lies around it.
pub(crate) fn judge(
    pickle: &pickle::Pickle,
    allowed: &Allowed,
    neighbours: Neighbours<'_>,
) -> Judged {
    let mut judge = Judge::new(allowed, neighbours);
    let traces = pickle.run(&mut judge);
    let further = traces.streams.iter().skip(1).filter(|_| !traces.legacy);
    Judged {
        broken: traces.broken.as_ref().map(|refusal| (refusal.at, refusal.why.to_string())),
        tail: traces.tail,
        further: further.map(|stream| stream.start).collect(),
        gaps: std::mem::take(&mut judge.gaps),
        effects: judge.verdicts(),
    }
}

/// A name that the program imports, and what is known of it.
#[derive(Debug)]
struct Name {
    module: String,
    name: String,
    standing: Standing,
    at: u64,
    /// How the import is written, for a finding of an import that is never called.
    shown: String,
}

#[derive(Clone, Debug)]
enum Standing {
    /// On the allow-list, or on the user's.
    Listed(Rc<Entry>),
    /// A class of TorchScript, which its own archive defines.
    TorchScript,
    /// Not listed.
    Unlisted,
    /// Not listed and known to be dangerous.
    Dangerous(&'static str),
    /// Not listed, and its dots lead through attributes.
    Dotted,
    /// Builds functions from bytes.
    Code,
    /// Computed: seen as an oddity already.
    Computed,
}

/// Looks on and judges.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    allowed: &'a Allowed,
    neighbours: Neighbours<'a>,
    gaps: Vec<Refusal>,
    /// Keys of the storages that were looked at, with what they ought to hold.
    storages: HashSet<(String, Option<u64>)>,
    names: Vec<Name>,
    /// Names that are not listed, by index, with the first call of each.
    called: HashMap<u32, Effect>,
    effects: Vec<Effect>,
    /// How often each kind was seen with the same message: the first is kept.
    seen: HashSet<(Kinds, String)>,
    /// Names that are listed and were called.
    used: HashSet<u32>,
    /// Objects that items or a state were given to.
    touched: HashSet<u32>,
    /// What is known of each dtype, by its node.
    pub(crate) dtypes: HashMap<u32, Dtype>,
    /// Constants that were read as code.
    read: HashSet<(u64, u64)>,
    /// How many bytes of code were read.
    read_code: u64,
}

impl<'a> Judge<'a> {
    fn new(allowed: &'a Allowed, neighbours: Neighbours<'a>) -> Self {
        let (names, called, effects, seen, gaps) = Default::default();
        let (used, touched, dtypes, storages) = Default::default();
        let (read, read_code) = Default::default();
        Self {
            allowed,
            neighbours,
            gaps,
            storages,
            names,
            called,
            effects,
            seen,
            used,
            touched,
            dtypes,
            read,
            read_code,
        }
    }

    /// Everything that is not proven harmless, calls of unlisted names included.
    fn verdicts(mut self) -> Vec<Effect> {
        for (index, name) in (0_u32..).zip(&self.names) {
            match &name.standing {
                // `getattr` is listed for members of enumerations alone.
                Standing::Listed(entry)
                    if entry.special == Some(Special::EnumMember)
                        && !self.used.contains(&index) => {}
                Standing::Listed(_) | Standing::TorchScript | Standing::Computed => continue,
                _ => {}
            }
            let effect = self.called.remove(&index).unwrap_or_else(|| imported(name));
            self.effects.push(effect);
        }
        self.effects.sort_by_key(|effect| effect.at);
        self.effects
    }

    fn note(&mut self, kind: Kinds, at: u64, shown: String, message: String, harmful: bool) {
        const MOST: usize = 2000;
        if self.effects.len() < MOST && self.seen.insert((kind, message.clone())) {
            let (dangerous, allow) = (false, None);
            self.effects.push(Effect { kind, at, shown, message, harmful, dangerous, allow });
        }
    }

    fn name(&self, index: u32) -> Option<&Name> {
        self.names.get(index as usize)
    }

    fn entry(&self, value: Value) -> Option<Rc<Entry>> {
        let Kind::Import(index) = value.kind() else { return None };
        self.entry_of(index)
    }

    fn entry_of(&self, index: u32) -> Option<Rc<Entry>> {
        match &self.name(index)?.standing {
            Standing::Listed(entry) => Some(entry.clone()),
            _ => None,
        }
    }

    /// The import that an object came from: what was called, or whose instance it is.
    fn maker(&self, program: &Program<'_>, object: Value) -> Option<u32> {
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
    fn is_torch_id(&self, program: &Program<'_>, id: Value) -> bool {
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
                    Kind::Import(index) => self.entry_of(index).is_some(),
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
                    && matches!(key.kind(), Kind::Text(_))
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

    /// Judge a call of a listed name. The error says what is wrong with it.
    fn listed_call(
        &mut self,
        program: &Program<'_>,
        entry: &Entry,
        by: u8,
        arguments: &[Value],
        result: u32,
    ) -> Result<(), String> {
        let matcher = Matcher { judge: self, program };
        match entry.special {
            Some(Special::Partial) => {
                let Some(&function) = arguments.first() else { return Err("no function".into()) };
                let listed = self.entry(function).is_some_and(|entry| entry.may_be_handed_on());
                return listed
                    .then_some(())
                    .ok_or_else(|| "its function is not listed as a value".into());
            }
            Some(Special::EnumMember) => {
                let [object, member] = *arguments else { return Err("not two arguments".into()) };
                let enumeration = self.entry(object).is_some_and(|entry| entry.enumeration);
                let member = program.text(member, 256).filter(|name| !name.starts_with('_'));
                let fine = enumeration && member.is_some_and(|name| !name.contains('.'));
                return fine
                    .then_some(())
                    .ok_or_else(|| "not a member of a listed enumeration".into());
            }
            Some(Special::Reconstructor) => {
                let [class, base, state] = *arguments else {
                    return Err("not three arguments".into());
                };
                let class = loaded(program, class);
                let entry = self.entry(class).ok_or("its class is not listed")?;
                let object = self.is_of(program, base, "builtins", "object");
                let container = ["dict", "list", "set"];
                let container =
                    container.iter().any(|name| self.is_of(program, base, "builtins", name));
                let held = Parser::new("dict|[any*]|set").one_of(0);
                let held = held.is_ok_and(|held| matcher.one_of(&held, state))
                    && matcher.one_of(&[super::shape::Shape::Any], state);
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
                let entry = self.entry(class).ok_or("its class is not listed")?;
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
                let entry = self.entry(function).ok_or("its function is not listed")?;
                if entry.special.is_some() {
                    return Err("its function builds no tensor".into());
                }
                let state = state.is_none_or(|state| {
                    state == Value::NONE || matcher.fields(state) || {
                        let pair = program.heap().items_of(state, Shape::Tuple);
                        pair.is_some_and(|pair| {
                            pair.iter().all(|&one| one == Value::NONE || matcher.fields(one))
                        })
                    }
                });
                if self.entry(class).is_none() || !state {
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
                    _ => false,
                });
                return fine.then_some(()).ok_or_else(|| "its argument is no constant".into());
            }
            Some(Special::NumpyDtype) => {
                let dtype = numpy_dtype::of_call(&matcher, arguments);
                let dtype = dtype.ok_or("not the code of an element type")?;
                self.dtypes.insert(result, dtype);
                return Ok(());
            }
            None => {}
        }
        let constant = || match arguments {
            [value] => matcher.one_of(&[super::shape::Shape::Plain], *value),
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

    /// Whether a state may be given to what this name makes.
    fn listed_state(
        &mut self,
        program: &Program<'_>,
        entry: &Entry,
        object: Value,
        state: Value,
    ) -> bool {
        let matcher = Matcher { judge: self, program };
        if entry.special == Some(Special::NumpyDtype) {
            let Kind::Node(index) = object.kind() else { return false };
            let known = self.dtypes.get(&index).copied();
            return match known.and_then(|dtype| numpy_dtype::of_state(&matcher, dtype, state)) {
                Some(dtype) => {
                    self.dtypes.insert(index, dtype);
                    true
                }
                None => false,
            };
        }
        if entry.special == Some(Special::Partial) {
            let Some([function, arguments, ..]) = program.heap().items_of(state, Shape::Tuple)
            else {
                return false;
            };
            let listed = self.entry(*function).is_some_and(|entry| entry.may_be_handed_on());
            return listed && program.heap().items_of(*arguments, Shape::Tuple).is_some();
        }
        if !matcher.one_of(&[super::shape::Shape::Any], state) {
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

impl Observer for Judge<'_> {
    fn import(&mut self, program: &Program<'_>, at: u64, import: u32) {
        let Some(import) = program.import(import) else { return };
        let name = self.weigh(import, at);
        self.names.push(name);
    }

    fn call(&mut self, program: &Program<'_>, at: u64, call: Call) {
        let line = |program: &Program<'_>| shown::call(program, call.callee, call.arguments);
        let call = Call { callee: loaded(program, call.callee), ..call };
        let Kind::Import(index) = call.callee.kind() else {
            let harmless = match call.callee.kind() {
                // Found where it was made: an extension code, a name that was computed.
                Kind::Unknown => true,
                // Neither can be called: the reader stops there.
                Kind::Node(_) => program.heap().of(call.callee).is_none_or(|node| {
                    // What a loader makes of a persistent id may be a class or a function.
                    !matches!(node.shape, Shape::Object | Shape::Persistent)
                }),
                _ => true,
            };
            if !harmless {
                let message = "calls what another call or the loader returned".into();
                self.note(Kinds::ComputedName, at, line(program), message, true);
                self.code(program, at, call, false);
            }
            return;
        };
        let standing = self.name(index).map(|name| name.standing.clone());
        match standing {
            Some(Standing::Listed(entry)) => {
                self.used.insert(index);
                let arguments = arguments(program, call.arguments);
                // The node of the result is made next.
                let result = program.heap().next();
                let judged = match (&arguments, call.keywords) {
                    (_, Some(keywords)) if !is_empty_dict(program, keywords) => {
                        Err("keyword arguments are on no list".into())
                    }
                    (Some(arguments), _) => {
                        self.listed_call(program, &entry, call.by, arguments, result)
                    }
                    (None, _) => Err("its arguments are computed".to_owned()),
                };
                if judged.is_ok()
                    && let Some(arguments) = &arguments
                    && tensor_reaches_out(program, arguments, self.name(index))
                {
                    let message = "a tensor reaches beyond its storage".into();
                    self.note(Kinds::TensorLayout, at, line(program), message, false);
                }
                if let Err(why) = judged {
                    let name = shown::shown(program, call.callee);
                    let message = format!("calls `{name}` in a way that is not listed: {why}");
                    self.note(Kinds::ForbiddenArgument, at, line(program), message, true);
                }
            }
            Some(Standing::TorchScript | Standing::Computed) | None => {}
            Some(standing) => {
                if matches!(standing, Standing::Code) {
                    let marshalled = self.name(index).is_some_and(|name| name.module == "marshal");
                    self.code(program, at, call, marshalled);
                }
                if !self.called.contains_key(&index)
                    && let Some(name) = self.name(index)
                {
                    let effect = called(name, at, line(program), opcode_name(call.by));
                    self.called.insert(index, effect);
                }
            }
        }
    }

    fn state(&mut self, program: &Program<'_>, at: u64, object: Value, state: Value) {
        let line = |program: &Program<'_>| {
            format!(
                "{}.__setstate__({})",
                shown::shown(program, object),
                shown::shown(program, state)
            )
        };
        if let Kind::Node(index) = object.kind() {
            self.touched.insert(index);
        }
        let given = program.heap().items_of(object, Shape::Persistent).is_some();
        if given || matches!(object.kind(), Kind::Import(_)) {
            let message = "changes the attributes of a class or a module".into();
            self.note(Kinds::UnlistedState, at, line(program), message, true);
            return;
        }
        let dunder = program.heap().of(state).is_some_and(|node| {
            node.dunder_key
                || program.heap().items(node).iter().any(|&half| {
                    program
                        .heap()
                        .of(half)
                        .is_some_and(|half| half.dunder_key && half.shape == Shape::Dict)
                        && node.shape == Shape::Tuple
                })
        });
        let maker = self.maker(program, object);
        let entry = maker.and_then(|index| self.entry_of(index));
        let known = maker.and_then(|index| self.name(index)).map(|name| &name.standing);
        if matches!(known, Some(Standing::TorchScript)) {
            return;
        }
        if dunder {
            let message = "sets attributes whose names begin with `__`".into();
            self.note(Kinds::UnlistedState, at, line(program), message, true);
        } else if let Some(entry) = entry
            && (entry.items && hides_a_method(program, state)
                || !self.listed_state(program, &entry, object, state))
        {
            let name = maker.and_then(|index| self.name(index));
            let name =
                name.map_or_else(String::new, |name| format!("{}.{}", name.module, name.name));
            let message =
                format!("gives `{name}` a state that is not of the kind that the allow-list knows");
            self.note(Kinds::UnlistedState, at, line(program), message, false);
        }
    }

    fn items(&mut self, program: &Program<'_>, at: u64, object: Value) {
        if let Kind::Node(index) = object.kind() {
            self.touched.insert(index);
        }
        let maker = self.maker(program, object);
        let given = program.heap().items_of(object, Shape::Persistent).is_some();
        let entry = maker.and_then(|index| self.entry_of(index));
        if given || entry.is_some_and(|entry| !entry.items) {
            let message = "adds items to what is no listed container".into();
            let line = shown::shown(program, object);
            self.note(Kinds::UnlistedState, at, line, message, false);
        }
    }

    fn persistent(&mut self, program: &Program<'_>, at: u64, id: Value) {
        if !self.is_torch_id(program, id) {
            let message = "hands the loader a persistent id that is none of torch's".into();
            self.note(Kinds::PersistentId, at, shown::shown(program, id), message, false);
        } else {
            self.storage(program, at, id);
        }
    }

    fn oddity(&mut self, _: &Program<'_>, at: u64, oddity: Oddity) {
        let (kind, message) = match oddity {
            Oddity::FrameStraddle => (
                Kinds::FrameStraddle,
                "an opcode crosses the edge of its frame, or frames nest: Python's two readers differ here",
            ),
            Oddity::HiddenProgram => (
                Kinds::FrameStraddle,
                "what joblib reads as an array imports names where a plain reader runs it",
            ),
            Oddity::ComputedName => (Kinds::ComputedName, "imports a name that is computed"),
            Oddity::ShadowedMemo => {
                (Kinds::ShadowedMemo, "takes a name from a memo slot that was overwritten")
            }
            Oddity::ExtensionCode => (
                Kinds::ExtensionCode,
                "uses an extension code, whose meaning lies outside the file",
            ),
            Oddity::Expansion => (
                Kinds::Expansion,
                "a structure, a memo index or a number made to exhaust its reader",
            ),
        };
        self.note(kind, at, message.into(), message.into(), true);
    }
}

impl Judge<'_> {
    /// Hold a storage against the member that it is kept in.
    fn storage(&mut self, program: &Program<'_>, at: u64, id: Value) {
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
        let Some(key) = program.text(*key, 256) else { return };
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

    /// Tell what the code does that a call carries.
    fn code(&mut self, program: &Program<'_>, at: u64, call: Call, marshalled: bool) {
        let Some(arguments) = arguments(program, call.arguments) else { return };
        let kind = Kinds::CodeObject;
        // One constant may be handed to a million calls, and means the same each time.
        let key = functions::stream(program, &arguments).filter(|_| marshalled);
        if key.is_some_and(|key| !self.read.insert(key)) {
            return;
        }
        if self.read_code > MOST_CODE {
            let message = "carries more code than is read";
            self.note(kind, at, message.into(), message.into(), true);
            return;
        }
        let Some(read) = functions::carried(program, &arguments, marshalled) else { return };
        let length = key.map_or(0, |(_, length)| length);
        let account = match read {
            Ok(codes) => Account::of(&codes),
            Err(why) => {
                self.read_code = self.read_code.saturating_add(length).saturating_add(1024);
                let line = shown::call(program, call.callee, call.arguments);
                let message = format!("carries code that could not be read: {why}");
                self.note(kind, at, line, message, true);
                return;
            }
        };
        let length = length.max(account.length);
        self.read_code = self.read_code.saturating_add(length).saturating_add(1024);
        let what = account.danger.as_deref().unwrap_or("runs when the loaded object is used");
        let message = format!("the code of `{}` {what}", account.name);
        self.note(kind, at, account.shown, message, true);
        let noted = self.effects.last_mut();
        if let Some(effect) = noted.filter(|effect| (effect.at, effect.kind) == (at, kind)) {
            effect.dangerous = account.danger.is_some();
        }
    }

    /// Hold a name against the lists.
    fn weigh(&self, import: &Import, at: u64) -> Name {
        let (Some(module), Some(name)) = (&import.module, &import.name) else {
            let (module, name) = (import.module.clone(), import.name.clone());
            let (module, name) = (module.unwrap_or_default(), name.unwrap_or_default());
            return Name { module, name, standing: Standing::Computed, at, shown: String::new() };
        };
        let shown = format!("import {module}.{name}");
        let (module, name) = mapped(module, name, import.protocol);
        let standing = self.standing(module, name);
        Name { module: module.into(), name: name.into(), standing, at, shown }
    }

    fn standing(&self, module: &str, name: &str) -> Standing {
        let allowed = self.allowed.get(&(module.to_owned(), name.to_owned()));
        let kinds = known::kinds(module, name).or(allowed.map(String::as_str));
        if let Some(entry) = kinds.and_then(|kinds| Entry::parse(kinds).ok()) {
            return Standing::Listed(Rc::new(entry));
        }
        let of_archive = module == "__torch__" || module.starts_with("__torch__.");
        if of_archive && self.neighbours.code.is_some_and(|code| code.defines_class(module, name)) {
            return Standing::TorchScript;
        }
        if is_code(module, name) {
            return Standing::Code;
        }
        if let Some(sentence) = danger_of(module, name) {
            return Standing::Dangerous(sentence);
        }
        if name.contains('.') { Standing::Dotted } else { Standing::Unlisted }
    }
}

/// The danger of a name, also where its dots lead into a module of another name.
fn danger_of(module: &str, name: &str) -> Option<&'static str> {
    let mut reached = known::danger(module, name);
    let mut rest = name;
    while let (None, Some((through, tail))) = (reached, rest.split_once('.')) {
        let through = through.trim_start_matches('_');
        reached = known::danger(through, tail);
        rest = tail;
    }
    reached
}

/// Names that make functions of bytes.
fn is_code(module: &str, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    match module {
        "types" => matches!(name, "CodeType" | "FunctionType"),
        "marshal" => matches!(name, "loads" | "load"),
        "dill._dill" | "dill.dill" => {
            matches!(last, "_create_code" | "_create_function" | "_create_type")
        }
        "cloudpickle.cloudpickle" | "cloudpickle.cloudpickle_fast" | "cloudpickle" => matches!(
            last,
            "_make_function"
                | "_make_skel_func"
                | "_fill_function"
                | "_builtin_type"
                | "_make_cell"
                | "_make_empty_cell"
                | "_function_setstate"
                | "_make_skeleton_class"
                | "_class_setstate"
        ),
        _ => false,
    }
}

/// Whether the dots of a name lead through classes alone, as the name of a nested class does.
fn names_nested_class(name: &str) -> bool {
    let mut through = name.rsplit('.').skip(1);
    through.all(|part| part.starts_with(|c: char| c.is_uppercase())) && !name.contains("__")
}

/// The effect of an import that is never called.
fn imported(name: &Name) -> Effect {
    let shown = name.shown.clone();
    effect(name, name.at, shown, "imports", Kinds::UnlistedImport, "value")
}

/// The effect of a call.
fn called(name: &Name, at: u64, line: String, by: &str) -> Effect {
    let shown = format!("{line}        ({}.{}, by {by})", name.module, name.name);
    effect(name, at, shown, "calls", Kinds::UnlistedCall, "call (any*), class")
}

fn effect(name: &Name, at: u64, shown: String, verb: &str, unlisted: Kinds, kinds: &str) -> Effect {
    let full = format!("{}.{}", name.module, name.name);
    let (kind, message, harmful, allow) = match name.standing {
        Standing::Dangerous(sentence) => {
            (Kinds::ForeignCall, format!("{verb} `{full}`, which {sentence}"), true, None)
        }
        Standing::Code => (
            Kinds::CodeObject,
            format!("{verb} `{full}`, which makes functions of bytes"),
            true,
            None,
        ),
        Standing::Dotted => {
            let harmful = !names_nested_class(&name.name);
            let message = format!("{verb} `{full}`, a name that walks through attributes");
            (Kinds::DottedName, message, harmful, None)
        }
        _ => {
            let message = format!("{verb} `{full}`, which is not known to be harmless");
            (unlisted, message, false, Some(format!("{} {} : {kinds}", name.module, name.name)))
        }
    };
    Effect { kind, at, shown, message, harmful, dangerous: false, allow }
}

/// The positional arguments of a call, where they are all known.
fn arguments(program: &Program<'_>, arguments: Value) -> Option<Vec<Value>> {
    let node = program.heap().of(arguments)?;
    let known = matches!(node.shape, Shape::Tuple | Shape::List) && !node.more;
    known.then(|| program.heap().items(node).to_vec())
}

/// Whether a rebuilt tensor's offset, sizes and strides name elements that its storage lacks.
fn tensor_reaches_out(program: &Program<'_>, arguments: &[Value], name: Option<&Name>) -> bool {
    let rebuilds = name.is_some_and(|name| {
        name.module == "torch._utils"
            && matches!(
                name.name.as_str(),
                "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3"
            )
    });
    let [storage, offset, sizes, strides, ..] = *arguments else { return false };
    let Some(&[id]) = program.heap().items_of(storage, Shape::Persistent).filter(|_| rebuilds)
    else {
        return false;
    };
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

/// Whether a state brings what an unpickler looks up on a container, and calls, to add items.
fn hides_a_method(program: &Program<'_>, state: Value) -> bool {
    let halves = program.heap().items_of(state, Shape::Tuple).unwrap_or_default();
    let mut dicts = once(&state).chain(halves);
    dicts.any(|&dict| {
        program.heap().of(dict).is_some_and(|node| node.shape == Shape::Dict && node.more)
            || ADDERS.iter().any(|name| program.entry(dict, name).is_some())
    })
}

/// The class that torch's loader gives back for the persistent id of a module's source, or the
/// value itself.
///
/// Source: `torch/serialization.py`, `_legacy_load`, `persistent_load`.
fn loaded(program: &Program<'_>, value: Value) -> Value {
    let id = program.heap().items_of(value, Shape::Persistent).and_then(|id| id.first());
    match id.and_then(|&id| program.heap().items_of(id, Shape::Tuple)) {
        Some(&[tag, class, _, _]) if program.text(tag, 16).as_deref() == Some("module") => class,
        _ => value,
    }
}

fn is_empty_dict(program: &Program<'_>, value: Value) -> bool {
    let node = program.heap().of(value);
    node.is_some_and(|node| {
        node.shape == Shape::Dict && !node.more && program.heap().items(node).is_empty()
    })
}

fn opcode_name(code: u8) -> &'static str {
    opcode::describe(code).map_or("?", |(name, _)| name)
}

/// The most storages that lie nowhere and are told one by one.
const MOST_GAPS: usize = 50;
/// How many bytes of code are read of one pickle: far more than any honest one has.
const MOST_CODE: u64 = 4 << 20;

/// Methods that an unpickler looks up on the instance when the program adds items.
const ADDERS: &[&str] = &["append", "extend", "add"];
