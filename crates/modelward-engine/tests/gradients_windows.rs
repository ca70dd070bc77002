//! Convolutions, pools, normalisations and quantised operators against central differences.

mod cases;

use modelward_engine::{Element, Tensor};

use crate::cases::{Case, Value, check, check_fixed, positive, random};

fn conv(x: &[usize], w: &[usize], bias: bool) -> Case {
    let mut inputs = vec![random(1, x), random(2, w)];
    if bias {
        inputs.push(random(3, &w[..1]));
    }
    Case::new("Conv", inputs)
}

#[test]
fn convolutions() {
    for case in [
        conv(&[2, 3, 9], &[4, 3, 3], true),
        conv(&[2, 3, 9], &[4, 3, 4], false).ints("strides", &[3]).ints("pads", &[2, 1]),
        conv(&[1, 2, 6, 7], &[3, 2, 3, 2], true).ints("strides", &[2, 3]),
        conv(&[2, 4, 6, 5], &[6, 2, 3, 3], true).int("group", 2).ints("pads", &[1, 0, 2, 1]),
        conv(&[2, 4, 8, 9], &[4, 1, 2, 3], false)
            .int("group", 4)
            .ints("dilations", &[2, 3])
            .ints("strides", &[2, 1]),
        conv(&[1, 2, 7, 8], &[2, 2, 3, 3], false)
            .with("auto_pad", Value::Text("SAME_UPPER"))
            .ints("strides", &[2, 3]),
        conv(&[1, 2, 7, 8], &[2, 2, 2, 4], false)
            .with("auto_pad", Value::Text("SAME_LOWER"))
            .ints("strides", &[3, 2]),
        conv(&[1, 1, 9, 9], &[1, 1, 1, 1], true).ints("strides", &[4, 3]),
        conv(&[1, 2, 4, 5, 6], &[2, 1, 2, 3, 2], true)
            .int("group", 2)
            .ints("strides", &[1, 2, 3])
            .ints("dilations", &[2, 1, 2])
            .ints("pads", &[1, 1, 0, 0, 2, 1]),
    ] {
        check(&case.twice());
    }
}

#[test]
fn transposed_convolutions() {
    let case = |x: &[usize], w: &[usize], channels: usize| {
        Case::new("ConvTranspose", vec![random(1, x), random(2, w), random(3, &[channels])])
    };
    for case in [
        case(&[2, 3, 5], &[3, 2, 3], 2),
        case(&[1, 4, 3, 4], &[4, 3, 3, 2], 6)
            .int("group", 2)
            .ints("strides", &[2, 3])
            .ints("output_padding", &[1, 2]),
        case(&[2, 2, 3, 4], &[2, 2, 3, 4], 2)
            .ints("strides", &[2, 1])
            .ints("dilations", &[2, 3])
            .ints("pads", &[1, 0, 2, 1]),
        case(&[1, 1, 3, 3], &[1, 2, 3, 3], 2)
            .ints("strides", &[3, 2])
            .ints("output_shape", &[10, 8]),
        case(&[1, 1, 3, 3], &[1, 2, 3, 3], 2)
            .ints("strides", &[2, 2])
            .with("auto_pad", Value::Text("SAME_UPPER")),
        case(&[1, 2, 2, 3, 2], &[2, 1, 2, 2, 3], 1).ints("strides", &[2, 1, 2]),
    ] {
        check(&case.twice());
    }
}

#[test]
fn pools() {
    for operator in ["MaxPool", "AveragePool", "LpPool"] {
        let case = |x: &[usize], kernel: &[i64]| {
            let case = Case::new(operator, vec![random(4, x)]).ints("kernel_shape", kernel);
            if operator == "LpPool" { case } else { case.twice() }
        };
        for case in [
            case(&[2, 3, 9], &[3]).ints("strides", &[2]),
            case(&[2, 2, 6, 7], &[3, 2]),
            case(&[1, 2, 6, 7], &[3, 2]).ints("strides", &[2, 3]).ints("pads", &[1, 0, 2, 1]),
            case(&[1, 2, 7, 8], &[2, 3]).ints("strides", &[3, 2]).int("ceil_mode", 1),
            case(&[1, 2, 9, 8], &[2, 3]).ints("dilations", &[2, 3]).ints("pads", &[1, 2, 0, 1]),
            case(&[1, 2, 7, 8], &[3, 3])
                .ints("strides", &[2, 3])
                .with("auto_pad", Value::Text("SAME_LOWER")),
            case(&[1, 1, 4, 5, 6], &[2, 3, 2]).ints("strides", &[1, 2, 2]),
        ] {
            check(&case);
        }
    }
    for ceil in [0, 1] {
        check(
            &Case::new("AveragePool", vec![random(4, &[2, 2, 6, 7])])
                .ints("kernel_shape", &[3, 2])
                .ints("strides", &[2, 3])
                .ints("pads", &[1, 0, 2, 1])
                .int("count_include_pad", 1)
                .int("ceil_mode", ceil)
                .twice(),
        );
    }
    for p in [1, 2, 3, 5] {
        let x = random(5, &[2, 2, 6, 7]);
        check(&Case::new("LpPool", vec![x.clone()]).ints("kernel_shape", &[3, 2]).int("p", p));
        check(&Case::new("GlobalLpPool", vec![x]).int("p", p));
    }
    check(&Case::new("GlobalAveragePool", vec![random(6, &[2, 3, 4, 5])]).twice());
    check(&Case::new("GlobalMaxPool", vec![random(6, &[2, 3, 4, 5])]));
}

#[test]
fn ties_go_to_the_first() {
    // Two windows over equal elements: each gives to the first of its own.
    let x = Tensor::new([1, 1, 3], vec![1.0_f64; 3]).unwrap();
    let model = Case::new("MaxPool", vec![x.clone()]).ints("kernel_shape", &[2]).model(false);
    let fed = vec![(model.graph.inputs[0], std::sync::Arc::new(x))];
    let limits = modelward_engine::Limits::default();
    let derivative = model
        .derivative(
            &modelward_engine::feed::By::Inputs,
            &modelward_engine::feed::Objective::Seeds(vec!["o0".into()]),
            Some(&fed),
            false,
            &limits,
        )
        .unwrap();
    let mut all = fed.clone();
    let seed = Tensor::new([1, 1, 2], vec![3.0_f64, 5.0]).unwrap();
    all.push((derivative.seeds[0].1, std::sync::Arc::new(seed)));
    let meter = modelward_engine::Meter::new(limits);
    let got = modelward_engine::exec::evaluate(&derivative.graph, &all, &meter).unwrap();
    assert_eq!(got.last().unwrap().values::<f64>().unwrap(), [3.0, 5.0, 0.0]);
}

#[test]
fn unpooling() {
    let indices = Tensor::new([1, 1, 2, 2], vec![5_i64, 7, 13, 15]).unwrap();
    let case = Case::new("MaxUnpool", vec![random(1, &[1, 1, 2, 2]), indices]);
    let case = case.ints("kernel_shape", &[2, 2]).ints("strides", &[2, 2]).twice();
    check_fixed(&case);
}

#[test]
fn batch_normalization() {
    for dims in [&[3, 4][..], &[2, 3, 5], &[2, 3, 4, 5]] {
        let channel = &dims[1..2];
        let inputs = vec![
            random(1, dims),
            random(2, channel),
            random(3, channel),
            random(4, channel),
            positive(5, channel),
        ];
        check(&Case::new("BatchNormalization", inputs.clone()).twice());
        let train = Case::new("BatchNormalization", inputs).by(&[0, 1, 2]).outputs(3);
        check(&train.int("training_mode", 1).twice());
    }
    let each = |seed| random(seed, &[3, 2]);
    let inputs = vec![random(1, &[4, 3, 2]), each(2), each(3), each(4), positive(5, &[3, 2])];
    check(&Case::new("BatchNormalization", inputs).opset(7).int("spatial", 0));
}

#[test]
fn normalizations() {
    let x = random(1, &[2, 4, 3, 5]);
    // Second derivatives are written with a root.
    let rooted = Case::new("Sqrt", vec![x.clone()]).read(false).is_ok();
    let check = |case: &Case| check(&if rooted { case.clone().twice() } else { case.clone() });
    let channels = || vec![x.clone(), random(2, &[4]), random(3, &[4])];
    check(&Case::new("InstanceNormalization", channels()));
    check(&Case::new("GroupNormalization", channels()).int("num_groups", 2));
    let groups = vec![x.clone(), random(2, &[2]), random(3, &[2])];
    check(&Case::new("GroupNormalization", groups).int("num_groups", 2).opset(18));
    for (axis, dims) in [(-1, &[5][..]), (2, &[3, 5]), (1, &[4, 3, 5]), (-1, &[1]), (2, &[3, 1])] {
        let inputs = vec![x.clone(), random(2, dims), random(3, dims)];
        check(&Case::new("LayerNormalization", inputs.clone()).int("axis", axis).outputs(3));
        check(&Case::new("RMSNormalization", inputs[..2].to_vec()).int("axis", axis));
    }
    for size in [1, 2, 3, 5] {
        let case = Case::new("LRN", vec![random(1, &[2, 6, 3, 2])]).int("size", size);
        cases::check(&case.with("alpha", Value::Float(0.7)).with("bias", Value::Float(1.5)));
    }
}

#[test]
fn quantised() {
    let levels = |dims: &[usize], element| {
        let values = random(1, dims);
        let values = values.values::<f64>().unwrap().iter().map(|x| x * 100.0 + 120.0);
        let values = values.collect::<Vec<_>>();
        Tensor::new(dims, values).unwrap().cast(element).unwrap()
    };
    let x = levels(&[2, 3, 4], Element::U8);
    check(&Case::new("DequantizeLinear", vec![x.clone(), positive(2, &[])]));
    let zero = levels(&[3], Element::U8);
    check(&Case::new("DequantizeLinear", vec![x, positive(2, &[3]), zero]));
}

#[test]
fn products_of_the_optimiser() {
    for (turn_a, turn_b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let turned = |turn: i64, rows, columns| match turn {
            0 => [rows, columns],
            _ => [columns, rows],
        };
        let (a, b) = (turned(turn_a, 3, 4), turned(turn_b, 4, 5));
        let inputs = vec![random(1, &[2, a[0], a[1]]), random(2, &b)];
        let case = Case::new("FusedMatMul", inputs).of("com.microsoft");
        let case = case.int("transA", turn_a).int("transB", turn_b);
        check(&case.with("alpha", Value::Float(0.5)).twice());
    }
    check(&Case::new("QuickGelu", vec![random(1, &[2, 5])]).of("com.microsoft"));
    let inputs = [random(1, &[2, 3, 5]), random(2, &[2, 3, 5]), random(3, &[5]), random(4, &[5])];
    check_fixed(&Case::new("SkipLayerNormalization", inputs.to_vec()).of("com.microsoft"));
}
