//! Running and differentiating a model by the names of its inputs and outputs.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    Kind, Limits, Meter, Model, Result, Tensor, Trouble, exec,
    grad::{self, Builder, Loss, Options},
    graph::{Domain, Graph, Inference, Known, Node, ValueId, ops, shorten},
    npz::Arrays,
};

/// What a model is given, in the order of its inputs.
pub type Fed = Vec<(ValueId, Arc<Tensor>)>;

impl Model {
    /// Find the tensors of this model's inputs among arrays; others are left alone.
    ///
    /// # Errors
    /// Where one is missing, or of another type or shape than the model declares.
    pub fn feed(&self, arrays: &Arrays) -> Result<Fed> {
        feed(&self.graph, arrays)
    }

    /// Run the model; gives its outputs by name.
    ///
    /// # Errors
    /// As [`exec::evaluate`].
    pub fn run(&self, inputs: &Fed, limits: &Limits) -> Result<Arrays> {
        let meter = Meter::new(*limits);
        let outputs = exec::evaluate(&self.graph, inputs, &meter)?;
        self.name_outputs(outputs)
    }

    /// Outputs of the model by name, with the keys of maps beside their values.
    ///
    /// # Errors
    /// Where a map says of its keys what cannot be.
    pub fn name_outputs(&self, outputs: impl IntoIterator<Item = Arc<Tensor>>) -> Result<Arrays> {
        let names = self.graph.outputs.iter().map(|&id| self.graph.value(id).name.to_string());
        let mut arrays: Arrays = names.zip(outputs).collect();
        // A map of probabilities is given as two arrays: the values, and its keys.
        let writers = self.graph.writers();
        for id in &self.graph.outputs {
            let node = writers.get(id).and_then(|&writer| self.graph.nodes().get(writer));
            if let Some(node) = node.filter(|node| node.operator.name == "ZipMap") {
                let classes = ops::features::classes_of_zip_map(&node.attributes)?;
                let keys = classes.at(0..classes.len());
                let keys = Tensor::new([classes.len()], keys)?;
                let name = &self.graph.value(*id).name;
                arrays.insert(format!("{name}.classes"), Arc::new(keys));
            }
        }
        Ok(arrays)
    }

    /// The graph of a gradient. What is known of the inputs' shapes comes from `inputs`, or where
    /// these are not given from what the model declares.
    ///
    /// # Errors
    /// Where a node on the way has no gradient, or a name is not there.
    pub fn derivative(
        &self,
        by: &By,
        of: &Objective,
        inputs: Option<&Fed>,
        straight_through: bool,
        limits: &Limits,
    ) -> Result<Derivative> {
        let meter = Meter::new(*limits);
        let Some(inputs) = inputs else {
            let known = grad::probes(&self.graph, &meter)?;
            return self.derive(by, of, known, straight_through, &meter);
        };
        // With one more example too, so that the batch is known from what is fixed.
        let here = self.known(inputs, 0, &meter)?;
        let Ok(more) = self.known(inputs, 1, &meter) else {
            return self.derive(by, of, vec![here], straight_through, &meter);
        };
        match self.derive(by, of, vec![here, more], straight_through, &meter) {
            // Where more examples make another graph of it, the gradient is for these alone.
            Err(trouble) if matches!(trouble.kind, Kind::DataDependent | Kind::Unsupported) => {
                let here = self.known(inputs, 0, &meter)?;
                self.derive(by, of, vec![here], straight_through, &meter)
            }
            done => done,
        }
    }

    /// The graph of a gradient, from what is known of the values.
    fn derive(
        &self,
        by: &By,
        of: &Objective,
        known: Vec<Inference>,
        straight_through: bool,
        meter: &Meter,
    ) -> Result<Derivative> {
        let wanted = self.wanted(by)?;
        let mut builder = Builder::new(self.graph.clone(), known, meter, ops::named);
        let mut options = Options { straight_through, ..Options::default() };
        let mut seeds = Vec::new();
        let mut derivative = Derivative::default();
        match of {
            Objective::Loss(loss) => {
                let first = self.first_output()?;
                let softmax = ["Softmax", "LogSoftmax", "Identity", "ZipMap"];
                let logits = self.below(first, &softmax);
                derivative.through =
                    (logits != first).then(|| self.graph.value(first).name.to_string());
                let written = builder.loss(*loss, logits, LABELS)?;
                let ones = builder.ones_like(written.losses)?;
                seeds.push((written.losses, ones));
                derivative.labels = Some(written.labels);
                derivative.below = written.below;
                derivative.losses = Some(written.losses);
            }
            Objective::Logits => {
                let logits = self.logits(self.first_output()?);
                let seed = seed(&mut builder, LOGITS, logits)?;
                seeds.push((logits, seed));
                derivative.seeds.push((LOGITS.to_owned(), seed));
            }
            Objective::Seeds(names) => {
                for name in names {
                    let output = self.output(name)?;
                    let seed = seed(&mut builder, name, output)?;
                    seeds.push((output, seed));
                    derivative.seeds.push((name.clone(), seed));
                }
            }
        }
        let found = builder.gradients(&seeds, &wanted, &mut options)?;
        for (&id, found) in wanted.iter().zip(found) {
            let gradient = match found {
                Some(gradient) => gradient,
                // It does not depend on it: zeros of its shape.
                None => {
                    let zero = builder.float(id, 0.0)?;
                    builder.mul(id, zero)?
                }
            };
            let name = self.graph.value(id).name.to_string();
            derivative.gradients.push((name, gradient));
        }
        let (mut graph, known) = builder.finish();
        graph.outputs.extend(derivative.losses);
        graph.outputs.extend(derivative.gradients.iter().map(|(_, id)| *id));
        graph.prune();
        derivative.graph = graph;
        derivative.known = known;
        derivative.replaced = options.replaced;
        derivative.zero = options.zero;
        Ok(derivative)
    }

    /// What is known of the graph for inputs like these, with so many examples more.
    fn known(&self, inputs: &Fed, more: usize, meter: &Meter) -> Result<Inference> {
        let batch = exec::holding_batch(&self.graph, inputs);
        let kinds = inputs.iter().zip(&batch).map(|((_, tensor), batch)| {
            let mut kind = tensor.kind();
            if *batch {
                kind.dims[0] += more;
            }
            kind
        });
        let kinds = kinds.collect::<Vec<_>>();
        let known = inputs.iter().zip(&kinds).zip(&batch).map(|(((id, tensor), kind), batch)| {
            // Whole numbers may say shapes: then they are part of the graph.
            let small = exec::says_shapes(tensor) && !(*batch && more > 0);
            (*id, Known { kind, value: small.then_some(&**tensor) })
        });
        Inference::of(&self.graph, &known.collect::<Vec<_>>(), meter)
    }

    /// The values that a gradient is taken by.
    pub(crate) fn wanted(&self, by: &By) -> Result<Vec<ValueId>> {
        let is_float = |id: &ValueId| {
            let value = self.graph.value(*id);
            value.declared.as_ref().is_some_and(|declared| declared.element.is_float())
        };
        match by {
            By::Inputs => {
                let inputs = self.graph.inputs.iter().copied().filter(is_float).collect::<Vec<_>>();
                if inputs.is_empty() {
                    return Err(Trouble::new(Kind::Input, "the model has no float input").help(
                        "ask for the gradient by weights or by a named value: `--wrt weights`",
                    ));
                }
                Ok(inputs)
            }
            By::Weights => Ok(self.weights.clone()),
            By::Names(names) => names
                .iter()
                .map(|name| self.graph.named(name).ok_or_else(|| self.unknown("value", name)))
                .collect(),
        }
    }

    /// The output of this name.
    ///
    /// # Errors
    /// Where there is none.
    pub fn output(&self, name: &str) -> Result<ValueId> {
        let mut outputs = self.graph.outputs.iter().copied();
        outputs
            .find(|&id| &*self.graph.value(id).name == name)
            .ok_or_else(|| self.unknown("output", name))
    }

    fn unknown(&self, what: &str, name: &str) -> Trouble {
        const MOST: usize = 12;
        let list = |ids: &[ValueId]| {
            let names = ids.iter().take(MOST).map(|&id| shorten(&self.graph.value(id).name));
            let names = names.collect::<Vec<_>>().join("`, `");
            format!("`{names}`{}", if ids.len() > MOST { " and more" } else { "" })
        };
        let mut help = format!("its outputs are {}", list(&self.graph.outputs));
        if what == "value" {
            help = format!("{help}, its weights {}", list(&self.weights));
        }
        Trouble::new(Kind::Input, format!("the model has no {what} `{}`", shorten(name))).help(help)
    }

    /// Refuse inputs that hold NaN, unless the model minds them: trees and the like take NaN for a
    /// value that is missing.
    ///
    /// # Errors
    /// Where an input holds one: it is named, with the first place.
    pub fn refuse_nan(&self, inputs: &Fed) -> Result<()> {
        let minds =
            |node: &Node| node.operator.domain == Domain::Ml || node.operator.name == "IsNaN";
        if self.graph.nodes().iter().any(minds) {
            return Ok(());
        }
        for (id, tensor) in inputs.iter().filter(|(_, tensor)| tensor.element().is_float()) {
            let values = tensor.floats()?;
            let count = values.iter().filter(|value| value.is_nan()).count();
            if let Some(first) = values.iter().position(|value| value.is_nan()) {
                let mut place = Vec::with_capacity(tensor.dims().len());
                let mut rest = first;
                for &size in tensor.dims().iter().rev() {
                    place.push(rest % size.max(1));
                    rest /= size.max(1);
                }
                place.reverse();
                let name = shorten(&self.graph.value(*id).name);
                let why = format!(
                    "expected numbers in the input `{name}`, got {count} NaN, the first at {place:?}"
                );
                return Err(Trouble::new(Kind::Input, why)
                    .help("nothing that such a model computes of NaN means anything: leave these rows out, or fill them in"));
            }
        }
        Ok(())
    }

    fn first_output(&self) -> Result<ValueId> {
        let first = self.graph.outputs.first().copied();
        first.ok_or_else(|| Trouble::graph("the model has no output"))
    }

    /// The logits below a trailing `Softmax`, `Sigmoid` or the like: a gradient through one that is
    /// saturated underflows to 0.
    pub fn logits(&self, output: ValueId) -> ValueId {
        self.below(output, &["Softmax", "LogSoftmax", "Sigmoid", "Identity", "ZipMap"])
    }

    /// The value that only these operators stand between and an output.
    fn below(&self, output: ValueId, passed: &[&str]) -> ValueId {
        let writers = self.graph.writers();
        let mut at = output;
        while let Some(&writer) = writers.get(&at) {
            let node = &self.graph.nodes()[writer];
            let passes = passed.contains(&node.operator.name);
            match node.inputs.first().copied().flatten() {
                Some(input) if passes => at = input,
                _ => break,
            }
        }
        at
    }
}

/// What a gradient is taken by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// Every float input.
    Inputs,
    /// Every float initializer.
    Weights,
    /// Values of these names.
    Names(Vec<String>),
}

/// What is differentiated.
#[derive(Clone, Debug, PartialEq)]
pub enum Objective {
    /// A loss of the first output, summed over the batch.
    Loss(Loss),
    /// The logits below the first output, each times a seed, summed.
    Logits,
    /// The outputs of these names, each times a seed, summed.
    Seeds(Vec<String>),
}

/// The graph of a gradient: outputs of the model, losses, gradients.
#[derive(Debug, Default)]
pub struct Derivative {
    /// The graph.
    pub graph: Graph,
    /// What is known of it.
    pub known: Vec<Inference>,
    /// The input for one-hot labels.
    pub labels: Option<ValueId>,
    /// The input for the sum below a [`Loss::Ratio`].
    pub below: Option<ValueId>,
    /// Losses, one an example.
    pub losses: Option<ValueId>,
    /// Inputs for seeds, by the name of their output.
    pub seeds: Vec<(String, ValueId)>,
    /// The gradients, by the name of what they are taken by.
    pub gradients: Vec<(String, ValueId)>,
    /// The output that the loss was taken below of, where that is a softmax.
    pub through: Option<String>,
    /// Nodes that were taken for the identity.
    pub replaced: Vec<String>,
    /// Nodes whose gradient is zero by definition, and why.
    pub zero: Vec<(String, &'static str)>,
}

/// The name of the input for one-hot labels.
pub const LABELS: &str = "y1h";

/// The name of the seed of the logits, without its `seed_`.
const LOGITS: &str = "logits";

/// A new input, by which a value is multiplied.
fn seed(builder: &mut Builder<'_>, name: &str, of: ValueId) -> Result<ValueId> {
    let declared = crate::graph::Declared { element: builder.element(of)?, dims: None };
    builder.new_input(&format!("seed_{name}"), declared, of)
}

fn feed(graph: &Graph, arrays: &Arrays) -> Result<Fed> {
    let mut fed = Vec::with_capacity(graph.inputs.len());
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    for &id in &graph.inputs {
        let value = graph.value(id);
        let name = &*value.name;
        let expected = value.declared.as_ref();
        let shown = expected.map_or_else(|| "of any type".to_owned(), ToString::to_string);
        let tensor = arrays.get(name).ok_or_else(|| {
            let given = arrays.keys().map(|key| shorten(key)).collect::<Vec<_>>().join("`, `");
            let name = shorten(name);
            Trouble::new(Kind::Input, format!("expected the input `{name}`, {shown}, got none"))
                .help(format!("the file holds `{given}`"))
        })?;
        let kind = tensor.kind();
        if let Some(expected) = expected {
            let fits = expected.admits(&kind);
            // A model that was exported for a batch of 1 is tried with another.
            let first_apart = expected.dims.as_ref().is_some_and(|dims| {
                let rest =
                    |kind: &crate::Type| kind.dims.iter().skip(1).copied().collect::<Vec<_>>();
                let fixed = dims.iter().skip(1).map(|d| match d {
                    crate::graph::Dimension::Fixed(size) => Some(*size),
                    _ => None,
                });
                dims.len() == kind.dims.len()
                    && dims.len() > 1
                    && dims.first() == Some(&crate::graph::Dimension::Fixed(1))
                    && fixed.zip(rest(&kind)).all(|(fixed, got)| fixed.is_none_or(|f| f == got))
            });
            let other_batch = first_apart && expected.element == kind.element;
            if !(fits || other_batch) {
                let name = shorten(name);
                let why = format!("expected {shown} for the input `{name}`, got {kind}");
                return Err(Trouble::new(Kind::Input, why));
            }
            // Names that stand in several shapes mean one size.
            for (dimension, &size) in expected.dims.iter().flatten().zip(&kind.dims) {
                if let crate::graph::Dimension::Named(symbol) = dimension {
                    let known = *named.entry(symbol).or_insert(size);
                    if known != size {
                        let why = format!(
                            "the dimension `{symbol}` is {known} in one input and {size} in `{}`",
                            shorten(name)
                        );
                        return Err(Trouble::new(Kind::Input, why));
                    }
                }
            }
        }
        fed.push((id, tensor.clone()));
    }
    Ok(fed)
}

/// Labels as one row of 0 and 1 each.
///
/// # Errors
/// Where a label is none of the classes.
pub fn one_hot(labels: &Tensor, classes: usize) -> Result<Tensor> {
    let labels = labels.ints().map_err(|_| {
        Trouble::new(
            Kind::Input,
            format!("expected whole numbers as labels, got {}", labels.kind()),
        )
    })?;
    let mut rows = vec![0.0_f32; labels.len().saturating_mul(classes)];
    for (row, label) in labels.iter().enumerate() {
        let at = usize::try_from(*label).ok().filter(|&at| at < classes).ok_or_else(|| {
            Trouble::new(
                Kind::Input,
                format!("expected labels from 0 to {}, got {label} in row {row}", classes - 1),
            )
        })?;
        rows[row * classes + at] = 1.0;
    }
    Tensor::new([labels.len(), classes], rows)
}
