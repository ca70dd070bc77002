//! Steps that move elements.

use modelward_engine::Tensor;

use super::{Graph, Step};
use crate::nodes::Value::{Int, Ints, Text};

pub const STEPS: &[Step] = &[
    ("Reshape", 9, |g| {
        let x = g.any();
        let mut dims = x.dims.iter().map(|&size| size as i64).collect::<Vec<_>>();
        match g.dice.roll(3) {
            0 => dims = vec![-1],
            1 if dims.len() > 1 => {
                dims.truncate(2);
                dims = vec![0, -1];
            }
            _ => dims.reverse(),
        }
        let shape = g.ints(&dims);
        vec![g.put("Reshape", &[&x.name, &shape], &[])]
    }),
    ("Flatten", 9, |g| {
        let (x, _, axis) = g.with_axis();
        vec![g.put("Flatten", &[&x.name], &[("axis", Int(axis))])]
    }),
    ("Unsqueeze", 9, |g| {
        let x = g.any();
        let rank = x.dims.len() + 1;
        let axis = g.dice.roll(rank);
        let axis = g.axis(axis, rank);
        vec![with_axes(g, "Unsqueeze", &x.name, vec![axis])]
    }),
    ("Squeeze", 9, |g| {
        let x = g.any();
        let rank = x.dims.len();
        let ones = (0..rank).filter(|&axis| x.dims[axis] == 1).collect::<Vec<_>>();
        if ones.is_empty() || g.dice.roll(3) == 0 {
            return vec![g.put("Squeeze", &[&x.name], &[])];
        }
        let axis = g.dice.pick(&ones);
        let axis = g.axis(axis, rank);
        vec![with_axes(g, "Squeeze", &x.name, vec![axis])]
    }),
    ("Transpose", 9, |g| {
        let x = g.any();
        if g.dice.roll(4) == 0 {
            return vec![g.put("Transpose", &[&x.name], &[])];
        }
        let order = g.dice.order(x.dims.len()).into_iter().map(|axis| axis as i64).collect();
        vec![g.put("Transpose", &[&x.name], &[("perm", Ints(order))])]
    }),
    ("Slice", 9, slice),
    ("Pad", 9, pad),
    ("Concat", 9, |g| {
        let (x, axis, written) = g.with_axis();
        let mut dims = x.dims.clone();
        dims[axis] = 1 + g.dice.roll(2);
        let y = g.weight(&dims);
        let inputs = [&*x.name, &*y, &*x.name];
        let from = g.dice.roll(2);
        vec![g.put("Concat", &inputs[from..], &[("axis", Int(written))])]
    }),
    ("Split", 9, |g| {
        let (x, axis, written) = g.with_axis();
        let size = x.dims[axis];
        let first = g.dice.roll(size);
        if g.opset >= 18 && size > 1 && g.dice.coin() {
            let how = [("axis", Int(written)), ("num_outputs", Int(2))];
            return g.put_all("Split", &[&x.name], 2, &how);
        }
        if first == 0 {
            // Equal parts.
            return g.put_all("Split", &[&x.name], 1, &[("axis", Int(written))]);
        }
        let parts = vec![first as i64, (size - first) as i64];
        if g.opset >= 13 {
            let parts = g.ints(&parts);
            return g.put_all("Split", &[&x.name, &parts], 2, &[("axis", Int(written))]);
        }
        let how = [("axis", Int(written)), ("split", Ints(parts))];
        g.put_all("Split", &[&x.name], 2, &how)
    }),
    ("Tile", 9, |g| {
        let x = g.any();
        let times = x.dims.iter().map(|_| 1 + g.dice.roll(2) as i64).collect::<Vec<_>>();
        let times = g.ints(&times);
        vec![g.put("Tile", &[&x.name, &times], &[])]
    }),
    ("Expand", 9, |g| {
        let x = g.any();
        let mut dims = vec![g.dice.pick(&[1, 2])];
        dims.extend(x.dims.iter().map(|&size| if size == 1 { 2 } else { size as i64 }));
        let shape = g.ints(&dims);
        vec![g.put("Expand", &[&x.name, &shape], &[])]
    }),
    ("Gather", 9, |g| {
        let (x, axis, written) = g.with_axis();
        let dims: &[usize] = g.dice.pick(&[&[], &[3], &[2, 2]]);
        let indices = indices(g, dims, x.dims[axis]);
        vec![g.put("Gather", &[&x.name, &indices], &[("axis", Int(written))])]
    }),
    ("GatherElements", 11, |g| {
        let (x, axis, written) = g.with_axis();
        let mut dims = x.dims.clone();
        dims[axis] = 1 + g.dice.roll(3);
        let indices = indices(g, &dims, x.dims[axis]);
        vec![g.put("GatherElements", &[&x.name, &indices], &[("axis", Int(written))])]
    }),
    ("GatherND", 11, |g| {
        let rank = 2 + g.dice.roll(2);
        let x = g.of_rank(rank);
        let batch = if g.opset >= 12 { g.dice.roll(2) } else { 0 };
        let count = x.dims[0];
        let mut places = Vec::new();
        for _ in 0..if batch == 1 { count * 2 } else { 4 } {
            places.push(g.dice.roll(x.dims[batch]) as i64);
        }
        let dims = if batch == 1 { vec![count, 2, 1] } else { vec![4, 1] };
        let places = g.constant(Tensor::new(dims, places).unwrap());
        let how: &[_] = if batch == 1 { &[("batch_dims", Int(1))] } else { &[] };
        vec![g.put("GatherND", &[&x.name, &places], how)]
    }),
    ("ScatterND", 11, |g| {
        let x = g.of_rank(2);
        let how = reduction(g);
        let rows = match how.is_some() {
            // A row that is written twice.
            true => vec![0, x.dims[0] as i64 - 1, 0],
            false => g.dice.order(x.dims[0]).into_iter().take(2).map(|row| row as i64).collect(),
        };
        let updates = g.weight(&[rows.len(), x.dims[1]]);
        let rows = g.constant(Tensor::new([rows.len(), 1], rows).unwrap());
        let how = how.map(|how| ("reduction", Text(how)));
        vec![g.put("ScatterND", &[&x.name, &rows, &updates], how.as_slice())]
    }),
    ("ScatterElements", 11, |g| {
        let (x, axis, written) = g.with_axis();
        let mut dims = x.dims.clone();
        let reduction = reduction(g);
        let lines = match reduction.is_some() {
            true => vec![0, x.dims[axis] - 1, 0],
            false => g.dice.order(x.dims[axis]).into_iter().take(2).collect(),
        };
        dims[axis] = lines.len();
        let inner = dims[axis + 1..].iter().product::<usize>();
        let count = dims.iter().product::<usize>();
        let places = (0..count).map(|at| lines[at / inner % lines.len()] as i64);
        let places = Tensor::new(dims.clone(), places.collect::<Vec<_>>()).unwrap();
        let (places, updates) = (g.constant(places), g.weight(&dims));
        let mut how = vec![("axis", Int(written))];
        how.extend(reduction.map(|reduction| ("reduction", Text(reduction))));
        vec![g.put("ScatterElements", &[&x.name, &places, &updates], &how)]
    }),
    ("DepthToSpace", 9, |g| {
        let w = g.weight(&[1, 4, 2, 3]);
        let x = g.any();
        let sum = g.put("ReduceMax", &[&x.name], &[("keepdims", Int(0))]);
        let x = g.put("Mul", &[&w, &sum], &[]);
        let mut how = vec![("blocksize", Int(2))];
        if g.opset >= 11 {
            how.push(("mode", Text(g.dice.pick(&["DCR", "CRD"]))));
        }
        vec![g.put("DepthToSpace", &[&x], &how)]
    }),
    ("SpaceToDepth", 9, |g| {
        let x = g.of_rank(4);
        let dims = [x.dims[0], x.dims[1], 2, 4];
        let (up, w) = (x.dims[2] == 2 && x.dims[3] == 4, g.weight(&dims));
        let x = if up { g.put("Add", &[&x.name, &w], &[]) } else { w };
        vec![g.put("SpaceToDepth", &[&x], &[("blocksize", Int(2))])]
    }),
    ("Trilu", 14, |g| {
        let rank = 2 + g.dice.roll(2);
        let x = g.of_rank(rank);
        let k = g.dice.pick(&[-1_i64, 0, 1]);
        let (k, upper) = (g.constant(Tensor::scalar(k)), g.dice.roll(2) as i64);
        vec![g.put("Trilu", &[&x.name, &k], &[("upper", Int(upper))])]
    }),
    ("ReverseSequence", 10, |g| {
        let x = g.of_rank(3);
        let lengths = (0..x.dims[1]).map(|_| 1 + g.dice.roll(x.dims[0]) as i64);
        let lengths = lengths.collect::<Vec<_>>();
        let lengths = g.ints(&lengths);
        vec![g.put("ReverseSequence", &[&x.name, &lengths], &[])]
    }),
    ("CenterCropPad", 18, |g| {
        let x = g.of_rank(2);
        let shape = x.dims.iter().map(|&size| (size + g.dice.roll(4)).max(2) as i64 - 1);
        let shape = shape.collect::<Vec<_>>();
        let shape = g.ints(&shape);
        vec![g.put("CenterCropPad", &[&x.name, &shape], &[])]
    }),
    ("TensorScatter", 24, |g| {
        let (cache, update) = (g.weight(&[2, 2, 4, 3]), g.weight(&[2, 2, 2, 3]));
        let x = g.any();
        let x = g.put("ReduceMean", &[&x.name], &[("keepdims", Int(0))]);
        let (update, places) = (g.put("Mul", &[&update, &x], &[]), g.ints(&[0, 2]));
        vec![g.put("TensorScatter", &[&cache, &update, &places], &[])]
    }),
];

fn with_axes(g: &mut Graph, operator: &'static str, x: &str, axes: Vec<i64>) -> String {
    if g.opset >= 13 {
        let axes = g.ints(&axes);
        return g.put(operator, &[x, &axes], &[]);
    }
    g.put(operator, &[x], &[("axes", Ints(axes))])
}

/// Places along an axis, from either end where the set knows that.
fn indices(g: &mut Graph, dims: &[usize], size: usize) -> String {
    let count = dims.iter().product::<usize>();
    let places = (0..count).map(|_| {
        let at = g.dice.roll(size);
        g.axis(at, size)
    });
    let places = places.collect::<Vec<_>>();
    g.constant(Tensor::new(dims, places).unwrap())
}

/// What happens to an element that is written to; the others have no rule.
fn reduction(g: &mut Graph) -> Option<&'static str> {
    (g.opset >= 16 && g.dice.coin()).then_some("add")
}

fn slice(g: &mut Graph) -> Vec<String> {
    let (x, axis, written) = g.with_axis();
    let size = x.dims[axis] as i64;
    let start = g.dice.roll(x.dims[axis]) as i64;
    if g.opset < 10 {
        let how = [
            ("axes", Ints(vec![written])),
            ("starts", Ints(vec![start])),
            ("ends", Ints(vec![99])),
        ];
        return vec![g.put("Slice", &[&x.name], &how)];
    }
    let (start, end, step) = match g.dice.roll(4) {
        0 => (start, i64::MAX, 2),
        1 => (start, i64::MIN, -1),
        2 => (-1, -size - 1, -2),
        _ => (start - size, size, 1),
    };
    let (starts, ends) = (g.ints(&[start]), g.ints(&[end]));
    let (axes, steps) = (g.ints(&[written]), g.ints(&[step]));
    vec![g.put("Slice", &[&x.name, &starts, &ends, &axes, &steps], &[])]
}

fn pad(g: &mut Graph) -> Vec<String> {
    let mut x = g.any();
    if x.dims.is_empty() {
        x = g.of_rank(1);
    }
    let modes: &[&str] = match g.opset {
        ..19 => &["constant", "reflect", "edge"],
        _ => &["constant", "reflect", "edge", "wrap"],
    };
    let mode = g.dice.pick(modes);
    let both = x.dims.iter().chain(&x.dims);
    let pads = both.map(|&size| match mode {
        // What is mirrored has to be there.
        "reflect" if size < 2 => 0,
        "constant" if size > 2 && g.dice.roll(4) == 0 => -1,
        _ => g.dice.roll(2) as i64,
    });
    let pads = pads.collect::<Vec<_>>();
    let mode = ("mode", Text(mode));
    if g.opset < 11 {
        return vec![g.put("Pad", &[&x.name], &[mode, ("pads", Ints(pads))])];
    }
    let (pads, value) = (g.ints(&pads), g.weight(&[]));
    let inputs = [&*x.name, &*pads, &*value];
    let count = 2 + g.dice.roll(2);
    vec![g.put("Pad", &inputs[..count], &[mode])]
}
