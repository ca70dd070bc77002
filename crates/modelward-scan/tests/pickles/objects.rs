//! What models are made of, and what attackers put among it.

use super::{Choices, Effect};

/// An object that libraries write and the allow-list knows.
pub(crate) fn harmless(choices: &mut Choices<'_>) -> Effect {
    match choices.below(7) {
        0 => state_dict(choices),
        1 => array(choices),
        2 => estimator(choices),
        3 => module(choices),
        4 => small(choices),
        5 => Effect::dict(vec![
            ("epoch", Effect::Int(3)),
            ("model", state_dict(choices)),
            ("scaler", estimator(choices)),
            ("seen", small(choices)),
        ]),
        _ => plain(choices, 3),
    }
}

/// Constants and containers of them.
pub(crate) fn plain(choices: &mut Choices<'_>, depth: u32) -> Effect {
    let many = |choices: &mut Choices<'_>| {
        (0..choices.below(5)).map(|_| plain(choices, depth - 1)).collect::<Vec<_>>()
    };
    match choices.below(if depth == 0 { 6 } else { 9 }) {
        0 => Effect::None,
        1 => Effect::Bool(choices.below(2) == 1),
        2 => Effect::Int(choices.below(256) as i64 * 0x0123_4567 - 70_000),
        3 => Effect::Float(f64::from(choices.below(256) as u8) / 8.0 - 3.0),
        4 => Effect::text(choices.of(&["a", "", "weight", "lr\n'\"\\", "größe", "学习率", "🐍"])),
        5 => Effect::Bytes(vec![choices.below(256) as u8; choices.below(20)]),
        6 => Effect::Tuple(many(choices)),
        7 => Effect::List(many(choices)),
        _ => {
            let values = many(choices);
            let keys = (0..).map(|number| Effect::Text(format!("key{number}")));
            Effect::Dict(keys.zip(values).collect())
        }
    }
}

fn ordered(items: Vec<(Effect, Effect)>) -> Effect {
    let empty = Effect::call("collections", "OrderedDict", Vec::new());
    if items.is_empty() { empty } else { Effect::Items(Box::new(empty), items) }
}

/// A tensor of torch over a storage of 16 bytes.
pub(crate) fn tensor(choices: &mut Choices<'_>) -> Effect {
    let id = Effect::Tuple(vec![
        Effect::text("storage"),
        Effect::import("torch", "FloatStorage"),
        Effect::text("0"),
        Effect::text(choices.of(&["cpu", "cuda:0"])),
        Effect::Int(4),
    ]);
    let numbers = |numbers: [i64; 2]| Effect::Tuple(numbers.map(Effect::Int).into());
    let arguments = vec![
        Effect::Persistent(Box::new(id)),
        Effect::Int(0),
        numbers([2, 2]),
        numbers([2, 1]),
        Effect::Bool(choices.below(2) == 1),
        ordered(Vec::new()),
    ];
    Effect::call("torch._utils", "_rebuild_tensor_v2", arguments)
}

fn state_dict(choices: &mut Choices<'_>) -> Effect {
    let names = ["layer.weight", "layer.bias", "norm.weight"];
    let tensors = names[..1 + choices.below(3)].iter();
    let items = tensors.map(|name| (Effect::text(name), tensor(choices))).collect();
    let dict = ordered(items);
    if choices.below(2) == 0 {
        return dict;
    }
    let version = Effect::dict(vec![("version", Effect::Int(1))]);
    let metadata = ordered(vec![(Effect::text(""), version)]);
    dict.with_state(Effect::dict(vec![("_metadata", metadata)]))
}

fn module(choices: &mut Choices<'_>) -> Effect {
    let parameter = vec![tensor(choices), Effect::Bool(true), ordered(Vec::new())];
    let parameter = Effect::call("torch._utils", "_rebuild_parameter", parameter);
    let fields = vec![
        ("training", Effect::Bool(false)),
        ("_parameters", ordered(vec![(Effect::text("weight"), parameter)])),
        ("_buffers", ordered(Vec::new())),
        ("_modules", ordered(Vec::new())),
        ("in_features", Effect::Int(2)),
    ];
    Effect::instance("torch.nn.modules.linear", "Linear").with_state(Effect::dict(fields))
}

fn dtype() -> Effect {
    let call = vec![Effect::text("f8"), Effect::Bool(false), Effect::Bool(true)];
    let absent = || Effect::None;
    let state = vec![
        Effect::Int(3),
        Effect::text("<"),
        absent(),
        absent(),
        absent(),
        Effect::Int(-1),
        Effect::Int(-1),
        Effect::Int(0),
    ];
    Effect::call("numpy", "dtype", call).with_state(Effect::Tuple(state))
}

/// An array of numpy: two numbers of eight bytes.
pub(crate) fn array(choices: &mut Choices<'_>) -> Effect {
    let module = choices.of(&["numpy.core.multiarray", "numpy._core.multiarray"]);
    let empty = vec![
        Effect::import("numpy", "ndarray"),
        Effect::Tuple(vec![Effect::Int(0)]),
        Effect::Bytes(b"b".to_vec()),
    ];
    let data = (0..16).map(|index| index * 7).collect();
    let state = vec![
        Effect::Int(1),
        Effect::Tuple(vec![Effect::Int(2)]),
        dtype(),
        Effect::Bool(false),
        Effect::Bytes(data),
    ];
    Effect::call(module, "_reconstruct", empty).with_state(Effect::Tuple(state))
}

fn estimator(choices: &mut Choices<'_>) -> Effect {
    let (module, name) = choices.of(&[
        ("sklearn.linear_model._logistic", "LogisticRegression"),
        ("sklearn.preprocessing._data", "StandardScaler"),
    ]);
    let fields = vec![
        ("penalty", Effect::text("l2")),
        ("C", Effect::Float(1.0)),
        ("coef_", array(choices)),
        ("random_state", Effect::None),
        ("more", plain(choices, 2)),
        ("_sklearn_version", Effect::text("1.6.1")),
    ];
    let estimator = Effect::instance(module, name).with_state(Effect::dict(fields));
    if choices.below(2) == 0 {
        return estimator;
    }
    let step = Effect::Tuple(vec![Effect::text("step"), estimator]);
    let fields = vec![("steps", Effect::List(vec![step])), ("verbose", Effect::Bool(false))];
    Effect::instance("sklearn.pipeline", "Pipeline").with_state(Effect::dict(fields))
}

/// Small values of the standard library.
fn small(choices: &mut Choices<'_>) -> Effect {
    match choices.below(5) {
        0 => Effect::call("builtins", "set", vec![Effect::List(vec![Effect::Int(1)])]),
        1 => {
            let numbers = [2026, 11, 22].map(Effect::Int).to_vec();
            Effect::call("datetime", "date", numbers)
        }
        2 => {
            let factory = Effect::import("builtins", "list");
            let empty = Effect::call("collections", "defaultdict", vec![factory]);
            Effect::Items(Box::new(empty), vec![(Effect::text("a"), plain(choices, 1))])
        }
        3 => Effect::instance("argparse", "Namespace")
            .with_state(Effect::dict(vec![("lr", Effect::Float(0.1))])),
        _ => Effect::call("builtins", "complex", vec![Effect::Float(1.0), Effect::Float(2.0)]),
    }
}

/// A call, and where it stands: alone, or somewhere in a model.
pub(crate) fn hidden(call: Effect, choices: &mut Choices<'_>) -> Effect {
    match choices.below(9) {
        0 => call,
        1 => Effect::List(vec![Effect::Int(1), call]),
        2 => Effect::dict(vec![("model", harmless(choices)), ("extra", call)]),
        3 => Effect::Tuple(vec![harmless(choices), call, Effect::None]),
        4 => Effect::instance("sklearn.preprocessing._data", "StandardScaler")
            .with_state(Effect::dict(vec![("mean_", call)])),
        5 => ordered(vec![(Effect::text("weight"), call)]),
        6 => ordered(vec![(call, tensor(choices))]),
        7 => Effect::call("builtins", "list", vec![Effect::List(vec![call])]),
        _ => Effect::instance("argparse", "Namespace").with_state(call),
    }
}
