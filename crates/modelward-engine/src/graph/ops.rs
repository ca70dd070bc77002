//! Every operator. A file holds one operator, or a family that shares its shapes: each record says
//! what it makes of shapes, of tensors and of gradients.

use std::{collections::HashMap, sync::LazyLock};

use crate::graph::Operator;

mod align;
mod batch_normalization;
mod binary;
mod cast;
mod compare;
mod constant_of_shape;
mod conv;
mod conv_transpose;
mod elementwise;
mod expand;
mod fused;
mod gather;
mod gather_elements;
mod global_pool;
mod identity;
#[cfg(test)]
mod lowering;
mod lp_pool;
mod lrn;
mod matmul;
mod max_unpool;
mod normalization;
mod pool;
mod quantize;
mod quantized_conv;
mod quantized_elementwise;
mod quantized_product;
mod reduce;
mod relu;
mod reshape;
mod scatter_elements;
mod shape;
mod softmax;
mod top_k;
mod transpose;
mod unary;
mod where_;
mod windows;

#[allow(unused_imports, reason = "rules name what they need")]
pub(crate) use self::{
    align::ALIGN,
    binary::{ADD, DIV, MUL, SUB},
    cast::CAST,
    compare::{EQUAL, GREATER, LESS_OR_EQUAL},
    constant_of_shape::CONSTANT_OF_SHAPE,
    conv::{CONV, CONV_INPUT_GRAD, CONV_WEIGHT_GRAD, Geometry},
    conv_transpose::CONV_TRANSPOSE,
    expand::EXPAND,
    gather::GATHER,
    gather_elements::GATHER_ELEMENTS,
    identity::IDENTITY,
    matmul::{GEMM, MATMUL},
    normalization::{LAYER_NORMALIZATION, RMS_NORMALIZATION},
    pool::{AVERAGE_POOL, AVERAGE_POOL_GRAD, MAX_POOL, MAX_POOL_GRAD},
    quantize::straight_through as quantized_straight_through,
    reduce::{REDUCE_EXTREME_GRAD, REDUCE_MAX, REDUCE_SUM},
    relu::RELU_GRAD,
    reshape::{FLATTEN, RESHAPE, UNSQUEEZE},
    scatter_elements::SCATTER_ELEMENTS,
    shape::{SHAPE, SIZE},
    softmax::{LOG_SOFTMAX, SOFTMAX},
    top_k::TOP_K,
    transpose::TRANSPOSE,
    unary::{ABS, EXP, NEG, SIGMOID, SIGN},
    where_::WHERE,
    windows::Axis,
};

/// Every operator, a list a file.
const OPS: &[&[&Operator]] = &[
    align::OPS,
    batch_normalization::OPS,
    binary::OPS,
    cast::OPS,
    compare::OPS,
    constant_of_shape::OPS,
    conv::OPS,
    conv_transpose::OPS,
    expand::OPS,
    fused::OPS,
    gather::OPS,
    gather_elements::OPS,
    global_pool::OPS,
    identity::OPS,
    lp_pool::OPS,
    lrn::OPS,
    matmul::OPS,
    max_unpool::OPS,
    normalization::OPS,
    pool::OPS,
    quantize::OPS,
    quantized_conv::OPS,
    quantized_elementwise::OPS,
    quantized_product::OPS,
    reduce::OPS,
    relu::OPS,
    reshape::OPS,
    scatter_elements::OPS,
    shape::OPS,
    softmax::OPS,
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
