//! Every operator. A file holds one operator, or a family that shares its shapes: each record says
//! what it makes of shapes, of tensors and of gradients.

use std::{collections::HashMap, sync::LazyLock};

use crate::graph::Operator;

mod align;
mod binary;
mod cast;
mod compare;
mod constant_of_shape;
mod elementwise;
mod expand;
mod features;
mod gather;
mod gather_elements;
mod identity;
mod imputer;
mod label_encoder;
mod labels;
mod linear_model;
mod matmul;
mod reduce;
mod relu;
mod reshape;
mod rows;
mod scaler;
mod scatter_elements;
mod shape;
mod softmax;
mod svm;
mod top_k;
mod transpose;
mod tree_ensemble;
mod unary;
mod where_;

#[allow(unused_imports, reason = "rules name what they need")]
pub(crate) use self::{
    align::ALIGN,
    binary::{ADD, DIV, MUL, SUB},
    cast::CAST,
    compare::{EQUAL, GREATER, LESS_OR_EQUAL},
    constant_of_shape::CONSTANT_OF_SHAPE,
    expand::EXPAND,
    features::classes_of_zip_map,
    gather::GATHER,
    gather_elements::GATHER_ELEMENTS,
    identity::IDENTITY,
    matmul::{GEMM, MATMUL},
    reduce::{REDUCE_MAX, REDUCE_SUM},
    relu::RELU_GRAD,
    reshape::{FLATTEN, RESHAPE, UNSQUEEZE},
    scatter_elements::SCATTER_ELEMENTS,
    shape::{SHAPE, SIZE},
    softmax::{LOG_SOFTMAX, SOFTMAX},
    top_k::TOP_K,
    transpose::TRANSPOSE,
    unary::{ABS, EXP, NEG, SIGN},
    where_::WHERE,
};

/// Every operator, a list a file.
const OPS: &[&[&Operator]] = &[
    align::OPS,
    binary::OPS,
    cast::OPS,
    compare::OPS,
    constant_of_shape::OPS,
    expand::OPS,
    features::OPS,
    gather::OPS,
    gather_elements::OPS,
    identity::OPS,
    imputer::OPS,
    label_encoder::OPS,
    linear_model::OPS,
    matmul::OPS,
    reduce::OPS,
    relu::OPS,
    reshape::OPS,
    scaler::OPS,
    scatter_elements::OPS,
    shape::OPS,
    softmax::OPS,
    svm::OPS,
    top_k::OPS,
    transpose::OPS,
    tree_ensemble::OPS,
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
