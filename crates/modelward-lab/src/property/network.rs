//! A model as a property sees it: rows of numbers in, rows of numbers out.

use std::sync::Arc;

use modelward_engine::{
    Element, Kind, Limits, Meter, Model, Result, Tensor, Trouble,
    exec::{How, Session, evaluate},
    feed::{By, Fed, Objective},
    grad::check::doubled_model,
    graph::{Dimension, Graph, ValueId},
};

use crate::property::soften::softened;

/// A model whose inputs, flattened in its own order, are `X_0, X_1, ...`, and whose outputs are
/// `Y_0, Y_1, ...`. It runs in `f32` as it is deployed, on one thread.
#[derive(Debug)]
pub struct Network<'m> {
    model: &'m Model,
    how: How,
    inputs: Vec<Input>,
    /// Which outputs of the model these are.
    taken: Vec<usize>,
    /// The model with what its last softmax or sigmoid is given as its last output, where it ends
    /// in one.
    guided: Option<Model>,
    forward: Runner,
    backward: Option<Backward>,
}

/// One input of the model.
#[derive(Clone, Debug)]
struct Input {
    id: ValueId,
    element: Element,
    /// Sizes for one example.
    dims: Vec<usize>,
    count: usize,
}

/// A graph that runs over rows.
#[derive(Debug)]
struct Runner {
    session: Session,
    /// Whether several rows go at once; else one after the other.
    batched: bool,
}

#[derive(Debug)]
struct Backward {
    runner: Runner,
    seeds: Vec<Input>,
    /// Where the gradients stand among the outputs of the graph.
    first: usize,
    steps: bool,
}

/// What [`Network::slopes`] gives, row after row.
#[derive(Debug)]
pub(super) struct Slopes {
    pub(super) outputs: Vec<f64>,
    pub(super) guide: Vec<f64>,
    pub(super) gradients: Vec<f32>,
}

impl<'m> Network<'m> {
    /// A model of so many numbers in and out.
    ///
    /// # Errors
    /// Where it has other ones, inputs that are no floats, or a shape that cannot be found out.
    pub fn new(model: &'m Model, inputs: usize, outputs: usize, limits: Limits) -> Result<Self> {
        let how = How::new(limits);
        let graph = Arc::new(model.graph.clone());
        let shapes = shapes(model, inputs)?;
        let forward = Runner::new(&graph, &shapes, how)?;
        let mut network = Self {
            model,
            how,
            inputs: shapes,
            taken: Vec::new(),
            guided: None,
            forward,
            backward: None,
        };
        let given = network.forward.run(&network.inputs, &[&vec![0.0; inputs]], 1)?;
        let sizes = given.iter().map(Tensor::count).collect::<Vec<_>>();
        network.taken = match sizes.first() {
            Some(&first) if first == outputs => vec![0],
            _ if sizes.iter().sum::<usize>() == outputs => (0..sizes.len()).collect(),
            _ => {
                let why = format!("expected a model of {outputs} outputs, got one of {sizes:?}");
                return Err(
                    Trouble::new(Kind::Input, why).help("is it the model of this property?")
                );
            }
        };
        if network.taken.len() == 1 {
            network.guided = logits(model).map(|logits| {
                let mut guided = model.clone();
                guided.graph.outputs.push(logits);
                guided
            });
        }
        Ok(network)
    }

    /// How many numbers a row of inputs has.
    pub fn inputs(&self) -> usize {
        self.inputs.iter().map(|input| input.count).sum()
    }

    /// Outputs of one row of inputs in double precision; `None` where the model does not run so.
    pub(super) fn precise(&self, row: &[f32]) -> Option<Vec<f64>> {
        let double = doubled_model(self.model).ok()?;
        let mut at = 0;
        let mut fed = Fed::new();
        for input in &self.inputs {
            let values = row.get(at..at + input.count)?;
            let values = values.iter().copied().map(f64::from).collect::<Vec<_>>();
            fed.push((input.id, Arc::new(Tensor::new(input.dims.clone(), values).ok()?)));
            at += input.count;
        }
        let given = evaluate(&double.graph, &fed, &Meter::new(self.how.limits)).ok()?;
        let given = given.iter().map(|tensor| Tensor::clone(tensor)).collect::<Vec<_>>();
        self.rows(&given, 1).ok()
    }

    /// Outputs of rows of inputs, row after row.
    ///
    /// # Errors
    /// Where the model refuses them or a limit is reached.
    pub fn outputs(&mut self, rows: &[f32]) -> Result<Vec<f64>> {
        let count = rows.len() / self.inputs().max(1);
        let given = self.forward.run(&self.inputs, &[rows], count)?;
        self.rows(&given, count)
    }

    /// Outputs of rows of inputs, and the gradient of `seed . guide` by the inputs for the seed of
    /// each row.
    ///
    /// The guide is the outputs, or where the model ends in a softmax or a sigmoid what that is
    /// given: one that is saturated has no slope. Where a rounding or a sign has none, the gradient
    /// takes it for the identity or a steep slope, and outputs and guide may be off by a thousandth.
    ///
    /// # Errors
    /// Where an operator has no gradient, and as [`Network::outputs`].
    pub(super) fn slopes(&mut self, rows: &[f32], seeds: &[f32]) -> Result<Slopes> {
        let count = rows.len() / self.inputs().max(1);
        let mut backward = match self.backward.take() {
            Some(backward) => backward,
            None => self.differentiate()?,
        };
        let given = [self.inputs.as_slice(), &backward.seeds].concat();
        let done = backward.runner.run(&given, &[rows, seeds], count);
        let (first, guided) = (backward.first, self.guided.is_some());
        self.backward = Some(backward);
        let done = done?;
        let outputs = self.rows(&done, count)?;
        let guide = match done.get(first.wrapping_sub(1)) {
            Some(guide) if guided => guide.floats()?,
            _ => outputs.clone(),
        };
        let gradients = joined(done.get(first..).unwrap_or_default(), count)?;
        #[expect(clippy::cast_possible_truncation, reason = "it is the direction of a step")]
        let gradients = gradients.into_iter().map(|one| one as f32).collect();
        Ok(Slopes { outputs, guide, gradients })
    }

    /// Whether the model rounds or takes signs, so that its own gradient is 0.
    ///
    /// # Errors
    /// As [`Network::slopes`].
    pub(super) fn has_steps(&mut self) -> Result<bool> {
        if self.backward.is_none() {
            self.backward = Some(self.differentiate()?);
        }
        Ok(self.backward.as_ref().is_some_and(|backward| backward.steps))
    }

    /// Floating-point operations of the gradient of one row.
    ///
    /// # Errors
    /// As [`Network::slopes`].
    pub(super) fn work(&mut self) -> Result<u64> {
        let mut backward = match self.backward.take() {
            Some(backward) => backward,
            None => self.differentiate()?,
        };
        let plan = backward.runner.session.plan(if backward.runner.batched { 2 } else { 1 });
        let rows = if backward.runner.batched { 2 } else { 1 };
        self.backward = Some(backward);
        Ok(plan?.0.flop / rows)
    }

    fn differentiate(&self) -> Result<Backward> {
        let model = self.guided.as_ref().unwrap_or(self.model);
        let fed = fed(&self.inputs, if self.forward.batched { 2 } else { 1 })?;
        let last = model.graph.outputs.len().saturating_sub(1);
        let seeded = if self.guided.is_some() { vec![last] } else { self.taken.clone() };
        let names = seeded.iter().filter_map(|&at| model.graph.outputs.get(at));
        let names = names.map(|&id| model.graph.value(id).name.to_string()).collect::<Vec<_>>();
        let objective = Objective::Seeds(names);
        let limits = &self.how.limits;
        let mut taken = model.derivative(&By::Inputs, &objective, Some(&fed), false, limits)?;
        let straight = !taken.zero.is_empty();
        if straight {
            taken =
                softened(model)?.derivative(&By::Inputs, &objective, Some(&fed), true, limits)?;
        }
        let one = evaluate(&model.graph, &self::fed(&self.inputs, 1)?, &Meter::new(*limits))?;
        let seeds = taken.seeds.iter().zip(&seeded).filter_map(|((_, id), &at)| {
            let tensor = one.get(at)?;
            let dims = tensor.dims().to_vec();
            Some(Input { id: *id, element: tensor.element(), dims, count: tensor.count() })
        });
        let seeds = seeds.collect::<Vec<_>>();
        let first = taken.graph.outputs.len().saturating_sub(taken.gradients.len());
        let given = [self.inputs.as_slice(), &seeds].concat();
        let runner = Runner::new(&Arc::new(taken.graph), &given, self.how)?;
        Ok(Backward { runner, seeds, first, steps: straight })
    }

    fn rows(&self, given: &[Tensor], count: usize) -> Result<Vec<f64>> {
        match self.taken.as_slice() {
            [] => Ok(Vec::new()),
            [only] => given.get(*only).map_or_else(|| Ok(Vec::new()), Tensor::floats),
            all => {
                let given = all.iter().filter_map(|&at| given.get(at).cloned());
                joined(&given.collect::<Vec<_>>(), count)
            }
        }
    }
}

impl Runner {
    fn new(graph: &Arc<Graph>, inputs: &[Input], how: How) -> Result<Self> {
        if let Some(batched) = Self::batched(graph, inputs, how) {
            return Ok(batched);
        }
        let session = Session::new(graph.clone(), &fed(inputs, 1)?, how)?;
        Ok(Self { session, batched: false })
    }

    /// For several rows at once, where each gets the bits that it gets alone: a shape that was
    /// baked in for one example may mix them.
    fn batched(graph: &Arc<Graph>, inputs: &[Input], how: How) -> Option<Self> {
        const ROWS: usize = 3;
        let session = Session::new(graph.clone(), &fed(inputs, ROWS).ok()?, how).ok()?;
        let mut all = Self { session, batched: true };
        let session = Session::new(graph.clone(), &fed(inputs, 1).ok()?, how).ok()?;
        let mut one = Self { session, batched: false };
        let blocks = inputs.iter().enumerate().map(|(at, input)| {
            let wave = |place: usize| ((place * 7 + at * 3) % 23) as f32 / 23.0 - 0.3;
            (0..ROWS * input.count).map(wave).collect::<Vec<_>>()
        });
        let blocks = blocks.collect::<Vec<_>>();
        let rows = |session: &mut Self| {
            let tensors =
                inputs.iter().zip(&blocks).map(|(input, block)| (input, block.as_slice()));
            session.run_blocks(&tensors.collect::<Vec<_>>(), ROWS).ok()
        };
        let (together, apart) = (rows(&mut all)?, rows(&mut one)?);
        let same = together.len() == apart.len()
            && together.iter().zip(&apart).all(|(one, other)| {
                one.dims().first() == Some(&ROWS) && one.data() == other.data()
            });
        same.then_some(all)
    }

    /// Run rows, each of which holds the numbers of its group of inputs one after the other.
    fn run(&mut self, inputs: &[Input], groups: &[&[f32]], count: usize) -> Result<Vec<Tensor>> {
        let mut blocks = Vec::with_capacity(inputs.len());
        let mut rest = inputs;
        for group in groups {
            let width = group.len() / count.max(1);
            let mut at = 0;
            while let Some((input, others)) = rest.split_first() {
                if at >= width {
                    break;
                }
                let rows = group.chunks_exact(width.max(1));
                blocks.push((
                    input,
                    rows.flat_map(|row| row[at..at + input.count].iter().copied())
                        .collect::<Vec<_>>(),
                ));
                at += input.count;
                rest = others;
            }
        }
        let blocks = blocks.iter().map(|(input, block)| (*input, block.as_slice()));
        self.run_blocks(&blocks.collect::<Vec<_>>(), count)
    }

    fn run_blocks(&mut self, blocks: &[(&Input, &[f32])], count: usize) -> Result<Vec<Tensor>> {
        if self.batched {
            let tensors = blocks.iter().map(|(input, block)| input.tensor(block, count));
            return self.session.run(&tensors.collect::<Result<Vec<_>>>()?);
        }
        let mut all: Vec<Vec<Tensor>> = Vec::new();
        for row in 0..count {
            let tensors = blocks.iter().map(|(input, block)| {
                input.tensor(&block[row * input.count..(row + 1) * input.count], 1)
            });
            let given = self.session.run(&tensors.collect::<Result<Vec<_>>>()?)?;
            if row == 0 {
                all = given.into_iter().map(|one| vec![one]).collect();
            } else {
                all.iter_mut().zip(given).for_each(|(all, one)| all.push(one));
            }
        }
        let stacked = all.into_iter().map(|rows| match rows.len() {
            1 => rows.into_iter().next().ok_or_else(|| Trouble::graph("no output")),
            count => {
                let each = rows.first().map_or(0, Tensor::count);
                let mut values = Vec::with_capacity(count.saturating_mul(each));
                for row in &rows {
                    match row.values::<f32>() {
                        Ok(row) => values.extend_from_slice(row),
                        Err(_) => values.extend(row.floats()?.into_iter().map(|one| one as f32)),
                    }
                }
                Tensor::new([count, each], values)
            }
        });
        stacked.collect()
    }
}

impl Input {
    fn tensor(&self, values: &[f32], rows: usize) -> Result<Arc<Tensor>> {
        let mut dims = self.dims.clone();
        if let Some(first) = dims.first_mut().filter(|_| rows != 1) {
            *first = rows;
        }
        let tensor = Tensor::new(dims, values.to_vec())?;
        let same = tensor.element() == self.element;
        Ok(Arc::new(if same { tensor } else { tensor.cast(self.element)? }))
    }
}

/// So many rows of zeros.
fn fed(inputs: &[Input], rows: usize) -> Result<Fed> {
    let zeros = |input: &Input| vec![0.0_f32; rows * input.count];
    inputs.iter().map(|input| Ok((input.id, input.tensor(&zeros(input), rows)?))).collect()
}

/// The numbers of each row, of one tensor after the other.
fn joined(tensors: &[Tensor], count: usize) -> Result<Vec<f64>> {
    let values = tensors.iter().map(Tensor::floats).collect::<Result<Vec<_>>>()?;
    if let [only] = values.as_slice() {
        return Ok(only.clone());
    }
    let row = |row: usize| {
        values.iter().flat_map(move |all| {
            let each = all.len() / count.max(1);
            all[row * each..(row + 1) * each].iter().copied()
        })
    };
    Ok((0..count).flat_map(row).collect())
}

/// The sizes of one example for each input, so that all have as many numbers as asked.
fn shapes(model: &Model, wanted: usize) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for &id in &model.graph.inputs {
        let value = model.graph.value(id);
        let declared = value.declared.as_ref();
        let element = declared.map_or(Element::F32, |declared| declared.element);
        if !element.is_float() {
            let why = format!("expected floats for the input `{}`, got {element}", value.name);
            return Err(Trouble::new(Kind::Input, why));
        }
        let dims = declared.and_then(|declared| declared.dims.clone());
        let sizes = match dims {
            // Nothing is said: one row of all.
            None => vec![1, wanted],
            Some(dims) => {
                let fixed = dims.iter().map(|dimension| match dimension {
                    Dimension::Fixed(size) => Some((*size).max(1)),
                    Dimension::Named(_) | Dimension::Any => None,
                });
                let mut fixed = fixed.collect::<Vec<_>>();
                if let Some(first) = fixed.first_mut().filter(|first| first.is_none()) {
                    *first = Some(1);
                }
                // One size that is free is what is left.
                let known =
                    fixed.iter().flatten().try_fold(1_usize, |all, &one| all.checked_mul(one));
                let left = known.and_then(|known| wanted.checked_div(known)).unwrap_or(1).max(1);
                let free = fixed.iter().filter(|size| size.is_none()).count();
                let of = |size: Option<usize>| size.unwrap_or(if free == 1 { left } else { 1 });
                fixed.into_iter().map(of).collect()
            }
        };
        let count = sizes.iter().try_fold(1_usize, |all, &one| all.checked_mul(one));
        let count = count.ok_or_else(|| Trouble::limit("an input of too many numbers"))?;
        inputs.push(Input { id, element, dims: sizes, count });
    }
    let count = inputs.iter().map(|input| input.count).fold(0, usize::saturating_add);
    if count != wanted || wanted == 0 {
        let why = format!("expected a model of {wanted} inputs, got one of {count}");
        return Err(Trouble::new(Kind::Input, why).help("is it the model of this property?"));
    }
    Ok(inputs)
}

/// What the softmax or sigmoid at the end of a model is given.
fn logits(model: &Model) -> Option<ValueId> {
    let writers = model.graph.writers();
    let mut at = model.graph.outputs.first().copied()?;
    let mut found = None;
    while let Some(node) = writers.get(&at).and_then(|&writer| model.graph.nodes().get(writer)) {
        match node.operator.name {
            "Softmax" | "LogSoftmax" | "Sigmoid" | "Identity" => {}
            _ => break,
        }
        at = node.inputs.first().copied().flatten()?;
        found = Some(at);
    }
    // A name is how it is asked for.
    found.filter(|&id| !model.graph.value(id).name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::tiny;

    #[test]
    fn a_batch_of_one_that_was_baked_in_admits_more() {
        let model = tiny::model();
        let mut network = Network::new(&model, 2, 2, Limits::default()).unwrap();
        assert!(network.forward.batched);
        let rows = [0.5, 0.25, 0.25, 0.5, 1.0, 0.0];
        assert_eq!(network.outputs(&rows).unwrap(), [0.25, 0.5, 0.0, 0.25, 1.0, 1.0]);
        let slopes = network.slopes(&rows, &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0]).unwrap();
        assert_eq!(slopes.gradients, [1.0, -1.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(network.precise(&rows[..2]).unwrap(), [0.25, 0.5]);
    }

    #[test]
    fn signs_have_a_slope() {
        let model = tiny::model_of_signs();
        let mut network = Network::new(&model, 2, 2, Limits::default()).unwrap();
        assert!(network.has_steps().unwrap());
        let slopes = network.slopes(&[0.5, 0.25], &[1.0, 0.0]).unwrap();
        assert!(slopes.outputs.iter().all(|output| (output - 1.0).abs() < 2e-3));
        assert_eq!(network.outputs(&[0.5, 0.25]).unwrap(), [1.0, 1.0]);
        assert!(slopes.gradients[0] > 0.0 && slopes.gradients[1] < 0.0);
    }

    #[test]
    fn a_model_of_another_size_is_refused() {
        let model = tiny::model();
        let refused = |inputs, outputs| {
            let refused = Network::new(&model, inputs, outputs, Limits::default());
            refused.unwrap_err().to_string()
        };
        assert!(refused(3, 2).contains("expected a model of 3 inputs, got one of 2"));
        assert!(refused(2, 3).contains("expected a model of 3 outputs"));
    }
}
