//! `Einsum`: sums of products over the letters of an equation, as `bij,bjk->bik`.
//!
//! A letter that stands twice in a term means a diagonal; `...` stands for dimensions in front of
//! the others, which broadcast. A dimension of 1 goes with any size of its letter, as in NumPy. The
//! gradient by one operand is an `Einsum` of what flows and the other operands.
//!
//! Source: ONNX `Einsum`, sets 12 and 28; NumPy `einsum`.

use std::collections::BTreeMap;

use crate::{
    Data, Number, Result, Tensor, Trouble, Type,
    grad::{Dim, Gradient},
    graph::{
        Attributes, Grad, Infer, Operator, Run, ValueId, names,
        ops::elementwise::{of_type, strides},
        shorten,
    },
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&EINSUM];

static EINSUM: Operator =
    Operator::new("Einsum", &[12, 28], infer, run, Grad::Rule(grad)).flop(|cx, _| {
        let shapes =
            (0..cx.inputs.len()).map(|input| cx.dims(input)).collect::<Result<Vec<_>>>()?;
        let equation = Equation::of(cx.attributes(), &shapes)?;
        let sizes = equation.sizes(&shapes)?;
        let all = count(&sizes.into_values().collect::<Vec<_>>())?;
        Ok((all as u64).saturating_mul(shapes.len().max(2) as u64))
    });

/// A letter of an equation, or a dimension of its ellipsis: these are counted from the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Ellipsis(usize),
    Letter(char),
}

/// What each axis of each operand, and of the output, is called.
#[derive(Debug)]
struct Equation {
    terms: Vec<Vec<Label>>,
    output: Vec<Label>,
}

impl Equation {
    fn of(attributes: &Attributes, shapes: &[&[usize]]) -> Result<Self> {
        let ranks = shapes.iter().map(|dims| dims.len()).collect::<Vec<_>>();
        Self::of_ranks(attributes.text_or("equation", "")?, &ranks)
    }

    fn of_ranks(equation: &str, ranks: &[usize]) -> Result<Self> {
        let text = equation.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let wrong = || {
            let equation = shorten(equation);
            Trouble::graph(format!("expected an equation such as `ij,jk->ik`, got `{equation}`"))
        };
        let (left, right) = match text.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (&*text, None),
        };
        let given = left.split(',').collect::<Vec<_>>();
        if given.len() != ranks.len() {
            let (expected, got) = (given.len(), ranks.len());
            return Err(Trouble::graph(format!(
                "an equation of {expected} terms for {got} inputs"
            )));
        }
        let mut widest = 0;
        let mut terms = Vec::with_capacity(given.len());
        for (term, &rank) in given.into_iter().zip(ranks) {
            let letters = term.replacen("...", "", 1).chars().count();
            let free = rank.checked_sub(letters).filter(|&free| free == 0 || term.contains("..."));
            let free = free.ok_or_else(|| {
                let term = shorten(term);
                Trouble::graph(format!("the term `{term}` for an input of {rank} dimensions"))
            })?;
            widest = widest.max(free);
            terms.push(labels(term, free).ok_or_else(wrong)?);
        }
        let output = match right {
            Some(right) => labels(right, widest).ok_or_else(wrong)?,
            None => {
                // The letters that stand once, in the order of the alphabet.
                let mut seen = BTreeMap::<Label, usize>::new();
                for label in terms.iter().flatten() {
                    *seen.entry(*label).or_default() += 1;
                }
                let once = seen.into_iter().filter(|(label, times)| match label {
                    Label::Ellipsis(_) => false,
                    Label::Letter(_) => *times == 1,
                });
                let front = (0..widest).rev().map(Label::Ellipsis);
                front.chain(once.map(|(label, _)| label)).collect()
            }
        };
        let known = |label: &Label| terms.iter().any(|term| term.contains(label));
        let twice = (0..output.len()).any(|at| output[..at].contains(&output[at]));
        if twice || !output.iter().all(known) {
            return Err(wrong());
        }
        Ok(Self { terms, output })
    }

    /// The size of each label.
    fn sizes(&self, shapes: &[&[usize]]) -> Result<BTreeMap<Label, usize>> {
        let mut sizes = BTreeMap::new();
        for (&label, &size) in self.terms.iter().flatten().zip(shapes.iter().copied().flatten()) {
            let known = sizes.entry(label).or_insert(size);
            match (*known, size) {
                (known, size) if known == size || size == 1 => {}
                (1, size) => *known = size,
                (known, size) => {
                    let why = match label {
                        Label::Letter(letter) => format!("`{letter}` is both {known} and {size}"),
                        Label::Ellipsis(_) => format!("`...` is both {known} and {size}"),
                    };
                    return Err(Trouble::graph(why));
                }
            }
        }
        Ok(sizes)
    }
}

/// The labels of a term whose ellipsis stands for so many dimensions.
fn labels(term: &str, free: usize) -> Option<Vec<Label>> {
    let letters = |text: &str| {
        let letter = |c: char| c.is_ascii_alphabetic().then_some(Label::Letter(c));
        text.chars().map(letter).collect::<Option<Vec<_>>>()
    };
    let Some((before, behind)) = term.split_once("...") else { return letters(term) };
    let mut labels = letters(before)?;
    labels.extend((0..free).rev().map(Label::Ellipsis));
    labels.extend(letters(behind)?);
    Some(labels)
}

fn infer(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let kinds = (0..cx.inputs.len()).map(|input| cx.kind(input)).collect::<Result<Vec<_>>>()?;
    let first = kinds.first().ok_or_else(|| Trouble::graph("expected an input, got none"))?;
    if let Some(other) = kinds.iter().find(|kind| kind.element != first.element) {
        let (one, other) = (first.element, other.element);
        return Err(Trouble::graph(format!("inputs of two element types, {one} and {other}")));
    }
    let shapes = kinds.iter().map(|kind| &kind.dims[..]).collect::<Vec<_>>();
    let equation = Equation::of(cx.attributes(), &shapes)?;
    let sizes = equation.sizes(&shapes)?;
    let dims = equation.output.iter().map(|label| sizes[label]).collect::<Vec<_>>();
    Ok(vec![Type::new(first.element, dims)])
}

fn run(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let first = run.input(0)?;
    let data = match first.data() {
        Data::F32(_) => sums(run, 0.0_f32, 1.0)?,
        Data::F64(_) => sums(run, 0.0_f64, 1.0)?,
        Data::I8(_) => sums(run, 0_i8, 1)?,
        Data::I16(_) => sums(run, 0_i16, 1)?,
        Data::I32(_) => sums(run, 0_i32, 1)?,
        Data::I64(_) => sums(run, 0_i64, 1)?,
        Data::U8(_) => sums(run, 0_u8, 1)?,
        Data::U16(_) => sums(run, 0_u16, 1)?,
        Data::U32(_) => sums(run, 0_u32, 1)?,
        Data::U64(_) => sums(run, 0_u64, 1)?,
        _ => return Err(of_type(first)),
    };
    Ok(vec![run.shaped(0, data)?])
}

/// Each element of the output, as a sum over the labels that it does not have.
fn sums<T: Number>(run: &Run<'_>, zero: T, one: T) -> Result<Data> {
    let tensors =
        (0..run.inputs.len()).map(|input| run.input(input)).collect::<Result<Vec<_>>>()?;
    let shapes = tensors.iter().map(|tensor| tensor.dims()).collect::<Vec<_>>();
    let values = tensors.iter().map(|tensor| tensor.values::<T>()).collect::<Result<Vec<_>>>()?;
    let equation = Equation::of(run.attributes(), &shapes)?;
    let sizes = equation.sizes(&shapes)?;
    let summed = sizes.keys().filter(|label| !equation.output.contains(label)).copied();
    let summed = summed.collect::<Vec<_>>();
    let mut outer = Walk::over(&equation.output, &equation, &sizes, &shapes);
    let mut inner = Walk::over(&summed, &equation, &sizes, &shapes);
    let count = run.output(0)?.count()?;
    let mut out = Vec::with_capacity(count);
    for _ in 0..count {
        let mut total = zero;
        for _ in 0..inner.count {
            let mut product = one;
            for ((values, start), at) in values.iter().zip(&outer.at).zip(&inner.at) {
                product = product.times(values[start + at]);
            }
            total = total.plus(product);
            inner.step();
        }
        out.push(total);
        outer.step();
    }
    Ok(T::into_data(out))
}

/// A place in each operand, that goes through the sizes of some labels; behind the last place comes
/// the first again.
struct Walk {
    dims: Vec<usize>,
    /// By label: how far apart its neighbours lie in each operand. On a diagonal that is along all
    /// its axes.
    strides: Vec<Vec<usize>>,
    place: Vec<usize>,
    at: Vec<usize>,
    count: usize,
}

impl Walk {
    fn over(
        labels: &[Label],
        equation: &Equation,
        sizes: &BTreeMap<Label, usize>,
        shapes: &[&[usize]],
    ) -> Self {
        let stride = |label: &Label, term: &[Label], dims: &[usize]| {
            let axes = term.iter().zip(dims).zip(strides(dims));
            let along = axes.filter(|((other, size), _)| *other == label && **size != 1);
            along.map(|(_, stride)| stride).sum::<usize>()
        };
        let by_label = |label| {
            let operands = equation.terms.iter().zip(shapes);
            operands.map(|(term, dims)| stride(label, term, dims)).collect()
        };
        let dims = labels.iter().map(|label| sizes[label]).collect::<Vec<_>>();
        Self {
            strides: labels.iter().map(by_label).collect(),
            place: vec![0; dims.len()],
            at: vec![0; shapes.len()],
            count: dims.iter().product(),
            dims,
        }
    }

    fn step(&mut self) {
        for axis in (0..self.dims.len()).rev() {
            self.place[axis] += 1;
            let back = self.place[axis] == self.dims[axis];
            for (at, stride) in self.at.iter_mut().zip(&self.strides[axis]) {
                if back {
                    *at -= stride * (self.dims[axis] - 1);
                } else {
                    *at += stride;
                }
            }
            if !back {
                return;
            }
            self.place[axis] = 0;
        }
    }
}

fn grad(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let count = cx.node.inputs.len();
    let inputs = (0..count).map(|input| cx.input(input)).collect::<Result<Vec<_>>>()?;
    let ranks = inputs.iter().map(|&id| cx.builder.rank(id)).collect::<Result<Vec<_>>>()?;
    let equation = Equation::of_ranks(cx.node.attributes.text_or("equation", "")?, &ranks)?;
    let dims = inputs.iter().map(|&id| cx.builder.dims(id)).collect::<Result<Vec<_>>>()?;
    for input in 0..count {
        if !cx.wants(input) {
            continue;
        }
        let gradient = by_operand(cx, flow, &inputs, &equation, &dims, input)?;
        cx.give(input, gradient)?;
    }
    Ok(())
}

/// The gradient by one operand.
fn by_operand(
    cx: &mut Gradient<'_, '_>,
    flow: ValueId,
    inputs: &[ValueId],
    equation: &Equation,
    dims: &[Vec<Dim>],
    input: usize,
) -> Result<ValueId> {
    let mut names = Names::default();
    let write = |names: &mut Names, term: &[Label]| {
        term.iter().map(|&label| names.of(label)).collect::<Result<String>>()
    };
    let mut terms = vec![write(&mut names, &equation.output)?];
    let mut operands = vec![flow];
    for (at, term) in equation.terms.iter().enumerate().filter(|(at, _)| *at != input) {
        terms.push(write(&mut names, term)?);
        operands.push(inputs[at]);
    }
    // A label of this operand has its full size in what is multiplied, or is expanded behind it.
    let full = |label: Label| {
        let others = equation.terms.iter().zip(dims).enumerate();
        equation.output.contains(&label)
            || others.filter(|(at, _)| *at != input).any(|(_, (term, dims))| {
                let mut axes = term.iter().zip(dims);
                axes.any(|(other, dim)| *other == label && *dim != Dim::Fixed(1))
            })
    };
    let own = &equation.terms[input];
    let (mut target, mut missing, mut expand) = (String::new(), Vec::new(), false);
    for (axis, &label) in own.iter().enumerate() {
        if own[..axis].contains(&label) {
            // A diagonal: what flows is laid on it by a matrix of ones there.
            let Dim::Fixed(size) = dims[input][axis] else {
                let why = "the gradient of a diagonal of free size";
                return Err(Trouble::unsupported(why));
            };
            let fresh = names.fresh()?;
            let mut eye = vec![0.0; size * size];
            eye.iter_mut().step_by(size + 1).for_each(|one| *one = 1.0);
            let eye = Tensor::new([size, size], eye)?.cast(cx.builder.element(flow)?)?;
            operands.push(cx.builder.constant(eye));
            terms.push(format!("{}{fresh}", names.of(label)?));
            target.push(fresh);
        } else if dims[input][axis] == Dim::Fixed(1) || !full(label) {
            expand |= dims[input][axis] != Dim::Fixed(1);
            let diagonal = own[axis + 1..].contains(&label) && dims[input][axis] != Dim::Fixed(1);
            if diagonal {
                // The matrix of ones has this size.
                target.push(names.of(label)?);
            } else {
                missing.push(axis as i64);
            }
        } else {
            target.push(names.of(label)?);
        }
    }
    let equation = Attributes::new().with("equation", &*format!("{}->{target}", terms.join(",")));
    let b = &mut *cx.builder;
    let mut gradient = b.apply_with(names::EINSUM, &operands, equation)?;
    if !missing.is_empty() {
        let axes = b.ints(missing);
        gradient = b.apply(names::UNSQUEEZE, &[gradient, axes])?;
    }
    if expand {
        let shape = b.shape_of(inputs[input])?;
        gradient = b.apply(names::EXPAND, &[gradient, shape])?;
    }
    Ok(gradient)
}

/// A letter for each label.
#[derive(Debug, Default)]
struct Names(BTreeMap<Label, char>, usize);

impl Names {
    fn of(&mut self, label: Label) -> Result<char> {
        if let Some(&name) = self.0.get(&label) {
            return Ok(name);
        }
        let name = self.fresh()?;
        self.0.insert(label, name);
        Ok(name)
    }

    fn fresh(&mut self) -> Result<char> {
        let name = ('a'..='z').chain('A'..='Z').nth(self.1);
        self.1 += 1;
        name.ok_or_else(|| Trouble::unsupported("the gradient of an equation of all letters"))
    }
}
