//! An operator: what it makes of shapes, of tensors, and of gradients. One record each.

use std::{borrow::Cow, fmt};

use crate::{
    Element, Meter, Result, Tensor, Trouble, Type,
    grad::{Builder, Gradient},
    graph::{Attributes, Known, Name, Node, ValueId},
    onnx::Import,
};

/// An operator.
pub struct Operator {
    /// Its name.
    pub name: &'static str,
    /// Whose it is.
    pub domain: Domain,
    /// Versions of the operator set in which its meaning or its form changed, from the first on.
    pub since: &'static [i64],
    /// Rewrites the form of an older set into that of the newest.
    pub(crate) import: Option<fn(&mut Import<'_>) -> Result<()>>,
    /// The types of its outputs.
    pub(crate) infer: Option<Types>,
    /// Its outputs.
    pub(crate) run: Kernel,
    /// Its gradient.
    pub(crate) grad: Grad,
    /// What passes for its gradient in an attack, where its own is zero.
    pub(crate) straight_through: Option<Rule>,
    /// Floating-point operations of one run; by default one an element of the outputs.
    pub(crate) flop: Option<Flop>,
    /// Whether it computes on floats of 16 bits itself, because it only moves them.
    pub(crate) moves: bool,
    /// Writes it as plain operators of ONNX, where it is one of this engine's own.
    pub(crate) lower: Option<Lower>,
    /// What it writes although shapes alone are known.
    pub(crate) of_shapes: Option<OfShapes>,
    /// Whether each run of it draws other numbers, so that it is no constant.
    pub(crate) draws: bool,
}

/// The types of a node's outputs.
type Types = fn(&Infer<'_>) -> Result<Vec<Type>>;

/// The outputs of a node.
type Kernel = fn(&Run<'_>) -> Result<Vec<Tensor>>;

/// Floating-point operations of a node.
type Flop = fn(&Infer<'_>, &[Type]) -> Result<u64>;

/// The output of a node whose inputs' shapes are known, where that is enough.
type OfShapes = fn(&Infer<'_>) -> Result<Option<Tensor>>;

/// Writes the gradients of a node.
pub(crate) type Rule = fn(&mut Gradient<'_, '_>) -> Result<()>;

/// Writes a node as plain ONNX; gives what stands for its outputs.
pub(crate) type Lower = fn(&mut Builder<'_>, &Node) -> Result<Vec<ValueId>>;

/// Looks an operator up by its name.
pub type Find = fn(Name) -> Result<&'static Operator>;

/// Who defined an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// ONNX.
    Onnx,
    /// `ai.onnx.ml`.
    Ml,
    /// ONNX Runtime, `com.microsoft`.
    Microsoft,
    /// This engine: parts of gradients.
    Own,
}

/// How an operator is differentiated.
#[derive(Clone, Copy)]
pub enum Grad {
    /// By this rule.
    Rule(Rule),
    /// It is zero wherever it is defined; the reason, for the report.
    Zero(&'static str),
    /// It has none here; the reason, for the report.
    None(&'static str),
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Grad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rule(_) => "rule",
            Self::Zero(why) | Self::None(why) => why,
        })
    }
}

impl Domain {
    /// Its name as files write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Onnx => "",
            Self::Ml => "ai.onnx.ml",
            Self::Microsoft => "com.microsoft",
            Self::Own => "modelward",
        }
    }
}

impl Operator {
    /// An operator of ONNX.
    pub(crate) const fn new(
        name: &'static str,
        since: &'static [i64],
        infer: Types,
        run: Kernel,
        grad: Grad,
    ) -> Self {
        Self {
            name,
            domain: Domain::Onnx,
            since,
            import: None,
            infer: Some(infer),
            run,
            grad,
            straight_through: None,
            flop: None,
            moves: false,
            of_shapes: None,
            draws: false,
            lower: None,
        }
    }

    /// An operator of ONNX whose shapes depend on data.
    pub(crate) const fn dynamic(
        name: &'static str,
        since: &'static [i64],
        run: Kernel,
        why: &'static str,
    ) -> Self {
        Self {
            name,
            domain: Domain::Onnx,
            since,
            import: None,
            infer: None,
            run,
            grad: Grad::None(why),
            straight_through: None,
            flop: None,
            moves: false,
            of_shapes: None,
            draws: false,
            lower: None,
        }
    }

    /// One of this engine's own: a part of a gradient, which `lower` writes as plain ONNX.
    pub(crate) const fn own(
        name: &'static str,
        infer: Types,
        run: Kernel,
        grad: Grad,
        lower: Lower,
    ) -> Self {
        let mut operator = Self::new(name, &[1], infer, run, grad);
        operator.domain = Domain::Own;
        operator.lower = Some(lower);
        operator
    }

    /// It is of another domain.
    pub(crate) const fn of(mut self, domain: Domain) -> Self {
        self.domain = domain;
        self
    }

    /// Older sets write it otherwise.
    pub(crate) const fn import(mut self, import: fn(&mut Import<'_>) -> Result<()>) -> Self {
        self.import = Some(import);
        self
    }

    /// It costs more than one operation an element.
    pub(crate) const fn flop(mut self, flop: Flop) -> Self {
        self.flop = Some(flop);
        self
    }

    /// It only moves elements, of whatever type.
    pub(crate) const fn moves(mut self) -> Self {
        self.moves = true;
        self
    }

    /// An attack passes through it by this rule.
    pub(crate) const fn straight_through(mut self, rule: Rule) -> Self {
        self.straight_through = Some(rule);
        self
    }

    /// Each run of it draws other numbers.
    pub(crate) const fn draws(mut self) -> Self {
        self.draws = true;
        self
    }

    /// Its output is known as soon as the shapes of its inputs are.
    pub(crate) const fn of_shapes(mut self, of_shapes: OfShapes) -> Self {
        self.of_shapes = Some(of_shapes);
        self
    }
}

/// What is known of a node before it runs.
#[derive(Clone, Copy, Debug)]
pub struct Infer<'a> {
    /// The node.
    pub node: &'a Node,
    /// What is known of its inputs.
    pub inputs: &'a [Option<Known<'a>>],
}

impl<'a> Infer<'a> {
    /// Its attributes.
    pub fn attributes(&self) -> &'a Attributes {
        &self.node.attributes
    }

    /// Whether an input is there.
    pub fn has(&self, input: usize) -> bool {
        self.inputs.get(input).is_some_and(Option::is_some)
    }

    /// The type of an input that must be there.
    ///
    /// # Errors
    /// Where it is left out.
    pub fn kind(&self, input: usize) -> Result<&'a Type> {
        self.known(input).map(|known| known.kind)
    }

    /// The shape of an input that must be there.
    ///
    /// # Errors
    /// Where it is left out.
    pub fn dims(&self, input: usize) -> Result<&'a [usize]> {
        self.kind(input).map(|kind| &kind.dims[..])
    }

    /// The element type of an input that must be there.
    ///
    /// # Errors
    /// Where it is left out.
    pub fn element(&self, input: usize) -> Result<Element> {
        self.kind(input).map(|kind| kind.element)
    }

    /// The value of an input that must be there.
    ///
    /// # Errors
    /// Where it is left out, or not known before the graph runs.
    pub fn value(&self, input: usize) -> Result<&'a Tensor> {
        self.known(input)?.value.ok_or_else(|| {
            Trouble::data_dependent("its shape depends on data that the graph computes")
        })
    }

    /// The value of an input of whole numbers, if the input is there.
    ///
    /// # Errors
    /// Where it is not known before the graph runs, or holds no whole numbers.
    pub fn ints(&self, input: usize) -> Result<Option<Vec<i64>>> {
        if self.has(input) { self.value(input)?.ints().map(Some) } else { Ok(None) }
    }

    fn known(&self, input: usize) -> Result<Known<'a>> {
        self.inputs.get(input).copied().flatten().ok_or_else(|| missing(input))
    }

    /// The axis that a number means, from the end where it is negative.
    ///
    /// # Errors
    /// Where there is no such axis.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        axis_of(axis, rank)
    }

    /// How many outputs the node has.
    pub fn outputs(&self) -> usize {
        self.node.outputs.len()
    }
}

fn missing(input: usize) -> Trouble {
    Trouble::graph(format!("expected an input {input}, got none"))
}

/// The axis that a number means among `rank`, from the end where it is negative.
pub(crate) fn axis_of(axis: i64, rank: usize) -> Result<usize> {
    let from_end = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let axis_at = from_end.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank);
    axis_at
        .ok_or_else(|| Trouble::graph(format!("expected an axis of {rank} dimensions, got {axis}")))
}

/// A node that runs.
pub struct Run<'a> {
    /// The node.
    pub node: &'a Node,
    /// Its inputs.
    pub inputs: &'a [Option<&'a Tensor>],
    /// The types of its outputs, as they were inferred; none where they depend on data.
    pub outputs: &'a [Type],
    /// What may still be spent.
    pub meter: &'a Meter,
}

impl<'a> Run<'a> {
    /// Its attributes.
    pub fn attributes(&self) -> &'a Attributes {
        &self.node.attributes
    }

    /// An input that must be there.
    ///
    /// # Errors
    /// Where it is left out.
    pub fn input(&self, input: usize) -> Result<&'a Tensor> {
        self.optional(input).ok_or_else(|| missing(input))
    }

    /// An input that may be left out.
    pub fn optional(&self, input: usize) -> Option<&'a Tensor> {
        self.inputs.get(input).copied().flatten()
    }

    /// The type of an output.
    ///
    /// # Errors
    /// Where there is no such output.
    pub fn output(&self, output: usize) -> Result<&'a Type> {
        self.outputs.get(output).ok_or_else(|| Trouble::graph(format!("no output {output}")))
    }

    /// A tensor in the shape of an output.
    ///
    /// # Errors
    /// Where there are too many or too few elements.
    pub fn shaped(&self, output: usize, data: impl Into<crate::Data>) -> Result<Tensor> {
        Tensor::new(self.output(output)?.dims.clone(), data)
    }

    /// What an operator says of elements that it does not compute on.
    pub fn refuse(&self, what: impl Into<Cow<'static, str>>) -> Trouble {
        Trouble::unsupported(what)
    }
}
