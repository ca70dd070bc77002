//! Code objects that a pickle builds: found among the constants of a call, and read.
//!
//! `marshal.loads` takes them as one constant. `types.CodeType`, and what dill and cloudpickle call
//! in its place, takes the parts, in an order that changed with Python: the instructions stand
//! right before the constants and the names in every version.

use modelward_formats::{
    marshal::{self, Code, Constant},
    pickle::{
        Program,
        value::{Kind, Shape, Value},
    },
};

/// The longest stream of code objects that is read.
const LONGEST: u64 = 4 << 20;
/// The longest name or text, and how many of a tuple.
const TEXT: u64 = 4096;
const MOST: usize = 4096;

/// The code objects that the arguments of a call carry; `Err` where they should and cannot be read.
pub(super) fn carried(
    program: &Program<'_>,
    arguments: &[Value],
    marshalled: bool,
) -> Option<Result<Vec<Code>, String>> {
    if marshalled {
        let Some(stream) = arguments.first().and_then(|&value| bytes(program, value)) else {
            return Some(Err("its argument is no constant, or a very long one".into()));
        };
        return Some(marshal::read(&stream).map_err(|refusal| refusal.to_string()));
    }
    let parts = arguments.windows(3).enumerate().find_map(|(at, parts)| match *parts {
        [code, constants, names] => {
            let constants = program.heap().items_of(constants, Shape::Tuple)?;
            let names = program.heap().items_of(names, Shape::Tuple)?;
            let named = names.iter().all(|name| matches!(name.kind(), Kind::Text(_)));
            (named && is_bytes(program, code)).then_some((at, code, constants, names))
        }
        _ => None,
    });
    let (at, code, constants, names) = parts?;
    let text = |value: &Value| program.text(*value, TEXT);
    let names = names.iter().take(MOST).map(|name| text(name).unwrap_or_default()).collect();
    let constants = constants.iter().take(MOST).map(|&value| constant(program, value));
    let constants = constants.collect::<Vec<_>>();
    // The file and the name are the first texts behind.
    let behind = arguments.iter().skip(at).filter(|value| matches!(value.kind(), Kind::Text(_)));
    let name = behind.skip(1).find_map(text).unwrap_or_default();
    let code = bytes(program, code).unwrap_or_default();
    Some(Ok(vec![Code::of(name, &code, names, &constants)]))
}

/// Where the constant lies that a marshal stream comes in.
pub(super) fn stream(program: &Program<'_>, arguments: &[Value]) -> Option<(u64, u64)> {
    program.range(raw(program, *arguments.first()?)?)
}

fn constant(program: &Program<'_>, value: Value) -> Constant {
    match value.kind() {
        Kind::None => Constant::None,
        Kind::Int(number) => Constant::Number(number),
        Kind::Text(_) | Kind::Bytes(_) => {
            program.text(value, TEXT).map_or(Constant::Other, Constant::Text)
        }
        Kind::Node(_) => {
            let items = program.heap().items_of(value, Shape::Tuple).unwrap_or_default();
            let texts = items.iter().take(64).filter_map(|&item| program.text(item, TEXT));
            Constant::Texts(texts.collect())
        }
        _ => Constant::Other,
    }
}

fn is_bytes(program: &Program<'_>, value: Value) -> bool {
    matches!(value.kind(), Kind::Bytes(_)) || encoded(program, value).is_some()
}

/// The constant behind a value that is bytes, or becomes bytes.
fn raw(program: &Program<'_>, value: Value) -> Option<Value> {
    match value.kind() {
        Kind::Bytes(_) | Kind::Text(_) => Some(value),
        _ => encoded(program, value),
    }
}

/// The text of `_codecs.encode(text, "latin1")`: how the protocols 0 to 2 write bytes.
fn encoded(program: &Program<'_>, value: Value) -> Option<Value> {
    let import = program.maker(value)?;
    let [_, arguments] = *program.heap().items_of(value, Shape::Object)? else { return None };
    let [text, ..] = *program.heap().items_of(arguments, Shape::Tuple)? else { return None };
    import.is("_codecs", "encode").then_some(text)
}

fn bytes(program: &Program<'_>, value: Value) -> Option<Vec<u8>> {
    if let Some(text) = encoded(program, value) {
        let (at, len) = program.range(text)?;
        let raw = (len <= LONGEST).then(|| program.bytes().take(at, len).ok())??;
        // Protocol 0 writes such text as raw-unicode-escape, the others as UTF-8.
        let before = at.checked_sub(1).and_then(|at| program.bytes().array(at).ok());
        if before == Some([b'V']) {
            return unescape(&raw);
        }
        let text = String::from_utf8(raw).ok()?;
        return text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    }
    let (at, len) = program.range(raw(program, value)?)?;
    if len > LONGEST {
        return None;
    }
    program.bytes().take(at, len).ok()
}

/// Undo `\uXXXX`; everything else stands for itself.
fn unescape(raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.strip_prefix(b"u").and_then(|after| after.get(..4));
        rest = match digits.filter(|_| byte == b'\\') {
            Some(digits) => {
                let digits = std::str::from_utf8(digits).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
                after.get(5..).unwrap_or_default()
            }
            None => {
                out.push(byte);
                after
            }
        };
    }
    Some(out)
}
