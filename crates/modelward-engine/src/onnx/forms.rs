//! Which operator set the form of a node needs.
//!
//! Nodes are kept in the form of the newest set. Most operators of today have had that form, in
//! the elements that gradients use, since set 13 or since they exist; the table says of the others
//! what is newer about them.
//!
//! Source: ONNX 1.23, history of the operators' schemas.

use crate::graph::{Attribute, Domain, Node};

/// What a newer set brought.
enum Form {
    /// The form that every node has here.
    Every,
    /// An attribute.
    Attribute(&'static str),
    /// A text as the value of an attribute.
    Value(&'static str, &'static str),
    /// An input.
    Input(usize),
}

use Form::{Attribute as With, Every, Input, Value};

/// The oldest set that is written: from it on axes are inputs.
pub(super) const OLDEST: i64 = 13;

/// Operators whose form has changed since set 13.
const FORMS: &[(&str, &[(Form, i64)])] = &[
    (
        "Attention",
        &[(Input(6), 24), (With("left_window_size"), 25), (With("right_window_size"), 25)],
    ),
    ("AveragePool", &[(With("dilations"), 19)]),
    ("BatchNormalization", &[(With("training_mode"), 14)]),
    ("Cast", &[(With("saturate"), 19), (With("round_mode"), 24)]),
    ("CastLike", &[(With("saturate"), 19), (With("round_mode"), 24)]),
    ("DFT", &[(Every, 20)]),
    ("DequantizeLinear", &[(With("block_size"), 21), (With("output_dtype"), 23)]),
    ("GRU", &[(With("layout"), 14)]),
    ("GridSample", &[(Every, 20)]),
    ("GroupNormalization", &[(Every, 21)]),
    ("LSTM", &[(With("layout"), 14)]),
    ("LpPool", &[(With("ceil_mode"), 18), (With("dilations"), 18)]),
    ("Pad", &[(Input(3), 18), (Value("mode", "wrap"), 19)]),
    (
        "QuantizeLinear",
        &[
            (With("saturate"), 19),
            (With("block_size"), 21),
            (With("output_dtype"), 21),
            (With("precision"), 23),
        ],
    ),
    ("RNN", &[(With("layout"), 14)]),
    ("Range", &[(With("stash_type"), 27)]),
    ("ReduceL1", REDUCE),
    ("ReduceL2", REDUCE),
    ("ReduceLogSum", REDUCE),
    ("ReduceLogSumExp", REDUCE),
    ("ReduceMax", REDUCE),
    ("ReduceMean", REDUCE),
    ("ReduceMin", REDUCE),
    ("ReduceProd", REDUCE),
    ("ReduceSumSquare", REDUCE),
    ("Reshape", &[(With("allowzero"), 14)]),
    (
        "Resize",
        &[
            (With("antialias"), 18),
            (With("axes"), 18),
            (With("keep_aspect_ratio_policy"), 18),
            (Value("coordinate_transformation_mode", "half_pixel_symmetric"), 19),
        ],
    ),
    ("RoiAlign", &[(Every, 16)]),
    ("ScatterElements", SCATTER),
    ("ScatterND", SCATTER),
    ("Shape", &[(With("start"), 15), (With("end"), 15)]),
    ("SpaceToDepth", &[(With("mode"), 28)]),
    ("Split", &[(With("num_outputs"), 18)]),
];

const REDUCE: &[(Form, i64)] = &[(Input(1), 18), (With("noop_with_empty_axes"), 18)];

const SCATTER: &[(Form, i64)] =
    &[(With("reduction"), 16), (Value("reduction", "max"), 18), (Value("reduction", "min"), 18)];

/// The operator set of ONNX that a node needs, the graphs inside it included.
pub(super) fn needed(node: &Node) -> i64 {
    let mut most = OLDEST;
    let mut left = vec![node];
    while let Some(node) = left.pop() {
        left.extend(node.bodies.iter().flat_map(|body| body.graph.nodes()));
        if node.operator.domain != Domain::Onnx {
            continue;
        }
        most = most.max(node.operator.since.first().copied().unwrap_or(OLDEST));
        let forms = FORMS.iter().find(|(name, _)| *name == node.operator.name);
        for (form, since) in forms.map_or(&[][..], |(_, forms)| forms) {
            let has = match form {
                Every => true,
                With(name) => node.attributes.find(name).is_some(),
                Value(name, value) => {
                    let text = node.attributes.find(name);
                    matches!(text, Some(Attribute::Text(text)) if &**text == *value)
                }
                Input(at) => node.inputs.get(*at).copied().flatten().is_some(),
            };
            if has {
                most = most.max(*since);
            }
        }
    }
    most
}
