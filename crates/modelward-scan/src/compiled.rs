//! What compiled Python does, in the words of a finding: its calls, its names, its texts, and the
//! first of them that is known to be dangerous.
//!
//! Pickles and `.pyc` files carry the same code objects, so both families ask here.

use modelward_formats::marshal::{Code, Use};

use crate::pickle::known;

mod at_import;

/// What some code objects do.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// What the outermost is called.
    pub(crate) name: String,
    /// About how many bytes they take.
    pub(crate) length: u64,
    /// Calls, names and texts of each, the dangerous first.
    pub(crate) shown: String,
    /// What is dangerous in it: `` uses `os.system`, which runs a command in a shell ``.
    pub(crate) danger: Option<String>,
}

impl Account {
    /// Tell of code objects, inner ones before those around them.
    pub(crate) fn of(codes: &[Code]) -> Self {
        const LOOKED_AT: usize = 2000;
        let mut told = codes.iter().take(LOOKED_AT).map(tell).collect::<Vec<_>>();
        told.sort_by_key(|(_, danger)| danger.is_none());
        let danger = told.iter().find_map(|(_, danger)| danger.clone());
        let mut shown = told.iter().take(SHOWN).map(|(line, _)| line.as_str()).collect::<Vec<_>>();
        let more = codes.len().saturating_sub(shown.len());
        let more = format!("and {more} more code objects");
        if codes.len() > shown.len() {
            shown.push(&more);
        }
        let name = codes.last().map_or_else(String::new, |code| shorten(&code.name));
        let texts = codes.iter().flat_map(|code| code.names.iter().chain(&code.texts));
        let length = texts.map(|text| text.len() as u64).sum();
        Self { name, length, shown: shown.join("; "), danger }
    }
}

impl Account {
    /// Tell of the code objects of a compiled module, whose danger is what runs at import.
    pub(crate) fn at_import(codes: &[Code]) -> Self {
        let account = Self::of(codes);
        match at_import::danger(codes) {
            Some((code, danger)) => {
                let (line, _) = tell(code);
                let others = account.shown.split("; ").filter(|other| *other != line);
                let shown = std::iter::once(line.as_str()).chain(others).collect::<Vec<_>>();
                Self { danger: Some(danger), shown: shown.join("; "), ..account }
            }
            None => Self { danger: None, ..account },
        }
    }
}

/// How many code objects, and how many pieces of each, are shown.
const SHOWN: usize = 8;
/// How long one piece is shown.
const LONGEST: usize = 120;

/// One code object, and its danger.
fn tell(code: &Code) -> (String, Option<String>) {
    let name = if code.name.is_empty() { "<unnamed>" } else { &code.name };
    let mut pieces: Vec<(bool, String)> = Vec::new();
    let mut danger = None;
    let mut found = |path: &str, why: &str| {
        danger.get_or_insert_with(|| format!("uses `{path}`, which {why}"));
    };
    match &code.uses {
        Some(uses) => {
            for Use { path, call } in uses {
                let why = danger_of(path);
                if let Some(why) = why {
                    found(path, why);
                }
                pieces.push((why.is_some(), call.clone().unwrap_or_else(|| path.clone())));
            }
            // What belongs to an object that is computed: `m.eval()`.
            let reached = |name: &&String| {
                uses.iter().any(|one| one.path.split('.').any(|part| part == name.as_str()))
            };
            let others = code.names.iter().take(SHOWN.saturating_mul(4));
            let others = others.filter(|name| !reached(name));
            pieces.extend(others.map(|name| (false, format!(".{name}"))));
        }
        // Nothing tells which name belongs to which: each module that is named or spelled with
        // each name.
        None => {
            for path in pairs(code) {
                if let Some(why) = danger_of(&path) {
                    found(&path, why);
                }
            }
            pieces.extend(code.names.iter().map(|name| (false, name.clone())));
        }
    }
    let text = |text: &String| {
        let quoted = format!("{:?}", shorten(text));
        let called = pieces.iter().any(|(_, piece)| piece.contains(&quoted));
        (!text.is_empty() && !called).then_some((false, quoted))
    };
    let texts = code.texts.iter().take(SHOWN.saturating_mul(4)).filter_map(text);
    let texts = texts.collect::<Vec<_>>();
    pieces.sort_by_key(|(dangerous, _)| !dangerous);
    let mut shown = Vec::new();
    for (_, piece) in pieces.into_iter().chain(texts) {
        let piece = shorten(&piece);
        if shown.len() < SHOWN && !shown.contains(&piece) {
            shown.push(piece);
        }
    }
    let shown = if shown.is_empty() { "nothing".into() } else { shown.join(", ") };
    (format!("`{}` uses {shown}", shorten(name)), danger)
}

fn shorten(text: &str) -> String {
    if text.chars().nth(LONGEST).is_none() {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain("...".chars()).collect()
}

/// Names by themselves, and behind each module that stands among the names and the texts.
fn pairs(code: &Code) -> impl Iterator<Item = String> {
    const MOST: usize = 24;
    let names = || code.names.iter().take(MOST);
    let modules = names().chain(code.texts.iter().take(MOST)).filter(|module| {
        module.len() <= LONGEST && module.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    });
    let behind = modules.flat_map(move |module| {
        let others = names().filter(move |name| *name != module);
        others.map(move |name| format!("{module}.{name}"))
    });
    names().cloned().chain(behind)
}

/// What is dangerous about a path, where it begins with a builtin name or a module.
fn danger_of(path: &str) -> Option<&'static str> {
    let split = |(at, _)| Some((path.get(..at)?, path.get(at..)?.strip_prefix('.')?));
    let modules = path.match_indices('.').take(8).filter_map(split);
    let builtin = (!path.contains('.')).then_some(("builtins", path));
    let mut dangers = builtin.into_iter().chain(modules);
    dangers.find_map(|(module, name)| {
        let why = known::danger(module, name)?;
        (!ORDINARY.contains(&why)).then_some(why)
    })
}

/// Dangers of a pickle that any honest function has too.
const ORDINARY: &[&str] = &[
    "reaches the operating system",
    "reaches the file system or, by its imports, the operating system",
    "reaches the interpreter and every loaded module",
    "reaches any attribute by its name",
    "changes any attribute by its name",
    "reaches the variables of the running program",
    "opens a file",
    "takes control of the running program",
    "calls a function that the file chooses",
    "calls functions that the file chooses",
    "makes classes with methods that the file chooses",
];

#[cfg(test)]
mod tests {
    use modelward_formats::marshal::Constant;

    use super::*;

    fn code(instructions: &[u8], names: &[&str], texts: &[&str]) -> Code {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let texts = texts.iter().map(|text| Constant::Text((*text).to_owned())).collect::<Vec<_>>();
        Code::of("f".into(), instructions, names, &texts)
    }

    #[test]
    fn dangerous_calls_come_first_and_are_named() {
        // 3.8: LOAD_GLOBAL, LOAD_METHOD, LOAD_CONST, CALL_METHOD, RETURN_VALUE.
        let instructions = [116, 0, 160, 1, 100, 0, 161, 1, 83, 0];
        let shell = code(&instructions, &["os", "system"], &["echo pwned"]);
        let account = Account::of(&[code(&[116, 0, 83, 0], &["len"], &[]), shell]);
        assert_eq!(account.danger.unwrap(), "uses `os.system`, which runs a command in a shell");
        assert_eq!(account.shown, "`f` uses os.system(\"echo pwned\"); `f` uses len");
    }

    #[test]
    fn the_method_of_a_model_is_no_builtin() {
        let honest = code(&[124, 0, 160, 0, 161, 0, 83, 0], &["eval"], &["text"]);
        let account = Account::of(&[honest]);
        assert_eq!((account.danger, account.shown.as_str()), (None, "`f` uses .eval, \"text\""));
        let names = &["open", "getattr", "os"];
        assert!(Account::of(&[code(&[116, 0, 116, 1, 116, 2], names, &[])]).danger.is_none());
    }

    #[test]
    fn where_the_instructions_tell_nothing_names_do() {
        let of_python_2 = code(&[0xff, 0], &["__import__", "system"], &["os"]);
        let blind = Code { uses: None, ..of_python_2 };
        assert!(Account::of(&[blind]).danger.is_some());
    }
}
