//! An ONNX classifier.

use std::sync::Arc;

use modelward_engine::{
    Element, Kind, Model, Result, Tensor, Trouble,
    exec::{How, Session},
    feed::{By, Fed, Objective},
    grad::Loss,
    graph::{Dimension, ValueId},
};

use crate::victim::{
    Answers, Slope, Slopes, Victim,
    scores::{Columns, batch_of_two, floats, missing, scores, with_outputs},
};

/// A classifier with one input and scores among its outputs.
#[derive(Debug)]
pub struct Network {
    model: Model,
    how: How,
    input: ValueId,
    element: Element,
    shape: Vec<usize>,
    features: usize,
    scores: ValueId,
    logits: ValueId,
    columns: Columns,
    /// Whether inputs go one by one: the file was exported for one, and cannot take more.
    single: bool,
    forward: Session,
    straight_through: bool,
    slopes: [Option<Differentiated>; 3],
    straightened: Vec<String>,
}

/// The gradient graph of one kind of objective, or none where there is no gradient.
#[derive(Debug)]
enum Differentiated {
    No,
    Yes(Box<Session>),
}

impl Network {
    /// Take a model for inputs of so many numbers, given in the shape `given` by the user.
    ///
    /// # Errors
    /// Where it has more than one input, takes another number of numbers, or gives no scores.
    pub fn new(mut model: Model, given: &[usize], how: How) -> Result<Self> {
        let [input] = model.graph.inputs[..] else {
            let count = model.graph.inputs.len();
            return Err(Trouble::unsupported(format!(
                "expected a model with one input, got {count}"
            ))
            .help("give a property instead: `modelward certify --property`"));
        };
        let declared = model.graph.value(input).declared.clone();
        let element = declared.as_ref().map_or(Element::F32, |declared| declared.element);
        if !element.is_float() {
            return Err(Trouble::unsupported(format!(
                "expected an input of floats, got {element}"
            )));
        }
        let shape = shape(declared.as_ref().and_then(|d| d.dims.as_deref()), given)?;
        let features = product(&shape).ok_or_else(|| misfit(&shape, given))?;
        let fed = |n: usize| -> Result<Fed> {
            let zeros = tensor(vec![0.5; n * features], &shape, n, element)?;
            Ok(vec![(input, Arc::new(zeros))])
        };
        let (scores, columns) = scores(&model, &fed(1)?, &how.limits)?;
        model.graph.outputs = vec![scores];
        model.graph.prune();
        let logits = match columns {
            Columns::Classes(_) | Columns::Probability => model.logits(scores),
            Columns::Logit => scores,
        };
        let graph = Arc::new(with_outputs(&model.graph, &[scores, logits]));
        // A file for one input may still take many; whether their answers are the same is tried.
        let two = batch_of_two(&graph, &fed(1)?, &fed(2)?, how);
        let single = two.is_none();
        let forward = match two {
            Some(session) => session,
            None => Session::new(graph, &fed(1)?, how)?,
        };
        Ok(Self {
            model,
            how,
            input,
            element,
            shape,
            features,
            scores,
            logits,
            columns,
            single,
            forward,
            straight_through: false,
            slopes: [None, None, None],
            straightened: Vec::new(),
        })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    fn session(&mut self, of: Slope<'_>) -> Result<Option<&mut Session>> {
        let (at, objective) = match of {
            Slope::Weighted(_) => (0, Objective::Logits),
            Slope::CrossEntropy(_) => (1, Objective::Loss(Loss::CrossEntropy)),
            Slope::Ratio { .. } => (2, Objective::Loss(Loss::Ratio)),
        };
        if self.slopes[at].is_none() {
            self.slopes[at] = Some(self.differentiate(&objective)?);
        }
        Ok(match &mut self.slopes[at] {
            Some(Differentiated::Yes(session)) => Some(session),
            _ => None,
        })
    }

    fn differentiate(&mut self, objective: &Objective) -> Result<Differentiated> {
        let count = if self.single { 1 } else { 2 };
        let middle = vec![0.5; count * self.features];
        let fed = vec![(self.input, Arc::new(tensor(middle, &self.shape, count, self.element)?))];
        let straight = self.straight_through;
        let derived =
            self.model.derivative(&By::Inputs, objective, Some(&fed), straight, &self.how.limits);
        let derivative = match derived {
            Ok(derivative) => derivative,
            Err(trouble) if trouble.kind == Kind::Unsupported => return Ok(Differentiated::No),
            Err(trouble) => return Err(trouble),
        };
        self.straightened = derivative.replaced;
        let Some((_, gradient)) = derivative.gradients.first() else {
            return Ok(Differentiated::No);
        };
        let mut graph = derivative.graph;
        graph.outputs = vec![self.scores, self.logits, *gradient];
        graph.prune();
        let columns = self.columns.count();
        let mut given = fed;
        let seeds = derivative.seeds.iter().map(|(_, id)| *id);
        for id in derivative.labels.into_iter().chain(derivative.below).chain(seeds) {
            let zeros = Tensor::new([count, columns], vec![0.0_f32; count * columns])?;
            given.push((id, Arc::new(zeros.cast(self.element)?)));
        }
        // In the order of the graph's inputs, as a session takes them.
        Ok(Differentiated::Yes(Box::new(Session::new(Arc::new(graph), &given, self.how)?)))
    }

    /// Answers to so many inputs, from the scores as deployed and the logits below them.
    fn answers(&self, count: usize, scores: &Tensor, logits: &Tensor) -> Result<Answers> {
        let [scores, logits] = [floats(scores)?, floats(logits)?];
        let columns = self.columns.count();
        // How many a file gives may depend on its data.
        if [scores.len(), logits.len()] != [count * columns; 2] {
            return Err(Trouble::unsupported(format!(
                "expected {columns} scores for each of {count} inputs, got {} and {} logits",
                scores.len(),
                logits.len()
            )));
        }
        let labels = scores.chunks_exact(columns).map(|row| self.columns.class(row)).collect();
        let scores = match self.columns {
            Columns::Classes(_) => logits.into_owned(),
            Columns::Probability | Columns::Logit => {
                logits.iter().flat_map(|&logit| [0.0, logit]).collect()
            }
        };
        Ok(Answers { labels, scores })
    }

    /// Run a session on inputs in one go, or one by one.
    fn run(
        &mut self,
        of: Option<Slope<'_>>,
        inputs: &[f32],
        extra: &[Vec<f32>],
    ) -> Result<Option<Vec<Tensor>>> {
        let (features, columns, element) = (self.features, self.columns.count(), self.element);
        let (shape, single) = (self.shape.clone(), self.single);
        let session = match of {
            None => &mut self.forward,
            Some(of) => match self.session(of)? {
                Some(session) => session,
                None => return Ok(None),
            },
        };
        let count = inputs.len() / features;
        let mut run = |from: usize, to: usize| -> Result<Vec<Tensor>> {
            let piece = inputs[from * features..to * features].to_vec();
            let mut given = vec![Arc::new(tensor(piece, &shape, to - from, element)?)];
            for extra in extra {
                let piece = extra[from * columns..to * columns].to_vec();
                let piece = Tensor::new([to - from, columns], piece)?;
                given.push(Arc::new(if element == Element::F32 {
                    piece
                } else {
                    piece.cast(element)?
                }));
            }
            session.run(&given)
        };
        if !single {
            return run(0, count).map(Some);
        }
        let mut all: Vec<Vec<f32>> = Vec::new();
        for at in 0..count {
            let outputs = run(at, at + 1)?;
            all.resize_with(outputs.len(), Vec::new);
            for (all, output) in all.iter_mut().zip(&outputs) {
                all.extend_from_slice(&floats(output)?);
            }
        }
        let tensors = all.into_iter().map(|values| {
            let width = values.len() / count.max(1);
            Tensor::new([count, width], values)
        });
        tensors.collect::<Result<Vec<_>>>().map(Some)
    }
}

impl Victim for Network {
    fn features(&self) -> usize {
        self.features
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn classes(&self) -> usize {
        self.columns.count().max(2)
    }

    fn flop(&mut self) -> Option<u64> {
        Some(self.forward.plan(1).ok()?.0.flop)
    }

    fn deployed(&mut self, inputs: &[f32]) -> Result<Vec<f32>> {
        let outputs = self.run(None, inputs, &[])?.unwrap_or_default();
        let [scores, _] = &outputs[..] else { return Err(missing()) };
        Ok(floats(scores)?.into_owned())
    }

    fn straighten(&mut self) -> Result<Vec<String>> {
        self.straight_through = true;
        self.slopes = [None, None, None];
        let weights = Slope::Weighted(&[]);
        self.session(weights)?;
        Ok(self.straightened.clone())
    }

    fn ask(&mut self, inputs: &[f32]) -> Result<Answers> {
        if inputs.is_empty() {
            return Ok(Answers::default());
        }
        let outputs = self.run(None, inputs, &[])?.unwrap_or_default();
        let [scores, logits] = &outputs[..] else { return Err(missing()) };
        let answers = self.answers(inputs.len() / self.features, scores, logits)?;
        self.forward.reuse(outputs);
        Ok(answers)
    }

    fn slope(&mut self, of: Slope<'_>, inputs: &[f32]) -> Result<Option<Slopes>> {
        if inputs.is_empty() {
            return Ok(Some(Slopes::default()));
        }
        let count = inputs.len() / self.features;
        let classes = self.classes();
        let one = self.columns.count() == 1;
        // Two classes with one number between them: every loss has the direction of the margin.
        let (of, extra) = match of {
            Slope::Weighted(weights) if one => {
                (of, vec![weights.chunks_exact(2).map(|row| row[1] - row[0]).collect()])
            }
            Slope::CrossEntropy(labels) if classes == 2 => {
                let sign = |label: usize| if label == 1 { -1.0 } else { 1.0 };
                let weights: Vec<f32> = if one {
                    labels.iter().map(|&label| sign(label)).collect()
                } else {
                    labels.iter().flat_map(|&label| [-sign(label), sign(label)]).collect()
                };
                (Slope::Weighted(&[]), vec![weights])
            }
            Slope::Ratio { above, .. } if classes == 2 => {
                let weights: Vec<f32> = if one {
                    above.chunks_exact(2).map(|row| row[0] - row[1]).collect()
                } else {
                    above.iter().map(|weight| -weight).collect()
                };
                (Slope::Weighted(&[]), vec![weights])
            }
            Slope::Weighted(weights) => (of, vec![weights.to_vec()]),
            Slope::CrossEntropy(labels) => {
                let mut rows = vec![0.0; count * classes];
                for (row, &label) in rows.chunks_exact_mut(classes).zip(labels) {
                    row[label] = 1.0;
                }
                (of, vec![rows])
            }
            Slope::Ratio { above, below } => (of, vec![above.to_vec(), below.to_vec()]),
        };
        let Some(outputs) = self.run(Some(of), inputs, &extra)? else { return Ok(None) };
        let [scores, logits, gradients] = &outputs[..] else { return Err(missing()) };
        let answers = self.answers(count, scores, logits)?;
        let gradients = floats(gradients)?.into_owned();
        if let Some(session) = self.session(of)? {
            session.reuse(outputs);
        }
        Ok(Some(Slopes { answers, gradients }))
    }
}

/// The shape of one input: the model's where it says one, else the user's.
fn shape(declared: Option<&[Dimension]>, given: &[usize]) -> Result<Vec<usize>> {
    let count = product(given).ok_or_else(|| misfit(given, given))?;
    let Some([_, dims @ ..]) = declared else { return Ok(given.to_vec()) };
    let fixed = |dimension: &Dimension| match dimension {
        Dimension::Fixed(size) => Some(*size),
        Dimension::Named(_) | Dimension::Any => None,
    };
    let free = dims.iter().filter(|dimension| fixed(dimension).is_none()).count();
    let shape = if dims.len() == given.len() {
        dims.iter().zip(given).map(|(d, &size)| fixed(d).unwrap_or(size)).collect()
    } else {
        // One dimension that is not said is what is left.
        let known = dims.iter().filter_map(fixed).collect::<Vec<_>>();
        let left = product(&known).and_then(|known| count.checked_div(known));
        let left = left.filter(|_| free == 1).unwrap_or(0);
        dims.iter().map(|d| fixed(d).unwrap_or(left)).collect::<Vec<_>>()
    };
    if product(&shape) != Some(count) || count == 0 {
        return Err(misfit(&shape, given));
    }
    Ok(shape)
}

/// How many numbers a shape has; `None` where there are too many to count, as a file may say.
fn product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size))
}

fn misfit(expected: &[usize], given: &[usize]) -> Trouble {
    Trouble::new(Kind::Input, format!("expected inputs of the shape {expected:?}, got {given:?}"))
        .help("the data must have as many numbers a sample as the model takes")
}

fn tensor(values: Vec<f32>, shape: &[usize], count: usize, element: Element) -> Result<Tensor> {
    let dims = [count].iter().chain(shape).copied().collect::<Vec<_>>();
    let tensor = Tensor::new(dims, values)?;
    if element == Element::F32 { Ok(tensor) } else { tensor.cast(element) }
}
