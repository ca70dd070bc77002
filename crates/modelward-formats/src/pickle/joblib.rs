//! joblib's pickles: raw arrays lie inside the stream, behind the wrapper that announces them.
//!
//! Source: joblib `numpy_pickle.py`, `NumpyArrayWrapper.read_array`, versions 0.10 to 1.6: after
//! the BUILD of a wrapper its reader takes the array's bytes from the same file, or a whole
//! pickle where the array holds objects, and the stream goes on behind.

use super::{
    program::Program,
    value::{Kind, Shape, Value},
};
use crate::{Cursor, Gap, Refusal};

/// What lies behind a wrapper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Array {
    /// Numbers, `len` bytes from `at`; the cursor stands behind them.
    Raw {
        /// Offset of the first.
        at: u64,
        /// How many bytes.
        len: u64,
    },
    /// A pickle stream of its own.
    Pickled,
}

/// What lies behind this BUILD, if it is the one of a wrapper. Remembers the states of dtypes,
/// for a wrapper names its element type by one.
pub(super) fn array_behind(
    program: &mut Program<'_>,
    object: Value,
    state: Value,
    cursor: &mut Cursor<'_>,
) -> Result<Option<Array>, Refusal> {
    let Some(maker) = program.maker(object) else { return Ok(None) };
    let (module, name) = (maker.module.as_deref(), maker.name.as_deref());
    let (Some(module), Some(name)) = (module, name) else { return Ok(None) };
    if (module, name) == ("numpy", "dtype") {
        if let Kind::Node(index) = object.kind() {
            program.dtypes.insert(index, state);
        }
        return Ok(None);
    }
    if name != "NumpyArrayWrapper" || !module.ends_with("joblib.numpy_pickle") {
        return Ok(None);
    }
    let at = cursor.position();
    let (Some(shape), Some(dtype)) = (program.entry(state, "shape"), program.entry(state, "dtype"))
    else {
        return Err(Refusal::truncated(at, "expected the shape and the dtype of an array"));
    };
    let Some((width, objects)) = element(program, dtype) else {
        return Err(Refusal::truncated(at, "expected a numpy dtype of known width"));
    };
    if objects {
        return Ok(Some(Array::Pickled));
    }
    let mut len = Some(width);
    for &size in program.heap().items_of(shape, Shape::Tuple).unwrap_or_default() {
        let Kind::Int(size) = size.kind() else {
            return Err(Refusal::truncated(at, "expected whole numbers in the shape of an array"));
        };
        len = u64::try_from(size).ok().and_then(|size| len?.checked_mul(size));
    }
    let Some(len) = len else {
        return Err(Refusal::new(at, Gap::OversizedLength, "the shape of an array overflows"));
    };
    if program.entry(state, "numpy_array_alignment_bytes").is_some_and(|v| v != Value::NONE) {
        let [padding] = cursor.array()?;
        cursor.skip(padding.into())?;
    }
    let at = cursor.position();
    cursor.skip(len)?;
    Ok(Some(Array::Raw { at, len }))
}

/// The width in bytes of one element, and whether it holds objects.
fn element(program: &Program<'_>, dtype: Value) -> Option<(u64, bool)> {
    let [_, arguments] = *program.heap().items_of(dtype, Shape::Object)? else { return None };
    let code = *program.heap().items_of(arguments, Shape::Tuple)?.first()?;
    let code = program.text(code, 64)?;
    let code = code.trim_start_matches(['<', '>', '=', '|']);
    let count = code.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '?');
    let count = if count.is_empty() { Some(1) } else { count.parse::<u64>().ok() };
    let Kind::Node(index) = dtype.kind() else { return None };
    let state = program.dtypes.get(&index);
    let state = state.and_then(|&state| program.heap().items_of(state, Shape::Tuple));
    let field = |n: usize| state.and_then(|state| state.get(n)).map(|value| value.kind());
    // Version 3 of the state: ..., element size, alignment, flags; bit 0 of the flags: objects.
    let objects = matches!(field(7), Some(Kind::Int(flags)) if flags & 1 == 1);
    Some(match code.chars().next()? {
        'O' => (8, true),
        'U' => (count?.checked_mul(4)?, objects),
        'b' if code == "b" => (1, objects),
        _ => (count?, objects),
    })
}
