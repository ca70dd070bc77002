//! Whether bytes are a pickle. Protocols 0 and 1 have no magic, so the machine tries.

use super::{
    machine, modules,
    opcode::PROTO,
    program::{Call, Import, Observer, Oddity, Program, Stream},
    value::{Kind, Shape, Value},
};
use crate::{Budget, Bytes, Gap, Limits, Refusal};

/// Whether some reader would run these bytes as a pickle, as far as it matters.
///
/// A stream that runs to its STOP is one, and so is one that begins as picklers begin and goes
/// on for a while, or has called something before it breaks: what has been called is done.
/// Plain text now and then begins like a GLOBAL of a name that does not exist (`cache`, `build`,
/// `.env`, a line each); it is taken for a pickle only if the module is one that is there wherever
/// pickles are loaded, if it calls something, or if it ends where the stream does.
pub(super) fn accepts(bytes: &Bytes) -> bool {
    let mut head = [0; 2];
    let Ok(read) = bytes.read_at(0, &mut head) else { return false };
    let Some(&first) = head.get(..read).and_then(<[u8]>::first) else { return false };
    let marked = first == PROTO && head[1] <= 5;
    let mut program = Program::new(bytes);
    let mut seen = Seen::default();
    let most = if marked { BEGUN } else { OPCODES };
    let (stream, broken) = run(&mut program, most, &mut seen);
    let plausible = program.imports().iter().all(|import| {
        import.module.as_deref().is_none_or(is_name) && import.name.as_deref().is_none_or(is_name)
    });
    let installed = program.imports().iter().any(runs_installed);
    match broken {
        Some(refusal) if refusal.gap == Gap::LongReading => true,
        // A constant longer than the file is what makes a reader allocate it.
        Some(refusal) if marked => {
            stream.opcodes >= BEGUN || seen.imports > 0 || refusal.gap == Gap::OversizedLength
        }
        // A folder's name is a module too, whatever its letters: one call of a name that could be
        // Python's is enough.
        Some(_) if seen.calls > 0 => seen.plausible,
        Some(_) if installed => true,
        Some(_) if !plausible => false,
        // A list of words is imports alone.
        Some(_) => seen.imports > 0 && (stream.opcodes > seen.imports || !is_text(bytes)),
        None if marked || stream.opcodes >= OPCODES || program.imports().is_empty() => true,
        None if installed => true,
        None if seen.calls > 0 => seen.plausible || plausible,
        // One import and the end of a stream is how a list of words may begin.
        None => {
            plausible
                && (stream.opcodes > seen.imports
                    || !is_text(bytes)
                    || super::behind_blanks(bytes, stream.end) >= bytes.len())
        }
    }
}

/// Whether an import surely runs a module that is there. A word and a line that is no name may be
/// text (`cnt`, `12`); a path of modules is not, and two modules have no other use.
fn runs_installed(import: &Import) -> bool {
    let Some(module) = import.module.as_deref() else { return false };
    let named = import.name.as_deref().is_none_or(is_name);
    modules::is_installed(module)
        && (named || module.contains('.') || matches!(module, "this" | "antigravity"))
}

/// Whether bytes that should be numbers import something as a pickle, or go on as one for so long
/// that they are none.
pub(crate) fn acts(bytes: &Bytes) -> bool {
    let mut program = Program::new(bytes);
    let (stream, broken) = run(&mut program, OPCODES, &mut Seen::default());
    let long = broken.is_some_and(|refusal| refusal.gap == Gap::LongReading);
    let named = |import: &Import| {
        [&import.module, &import.name].into_iter().all(|part| part.as_deref().is_none_or(is_name))
            || runs_installed(import)
    };
    long || stream.opcodes >= OPCODES || program.imports().iter().any(named)
}

/// Run the first opcodes of what may be a pickle.
fn run(program: &mut Program<'_>, most: u64, seen: &mut Seen) -> (Stream, Option<Refusal>) {
    let budget = Budget::new(Limits { opcodes: u64::MAX, ..Limits::default() });
    machine::run(program, 0, most, &budget, seen)
}

/// Opcodes after which there is no doubt.
const OPCODES: u64 = 2000;
/// Opcodes after which there is none about a stream with a PROTO.
const BEGUN: u64 = 3;

/// Whether this could name a Python module or a dotted name in one.
pub(super) fn is_name(text: &str) -> bool {
    text.split('.').all(|word| {
        word.chars()
            .next()
            .is_some_and(|first| first.is_alphabetic() || first == '_' || first == '<')
            && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '<' | '>'))
    })
}

/// Whether the first bytes are what a person may have written.
fn is_text(bytes: &Bytes) -> bool {
    bytes.head(256).is_ok_and(|head| {
        head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
    })
}

#[derive(Debug, Default)]
struct Seen {
    imports: u64,
    calls: u64,
    /// Whether one of the calls is of a name that could be Python's, or of what is no import.
    plausible: bool,
}

impl Seen {
    fn name(&mut self, program: &Program<'_>, import: u32) {
        let name = |name: &Option<String>| name.as_deref().is_none_or(is_name);
        let import = program.import(import);
        self.plausible |= import.is_some_and(|import| name(&import.module) && name(&import.name));
    }
}

impl Observer for Seen {
    fn import(&mut self, _: &Program<'_>, _: u64, _: u32) {
        self.imports = self.imports.saturating_add(1);
    }
    fn call(&mut self, program: &Program<'_>, _: u64, call: Call) {
        self.calls = self.calls.saturating_add(1);
        if let Kind::Import(index) = call.callee.kind() {
            self.name(program, index);
        }
    }
    fn state(&mut self, program: &Program<'_>, _: u64, object: Value, state: Value) {
        // A state that sets attributes is as good as a call: the next one calls what was set.
        let sets = program
            .heap()
            .of(state)
            .is_some_and(|state| matches!(state.shape, Shape::Dict | Shape::Tuple));
        if sets && let Kind::Import(index) = object.kind() {
            self.calls = self.calls.saturating_add(1);
            self.name(program, index);
        }
    }
    fn items(&mut self, _: &Program<'_>, _: u64, _: Value, _: &'static str) {}
    fn grown(&mut self, _: &Program<'_>, _: u64, _: u32) {}
    fn contained(&mut self, _: &Program<'_>, _: u64, _: Value) {}
    fn hashed(&mut self, _: &Program<'_>, _: u64, _: Value) {}
    fn persistent(&mut self, _: &Program<'_>, _: u64, _: Value) {}
    fn oddity(&mut self, _: &Program<'_>, _: u64, _: Oddity) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_from_text() {
        let accepts = |bytes: &[u8]| accepts(&bytes.into());
        assert!(accepts(b"cos\nsystem\n(S'id'\ntR."));
        assert!(accepts(b"cos\nsystem\n(S'id'\ntR"), "what was called is done");
        assert!(accepts(b"\x80\x04\x8e\0\0\0\0\0\x01\0\0x."), "a constant of a terabyte");
        assert!(accepts(b"\x80\x04K\x01K\x02\x86") && accepts(b"\x80\x02cmodule\nname\n."));
        assert!(accepts(b"cmodule\nname\n."), "an import alone runs code");
        assert!(!accepts(b"cache\nbuild\n.env\nvenv\n"), "a list of ignored files");
        assert!(!accepts(b"import os\nimport sys\n") && !accepts(b"class A:\n    pass\n"));
        assert!(!accepts(b"{\"a\": 1}") && !accepts(b"") && !accepts(b"Install it.\n"));
        assert!(!accepts(b"\x80\x02\xff\xff"));
        assert!(accepts(b"cbuiltins\nexec\n(X>\n    f = open('x')\ntR."), "the import is done");
        assert!(accepts(b"cbuiltins\neval\nS'1'\x85R."), "the same");
        assert!(!accepts(b"cache\nbuild\ndist\n") && !accepts(b"cache\nbuild\nScripts\n"));
        assert!(
            accepts(b"clib-dynload\n__name__\n0cos\nsystem\n(S'id'\ntR."),
            "a folder is a module"
        );
        assert!(accepts(b"clib-dynload\n__name__\n0cos\nsystem\n(S'id'\ntR"), "the same, broken");
        assert!(accepts(b"(N.") && accepts(b"I0X1F\n0cos\nsystem\n(S'id'\ntR."));
        assert!(accepts(b"F1_0\n0cos\nsystem\n(tR.") && accepts(b"Np-0\n0cos\nsystem\n(tR."));
        let set = b"cevil\nx\n(S'__setstate__'\ncevil\ny\ndbS'touch /x'\nb.x\n";
        assert!(accepts(set), "a state that is called, and text behind it");
        for installed in
            ["cthis\n!!\n.", "cthis\ns\n.hello", "Ncthis\ns\n.zzz", "cpip.__main__\n# A\n\nB.\n"]
        {
            assert!(accepts(installed.as_bytes()), "{installed}");
        }
        assert!(!accepts(b"cnt\n12\n7\n"), "a column of numbers");
        assert!(!accepts(b"cat\ncar\ncow\ncrab\n"), "a list of words");
        assert!(!acts(&b"}.".as_slice().into()) && !acts(&b"\x80\x02}.".as_slice().into()));
        assert!(acts(&b"N0cos\nsystem\n(S'id'\ntR.".as_slice().into()));
        assert!(!accepts(b"PK\x03\x04\x00\x00\nN."), "no persistent id holds control characters");
    }
}
