//! The source code inside TorchScript archives, which `torch.jit.load` compiles and runs.
//!
//! Only names are read: what the code calls, and what it defines. The grammar around them is
//! Python's, as torch prints it; where a name stands decides nothing, so what is read here is
//! never less than what torch's own parser makes of the text.
//!
//! Source: PyTorch 2.7 `torch/csrc/jit/frontend/lexer.h`, `serialization/import_source.cpp`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Bytes, Gap, Refusal, zip};

mod token;

use token::{Token, tokens};

/// The source code of an archive.
#[derive(Debug, Default)]
pub struct Code {
    /// The members that hold code, in the order of the archive.
    pub members: Vec<Source>,
    /// What could not be read.
    pub gaps: Vec<Refusal>,
}

/// One member that holds code.
#[derive(Debug, Default)]
pub struct Source {
    /// The member's name.
    pub member: String,
    /// Every dotted name that is used, with the offset at which it is used first.
    pub uses: BTreeMap<Use, u64>,
    /// The classes that it defines, with the module that the member stands for.
    pub classes: Vec<String>,
    /// The functions and methods that it defines.
    pub functions: Vec<String>,
    /// The names that a statement of it binds: `_0 = __torch__.f`.
    pub bound: BTreeSet<String>,
}

/// A dotted name in code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The names between the dots.
    pub path: Vec<String>,
    /// Whether they are looked up on the value of an expression before them.
    pub of_value: bool,
    /// Whether the last of them is called.
    pub called: bool,
}

impl Code {
    /// The code of an archive; none where a loader of TorchScript would find none.
    pub fn read(archive: &zip::Archive) -> Option<Self> {
        let is_program = archive.members.iter().any(|member| {
            let inner = inner(member.name());
            inner == b"data.pkl" || inner == b"constants.pkl"
        });
        if !is_program {
            return None;
        }
        let mut code = Self::default();
        let (mut left, mut found) = (MOST, false);
        for member in &archive.members {
            if inner(member.name()) == b"bytecode.pkl" {
                let why = "code of the lite interpreter is not judged by this version";
                code.gaps.push(Refusal::new(member.at(), Gap::Unsupported, why));
                found = true;
            }
            let Some(module) = module(member.name()) else { continue };
            found = true;
            for view in archive.open(member) {
                // A gap that is the archive's own is told where its members are handed over.
                let Ok(bytes) = view.bytes else { continue };
                match text(&bytes, &mut left) {
                    Ok(text) => code.members.push(Source::read(member.shown(), &module, &text)),
                    Err(refusal) => code.gaps.push(refusal),
                }
            }
            if code.gaps.len() > MOST_GAPS {
                break;
            }
        }
        found.then_some(code)
    }

    /// Whether the code defines this class.
    pub fn defines_class(&self, module: &str, name: &str) -> bool {
        let same = |class: &String| {
            class.strip_prefix(module).and_then(|rest| rest.strip_prefix('.')) == Some(name)
        };
        self.members.iter().any(|source| source.classes.iter().any(same))
    }

    /// Whether the code defines a function or a method of this name.
    pub fn defines_function(&self, name: &str) -> bool {
        self.members.iter().any(|source| source.functions.iter().any(|function| function == name))
    }
}

impl Source {
    fn read(member: String, module: &str, text: &str) -> Self {
        let mut source = Self { member, ..Self::default() };
        let mut tokens = tokens(text).peekable();
        // What stands before the current token: it tells a definition and a lookup on a value.
        let mut before = Token::Newline;
        while let Some((at, token)) = tokens.next() {
            let Token::Name(first) = token else {
                before = token;
                continue;
            };
            let mut path = vec![first.to_owned()];
            while let Some((_, Token::Mark('.'))) = tokens.peek() {
                tokens.next();
                let Some((_, Token::Name(next))) = tokens.peek() else { break };
                path.push((*next).to_owned());
                tokens.next();
            }
            let called = matches!(tokens.peek(), Some((_, Token::Mark('('))));
            let begins = before == Token::Newline && path.len() == 1;
            match before {
                Token::Name("def") => source.functions.push(first.to_owned()),
                Token::Name("class") => source.classes.push(format!("{module}.{first}")),
                _ if KEYWORDS.contains(&first) && path.len() == 1 => {}
                _ => {
                    let of_value = before == Token::Mark('.');
                    let of_what = Use { path, of_value, called };
                    source.uses.entry(of_what).or_insert(at);
                }
            }
            before = Token::Name(first);
            if begins && tokens.next_if(|(_, next)| *next == Token::Mark('=')).is_some() {
                before = Token::Mark('=');
                // Two of them compare.
                if tokens.peek().is_some_and(|(_, next)| *next != before) {
                    source.bound.insert(first.to_owned());
                }
            }
        }
        source
    }
}

/// The module that a member of code stands for: `archive/code/__torch__/a.py` is `__torch__.a`.
fn module(name: &[u8]) -> Option<String> {
    let path = name.strip_prefix(b"code/").or_else(|| inner(name).strip_prefix(b"code/"))?;
    let path = path.strip_suffix(b".py")?;
    Some(String::from_utf8_lossy(path).replace('/', "."))
}

/// A member's name below the top folder of the archive.
fn inner(name: &[u8]) -> &[u8] {
    let slash = name.iter().position(|&byte| byte == b'/');
    slash.and_then(|slash| name.get(slash.saturating_add(1)..)).unwrap_or(name)
}

fn text(bytes: &Bytes, left: &mut u64) -> Result<String, Refusal> {
    match left.checked_sub(bytes.len()) {
        Some(less) => *left = less,
        None => {
            let why = format!("expected at most {} MiB of TorchScript code", MOST >> 20);
            return Err(Refusal::new(0, Gap::LargeMemory, why));
        }
    }
    let text = bytes.take(0, bytes.len())?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Words of the grammar: they name nothing, and a parenthesis behind them calls nothing.
const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "for", "from", "global", "if", "import", "in", "is", "lambda", "not",
    "or", "pass", "raise", "return", "while", "with", "yield",
];

/// The most code of one archive, in bytes: the largest models that are published have some MiB.
const MOST: u64 = 32 << 20;

/// The most gaps of one archive that are told one by one.
const MOST_GAPS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(text: &str) -> Vec<String> {
        let source = Source::read("code/m.py".into(), "m", text);
        let shown = |used: &Use| {
            let (of_value, path) = (if used.of_value { "." } else { "" }, used.path.join("."));
            format!("{of_value}{path}{}", if used.called { "()" } else { "" })
        };
        source.uses.keys().map(shown).collect()
    }

    #[test]
    fn names_are_read_outside_strings_and_comments() {
        let text = "x = torch . save(y, \"torch.load(\\\" \") # ops.aten.save(\n";
        assert_eq!(uses(text), ["torch.save()", "x", "y"]);
        let text = "z = (_0).forward('''a\n'b'.c()''', 1.5, 2.add(\n  3))\n(w).d\n";
        assert_eq!(uses(text), ["_0", "add()", ".d", ".forward()", "w", "z"]);
        assert_eq!(uses("a = f\\\n(b)\nif (c):\n  d\n(e)\n"), ["a", "b", "c", "d", "e", "f()"]);
    }

    #[test]
    fn definitions_are_kept_apart_from_uses() {
        let text = "class M(Module):\n  def save(self, x: Tensor) -> Tensor:\n    return x\n";
        let source = Source::read("a/code/__torch__/b.py".into(), "__torch__.b", text);
        assert_eq!(source.classes, ["__torch__.b.M"]);
        assert_eq!(source.functions, ["save"]);
        let code = Code { members: vec![source], gaps: Vec::new() };
        assert!(code.defines_class("__torch__.b", "M") && !code.defines_class("__torch__", "M"));
        assert!(code.defines_function("save") && !code.defines_function("M"));
    }

    #[test]
    fn names_that_statements_bind_are_known() {
        let text = "def f(x):\n  _0 = __torch__.g\n  y == 1\n  _0(x, z=1)\n  a, = b\n";
        let source = Source::read("code/m.py".into(), "m", text);
        assert_eq!(source.bound.into_iter().collect::<Vec<_>>(), ["_0"]);
        let uses = source.uses.into_keys().map(|used| used.path.join("."));
        assert!(uses.collect::<Vec<_>>().contains(&"__torch__.g".to_owned()));
    }

    #[test]
    fn a_member_of_code_stands_for_a_module() {
        let module = |name: &str| module(name.as_bytes());
        assert_eq!(module("m/code/__torch__/a/b.py").as_deref(), Some("__torch__.a.b"));
        assert_eq!(module("code/__torch__.py").as_deref(), Some("__torch__"));
        assert_eq!(module("m/extra/code/a.py"), None);
        assert_eq!(module("m/code/a.py.debug_pkl"), None);
    }
}
