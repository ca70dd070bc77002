//! `pyarrow.lib._restore_array`: an array over buffers whose sizes nobody checks at load.
//!
//! Arrow believes the length, the offset and the offsets of strings, and reads past the end of a
//! buffer that is shorter: pandas does so while it loads an index. So the buffers have to be
//! constants of the program, and to hold what the array says: `known/README.md` tells the rule.
//! Source: Arrow columnar format 1.5, "Fixed-size primitive layout", "Variable-size binary
//! layout" and "Validity bitmaps"; pyarrow `array.pxi`, `_restore_array` and `_reduce_array_data`.

use modelward_formats::{
    Bytes,
    pickle::value::{Kind, Shape, Value},
};

use super::matching::Matcher;

/// How the values of a type lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Values of so many bits.
    Fixed(u64),
    /// Bytes of any length between offsets of so many bytes.
    Variable(u64),
}

/// Judge the arguments of the call. The error says what is wrong with them.
pub(crate) fn of_call(matcher: &Matcher<'_, '_, '_>, arguments: &[Value]) -> Result<(), String> {
    const FORM: &str = "not the type, length, nulls, offset and buffers of an array";
    let [data] = *arguments else { return Err(FORM.into()) };
    let data = matcher.program.heap().items_of(data, Shape::Tuple).ok_or(FORM)?;
    let [kind, length, nulls, offset, buffers, children, Value::NONE] = *data else {
        return Err(FORM.into());
    };
    let count = |value: Value| match value.kind() {
        Kind::Int(count) => u64::try_from(count).ok(),
        _ => None,
    };
    let (length, offset) = count(length).zip(count(offset)).ok_or(FORM)?;
    let end = length.checked_add(offset).ok_or(FORM)?;
    if !matches!(matcher.sequence(children), Some((&[], false))) {
        return Err("an array of arrays".into());
    }
    let layout = layout(matcher, kind).ok_or("its type is none that is known")?;
    let (&[validity, ref values @ ..], false) = matcher.sequence(buffers).ok_or(FORM)? else {
        return Err(FORM.into());
    };
    let validity = buffer(matcher, validity)?;
    let values = values.iter().map(|&one| buffer(matcher, one)).collect::<Result<Vec<_>, _>>()?;
    let size = |buffer: &Option<Bytes>| buffer.as_ref().map_or(0, Bytes::len);
    let holds = |buffer: &Option<Bytes>, bits: u64| {
        end.checked_mul(bits).is_some_and(|bits| bits.div_ceil(8) <= size(buffer))
    };
    if validity.is_some() && !holds(&validity, 1) {
        return Err("its validity bitmap is shorter than the array".into());
    }
    // A count of -1 is made anew; any other is believed.
    if nulls.kind() != Kind::Int(-1) {
        let found = validity.map_or(Some(0), |bits| zeros(matcher, &bits, offset, end));
        if count(nulls).is_none_or(|nulls| Some(nulls) != found) {
            return Err("its count of nulls is not that of its bitmap".into());
        }
    }
    match (layout, &values[..]) {
        (Layout::Fixed(bits), [values]) if holds(values, bits) => Ok(()),
        (Layout::Variable(_), [offsets, _]) if end == 0 && size(offsets) == 0 => Ok(()),
        (Layout::Variable(width), [Some(offsets), values])
            if ordered(matcher, offsets, width, end, size(values)).unwrap_or(false) =>
        {
            Ok(())
        }
        _ => Err("its buffers are shorter than the array".into()),
    }
}

/// What the call that made a type says of its layout.
fn layout(matcher: &Matcher<'_, '_, '_>, kind: Value) -> Option<Layout> {
    let [callee, arguments] = *matcher.program.heap().items_of(kind, Shape::Object)? else {
        return None;
    };
    let (&first, rest) = matcher.program.heap().items_of(arguments, Shape::Tuple)?.split_first()?;
    let is = |name| matcher.facts.is_of(matcher.program, callee, "pyarrow.lib", name);
    let decimal = |bits, most| {
        matches!(first.kind(), Kind::Int(1..))
            .then_some(Layout::Fixed(bits))
            .filter(|_| matches!(first.kind(), Kind::Int(digits) if digits <= most))
    };
    if is("type_for_alias") {
        let name = matcher.program.text(first, 32).filter(|_| rest.is_empty())?;
        return LAYOUTS
            .iter()
            .find(|(_, names)| names.contains(&name.as_str()))
            .map(|(layout, _)| *layout);
    }
    if is("binary") {
        // A length of -1 is a binary type of any length.
        return match first.kind() {
            Kind::Int(-1) => Some(Layout::Variable(4)),
            Kind::Int(bytes) => u64::try_from(bytes).ok()?.checked_mul(8).map(Layout::Fixed),
            _ => None,
        };
    }
    match () {
        () if is("timestamp") => Some(Layout::Fixed(64)),
        () if is("decimal32") => decimal(32, 9),
        () if is("decimal64") => decimal(64, 18),
        () if is("decimal128") => decimal(128, 38),
        () if is("decimal256") => decimal(256, 76),
        () => None,
    }
}

/// The names that pyarrow writes, by layout. Source: pyarrow `types.pxi`, `_type_aliases`.
const LAYOUTS: &[(Layout, &[&str])] = &[
    (Layout::Variable(4), &["string", "utf8", "binary"]),
    (Layout::Variable(8), &["large_string", "large_utf8", "large_binary"]),
    (Layout::Fixed(1), &["bool"]),
    (Layout::Fixed(8), &["int8", "uint8"]),
    (Layout::Fixed(16), &["int16", "uint16", "halffloat", "float16"]),
    (
        Layout::Fixed(32),
        &[
            "int32",
            "uint32",
            "float",
            "float32",
            "date32",
            "date32[day]",
            "time32[s]",
            "time32[ms]",
        ],
    ),
    (
        Layout::Fixed(64),
        &[
            "int64",
            "uint64",
            "double",
            "float64",
            "date64",
            "date64[ms]",
            "time64[us]",
            "time64[ns]",
            "timestamp[s]",
            "timestamp[ms]",
            "timestamp[us]",
            "timestamp[ns]",
            "duration[s]",
            "duration[ms]",
            "duration[us]",
            "duration[ns]",
        ],
    ),
];

/// The bytes of a buffer over a constant; none where there is no buffer.
fn buffer(matcher: &Matcher<'_, '_, '_>, value: Value) -> Result<Option<Bytes>, &'static str> {
    if value == Value::NONE {
        return Ok(None);
    }
    let constant = || {
        let [callee, arguments] = *matcher.program.heap().items_of(value, Shape::Object)? else {
            return None;
        };
        let &[bytes] = matcher.program.heap().items_of(arguments, Shape::Tuple)? else {
            return None;
        };
        let made = matcher.facts.is_of(matcher.program, callee, "pyarrow.lib", "py_buffer");
        let bytes = matcher.program.constant(bytes).filter(|_| made)?;
        let words = usize::try_from(bytes.len() / 8).ok()?;
        matcher.facts.work.spend(words).then_some(bytes)
    };
    constant().map(Some).ok_or("a buffer of it is no constant")
}

/// How many bits are unset between two places of a bitmap.
fn zeros(matcher: &Matcher<'_, '_, '_>, bitmap: &Bytes, from: u64, to: u64) -> Option<u64> {
    let unset_before = |end: u64| {
        let mut cursor = bitmap.cursor();
        let mut unset = 0_u64;
        let (whole, rest) = (end / 8, end % 8);
        for _ in 0..whole {
            let [byte] = cursor.array::<1>().ok()?;
            unset = unset.checked_add(byte.count_zeros().into())?;
            if !matcher.facts.work.spend(1) {
                return None;
            }
        }
        let beyond = 0xff_u8.checked_shl(u32::try_from(rest).ok()?)?;
        let [last] = if rest == 0 { [0xff] } else { cursor.array().ok()? };
        unset.checked_add((last | beyond).count_zeros().into())
    };
    unset_before(to)?.checked_sub(unset_before(from)?)
}

/// Whether there are offsets for so many values, none below the one before it, and all of them
/// inside the values.
fn ordered(
    matcher: &Matcher<'_, '_, '_>,
    offsets: &Bytes,
    width: u64,
    values: u64,
    most: u64,
) -> Option<bool> {
    let count = values.checked_add(1)?;
    if count.checked_mul(width)? > offsets.len() {
        return Some(false);
    }
    let mut cursor = offsets.cursor();
    let mut before = 0;
    for _ in 0..count {
        if !matcher.facts.work.spend(1) {
            return None;
        }
        let offset = match width {
            4 => i64::from(i32::from_le_bytes(cursor.array().ok()?)),
            _ => i64::from_le_bytes(cursor.array().ok()?),
        };
        let offset = u64::try_from(offset).ok()?;
        if offset < before || offset > most {
            return Some(false);
        }
        before = offset;
    }
    Some(true)
}
