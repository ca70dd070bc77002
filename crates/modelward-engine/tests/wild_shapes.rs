//! Whatever shapes and attributes a node has, it is run or refused, and nothing panics.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(clippy::cast_possible_truncation, clippy::arithmetic_side_effects, reason = "a test")]

mod nodes;

use modelward_engine::{Element, Tensor};
use nodes::{
    Case,
    Value::{self, Float, Floats, Int, Ints, Text, Texts},
    random,
};

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) as usize % most
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }

    fn int(&mut self) -> i64 {
        const WILD: [i64; 8] = [i64::MIN, i64::MAX, 1 << 62, -(1 << 40), 1 << 33, 1000, -100, 17];
        if self.roll(12) == 0 {
            self.pick(&WILD)
        } else {
            self.pick(&[0, 1, 1, 2, 2, 3, -1, -2, 4])
        }
    }

    fn ints(&mut self) -> Vec<i64> {
        (0..self.roll(5)).map(|_| self.int()).collect()
    }

    fn dims(&mut self) -> Vec<usize> {
        let rank = self.pick(&[0, 1, 2, 3, 3, 3, 4, 4, 4, 4, 5]);
        (0..rank).map(|_| self.pick(&[2, 2, 2, 2, 2, 2, 2, 2, 0, 1, 1, 3, 4])).collect()
    }

    fn tensor(&mut self) -> Tensor {
        match self.roll(8) {
            0..4 => random(&self.dims(), self.0),
            4 => Tensor::list(self.ints()),
            5 => Tensor::scalar(self.int()),
            6 => {
                let dims = self.dims();
                let count = dims.iter().product();
                Tensor::new(dims, (0..count).map(|_| self.int()).collect::<Vec<_>>()).unwrap()
            }
            _ => random(&self.dims(), self.0)
                .cast(self.pick(&[Element::F32, Element::Bool]))
                .unwrap(),
        }
    }

    fn value(&mut self) -> Value {
        match self.roll(6) {
            0..3 => Int(self.int()),
            3 => Float(self.pick(&[0.0, 1.0, -1.0, f32::NAN, f32::INFINITY, 1e30, 0.5])),
            4 => Ints(self.ints()),
            _ => Floats(vec![1.0; self.roll(4)]),
        }
    }
}

/// Operators, their attributes, and the texts that these may be.
type Wild = &'static [(&'static str, &'static [(&'static str, &'static [&'static str])])];

const ATTRIBUTES: Wild = &[
    ("Concat", &[("axis", &[])]),
    ("Slice", &[]),
    ("Split", &[("axis", &[]), ("num_outputs", &[])]),
    ("Pad", &[("mode", &["constant", "edge", "reflect", "wrap"])]),
    ("Tile", &[]),
    ("GatherND", &[("batch_dims", &[])]),
    ("ScatterND", &[("reduction", &["none", "add", "mul", "max"])]),
    ("DepthToSpace", &[("blocksize", &[]), ("mode", &["DCR", "CRD"])]),
    ("SpaceToDepth", &[("blocksize", &[]), ("mode", &["DCR", "CRD"])]),
    ("NonZero", &[]),
    ("Compress", &[("axis", &[])]),
    ("Unique", &[("axis", &[]), ("sorted", &[])]),
    ("ReverseSequence", &[("batch_axis", &[]), ("time_axis", &[])]),
    ("CenterCropPad", &[("axes", &[])]),
    ("TensorScatter", &[("axis", &[]), ("mode", &["linear", "circular"])]),
    (
        "Attention",
        &[
            ("is_causal", &[]),
            ("q_num_heads", &[]),
            ("kv_num_heads", &[]),
            ("softcap", &[]),
            ("left_window_size", &[]),
            ("qk_matmul_output_mode", &[]),
        ],
    ),
    ("RotaryEmbedding", &[("num_heads", &[]), ("rotary_embedding_dim", &[]), ("interleaved", &[])]),
    ("LSTM", &[("direction", &["forward", "bidirectional"]), ("layout", &[]), ("clip", &[])]),
    ("GRU", &[("direction", &["forward", "reverse"]), ("linear_before_reset", &[])]),
    ("RNN", &[("direction", &["forward", "reverse"]), ("layout", &[])]),
    (
        "Resize",
        &[
            ("mode", &["nearest", "linear", "cubic"]),
            ("antialias", &[]),
            ("axes", &[]),
            ("exclude_outside", &[]),
            (
                "coordinate_transformation_mode",
                &["half_pixel", "align_corners", "tf_crop_and_resize", "half_pixel_symmetric"],
            ),
            ("keep_aspect_ratio_policy", &["stretch", "not_larger", "not_smaller"]),
        ],
    ),
    ("AffineGrid", &[("align_corners", &[])]),
    (
        "GridSample",
        &[
            ("mode", &["nearest", "linear", "cubic"]),
            ("padding_mode", &["zeros", "border", "reflection"]),
            ("align_corners", &[]),
        ],
    ),
    (
        "RoiAlign",
        &[
            ("mode", &["avg", "max"]),
            ("output_height", &[]),
            ("output_width", &[]),
            ("sampling_ratio", &[]),
            ("spatial_scale", &[]),
        ],
    ),
    ("Col2Im", &[("dilations", &[]), ("pads", &[]), ("strides", &[])]),
    ("NonMaxSuppression", &[("center_point_box", &[])]),
    ("DFT", &[("inverse", &[]), ("onesided", &[])]),
    ("STFT", &[("onesided", &[])]),
    ("Loop", &[]),
    ("Scan", &[("num_scan_inputs", &[])]),
    ("If", &[]),
];

#[test]
fn whatever_a_node_says() {
    const TIMES: usize = 400;
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut dice = Dice(0x1234_5678_9ABC_DEF1);
    let mut ran = 0;
    for (operator, attributes) in ATTRIBUTES {
        for _ in 0..TIMES {
            let mut case = Case::new(24);
            let count = 1 + dice.roll(5);
            for name in &NAMES[..count] {
                let tensor = dice.tensor();
                case = match *name == "a" && tensor.element() == Element::F64 {
                    true => case.input(name, tensor),
                    false => case.constant(name, tensor),
                };
            }
            let mut given = Vec::new();
            for (name, texts) in *attributes {
                if dice.roll(3) > 0 {
                    let value = match dice.roll(10) {
                        0 => dice.value(),
                        1 if texts.is_empty() => Texts(vec!["Relu"; dice.roll(4)]),
                        _ if texts.is_empty() && *name == "axes" => Ints(dice.ints()),
                        _ if texts.is_empty() => Int(dice.int()),
                        _ => Text(dice.pick(texts)),
                    };
                    given.push((*name, value));
                }
            }
            let outputs = &["u", "v", "w"][..1 + dice.roll(3)];
            let case = case.node(operator, &NAMES[..count], outputs, &given);
            ran += usize::from(case.attempt().is_ok());
        }
    }
    // Not all is refused.
    assert!(ran > 200, "{ran} ran");
}
