use super::*;

/// Numbers that repeat for each seed, between -1 and 1.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A sum of products as the kernels make it.
fn chained(k: usize, of: impl Fn(usize) -> (f32, f32)) -> f32 {
    let mut total: Option<f32> = None;
    for from in (0..k).step_by(gemm::DEEP) {
        let part = (from..k.min(from + gemm::DEEP)).fold(0.0_f32, |sum, at| {
            let (a, b) = of(at);
            a.mul_add(b, sum)
        });
        total = Some(total.map_or(part, |total| total + part));
    }
    total.unwrap_or(0.0)
}

fn buffer(values: &[f32]) -> Buffer {
    let mut buffer = Buffer::zeros(values.len());
    buffer.floats_mut().copy_from_slice(values);
    buffer
}

fn here() -> impl Iterator<Item = Cpu> {
    [Cpu::Scalar, Cpu::Avx2, Cpu::Avx512, Cpu::Neon].into_iter().filter(|cpu| cpu.is_here())
}

#[test]
fn a_product_is_the_chain_of_its_definition_on_every_instruction_set() {
    for (m, k, n, bend) in [
        (1, 1, 1, Bend::Relu),
        (3, 300, 33, Bend::Relu),
        (13, 7, 10, Bend::Leaky(0.3)),
        (25, 513, 70, Bend::Clip(-0.3, 0.6)),
        (2, 256, 32, Bend::Leaky(-0.5)),
    ] {
        let (x, w, bias) = (numbers(1, m * k), numbers(2, k * n), numbers(3, n));
        let mut expected = vec![0.0_f32; m * n];
        for row in 0..m {
            for column in 0..n {
                let sum = chained(k, |at| (x[row * k + at], w[at * n + column]));
                expected[row * n + column] = bend.of(sum + bias[column]);
            }
        }
        for cpu in here() {
            let panels = Panels::pack(cpu, k, n, |at, column| w[at * n + column]);
            let mut y = vec![0.0; m * n];
            let mut room = vec![0.0; multiply_scratch(cpu, m)];
            let end = Epilogue { bias: Some(&bias), bend: Some(bend), ..Epilogue::default() };
            multiply(cpu, m, &x, &panels, &mut y, end, &mut room);
            assert_eq!(y, expected, "{cpu:?} {m} {k} {n}");
        }
    }
}

/// A convolution by its definition, each sum as the kernels make it; the input, the weights and the
/// bias with it.
fn convolved(images: usize, window: &Window, outputs: usize) -> [Vec<f32>; 4] {
    let Window { channels, groups, input, kernel, strides, dilations, pads, output, .. } = *window;
    let (inner, taps) = (channels / groups, kernel[0] * kernel[1]);
    let x = numbers(5, images * channels * input[0] * input[1]);
    let w = numbers(6, outputs * inner * taps);
    let bias = numbers(7, outputs);
    let mut expected = Vec::new();
    for image in 0..images {
        for out in 0..outputs {
            let group = out / (outputs / groups);
            for (row, column) in (0..output[0]).flat_map(|r| (0..output[1]).map(move |c| (r, c))) {
                let sum = chained(inner * taps, |index| {
                    let (channel, tap) = (index / taps, index % taps);
                    let at = |axis: usize, place: usize, tap: usize| {
                        let at = (place * strides[axis] + tap * dilations[axis]) as isize;
                        let at = usize::try_from(at - pads[axis]);
                        at.ok().filter(|&at| at < input[axis])
                    };
                    let weight = w[(out * inner + channel) * taps + tap];
                    let channel = image * channels + group * inner + channel;
                    let value = match (at(0, row, tap / kernel[1]), at(1, column, tap % kernel[1]))
                    {
                        (Some(r), Some(c)) => x[(channel * input[0] + r) * input[1] + c],
                        _ => 0.0,
                    };
                    (weight, value)
                });
                expected.push(sum + bias[out]);
            }
        }
    }
    [x, w, bias, expected]
}

#[test]
fn a_convolution_is_the_chain_of_its_definition_on_every_instruction_set() {
    let cases = [
        // images, channels, outputs, groups, input, kernel, strides, dilations, pads
        (2, 3, 5, 1, [9, 7], [3, 3], [1, 1], [1, 1], [1, 1]),
        (3, 4, 14, 1, [4, 4], [3, 3], [1, 1], [1, 1], [1, 1]),
        (1, 32, 40, 1, [14, 14], [3, 3], [1, 1], [1, 1], [1, 1]),
        (2, 6, 4, 2, [11, 12], [3, 2], [2, 3], [2, 1], [2, 0]),
        (2, 5, 13, 1, [6, 6], [1, 1], [1, 1], [1, 1], [0, 0]),
        (2, 8, 8, 8, [10, 10], [3, 3], [2, 2], [1, 1], [1, 1]),
        (2, 3, 20, 1, [6, 37], [3, 3], [1, 1], [1, 1], [1, 1]),
        (3, 30, 2, 1, [9, 28], [3, 3], [2, 1], [1, 1], [1, 1]),
        (2, 2, 3, 1, [8, 8], [3, 3], [1, 1], [1, 1], [-1, -2]),
        // Rows of half a vector or a quarter of one, also where no whole number of images fills one.
        (5, 3, 14, 1, [8, 8], [3, 3], [1, 1], [1, 1], [1, 1]),
        (3, 30, 17, 1, [5, 7], [3, 3], [1, 1], [1, 1], [1, 1]),
        (7, 6, 8, 2, [3, 4], [3, 3], [1, 1], [1, 1], [1, 1]),
        (1, 4, 4, 1, [1, 3], [1, 3], [1, 1], [1, 1], [0, 1]),
        // Strides, whose columns are padded in phases.
        (3, 4, 14, 1, [16, 16], [3, 3], [2, 2], [1, 1], [1, 1]),
        (2, 5, 9, 1, [17, 33], [3, 3], [2, 2], [1, 1], [1, 1]),
        (3, 7, 13, 1, [8, 8], [1, 1], [2, 2], [1, 1], [0, 0]),
        (2, 3, 5, 1, [9, 47], [3, 5], [1, 3], [1, 2], [1, 2]),
        (2, 3, 5, 1, [9, 48], [3, 2], [2, 3], [1, 1], [-1, -4]),
        (2, 4, 6, 2, [6, 32], [2, 2], [4, 4], [1, 1], [3, 3]),
    ];
    for (images, channels, outputs, groups, input, kernel, strides, dilations, pads) in cases {
        let output: [usize; 2] = std::array::from_fn(|axis| {
            let padded = (input[axis] as isize + 2 * pads[axis]) as usize;
            (padded - (kernel[axis] - 1) * dilations[axis] - 1) / strides[axis] + 1
        });
        let window = Window {
            channels,
            groups,
            input,
            kernel,
            strides,
            dilations,
            pads,
            output,
            target: output,
            offset: [0, 0],
            spread: [1, 1],
        };
        let [x, w, bias, expected] = convolved(images, &window, outputs);
        let (inner, taps) = (channels / groups, kernel[0] * kernel[1]);
        for cpu in here() {
            let conv = gathered::Gathered::new(cpu, window, outputs, |out, channel, tap| {
                w[(out * inner + channel) * taps + tap]
            });
            let mut y = vec![0.0; expected.len()];
            let mut room = Buffer::zeros(conv.scratch(images));
            let end = Epilogue { bias: Some(&bias), ..Epilogue::default() };
            conv.run(images, &buffer(&x), &mut y, end, &mut room);
            assert_eq!(y, expected, "{cpu:?} {window:?}");
        }
    }
}

#[test]
fn minimal_filtering_is_the_convolution_whatever_the_batch_and_the_instruction_set() {
    let cases = [
        // images, channels, outputs, input, pads
        (1, 16, 16, [8, 8], [1, 1]),
        (3, 17, 30, [9, 7], [1, 1]),
        (2, 20, 25, [5, 40], [0, 1]),
        (9, 300, 16, [6, 6], [1, 1]),
        (2, 16, 40, [33, 12], [2, 2]),
        (2, 16, 16, [12, 11], [-1, -2]),
    ];
    for (images, channels, outputs, input, pads) in cases {
        let output: [usize; 2] =
            std::array::from_fn(|axis| (input[axis] as isize + 2 * pads[axis]) as usize - 2);
        let window = Window {
            channels,
            groups: 1,
            input,
            kernel: [3, 3],
            strides: [1, 1],
            dilations: [1, 1],
            pads,
            output,
            target: output,
            offset: [0, 0],
            spread: [1, 1],
        };
        assert!(winograd::Winograd::fits(&window, outputs));
        let [x, w, bias, mut expected] = convolved(images, &window, outputs);
        let (add, mask) = (numbers(8, expected.len()), numbers(9, expected.len()));
        let bends = [Bend::Relu, Bend::Leaky(0.3), Bend::Clip(-0.2, 0.7)];
        let (bend, masked) = (bends[images % 3], bends[outputs % 3]);
        for (expected, (add, mask)) in expected.iter_mut().zip(add.iter().zip(&mask)) {
            *expected = masked.back(bend.of(*expected + add), *mask);
        }
        let run = |cpu, images: usize, x: &[f32], add: &[f32], mask: &[f32]| {
            let conv = Conv::new(cpu, window, outputs, |out, channel, tap| {
                w[(out * channels + channel) * 9 + tap]
            });
            let mut y = vec![0.0; add.len()];
            let mut room = Buffer::zeros(conv.scratch(images));
            let end = Epilogue {
                bias: Some(&bias),
                add: Some(add),
                bend: Some(bend),
                mask: Some((mask, masked)),
                pooled: false,
            };
            conv.run(images, &buffer(x), &mut y, end, &mut room);
            y
        };
        let first = run(Cpu::Scalar, images, &x, &add, &mask);
        for (got, expected) in first.iter().zip(&expected) {
            let apart = (got - expected).abs();
            assert!(apart <= 2e-6 * channels as f32, "{window:?}: {got} and {expected}");
        }
        for cpu in here() {
            assert_eq!(run(cpu, images, &x, &add, &mask), first, "{cpu:?} {window:?}");
            let (each, out) = (x.len() / images, first.len() / images);
            for image in 0..images {
                let places = image * out..(image + 1) * out;
                let (add, mask) = (&add[places.clone()], &mask[places.clone()]);
                let alone = run(cpu, 1, &x[image * each..][..each], add, mask);
                assert_eq!(alone, first[places], "{cpu:?} {window:?} image {image}");
            }
        }
    }
}

#[test]
fn a_pooled_convolution_is_the_pool_of_the_convolution() {
    // images, channels, outputs, rows, columns
    let mut pooled = 0;
    for (images, channels, outputs, input) in [
        (3, 1, 5, [28, 28]),
        (2, 3, 13, [6, 32]),
        (2, 3, 2, [4, 64]),
        (1, 2, 3, [2, 10]),
        (5, 2, 30, [8, 16]),
        (5, 2, 30, [8, 8]),
        (3, 3, 13, [6, 4]),
        (2, 16, 20, [14, 14]),
        (3, 20, 16, [6, 8]),
        (1, 17, 31, [10, 36]),
    ] {
        let window = Window {
            channels,
            groups: 1,
            input,
            kernel: [3, 3],
            strides: [1, 1],
            dilations: [1, 1],
            pads: [1, 1],
            output: input,
            target: input,
            offset: [0, 0],
            spread: [1, 1],
        };
        let [x, w, bias, _] = convolved(images, &window, outputs);
        for cpu in here() {
            let conv = Conv::new(cpu, window, outputs, |out, channel, tap| {
                w[(out * channels + channel) * 9 + tap]
            });
            if !conv.pools() {
                continue;
            }
            pooled += 1;
            let mut y = vec![0.0; images * outputs * input[0] * input[1]];
            let mut small = vec![0.0; y.len() / 4];
            let mut room = Buffer::zeros(conv.scratch(images));
            let end = Epilogue { bias: Some(&bias), bend: Some(Bend::Relu), ..Epilogue::default() };
            conv.run(images, &buffer(&x), &mut y, end, &mut room);
            let end = Epilogue { pooled: true, ..end };
            conv.run(images, &buffer(&x), &mut small, end, &mut room);
            for (at, got) in small.iter().enumerate() {
                let (line, column) = (at / (input[1] / 2), at % (input[1] / 2));
                let four = [0, 1, input[1], input[1] + 1];
                let four = four.map(|place| y[2 * line * input[1] + 2 * column + place]);
                let largest = four.into_iter().fold(f32::NEG_INFINITY, f32::max);
                assert_eq!(*got, largest, "{cpu:?} {window:?} at {at}");
            }
        }
    }
    assert!(pooled > 12);
}

#[test]
fn bends_are_those_of_their_definition() {
    let numbers = [f32::NEG_INFINITY, -2.0, -0.0, 0.0, 0.5, 1.0, 3.0, f32::INFINITY];
    for x in numbers {
        let kept = if x > 0.0 { x } else { 0.0 };
        assert_eq!(
            (Bend::Relu.of(x), Bend::Relu.back(5.0, x)),
            (kept, if x > 0.0 { 5.0 } else { 0.0 })
        );
        let leaky = Bend::Leaky(0.1);
        let scaled = if x < 0.0 { x * 0.1 } else { x };
        assert_eq!((leaky.of(x), leaky.back(5.0, x)), (scaled, if x > 0.0 { 5.0 } else { 0.5 }));
        let clip = Bend::Clip(-1.0, 1.0);
        let inside = if -1.0 < x && x < 1.0 { 5.0 } else { 0.0 };
        assert_eq!((clip.of(x), clip.back(5.0, x)), (x.clamp(-1.0, 1.0), inside));
        assert_eq!(Bend::Clip(1.0, -1.0).of(x), -1.0);
    }
    for bend in [Bend::Relu, Bend::Leaky(0.1), Bend::Clip(-1.0, 1.0)] {
        assert!(bend.of(f32::NAN).is_nan() && bend.keeps_order());
    }
    assert!(!Bend::Leaky(-0.1).keeps_order());
}

#[test]
fn inner_products_are_sums_of_products_on_every_instruction_set() {
    for (rows, columns, len, blocks) in [(1, 1, 16, 1), (3, 7, 48, 2), (9, 13, 160, 3)] {
        let (a, b) = (numbers(1, blocks * rows * len), numbers(2, blocks * columns * len));
        let starts = |count: usize| (0..count).map(|at| at * len).collect::<Vec<_>>();
        let (left, right) = (starts(rows), starts(columns));
        for cpu in here() {
            let dots = Dots {
                rows: &left,
                columns: &right,
                len,
                blocks,
                a_block: rows * len,
                b_block: columns * len,
            };
            let mut out = vec![1.0; rows * columns];
            dots.run(cpu, &a, &b, &mut out, true);
            for (at, got) in out.iter().enumerate() {
                let sum = (0..blocks * len).map(|place| {
                    let (block, place) = (place / len, place % len);
                    let a = a[(block * rows + at / columns) * len + place];
                    f64::from(a) * f64::from(b[(block * columns + at % columns) * len + place])
                });
                let expected = 1.0 + sum.sum::<f64>();
                assert!((f64::from(*got) - expected).abs() < 1e-5, "{cpu:?}: {got}, {expected}");
            }
        }
    }
}

#[test]
fn every_64_bit_arm_has_its_vectors() {
    assert_eq!(Cpu::Neon.is_here(), cfg!(target_arch = "aarch64"));
}

#[test]
fn functions_are_close_and_have_the_same_bits_on_every_instruction_set() {
    let steps = (-4000..4000).map(|at| at as f32 / 300.0);
    let wide = (-200..200).map(|at| at as f32 * 0.9);
    // Up to where the exponential is more than the largest float.
    let high = (0..100).map(|at| 88.6 + at as f32 / 500.0);
    let some = [0.0, 1e-6, -1e-6, 1e30, -1e30];
    let x = steps.chain(wide).chain(high).chain(some).collect::<Vec<_>>();
    type Truth = (Function, fn(f64) -> f64);
    let truths: [Truth; 5] = [
        (Function::Exp, f64::exp),
        (Function::Erf, libm::erf),
        (Function::Tanh, f64::tanh),
        (Function::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        (Function::Sqrt, f64::sqrt),
    ];
    for (function, truth) in truths {
        let mut first = vec![0.0; x.len()];
        apply(Cpu::Scalar, function, &x, &mut first);
        for (x, got) in x.iter().zip(&first) {
            let expected = truth(f64::from(*x));
            if !expected.is_finite() || expected.abs() > f64::from(f32::MAX) {
                assert!(got.is_nan() == expected.is_nan() && !got.is_finite(), "{function:?} {x}");
                continue;
            }
            let apart = (f64::from(*got) - expected).abs();
            // The smallest powers are zeros.
            let most = 4e-7 * expected.abs() + if function == Function::Exp { 2e-38 } else { 2e-7 };
            assert!(apart <= most, "{function:?} of {x}: {got}, {expected}");
        }
        for cpu in here() {
            let mut out = vec![0.0; x.len()];
            apply(cpu, function, &x, &mut out);
            for (a, b) in out.iter().zip(&first) {
                assert!(
                    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
                    "{function:?} {cpu:?}"
                );
            }
        }
    }
    let nan = [f32::NAN; 3];
    let mut out = [0.0; 3];
    for (function, _) in truths {
        apply(Cpu::best(), function, &nan, &mut out);
        assert!(out.iter().all(|x| x.is_nan()), "{function:?}");
    }
}

#[test]
fn rows_have_the_same_bits_on_every_instruction_set() {
    for row in [1, 7, 16, 33, 192] {
        let x = numbers(11, 5 * row);
        let (scale, bias) = (numbers(12, row), numbers(13, row));
        let run = |cpu| {
            let (mut shares, mut normal) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            softmax(cpu, row, &x, &mut shares);
            normalize(cpu, row, 1e-5, true, &x, &scale, &bias, &mut normal);
            (shares, normal)
        };
        let first = run(Cpu::Scalar);
        for (x, shares) in x.chunks(row).zip(first.0.chunks(row)) {
            let total = x.iter().map(|x| f64::from(*x).exp()).sum::<f64>();
            for (x, share) in x.iter().zip(shares) {
                assert!((f64::from(*share) - f64::from(*x).exp() / total).abs() < 3e-7);
            }
        }
        for cpu in here() {
            assert_eq!(run(cpu), first, "{cpu:?}");
        }
    }
}
