//! What is found out about a model, from its graph alone: nothing of it is run.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use modelward_engine::{
    Data, Element, Meter, Model, Tensor, Trouble, Type,
    exec::{How, Session},
    feed::{By, Fed, Objective},
    grad::{Builder, Loss, Options, probes},
    graph::{Declared, Dimension, Inference, ValueId, ops::named},
};
use serde::Serialize;

/// A graph of more nodes than this is described without its gradient, which is several times as large.
const MOST_NODES: usize = 100_000;

/// A model, described.
#[derive(Debug, Serialize)]
pub(super) struct About {
    pub(super) file: String,
    pub(super) opset: i64,
    pub(super) ir_version: i64,
    pub(super) producer: String,
    pub(super) nodes: usize,
    pub(super) weights: Weights,
    pub(super) inputs: Vec<Port>,
    pub(super) outputs: Vec<Port>,
    pub(super) gradient: Gradients,
    pub(super) plan: Answer<Plan>,
}

/// Float initializers.
#[derive(Debug, Serialize)]
pub(super) struct Weights {
    pub(super) tensors: usize,
    pub(super) numbers: usize,
    /// Names of those that hold a NaN or an infinity.
    pub(super) not_finite: Vec<String>,
}

/// An input or an output.
#[derive(Debug, Serialize)]
pub(super) struct Port {
    pub(super) name: String,
    /// Element type and dimensions: `f32[N,3,32,32]`; `?` for what is not known.
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// What can be differentiated.
#[derive(Debug, Serialize)]
pub(super) struct Gradients {
    pub(super) by_inputs: Possible,
    pub(super) by_weights: Possible,
    /// Weights that the output depends on with a slope.
    pub(super) weights: usize,
    pub(super) of_weights: usize,
    pub(super) per_example: Possible,
    /// What the first output is: `logits`, `Softmax`, `Sigmoid` or another operator.
    pub(super) ends_in: Option<String>,
    /// Nodes at the inputs that shift or scale them by constants.
    pub(super) preprocessing: Vec<String>,
}

/// Whether something is possible, and else why not.
#[derive(Debug, Serialize)]
pub(super) struct Possible {
    pub(super) possible: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    /// The first node that stands in the way, from the outputs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<String>,
}

/// Something that was found out, or why it was not.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer<T> {
    Known(T),
    Unknown { why: String },
}

/// What running the model costs.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    pub(super) batch: usize,
    pub(super) forward: Cost,
    pub(super) gradient: Option<Cost>,
    pub(super) cpu: &'static str,
    pub(super) threads: usize,
}

/// What one run costs.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    /// Of values and weights together.
    pub(super) bytes: u64,
    pub(super) flop: u64,
    pub(super) micro_batch: usize,
}

impl Possible {
    const YES: Self = Self { possible: true, why: None, node: None };

    fn no(why: impl Into<String>) -> Self {
        Self { possible: false, why: Some(why.into()), node: None }
    }

    fn stopped(trouble: Trouble) -> Self {
        Self { possible: false, why: Some(trouble.why.into_owned()), node: trouble.node }
    }
}

impl About {
    /// Describe a model, with a plan for so many examples.
    pub(super) fn of(path: &Path, model: &Model, batch: usize, how: How) -> Self {
        let meter = Meter::new(how.limits);
        let known = probes(&model.graph, &meter);
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self {
            file,
            opset: model.opset,
            ir_version: model.ir_version,
            producer: model.producer.clone(),
            nodes: model.nodes,
            weights: weights(model),
            inputs: inputs(model),
            outputs: outputs(model, known.as_deref().unwrap_or_default()),
            gradient: gradients(model, known.as_ref(), how),
            plan: match plan(model, batch, how) {
                Ok(plan) => Answer::Known(plan),
                Err(trouble) => Answer::Unknown { why: trouble.to_string() },
            },
        }
    }
}

fn weights(model: &Model) -> Weights {
    let tensors = model.weights.iter().filter_map(|&id| {
        let value = model.graph.value(id);
        Some((&value.name, value.constant.as_ref()?))
    });
    let (mut numbers, mut not_finite) = (0_usize, Vec::new());
    for (name, tensor) in tensors {
        numbers = numbers.saturating_add(tensor.count());
        let finite = match tensor.data() {
            Data::F32(values) => values.iter().all(|value| value.is_finite()),
            Data::F64(values) => values.iter().all(|value| value.is_finite()),
            _ => tensor.floats().is_ok_and(|values| values.iter().all(|value| value.is_finite())),
        };
        if !finite {
            not_finite.push(name.to_string());
        }
    }
    Weights { tensors: model.weights.len(), numbers, not_finite }
}

fn inputs(model: &Model) -> Vec<Port> {
    let port = |&id: &ValueId| {
        let value = model.graph.value(id);
        let kind = value.declared.as_ref().map_or_else(|| "?".to_owned(), shown);
        Port { name: value.name.to_string(), kind }
    };
    model.graph.inputs.iter().map(port).collect()
}

/// A declared type; a batch without a name is called `N`.
fn shown(declared: &Declared) -> String {
    let Some(dims) = &declared.dims else { return declared.to_string() };
    let dims = dims.iter().enumerate().map(|(axis, dimension)| match dimension {
        Dimension::Any if axis == 0 => "N".to_owned(),
        other => other.to_string(),
    });
    format!("{}[{}]", declared.element, dims.collect::<Vec<_>>().join(","))
}

/// The outputs: a dimension that is another for other inputs has the name of the input's that it
/// follows.
fn outputs(model: &Model, known: &[Inference]) -> Vec<Port> {
    let mut names: BTreeMap<(usize, usize), String> = BTreeMap::new();
    let sizes = |id: ValueId| {
        let kinds = known.iter().map(|known| known.kind(id)).collect::<Option<Vec<_>>>()?;
        let [one, two] = kinds[..] else { return None };
        (one.dims.len() == two.dims.len()).then_some((one, two))
    };
    for &id in &model.graph.inputs {
        let declared = model.graph.value(id).declared.as_ref();
        let (Some((one, two)), Some(declared)) = (sizes(id), declared) else { continue };
        let pairs = one.dims.iter().copied().zip(two.dims.iter().copied());
        for (axis, (pair, dimension)) in pairs.zip(declared.dims.iter().flatten()).enumerate() {
            let name = match dimension {
                Dimension::Fixed(_) => continue,
                Dimension::Named(name) => name.to_string(),
                Dimension::Any if axis == 0 => "N".to_owned(),
                Dimension::Any => "?".to_owned(),
            };
            names.entry(pair).or_insert(name);
        }
    }
    let port = |&id: &ValueId| {
        let kind = sizes(id).map_or_else(
            || "?".to_owned(),
            |(one, two)| {
                let pairs = one.dims.iter().copied().zip(two.dims.iter().copied());
                let dims = pairs.map(|pair| match (pair.0 == pair.1, names.get(&pair)) {
                    (true, _) => pair.0.to_string(),
                    (false, Some(name)) => name.clone(),
                    (false, None) => "?".to_owned(),
                });
                format!("{}[{}]", one.element, dims.collect::<Vec<_>>().join(","))
            },
        );
        Port { name: model.graph.value(id).name.to_string(), kind }
    };
    model.graph.outputs.iter().map(port).collect()
}

fn gradients(model: &Model, known: Result<&Vec<Inference>, &Trouble>, how: How) -> Gradients {
    let floats = model.graph.inputs.iter().copied().filter(|&id| {
        let declared = model.graph.value(id).declared.as_ref();
        declared.is_some_and(|declared| declared.element.is_float())
    });
    let floats = floats.collect::<Vec<_>>();
    let (_, by_inputs) = slopes(model, known, &floats, how, "the model has no float input");
    let (count, by_weights) = slopes(model, known, &model.weights, how, "the model has no weights");
    let per_example = match by_weights.possible {
        true => per_example(model, how),
        false => Possible { possible: false, why: None, node: None },
    };
    Gradients {
        by_inputs,
        by_weights,
        weights: count,
        of_weights: model.weights.len(),
        per_example,
        ends_in: ends_in(model, known.ok()),
        preprocessing: preprocessing(model),
    }
}

/// By how many of these values the first output has a gradient.
fn slopes(
    model: &Model,
    known: Result<&Vec<Inference>, &Trouble>,
    by: &[ValueId],
    how: How,
    none: &str,
) -> (usize, Possible) {
    if by.is_empty() {
        return (0, Possible::no(none));
    }
    if model.graph.nodes().len() > MOST_NODES {
        return (0, Possible::no(format!("not looked at: more than {MOST_NODES} nodes")));
    }
    let known = match known {
        Ok(known) => known,
        Err(trouble) => return (0, Possible::stopped(trouble.clone())),
    };
    let Some(&first) = model.graph.outputs.first() else {
        return (0, Possible::no("the model has no output"));
    };
    let meter = Meter::new(how.limits);
    let mut builder = Builder::new(model.graph.clone(), known.clone(), &meter, named);
    let mut options = Options::default();
    let found = builder.ones_like(first).and_then(|ones| {
        if !builder.is_float(first) {
            return Err(Trouble::unsupported("the first output holds no floats"));
        }
        builder.gradients(&[(first, ones)], by, &mut options)
    });
    match found {
        Ok(found) => match (found.iter().flatten().count(), options.zero.into_iter().next()) {
            (0, Some((node, why))) => {
                let why = Some(format!("it is 0: {why}"));
                (0, Possible { possible: false, why, node: Some(node) })
            }
            (0, None) => (0, Possible::no("the first output does not depend on them")),
            (count, _) => (count, Possible::YES),
        },
        Err(trouble) => (0, Possible::stopped(trouble)),
    }
}

/// What is differentiated to see what a gradient costs.
fn objective(model: &Model) -> Vec<Objective> {
    let first = model.graph.outputs.first().map(|&id| model.graph.value(id).name.to_string());
    vec![Objective::Loss(Loss::CrossEntropy), Objective::Seeds(first.into_iter().collect())]
}

/// A session over the gradient of a loss, or where the output takes none of the output itself.
fn session(model: &Model, by: &By, fed: &Fed, how: How) -> Result<(Session, usize), Trouble> {
    let mut first = None;
    for of in objective(model) {
        let derivative = match model.derivative(by, &of, Some(fed), false, &how.limits) {
            Ok(derivative) => derivative,
            Err(trouble) => {
                first.get_or_insert(trouble);
                continue;
            }
        };
        let mut fed = fed.clone();
        let others =
            derivative.labels.into_iter().chain(derivative.seeds.iter().map(|(_, id)| *id));
        for id in others {
            let kind = derivative.known.first().and_then(|known| known.kind(id));
            let kind = kind.ok_or_else(|| Trouble::data_dependent("a shape depends on data"))?;
            fed.push((id, Arc::new(Tensor::zeros(kind)?)));
        }
        let count = derivative.gradients.len();
        return Ok((Session::new(Arc::new(derivative.graph), &fed, how)?, count));
    }
    Err(first.unwrap_or_else(|| Trouble::graph("the model has no output")))
}

fn per_example(model: &Model, how: How) -> Possible {
    let done = zeros(model, 2, how).and_then(|(fed, _)| session(model, &By::Weights, &fed, how));
    match done {
        Ok((session, count)) if session.is_summed(count) => Possible::YES,
        Ok(_) => Possible::no("examples are not treated each by itself"),
        Err(trouble) => Possible::stopped(trouble),
    }
}

/// Zeros in the shape of each input, for so many examples, and a session over them. Free dimensions
/// get a size that fits.
fn zeros(model: &Model, batch: usize, how: How) -> Result<(Fed, Session), Trouble> {
    let mut first = None;
    for size in [16, 8, 32, 64, 224] {
        let meter = Meter::new(how.limits);
        let mut fed = Fed::new();
        for &id in &model.graph.inputs {
            let value = model.graph.value(id);
            let declared = value.declared.as_ref();
            let shape =
                declared.and_then(|declared| Some((declared.element, declared.dims.as_ref()?)));
            let (element, dims) = shape.ok_or_else(|| {
                Trouble::data_dependent(format!("the input `{}` has no declared shape", value.name))
            })?;
            let dims = dims.iter().enumerate().map(|(axis, dimension)| match dimension {
                Dimension::Fixed(1) if axis == 0 && dims.len() > 1 => batch,
                Dimension::Fixed(size) => *size,
                _ if axis == 0 => batch,
                _ => size,
            });
            let kind = Type::new(element, dims.collect::<Vec<_>>());
            meter
                .admit(&kind)
                .map_err(|trouble| trouble.at(|| format!("input `{}`", value.name)))?;
            // Whole numbers may be sizes, for which ones are the smallest that say something.
            let tensor = match element {
                Element::I64 | Element::I32 if kind.count()? <= 64 => {
                    Tensor::new(kind.dims.clone(), vec![1_i64; kind.count()?])?.cast(element)?
                }
                _ => Tensor::zeros(&kind)?,
            };
            fed.push((id, Arc::new(tensor)));
        }
        let free = fed.iter().any(|(id, tensor)| {
            let declared = model.graph.value(*id).declared.as_ref();
            declared.is_some_and(|declared| {
                let dims = declared.dims.iter().flatten().skip(1);
                dims.zip(tensor.dims()).any(|(dim, _)| !matches!(dim, Dimension::Fixed(_)))
            })
        });
        let session = Session::new(Arc::new(model.graph.clone()), &fed, how);
        match session.and_then(|mut session| session.plan(batch).map(|_| session)) {
            Ok(session) => return Ok((fed, session)),
            Err(trouble) => {
                first.get_or_insert(trouble);
            }
        }
        if !free {
            break;
        }
    }
    Err(first.unwrap_or_else(|| Trouble::graph("the model has no input")))
}

fn plan(model: &Model, batch: usize, how: How) -> Result<Plan, Trouble> {
    let (fed, mut forward) = zeros(model, batch, how)?;
    let cost = |session: &mut Session| -> Result<Cost, Trouble> {
        let (plan, micro_batch) = session.plan(batch)?;
        let bytes = plan.memory.saturating_add(plan.weights);
        Ok(Cost { bytes, flop: plan.flop, micro_batch })
    };
    let gradient = if model.graph.nodes().len() <= MOST_NODES {
        let session = session(model, &By::Inputs, &fed, how);
        session.and_then(|(mut session, _)| cost(&mut session)).ok()
    } else {
        None
    };
    Ok(Plan {
        batch,
        forward: cost(&mut forward)?,
        gradient,
        cpu: how.cpu.name(),
        threads: how.threads,
    })
}

/// What the first output is.
fn ends_in(model: &Model, known: Option<&Vec<Inference>>) -> Option<String> {
    let first = *model.graph.outputs.first()?;
    let writers = model.graph.writers();
    let mut at = first;
    // As many steps as there are nodes, for what leads on is written before.
    let node = loop {
        let node = model.graph.nodes().get(*writers.get(&at)?)?;
        match node.inputs.first().copied().flatten() {
            Some(input) if node.operator.name == "Identity" => at = input,
            _ => break node,
        }
    };
    let name = node.operator.name;
    let matrix = known
        .and_then(|known| known.first()?.kind(first))
        .is_some_and(|kind| kind.element.is_float() && kind.dims.len() == 2);
    let linear = matches!(name, "Gemm" | "MatMul" | "Add" | "Sub" | "Reshape" | "Flatten");
    Some(if matrix && linear { "logits".to_owned() } else { name.to_owned() })
}

/// Nodes behind each float input that shift or scale it by a constant, as long as there are such.
fn preprocessing(model: &Model) -> Vec<String> {
    const MOST: usize = 8;
    let graph = &model.graph;
    let mut seen = Vec::new();
    for &input in &graph.inputs {
        let mut at = input;
        while seen.len() < MOST {
            let mut readers = graph.nodes().iter().filter(|node| node.inputs.contains(&Some(at)));
            let (Some(node), None) = (readers.next(), readers.next()) else { break };
            let name = node.operator.name;
            let others = node.inputs.iter().flatten().filter(|id| **id != at);
            let constants = others.map(|id| graph.value(*id).constant.as_ref());
            match (name, constants.collect::<Option<Vec<_>>>()) {
                ("Sub" | "Add" | "Mul" | "Div", Some(constants)) if constants.len() == 1 => {
                    let Some(numbers) = constants.first() else { break };
                    seen.push(format!("{name} {}", range(numbers)));
                }
                ("Transpose" | "Identity" | "Cast", _) => {}
                _ => break,
            }
            let Some(&output) = node.outputs.first() else { break };
            at = output;
        }
    }
    seen
}

/// The numbers of a constant: the one, or from the least to the largest.
fn range(tensor: &Tensor) -> String {
    let values = tensor.floats().unwrap_or_default();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    #[expect(clippy::cast_possible_truncation, reason = "shown as the file's own precision")]
    let (low, high) = (low as f32, high as f32);
    if low == high { low.to_string() } else { format!("{low}..{high}") }
}
