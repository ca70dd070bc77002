//! `Dropout` as it is in inference: what it is given, and a mask that is true everywhere.
//!
//! In training it is random. A model that was exported so is refused, unless it drops nothing.
//! Before set 12 the ratio was an attribute; before set 7 `is_test` told inference from training;
//! before set 10 the mask was of the type of the data.
//!
//! Source: ONNX `Dropout`, sets 6 to 22.

use crate::{
    Element, Result, Tensor, Trouble, Type,
    graph::{Attributes, Grad, Infer, Operator, names},
    onnx::Import,
};

pub(super) const OPS: &[&Operator] = &[&DROPOUT];

static DROPOUT: Operator = Operator::new(
    "Dropout",
    &[6, 7, 10, 12, 13, 22],
    infer,
    |run| {
        check(run.optional(1), run.optional(2))?;
        let x = run.input(0)?;
        let mut outputs = vec![x.clone()];
        if run.outputs.len() > 1 {
            outputs.push(run.shaped(1, vec![true; x.count()])?);
        }
        Ok(outputs)
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        cx.give(0, flow)
    }),
)
.moves()
.import(import);

fn import(import: &mut Import<'_>) -> Result<()> {
    if import.version < 12 {
        import.float_to_input("ratio", 1)?;
    }
    if import.version < 7 {
        let training = !import.attributes.flag("is_test")?;
        import.attributes.take("is_test");
        let training = import.constant(Tensor::scalar(training));
        import.set_input(2, training);
    }
    if import.version < 10 && import.outputs() > 1 {
        let like = import.input(0)?;
        import.after(1, names::CAST_LIKE, &[like], Attributes::new())?;
    }
    Ok(())
}

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let known = |input: usize| if cx.has(input) { cx.value(input).ok() } else { None };
    // Where the mode is not known yet, it is looked at when the node runs.
    if known(2).is_some() && (!cx.has(1) || known(1).is_some()) {
        check(known(1), known(2))?;
    }
    let x = cx.kind(0)?;
    Ok(vec![x.clone(), Type::new(Element::Bool, x.dims.clone())])
}

fn check(ratio: Option<&Tensor>, training: Option<&Tensor>) -> Result<()> {
    let training = match training {
        Some(training) => training.values::<bool>()?.contains(&true),
        None => false,
    };
    let drops = match ratio {
        Some(ratio) => ratio.floats()?.iter().any(|ratio| *ratio != 0.0),
        None => true,
    };
    if training && drops {
        return Err(Trouble::unsupported("it is in training mode, where it is random")
            .help("export the model in evaluation mode: `model.eval()`"));
    }
    Ok(())
}
