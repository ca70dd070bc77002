//! Which nodes are functions with a bend, or what flows back through one.

use crate::{
    Result,
    exec::{compile::Compiler, kernels::Bend},
    graph::{Node, ops::relu},
};

/// The function of a node, where it is one of its first input alone.
pub(super) fn of(compiler: &Compiler<'_>, node: &Node) -> Result<Option<Bend>> {
    Ok(match node.operator.name {
        "Relu" => Some(Bend::Relu),
        "LeakyRelu" => Some(Bend::Leaky(relu::alpha(&node.attributes)?)),
        "Clip" => bounds(compiler, node, 1),
        _ => None,
    })
}

/// The function whose gradient a node is: of what flows, its first input, and of where it came out,
/// its second.
pub(super) fn back(compiler: &Compiler<'_>, node: &Node) -> Result<Option<Bend>> {
    Ok(match node.operator.name {
        "ReluGrad" => match relu::slope(&node.attributes)? {
            0.0 => Some(Bend::Relu),
            slope => Some(Bend::Leaky(slope)),
        },
        "ClipGrad" => bounds(compiler, node, 2),
        _ => None,
    })
}

/// Two bounds that never change, from this input on.
fn bounds(compiler: &Compiler<'_>, node: &Node, first: usize) -> Option<Bend> {
    let bound = |input: usize, open: f32| match node.inputs.get(input).copied().flatten() {
        Some(bound) => compiler.constant_floats(bound)?.first().copied(),
        None => Some(open),
    };
    Some(Bend::Clip(bound(first, f32::NEG_INFINITY)?, bound(first + 1, f32::INFINITY)?))
}
