//! What operators share that treat each element by itself: shapes, broadcasting, the chain rule.

use crate::{
    Data, Element, Result, Scalar, Tensor, Trouble, Type,
    grad::{Builder, Gradient},
    graph::{Infer, Run, ValueId},
};

/// One output of the type of the first input.
pub(super) fn same(cx: &Infer<'_>) -> Result<Vec<Type>> {
    Ok(vec![cx.kind(0)?.clone()])
}

/// One output of the type of the one input.
pub(super) fn alone(cx: &Infer<'_>) -> Result<Vec<Type>> {
    match cx.inputs.len() {
        1 => same(cx),
        got => Err(Trouble::graph(format!("expected one input, got {got}"))),
    }
}

/// Run a function of one float on each element.
pub(super) fn map(
    run: &Run<'_>,
    narrow: fn(f32) -> f32,
    wide: fn(f64) -> f64,
) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let data = match x.data() {
        Data::F32(v) => Data::F32(v.iter().map(|&v| narrow(v)).collect()),
        Data::F64(v) => Data::F64(v.iter().map(|&v| wide(v)).collect()),
        _ => return Err(of_type(x)),
    };
    Ok(vec![Tensor::new(x.dims(), data)?])
}

/// Run a function of one float on each element. It is computed in `f64`: an `f32` is rounded once.
pub(super) fn floats(run: &Run<'_>, of: impl Fn(f64) -> f64) -> Result<Vec<Tensor>> {
    let x = run.input(0)?;
    let data = match x.data() {
        Data::F32(v) => Data::F32(v.iter().map(|&v| of(f64::from(v)) as f32).collect()),
        Data::F64(v) => Data::F64(v.iter().map(|&v| of(v)).collect()),
        _ => return Err(of_type(x)),
    };
    Ok(vec![Tensor::new(x.dims(), data)?])
}

/// A tensor whose elements a function makes from their places.
pub(super) fn made(kind: &Type, of: impl Fn(usize) -> f64) -> Result<Tensor> {
    let all = (0..kind.count()?).map(of);
    let data = match kind.element {
        Element::F32 => Data::F32(all.map(|x| x as f32).collect()),
        Element::F64 => Data::F64(all.collect()),
        Element::F16 => Data::F16(all.map(half::f16::from_f64).collect()),
        Element::Bf16 => Data::Bf16(all.map(half::bf16::from_f64).collect()),
        Element::I8 => Data::I8(all.map(|x| x as i8).collect()),
        Element::I16 => Data::I16(all.map(|x| x as i16).collect()),
        Element::I32 => Data::I32(all.map(|x| x as i32).collect()),
        Element::I64 => Data::I64(all.map(|x| x as i64).collect()),
        Element::U8 => Data::U8(all.map(|x| x as u8).collect()),
        Element::U16 => Data::U16(all.map(|x| x as u16).collect()),
        Element::U32 => Data::U32(all.map(|x| x as u32).collect()),
        Element::U64 => Data::U64(all.map(|x| x as u64).collect()),
        Element::Bool => Data::Bool(all.map(|x| x != 0.0).collect()),
        Element::Text => return Err(Trouble::unsupported("numbers as texts")),
    };
    Tensor::new(kind.dims.clone(), data)
}

/// What an operator says of elements that it does not compute on.
pub(super) fn of_type(x: &Tensor) -> Trouble {
    Trouble::graph(format!("it does not compute on elements of {}", x.element()))
}

/// The elements of a tensor, of the type that others have.
pub(crate) fn like<'t, T: Scalar>(_: &[T], tensor: &'t Tensor) -> Result<&'t [T]> {
    tensor.values()
}

/// The gradient of a function of one value: what flows, times the derivative that `of` writes from
/// the input and the output.
pub(super) fn chain(
    cx: &mut Gradient<'_, '_>,
    of: impl FnOnce(&mut Builder<'_>, ValueId, ValueId) -> Result<ValueId>,
) -> Result<()> {
    let Some(flow) = cx.flow(0) else { return Ok(()) };
    let (x, y) = (cx.input(0)?, cx.output(0)?);
    let slope = of(cx.builder, x, y)?;
    let gradient = cx.builder.mul(flow, slope)?;
    cx.give(0, gradient)
}

/// The shape that shapes broadcast to.
///
/// Source: ONNX `docs/Broadcasting.md`, multidirectional.
pub(super) fn broadcast(shapes: &[&[usize]]) -> Result<Vec<usize>> {
    let rank = shapes.iter().map(|dims| dims.len()).max().unwrap_or(0);
    let mut out = vec![1_usize; rank];
    for dims in shapes {
        for (size, &other) in out.iter_mut().rev().zip(dims.iter().rev()) {
            *size = match (*size, other) {
                (1, other) => other,
                (size, other) if other == 1 || other == size => size,
                _ => return Err(Trouble::graph(format!("shapes do not broadcast: {shapes:?}"))),
            };
        }
    }
    Ok(out)
}

/// One output of the first input's elements, in the shape that both inputs broadcast to.
pub(super) fn broadcast_both(cx: &Infer<'_>) -> Result<Vec<Type>> {
    match cx.inputs.len() {
        2 => broadcast_all(cx),
        got => Err(Trouble::graph(format!("expected two inputs, got {got}"))),
    }
}

/// One output of the first input's elements, in the shape that all inputs broadcast to.
pub(super) fn broadcast_all(cx: &Infer<'_>) -> Result<Vec<Type>> {
    let kinds = (0..cx.inputs.len()).map(|input| cx.kind(input)).collect::<Result<Vec<_>>>()?;
    let first = kinds.first().ok_or_else(|| Trouble::graph("expected an input, got none"))?;
    if let Some(other) = kinds.iter().find(|kind| kind.element != first.element) {
        let (one, other) = (first.element, other.element);
        return Err(Trouble::graph(format!("inputs of two element types, {one} and {other}")));
    }
    let shapes = kinds.iter().map(|kind| &kind.dims[..]).collect::<Vec<_>>();
    Ok(vec![Type::new(first.element, broadcast(&shapes)?)])
}

/// Places of a tensor in the order of a shape, each axis with a stride of its own.
#[derive(Debug)]
pub(super) struct Places {
    dims: Vec<usize>,
    strides: Vec<usize>,
    place: Vec<usize>,
    at: usize,
    left: usize,
}

impl Places {
    /// From a place on, in the order of these dimensions.
    pub(super) fn new(at: usize, dims: Vec<usize>, strides: Vec<usize>) -> Self {
        Self { place: vec![0; dims.len()], left: dims.iter().product(), dims, strides, at }
    }

    /// Where the elements of a broadcast tensor lie in the tensor itself.
    pub(super) fn broadcast(from: &[usize], to: &[usize]) -> Self {
        let added = to.len() - from.len();
        let own = strides(from);
        let strides = (0..to.len()).map(|axis| match axis.checked_sub(added) {
            Some(axis) if from[axis] != 1 => own[axis],
            _ => 0,
        });
        Self::new(0, to.to_vec(), strides.collect())
    }
}

/// How far apart neighbours along each axis lie, in row-major order.
pub(super) fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(dims[axis]);
    }
    strides
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let found = self.at;
        for axis in (0..self.dims.len()).rev() {
            self.place[axis] += 1;
            if self.place[axis] < self.dims[axis] {
                self.at += self.strides[axis];
                break;
            }
            self.place[axis] = 0;
            self.at -= self.strides[axis] * (self.dims[axis] - 1);
        }
        Some(found)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// Run a function of two elements, with broadcasting.
pub(super) fn zip<T: Scalar + Copy, U: Scalar>(
    a: (&[usize], &[T]),
    b: (&[usize], &[T]),
    to: &[usize],
    of: impl Fn(T, T) -> U,
) -> Vec<U> {
    if a.0 == b.0 && a.0 == to {
        return a.1.iter().zip(b.1).map(|(&a, &b)| of(a, b)).collect();
    }
    if b.1.len() == 1 && a.0 == to {
        let b = b.1[0];
        return a.1.iter().map(|&a| of(a, b)).collect();
    }
    let places = Places::broadcast(a.0, to).zip(Places::broadcast(b.0, to));
    places.map(|(at, other)| of(a.1[at], b.1[other])).collect()
}
