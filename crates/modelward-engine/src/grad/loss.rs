//! What is differentiated: a loss that is written below the outputs of a model.

use crate::{
    Element, Result, Tensor, Trouble,
    grad::Builder,
    graph::{Attributes, Declared, Dimension, Value, ValueId, names},
};

/// A loss over the first output of a classifier, one number an example; its gradients are those
/// of the sum over the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Softmax cross-entropy of logits against one-hot labels.
    CrossEntropy,
    /// How far the logit of the label lies above the best other (Carlini and Wagner 2017, f6).
    Margin,
    /// The difference of logits ratio (Croce and Hein 2020, equation 6); for two classes, where the
    /// denominator would be the margin's own size, the margin of the other.
    Dlr,
    /// A ratio of two sums of logits, less its sign: `-(a . z) / (b . z)`, where `a` is given in
    /// the place of the labels and `b` beside it. The targeted difference of logits ratio (Croce and
    /// Hein 2020, equation 7) is one, once it is known which logits are the largest.
    Ratio,
    /// Half of the squared distance to given numbers.
    SquaredError,
}

/// What a loss adds to a graph.
#[derive(Clone, Copy, Debug)]
pub struct LossValues {
    /// The labels, one-hot, or the numbers to be reached: an input of the graph.
    pub labels: ValueId,
    /// The sum below a [`Loss::Ratio`]: an input of the graph.
    pub below: Option<ValueId>,
    /// The loss of each example, `[N]`.
    pub losses: ValueId,
}

/// The name of the input for the sum below a [`Loss::Ratio`].
const BELOW: &str = "below";

impl Builder<'_> {
    /// Write a loss over logits `[N, K]`; `labels` is the name of the input that it adds.
    ///
    /// # Errors
    /// Where the output is no float matrix.
    pub fn loss(&mut self, loss: Loss, logits: ValueId, labels: &str) -> Result<LossValues> {
        let kind = self.kind(logits)?.clone();
        if kind.dims.len() != 2 || !kind.element.is_float() {
            let why = format!("expected logits f32[N,K] as the first output, got {kind}");
            return Err(Trouble::unsupported(why)
                .help("give the gradient of an output instead: `--seed-output NAME`"));
        }
        let classes = kind.dims[1];
        let labels = self.labels(logits, labels, classes)?;
        let mut below = None;
        let axis = self.ints(vec![1]);
        let row = || Attributes::new().with("keepdims", 0);
        let sum = |b: &mut Self, value| b.apply_with(names::REDUCE_SUM, &[value, axis], row());
        let losses = match loss {
            Loss::CrossEntropy => self.apply(names::CROSS_ENTROPY, &[logits, labels])?,
            Loss::SquaredError => {
                let off = self.apply(names::SUB, &[logits, labels])?;
                let squared = self.mul(off, off)?;
                let total = sum(self, squared)?;
                let half = self.float(logits, 0.5)?;
                self.mul(total, half)?
            }
            Loss::Ratio => {
                let weights = self.labels(logits, BELOW, classes)?;
                below = Some(weights);
                let [above, under] = [labels, weights].map(|weights| {
                    let picked = self.mul(weights, logits)?;
                    sum(self, picked)
                });
                let ratio = self.apply(names::DIV, &[above?, under?])?;
                self.apply(names::NEG, &[ratio])?
            }
            Loss::Margin | Loss::Dlr => self.margin(loss, logits, labels, classes)?,
        };
        Ok(LossValues { labels, below, losses })
    }

    /// The margin of the label over the best other, or the difference of logits ratio.
    fn margin(
        &mut self,
        loss: Loss,
        logits: ValueId,
        labels: ValueId,
        classes: usize,
    ) -> Result<ValueId> {
        if classes < 2 {
            return Err(Trouble::unsupported("a margin needs two classes"));
        }
        let axis = self.ints(vec![1]);
        let row = || Attributes::new().with("keepdims", 0);
        let picked = self.mul(labels, logits)?;
        let own = self.apply_with(names::REDUCE_SUM, &[picked, axis], row())?;
        let low = self.float(logits, -1e30)?;
        let zero = self.float(logits, 0.0)?;
        let is_own = self.apply(names::GREATER, &[labels, zero])?;
        let others = self.apply(names::WHERE, &[is_own, low, logits])?;
        let best = self.apply_with(names::REDUCE_MAX, &[others, axis], row())?;
        let margin = self.apply(names::SUB, &[own, best])?;
        if loss == Loss::Margin {
            return Ok(margin);
        }
        if classes == 2 {
            return self.apply(names::NEG, &[margin]);
        }
        let k = self.ints(vec![3]);
        let top = self.apply_all(
            names::TOP_K,
            vec![Some(logits), Some(k)],
            Attributes::new().with("axis", 1),
            2,
        )?[0];
        let at = |b: &mut Self, place: usize| {
            let index = b.constant(Tensor::scalar(place as i64));
            b.apply_with(names::GATHER, &[top, index], Attributes::new().with("axis", 1))
        };
        let (first, last) = (at(self, 0)?, at(self, 2)?);
        let spread = self.apply(names::SUB, &[first, last])?;
        let tiny = self.float(logits, 1e-12)?;
        let spread = self.add(spread, tiny)?;
        let ratio = self.apply(names::DIV, &[margin, spread])?;
        self.apply(names::NEG, &[ratio])
    }

    /// A new input in the shape of the logits.
    fn labels(&mut self, logits: ValueId, name: &str, classes: usize) -> Result<ValueId> {
        let batch: std::sync::Arc<str> = "N".into();
        let declared = Declared {
            element: self.element(logits)?,
            dims: Some(vec![Dimension::Named(batch), Dimension::Fixed(classes)]),
        };
        self.new_input(name, declared, logits)
    }

    /// A new input of the graph, of the type of a value that it has.
    ///
    /// # Errors
    /// Where that type is not known.
    pub fn new_input(&mut self, name: &str, declared: Declared, like: ValueId) -> Result<ValueId> {
        let value = Value { name: name.into(), constant: None, declared: Some(declared) };
        let id = self.graph.add_value(value);
        self.graph.inputs.push(id);
        for probe in &mut self.probes {
            probe.constants(&self.graph);
            let kind = probe.kind(like).cloned();
            probe.set(id, kind, None);
        }
        Ok(id)
    }

    /// Ones in the shape and the type of a value.
    ///
    /// # Errors
    /// Where its type is not known.
    pub fn ones_like(&mut self, value: ValueId) -> Result<ValueId> {
        let element = self.element(value)?;
        let one = Tensor::list(vec![1.0_f64]).cast(element)?;
        let shape = self.shape_of(value)?;
        let one = Attributes::new().with("value", one);
        self.apply_with(names::CONSTANT_OF_SHAPE, &[shape], one)
    }

    /// Whether this is a float that gradients can flow through.
    pub fn is_float(&self, value: ValueId) -> bool {
        self.element(value).is_ok_and(Element::is_float)
    }
}
