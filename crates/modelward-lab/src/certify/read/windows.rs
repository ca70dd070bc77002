//! Windows of elements: their means, and their largest.

use modelward_engine::{Result, Trouble, graph::Node};

use crate::certify::{
    map::{Map, Window},
    read::Reader,
};

impl Reader<'_> {
    /// Sizes of a window along two axes, a missing first axis being one row.
    pub(super) fn geometry(&self, node: &Node, dims: &[usize], kernel: &[usize]) -> Result<Window> {
        let output = self.shape(node, 0)?;
        let spatial = dims.len().saturating_sub(2);
        if !(1..=2).contains(&spatial)
            || kernel.len() != spatial
            || output.len() != dims.len()
            || dims[0] != 1
        {
            return Err(Trouble::unsupported("bounds are for windows along one or two axes"));
        }
        let sizes = |name: &str| -> Result<[usize; 2]> {
            let given = node.attributes.ints(name)?.unwrap_or(&[]);
            let given = given.iter().map(|size| usize::try_from(*size).unwrap_or(0).max(1));
            Ok(two(&given.collect::<Vec<_>>(), 1))
        };
        let mut window = Window {
            groups: 1,
            channels: [dims[1], dims[1]],
            input: two(&dims[2..], 1),
            output: two(&output[2..], 1),
            kernel: two(kernel, 1),
            strides: sizes("strides")?,
            dilations: sizes("dilations")?,
            pads: [0, 0],
        };
        let automatic = node.attributes.text_or("auto_pad", "NOTSET")?;
        if automatic.starts_with("SAME") {
            for axis in 0..2 {
                let reach = (window.output[axis] - 1) * window.strides[axis]
                    + (window.kernel[axis] - 1) * window.dilations[axis]
                    + 1;
                let whole = reach.saturating_sub(window.input[axis]);
                let less = whole / 2;
                window.pads[axis] = if automatic == "SAME_LOWER" { whole - less } else { less };
            }
        } else if automatic == "NOTSET" {
            let pads = node.attributes.ints("pads")?.unwrap_or(&[]);
            let pads = pads.iter().take(spatial).map(|pad| usize::try_from(*pad));
            let pads = pads.collect::<std::result::Result<Vec<_>, _>>();
            let pads = pads.map_err(|_| Trouble::unsupported("padding below 0"))?;
            window.pads = two(&pads, 0);
        }
        Ok(window)
    }

    /// Means and sums over windows or axes.
    pub(super) fn mean(&mut self, node: &Node) -> Result<()> {
        let from = self.live(node, 0)?.layer;
        let (mut groups, full) = self.groups(node)?;
        let sum = node.operator.name == "ReduceSum";
        let padded = node.attributes.flag("count_include_pad")?;
        let rows = groups.iter_mut().map(|group| {
            let count = if padded { full } else { group.len() };
            let weight = if sum { 1.0 } else { 1.0 / count.max(1) as f64 };
            std::mem::take(group).into_iter().map(|at| (at, weight)).collect::<Vec<_>>()
        });
        let map = Map::sparse(self.builder.size(from), rows);
        let bias = vec![0.0; map.rows()];
        let layer = self.builder.affine(vec![(from, map)], bias, false)?;
        self.give(node, layer)
    }

    /// The largest of each window.
    pub(super) fn largest(&mut self, node: &Node) -> Result<()> {
        let from = self.live(node, 0)?.layer;
        let (groups, _) = self.groups(node)?;
        let layer = self.largest_of(from, groups)?;
        self.give(node, layer)
    }

    /// The elements of each output, and how many a whole window has.
    fn groups(&mut self, node: &Node) -> Result<(Vec<Vec<usize>>, usize)> {
        let (dims, output) = (self.dims(node, 0)?, self.shape(node, 0)?);
        let count = output.iter().product::<usize>();
        let mut groups = vec![Vec::new(); count];
        match node.operator.name {
            "MaxPool" | "AveragePool" => {
                let kernel = node.attributes.ints("kernel_shape")?.unwrap_or(&[]);
                let kernel = kernel.iter().map(|size| usize::try_from(*size).unwrap_or(0));
                let kernel = kernel.collect::<Vec<_>>();
                let window = self.geometry(node, &dims, &kernel)?;
                if node.attributes.flag("ceil_mode")?
                    && node.attributes.flag("count_include_pad")?
                {
                    return Err(Trouble::unsupported("`ceil_mode` that counts padding"));
                }
                let full = window.kernel[0] * window.kernel[1];
                let taps = full.saturating_mul(count) as u64;
                self.builder.take(taps.saturating_mul(16))?;
                let pixels = window.input[0] * window.input[1];
                for (at, group) in groups.iter_mut().enumerate() {
                    let (channel, place) = (at / window.places(), at % window.places());
                    let (y, x) = (place / window.output[1], place % window.output[1]);
                    for tap in 0..full {
                        let y = window.under(0, y, tap / window.kernel[1]);
                        let x = window.under(1, x, tap % window.kernel[1]);
                        if let (Some(y), Some(x)) = (y, x) {
                            group.push(channel * pixels + y * window.input[1] + x);
                        }
                    }
                }
                Ok((groups, full))
            }
            name => {
                let rank = dims.len();
                let axes = if name.starts_with("Global") {
                    (2..rank as i64).collect()
                } else {
                    match self.constant(node, 1)? {
                        Some(axes) => axes.ints()?,
                        None => Vec::new(),
                    }
                };
                if axes.is_empty() && node.attributes.flag("noop_with_empty_axes")? {
                    return Ok(((0..count).map(|at| vec![at]).collect(), 1));
                }
                let reduced = |axis: usize| {
                    axes.is_empty()
                        || axes.iter().any(|a| {
                            usize::try_from(if *a < 0 { a + rank as i64 } else { *a }) == Ok(axis)
                        })
                };
                for at in 0..dims.iter().product::<usize>() {
                    let (mut rest, mut place, mut step) = (at, 0, 1);
                    for axis in (0..rank).rev() {
                        if !reduced(axis) {
                            place += rest % dims[axis] * step;
                            step *= dims[axis];
                        }
                        rest /= dims[axis].max(1);
                    }
                    let group = groups.get_mut(place);
                    group.ok_or_else(|| Trouble::unsupported("axes that do not fit"))?.push(at);
                }
                let full = groups.first().map_or(1, Vec::len);
                Ok((groups, full))
            }
        }
    }
}

/// The sizes of two axes, the last ones of those that are given.
fn two(sizes: &[usize], missing: usize) -> [usize; 2] {
    match sizes {
        [] => [missing, missing],
        [only] => [missing, *only],
        [rows, columns, ..] => [*rows, *columns],
    }
}
