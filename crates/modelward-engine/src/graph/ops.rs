//! Every operator. A file holds one operator, or a family that shares its shapes: each record says
//! what it makes of shapes, of tensors and of gradients.

use std::{collections::HashMap, sync::LazyLock};

use crate::graph::Operator;

mod affine_grid;
mod align;
mod along;
mod attention;
mod binary;
mod cast;
mod center_crop_pad;
mod col2im;
mod compare;
mod concat;
mod constant_of_shape;
mod control_flow;
mod depth_to_space;
mod dft;
mod elementwise;
mod expand;
mod gather;
mod gather_elements;
mod gather_nd;
mod grid_sample;
mod identity;
#[cfg(test)]
mod lowered;
mod matmul;
mod non_max_suppression;
mod pad;
mod real;
mod recurrent;
mod reduce;
mod relu;
mod reshape;
mod resize;
mod reverse_sequence;
mod roi_align;
mod rotary_embedding;
mod scatter_elements;
mod shape;
mod slice;
mod softmax;
mod sparse;
mod tensor_scatter;
mod tile;
mod top_k;
mod transpose;
mod unary;
mod where_;

#[allow(unused_imports, reason = "rules name what they need")]
pub(crate) use self::{
    align::ALIGN,
    binary::{ADD, DIV, MUL, SUB},
    cast::CAST,
    compare::{EQUAL, GREATER, LESS_OR_EQUAL},
    concat::{CONCAT, SPLIT},
    constant_of_shape::CONSTANT_OF_SHAPE,
    expand::EXPAND,
    gather::GATHER,
    gather_elements::GATHER_ELEMENTS,
    gather_nd::{GATHER_ND, SCATTER_ND},
    identity::IDENTITY,
    matmul::{GEMM, MATMUL},
    pad::PAD,
    reduce::{REDUCE_MAX, REDUCE_SUM},
    relu::RELU_GRAD,
    reshape::{FLATTEN, RESHAPE, UNSQUEEZE},
    scatter_elements::SCATTER_ELEMENTS,
    shape::{SHAPE, SIZE},
    slice::SLICE,
    softmax::{LOG_SOFTMAX, SOFTMAX},
    tile::TILE,
    top_k::TOP_K,
    transpose::TRANSPOSE,
    unary::{ABS, EXP, NEG, SIGN},
    where_::WHERE,
};

/// Every operator, a list a file.
const OPS: &[&[&Operator]] = &[
    affine_grid::OPS,
    align::OPS,
    attention::OPS,
    binary::OPS,
    cast::OPS,
    center_crop_pad::OPS,
    col2im::OPS,
    compare::OPS,
    concat::OPS,
    constant_of_shape::OPS,
    control_flow::OPS,
    depth_to_space::OPS,
    dft::OPS,
    expand::OPS,
    gather::OPS,
    gather_elements::OPS,
    gather_nd::OPS,
    grid_sample::OPS,
    identity::OPS,
    matmul::OPS,
    non_max_suppression::OPS,
    pad::OPS,
    recurrent::OPS,
    reduce::OPS,
    relu::OPS,
    reshape::OPS,
    resize::OPS,
    reverse_sequence::OPS,
    roi_align::OPS,
    rotary_embedding::OPS,
    scatter_elements::OPS,
    shape::OPS,
    slice::OPS,
    softmax::OPS,
    sparse::OPS,
    tensor_scatter::OPS,
    tile::OPS,
    top_k::OPS,
    transpose::OPS,
    unary::OPS,
    where_::OPS,
];

/// Every operator that is run.
pub(crate) fn all() -> impl Iterator<Item = &'static Operator> {
    OPS.iter().flat_map(|ops| ops.iter().copied())
}

/// The operator of this name.
pub(crate) fn find(domain: &str, name: &str) -> Option<&'static Operator> {
    static BY_NAME: LazyLock<HashMap<(&str, &str), &Operator>> =
        LazyLock::new(|| all().map(|op| ((op.domain.name(), op.name), op)).collect());
    BY_NAME.get(&(domain, name)).copied()
}
