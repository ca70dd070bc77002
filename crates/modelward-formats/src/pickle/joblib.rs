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
    // What an earlier state left in it would still hold for the loader.
    if let Kind::Node(index) = object.kind()
        && program.dtypes.insert(index, state).is_some()
    {
        return Err(Refusal::truncated(at, "expected one state for each array"));
    }
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
    let sizes = program
        .heap()
        .of(shape)
        .filter(|node| matches!(node.shape, Shape::Tuple | Shape::List) && !node.more);
    let Some(sizes) = sizes else {
        return Err(Refusal::truncated(at, "expected the shape of an array as a tuple"));
    };
    let mut len = Some(width);
    for &size in program.heap().items(sizes) {
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

/// The width in bytes of one element, and whether it holds objects; `None` where that is not
/// certain: a wrong width would read numbers as program, and program as numbers.
fn element(program: &Program<'_>, dtype: Value) -> Option<(u64, bool)> {
    let [_, arguments] = *program.heap().items_of(dtype, Shape::Object)? else { return None };
    let code = *program.heap().items_of(arguments, Shape::Tuple)?.first()?;
    let code = program.text(code, 64)?;
    let mut letters = code.trim_start_matches(['<', '>', '=', '|']).chars();
    let (letter, digits) = (letters.next()?, letters.as_str());
    let count = if digits.is_empty() { None } else { Some(digits.parse::<u64>().ok()?) };
    let Kind::Node(index) = dtype.kind() else { return None };
    let Some(&state) = program.dtypes.get(&index) else {
        // Numpy always writes a state; without one the code alone tells.
        return Some((plain_width(letter, count)?, letter == 'O'));
    };
    // Version 3 of the state, and 4, which has metadata behind: version, order, subarray, names,
    // fields, element size, alignment, flags. Older ones leave the flags to numpy.
    let state = program.heap().items_of(state, Shape::Tuple)?;
    let [version, _, _, _, _, size, _, flags, ..] = *state else { return None };
    let (Kind::Int(3 | 4), Kind::Int(size), Kind::Int(flags)) =
        (version.kind(), size.kind(), flags.kind())
    else {
        return None;
    };
    // Only flexible types take their size from the state; bit 0 of the flags: objects.
    let width = match letter {
        'S' | 'a' | 'U' | 'V' => u64::try_from(size).ok()?,
        _ => plain_width(letter, count)?,
    };
    Some((width, letter == 'O' || flags & 1 == 1))
}

/// The width of a type by its code, as numpy writes codes.
fn plain_width(letter: char, count: Option<u64>) -> Option<u64> {
    match letter {
        'U' => count?.checked_mul(4),
        'O' => Some(8),
        '?' => Some(1),
        'b' => Some(1),
        'i' | 'u' | 'f' | 'c' | 'M' | 'm' | 'S' | 'a' | 'V' => count,
        _ => None,
    }
}
