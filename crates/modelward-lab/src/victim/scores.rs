//! The scores of an ONNX classifier: which output they are, and what their columns mean.

use std::sync::Arc;

use modelward_engine::{
    Data, Element, Limits, Meter, Model, Result, Tensor, Trouble,
    exec::{self, How, Session},
    feed::Fed,
    graph::{Graph, ValueId},
};

use crate::victim::NO_CLASS;

/// What the columns of the scores are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// One for each class.
    Classes(usize),
    /// One number, a probability of class 1.
    Probability,
    /// One number, above 0 for class 1.
    Logit,
}

impl Columns {
    /// How many columns there are.
    pub(crate) fn count(self) -> usize {
        match self {
            Self::Classes(classes) => classes,
            Self::Probability | Self::Logit => 1,
        }
    }

    /// The class that a row says.
    pub(crate) fn class(self, row: &[f32]) -> i64 {
        if !row.iter().all(|score| score.is_finite()) {
            return NO_CLASS;
        }
        match self {
            Self::Probability => i64::from(row.first().is_some_and(|&score| score > 0.5)),
            Self::Logit => i64::from(row.first().is_some_and(|&score| score > 0.0)),
            Self::Classes(_) => {
                // The first of the largest, as every runtime's argmax.
                let mut best = 0;
                for (at, score) in row.iter().enumerate() {
                    if *score > row[best] {
                        best = at;
                    }
                }
                best as i64
            }
        }
    }
}

/// The output that classes are read from, and what its columns are.
pub(crate) fn scores(model: &Model, fed: &Fed, limits: &Limits) -> Result<(ValueId, Columns)> {
    let outputs = exec::evaluate(&model.graph, fed, &Meter::new(*limits))?;
    let mut found = model.graph.outputs.iter().zip(&outputs);
    let float = found.find(|(_, tensor)| tensor.element().is_float());
    let (&id, tensor) = float.ok_or_else(|| {
        Trouble::unsupported("expected a classifier with scores, got one with labels alone")
    })?;
    let columns = match tensor.count() {
        0 => return Err(Trouble::unsupported("expected scores of classes, got none")),
        1 => single(model, id),
        many => Columns::Classes(many),
    };
    Ok((id, columns))
}

/// What the one column of an output is.
pub(crate) fn single(model: &Model, output: ValueId) -> Columns {
    let last = model.graph.writers().get(&output).and_then(|&at| model.graph.nodes().get(at));
    if last.is_some_and(|node| node.operator.name == "Sigmoid") {
        Columns::Probability
    } else {
        Columns::Logit
    }
}

/// A session for batches, where the model gives two inputs the same answers as one by one.
pub(crate) fn batch_of_two(graph: &Arc<Graph>, one: &Fed, two: &Fed, how: How) -> Option<Session> {
    let mut many = Session::new(graph.clone(), two, how).ok()?;
    let both = many.run(&two.iter().map(|(_, tensor)| tensor.clone()).collect::<Vec<_>>()).ok()?;
    let alone = exec::run(graph, one, how).ok()?;
    let same = both.iter().zip(&alone).all(|(both, alone)| {
        let (both, alone) = (both.floats(), alone.floats());
        let (Ok(both), Ok(alone)) = (both, alone) else { return false };
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-4 * (1.0 + b.abs()) || a.is_nan();
        both.len() == 2 * alone.len()
            && both.chunks_exact(alone.len().max(1)).all(|row| row.iter().zip(&alone).all(close))
    });
    same.then_some(many)
}

/// A graph with other outputs.
pub(crate) fn with_outputs(graph: &Graph, outputs: &[ValueId]) -> Graph {
    let mut graph = graph.clone();
    graph.outputs = outputs.to_vec();
    graph
}

/// The elements as floats of 32 bits.
pub(crate) fn floats(tensor: &Tensor) -> Result<std::borrow::Cow<'_, [f32]>> {
    Ok(match tensor.data() {
        Data::F32(values) => values.into(),
        _ => {
            let cast = tensor.cast(Element::F32)?;
            match cast.into_parts().1 {
                Data::F32(values) => values.into(),
                _ => return Err(missing()),
            }
        }
    })
}

/// Trouble where a model gives fewer outputs than it says.
pub(crate) fn missing() -> Trouble {
    Trouble::graph("the model gives fewer outputs than it says")
}
