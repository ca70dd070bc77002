//! `Constant`: what stands in its attribute. When a model is read it becomes a value that is known,
//! as the initializers are.
//!
//! Source: ONNX `Constant`, sets 1 to 25.

use std::sync::Arc;

use crate::{
    Result, Tensor, Trouble, Type,
    graph::{Attribute, Attributes, Grad, Operator},
};

pub(super) const OPS: &[&Operator] = &[&CONSTANT];

static CONSTANT: Operator = Operator::new(
    "Constant",
    &[1, 9, 11, 12, 13, 19, 21, 23, 24, 25],
    |cx| {
        let value = value(cx.attributes())?;
        Ok(vec![Type::new(value.element(), value.dims())])
    },
    |run| Ok(vec![(*value(run.attributes())?).clone()]),
    Grad::Zero("it does not depend on data"),
)
.moves()
.import(|import| {
    let value = value(&import.attributes)?;
    import.become_constant(value)
});

fn value(attributes: &Attributes) -> Result<Arc<Tensor>> {
    let mut found = attributes.iter();
    let (Some((name, value)), None) = (found.next(), found.next()) else {
        let count = attributes.iter().count();
        return Err(Trouble::graph(format!("expected one attribute, got {count}")));
    };
    let tensor = match (name, value) {
        ("value", Attribute::Tensor(tensor)) => return Ok(tensor.clone()),
        ("value_float", Attribute::Float(value)) => Tensor::scalar(*value),
        ("value_floats", Attribute::Floats(values)) => Tensor::list(values.clone()),
        ("value_int", Attribute::Int(value)) => Tensor::scalar(*value),
        ("value_ints", Attribute::Ints(values)) => Tensor::list(values.clone()),
        ("value_string", Attribute::Text(value)) => Tensor::scalar(value.clone()),
        ("value_strings", Attribute::Texts(values)) => Tensor::list(values.clone()),
        ("sparse_value", _) => return Err(Trouble::unsupported("a sparse constant")),
        _ => {
            let name = crate::graph::shorten(name);
            return Err(Trouble::graph(format!("no constant in the attribute `{name}`")));
        }
    };
    Ok(Arc::new(tensor))
}
