//! The judge of pickle programs: looks on while one runs, and holds every import, call and state
//! against the allow-list. What is not proven harmless is kept as an [`Effect`]; the checks of
//! this family each report one kind of them.

use std::{
    collections::{HashMap, HashSet},
    iter::once,
};

use modelward_formats::{
    Gap, Refusal,
    pickle::{
        self, Call, Observer, Oddity, Program, opcode,
        value::{Kind, Shape, Value},
    },
};

use super::{
    facts::{Allowed, Facts, Standing, Work, loaded},
    known::Special,
    matching::Matcher,
    shown,
};
use crate::container::Neighbours;

mod code;
mod judgement;
mod listed;
mod objects;
mod words;

pub(crate) use judgement::{Effect, Judged, Kinds};

use words::{called, imported};

/// Judge a pickle file among what lies around it.
pub(crate) fn judge(
    pickle: &pickle::Pickle,
    allowed: &Allowed,
    neighbours: Neighbours<'_>,
) -> Judged {
    let work = Work::for_program(pickle.bytes().len());
    let mut judge = Judge::new(Facts::new(allowed, neighbours, work));
    let traces = pickle.run(&mut judge);
    if judge.facts.work.is_spent() {
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
    facts: Facts<'a>,
    gaps: Vec<Refusal>,
    /// Keys of the storages that were looked at, with what they ought to hold.
    storages: HashSet<(String, Option<u64>)>,
    /// Names that are not listed, by index, with the first call of each.
    called: HashMap<u32, Effect>,
    effects: Vec<Effect>,
    /// How often each kind was seen with the same message: the first is kept.
    seen: HashSet<(Kinds, String)>,
    /// Names that are listed and were called.
    used: HashSet<u32>,
    /// Constants that were read as code.
    read: HashSet<(u64, u64)>,
    /// How many bytes of code were read.
    read_code: u64,
}

impl<'a> Judge<'a> {
    fn new(facts: Facts<'a>) -> Self {
        let (called, effects, seen, gaps) = Default::default();
        let (used, storages, read, read_code) = Default::default();
        Self { facts, gaps, storages, called, effects, seen, used, read, read_code }
    }

    /// Everything that is not proven harmless, calls of unlisted names included.
    fn verdicts(mut self) -> Vec<Effect> {
        for (index, name) in (0_u32..).zip(&self.facts.names) {
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
}

impl Observer for Judge<'_> {
    fn import(&mut self, program: &Program<'_>, at: u64, import: u32) {
        let Some(import) = program.import(import) else { return };
        let name = self.facts.weigh(import, at);
        self.facts.names.push(name);
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
        let standing = self.facts.name(index).map(|name| name.standing.clone());
        match standing {
            Some(Standing::Listed(entry)) => {
                self.used.insert(index);
                if !self.facts.work.spend_on(program, call.arguments) {
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
                if self.facts.work.is_spent() {
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
                    let marshalled =
                        self.facts.name(index).is_some_and(|name| name.module == "marshal");
                    self.code(program, at, call, marshalled);
                }
                if !self.called.contains_key(&index)
                    && let Some(name) = self.facts.name(index)
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
            self.facts.touched.insert(index);
        }
        let given = program.heap().items_of(object, Shape::Persistent).is_some();
        if given || matches!(object.kind(), Kind::Import(_)) {
            let message = "changes the attributes of a class or a module".into();
            self.note(Kinds::UnlistedState, at, line(program), message, true);
            return;
        }
        // Keys are read as text, again and again.
        let keys = program.heap().of(state).map_or(0, |node| program.heap().items(node).len());
        if !self.facts.work.spend(keys.saturating_mul(48)) {
            return;
        }
        let halves = program.heap().items_of(state, Shape::Tuple).unwrap_or_default();
        for &half in once(&state).chain(halves) {
            self.facts.sealed.seal(program, half);
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
        let maker = self.facts.maker(program, object);
        let entry = maker.and_then(|index| self.facts.entry_of(index));
        let known = maker.and_then(|index| self.facts.name(index)).map(|name| &name.standing);
        if matches!(known, Some(Standing::TorchScript)) {
            return;
        }
        // scikit-learn formats it, whatever it is, before it looks at anything else.
        let version = program.entry(state, "_sklearn_version");
        let more =
            program.heap().of(state).is_some_and(|node| node.shape == Shape::Dict && node.more);
        if more {
            let message = "gives an object more attributes than are looked at".into();
            self.note(Kinds::UnlistedState, at, line(program), message, false);
        }
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
            && !self.facts.work.is_spent()
        {
            let name = maker.and_then(|index| self.facts.name(index));
            let name =
                name.map_or_else(String::new, |name| format!("{}.{}", name.module, name.name));
            let message =
                format!("gives `{name}` a state that is not of the kind that the allow-list knows");
            self.note(Kinds::UnlistedState, at, line(program), message, false);
        }
    }

    fn grown(&mut self, program: &Program<'_>, at: u64, container: u32) {
        if self.facts.sealed.is_sealed(container) {
            let message = "adds to what an object was made of before".into();
            let line = program.heap().value(container).map(|value| shown::shown(program, value));
            self.note(Kinds::UnlistedState, at, line.unwrap_or_default(), message, false);
        }
    }

    fn items(&mut self, program: &Program<'_>, at: u64, object: Value, by: &'static str) {
        if let Kind::Node(index) = object.kind() {
            self.facts.touched.insert(index);
        }
        let maker = self.facts.maker(program, object);
        let given = program.heap().items_of(object, Shape::Persistent).is_some();
        let entry = maker.and_then(|index| self.facts.entry_of(index));
        // What a dict holds may answer where `append` is looked up on it.
        let keyed = matches!(by, "SETITEM" | "SETITEMS");
        let name = maker.and_then(|index| self.facts.name(index));
        let listed = name.is_some_and(|name| {
            keyed || LISTS.contains(&(name.module.as_str(), name.name.as_str()))
        });
        if given || entry.is_some_and(|entry| !entry.items || !listed) {
            let message = "adds items to what is no listed container".into();
            let line = shown::shown(program, object);
            self.note(Kinds::UnlistedState, at, line, message, false);
        }
    }

    fn hashed(&mut self, program: &Program<'_>, at: u64, item: Value) {
        if !self.facts.may_be_hashed(program, item, 0) && !self.facts.work.is_spent() {
            let line = shown::shown(program, item);
            let message = "hashes an object that may have any attributes".into();
            self.note(Kinds::UnlistedState, at, line, message, false);
        }
    }

    fn contained(&mut self, program: &Program<'_>, at: u64, item: Value) {
        if !(Matcher { facts: &self.facts, program }).may_be_handed_on(item, 0)
            && !self.facts.work.is_spent()
        {
            let shown = shown::shown(program, item);
            let message = format!("hands on a name that is listed to be called only: `{shown}`");
            self.note(Kinds::ForbiddenArgument, at, shown, message, true);
        }
    }

    fn persistent(&mut self, program: &Program<'_>, at: u64, id: Value) {
        if !self.facts.is_torch_id(program, id) {
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

/// Classes whose instances take items that have no key, and look nothing up among them.
const LISTS: &[(&str, &str)] =
    &[("builtins", "list"), ("builtins", "set"), ("collections", "deque")];

/// Methods that an unpickler looks up on the instance when the program adds items.
const ADDERS: &[&str] = &["append", "extend", "add"];
