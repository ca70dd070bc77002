//! A tensor as the call says that rebuilds it: a storage, and which of its elements.

use crate::{
    Gap, Refusal,
    pickle::{
        legacy::element_width,
        program::{Import, Program},
        value::{Kind as Is, Shape, Value},
    },
    tensors::Kind,
};

/// A tensor over a storage.
#[derive(Debug)]
pub(super) struct Rebuilt {
    /// The name of the storage.
    pub(super) key: String,
    /// Bytes that the storage is said to have.
    pub(super) declared: u64,
    /// Its first element there.
    pub(super) offset: u64,
    /// Its shape.
    pub(super) shape: Vec<u64>,
    /// How far it is to the next of each index, in elements.
    pub(super) strides: Vec<u64>,
    /// What its elements are.
    pub(super) kind: Kind,
    /// What the elements of its storage are said to be.
    pub(super) stored: Kind,
    /// Offset in the program of what tells so.
    pub(super) at: u64,
}

/// What a call makes.
pub(super) enum Call<'a> {
    /// A tensor.
    Tensor(Result<Rebuilt, Refusal>),
    /// What this value is, in another guise.
    Same(Value),
    /// Something that is no tensor by itself, made of these.
    Other(&'a [Value]),
}

/// What a call of a function gives, as far as tensors go.
pub(super) fn call<'a>(program: &Program<'a>, callee: &Import, arguments: &'a [Value]) -> Call<'a> {
    let (module, name) = (callee.module.as_deref(), callee.name.as_deref());
    let (Some(module), Some(name)) = (module, name) else { return Call::Other(arguments) };
    match (module, name, arguments) {
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2", arguments) => {
            Call::Tensor(tensor(program, arguments, None))
        }
        ("torch._utils", "_rebuild_tensor_v3", arguments) => {
            let dtype = arguments.get(6).copied().unwrap_or(Value::NONE);
            Call::Tensor(tensor(program, arguments, Some(dtype)))
        }
        // A state is attributes, of which `data` would be other elements.
        ("torch._utils", "_rebuild_parameter_with_state", &[data, _, _, state])
            if is_empty(program, state) =>
        {
            Call::Same(data)
        }
        ("torch._utils", "_rebuild_parameter", &[data, ..])
        | ("torch.jit._pickle", "restore_type_tag", &[data, ..])
        | ("torch.nn.parameter", "Parameter" | "Buffer", &[data, ..])
        | ("torch", "Size", &[data]) => Call::Same(data),
        ("torch._utils" | "torch._tensor", name, _) if name.starts_with("_rebuild") => {
            let why =
                format!("a tensor that `{name}` rebuilds, which has no elements in one order");
            Call::Tensor(Err(Refusal::new(0, Gap::Unsupported, why)))
        }
        ("torch.storage", "_load_from_bytes", _) => {
            let why = "a checkpoint inside the program";
            Call::Tensor(Err(Refusal::new(0, Gap::Unsupported, why)))
        }
        _ => Call::Other(arguments),
    }
}

/// Whether a state is none, or has no attributes.
pub(super) fn is_empty(program: &Program<'_>, state: Value) -> bool {
    let pairs = program.heap().items_of(state, Shape::Dict);
    state == Value::NONE || pairs.is_some_and(<[Value]>::is_empty)
}

fn tensor(
    program: &Program<'_>,
    arguments: &[Value],
    dtype: Option<Value>,
) -> Result<Rebuilt, Refusal> {
    let odd = || Refusal::new(0, Gap::Malformed, "a tensor of what are no constants");
    let [storage, offset, size, stride, rest @ ..] = arguments else { return Err(odd()) };
    let id = program.heap().items_of(*storage, Shape::Persistent).and_then(|id| id.first());
    let id = id.and_then(|&id| program.heap().items_of(id, Shape::Tuple)).ok_or_else(odd)?;
    let &[tag, class, key, location, count, ref more @ ..] = id else { return Err(odd()) };
    let at = match tag.kind() {
        Is::Text(at) => at,
        _ => return Err(odd()),
    };
    if program.text(tag, 16).as_deref() != Some("storage") {
        return Err(odd());
    }
    if program.text(location, 64).as_deref() == Some("meta") {
        return Err(Refusal::new(at, Gap::MissingPart, "a tensor without elements, on `meta`"));
    }
    if more.iter().any(|&view| view != Value::NONE) {
        return Err(Refusal::new(at, Gap::Unsupported, "a storage that is part of another"));
    }
    // Behind whether it has a gradient, its hooks and, in the third version, its type: flags under which
    // the elements mean other numbers than they are. PyTorch takes whatever is true for a set flag.
    let flags = rest.get(if dtype.is_some() { 3 } else { 2 });
    if !flags.is_none_or(|&flags| is_unset(program, flags)) {
        let why = "a tensor that may be conjugated or negated where it is used";
        return Err(Refusal::new(at, Gap::Unsupported, why));
    }
    let class = imported(program, class).ok_or_else(odd)?;
    let stored = Kind::of_torch(class).unwrap_or(Kind::UNKNOWN);
    let (kind, unit) = match dtype {
        None => (Kind::of_torch(class), element_width(class)),
        Some(dtype) => (imported(program, dtype).and_then(Kind::of_torch), Some(1)),
    };
    let key = match key.kind() {
        Is::Int(number) => number.to_string(),
        _ => program.text(key, 256).ok_or_else(odd)?,
    };
    let kind = kind.ok_or_else(|| {
        let why = format!("elements of `{class}`, which have no name in a manifest");
        Refusal::new(at, Gap::Unsupported, why)
    })?;
    let declared = number(count).zip(unit).and_then(|(count, unit)| count.checked_mul(unit));
    let shape = numbers(program, *size).ok_or_else(odd)?;
    let strides = numbers(program, *stride).ok_or_else(odd)?;
    if shape.len() != strides.len() || shape.len() > MOST_DIMENSIONS {
        return Err(odd());
    }
    let (declared, offset) = (declared.ok_or_else(odd)?, number(*offset).ok_or_else(odd)?);
    Ok(Rebuilt { key, declared, offset, shape, strides, kind, stored, at })
}

/// Whether flags are none, or all false.
fn is_unset(program: &Program<'_>, flags: Value) -> bool {
    let pairs = program.heap().items_of(flags, Shape::Dict);
    let all_false = |pairs: &[Value]| {
        pairs.chunks(2).all(|pair| pair.get(1).is_some_and(|value| value.kind() == Is::Bool(false)))
    };
    flags == Value::NONE || pairs.is_some_and(all_false)
}

fn imported<'a>(program: &'a Program<'_>, value: Value) -> Option<&'a str> {
    let Is::Import(index) = value.kind() else { return None };
    let import = program.import(index)?;
    let torch = matches!(import.module.as_deref()?, "torch" | "torch.storage" | "torch.cuda");
    import.name.as_deref().filter(|_| torch)
}

fn number(value: Value) -> Option<u64> {
    match value.kind() {
        Is::Int(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

/// A tuple of numbers, or a `torch.Size` of one.
fn numbers(program: &Program<'_>, value: Value) -> Option<Vec<u64>> {
    let heap = program.heap();
    let inner = heap.items_of(value, Shape::Object).and_then(|object| match *object {
        [callee, arguments] => {
            let Is::Import(index) = callee.kind() else { return None };
            let size = program.import(index)?.is("torch", "Size");
            heap.items_of(arguments, Shape::Tuple)?.first().copied().filter(|_| size)
        }
        _ => None,
    });
    let items = heap.items_of(inner.unwrap_or(value), Shape::Tuple);
    let items = items.or_else(|| heap.items_of(inner.unwrap_or(value), Shape::List))?;
    items.iter().map(|&item| number(item)).collect()
}

/// The limit of numpy and PyTorch.
const MOST_DIMENSIONS: usize = 64;
