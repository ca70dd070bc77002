//! Which values of a graph go example by example: those may be computed in any pieces of a batch.
//!
//! A graph is split over its batch only where every node is known to treat each example by itself.
//! What is not known here is not split, and stays right.

use std::collections::HashSet;

use crate::{
    Element, Result,
    graph::{Graph, Inference, Node, ValueId, axis_of, ops::transpose::order},
};

/// How a value depends on the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Not on its data; whole numbers may follow its size.
    Fixed,
    /// It holds one part for each example, along this axis.
    Batch(usize),
    /// It is a sum over the examples.
    Sum,
}

/// Operators that treat each element by itself, with broadcasting.
const ELEMENTWISE: &[&str] = &[
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "And",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Cast",
    "Ceil",
    "Celu",
    "Clip",
    "ClipGrad",
    "Cos",
    "Cosh",
    "Div",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "IsInf",
    "IsNaN",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Mean",
    "Min",
    "Mish",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pow",
    "Reciprocal",
    "Relu",
    "ReluGrad",
    "Round",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Sub",
    "Sum",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Where",
    "Xor",
    "Dropout",
];

/// Operators that go example by example in their first input, the others fixed.
const BY_EXAMPLE: &[&str] = &[
    "Conv",
    "ConvTranspose",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "LpPool",
    "BatchNormalization",
    "InstanceNormalization",
    "GroupNormalization",
    "LRN",
    "DepthToSpace",
    "SpaceToDepth",
];

/// Gradients that go example by example in what flows and in the input of the same batch.
const BY_FLOW: &[&str] = &["ConvInputGrad", "MaxPoolGrad", "AveragePoolGrad"];

/// The roles of all values of a graph; none where it cannot be split. `batch` are the inputs that
/// hold the batch along their first axis, `one` and `two` what is known for two of its sizes.
pub(super) fn roles(
    graph: &Graph,
    batch: &HashSet<ValueId>,
    one: &Inference,
    two: &Inference,
    sizes: (usize, usize),
) -> Result<Option<Vec<Role>>> {
    let mut roles = vec![Role::Fixed; graph.values.len()];
    for id in batch {
        roles[id.index()] = Role::Batch(0);
    }
    let view = Split { one, two, sizes };
    for node in graph.nodes() {
        let Some(role) = view.role(node, &roles)? else { return Ok(None) };
        for output in &node.outputs {
            roles[output.index()] = role;
        }
    }
    for output in &graph.outputs {
        if matches!(roles[output.index()], Role::Batch(axis) if axis != 0) {
            return Ok(None);
        }
    }
    Ok(Some(roles))
}

struct Split<'a> {
    one: &'a Inference,
    two: &'a Inference,
    sizes: (usize, usize),
}

impl Split<'_> {
    fn rank(&self, id: ValueId) -> Option<usize> {
        self.one.kind(id).map(|kind| kind.dims.len())
    }

    /// Whether an axis of a value is as long as the batch, whatever that is.
    fn follows(&self, id: ValueId, axis: usize) -> bool {
        let size = |known: &Inference| known.kind(id).and_then(|kind| kind.dims.get(axis).copied());
        (size(self.one), size(self.two)) == (Some(self.sizes.0), Some(self.sizes.1))
    }

    /// Whether a value is the same for both sizes, its elements too where they are known.
    fn is_same(&self, id: ValueId) -> bool {
        self.one.kind(id) == self.two.kind(id) && self.one.value(id) == self.two.value(id)
    }

    fn ints(&self, node: &Node, input: usize) -> Option<Vec<i64>> {
        let id = node.inputs.get(input).copied().flatten()?;
        self.one.value(id)?.ints().ok()
    }

    /// The role of what a node writes, if it goes example by example.
    fn role(&self, node: &Node, roles: &[Role]) -> Result<Option<Role>> {
        let of = |input: usize| {
            node.inputs.get(input).copied().flatten().map_or(Role::Fixed, |id| roles[id.index()])
        };
        let Some(&output) = node.outputs.first() else { return Ok(None) };
        let given = (0..node.inputs.len()).map(of).collect::<Vec<_>>();
        let name = node.operator.name;
        if given.iter().all(|role| *role == Role::Fixed) {
            return Ok(self.fixed(node, output));
        }
        if matches!(name, "Shape" | "Size") {
            return Ok(Some(Role::Fixed));
        }
        let attributes = &node.attributes;
        let others_fixed = given.iter().skip(1).all(|role| *role == Role::Fixed);
        let Some(rank) = self.rank(output) else { return Ok(None) };
        let first_rank = node.inputs.first().copied().flatten().and_then(|id| self.rank(id));
        let first_rank = first_rank.unwrap_or(0);
        Ok(match (name, of(0)) {
            ("Add" | "Sum", _) if given.iter().all(|role| *role == Role::Sum) => Some(Role::Sum),
            ("Neg" | "Identity", Role::Sum) => Some(Role::Sum),
            ("Mul" | "Div", Role::Sum) if of(1) == Role::Fixed => self.linear(node, 1),
            ("Mul", Role::Fixed) if of(1) == Role::Sum => self.linear(node, 0),
            ("Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" | "Transpose", Role::Sum) => {
                Some(Role::Sum)
            }
            (_, _) if given.contains(&Role::Sum) => None,
            (name, _) if ELEMENTWISE.contains(&name) => {
                self.elementwise(node, &given, rank, output)
            }
            (name, Role::Batch(0)) if BY_EXAMPLE.contains(&name) && others_fixed => {
                Some(Role::Batch(0))
            }
            (name, Role::Batch(0)) if BY_FLOW.contains(&name) => {
                let fine = |role: &Role| matches!(role, Role::Fixed | Role::Batch(0));
                given.iter().all(fine).then_some(Role::Batch(0))
            }
            ("ConvWeightGrad", Role::Batch(0)) if of(1) == Role::Batch(0) => Some(Role::Sum),
            ("Gemm", Role::Batch(0)) => {
                let turned = attributes.flag("transA")?;
                if !turned && others_fixed {
                    Some(Role::Batch(0))
                } else if turned
                    && of(1) == Role::Batch(0)
                    && !attributes.flag("transB")?
                    && of(2) == Role::Fixed
                    && node.inputs.get(2).copied().flatten().is_none()
                {
                    Some(Role::Sum)
                } else {
                    None
                }
            }
            ("MatMul", Role::Batch(axis)) => match of(1) {
                Role::Fixed if first_rank >= 2 && axis < first_rank - 1 => {
                    let second = node.inputs.get(1).copied().flatten().and_then(|id| self.rank(id));
                    // A fixed operand of more dimensions would shift the axes.
                    second
                        .is_some_and(|second| second <= 2 || second <= first_rank)
                        .then_some(Role::Batch(axis))
                }
                Role::Batch(other) if first_rank == 2 && axis == 1 && other == 0 && rank == 2 => {
                    Some(Role::Sum)
                }
                Role::Batch(0) if axis == 0 && first_rank >= 3 && rank == first_rank => {
                    let second = node.inputs.get(1).copied().flatten().and_then(|id| self.rank(id));
                    (second == Some(first_rank)).then_some(Role::Batch(0))
                }
                _ => None,
            },
            ("Expand" | "Tile", Role::Batch(0)) => (self.follows(output, 0)
                && (name != "Expand" || rank == first_rank))
                .then_some(Role::Batch(0)),
            ("Transpose", Role::Batch(axis)) => {
                let to = order(attributes, rank)?.iter().position(|from| *from == axis);
                to.map(Role::Batch)
            }
            (
                "Softmax" | "LogSoftmax" | "Hardmax" | "LayerNormalization" | "RMSNormalization",
                Role::Batch(axis),
            ) => {
                let along = axis_of(attributes.int_or("axis", -1)?, first_rank)?;
                // A normalisation is over every axis from its own on.
                let apart = if name.contains("Norm") { along > axis } else { along != axis };
                (apart && others_fixed).then_some(Role::Batch(axis))
            }
            (name, Role::Batch(axis))
                if name.starts_with("Reduce") && name != "ReduceExtremeGrad" =>
            {
                self.reduced(node, axis, first_rank)?
            }
            ("CrossEntropy", Role::Batch(0)) if of(1) == Role::Batch(0) => Some(Role::Batch(0)),
            ("ReduceExtremeGrad", _) => {
                let fine = given.iter().all(|role| matches!(role, Role::Fixed | Role::Batch(0)));
                let axes = self.ints(node, 3).unwrap_or_default();
                let apart = !axes.is_empty()
                    && axes.iter().all(|&axis| axis_of(axis, rank).is_ok_and(|axis| axis != 0));
                (fine && apart && self.follows(output, 0)).then_some(Role::Batch(0))
            }
            ("Concat", Role::Batch(axis)) => {
                let along = axis_of(attributes.int_or("axis", 0)?, rank)?;
                let all = given.iter().all(|role| *role == Role::Batch(axis));
                (all && along != axis).then_some(Role::Batch(axis))
            }
            ("Split", Role::Batch(axis)) if others_fixed => {
                let along = axis_of(attributes.int_or("axis", 0)?, first_rank)?;
                (along != axis).then_some(Role::Batch(axis))
            }
            ("Reshape" | "Flatten" | "Squeeze" | "Unsqueeze", Role::Batch(axis)) => {
                self.reshaped(node, axis, output)
            }
            ("Slice" | "Pad", Role::Batch(0)) if others_fixed => {
                let axes = self.ints(node, 3);
                let apart = axes.is_some_and(|axes| {
                    !axes.is_empty()
                        && axes
                            .iter()
                            .all(|&axis| axis_of(axis, first_rank).is_ok_and(|axis| axis != 0))
                });
                (apart && self.follows(output, 0)).then_some(Role::Batch(0))
            }
            ("Gather", Role::Batch(axis)) if of(1) == Role::Fixed => {
                let along = axis_of(attributes.int_or("axis", 0)?, first_rank)?;
                // The axes of the indices stand in the place of the one that is gathered along.
                let to =
                    if along < axis { (axis + rank).checked_sub(first_rank) } else { Some(axis) };
                to.filter(|&to| along != axis && self.follows(output, to)).map(Role::Batch)
            }
            ("GatherGrad", Role::Batch(_)) if of(1) == Role::Fixed => match of(2) {
                Role::Batch(axis) => {
                    let along = axis_of(attributes.int_or("axis", 0)?, rank)?;
                    (along != axis && self.follows(output, axis)).then_some(Role::Batch(axis))
                }
                _ => None,
            },
            ("NormalizeGrad" | "Normalize", Role::Batch(axis))
                if given.iter().all(|role| *role == Role::Batch(axis))
                    && attributes.find("num_groups").is_none() =>
            {
                let along = axis_of(attributes.int_or("axis", -1)?, first_rank)?;
                (along > axis).then_some(Role::Batch(axis))
            }
            ("Gather", Role::Fixed) if of(1) == Role::Batch(0) => {
                let along = axis_of(attributes.int_or("axis", 0)?, first_rank)?;
                (along == 0 && self.follows(output, 0)).then_some(Role::Batch(0))
            }
            ("GatherGrad", Role::Batch(0)) if of(1) == Role::Batch(0) && of(2) == Role::Fixed => {
                Some(Role::Sum)
            }
            _ => None,
        })
    }

    /// What a node writes that reads no data of the batch.
    fn fixed(&self, node: &Node, output: ValueId) -> Option<Role> {
        let kind = self.one.kind(output)?;
        if self.is_same(output) {
            return Some(Role::Fixed);
        }
        // Whole numbers that follow the size of the batch say shapes. As floats they would say
        // something of the whole batch.
        if kind.element == Element::I64 || kind.element == Element::I32 {
            let known = self.one.value(output).is_some();
            return known.then_some(Role::Fixed);
        }
        let repeats = matches!(node.operator.name, "ConstantOfShape" | "Expand");
        let widened = node.operator.name == "ConstantOfShape" || {
            let input = node.inputs.first().copied().flatten()?;
            let from = &self.one.kind(input)?.dims;
            from.len() < kind.dims.len() || from.first() == Some(&1)
        };
        (repeats && widened && self.follows(output, 0)).then_some(Role::Batch(0))
    }

    /// Each element by itself: everything of the batch lies along the same axis, and what is fixed
    /// is repeated along it.
    fn elementwise(
        &self,
        node: &Node,
        given: &[Role],
        rank: usize,
        output: ValueId,
    ) -> Option<Role> {
        let mut along = None;
        for (input, role) in node.inputs.iter().zip(given) {
            let Some(id) = input else { continue };
            let own = self.rank(*id)?;
            if let Role::Batch(axis) = role {
                let axis = axis + rank.checked_sub(own)?;
                if *along.get_or_insert(axis) != axis {
                    return None;
                }
            }
        }
        let along = along?;
        for (input, role) in node.inputs.iter().zip(given) {
            let Some(id) = input else { continue };
            let kind = self.one.kind(*id)?;
            if *role == Role::Fixed {
                let at = along.checked_sub(rank - kind.dims.len());
                if at.is_some_and(|at| kind.dims[at] != 1) || !self.is_same(*id) {
                    return None;
                }
            }
        }
        self.follows(output, along).then_some(Role::Batch(along))
    }

    /// The elements in the same order: the batch lies where as many elements stand in front of it.
    fn reshaped(&self, node: &Node, axis: usize, output: ValueId) -> Option<Role> {
        let input = node.inputs.first().copied().flatten()?;
        let front = |known: &Inference, id: ValueId, axis: usize| {
            Some(known.kind(id)?.dims.get(..axis)?.iter().product::<usize>())
        };
        let before = front(self.one, input, axis)?;
        let fits = |to: &usize| {
            self.follows(output, *to)
                && [self.one, self.two].iter().all(|known| {
                    front(known, input, axis) == Some(before)
                        && front(known, output, *to) == Some(before)
                })
        };
        (0..self.rank(output)?).find(fits).map(Role::Batch)
    }

    /// A sum that is scaled by what is the same for every size of the batch.
    fn linear(&self, node: &Node, factor: usize) -> Option<Role> {
        let id = node.inputs.get(factor).copied().flatten()?;
        self.is_same(id).then_some(Role::Sum)
    }

    /// A reduction along other axes than the batch's, or a sum along it.
    fn reduced(&self, node: &Node, axis: usize, rank: usize) -> Result<Option<Role>> {
        let given = node.inputs.get(1).copied().flatten();
        let axes = self.ints(node, 1);
        if given.is_some() && axes.is_none() {
            return Ok(None);
        }
        let reduced = crate::graph::ops::reduce::axes(axes, &node.attributes, rank)?;
        let keep = node.attributes.int_or("keepdims", 1)? != 0;
        Ok(if reduced[axis] {
            (node.operator.name == "ReduceSum").then_some(Role::Sum)
        } else {
            let gone = if keep { 0 } else { reduced[..axis].iter().filter(|gone| **gone).count() };
            Some(Role::Batch(axis - gone))
        })
    }
}
