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
        self, Call, Observer, Oddity, Program, opcode,
        value::{Kind, Shape, Value},
    },
};

use super::{
    functions,
    known::{Entry, Special},
    matching::Matcher,
    numpy_dtype::Dtype,
    shown,
};
use crate::{compiled::Account, container::Neighbours};

mod listed;
mod objects;
mod standing;
mod work;

use objects::loaded;
use standing::{Name, Standing, called, imported};
use work::Work;

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
    /// Storages that lie nowhere, and what exhausts a reader.
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
    let mut judge = Judge::new(allowed, neighbours, Work::for_program(pickle.bytes().len()));
    let traces = pickle.run(&mut judge);
    if judge.work.is_spent() {
        let why = "its values are handed on more often than is judged";
        judge.gaps.push(Refusal::new(0, Gap::LongReading, why));
    }
    let further = traces.streams.iter().skip(1).filter(|_| !traces.legacy);
    Judged {
        broken: traces.broken.as_ref().map(|refusal| (refusal.at, refusal.why.to_string())),
        tail: traces.tail,
        further: further.map(|stream| stream.start).collect(),
        gaps: std::mem::take(&mut judge.gaps),
        effects: judge.verdicts(),
    }
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
    /// What is left to be looked at.
    pub(crate) work: Work,
}

impl<'a> Judge<'a> {
    fn new(allowed: &'a Allowed, neighbours: Neighbours<'a>, work: Work) -> Self {
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
            work,
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
        // What is mild leaves room for what is not: nothing hides behind a crowd.
        let most = if harmful { 4000 } else { 2000 };
        if self.effects.len() < most && self.seen.insert((kind, message.clone())) {
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
                if !self.work.spend_on(program, call.arguments) {
                    return;
                }
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
                if self.work.is_spent() {
                    return;
                }
                if judged.is_ok()
                    && let Some(arguments) = &arguments
                    && self.tensor_reaches_out(program, arguments, index)
                {
                    let message = "a tensor reaches beyond its storage".into();
                    self.note(Kinds::TensorLayout, at, line(program), message, false);
                }
                if let (Ok(()), Some(arguments)) = (&judged, &arguments) {
                    self.hashed_by_call(program, at, index, arguments);
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
        if !self.work.spend_on(program, state) {
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
        // scikit-learn formats it, whatever it is, before it looks at anything else.
        let version = program.entry(state, "_sklearn_version");
        if version.is_some_and(|version| !matches!(version.kind(), Kind::Text(_) | Kind::None)) {
            let message = "the version of scikit-learn is no text".into();
            self.note(Kinds::UnlistedState, at, line(program), message, true);
        }
        if dunder {
            let message = "sets attributes whose names begin with `__`".into();
            self.note(Kinds::UnlistedState, at, line(program), message, true);
        } else if let Some(entry) = entry
            && (entry.items && hides_a_method(program, state)
                || !self.listed_state(program, &entry, object, state))
            && !self.work.is_spent()
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

    fn hashed(&mut self, program: &Program<'_>, at: u64, item: Value) {
        if !self.may_be_hashed(program, item, 0) && !self.work.is_spent() {
            let line = shown::shown(program, item);
            let message = "hashes an object that may have any attributes".into();
            self.note(Kinds::UnlistedState, at, line, message, false);
        }
    }

    fn contained(&mut self, program: &Program<'_>, at: u64, item: Value) {
        if !(Matcher { judge: self, program }).may_be_handed_on(item, 0) && !self.work.is_spent() {
            let shown = shown::shown(program, item);
            let message = format!("hands on a name that is listed to be called only: `{shown}`");
            self.note(Kinds::ForbiddenArgument, at, shown, message, true);
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
                "what joblib reads as an array is a program where a plain reader runs it",
            ),
            Oddity::ComputedName => (Kinds::ComputedName, "imports a name that is computed"),
            Oddity::ShadowedMemo => {
                (Kinds::ShadowedMemo, "takes a name from a memo slot that was overwritten")
            }
            Oddity::ExtensionCode => (
                Kinds::ExtensionCode,
                "uses an extension code, whose meaning lies outside the file",
            ),
            Oddity::FarMemo(index) => {
                let why = || format!("memo index {index}, up to which a reader allocates a table");
                return self.bomb(at, Gap::LargeMemory, why);
            }
            Oddity::LongNumber(digits) => {
                let why = || format!("a number of {digits} digits, read in quadratic time");
                return self.bomb(at, Gap::LongReading, why);
            }
            Oddity::Doubling(values) => {
                let why = || format!("a structure of {values:.0e} values, one within another");
                return self.bomb(at, Gap::LargeExpansion, why);
            }
        };
        self.note(kind, at, message.into(), message.into(), true);
    }
}

impl Judge<'_> {
    /// What is made to exhaust its reader is a limit that was hit, and the intent of the program;
    /// the first of its kind stands for all.
    fn bomb(&mut self, at: u64, gap: Gap, why: impl FnOnce() -> String) {
        if self.gaps.iter().all(|known| known.gap != gap) {
            let why = why();
            self.note(Kinds::Expansion, at, why.clone(), why.clone(), true);
            self.gaps.push(Refusal::new(at, gap, why));
        }
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
}

/// The positional arguments of a call, where they are all known.
fn arguments(program: &Program<'_>, arguments: Value) -> Option<Vec<Value>> {
    let node = program.heap().of(arguments)?;
    let known = matches!(node.shape, Shape::Tuple | Shape::List) && !node.more;
    known.then(|| program.heap().items(node).to_vec())
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
