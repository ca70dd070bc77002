//! `Col2Im`: blocks of columns added to where they were cut from. Its gradient cuts them again.
//!
//! Source: ONNX `Col2Im`, set 18.

use crate::{
    Data, Result, Tensor, Trouble, Type,
    graph::{
        Attributes, Grad, Infer, Operator, Run, names,
        ops::{constant_of_shape::sizes, elementwise::of_type},
    },
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&COL2IM, &COL2IM_GRAD];

static COL2IM: Operator = Operator::new(
    "Col2Im",
    &[18],
    |cx| {
        let x = cx.kind(0)?;
        let (blocks, image) = inferred(cx, 1)?;
        let &[batch, rows, columns] = &x.dims[..] else {
            return Err(Trouble::graph(format!("expected blocks N,C,L, got {x}")));
        };
        let (block, count_of) = (count(&blocks.block)?, count(&blocks.counts)?);
        if block == 0 || rows % block != 0 || columns != count_of {
            return Err(Trouble::graph(format!("{x} does not fit {count_of} blocks of {block}")));
        }
        let dims = [&[batch, rows / block], &image[..]].concat();
        count(&dims)?;
        Ok(vec![Type::new(x.element, dims)])
    },
    |run| {
        let x = run.input(0)?;
        let (blocks, image) = given(run, 1)?;
        let size = image.iter().product::<usize>();
        let kind = run.output(0)?;
        macro_rules! add {
            ($v:expr) => {{
                let mut out = vec![0.0; kind.count()?];
                let maps = kind.dims[0] * kind.dims[1];
                blocks.visit(&image, |from, to| {
                    for map in 0..maps {
                        out[map * size + to] += $v[map * blocks.size() + from];
                    }
                });
                out.into()
            }};
        }
        let data: Data = match x.data() {
            Data::F32(v) => add!(v),
            Data::F64(v) => add!(v),
            _ => return Err(of_type(x)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let inputs = [flow, cx.input(0)?, cx.input(1)?, cx.input(2)?];
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_with(names::COL2IM_GRAD, &inputs, attributes)?;
        cx.give(0, gradient)
    }),
);

/// What flows into an image, cut into blocks: flow, the blocks, whose shape alone is looked at, image
/// and block shape.
static COL2IM_GRAD: Operator = Operator::own(
    "Col2ImGrad",
    |cx| {
        let (blocks, _) = inferred(cx, 2)?;
        let dims = cx.dims(1)?;
        if dims.last() != Some(&count(&blocks.counts)?) {
            return Err(Trouble::graph(format!("{dims:?} does not fit the blocks")));
        }
        Ok(vec![Type::new(cx.element(0)?, dims)])
    },
    |run| {
        let flow = run.input(0)?;
        let (blocks, image) = given(run, 2)?;
        let size = image.iter().product::<usize>();
        let kind = run.output(0)?;
        macro_rules! cut {
            ($v:expr) => {{
                let mut out = vec![0.0; kind.count()?];
                let maps = out.len().checked_div(blocks.size()).unwrap_or(0);
                blocks.visit(&image, |from, to| {
                    for map in 0..maps {
                        out[map * blocks.size() + from] = $v[map * size + to];
                    }
                });
                out.into()
            }};
        }
        let data: Data = match flow.data() {
            Data::F32(v) => cut!(v),
            Data::F64(v) => cut!(v),
            _ => return Err(of_type(flow)),
        };
        Ok(vec![run.shaped(0, data)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let inputs = [flow, cx.input(2)?, cx.input(3)?];
        let attributes = cx.node.attributes.clone();
        let gradient = cx.builder.apply_with(names::COL2IM, &inputs, attributes)?;
        cx.give(0, gradient)
    }),
    |_, _| Err(Trouble::unsupported("the gradient of a Col2Im, as plain ONNX")),
);

/// Blocks of an image.
#[derive(Clone, Debug)]
struct Blocks {
    block: Vec<usize>,
    /// How many lie along each axis.
    counts: Vec<usize>,
    dilations: Vec<usize>,
    strides: Vec<usize>,
    before: Vec<usize>,
}

fn inferred(cx: &Infer<'_>, first: usize) -> Result<(Blocks, Vec<usize>)> {
    Blocks::of(cx.attributes(), cx.value(first)?, cx.value(first + 1)?)
}

fn given(run: &Run<'_>, first: usize) -> Result<(Blocks, Vec<usize>)> {
    Blocks::of(run.attributes(), run.input(first)?, run.input(first + 1)?)
}

impl Blocks {
    fn of(attributes: &Attributes, image: &Tensor, block: &Tensor) -> Result<(Self, Vec<usize>)> {
        let (image, block) = (sizes(&image.ints()?)?, sizes(&block.ints()?)?);
        let rank = image.len();
        let list = |name: &str, length: usize, least: usize| {
            let values = match attributes.ints(name)? {
                Some(values) => sizes(values)?,
                None => vec![least; length],
            };
            // Beyond this no image is that large, and sums stay far from their limit.
            let fits = values.iter().all(|&value| value >= least && value < 1 << 48);
            if values.len() == length && fits {
                Ok(values)
            } else {
                Err(Trouble::graph(format!("expected {length} numbers in the attribute `{name}`")))
            }
        };
        let dilations = list("dilations", rank, 1)?;
        let strides = list("strides", rank, 1)?;
        let pads = list("pads", 2 * rank, 0)?;
        let fits = block.len() == rank && rank > 0 && !block.contains(&0);
        if !fits || image.iter().any(|&size| size >= 1 << 48) {
            return Err(Trouble::graph(format!("blocks {block:?} do not fit {image:?}")));
        }
        let counts = (0..rank).map(|axis| {
            let reach = (block[axis] - 1).checked_mul(dilations[axis])?.checked_add(1)?;
            let padded = image[axis] + pads[axis] + pads[rank + axis];
            Some(padded.checked_sub(reach)? / strides[axis] + 1)
        });
        let counts = counts.collect::<Option<Vec<_>>>().ok_or_else(|| {
            Trouble::graph(format!("blocks {block:?} are larger than an image {image:?}"))
        })?;
        let before = pads[..rank].to_vec();
        Ok((Self { block, counts, dilations, strides, before }, image))
    }

    /// Elements of all blocks of a map.
    fn size(&self) -> usize {
        self.block.iter().chain(&self.counts).product()
    }

    /// Call `visit` for each element of the blocks that lies in the image, with both places.
    fn visit(&self, image: &[usize], mut visit: impl FnMut(usize, usize)) {
        let rank = image.len();
        let dims = [&self.block[..], &self.counts[..]].concat();
        let mut place = vec![0_usize; 2 * rank];
        for from in 0..self.size() {
            let mut to = Some(0);
            for axis in 0..rank {
                let at =
                    place[axis] * self.dilations[axis] + place[rank + axis] * self.strides[axis];
                let at = at.checked_sub(self.before[axis]).filter(|&at| at < image[axis]);
                to = to.zip(at).map(|(to, at)| to * image[axis] + at);
            }
            if let Some(to) = to {
                visit(from, to);
            }
            for axis in (0..2 * rank).rev() {
                place[axis] += 1;
                if place[axis] < dims[axis] {
                    break;
                }
                place[axis] = 0;
            }
        }
    }
}
