//! What `Slice`, `Pad`, `Tile` and `CenterCropPad` share: along each axis, where an element of the
//! output comes from. Their gradients add back along the same way.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    grad::{Builder, Dim},
    graph::{
        Attributes, Name, Run, ValueId, names,
        ops::elementwise::{of_type, strides},
    },
};

/// Where the elements of an output come from along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Along {
    /// The first place of the input that is looked at.
    pub(super) first: usize,
    /// How many places of the input are looked at.
    pub(super) size: usize,
    /// Where the output begins, counted from `first`.
    pub(super) start: i64,
    /// How far apart its elements lie.
    pub(super) step: i64,
    /// What stands where the input has ended.
    pub(super) outside: Outside,
}

/// What stands where an input has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// A constant.
    Constant,
    /// The element at the edge.
    Edge,
    /// The input backwards, without the element at the edge.
    Reflect,
    /// The input again, from its other end.
    Wrap,
}

impl Along {
    /// Each element from its own place.
    pub(super) fn whole(size: usize) -> Self {
        Self { first: 0, size, start: 0, step: 1, outside: Outside::Constant }
    }

    /// The place in the input; none where a constant stands.
    fn at(&self, index: usize) -> Option<usize> {
        let (size, at) = (self.size as i64, self.start + index as i64 * self.step);
        let inside = if (0..size).contains(&at) {
            at
        } else {
            match self.outside {
                Outside::Constant => return None,
                Outside::Edge => at.clamp(0, (size - 1).max(0)),
                Outside::Wrap => at.checked_rem_euclid(size)?,
                Outside::Reflect if size < 2 => 0,
                Outside::Reflect => {
                    let at = at.rem_euclid(2 * (size - 1));
                    at.min(2 * (size - 1) - at)
                }
            }
        };
        Some(self.first + inside as usize)
    }
}

/// Places of the input in the order of the output; none where a constant stands.
pub(super) fn places<'a>(
    from: &[usize],
    to: &'a [usize],
    along: &'a [Along],
) -> impl Iterator<Item = Option<usize>> + 'a {
    let strides = strides(from);
    let mut place = vec![0_usize; to.len()];
    let mut left = to.iter().product::<usize>();
    // What each axis adds, taken anew where its index changes.
    let at = |axis: usize, index: usize| along[axis].at(index).map(|at| at * strides[axis]);
    let mut parts = (0..to.len())
        .map(|axis| if left == 0 { None } else { at(axis, 0) })
        .collect::<Vec<Option<usize>>>();
    let own = strides.clone();
    std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        let found = parts.iter().try_fold(0_usize, |sum, part| part.map(|part| sum + part));
        for axis in (0..to.len()).rev() {
            place[axis] += 1;
            let ended = place[axis] == to[axis];
            if ended {
                place[axis] = 0;
            }
            parts[axis] = along[axis].at(place[axis]).map(|at| at * own[axis]);
            if !ended {
                break;
            }
        }
        Some(found)
    })
}

/// What flows into the output of such an operator, added where it came from.
pub(super) fn add_back(run: &Run<'_>, flow: &Tensor, along: &[Along]) -> Result<Tensor> {
    let kind = run.output(0)?;
    macro_rules! add {
        ($v:expr) => {{
            let mut out = vec![0.0; kind.count()?];
            for (place, flow) in places(&kind.dims, flow.dims(), along).zip($v) {
                if let Some(place) = place {
                    out[place] += flow;
                }
            }
            out.into()
        }};
    }
    let data: Data = match flow.data() {
        Data::F32(v) => add!(v),
        Data::F64(v) => add!(v),
        _ => return Err(of_type(flow)),
    };
    run.shaped(0, data)
}

/// Refuse a flow that is not of the shape that an operator makes.
pub(super) fn check_flow(flow: &Type, dims: &[usize]) -> Result<()> {
    if flow.dims == dims {
        return Ok(());
    }
    Err(Trouble::graph(format!("expected a gradient of shape {dims:?}, got {flow}")))
}

/// The gradient of an operator that moves elements, as plain ONNX: the operator moves the numbers
/// of the places too, and what flows is added at these numbers.
pub(super) fn lower_moved(
    builder: &mut Builder<'_>,
    flow: ValueId,
    x: ValueId,
    operator: Name,
    others: &[Option<ValueId>],
    attributes: Attributes,
) -> Result<ValueId> {
    let shape = builder.shape_of(x)?;
    let numbers = numbers(builder, x)?;
    let numbers = builder.apply(names::RESHAPE, &[numbers, shape])?;
    let inputs = std::iter::once(Some(numbers)).chain(others.iter().copied()).collect();
    let moved = builder.apply_all(operator, inputs, attributes, 1)?[0];
    let flat = builder.ints(vec![-1]);
    let moved = builder.apply(names::RESHAPE, &[moved, flat])?;
    let flow = builder.apply(names::RESHAPE, &[flow, flat])?;
    let x = builder.apply(names::RESHAPE, &[x, flat])?;
    let zeros = zeros_like(builder, x)?;
    let add = Attributes::new().with("axis", 0).with("reduction", "add");
    let sum = builder.apply_with(names::SCATTER_ELEMENTS, &[zeros, moved, flow], add)?;
    builder.apply(names::RESHAPE, &[sum, shape])
}

/// Whole numbers from 0 on, as many as a value has elements.
fn numbers(builder: &mut Builder<'_>, x: ValueId) -> Result<ValueId> {
    let fixed = builder.dims(x)?.into_iter().map(|dim| match dim {
        Dim::Fixed(size) => Some(size),
        Dim::Varies => None,
    });
    if let Some(dims) = fixed.collect::<Option<Vec<_>>>() {
        let count = crate::tensor::count(&dims)?;
        return Ok(builder.ints((0..count as i64).collect()));
    }
    let size = builder.apply(names::SIZE, &[x])?;
    let start = builder.constant(Tensor::scalar(0_i64));
    let step = builder.constant(Tensor::scalar(1_i64));
    builder.apply(names::RANGE, &[start, size, step])
}

/// Zeros in the shape and the type of a value.
pub(super) fn zeros_like(builder: &mut Builder<'_>, value: ValueId) -> Result<ValueId> {
    let zero = Tensor::list(vec![0.0_f64]).cast(builder.element(value)?)?;
    let shape = builder.shape_of(value)?;
    let zero = Attributes::new().with("value", zero);
    builder.apply_with(names::CONSTANT_OF_SHAPE, &[shape], zero)
}
