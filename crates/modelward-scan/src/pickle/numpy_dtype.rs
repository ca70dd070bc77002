//! `numpy.dtype`: the state that its `__setstate__` believes.
//!
//! Numpy takes the flags of a dtype from the pickle. An object type that claims to hold no
//! objects makes numpy take raw bytes for pointers, so the rule is strict: `known/README.md`
//! tells it. Source: numpy `multiarray/descriptor.c`, `arraydescr_setstate`, versions 1.x and 2.x.

use modelward_formats::pickle::value::{Kind, Shape, Value};

use super::{facts::Dtype, matching::Matcher, shape::Parser};

/// Read the arguments of the call; `None` where they are not as numpy writes them.
pub(crate) fn of_call(matcher: &Matcher<'_, '_, '_>, arguments: &[Value]) -> Option<Dtype> {
    let (&code, flags) = arguments.split_first()?;
    if flags.len() > 2
        || !flags.iter().all(|flag| matches!(flag.kind(), Kind::Bool(_) | Kind::Int(_)))
    {
        return None;
    }
    // Without a copy numpy hands out its own type, which a state would change for everyone.
    let copied =
        flags.get(1).is_some_and(|copy| !matches!(copy.kind(), Kind::Bool(false) | Kind::Int(0)));
    if let Kind::Import(_) = code.kind() {
        // Of the classes that numpy takes, `object_` among them, it writes these alone.
        let record = RECORDS
            .iter()
            .any(|&(module, name)| matcher.facts.is_of(matcher.program, code, module, name));
        return record.then_some(Dtype { size: None, settled: !copied, ..plain('V') });
    }
    let dtype = of_code(&matcher.program.text(code, 32)?)?;
    let shared = matches!(dtype.letter, 'S' | 'a' | 'U' | 'V') && dtype.size == Some(0);
    (copied || !shared).then_some(Dtype { settled: !copied, ..dtype })
}

fn plain(letter: char) -> Dtype {
    Dtype { objects: false, lone: false, size: None, letter, settled: false }
}

fn of_code(code: &str) -> Option<Dtype> {
    let code = code.strip_prefix(['<', '>', '=', '|']).unwrap_or(code);
    if let Some(&(_, size)) = FULL.iter().find(|(name, _)| *name == code) {
        let objects = code == "object";
        return Some(Dtype { objects, lone: objects, size: Some(size), ..plain('?') });
    }
    let mut rest = code.chars();
    let letter = rest.next()?;
    let digits = rest.as_str();
    if !LETTERS.contains(letter) || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let count = if digits.is_empty() { None } else { Some(digits.parse::<u64>().ok()?) };
    let size = match letter {
        'U' => count.unwrap_or(0).checked_mul(4),
        'S' | 'a' | 'V' => Some(count.unwrap_or(0)),
        'O' => Some(8),
        'c' if count.is_none() => Some(1),
        _ => count.or_else(|| SIZES.iter().find(|(one, _)| *one == letter).map(|(_, size)| *size)),
    };
    let objects = letter == 'O';
    Some(Dtype { objects, lone: objects, size, ..plain(letter) })
}

/// Judge the state of a dtype; `None` where numpy would not have written it.
pub(crate) fn of_state(matcher: &Matcher<'_, '_, '_>, dtype: Dtype, state: Value) -> Option<Dtype> {
    let items = matcher.program.heap().items_of(state, Shape::Tuple)?;
    // Numpy tells them apart by their length: the shortest lack the version, then the names.
    let (version, rest) = match (items.len(), items.split_first()?) {
        (5, _) => (0, items),
        (6..=9, (version, rest)) => match version.kind() {
            Kind::Int(version @ 0..=4) => (version, rest),
            _ => return None,
        },
        _ => return None,
    };
    let (&order, rest) = rest.split_first()?;
    let order = matcher.program.text(order, 4)?;
    if !matches!(order.as_str(), "<" | ">" | "|" | "=") {
        return None;
    }
    let (&subarray, rest) = rest.split_first()?;
    let (names, rest) = match items.len() {
        5 | 6 => (Value::NONE, rest),
        _ => rest.split_first().map(|(&names, rest)| (names, rest))?,
    };
    let (&fields, rest) = rest.split_first()?;
    let [size, alignment, rest @ ..] = rest else { return None };
    let (Kind::Int(size), Kind::Int(alignment)) = (size.kind(), alignment.kind()) else {
        return None;
    };
    let flags = match rest.first().map(|flags| flags.kind()) {
        None => None,
        Some(Kind::Int(flags @ 0..=255)) => Some(flags),
        Some(_) => return None,
    };
    let metadata = rest.get(1).copied().unwrap_or(Value::NONE);
    if !metadata_is_right(matcher, dtype.letter, metadata) || !names_are_of(matcher, names, fields)
    {
        return None;
    }
    // The state tells the size of texts and records alone; of others numpy does not look at it.
    let told = u64::try_from(size).ok();
    let width = match dtype.letter {
        'S' | 'a' | 'V' => Some(told?),
        'U' => Some(told.filter(|size| size % 4 == 0)?),
        _ if size == -1 || told.is_some() && told == dtype.size => dtype.size,
        _ => return None,
    };
    // Numpy divides by it.
    if matches!(dtype.letter, 'S' | 'a' | 'U' | 'V')
        && !matches!(alignment, 1 | 2 | 4 | 8 | 16 | 32)
    {
        return None;
    }
    let (mut objects, mut lone) = (dtype.objects, dtype.letter == 'O');
    if subarray != Value::NONE {
        let base = of_subarray(matcher, subarray, width)?;
        objects |= base.objects;
        lone |= base.lone;
    }
    if fields != Value::NONE {
        objects |= of_fields(matcher, fields, width?)?;
    }
    // What is neither an aligned record nor a text is judged by the bits that speak of objects.
    let right = match flags {
        // Up to version 2 numpy finds them itself, and from then on takes none for no flag.
        None => version < 3 || !objects,
        Some(flags) if objects => {
            let flags = flags & !128;
            if lone { flags == 63 } else { flags == 27 }
        }
        Some(flags) => matches!(flags & !(16 | 128), 0 | 8),
    };
    right.then_some(Dtype { objects, lone, size: width, settled: true, ..dtype })
}

/// `(dtype, shape)`: the elements of a subarray, which hands their flags on.
fn of_subarray(
    matcher: &Matcher<'_, '_, '_>,
    subarray: Value,
    width: Option<u64>,
) -> Option<Dtype> {
    let [base, shape] = *matcher.program.heap().items_of(subarray, Shape::Tuple)? else {
        return None;
    };
    let base = matcher.facts.dtype(base).filter(|base| base.settled)?;
    let sizes = match shape.kind() {
        Kind::Int(_) => vec![shape],
        _ => matcher.sequence(shape).filter(|(_, more)| !more)?.0.to_vec(),
    };
    let mut total = base.size?;
    for size in sizes {
        let Kind::Int(size) = size.kind() else { return None };
        total = total.checked_mul(u64::try_from(size).ok()?)?;
    }
    (width == Some(total)).then_some(base)
}

/// `{name: (dtype, offset, title?)}`: whether a field holds objects. All lie inside the element.
fn of_fields(matcher: &Matcher<'_, '_, '_>, fields: Value, width: u64) -> Option<bool> {
    let node = matcher.program.heap().of(fields)?;
    if node.shape != Shape::Dict || node.more || node.other_key {
        return None;
    }
    let mut objects = false;
    for pair in matcher.program.heap().items(node).chunks_exact(2) {
        let field = *pair.last()?;
        let [dtype, offset, ref title @ ..] =
            *matcher.program.heap().items_of(field, Shape::Tuple)?
        else {
            return None;
        };
        let (dtype, Kind::Int(offset)) = (matcher.facts.dtype(dtype)?, offset.kind()) else {
            return None;
        };
        if !dtype.settled {
            return None;
        }
        let end = u64::try_from(offset).ok()?.checked_add(dtype.size?)?;
        if end > width || title.len() > 1 {
            return None;
        }
        objects |= dtype.objects;
    }
    Some(objects)
}

/// Nothing or a dict; of a date its unit, `(None or {}, (b"ns", 1, 1, 1))`, without which numpy
/// follows a pointer that is not there. Protocols below 3 call `_codecs.encode` for the bytes.
fn metadata_is_right(matcher: &Matcher<'_, '_, '_>, letter: char, metadata: Value) -> bool {
    let shape = match letter {
        'm' | 'M' => "(none|{}, (bytes, int, int, int))",
        _ => "none|{}",
    };
    Parser::new(shape).one_of(0).is_ok_and(|shape| matcher.one_of(&shape, metadata))
}

/// The names of the fields, all of them there; none where there are no fields.
fn names_are_of(matcher: &Matcher<'_, '_, '_>, names: Value, fields: Value) -> bool {
    if names == Value::NONE || fields == Value::NONE {
        return names == fields;
    }
    matcher.sequence(names).is_some_and(|(items, more)| {
        !more
            && items.iter().all(|&name| {
                let name = matcher.program.text(name, 1 << 16);
                name.is_some_and(|name| matcher.program.entry(fields, &name).is_some())
            })
    })
}

/// Classes that numpy writes in place of a code: those of records.
const RECORDS: &[(&str, &str)] = &[
    ("numpy", "record"),
    ("numpy", "void"),
    ("numpy.rec", "record"),
    ("numpy.core.records", "record"),
];
const LETTERS: &str = "?bBhHiIuUlLqQpPefdgFDGcSaVOmMn";
const SIZES: &[(char, u64)] = &[
    ('?', 1),
    ('b', 1),
    ('B', 1),
    ('h', 2),
    ('H', 2),
    ('e', 2),
    ('i', 4),
    ('I', 4),
    ('f', 4),
    ('l', 8),
    ('L', 8),
    ('q', 8),
    ('Q', 8),
    ('p', 8),
    ('P', 8),
    ('n', 8),
    ('d', 8),
    ('F', 8),
    ('m', 8),
    ('M', 8),
    ('g', 16),
    ('D', 16),
    ('G', 32),
];
const FULL: &[(&str, u64)] = &[
    ("bool", 1),
    ("int8", 1),
    ("uint8", 1),
    ("int16", 2),
    ("uint16", 2),
    ("float16", 2),
    ("int32", 4),
    ("uint32", 4),
    ("float32", 4),
    ("int64", 8),
    ("uint64", 8),
    ("float64", 8),
    ("complex64", 8),
    ("complex128", 16),
    ("object", 8),
    ("int", 8),
    ("float", 8),
];
