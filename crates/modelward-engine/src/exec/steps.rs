//! The steps that programs are made of: one file a kind. What has no step of its own is run as the
//! interpreter runs it.

use std::sync::Arc;

use crate::{
    Limits, Meter, Result, Tensor, Type,
    exec::{
        compile::{Compiler, Operand},
        memory::{Memory, Place, Step},
        run_node,
    },
    graph::Node,
};

mod average;
mod bend;
mod convolution;
mod elementwise;
mod gather;
mod matrices;
mod parts;
mod pool;
mod product;
mod reduce;
mod rows;
mod transpose;
mod weight_gradient;

/// Makes a step of a node, and perhaps of some that follow it; false where it has none for it.
type Planner = fn(&mut Compiler<'_>, &Node) -> Result<bool>;

/// Who plans what, by operator.
const PLANNERS: &[(&str, Planner)] = &[
    ("Conv", convolution::plan),
    ("ConvInputGrad", convolution::plan_input_grad),
    ("MaxPool", pool::plan),
    ("MaxPoolGrad", pool::plan_grad),
    ("AveragePool", average::plan),
    ("AveragePoolGrad", average::plan_grad),
    ("GlobalAveragePool", average::plan_means),
    ("ConvWeightGrad", weight_gradient::plan),
    ("Gemm", product::plan),
    ("Gemm", weight_gradient::plan_outer),
    ("MatMul", product::plan),
    ("MatMul", matrices::plan),
    ("Transpose", transpose::plan),
    ("Softmax", rows::plan_softmax),
    ("LayerNormalization", rows::plan_normalize),
    ("RMSNormalization", rows::plan_normalize),
    ("NormalizeGrad", rows::plan_normalize_grad),
    ("ReduceSum", reduce::plan),
    ("ReduceMean", reduce::plan),
    ("Gather", gather::plan),
    ("GatherGrad", gather::plan_grad),
    ("Split", parts::plan),
    ("Concat", parts::plan_concat),
    ("Exp", rows::plan),
    ("Erf", rows::plan),
    ("Tanh", rows::plan),
    ("Sigmoid", rows::plan),
    ("Sqrt", rows::plan),
    ("Relu", elementwise::plan),
    ("ReluGrad", elementwise::plan),
    ("LeakyRelu", elementwise::plan),
    ("Clip", elementwise::plan),
    ("ClipGrad", elementwise::plan),
    ("PRelu", elementwise::plan),
    ("Abs", elementwise::plan),
    ("Sign", elementwise::plan),
    ("Add", elementwise::plan),
    ("Sub", elementwise::plan),
    ("Mul", elementwise::plan),
    ("Div", elementwise::plan),
    ("Expand", elementwise::plan_expand),
    ("Neg", elementwise::plan),
];

/// Plan a node.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<()> {
    for (name, planner) in PLANNERS {
        if *name == node.operator.name && planner(compiler, node)? {
            return Ok(());
        }
    }
    generic(compiler, node)
}

/// A step that has nothing to write.
#[derive(Debug)]
struct Nothing;

impl Step for Nothing {
    fn run(&self, _: &mut Memory) -> Result<()> {
        Ok(())
    }
}

/// A node that is run as the interpreter runs it.
#[derive(Debug)]
struct Generic {
    node: Node,
    inputs: Vec<Option<(Place, Type)>>,
    outputs: Vec<(Place, Type)>,
    limits: Limits,
}

fn generic(compiler: &mut Compiler<'_>, node: &Node) -> Result<()> {
    let mut inputs = Vec::new();
    for input in &node.inputs {
        inputs.push(match input {
            Some(id) => Some((compiler.operand(*id)?, compiler.kind(*id)?.clone())),
            None => None,
        });
    }
    let mut outputs = Vec::new();
    for &id in &node.outputs {
        outputs.push((compiler.begin(id)?, compiler.kind(id)?.clone()));
    }
    let (node, limits) = (node.clone(), compiler.limits());
    compiler.push(move |place| {
        let of = |(operand, kind): (Operand, Type)| (place(&operand), kind);
        let inputs = inputs.into_iter().map(|input| input.map(of)).collect();
        let outputs = outputs.into_iter().map(of).collect();
        Box::new(Generic { node, inputs, outputs, limits })
    });
    Ok(())
}

impl Step for Generic {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        let given = self.inputs.iter().map(|input| match input {
            Some((place, kind)) => memory.tensor(place, kind).map(Some),
            None => Ok(None),
        });
        let given = given.collect::<Result<Vec<Option<Arc<Tensor>>>>>()?;
        let inputs = given.iter().map(Option::as_deref).collect::<Vec<_>>();
        let types = self.outputs.iter().map(|(_, kind)| kind.clone()).collect::<Vec<_>>();
        let meter = Meter::new(self.limits);
        let tensors = run_node(&self.node, &inputs, &types, &meter)?;
        for ((place, _), tensor) in self.outputs.iter().zip(tensors) {
            match place {
                Place::Slot(slot) => {
                    let floats = tensor.values::<f32>()?;
                    memory.slots[*slot].floats_mut()[..floats.len()].copy_from_slice(floats);
                }
                Place::Cell(cell) => memory.cells[*cell] = Some(Arc::new(tensor)),
                Place::Weight(_) | Place::Constant(_) => {}
            }
        }
        Ok(())
    }

    fn passing(&self) -> u64 {
        // Floats are copied into tensors and out of them; other tensors stay as they are.
        let inputs = self.inputs.iter().flatten().filter(|(place, kind)| match place {
            Place::Slot(_) | Place::Weight(_) => true,
            Place::Cell(_) => false,
            Place::Constant(tensor) => tensor.dims() != kind.dims,
        });
        let outputs = self.outputs.iter().filter(|(place, _)| matches!(place, Place::Slot(_)));
        let bytes = inputs.chain(outputs).map(|(_, kind)| kind.bytes().unwrap_or(u64::MAX));
        bytes.fold(0, u64::saturating_add)
    }
}
