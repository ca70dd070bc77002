//! Windows and scales that a forged file may ask for are answered, never with a panic.

mod cases;

use std::sync::Arc;

use modelward_engine::{Limits, Tensor};

use crate::cases::{Case, random};

/// Run a case that may fail; whether it ran.
fn answered(case: &Case) -> bool {
    let model = case.model(false);
    let ids = model.graph.inputs.iter().copied();
    let fed = ids.zip(case.inputs.iter().map(|tensor| Arc::new(tensor.clone()))).collect();
    let limits = Limits { memory: 64 << 20, flop: 100_000_000, ..Limits::default() };
    model.run(&fed, &limits).is_ok()
}

#[test]
fn sizes_out_of_range() {
    let odd = [i64::MIN, -1, 0, 1, 2, 3, 1 << 31, 1 << 32, 1 << 62, i64::MAX];
    let mut ran = 0;
    for operator in ["Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "MaxUnpool"] {
        let inputs = match operator {
            "Conv" | "ConvTranspose" => vec![random(1, &[1, 2, 5]), random(2, &[2, 2, 3])],
            "MaxUnpool" => {
                let indices = Tensor::new([1, 2, 5], vec![i64::MAX; 10]).unwrap();
                vec![random(1, &[1, 2, 5]), indices]
            }
            _ => vec![random(1, &[1, 2, 5])],
        };
        for name in
            ["strides", "dilations", "kernel_shape", "pads", "output_padding", "output_shape"]
        {
            for one in odd {
                for other in odd {
                    let values = if name == "pads" { vec![one, other] } else { vec![one] };
                    let mut case = Case::new(operator, inputs.clone()).ints(name, &values);
                    if name != "kernel_shape" {
                        case = case.ints("kernel_shape", &[3]);
                    }
                    let second = if name == "strides" { "dilations" } else { "strides" };
                    case = case.ints(second, &[other]);
                    ran += usize::from(answered(&case));
                }
            }
        }
        for group in odd {
            answered(&Case::new(operator, inputs.clone()).int("group", group));
        }
    }
    assert!(ran > 100);
}

#[test]
fn tensors_without_elements() {
    for dims in [[0, 2, 5], [1, 0, 5], [1, 2, 0], [0, 0, 0], [1 << 40, 0, 5], [1 << 40, 1, 0]] {
        if dims[0] > 1 && dims[1] == 1 {
            // Answered by memory alone.
            continue;
        }
        let x = || random(1, &dims);
        for operator in ["MaxPool", "AveragePool", "LpPool"] {
            for pads in [[0, 0], [3, 3]] {
                let case = Case::new(operator, vec![x()]).ints("kernel_shape", &[3]);
                answered(&case.ints("pads", &pads));
            }
        }
        for operator in ["GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"] {
            answered(&Case::new(operator, vec![x()]));
        }
        let w = random(2, &[2, dims[1], 3]);
        answered(&Case::new("Conv", vec![x(), w]));
        let w = random(2, &[dims[1], 2, 3]);
        answered(&Case::new("ConvTranspose", vec![x(), w]));
        let c = || random(3, &[dims[1]]);
        answered(&Case::new("BatchNormalization", vec![x(), c(), c(), c(), c()]));
        answered(&Case::new("InstanceNormalization", vec![x(), c(), c()]));
        for groups in [i64::MIN, -1, 0, 1, 2, i64::MAX] {
            let case = Case::new("GroupNormalization", vec![x(), c(), c()]);
            answered(&case.int("num_groups", groups));
        }
        for axis in [i64::MIN, -4, -1, 0, 2, 3, i64::MAX] {
            let case = Case::new("LayerNormalization", vec![x(), random(1, &[])]);
            answered(&case.outputs(3).int("axis", axis));
            answered(&Case::new("LRN", vec![x()]).int("size", axis));
            let case = Case::new("QuantizeLinear", vec![x(), random(1, &[2])]);
            answered(&case.clone().int("axis", axis));
            answered(&case.int("block_size", axis).int("axis", 1));
        }
    }
}
