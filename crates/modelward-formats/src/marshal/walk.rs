//! A walk over bytecode that follows names, attributes, imports and calls, and nothing else.
//!
//! It is here to show what a function does, not to prove that it does no more: where an
//! instruction is none that it follows, it forgets the stack and goes on.

use std::collections::HashMap;

use super::{
    Constant, Use,
    dialect::{Dialect, Does},
};

/// What a function uses, in the order of its code, under the first dialect that fits; `None`
/// where none does.
pub(super) fn walk(
    code: &[u8],
    names: &[String],
    constants: &[Constant],
    dialects: &[&Dialect],
) -> Option<Vec<Use>> {
    dialects.iter().find_map(|dialect| {
        if !fits(code, dialect) {
            return None;
        }
        let (stack, uses, variables, named) = Default::default();
        let mut walk = Walk { names, constants, dialect, stack, uses, variables, named };
        walk.run(code).map(|()| walk.uses)
    })
}

/// Whether the code opens as a function of this version does, and leaves the room for caches
/// that it leaves.
fn fits(code: &[u8], dialect: &Dialect) -> bool {
    let units = code.as_chunks::<2>().0;
    if units.iter().any(|[opcode, _]| dialect.without.contains(opcode)) {
        return false;
    }
    let Some(resume) = dialect.resume else { return true };
    let opens = units
        .iter()
        .find(|[opcode, _]| *opcode == resume || !dialect.before_resume.contains(opcode));
    if opens.is_none_or(|[opcode, _]| *opcode != resume) {
        return false;
    }
    units.iter().enumerate().all(|(i, [opcode, _])| {
        let Some((_, room)) = dialect.caches.iter().find(|(of, _)| of == opcode) else {
            return true;
        };
        let behind = units.iter().skip(i.saturating_add(1));
        behind.take_while(|[opcode, _]| *opcode == 0).count() == *room
    })
}

/// What lies on the stack, as far as it is known.
#[derive(Clone, Debug)]
enum Operand {
    /// What a name reaches, and the use of it that was noted.
    Path {
        path: String,
        of: Option<usize>,
    },
    Constant(usize),
    Number(u32),
    Other,
}

struct Walk<'a> {
    names: &'a [String],
    constants: &'a [Constant],
    dialect: &'a Dialect,
    stack: Vec<Operand>,
    uses: Vec<Use>,
    /// Variables that hold what a name reaches.
    variables: HashMap<u32, String>,
    /// Names of the module that do, because this very code bound them.
    named: HashMap<u32, String>,
}

/// The longest stack that is remembered, the longest path, and the most uses.
const MOST: usize = 256;
const LONGEST: usize = 300;

impl Walk<'_> {
    /// `None` where an argument names what is not there: the dialect is another.
    fn run(&mut self, code: &[u8]) -> Option<()> {
        let mut wide = 0_u32;
        for &[opcode, low] in code.as_chunks::<2>().0 {
            let argument = wide << 8 | u32::from(low);
            let does = self.dialect.does(opcode);
            if does == Does::Extends {
                wide = argument & 0x00ff_ffff;
                continue;
            }
            wide = 0;
            if self.stack.len() > MOST {
                self.stack.clear();
            }
            self.step(does, opcode, argument)?;
        }
        Some(())
    }

    fn step(&mut self, does: Does, opcode: u8, argument: u32) -> Option<()> {
        match does {
            Does::Nothing | Does::Extends => {}
            Does::LoadsName | Does::LoadsGlobal => {
                let flags = if does == Does::LoadsGlobal { self.dialect.name_flags } else { 0 };
                let index = argument >> flags;
                let name = self.name(index)?;
                let path = self.named.get(&index).cloned().unwrap_or(name);
                self.reach(path);
            }
            Does::LoadsAttribute => {
                // LOAD_METHOD never had flags.
                let flags = if opcode == 160 { 0 } else { self.dialect.attribute_flags };
                let name = self.name(argument >> flags)?;
                let object = self.stack.pop();
                self.attribute(object, &name);
            }
            Does::Imports => {
                let name = self.name(argument)?;
                self.stack.truncate(self.stack.len().saturating_sub(2));
                self.reach(name);
            }
            Does::ImportsFrom => {
                let name = self.name(argument)?;
                let module = self.stack.last().cloned();
                if let Some(Operand::Path { path, .. }) = &module {
                    // The module below stays for the next name, and its use is spoken for.
                    let module = Operand::Path { path: path.clone(), of: None };
                    self.stack.pop();
                    self.stack.push(module);
                }
                self.attribute(module, &name);
            }
            Does::StoresName => {
                self.name(argument)?;
                match self.stack.pop() {
                    Some(Operand::Path { path, .. }) => self.named.insert(argument, path),
                    _ => self.named.remove(&argument),
                };
            }
            Does::LoadsVariable => self.load(argument),
            Does::StoresVariable => self.store(argument),
            Does::LoadsTwo => {
                self.load(argument >> 4);
                self.load(argument & 15);
            }
            Does::StoresAndLoads => {
                self.store(argument >> 4);
                self.load(argument & 15);
            }
            Does::StoresTwo => {
                self.store(argument >> 4);
                self.store(argument & 15);
            }
            Does::LoadsConstant => {
                let index = usize::try_from(argument).ok()?;
                self.constants.get(index)?;
                self.stack.push(Operand::Constant(index));
            }
            Does::LoadsNumber => self.stack.push(Operand::Number(argument)),
            Does::Calls => self.call(argument),
            Does::CallsWithKeywords => {
                self.stack.pop();
                self.call(argument);
            }
            Does::Pops => {
                self.stack.pop();
            }
            Does::Other => {
                self.stack.clear();
                self.stack.push(Operand::Other);
            }
        }
        Some(())
    }

    fn name(&self, index: u32) -> Option<String> {
        self.names.get(usize::try_from(index).ok()?).cloned()
    }

    /// Push what a name reaches, and note the use.
    fn reach(&mut self, path: String) {
        let of = (self.uses.len() < MOST).then_some(self.uses.len());
        if of.is_some() {
            self.uses.push(Use { path: path.clone(), call: None });
        }
        self.stack.push(Operand::Path { path, of });
    }

    fn attribute(&mut self, object: Option<Operand>, name: &str) {
        match object {
            Some(Operand::Path { mut path, of }) if path.len() < LONGEST => {
                path.push('.');
                path.push_str(name);
                match of.and_then(|of| self.uses.get_mut(of)).filter(|one| one.call.is_none()) {
                    Some(one) => {
                        one.path.clone_from(&path);
                        self.stack.push(Operand::Path { path, of });
                    }
                    None => self.reach(path),
                }
            }
            _ => self.stack.push(Operand::Other),
        }
    }

    fn load(&mut self, variable: u32) {
        match self.variables.get(&variable).cloned() {
            Some(path) => self.reach(path),
            None => self.stack.push(Operand::Other),
        }
    }

    fn store(&mut self, variable: u32) {
        match self.stack.pop() {
            Some(Operand::Path { path, .. }) => self.variables.insert(variable, path),
            _ => self.variables.remove(&variable),
        };
    }

    fn call(&mut self, count: u32) {
        let first = usize::try_from(count).ok().and_then(|n| self.stack.len().checked_sub(n));
        let below = first.and_then(|first| Some((first.checked_sub(1)?, first)));
        let Some((callee, first)) = below else {
            self.stack.clear();
            self.stack.push(Operand::Other);
            return;
        };
        let arguments = self.stack.split_off(first);
        let found = self.stack.get(callee).cloned();
        self.stack.truncate(callee);
        let Some(Operand::Path { path, of }) = found else {
            self.stack.push(Operand::Other);
            return;
        };
        let shown = arguments.iter().map(|argument| self.shown(argument)).collect::<Vec<_>>();
        let line = format!("{path}({})", shown.join(", "));
        let line = line.chars().take(LONGEST).collect();
        if let Some(one) = of.and_then(|of| self.uses.get_mut(of)) {
            one.call = Some(line);
        }
        match (path.as_str(), arguments.as_slice()) {
            ("__import__" | "builtins.__import__" | "importlib.import_module", [name, ..]) => {
                match self.text(name) {
                    Some(module) => self.reach(module),
                    None => self.stack.push(Operand::Other),
                }
            }
            ("getattr" | "builtins.getattr", [object, name, ..]) => match self.text(name) {
                Some(name) => self.attribute(Some(object.clone()), &name),
                None => self.stack.push(Operand::Other),
            },
            _ => self.stack.push(Operand::Other),
        }
    }

    fn text(&self, operand: &Operand) -> Option<String> {
        match operand {
            Operand::Constant(index) => match self.constants.get(*index)? {
                Constant::Text(text) => Some(text.chars().take(LONGEST).collect()),
                _ => None,
            },
            _ => None,
        }
    }

    fn shown(&self, operand: &Operand) -> String {
        match operand {
            Operand::Path { path, .. } => path.clone(),
            Operand::Number(number) => number.to_string(),
            Operand::Other => "<computed>".to_owned(),
            Operand::Constant(index) => match self.constants.get(*index) {
                Some(Constant::Text(text)) => {
                    let text = text.chars().take(LONGEST).collect::<String>();
                    format!("{text:?}")
                }
                Some(Constant::Number(number)) => number.to_string(),
                Some(Constant::None) => "None".to_owned(),
                _ => "<constant>".to_owned(),
            },
        }
    }
}
