//! What a compiled module does while it is imported: the module itself, its class bodies, and the
//! functions of its own that these call. A function that is only defined does nothing yet.
//!
//! This weighs a finding, and lets nothing pass: who writes bytecode by hand can make it look
//! quieter than it is.

use std::{
    collections::{HashMap, HashSet},
    iter, ptr,
};

use modelward_formats::marshal::{Code, Use};

use super::{danger_of, pairs};
use crate::pickle::known;

/// The first thing that runs when the module is imported and that reaches processes, the network,
/// code in bytes or text, native libraries, or files: `` uses `os.system`, which ... ``.
pub(super) fn danger(codes: &[Code]) -> Option<(&Code, String)> {
    let module = Module::new(codes)?;
    module.reached().into_iter().find_map(|code| Some((code, module.danger(code)?)))
}

/// Code objects of one file, and what its outermost one imported.
struct Module<'c> {
    codes: &'c [Code],
    top: &'c Code,
    /// Modules that are imported whole: `os`.
    whole: HashSet<&'c str>,
    /// What names stand for: `system` for `os.system`.
    parts: HashMap<&'c str, &'c str>,
    /// Functions and classes by the name that code calls them by.
    named: HashMap<&'c str, Vec<&'c Code>>,
    /// Methods by their class; before 3.11 names are not qualified, and each may be of any class.
    methods: HashMap<&'c str, Vec<&'c Code>>,
    qualified: bool,
}

impl<'c> Module<'c> {
    fn new(codes: &'c [Code]) -> Option<Self> {
        let (top, inner) = codes.split_last()?;
        let (mut whole, mut parts) = (HashSet::new(), HashMap::new());
        let (mut named, mut methods) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for Use { path, .. } in top.uses.iter().flatten() {
            match path.rsplit_once('.') {
                Some((_, last)) => drop(parts.entry(last).or_insert(path.as_str())),
                None => drop(whole.insert(path.as_str())),
            }
        }
        let qualified = inner.iter().any(|code| code.name.contains('.'));
        for code in inner {
            match code.name.rsplit_once('.') {
                Some((around, last)) if around.ends_with("<locals>") => {
                    named.entry(last).or_default().push(code);
                }
                Some((class, _)) => methods.entry(class).or_default().push(code),
                None => named.entry(code.name.as_str()).or_default().push(code),
            }
        }
        Some(Self { codes, top, whole, parts, named, methods, qualified })
    }

    /// The code that runs at import, the outermost first.
    fn reached(&self) -> Vec<&'c Code> {
        if self.top.uses.is_none() {
            return self.codes.iter().rev().take(MOST).collect();
        }
        let at_once = |code: &&Code| !code.name.contains("<locals>") && runs_where_it_stands(code);
        let mut reached = vec![self.top];
        reached.extend(self.codes.iter().rev().skip(1).filter(at_once));
        let mut seen = reached.iter().map(|&code| ptr::from_ref(code)).collect::<HashSet<_>>();
        let (mut next, mut steps) = (0, 0_usize);
        while let Some(&code) = reached.get(next).filter(|_| next < MOST && steps < STEPS) {
            next = next.saturating_add(1);
            let own = code.name.rsplit_once('.').map(|(class, _)| class);
            let mut classes = own.into_iter().collect::<Vec<_>>();
            if !self.qualified && next > 1 && !is_class(code) {
                classes.push("");
            }
            for used in code.uses.iter().flatten() {
                let first = used.path.split('.').next().unwrap_or_default();
                for &code in self.named.get(first).into_iter().flatten() {
                    if is_class(code) {
                        classes.extend(used.call.as_ref().map(|_| first));
                    } else if seen.insert(ptr::from_ref(code)) {
                        reached.push(code);
                    }
                }
            }
            classes.sort_unstable();
            classes.dedup();
            // What is made at import is made by these, and its methods may be called.
            let names = code.names.iter().map(String::as_str).collect::<HashSet<_>>();
            for class in classes {
                for &method in self.methods_of(class) {
                    steps = steps.saturating_add(1);
                    let last = method.name.rsplit('.').next().unwrap_or_default();
                    let runs = MAKERS.contains(&last) || names.contains(last);
                    if runs && seen.insert(ptr::from_ref(method)) {
                        reached.push(method);
                    }
                }
            }
        }
        reached
    }

    fn methods_of(&self, class: &str) -> impl Iterator<Item = &&'c Code> {
        let of_any = self.named.values().filter(|_| !self.qualified);
        self.methods.get(class).into_iter().chain(of_any).flatten()
    }

    fn danger(&self, code: &Code) -> Option<String> {
        let Some(uses) = &code.uses else {
            // Nothing tells which name belongs to which.
            let told = |path: String| {
                let why = told(&path)?;
                acts(&path).then(|| format!("uses `{path}`, which {why}"))
            };
            return pairs(code).find_map(told);
        };
        let top = ptr::eq(code, self.top);
        let mut before = HashSet::new();
        let found = uses.iter().find_map(|used| {
            let path = self.resolved(&used.path, top);
            let again = !before.insert(path.clone());
            let module = path.rsplit_once('.').map(|(module, _)| module);
            // `from os import system` is no use of it yet; a call is, and every later look at it.
            let imported = module.is_some_and(|module| self.whole.contains(module));
            let looked_at = again || imported || module.is_none() || !top;
            if writes(&path, used.call.as_deref()) {
                return Some(format!("uses `{path}`, and writes a file"));
            }
            let why = told(&path)?;
            let acts = match used.call {
                Some(_) => acts(&path) || BY_ANY_CALL.contains(&why) && !is_quiet(&path),
                None => acts_when_seen(&path) && looked_at,
            };
            acts.then(|| format!("uses `{path}`, which {why}"))
        });
        found.or_else(|| if uses.len() < FOLLOWED { None } else { self.danger_behind(code) })
    }

    /// The danger of code that is too long to be followed to its end: by its names alone.
    fn danger_behind(&self, code: &Code) -> Option<String> {
        let names = || code.names.iter().map(String::as_str);
        let ends = names().filter(|name| !self.named.contains_key(name));
        ends.filter(|name| SEEN.contains(name) || BUILTINS.contains(name)).find_map(|name| {
            let paths = names().map(|module| format!("{module}.{name}"));
            let mut paths = iter::once(name.to_owned()).chain(paths);
            paths.find_map(|path| {
                let why = told(&path)?;
                acts_when_seen(&path).then(|| format!("uses `{path}`, which {why}"))
            })
        })
    }

    /// A path with what its first part was imported as.
    fn resolved(&self, path: &str, top: bool) -> String {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        match self.parts.get(first).filter(|_| !top && !self.named.contains_key(first)) {
            Some(whole) if rest.is_empty() => (*whole).to_owned(),
            Some(whole) => format!("{whole}.{rest}"),
            None => path.to_owned(),
        }
    }
}

/// Class bodies, comprehensions and generators run where they stand; a lambda is taken to.
fn runs_where_it_stands(code: &Code) -> bool {
    let last = code.name.rsplit('.').next().unwrap_or_default();
    is_class(code) || last.starts_with('<') || last == "__init_subclass__"
}

fn is_class(code: &Code) -> bool {
    let has = |name| code.names.iter().take(8).any(|known| known == name);
    has("__module__") && has("__name__")
}

/// What is told of a path, where it is one of these dangers.
fn told(path: &str) -> Option<&'static str> {
    let plain = path.starts_with("urllib.parse.")
        || path.match_indices('.').take(8).map(|(at, _)| path.split_at(at).0).any(|class| {
            class
                .rsplit_once('.')
                .is_some_and(|(module, name)| known::kinds(module, name).is_some())
        });
    danger_of(path).filter(|why| {
        let fetches = FETCHES.iter().any(|name| path.ends_with(name));
        !plain && (BY_ANY_CALL.contains(why) || BY_NAME.contains(why) && !fetches)
    })
}

/// Whether a call of a path does harm by itself.
fn acts(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default();
    path.contains('.') && ACTS.contains(&last) || acts_when_seen(path)
}

/// Whether a look at a path is enough, because not every call is followed: nobody hands these on
/// without a reason.
fn acts_when_seen(path: &str) -> bool {
    let mut parts = path.rsplit('.');
    let last = parts.next().unwrap_or_default();
    let starts = ["exec", "spawn", "posix_spawn", "popen"].iter().any(|it| last.starts_with(it));
    match path.contains('.') {
        false => BUILTINS.contains(&path),
        true => SEEN.contains(&last) || starts || parts.any(|part| LIBRARIES.contains(&part)),
    }
}

/// Whether a call of it may do nothing yet: exceptions, structures, look-ups.
fn is_quiet(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default();
    let quiet = ["get", "_", "dump", "which", "copyfileobj", "mkdir", "makedirs"];
    last.starts_with(|c: char| c.is_uppercase()) || quiet.iter().any(|it| last.starts_with(it))
}

/// Whether a call opens a file to be written: `open("x", "wb")`.
fn writes(path: &str, call: Option<&str>) -> bool {
    if !matches!(path, "open" | "io.open" | "codecs.open" | "builtins.open" | "_io.open") {
        return false;
    }
    let mode = call.and_then(|call| call.split_once(", \""));
    let mode = mode.and_then(|(_, rest)| rest.split_once('"')).map_or("", |(mode, _)| mode);
    mode.len() <= 4 && mode.contains(['w', 'a', 'x', '+'])
}

/// The most code objects that are looked at.
const MOST: usize = 2000;
/// The most methods that are looked at, one class after the other.
const STEPS: usize = 1 << 22;
/// How many names the walk over one code object follows.
const FOLLOWED: usize = 256;

/// What runs when an object is made of a class, and when it is called.
const MAKERS: &[&str] = &["__init__", "__new__", "__call__", "__post_init__"];

/// Builtin functions that run what they are given.
const BUILTINS: &[&str] = &["exec", "eval", "execfile"];

/// Ways to a function of a native library.
const LIBRARIES: &[&str] = &["cdll", "windll", "oledll", "pydll"];

/// Functions and classes behind a module that is told as dangerous, of which a look counts.
const SEEN: &[&str] = &[
    "system",
    "startfile",
    "fork",
    "forkpty",
    "run",
    "call",
    "check_call",
    "check_output",
    "Popen",
    "getoutput",
    "getstatusoutput",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "urlopen",
    "urlretrieve",
    "get",
    "post",
    "put",
    "request",
    "run_path",
    "run_module",
    "CDLL",
    "PyDLL",
    "WinDLL",
    "OleDLL",
    "LoadLibrary",
    "load_library",
];

/// The same, of which a call counts.
const ACTS: &[&str] = &[
    "kill",
    "HTTPConnection",
    "HTTPSConnection",
    "socket",
    "create_connection",
    "create_server",
    "Session",
    "PoolManager",
    "FTP",
    "SMTP",
    "open_new",
    "open_new_tab",
    "loads",
    "load",
    "FunctionType",
    "CodeType",
    "remove",
    "unlink",
    "rename",
    "replace",
    "rmdir",
    "removedirs",
    "truncate",
    "chmod",
    "symlink",
    "rmtree",
    "move",
    "copy",
    "copy2",
    "copyfile",
    "copytree",
    "main",
    "setup",
    "decode",
];

/// Names that mean the network where a module is told to reach it, and elsewhere a look-up.
const FETCHES: &[&str] = &[".get", ".post", ".put", ".request"];

/// Dangers of which each call counts.
const BY_ANY_CALL: &[&str] = &[
    "runs a command in a shell",
    "runs a command",
    "runs source text in a shell",
    "starts another program",
    "starts another program or process",
    "replaces this process by another program",
    "starts a program on a terminal",
    "starts programs here or on another machine",
    "runs git",
    "fetches or sends data over the network",
    "connects to the network",
    "speaks HTTP to another machine",
    "fetches a file over the network",
    "fetches files over the network",
    "fetches models or code over the network",
    "fetches code over the network or compiles it",
    "opens a web page",
    "executes source text",
    "evaluates source text",
    "compiles and runs source text",
    "runs a module or a script",
    "turns bytes into code",
    "changes or removes files",
    "copies, moves or removes files",
    "writes files",
];

/// Dangers of which only these functions count: their modules do much else.
const BY_NAME: &[&str] = &[
    "runs or compiles source text",
    "makes functions or code out of the file",
    "loads another pickle, unseen",
    "loads a native library",
    "loads native libraries and reaches memory",
    "installs packages or runs their build",
    "decodes a hidden payload by a codec that the file chooses",
];
