//! Gradients of operators that move elements, attention, recurrent layers and interpolation, against
//! central differences.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod nodes;

use modelward_engine::Tensor;
use nodes::{
    Case,
    Value::{Float, Floats, Int, Ints, Text, Texts},
    ints, random,
};

#[test]
fn concat_and_split() {
    for axis in [0, 1, -1] {
        let (a, b) = match axis {
            0 => ([2, 3, 2], [1, 3, 2]),
            1 => ([2, 3, 2], [2, 1, 2]),
            _ => ([2, 3, 2], [2, 3, 4]),
        };
        Case::new(13)
            .input("a", random(&a, 1))
            .input("b", random(&b, 2))
            .node("Concat", &["a", "b", "a"], &["y"], &[("axis", Int(axis))])
            .check("Concat");
    }
    Case::new(13)
        .input("x", random(&[2, 5], 3))
        .constant("split", ints(&[1, 3, 1]))
        .node("Split", &["x", "split"], &["a", "b", "c"], &[("axis", Int(1))])
        .check("Split");
    Case::new(18)
        .input("x", random(&[5, 2], 3))
        .node("Split", &["x"], &["a", "b"], &[("num_outputs", Int(2))])
        .check("Split");
}

#[test]
fn slice() {
    for (starts, ends, axes, steps) in [
        ([1, 0], [4, 2], [0, 1], [1, 1]),
        ([-1, 0], [i64::MIN, 100], [0, 1], [-2, 2]),
        ([-3, 1], [i64::MAX, 3], [1, 0], [2, 1]),
        ([2, 3], [0, 0], [0, 1], [-1, -3]),
    ] {
        Case::new(13)
            .input("x", random(&[5, 4, 2], 4))
            .constant("starts", ints(&starts))
            .constant("ends", ints(&ends))
            .constant("axes", ints(&axes))
            .constant("steps", ints(&steps))
            .node("Slice", &["x", "starts", "ends", "axes", "steps"], &["y"], &[])
            .check("Slice");
    }
    Case::new(9)
        .input("x", random(&[5, 4], 5))
        .node(
            "Slice",
            &["x"],
            &["y"],
            &[("starts", Ints(vec![1, -3])), ("ends", Ints(vec![9, -1]))],
        )
        .check("Slice, attributes");
}

#[test]
fn pad() {
    for mode in ["constant", "edge", "reflect", "wrap"] {
        for pads in [[1, 0, 2, 3], [-1, 2, 1, -1], [0, 5, 4, 6]] {
            Case::new(19)
                .input("x", random(&[3, 4], 6))
                .input("value", random(&[1], 7))
                .constant("pads", ints(&pads))
                .node("Pad", &["x", "pads", "value"], &["y"], &[("mode", Text(mode))])
                .check(mode);
        }
        Case::new(19)
            .input("x", random(&[2, 3, 2], 6))
            .constant("pads", ints(&[1, 2]))
            .constant("axes", ints(&[-2]))
            .node("Pad", &["x", "pads", "", "axes"], &["y"], &[("mode", Text(mode))])
            .check(mode);
    }
}

#[test]
fn tile_and_center_crop_pad() {
    Case::new(13)
        .input("x", random(&[2, 3], 8))
        .constant("repeats", ints(&[3, 2]))
        .node("Tile", &["x", "repeats"], &["y"], &[])
        .check("Tile");
    for shape in [[2, 6], [7, 3], [5, 4]] {
        Case::new(18)
            .input("x", random(&[5, 4, 2], 9))
            .constant("shape", ints(&shape))
            .node("CenterCropPad", &["x", "shape"], &["y"], &[("axes", Ints(vec![0, 1]))])
            .check("CenterCropPad");
    }
}

#[test]
fn gather_and_scatter_nd() {
    let indices = |dims: &[usize], values: &[i64]| Tensor::new(dims, values.to_vec()).unwrap();
    Case::new(13)
        .input("x", random(&[3, 4, 2], 10))
        .constant("i", indices(&[4, 2], &[0, 1, 2, -1, 0, 1, 1, 0]))
        .node("GatherND", &["x", "i"], &["y"], &[])
        .check("GatherND");
    Case::new(13)
        .input("x", random(&[2, 4, 2], 11))
        .constant("i", indices(&[2, 3, 1], &[0, 3, 3, 1, 0, 1]))
        .node("GatherND", &["x", "i"], &["y"], &[("batch_dims", Int(1))])
        .check("GatherND, batch_dims");
    for reduction in ["none", "add"] {
        Case::new(16)
            .input("x", random(&[4, 2], 12))
            .input("u", random(&[2, 2], 13))
            .constant("i", indices(&[2, 1], &[3, 1]))
            .node("ScatterND", &["x", "i", "u"], &["y"], &[("reduction", Text(reduction))])
            .check("ScatterND");
    }
}

#[test]
fn blocks_sequences_and_caches() {
    for mode in ["DCR", "CRD"] {
        Case::new(13)
            .input("x", random(&[1, 12, 1, 2], 14))
            .node("DepthToSpace", &["x"], &["y"], &[("blocksize", Int(2)), ("mode", Text(mode))])
            .check("DepthToSpace");
        Case::new(28)
            .input("x", random(&[1, 3, 4, 2], 15))
            .node("SpaceToDepth", &["x"], &["y"], &[("blocksize", Int(2)), ("mode", Text(mode))])
            .check("SpaceToDepth");
    }
    Case::new(10)
        .input("x", random(&[4, 3, 2], 16))
        .constant("n", ints(&[4, 1, 3]))
        .node("ReverseSequence", &["x", "n"], &["y"], &[])
        .check("ReverseSequence");
    for mode in ["linear", "circular"] {
        Case::new(24)
            .input("cache", random(&[2, 4, 2], 17))
            .input("update", random(&[2, 2, 2], 18))
            .constant("at", ints(&[1, if mode == "circular" { 3 } else { 2 }]))
            .node("TensorScatter", &["cache", "update", "at"], &["y"], &[("mode", Text(mode))])
            .check("TensorScatter");
    }
}

#[test]
fn attention() {
    let whole = |outputs: usize| ["y", "k", "v", "qk"][..outputs].to_vec();
    for mode in 0..4 {
        Case::new(23)
            .input("q", random(&[2, 4, 3, 2], 20))
            .input("k", random(&[2, 2, 5, 2], 21))
            .input("v", random(&[2, 2, 5, 3], 22))
            .node(
                "Attention",
                &["q", "k", "v"],
                &["y", "pk", "pv", "qk"],
                &[("qk_matmul_output_mode", Int(mode)), ("softcap", Float(2.0))],
            )
            .check("Attention, grouped");
    }
    Case::new(23)
        .input("q", random(&[1, 3, 4], 23))
        .input("k", random(&[1, 3, 4], 24))
        .input("v", random(&[1, 3, 6], 25))
        .input("mask", random(&[3, 5], 26))
        .input("past_k", random(&[1, 2, 2, 2], 27))
        .input("past_v", random(&[1, 2, 2, 3], 28))
        .node(
            "Attention",
            &["q", "k", "v", "mask", "past_k", "past_v"],
            &["y", "pk", "pv"],
            &[
                ("q_num_heads", Int(2)),
                ("kv_num_heads", Int(2)),
                ("is_causal", Int(1)),
                ("scale", Float(0.7)),
            ],
        )
        .check("Attention, cache");
    let hidden = Tensor::new([2, 3], vec![false, false, false, true, false, true]).unwrap();
    Case::new(23)
        .input("q", random(&[1, 2, 2, 3], 29))
        .input("k", random(&[1, 2, 3, 3], 30))
        .input("v", random(&[1, 2, 3, 2], 31))
        .constant("mask", hidden)
        .node("Attention", &["q", "k", "v", "mask"], &whole(1), &[])
        .check("Attention, a query without keys");
}

#[test]
fn rotary_embedding() {
    for (interleaved, turned) in [(0, 0), (1, 0), (0, 2), (1, 2)] {
        let half = if turned == 0 { 2 } else { 1 };
        Case::new(23)
            .input("x", random(&[2, 2, 3, 4], 32))
            .constant("cos", random(&[6, half], 33))
            .constant("sin", random(&[6, half], 34))
            .constant("ids", Tensor::new([2, 3], vec![0_i64, 1, 2, 5, 4, 3]).unwrap())
            .node(
                "RotaryEmbedding",
                &["x", "cos", "sin", "ids"],
                &["y"],
                &[("interleaved", Int(interleaved)), ("rotary_embedding_dim", Int(turned))],
            )
            .check("RotaryEmbedding");
    }
}

#[test]
fn recurrent_layers() {
    for (operator, gates, parameters) in [("LSTM", 4, 3), ("GRU", 3, 2), ("RNN", 1, 1)] {
        for (direction, directions, layout) in
            [("forward", 1, 0), ("reverse", 1, 1), ("bidirectional", 2, 0), ("bidirectional", 2, 1)]
        {
            for linear in [0, 1] {
                let (steps, batch, inputs, hidden) = (3, 2, 2, 2);
                let state = if layout == 1 {
                    [batch, directions, hidden]
                } else {
                    [directions, batch, hidden]
                };
                let x = if layout == 1 { [batch, steps, inputs] } else { [steps, batch, inputs] };
                let mut case = Case::new(14)
                    .input("x", random(&x, 40))
                    .input("w", random(&[directions, gates * hidden, inputs], 41))
                    .input("r", random(&[directions, gates * hidden, hidden], 42))
                    .input("b", random(&[directions, 2 * gates * hidden], 43))
                    .constant("n", Tensor::list(vec![3_i32, 2]))
                    .input("h", random(&state, 44));
                let mut names = vec!["x", "w", "r", "b", "n", "h"];
                let mut outputs = vec!["y", "yh"];
                let mut attributes = vec![
                    ("hidden_size", Int(hidden as i64)),
                    ("direction", Text(direction)),
                    ("layout", Int(layout)),
                ];
                match operator {
                    "LSTM" => {
                        case = case
                            .input("c", random(&state, 45))
                            .input("p", random(&[directions, 3 * hidden], 46));
                        names.extend(["c", "p"]);
                        outputs.push("yc");
                        attributes.push(("input_forget", Int(linear)));
                    }
                    "GRU" => attributes.push(("linear_before_reset", Int(linear))),
                    _ if linear == 1 => {
                        attributes.push(("activations", Texts(vec!["Affine"; directions])));
                        attributes.push(("activation_alpha", Floats(vec![0.5; directions])));
                        attributes.push(("activation_beta", Floats(vec![0.1; directions])));
                    }
                    _ => {}
                }
                if linear == 1 && parameters > 1 {
                    attributes.push(("clip", Float(0.8)));
                }
                case.node(operator, &names, &outputs, &attributes)
                    .check(&format!("{operator} {direction} {layout} {linear}"));
            }
        }
    }
}

#[test]
fn resize() {
    let modes = ["nearest", "linear", "cubic"];
    let coordinates = [
        "half_pixel",
        "half_pixel_symmetric",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
        "tf_crop_and_resize",
    ];
    for mode in modes {
        for coordinates in coordinates {
            for (scales, antialias) in [([1.7, 2.3], 0), ([0.4, 0.7], 0), ([0.4, 1.5], 1)] {
                if antialias == 1 && mode == "nearest" {
                    continue;
                }
                Case::new(19)
                    .input("x", random(&[2, 5, 4], 50))
                    .constant("roi", Tensor::list(vec![0.1_f32, -0.1, 0.9, 1.2]))
                    .constant(
                        "scales",
                        Tensor::list(scales.to_vec()).cast(modelward_engine::Element::F32).unwrap(),
                    )
                    .node(
                        "Resize",
                        &["x", "roi", "scales"],
                        &["y"],
                        &[
                            ("mode", Text(mode)),
                            ("coordinate_transformation_mode", Text(coordinates)),
                            ("antialias", Int(antialias)),
                            ("axes", Ints(vec![1, 2])),
                            ("exclude_outside", Int(i64::from(mode == "cubic"))),
                            ("extrapolation_value", Float(3.0)),
                        ],
                    )
                    .check(&format!("Resize {mode} {coordinates}"));
            }
        }
    }
    Case::new(9)
        .input("x", random(&[1, 1, 2, 3], 51))
        .constant("scales", Tensor::list(vec![1.0_f32, 1.0, 2.0, 3.0]))
        .node("Upsample", &["x", "scales"], &["y"], &[("mode", Text("linear"))])
        .check("Upsample");
}

#[test]
fn grids_and_columns() {
    for align in [0, 1] {
        Case::new(20)
            .input("theta", random(&[2, 2, 3], 60))
            .constant("size", ints(&[2, 1, 3, 4]))
            .node("AffineGrid", &["theta", "size"], &["y"], &[("align_corners", Int(align))])
            .check("AffineGrid");
        for mode in ["nearest", "linear", "cubic"] {
            for padding in ["zeros", "border", "reflection"] {
                let grid = random(&[2, 2, 3, 2], 61);
                let grid =
                    grid.values::<f64>().unwrap().iter().map(|x| x * 1.9).collect::<Vec<_>>();
                Case::new(20)
                    .input("x", random(&[2, 2, 4, 3], 62))
                    .input("grid", Tensor::new([2, 2, 3, 2], grid).unwrap())
                    .node(
                        "GridSample",
                        &["x", "grid"],
                        &["y"],
                        &[
                            ("mode", Text(mode)),
                            ("padding_mode", Text(padding)),
                            ("align_corners", Int(align)),
                        ],
                    )
                    .check(&format!("GridSample {mode} {padding} {align}"));
            }
        }
    }
    Case::new(18)
        .input("x", random(&[1, 8, 6], 63))
        .constant("image", ints(&[4, 5]))
        .constant("block", ints(&[2, 2]))
        .node(
            "Col2Im",
            &["x", "image", "block"],
            &["y"],
            &[
                ("strides", Ints(vec![2, 1])),
                ("dilations", Ints(vec![1, 3])),
                ("pads", Ints(vec![1, 0, 0, 1])),
            ],
        )
        .check("Col2Im");
}

#[test]
fn fourier_and_regions() {
    for (dims, axis, length, inverse, onesided) in [
        ([2, 6, 1], 1, 6, 0, 0),
        ([2, 6, 1], 1, 6, 0, 1),
        ([2, 5, 1], 1, 7, 0, 1),
        ([2, 9, 2], 1, 9, 0, 0),
        ([2, 5, 2], 1, 4, 1, 0),
        ([2, 4, 2], 1, 6, 1, 1),
        ([2, 4, 2], 1, 7, 1, 1),
        ([4, 2, 2], 0, 4, 1, 0),
    ] {
        Case::new(20)
            .input("x", random(&dims, 70))
            .constant("n", Tensor::scalar(length))
            .constant("axis", Tensor::scalar(axis))
            .node(
                "DFT",
                &["x", "n", "axis"],
                &["y"],
                &[("inverse", Int(inverse)), ("onesided", Int(onesided))],
            )
            .check(&format!("DFT {dims:?} {length} {inverse} {onesided}"));
    }
    for (parts, onesided) in [(1, 1), (1, 0), (2, 0)] {
        Case::new(17)
            .input("x", random(&[2, 11, parts], 71))
            .constant("step", Tensor::scalar(2_i64))
            .constant("window", random(&[5], 72))
            .node("STFT", &["x", "step", "window"], &["y"], &[("onesided", Int(onesided))])
            .check("STFT");
    }
    let regions = Tensor::new([2, 4], vec![0.4, 0.7, 3.1, 2.9, 1.2, -0.6, 4.3, 3.8]).unwrap();
    for mode in ["avg", "max"] {
        for ratio in [0, 2] {
            Case::new(16)
                .input("x", random(&[2, 2, 4, 5], 73))
                .constant("regions", regions.clone())
                .constant("images", ints(&[1, 0]))
                .node(
                    "RoiAlign",
                    &["x", "regions", "images"],
                    &["y"],
                    &[
                        ("mode", Text(mode)),
                        ("sampling_ratio", Int(ratio)),
                        ("output_height", Int(2)),
                        ("output_width", Int(3)),
                    ],
                )
                .check(&format!("RoiAlign {mode} {ratio}"));
        }
    }
}

#[test]
fn free_batches() {
    for axis in [0, 1] {
        Case::new(13)
            .input("a", random(&[2, 3], 80))
            .input("b", random(&[2, 3], 81))
            .node("Concat", &["a", "b"], &["y"], &[("axis", Int(axis))])
            .check_free("Concat");
    }
    Case::new(13)
        .input("x", random(&[2, 5], 82))
        .constant("split", ints(&[1, 4]))
        .node("Split", &["x", "split"], &["a", "b"], &[("axis", Int(1))])
        .check_free("Split");
    Case::new(13)
        .input("x", random(&[2, 5, 3], 83))
        .constant("starts", ints(&[1, 0]))
        .constant("ends", ints(&[4, i64::MAX]))
        .constant("axes", ints(&[1, 0]))
        .node("Slice", &["x", "starts", "ends", "axes"], &["y"], &[])
        .check_free("Slice");
    for mode in ["constant", "reflect"] {
        Case::new(19)
            .input("x", random(&[2, 4, 3], 84))
            .constant("pads", ints(&[0, 1, 2, 0, -1, 1]))
            .node("Pad", &["x", "pads"], &["y"], &[("mode", Text(mode))])
            .check_free("Pad");
    }
    Case::new(13)
        .input("x", random(&[2, 3], 85))
        .constant("repeats", ints(&[2, 3]))
        .node("Tile", &["x", "repeats"], &["y"], &[])
        .check_free("Tile");
    Case::new(18)
        .input("x", random(&[2, 5, 4], 86))
        .constant("shape", ints(&[3, 6]))
        .node("CenterCropPad", &["x", "shape"], &["y"], &[("axes", Ints(vec![1, 2]))])
        .check_free("CenterCropPad");
    Case::new(13)
        .input("x", random(&[4, 3], 87))
        .constant("i", Tensor::new([3, 1], vec![0_i64, 2, 2]).unwrap())
        .node("GatherND", &["x", "i"], &["y"], &[])
        .check_free("GatherND");
    Case::new(13)
        .input("x", random(&[2, 12, 2, 2], 88))
        .node("DepthToSpace", &["x"], &["y"], &[("blocksize", Int(2)), ("mode", Text("CRD"))])
        .check_free("DepthToSpace");
    Case::new(23)
        .input("q", random(&[2, 4, 3, 2], 89))
        .input("k", random(&[2, 2, 5, 2], 90))
        .input("v", random(&[2, 2, 5, 3], 91))
        .node("Attention", &["q", "k", "v"], &["y"], &[("is_causal", Int(1))])
        .check_free("Attention");
    Case::new(23)
        .input("q", random(&[2, 3, 4], 92))
        .input("k", random(&[2, 3, 4], 93))
        .input("v", random(&[2, 3, 4], 94))
        .node(
            "Attention",
            &["q", "k", "v"],
            &["y"],
            &[("q_num_heads", Int(2)), ("kv_num_heads", Int(2))],
        )
        .check_free("Attention, flat");
    Case::new(14)
        .input("x", random(&[4, 2, 3], 95))
        .constant("w", random(&[1, 8, 3], 96))
        .constant("r", random(&[1, 8, 2], 97))
        .node("LSTM", &["x", "w", "r"], &["y", "yh"], &[("hidden_size", Int(2))])
        .check_free("LSTM");
    Case::new(19)
        .input("x", random(&[2, 4, 5], 98))
        .constant("scales", Tensor::list(vec![1.0_f32, 2.0, 1.5]))
        .node("Resize", &["x", "", "scales"], &["y"], &[("mode", Text("linear"))])
        .check_free("Resize");
}
