//! What is known of names that pickles import: the allow-list, and the list of dangers.
//!
//! The lists are data, one file a library, in the form that `known/README.md` tells. The list of
//! dangers only raises a severity and supplies the sentence; it never lets anything pass.

use std::{
    collections::HashMap,
    iter::successors,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use memchr::memmem;

use super::shape::{OneOf, Parser, Slot};

/// What a name may be used for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// It may be imported and handed on.
    pub(crate) value: bool,
    /// Nothing that is handed on may call it, with arguments of the file's.
    pub(crate) uncalled: bool,
    /// What it makes may be the key of a dict or an item of a set: its `__hash__` was read.
    pub(crate) key: bool,
    /// An instance may be made without arguments, and given a state.
    pub(crate) class: bool,
    /// It is an enumeration.
    pub(crate) enumeration: bool,
    /// Items may be added to what it makes.
    pub(crate) items: bool,
    /// It may be called with arguments that look like one of these.
    pub(crate) calls: Vec<Vec<Slot>>,
    /// What it makes may be given a state that looks like one of these.
    pub(crate) states: Vec<OneOf>,
    /// What the things it makes are called in shapes.
    pub(crate) makes: Vec<String>,
    /// It has a rule of its own.
    pub(crate) special: Option<Special>,
}

/// Names that the judge has a rule of its own for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// `functools.partial`: its first argument counts as called.
    Partial,
    /// `copyreg._reconstructor`.
    Reconstructor,
    /// `copyreg.__newobj__`.
    NewObject,
    /// `torch._tensor._rebuild_from_type_v2`: its first argument is called with its third.
    RebuildFromType,
    /// `torch.storage._load_from_bytes`: the bytes are a checkpoint of their own.
    NestedTorch,
    /// `builtins.getattr`, on an enumeration alone.
    EnumMember,
    /// `numpy.dtype`.
    NumpyDtype,
    /// `pyarrow.lib._restore_array`: its buffers hold what the array says.
    ArrowArray,
}

impl Entry {
    /// Read the kinds of an entry: what stands behind its colon.
    pub(crate) fn parse(kinds: &str) -> Result<Self, String> {
        let mut entry = Self::default();
        let mut parser = Parser::new(kinds);
        loop {
            match parser.word() {
                "value" => entry.value = true,
                "uncalled" => entry.uncalled = true,
                "key" => entry.key = true,
                "class" => entry.class = true,
                "enum" => entry.enumeration = true,
                "items" => entry.items = true,
                "call" => entry.calls.push(parser.slots()?),
                "state" => entry.states.push(parser.one_of(0)?),
                "makes" => entry.makes.push(parser.word().into()),
                "partial" => entry.special = Some(Special::Partial),
                "reconstructor" => entry.special = Some(Special::Reconstructor),
                "newobj" => entry.special = Some(Special::NewObject),
                "rebuild-from-type" => entry.special = Some(Special::RebuildFromType),
                "nested-torch" => entry.special = Some(Special::NestedTorch),
                "enum-member" => entry.special = Some(Special::EnumMember),
                "arrow-array" => entry.special = Some(Special::ArrowArray),
                "numpy-dtype" => entry.special = Some(Special::NumpyDtype),
                other => return Err(format!("expected a kind, got `{other}{}`", parser.rest())),
            }
            if parser.rest().is_empty() {
                return Ok(entry);
            }
            if !parser.take(",") {
                return Err(format!("expected `,`, got `{}`", parser.rest()));
            }
        }
    }

    /// What either of two entries of a name allows.
    pub(crate) fn or(mut self, mut other: Self) -> Self {
        // A class without a state of its own takes the attributes of any object.
        let one_states = self.class && self.states.is_empty();
        let other_states = other.class && other.states.is_empty();
        if one_states != other_states {
            self.states.extend(Parser::new(ATTRIBUTES).one_of(0).ok());
        }
        self.value |= other.value;
        self.class |= other.class;
        self.enumeration |= other.enumeration;
        self.items |= other.items;
        self.calls.append(&mut other.calls);
        self.states.append(&mut other.states);
        self.makes.append(&mut other.makes);
        self.special = self.special.or(other.special);
        self
    }

    /// Whether an import of it may be handed on: stored, or given as an argument.
    pub(crate) fn may_be_handed_on(&self) -> bool {
        self.value || self.class || self.enumeration
    }
}

/// The state of a class that has no `__setstate__`.
const ATTRIBUTES: &str = "none|{}|(none|{}, none|{})";

/// A line of a list: module, qualified name, kinds.
pub(crate) fn split(line: &str) -> Option<(&str, &str, &str)> {
    let (module, rest) = line.trim().split_once(' ')?;
    let (name, kinds) = rest.split_once(" : ")?;
    Some((module, name.trim(), kinds.trim()))
}

/// The kinds of a name, as its list writes them.
pub(crate) fn kinds(module: &str, name: &str) -> Option<&'static str> {
    if LOOKED_UP.fetch_add(1, Relaxed) < FEW {
        return search(module, name);
    }
    LISTED.get(&(module, name)).copied()
}

/// Find an entry in the text of the lists. Most files use a handful of names, and a table of all
/// lists takes longer to build than to search for these.
fn search(module: &str, name: &str) -> Option<&'static str> {
    let line = format!("\n{module} {name} : ");
    let finder = memmem::Finder::new(&line);
    LISTS.iter().find_map(|list| {
        let at = finder.find(list.as_bytes())?.checked_add(line.len())?;
        list.get(at..)?.lines().next().map(str::trim)
    })
}

/// Lookups after which the table is worth its building.
const FEW: usize = 64;
static LOOKED_UP: AtomicUsize = AtomicUsize::new(0);

/// What is known to be dangerous about a name, as a sentence without its subject.
pub(crate) fn danger(module: &str, name: &str) -> Option<&'static str> {
    let of = |table: &Table, module| {
        [name, "*"].iter().find_map(|name| table.get(&(module, *name)).copied())
    };
    of(&DANGERS, module).or_else(|| above(module).find_map(|package| of(&PACKAGES, package)))
}

/// A module, and the packages that it lies in, nearest first.
fn above(module: &str) -> impl Iterator<Item = &str> {
    successors(Some(module), |module| module.rsplit_once('.').map(|(above, _)| above))
}

type Table = HashMap<(&'static str, &'static str), &'static str>;

static LISTED: LazyLock<Table> =
    LazyLock::new(|| entries().map(|(module, name, kinds)| ((module, name), kinds)).collect());

static DANGERS: LazyLock<Table> = LazyLock::new(|| dangers().collect());

/// Names of a package and of every module below it: `PACKAGE.* NAME`.
static PACKAGES: LazyLock<Table> = LazyLock::new(|| {
    let below = |((module, name), why): ((&'static str, _), _)| {
        module.strip_suffix(".*").map(|package| ((package, name), why))
    };
    dangers().filter_map(below).collect()
});

fn dangers() -> impl Iterator<Item = ((&'static str, &'static str), &'static str)> {
    content(DANGEROUS).filter_map(|line| {
        let (names, sentence) = line.split_once(" = ")?;
        let (module, name) = names.trim().split_once(' ')?;
        Some(((module, name.trim()), sentence.trim()))
    })
}

fn entries() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    LISTS.iter().flat_map(|list| content(list)).filter_map(split)
}

/// The lines that are neither blank, comment, section nor reason.
fn content(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '[', '=']))
}

const DANGEROUS: &str = include_str!("known/dangerous.names");

const LISTS: &[&str] = &[
    include_str!("known/accelerate.names"),
    include_str!("known/dill.names"),
    include_str!("known/flair.names"),
    include_str!("known/joblib.names"),
    include_str!("known/lightgbm.names"),
    include_str!("known/lightning.names"),
    include_str!("known/numpy.names"),
    include_str!("known/omegaconf.names"),
    include_str!("known/pandas.names"),
    include_str!("known/pyannote.names"),
    include_str!("known/scikit_learn.names"),
    include_str!("known/scipy.names"),
    include_str!("known/standard_library.names"),
    include_str!("known/torch.names"),
    include_str!("known/torchvision.names"),
    include_str!("known/transformers.names"),
    include_str!("known/ultralytics.names"),
    include_str!("known/xgboost.names"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_entry_is_well_formed_and_stands_once() {
        let mut seen = BTreeSet::new();
        for (module, name, kinds) in entries() {
            if let Err(why) = Entry::parse(kinds) {
                panic!("{module} {name}: {why}");
            }
            assert_eq!(search(module, name), Some(kinds), "{module} {name}: one way to write it");
            assert!(seen.insert((module, name)), "{module} {name} stands twice");
        }
        for list in LISTS {
            for line in content(list) {
                assert!(split(line).is_some(), "not an entry: {line}");
            }
        }
    }

    #[test]
    fn two_entries_of_a_name_allow_what_either_does() {
        let read = |kinds| Entry::parse(kinds).unwrap();
        let both = read("class, items").or(read("value, call (int), state (int)"));
        let plain = format!("value, class, items, call (int), state {ATTRIBUTES}, state (int)");
        assert_eq!(both, read(&plain));
        let plain = format!("class, call (int), state {ATTRIBUTES}");
        assert_eq!(read("call (int)").or(read("class")), read(&plain));
        assert_eq!(read("class").or(read("class")), read("class"));
        assert_eq!(read("class").or(read("value")).states.len(), 1);
    }

    #[test]
    fn no_name_is_both_listed_and_dangerous() {
        for (module, name, kinds) in entries() {
            let special = Entry::parse(kinds).unwrap().special.is_some();
            let plain = PLAIN_OF_DANGEROUS_MODULES.contains(&(module, name))
                && !DANGERS.contains_key(&(module, name));
            let dangerous = !special && !plain && danger(module, name).is_some();
            assert!(!dangerous, "{module} {name} is in both lists");
        }
    }

    /// Plain values whose whole module is told as dangerous.
    const PLAIN_OF_DANGEROUS_MODULES: &[(&str, &str)] = &[
        ("http", "HTTPMethod"),
        ("http", "HTTPStatus"),
        ("inspect", "_ParameterKind"),
        ("os", "stat_result"),
        ("os", "terminal_size"),
        ("signal", "Handlers"),
        ("signal", "Sigmasks"),
        ("signal", "Signals"),
        ("socket", "AddressFamily"),
        ("socket", "AddressInfo"),
        ("socket", "MsgFlag"),
        ("socket", "SocketKind"),
        ("tarfile", "TarInfo"),
        ("zipfile", "ZipInfo"),
    ];

    #[test]
    fn a_danger_is_found_by_its_name_its_module_or_a_package_above() {
        for (module, name) in [
            ("posix", "system"),
            ("subprocess", "Popen"),
            ("torch._inductor.codecache", "compile_file"),
            ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
        ] {
            assert!(danger(module, name).is_some(), "{module} {name}");
        }
        for (module, name) in [("collections", "OrderedDict"), ("subprocess_of_mine", "run")] {
            assert_eq!(danger(module, name), None, "{module} {name}");
        }
    }
}
