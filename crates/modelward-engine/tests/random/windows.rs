//! Steps that go over windows of images.

use modelward_engine::Tensor;

use super::{Graph, Read, Step};
use crate::nodes::Value::{self, Float, Int, Ints, Text};

pub const STEPS: &[Step] = &[
    ("Conv", 9, conv),
    ("ConvTranspose", 9, conv_transpose),
    ("MaxPool", 9, |g| pool(g, "MaxPool")),
    ("AveragePool", 9, |g| pool(g, "AveragePool")),
    ("LpPool", 9, |g| pool(g, "LpPool")),
    ("GlobalMaxPool", 9, |g| global(g, "GlobalMaxPool")),
    ("GlobalAveragePool", 9, |g| global(g, "GlobalAveragePool")),
    ("GlobalLpPool", 9, |g| global(g, "GlobalLpPool")),
    ("LRN", 9, |g| {
        let x = g.of_rank(4);
        let size = g.dice.pick(&[1, 3]);
        let how = [("size", Int(size)), ("alpha", Float(0.5)), ("bias", Float(1.5))];
        vec![g.put("LRN", &[&x.name], &how)]
    }),
    ("MaxUnpool", 9, |g| {
        let x = image(g, |size| size.is_multiple_of(2));
        let (kernel, strides) = (("kernel_shape", Ints(vec![2, 2])), ("strides", Ints(vec![2, 2])));
        let how = [kernel, strides];
        let made = g.put_all("MaxPool", &[&x.name], 2, &how);
        vec![g.put("MaxUnpool", &[&made[0], &made[1]], &how)]
    }),
    ("Upsample", 9, |g| {
        if g.opset > 9 {
            return resize(g);
        }
        let x = g.of_rank(4);
        let scales = g.constant(scales(&[1.0, 1.0, 2.0, 1.5]));
        let how = [("mode", Text(g.dice.pick(&["nearest", "linear"])))];
        vec![g.put("Upsample", &[&x.name, &scales], &how)]
    }),
    ("Resize", 10, resize),
    ("GridSample", 16, |g| {
        let x = g.of_rank(4);
        let grid = g.weight(&[x.dims[0], 2, 3, 2]);
        let modes = if g.opset < 20 {
            ["bilinear", "nearest", "bicubic"]
        } else {
            ["linear", "nearest", "cubic"]
        };
        let how = [
            ("mode", Text(g.dice.pick(&modes))),
            ("padding_mode", Text(g.dice.pick(&["zeros", "border", "reflection"]))),
            ("align_corners", Int(g.dice.roll(2) as i64)),
        ];
        vec![g.put("GridSample", &[&x.name, &grid], &how)]
    }),
    ("AffineGrid", 20, |g| {
        let (theta, size) = (g.weight(&[2, 2, 3]), g.ints(&[2, 1, 3, 2]));
        let how = [("align_corners", Int(g.dice.roll(2) as i64))];
        vec![g.put("AffineGrid", &[&theta, &size], &how)]
    }),
    ("Col2Im", 18, |g| {
        let (columns, x) = (g.weight(&[1, 4, 9]), g.any());
        let x = g.put("ReduceMean", &[&x.name], &[("keepdims", Int(0))]);
        let columns = g.put("Mul", &[&columns, &x], &[]);
        let (image, block) = (g.ints(&[4, 4]), g.ints(&[2, 2]));
        vec![g.put("Col2Im", &[&columns, &image, &block], &[])]
    }),
    ("RoiAlign", 10, |g| {
        let x = image(g, |size| size > 2);
        let rois = Tensor::new([2, 4], vec![0.1, 0.2, 1.9, 2.3, 0.6, 0.3, 2.2, 1.7]).unwrap();
        let (rois, of) = (g.constant(rois), g.ints(&[0, x.dims[0] as i64 - 1]));
        let how = [
            ("mode", Text(g.dice.pick(&["avg", "max"]))),
            ("output_height", Int(2)),
            ("output_width", Int(1)),
            ("sampling_ratio", Int(2)),
        ];
        vec![g.put("RoiAlign", &[&x.name, &rois, &of], &how)]
    }),
];

fn scales(values: &[f32]) -> Tensor {
    Tensor::list(values.to_vec())
}

/// An image whose rows and columns are as many as asked for.
fn image(g: &mut Graph, fits: fn(usize) -> bool) -> Read {
    let x = g.of_rank(4);
    if x.dims[2..].iter().all(|&size| fits(size)) {
        return x;
    }
    let name = g.weight(&[1, 2, 4, 4]);
    let at = g.any();
    let mean = g.put("ReduceMean", &[&at.name], &[("keepdims", Int(0))]);
    Read { name: g.put("Add", &[&name, &mean], &[]), dims: vec![1, 2, 4, 4] }
}

fn global(g: &mut Graph, operator: &'static str) -> Vec<String> {
    let rank = 3 + g.dice.roll(2);
    let x = g.of_rank(rank);
    vec![g.put(operator, &[&x.name], &[])]
}

/// A window over some axes: its size, padding, strides and dilations.
struct Window {
    kernel: Vec<i64>,
    begins: Vec<i64>,
    ends: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
}

impl Window {
    /// One that fits an image, stretched where asked for.
    fn over(g: &mut Graph, sizes: &[usize], stretched: bool) -> Self {
        let mut window = Self {
            kernel: Vec::new(),
            begins: Vec::new(),
            ends: Vec::new(),
            strides: Vec::new(),
            dilations: Vec::new(),
        };
        for &size in sizes {
            let size = size as i64;
            let kernel = 1 + g.dice.roll(size.min(3) as usize) as i64;
            let fits = stretched && (kernel - 1) * 2 < size;
            window.dilations.push(if fits { 1 + g.dice.roll(2) as i64 } else { 1 });
            window.begins.push(if kernel > 1 { g.dice.roll(2) as i64 } else { 0 });
            window.ends.push(if kernel > 1 { g.dice.roll(2) as i64 } else { 0 });
            window.strides.push(1 + g.dice.roll(2) as i64);
            window.kernel.push(kernel);
        }
        window
    }

    fn attributes(&self, g: &mut Graph) -> Vec<(&'static str, Value)> {
        let mut how = vec![
            ("kernel_shape", Ints(self.kernel.clone())),
            ("strides", Ints(self.strides.clone())),
        ];
        if self.dilations.iter().any(|&dilation| dilation > 1) {
            how.push(("dilations", Ints(self.dilations.clone())));
        } else if g.dice.roll(4) == 0 {
            let way = g.dice.pick(&["SAME_UPPER", "SAME_LOWER", "VALID"]);
            how.push(("auto_pad", Text(way)));
            return how;
        }
        how.push(("pads", Ints([&self.begins[..], &self.ends[..]].concat())));
        how
    }
}

fn conv(g: &mut Graph) -> Vec<String> {
    let rank = 3 + g.dice.roll(3);
    let x = g.of_rank(rank);
    let window = Window::over(g, &x.dims[2..], true);
    let groups = if x.dims[1].is_multiple_of(2) { g.dice.pick(&[1, 2]) } else { 1 };
    let outputs = groups * (1 + g.dice.roll(2));
    let mut dims = vec![outputs, x.dims[1] / groups];
    dims.extend(window.kernel.iter().map(|&size| size as usize));
    let (w, b) = (g.weight(&dims), g.weight(&[outputs]));
    let mut how = window.attributes(g);
    how.push(("group", Int(groups as i64)));
    let count = 2 + g.dice.roll(2);
    vec![g.put("Conv", &[&*x.name, &*w, &*b][..count], &how)]
}

fn conv_transpose(g: &mut Graph) -> Vec<String> {
    let rank = 3 + g.dice.roll(2);
    let x = g.of_rank(rank);
    let mut window = Window::over(g, &x.dims[2..], true);
    // Something has to be left of what is cut off.
    for (axis, &size) in x.dims[2..].iter().enumerate() {
        if size == 1 {
            (window.begins[axis], window.ends[axis]) = (0, 0);
        }
    }
    let groups = if x.dims[1].is_multiple_of(2) { g.dice.pick(&[1, 2]) } else { 1 };
    let each = 1 + g.dice.roll(2);
    let mut dims = vec![x.dims[1], each];
    dims.extend(window.kernel.iter().map(|&size| size as usize));
    let (w, b) = (g.weight(&dims), g.weight(&[groups * each]));
    let mut how = vec![
        ("kernel_shape", Ints(window.kernel.clone())),
        ("strides", Ints(window.strides.clone())),
        ("dilations", Ints(window.dilations.clone())),
        ("pads", Ints([&window.begins[..], &window.ends[..]].concat())),
        ("group", Int(groups as i64)),
    ];
    if g.dice.coin() {
        let more = window.strides.iter().map(|&stride| stride - 1).collect();
        how.push(("output_padding", Ints(more)));
    }
    let count = 2 + g.dice.roll(2);
    vec![g.put("ConvTranspose", &[&*x.name, &*w, &*b][..count], &how)]
}

fn pool(g: &mut Graph, operator: &'static str) -> Vec<String> {
    let rank = 3 + g.dice.roll(3);
    let mut x = g.of_rank(rank);
    // Each operator learned to stretch its window in a set of its own.
    let stretched = match operator {
        "MaxPool" => g.opset >= 10,
        "AveragePool" => g.opset >= 19,
        _ => g.opset >= 18,
    };
    if operator == "LpPool" {
        // The root of a sum of squares has a kink at 0, where padding alone is read.
        x.name = g.above(&x.name, 0.2);
    }
    let window = Window::over(g, &x.dims[2..], stretched);
    let mut how = window.attributes(g);
    let rounds_up = match operator {
        "LpPool" => g.opset >= 18,
        _ => g.opset >= 10,
    };
    if rounds_up && how.last().is_some_and(|(name, _)| *name == "pads") && g.dice.coin() {
        how.push(("ceil_mode", Int(1)));
    }
    match operator {
        "AveragePool" => how.push(("count_include_pad", Int(g.dice.roll(2) as i64))),
        "LpPool" => how.push(("p", Int(1 + g.dice.roll(3) as i64))),
        _ => {}
    }
    vec![g.put(operator, &[&x.name], &how)]
}

fn resize(g: &mut Graph) -> Vec<String> {
    let x = g.of_rank(4);
    let mode = g.dice.pick(&["nearest", "linear", "cubic"]);
    let (up, down) = (g.dice.pick(&[1.0, 2.0, 1.5]), g.dice.pick(&[1.0, 0.6, 3.0]));
    // An axis keeps at least one element.
    let down = if x.dims[3] < 2 { 2.0 } else { down };
    if g.opset < 11 {
        let scales = g.constant(scales(&[1.0, 1.0, up, down]));
        let mode = if mode == "cubic" { "linear" } else { mode };
        return vec![g.put("Resize", &[&x.name, &scales], &[("mode", Text(mode))])];
    }
    let ways = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"];
    let mut how =
        vec![("mode", Text(mode)), ("coordinate_transformation_mode", Text(g.dice.pick(&ways)))];
    match mode {
        "nearest" => {
            let ways = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];
            how.push(("nearest_mode", Text(g.dice.pick(&ways))));
        }
        "cubic" => how.push(("exclude_outside", Int(g.dice.roll(2) as i64))),
        _ => {}
    }
    if g.opset >= 18 && mode != "nearest" && g.dice.roll(3) == 0 {
        how.push(("antialias", Int(1)));
    }
    let none = g.constant(scales(&[]));
    if g.dice.coin() {
        let sizes = [x.dims[0], x.dims[1], 3, 2].map(|size| size as i64);
        let (sizes, roi) = (g.ints(&sizes), none.clone());
        return vec![g.put("Resize", &[&x.name, &roi, &none, &sizes], &how)];
    }
    let scales = g.constant(scales(&[1.0, 1.0, up, down]));
    vec![g.put("Resize", &[&x.name, &none, &scales], &how)]
}
