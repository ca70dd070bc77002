//! What goes row by row: functions of each float, softmax, normalisation.

use crate::{
    Element, Result,
    exec::{
        compile::Compiler,
        kernels::{Cpu, Function, apply, normalize, normalize_back, softmax},
        memory::{Memory, Place, Step},
    },
    graph::{Node, axis_of},
};

/// A function of each float.
#[derive(Debug)]
struct Unary {
    cpu: Cpu,
    function: Function,
    x: Place,
    y: usize,
    count: usize,
}

/// Shares of each row.
#[derive(Debug)]
struct Softmax {
    cpu: Cpu,
    row: usize,
    x: Place,
    y: usize,
    count: usize,
}

/// Rows brought to one mean and one deviation.
#[derive(Debug)]
struct Normalize {
    cpu: Cpu,
    row: usize,
    epsilon: f32,
    centred: bool,
    x: Place,
    scale: Option<Place>,
    bias: Option<Place>,
    y: usize,
    count: usize,
}

/// What flows back through rows that are normalised.
#[derive(Debug)]
struct NormalizeGrad {
    cpu: Cpu,
    row: usize,
    epsilon: f32,
    centred: bool,
    flow: Place,
    x: Place,
    y: usize,
    count: usize,
}

/// Plan a function of each float.
pub(super) fn plan(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let function = match node.operator.name {
        "Exp" => Function::Exp,
        "Erf" => Function::Erf,
        "Tanh" => Function::Tanh,
        "Sigmoid" => Function::Sigmoid,
        "Sqrt" => Function::Sqrt,
        _ => return Ok(false),
    };
    let ([Some(x)], [output]) = (&node.inputs[..], &node.outputs[..]) else { return Ok(false) };
    let kind = compiler.kind(*output)?.clone();
    if kind.element != Element::F32 {
        return Ok(false);
    }
    let (cpu, count) = (compiler.cpu, kind.count()?);
    let x = compiler.operand(*x)?;
    let y = compiler.begin(*output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(Unary { cpu, function, x: place(&x), y, count })
    });
    Ok(true)
}

/// Plan a `Softmax` over the last axis.
pub(super) fn plan_softmax(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let ([Some(x)], [output]) = (&node.inputs[..], &node.outputs[..]) else { return Ok(false) };
    let kind = compiler.kind(*output)?.clone();
    let rank = kind.dims.len();
    let axis = axis_of(node.attributes.int_or("axis", -1)?, rank)?;
    let Some(&row) = kind.dims.last() else { return Ok(false) };
    if kind.element != Element::F32 || axis + 1 != rank || row == 0 {
        return Ok(false);
    }
    let (cpu, count) = (compiler.cpu, kind.count()?);
    let x = compiler.operand(*x)?;
    let y = compiler.begin(*output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        Box::new(Softmax { cpu, row, x: place(&x), y, count })
    });
    Ok(true)
}

/// Plan a `LayerNormalization` or an `RMSNormalization` of floats whose parameters are as long as a
/// row.
pub(super) fn plan_normalize(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let (Some(Some(x)), [output]) = (node.inputs.first(), &node.outputs[..]) else {
        return Ok(false);
    };
    let kind = compiler.kind(*output)?.clone();
    let axis = axis_of(node.attributes.int_or("axis", -1)?, kind.dims.len())?;
    let row = kind.dims[axis..].iter().product::<usize>();
    let epsilon = node.attributes.float_or("epsilon", 1e-5)?;
    if kind.element != Element::F32 || compiler.kind(*x)?.element != Element::F32 || row == 0 {
        return Ok(false);
    }
    let mut parameters = Vec::new();
    for input in [1, 2] {
        let id = node.inputs.get(input).copied().flatten();
        if let Some(id) = id {
            let parameter = compiler.kind(id)?;
            // Along the axes of a row, not along others that are as long.
            let mut along = parameter.dims.iter().rev().zip(kind.dims[axis..].iter().rev());
            if parameter.element != Element::F32
                || parameter.count()? != row
                || !along.all(|(own, size)| own == size)
            {
                return Ok(false);
            }
        }
        parameters.push(id);
    }
    let centred = node.operator.name == "LayerNormalization";
    let (cpu, count) = (compiler.cpu, kind.count()?);
    let x = compiler.operand(*x)?;
    let mut parameters = parameters.into_iter();
    let mut parameter = || parameters.next().flatten().map(|id| compiler.operand(id)).transpose();
    let (scale, bias) = (parameter()?, parameter()?);
    let y = compiler.begin(*output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        let (scale, bias) = (scale.as_ref().map(place), bias.as_ref().map(place));
        let x = place(&x);
        Box::new(Normalize { cpu, row, epsilon, centred, x, scale, bias, y, count })
    });
    Ok(true)
}

/// Plan a `NormalizeGrad` of floats.
pub(super) fn plan_normalize_grad(compiler: &mut Compiler<'_>, node: &Node) -> Result<bool> {
    let ([Some(flow), Some(x)], [output]) = (&node.inputs[..], &node.outputs[..]) else {
        return Ok(false);
    };
    let kind = compiler.kind(*x)?.clone();
    if kind.element != Element::F32 || node.attributes.find("num_groups").is_some() {
        return Ok(false);
    }
    let axis = axis_of(node.attributes.int_or("axis", -1)?, kind.dims.len())?;
    let row = kind.dims[axis..].iter().product::<usize>();
    if row == 0 {
        return Ok(false);
    }
    let epsilon = node.attributes.float_or("epsilon", 1e-5)?;
    let centred = node.attributes.int_or("centred", 1)? != 0;
    let (cpu, count) = (compiler.cpu, kind.count()?);
    let (flow, x) = (compiler.operand(*flow)?, compiler.operand(*x)?);
    let y = compiler.begin(*output)?;
    compiler.push(move |place| {
        let Place::Slot(y) = place(&y) else { return Box::new(super::Nothing) };
        let (flow, x) = (place(&flow), place(&x));
        Box::new(NormalizeGrad { cpu, row, epsilon, centred, flow, x, y, count })
    });
    Ok(true)
}

impl Step for Unary {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        memory.write(self.y, |memory, out| {
            let x = &memory.read(&self.x)[..self.count];
            apply(self.cpu, self.function, x, &mut out[..self.count]);
        });
        Ok(())
    }
}

impl Step for Softmax {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        memory.write(self.y, |memory, out| {
            let x = &memory.read(&self.x)[..self.count];
            softmax(self.cpu, self.row, x, &mut out[..self.count]);
        });
        Ok(())
    }
}

impl Step for Normalize {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        memory.write(self.y, |memory, out| {
            let (x, out) = (&memory.read(&self.x)[..self.count], &mut out[..self.count]);
            let scale =
                self.scale.as_ref().map_or(&[][..], |place| &memory.read(place)[..self.row]);
            let bias = self.bias.as_ref().map_or(&[][..], |place| &memory.read(place)[..self.row]);
            normalize(self.cpu, self.row, self.epsilon, self.centred, x, scale, bias, out);
        });
        Ok(())
    }
}

impl Step for NormalizeGrad {
    fn run(&self, memory: &mut Memory) -> Result<()> {
        memory.write(self.y, |memory, out| {
            let (x, flow) = (&memory.read(&self.x)[..self.count], memory.read(&self.flow));
            let (flow, out) = (&flow[..self.count], &mut out[..self.count]);
            normalize_back(self.cpu, self.row, self.epsilon, self.centred, x, flow, out);
        });
        Ok(())
    }
}
