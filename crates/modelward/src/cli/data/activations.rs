//! What a layer of the user's model says of each row.

use std::{path::Path, sync::Arc};

use modelward_data::{Batch, Kind, Matrix, Roles, Set, check::Labels, image_shape, kind};
use modelward_engine::{
    Limits, Model, Tensor, exec, file,
    graph::{Dimension, Graph, ValueId},
};

use crate::cli::{Failure, experiment, trouble::failure};

/// A model that is run up to a layer.
struct Layered<'a> {
    path: &'a Path,
    graph: Graph,
    input: ValueId,
    /// The shape of one row, as the model declares it.
    shape: Vec<usize>,
    limits: Limits,
}

/// The values of a layer for every row of a set, `[rows, width]`.
///
/// Models are trained on pixels of 0 to 1 as often as on those of 0 to 255: of the usual scales that one
/// is taken under which the model knows the labels best.
pub(super) fn of(
    path: &Path,
    layer: &str,
    set: &Set,
    roles: &Roles,
    memory: u64,
) -> Result<Matrix, Failure> {
    let limits = Limits { memory, ..Limits::default() };
    let bytes = file::open(path).map_err(|trouble| failure(path, trouble))?;
    let model = experiment::model(path, bytes, &limits)?;
    let layered = Layered::new(path, &model, layer, limits)?;
    let columns = columns(set, roles);
    let (mut data, mut width, mut scale) = (Vec::new(), 0, None);
    let mut failed = None;
    let walked = set.walk(|batch| {
        if failed.is_some() {
            return Ok(());
        }
        let rows = rows(batch, &columns);
        let labels = roles.label.map(|label| Labels::of(&batch.rows, label));
        let run = match scale {
            Some(scale) => layered.run(&rows, scale),
            None => layered.scaled(&rows, labels.as_ref()).and_then(|best| {
                scale = Some(best);
                layered.run(&rows, best)
            }),
        };
        match run {
            Ok((values, _)) => {
                width = values.len().checked_div(rows.rows()).unwrap_or(0);
                data.extend(values);
            }
            Err(failure) => failed = Some(failure),
        }
        Ok(())
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    // What cannot be read is told where the set is checked.
    let _ = walked;
    Ok(Matrix { columns: width, data, names: Vec::new() })
}

/// The columns that a model is fed with: the first that holds arrays, or all that hold numbers.
fn columns(set: &Set, roles: &Roles) -> Vec<usize> {
    let fields = set.schema.fields();
    let features = (0..fields.len()).filter(|at| roles.is_feature(*at));
    let arrays = features
        .clone()
        .find(|at| fields.get(*at).is_some_and(|it| matches!(kind(it), Kind::Numbers(_))));
    match arrays {
        Some(column) => vec![column],
        None => features
            .filter(|at| fields.get(*at).is_some_and(|it| kind(it) == Kind::Number))
            .collect(),
    }
}

/// Rows as the model takes them: of images the channels first.
fn rows(batch: &Batch, columns: &[usize]) -> Matrix {
    let matrix = Matrix::of(&batch.rows, columns.iter().copied());
    let schema = batch.rows.schema();
    let shape = columns.first().and_then(|column| image_shape(schema.field(*column)));
    let Some((height, width, channels @ 2.., false)) = shape else { return matrix };
    let area = height.saturating_mul(width);
    let planes = (0..matrix.rows()).flat_map(|row| {
        let row = matrix.row(row);
        (0..channels).flat_map(move |channel| {
            (0..area).map(move |at| {
                row.get(at.saturating_mul(channels).saturating_add(channel)).copied().unwrap_or(0.0)
            })
        })
    });
    Matrix { columns: matrix.columns, data: planes.collect(), names: Vec::new() }
}

impl<'a> Layered<'a> {
    fn new(path: &'a Path, model: &Model, layer: &str, limits: Limits) -> Result<Self, Failure> {
        let mut graph = model.graph.clone();
        let name = path.display();
        let Some(at) = graph.named(layer) else {
            let known = graph.nodes().iter().rev().flat_map(|node| &node.outputs);
            let known = known.map(|id| graph.value(*id).name.to_string());
            let known = known.filter(|name| !name.is_empty()).take(8).collect::<Vec<_>>();
            let failure =
                Failure::new(format!("expected a value `{layer}` in `{name}`, found none"));
            return Err(failure.help(format!("the last are `{}`", known.join("`, `"))));
        };
        let [input] = *graph.inputs.as_slice() else {
            let count = graph.inputs.len();
            return Err(Failure::new(format!("expected one input of `{name}`, found {count}")));
        };
        let declared = graph.value(input).declared.clone();
        let dims = declared.and_then(|declared| declared.dims).unwrap_or_default();
        let shape = dims.iter().skip(1).map(|dim| match dim {
            Dimension::Fixed(size) => Some(*size),
            _ => None,
        });
        let shape = shape.collect::<Option<Vec<_>>>().unwrap_or_default();
        let answer = graph.outputs.first().copied().unwrap_or(at);
        graph.outputs = vec![at, answer];
        graph.prune();
        Ok(Self { path, graph, input, shape, limits })
    }

    /// The layer's values and the model's answers for rows times a scale, one row behind the other.
    fn run(&self, rows: &Matrix, scale: f32) -> Result<(Vec<f32>, Vec<f32>), Failure> {
        let count = rows.rows();
        let wanted = self.shape.iter().product::<usize>();
        let shape = if self.shape.is_empty() { vec![rows.columns] } else { self.shape.clone() };
        if !self.shape.is_empty() && wanted != rows.columns {
            let name = self.path.display();
            return Err(Failure::new(format!(
                "expected rows of {wanted} numbers for `{name}`, got {}",
                rows.columns
            )));
        }
        let data = rows.data.iter().map(|value| value * scale).collect::<Vec<_>>();
        let dims = [vec![count], shape].concat();
        let fails = |trouble| failure(self.path, trouble);
        let tensor = Arc::new(Tensor::new(dims, data).map_err(fails)?);
        let how = exec::How::new(self.limits);
        let outputs = exec::run(&self.graph, &[(self.input, tensor)], how).map_err(fails)?;
        #[allow(clippy::cast_possible_truncation, reason = "activations are numbers of 32 bits")]
        let floats = |tensor: Option<&Tensor>| match tensor.map(Tensor::floats) {
            Some(Ok(floats)) => Ok(floats.into_iter().map(|value| value as f32).collect()),
            Some(Err(trouble)) => Err(failure(self.path, trouble)),
            None => Ok(Vec::new()),
        };
        Ok((floats(outputs.first())?, floats(outputs.get(1))?))
    }

    /// The scale under which the model knows most labels; 1 where no other does better.
    fn scaled(&self, rows: &Matrix, labels: Option<&Labels>) -> Result<f32, Failure> {
        let most = rows.data.iter().copied().filter(|value| value.is_finite()).fold(0.0, f32::max);
        let Some(labels) = labels.filter(|_| most > 1.0) else { return Ok(1.0) };
        let mut best = (0, 1.0);
        for scale in [1.0, 1.0 / 255.0, 1.0 / most] {
            let (_, answers) = self.run(rows, scale)?;
            let classes = answers.len().checked_div(rows.rows()).unwrap_or(0);
            let right = answers.chunks_exact(classes.max(1)).zip(&labels.of);
            let right = right.filter(|(answer, label)| {
                let first = answer.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
                first.and_then(|(at, _)| u32::try_from(at).ok()) == **label
            });
            let right = right.count();
            if right > best.0 {
                best = (right, scale);
            }
        }
        Ok(best.1)
    }
}
