//! Gradients held against differences: the planned gradient in single precision, and the same rules
//! in double precision, against central differences of the model in double precision.
//!
//! Differences lie at kinks, and in single precision they are worthless. Two step sizes are compared,
//! and the slopes to both sides: a direction in which these disagree is left out, and counted.

use std::sync::Arc;

use crate::{
    Element, Kind, Limits, Meter, Model, Result, Tensor, Trouble, Type,
    exec::{self, How, Session},
    feed::{By, Fed, Objective},
    graph::{Attribute, Body, Dimension, Graph, ValueId},
};

/// Steps along a direction, which has the scale of what is moved.
const STEPS: [f64; 2] = [1e-4, 5e-5];

/// Differences that are further apart than this share of the largest are taken at a kink.
const APART: f64 = 1e-5;

/// What came out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Checked {
    /// Examples that were looked at.
    pub examples: usize,
    /// Directions for each of them.
    pub directions: usize,
    /// The largest error of the planned gradient along a direction, as a share of the largest slope.
    pub error: f64,
    /// The same for the rules in double precision.
    pub error_of_rules: f64,
    /// Directions at a kink, which were left out.
    pub kinks: usize,
}

/// One direction: the differences, and the gradients along it.
struct Slope {
    differences: [f64; 2],
    /// How far the slopes to both sides are apart, for both steps.
    sides: [f64; 2],
    planned: f64,
    rules: f64,
}

/// Check the gradient of a model's first output, in a random mixture of its elements, along so many
/// random directions for each example.
///
/// # Errors
/// Where the gradient does not exist, or a limit is reached.
pub fn check(model: &Model, by: &By, fed: &Fed, directions: usize, how: How) -> Result<Checked> {
    let double = doubled_model(model)?;
    let wanted = model.wanted(by)?;
    if wanted.is_empty() {
        return Err(Trouble::new(Kind::Input, "the model has nothing to take this gradient by"));
    }
    let examples = examples(model, fed)?;
    let mut random = Random::new(1);
    let mut slopes = Vec::new();
    for fed in &examples {
        slopes.extend(example(model, &double, by, &wanted, fed, directions, how, &mut random)?);
    }
    let largest =
        slopes.iter().flat_map(|slope| [slope.differences[1], slope.rules, slope.planned]);
    let largest = largest.fold(0.0_f64, |most, slope| most.max(slope.abs()));
    let mut checked = Checked { examples: examples.len(), directions, ..Checked::default() };
    for slope in &slopes {
        let [coarse, fine] = slope.differences;
        let [wide, near] = slope.sides.map(f64::abs);
        // What bends does so half as much in half the step; at a kink it does not.
        let kink = (coarse - fine).abs() > APART * largest
            || (near > APART * largest && near > 0.75 * wide);
        if kink {
            checked.kinks += 1;
            continue;
        }
        let share = |slope: f64| {
            let off = (slope - fine).abs();
            if off.is_nan() {
                f64::INFINITY
            } else if off == 0.0 {
                0.0
            } else {
                off / largest
            }
        };
        checked.error = checked.error.max(share(slope.planned));
        checked.error_of_rules = checked.error_of_rules.max(share(slope.rules));
    }
    Ok(checked)
}

#[expect(clippy::too_many_arguments, reason = "the two models, and what is done with them")]
fn example(
    model: &Model,
    double: &Model,
    by: &By,
    wanted: &[ValueId],
    fed: &Fed,
    directions: usize,
    how: How,
    random: &mut Random,
) -> Result<Vec<Slope>> {
    let limits = &how.limits;
    let fed_double = widened(fed)?;
    let value = |graph: &Graph, fed: &Fed| {
        let outputs = exec::evaluate(graph, fed, &Meter::new(*limits))?;
        outputs.into_iter().next().ok_or_else(|| Trouble::graph("the model has no output"))
    };
    let output = value(&double.graph, &fed_double)?;
    let seed = random.like(&output.kind())?;
    let planned = gradient(model, by, fed, &seed, how, true)?;
    let rules = gradient(double, by, &fed_double, &seed, how, false)?;
    let here = dot(&output, &seed)?;
    let mut slopes = Vec::with_capacity(directions);
    for _ in 0..directions {
        let mut along = Vec::with_capacity(wanted.len());
        for &id in wanted {
            let at = find(double, &fed_double, id)?;
            along.push(random.like(&at.kind())?.scaled(scale(&at)?)?);
        }
        let moved = |step: f64| -> Result<f64> {
            let mut graph = double.graph.clone();
            let mut fed = fed_double.clone();
            for (&id, along) in wanted.iter().zip(&along) {
                let to = Arc::new(find(double, &fed_double, id)?.plus(along, step)?);
                match fed.iter_mut().find(|(input, _)| *input == id) {
                    Some((_, tensor)) => *tensor = to,
                    None => graph.values[id.index()].constant = Some(to),
                }
            }
            dot(&*value(&graph, &fed)?, &seed)
        };
        let mut slope = Slope { differences: [0.0; 2], sides: [0.0; 2], planned: 0.0, rules: 0.0 };
        for (at, step) in STEPS.into_iter().enumerate() {
            let (ahead, behind) = (moved(step)?, moved(-step)?);
            slope.differences[at] = (ahead - behind) / (2.0 * step);
            slope.sides[at] = (ahead - 2.0 * here + behind) / step;
        }
        for (at, along) in along.iter().enumerate() {
            slope.planned += dot(&planned[at], along)?;
            slope.rules += dot(&rules[at], along)?;
        }
        slopes.push(slope);
    }
    Ok(slopes)
}

/// The gradients of the first output times a seed.
fn gradient(
    model: &Model,
    by: &By,
    fed: &Fed,
    seed: &Tensor,
    how: How,
    planned: bool,
) -> Result<Vec<Tensor>> {
    let first = model.graph.outputs.first();
    let first = first.ok_or_else(|| Trouble::graph("the model has no output"))?;
    let name = model.graph.value(*first).name.to_string();
    let of = Objective::Seeds(vec![name]);
    let derivative = model.derivative(by, &of, Some(fed), false, &how.limits)?;
    let mut fed = fed.clone();
    for (_, id) in &derivative.seeds {
        let kind = derivative.known.first().and_then(|known| known.kind(*id));
        let element = kind.map_or(Element::F32, |kind| kind.element);
        fed.push((*id, Arc::new(seed.cast(element)?)));
    }
    let skipped = derivative.graph.outputs.len() - derivative.gradients.len();
    let outputs = if planned {
        let tensors = fed.iter().map(|(_, tensor)| tensor.clone()).collect::<Vec<_>>();
        Session::new(Arc::new(derivative.graph), &fed, how)?.run(&tensors)?
    } else {
        let outputs = exec::evaluate(&derivative.graph, &fed, &Meter::new(how.limits))?;
        outputs.iter().map(|tensor| Tensor::clone(tensor)).collect()
    };
    outputs.into_iter().skip(skipped).map(|tensor| tensor.cast(Element::F64)).collect()
}

/// Inputs of random numbers in the shapes that a model declares: floats from 0 to 1, whole numbers 1.
///
/// # Errors
/// Where a shape is not declared, or over the limits.
pub fn random_inputs(model: &Model, examples: usize, limits: &Limits) -> Result<Fed> {
    const FREE: usize = 16;
    let mut random = Random::new(2);
    let meter = Meter::new(*limits);
    let mut fed = Fed::new();
    for &id in &model.graph.inputs {
        let value = model.graph.value(id);
        let declared = value.declared.as_ref();
        let shape = declared.and_then(|declared| Some((declared.element, declared.dims.as_ref()?)));
        let (element, dims) = shape.ok_or_else(|| {
            let name = crate::graph::shorten(&value.name);
            Trouble::new(Kind::Input, format!("the input `{name}` has no declared shape"))
                .help("give inputs: `--input IN.npz`")
        })?;
        let dims = dims.iter().enumerate().map(|(axis, dimension)| match dimension {
            Dimension::Fixed(1) if axis == 0 && dims.len() > 1 => examples,
            Dimension::Fixed(size) => *size,
            _ if axis == 0 => examples,
            _ => FREE,
        });
        let kind = Type::new(element, dims.collect::<Vec<_>>());
        meter.admit(&kind)?;
        let count = kind.count()?;
        let tensor = match element.is_float() {
            true => Tensor::new(kind.dims, (0..count).map(|_| random.unit()).collect::<Vec<_>>())?,
            false => Tensor::new(kind.dims, vec![1_i64; count])?,
        };
        fed.push((id, Arc::new(tensor.cast(element)?)));
    }
    Ok(fed)
}

/// Each example by itself, where the model takes any number of them.
fn examples(model: &Model, fed: &Fed) -> Result<Vec<Fed>> {
    let holds = exec::holding_batch(&model.graph, fed);
    let lead = fed.iter().zip(&holds).find(|(_, holds)| **holds);
    let count = lead.and_then(|((_, tensor), _)| tensor.dims().first().copied()).unwrap_or(1);
    let fixed = fed.iter().zip(&holds).any(|((id, _), holds)| {
        let declared = model.graph.value(*id).declared.as_ref();
        let first = declared.and_then(|declared| declared.dims.as_ref()?.first());
        *holds && matches!(first, Some(Dimension::Fixed(size)) if *size != 1)
    });
    if fixed || count <= 1 {
        return Ok(vec![fed.clone()]);
    }
    (0..count)
        .map(|at| {
            let one = fed.iter().zip(&holds).map(|((id, tensor), holds)| {
                if !holds {
                    return Ok((*id, tensor.clone()));
                }
                let each = tensor.count() / count;
                let mut dims = tensor.dims().to_vec();
                dims[0] = 1;
                let data = tensor.data().gather(at * each..(at + 1) * each);
                Ok((*id, Arc::new(Tensor::new(dims, data)?)))
            });
            one.collect()
        })
        .collect()
}

/// A model that computes in double precision what another computes in single.
///
/// # Errors
/// Where a constant cannot be cast.
pub fn doubled_model(model: &Model) -> Result<Model> {
    Ok(Model {
        graph: doubled(&model.graph)?,
        weights: model.weights.clone(),
        opset: model.opset,
        ir_version: model.ir_version,
        producer: model.producer.clone(),
        nodes: model.nodes,
        bytes: model.bytes().clone(),
    })
}

fn doubled(graph: &Graph) -> Result<Graph> {
    let mut graph = graph.clone();
    for value in &mut graph.values {
        if let Some(constant) = &value.constant
            && constant.element().is_float()
        {
            value.constant = Some(Arc::new(constant.cast(Element::F64)?));
        }
        if let Some(declared) = &mut value.declared
            && declared.element.is_float()
        {
            declared.element = Element::F64;
        }
    }
    for node in &mut graph.nodes {
        // Attributes that name an element type.
        for name in ["to", "dtype", "output_datatype"] {
            let is_float = match node.attributes.find(name) {
                Some(Attribute::Int(to)) => Element::of_onnx(*to).is_some_and(Element::is_float),
                _ => false,
            };
            if is_float {
                node.attributes.set(name, Attribute::Int(Element::F64.to_onnx()));
            }
        }
        let value = match node.attributes.find("value") {
            Some(Attribute::Tensor(tensor)) if tensor.element().is_float() => {
                Some(tensor.cast(Element::F64)?)
            }
            // Without a value, zeros of single precision.
            None if node.operator.name == "ConstantOfShape" => Some(Tensor::list(vec![0.0_f64])),
            _ => None,
        };
        if let Some(value) = value {
            node.attributes.set("value", Attribute::Tensor(Arc::new(value)));
        }
        for body in &mut node.bodies {
            let Body { name, graph, captured } = body.clone();
            *body = Body { name, graph: Arc::new(doubled(&graph)?), captured };
        }
    }
    Ok(graph)
}

fn widened(fed: &Fed) -> Result<Fed> {
    let widen = |(id, tensor): &(ValueId, Arc<Tensor>)| match tensor.element().is_float() {
        true => Ok((*id, Arc::new(tensor.cast(Element::F64)?))),
        false => Ok((*id, tensor.clone())),
    };
    fed.iter().map(widen).collect()
}

/// What a value is that a gradient is taken by: an input or a constant.
fn find(model: &Model, fed: &Fed, id: ValueId) -> Result<Arc<Tensor>> {
    let given = fed.iter().find(|(input, _)| *input == id).map(|(_, tensor)| tensor);
    given.or(model.graph.value(id).constant.as_ref()).cloned().ok_or_else(|| {
        let name = crate::graph::shorten(&model.graph.value(id).name);
        let why = format!("`{name}` is neither an input nor a weight, so it cannot be moved");
        Trouble::new(Kind::Input, why)
    })
}

/// The root of the mean square, or 1 for zeros.
fn scale(tensor: &Tensor) -> Result<f64> {
    let values = tensor.floats()?;
    let square = values.iter().filter(|value| value.is_finite()).map(|value| value * value);
    let mean = square.sum::<f64>() / values.len().max(1) as f64;
    Ok(if mean > 0.0 { mean.sqrt() } else { 1.0 })
}

fn dot(a: &Tensor, b: &Tensor) -> Result<f64> {
    Ok(a.floats()?.iter().zip(&b.floats()?).map(|(a, b)| a * b).sum())
}

impl Tensor {
    fn scaled(&self, by: f64) -> Result<Self> {
        let values = self.floats()?.iter().map(|value| value * by).collect::<Vec<_>>();
        Self::new(self.dims().to_vec(), values)
    }

    fn plus(&self, other: &Self, times: f64) -> Result<Self> {
        let (values, other) = (self.floats()?, other.floats()?);
        let values = values.iter().zip(&other).map(|(a, b)| a + b * times).collect::<Vec<_>>();
        Self::new(self.dims().to_vec(), values)
    }
}

/// Numbers that are the same in each run (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// At least 0 and below 1.
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From -1 to 1, in the shape of a type.
    fn like(&mut self, kind: &Type) -> Result<Tensor> {
        let count = kind.count()?;
        let values = (0..count).map(|_| self.unit() * 2.0 - 1.0).collect::<Vec<_>>();
        Tensor::new(kind.dims.clone(), values)
    }
}
