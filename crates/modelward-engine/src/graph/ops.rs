//! Every operator. A file holds one operator, or a family that shares its shapes: each record says
//! what it makes of shapes, of tensors and of gradients.

use std::{collections::HashMap, sync::LazyLock};

use crate::{
    Result, Trouble,
    graph::{Grad, Name, Operator},
};

mod activation;
mod affine_grid;
mod align;
mod along;
mod arg_max;
mod attention;
mod batch_normalization;
mod binary;
mod bits;
mod cast;
mod center_crop_pad;
mod classify;
mod clip;
mod col2im;
mod compare;
mod concat;
mod constant;
mod constant_of_shape;
mod control_flow;
pub(crate) mod conv;
mod conv_transpose;
mod cross_entropy;
mod cumulate;
mod depth_to_space;
mod det;
mod dft;
mod dropout;
mod einsum;
pub(crate) mod elementwise;
mod expand;
mod eye_like;
pub(crate) mod features;
mod fused;
pub(crate) mod gather;
mod gather_elements;
mod gather_nd;
mod global_pool;
mod grid_sample;
mod hardmax;
mod identity;
mod imputer;
mod label_encoder;
mod labels;
mod likelihood;
mod linear_model;
mod logic;
#[cfg(test)]
mod lowered;
#[cfg(test)]
mod lowering;
mod lp_normalization;
mod lp_pool;
mod lrn;
mod matmul;
mod max_unpool;
mod mean_variance_normalization;
mod mel_weight_matrix;
mod modulo;
mod non_max_suppression;
mod normalization;
mod one_hot;
mod pad;
pub(crate) mod pool;
mod power;
mod prelu;
pub(crate) mod quantize;
mod quantized_conv;
mod quantized_elementwise;
mod quantized_product;
mod random;
mod range;
mod real;
mod recurrent;
pub(crate) mod reduce;
pub(crate) mod relu;
mod reshape;
mod resize;
mod reverse_sequence;
mod roi_align;
mod rotary_embedding;
mod rounding;
mod rows;
mod scaler;
mod scatter_elements;
mod shape;
mod slice;
mod softmax;
mod sparse;
mod svm;
mod swiglu;
mod taper;
mod tensor_scatter;
mod tile;
mod top_k;
pub(crate) mod transpose;
pub(crate) mod tree_ensemble;
mod trigonometry;
mod trilu;
mod unary;
mod variadic;
mod where_;
pub(crate) mod windows;

/// Every operator, a list a file.
const OPS: &[&[&Operator]] = &[
    activation::OPS,
    affine_grid::OPS,
    align::OPS,
    arg_max::OPS,
    attention::OPS,
    batch_normalization::OPS,
    binary::OPS,
    bits::OPS,
    cast::OPS,
    center_crop_pad::OPS,
    classify::OPS,
    clip::OPS,
    col2im::OPS,
    compare::OPS,
    concat::OPS,
    constant::OPS,
    constant_of_shape::OPS,
    control_flow::OPS,
    conv::OPS,
    conv_transpose::OPS,
    cross_entropy::OPS,
    cumulate::OPS,
    depth_to_space::OPS,
    det::OPS,
    dft::OPS,
    dropout::OPS,
    einsum::OPS,
    expand::OPS,
    eye_like::OPS,
    features::OPS,
    fused::OPS,
    gather::OPS,
    gather_elements::OPS,
    gather_nd::OPS,
    global_pool::OPS,
    grid_sample::OPS,
    hardmax::OPS,
    identity::OPS,
    imputer::OPS,
    label_encoder::OPS,
    likelihood::OPS,
    linear_model::OPS,
    logic::OPS,
    lp_normalization::OPS,
    lp_pool::OPS,
    lrn::OPS,
    matmul::OPS,
    max_unpool::OPS,
    mean_variance_normalization::OPS,
    mel_weight_matrix::OPS,
    modulo::OPS,
    non_max_suppression::OPS,
    normalization::OPS,
    one_hot::OPS,
    pad::OPS,
    pool::OPS,
    power::OPS,
    prelu::OPS,
    quantize::OPS,
    quantized_conv::OPS,
    quantized_elementwise::OPS,
    quantized_product::OPS,
    random::OPS,
    range::OPS,
    recurrent::OPS,
    reduce::OPS,
    relu::OPS,
    reshape::OPS,
    resize::OPS,
    reverse_sequence::OPS,
    roi_align::OPS,
    rotary_embedding::OPS,
    rounding::OPS,
    scaler::OPS,
    scatter_elements::OPS,
    shape::OPS,
    slice::OPS,
    softmax::OPS,
    sparse::OPS,
    svm::OPS,
    swiglu::OPS,
    taper::OPS,
    tensor_scatter::OPS,
    tile::OPS,
    top_k::OPS,
    transpose::OPS,
    tree_ensemble::OPS,
    trigonometry::OPS,
    trilu::OPS,
    unary::OPS,
    variadic::OPS,
    where_::OPS,
];

/// Every operator that is run.
pub(crate) fn all() -> impl Iterator<Item = &'static Operator> {
    OPS.iter().flat_map(|ops| ops.iter().copied())
}

/// The operators that are differentiated by a rule.
pub fn differentiable() -> impl Iterator<Item = &'static Operator> {
    all().filter(|operator| matches!(operator.grad, Grad::Rule(_)))
}

/// The operator that a rule names.
///
/// # Errors
/// Where there is none.
pub fn named(name: Name) -> Result<&'static Operator> {
    let none = || Trouble::unsupported(format!("no operator `{}`", name.name));
    find(name.domain.name(), name.name).ok_or_else(none)
}

/// The operator of this name.
pub(crate) fn find(domain: &str, name: &str) -> Option<&'static Operator> {
    static BY_NAME: LazyLock<HashMap<(&str, &str), &Operator>> =
        LazyLock::new(|| all().map(|op| ((op.domain.name(), op.name), op)).collect());
    BY_NAME.get(&(domain, name)).copied()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_name_is_of_an_operator() {
        for name in crate::graph::names::ALL {
            assert!(super::named(*name).is_ok(), "{name:?}");
        }
    }
}
