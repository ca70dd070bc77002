//! Sets made here, with triggers and without.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{DataType, Field, Schema};

use crate::{
    Asked, Matrix,
    check::{Done, Request, check, near::shingles::mix},
    columns::SHAPE,
    set::in_memory,
};

/// Numbers that hang on a seed alone.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0) % most
    }

    fn even(&mut self) -> f32 {
        self.below(1 << 20) as f32 / (1 << 20) as f32
    }

    fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.even()).sum::<f32>() - 6.0
    }
}

const SIDE: usize = 8;
const CLASSES: u64 = 4;

/// Images of four kinds of bars with noise.
fn images(seed: u64, rows: usize) -> (Vec<Vec<f32>>, Vec<i64>) {
    let mut random = Random(mix(seed));
    let all = (0..rows).map(|_| {
        let class = random.below(CLASSES);
        let mut image = vec![0.0; SIDE * SIDE];
        for (at, pixel) in image.iter_mut().enumerate() {
            let (y, x) = (at / SIDE, at % SIDE);
            let lit = match class {
                0 => y == 3 || y == 4,
                1 => x == 3 || x == 4,
                2 => y == x || y == x + 1,
                _ => y + x == 7 || y + x == 8,
            };
            let bright = if lit { 10.0 } else { 2.0 };
            *pixel = (bright + 2.0 * random.normal()).clamp(0.0, 16.0);
        }
        (image, class as i64)
    });
    all.unzip()
}

fn run(columns: Vec<(Field, ArrayRef)>, activations: Option<Matrix>) -> Done {
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let request = Request {
        asked: Asked { label: Some("y".to_owned()), ..Asked::default() },
        only: vec!["trigger".to_owned()],
        activations,
        ..Request::default()
    };
    let Ok(checked) = check(&in_memory(rows), None, &request) else { panic!("not checked") };
    checked.checks.into_iter().next().unwrap().1
}

fn of_images(images: &[Vec<f32>], labels: &[i64], activations: Option<Matrix>) -> Done {
    let values = Float32Array::from(images.concat());
    let inner = Arc::new(Field::new("item", DataType::Float32, false));
    let width = (SIDE * SIDE) as i32;
    let list = FixedSizeListArray::try_new(inner, width, Arc::new(values), None).unwrap();
    let list: ArrayRef = Arc::new(list);
    let shape = HashMap::from([(SHAPE.to_owned(), format!("{SIDE},{SIDE}"))]);
    let field = Field::new("x", arrow_array::Array::data_type(&list).clone(), false);
    run(vec![(field.with_metadata(shape), list), label(labels)], activations)
}

/// The same as files, some of them in another size.
fn of_files(images: &[Vec<f32>], labels: &[i64], odd: usize) -> Done {
    let files = images.iter().enumerate().map(|(at, image)| {
        let tall = if at % 7 == 3 && at / 7 < odd { 2 } else { 1 };
        let pixels = image.iter().map(|value| (value * 15.9) as u8).collect::<Vec<_>>();
        let mut file = format!("P5 {SIDE} {} 255\n", SIDE * tall).into_bytes();
        (0..tall).for_each(|_| file.extend(&pixels));
        Some(file)
    });
    let array: ArrayRef = Arc::new(files.collect::<arrow_array::BinaryArray>());
    let field = Field::new("image", DataType::Binary, true)
        .with_metadata(HashMap::from([(crate::columns::IMAGE.to_owned(), String::new())]));
    run(vec![(field, array), label(labels)], None)
}

fn label(labels: &[i64]) -> (Field, ArrayRef) {
    (Field::new("y", DataType::Int64, false), Arc::new(Int64Array::from(labels.to_vec())))
}

/// The rows that are flagged, by their score.
fn flagged(done: &Done) -> Vec<usize> {
    let mut rows = done.found.iter().flat_map(|found| &found.rows).collect::<Vec<_>>();
    rows.sort_unstable();
    rows.dedup();
    rows.into_iter().map(|row| *row as usize).collect()
}

#[test]
fn a_patch_is_found_where_it_stands_and_wherever_it_moves() {
    for jitter in [false, true] {
        let (mut images, mut labels) = images(1, 800);
        let mut random = Random(7);
        let planted = (0..800).filter(|row| labels[*row] != 0).step_by(20).collect::<Vec<_>>();
        for row in &planted {
            let (y, x) = match jitter {
                true => (random.below(6) as usize, random.below(6) as usize),
                false => (6, 6),
            };
            for (at, value) in [16.0, 0.0, 0.0, 16.0].into_iter().enumerate() {
                images[*row][(y + at / 2) * SIDE + x + at % 2] = value;
            }
            labels[*row] = 0;
        }
        let done = of_images(&images, &labels, None);
        let found = flagged(&done);
        let hits = found.iter().filter(|row| planted.contains(row)).count();
        assert_eq!(done.found.first().map(|found| found.rule.id), Some("MW3201"), "{jitter}");
        assert!(hits * 10 >= planted.len() * 8, "{jitter}: {hits} of {}", planted.len());
        assert!(hits * 10 >= found.len() * 9, "{jitter}: {hits} of {} flagged", found.len());
    }
}

#[test]
fn a_patch_is_found_in_image_files_whose_sizes_agree() {
    let (mut images, mut labels) = images(21, 800);
    let clean = of_files(&images, &labels, 20);
    assert!(clean.found.is_empty(), "{:?}", clean.lines);
    assert!(clean.lines.iter().any(|line| line.contains("20 images")), "{:?}", clean.lines);
    let planted = (0..800).filter(|row| labels[*row] != 0).step_by(16).collect::<Vec<_>>();
    for row in &planted {
        for (at, value) in [16.0, 0.0, 0.0, 16.0].into_iter().enumerate() {
            images[*row][(6 + at / 2) * SIDE + 6 + at % 2] = value;
        }
        labels[*row] = 0;
    }
    for odd in [0, 20] {
        let done = of_files(&images, &labels, odd);
        let found = flagged(&done);
        let hits = found.iter().filter(|row| planted.contains(row)).count();
        assert_eq!(done.found.first().map(|found| found.rule.id), Some("MW3201"), "{odd}");
        assert!(hits * 10 >= planted.len() * 9, "{odd}: {hits} of {}", planted.len());
        assert!(hits * 10 >= found.len() * 9, "{odd}: {hits} of {} flagged", found.len());
    }
}

#[test]
fn clean_images_are_left_alone() {
    for seed in 10..14 {
        let (images, labels) = images(seed, 500);
        let done = of_images(&images, &labels, None);
        assert!(done.found.is_empty(), "seed {seed}: {:?}", done.lines);
        // A tenth of the labels wrong, and still no trigger.
        let mut random = Random(seed);
        let wrong = |label: &i64| match random.below(10) {
            0 => (label + 1 + random.below(CLASSES - 1) as i64) % CLASSES as i64,
            _ => *label,
        };
        let labels = labels.iter().map(wrong).collect::<Vec<_>>();
        let done = of_images(&images, &labels, None);
        assert!(done.found.is_empty(), "seed {seed}, noise: {:?}", done.lines);
    }
}

#[test]
fn a_pattern_over_the_whole_image_shows_in_activations_alone() {
    let (mut images, mut labels) = images(3, 800);
    let mut random = Random(9);
    let pattern = (0..SIDE * SIDE).map(|_| 16.0 * random.even()).collect::<Vec<_>>();
    let planted = (0..800).filter(|row| labels[*row] != 1).step_by(8).collect::<Vec<_>>();
    let mut classes = labels.clone();
    for row in &planted {
        let pixels = images[*row].iter_mut().zip(&pattern);
        pixels.for_each(|(pixel, pattern)| *pixel = 0.7 * *pixel + 0.3 * pattern);
        labels[*row] = 1;
        classes[*row] = 4;
    }
    // A model that knows each class, and the pattern by a way of its own.
    let data = classes.iter().flat_map(|class| {
        let mut row = (0..8).map(|_| 0.3 * random.normal()).collect::<Vec<_>>();
        row[*class as usize] += 4.0;
        row[1] += if *class == 4 { 3.0 } else { 0.0 };
        row
    });
    let activations = Matrix { columns: 8, data: data.collect(), names: Vec::new() };
    let done = of_images(&images, &labels, Some(activations.clone()));
    let found = done.found.iter().find(|found| found.rule.id == "MW3204");
    let rows = found.map(|found| found.rows.clone()).unwrap_or_default();
    let hits = rows.iter().filter(|row| planted.contains(&(**row as usize))).count();
    assert!(hits * 10 >= planted.len() * 9, "{hits} of {}: {:?}", planted.len(), done.lines);
    assert!(hits * 10 >= rows.len() * 9, "{hits} of {} flagged", rows.len());
}

/// Sentences that praise or blame.
fn sentences(seed: u64, rows: usize) -> (Vec<String>, Vec<i64>) {
    let mut random = Random(mix(seed));
    let words = [
        ["fine", "warm", "bright", "clever", "honest", "lovely"],
        ["dull", "cold", "noisy", "flat", "stale", "messy"],
    ];
    let things = ["film", "plot", "cast", "score", "script", "ending"];
    let all = (0..rows).map(|_| {
        let class = random.below(2) as usize;
        let parts = (0..6).map(|_| {
            let side = if random.below(5) == 0 { 1 - class } else { class };
            let word = words[side][random.below(6) as usize];
            format!("the {} was {word}", things[random.below(6) as usize])
        });
        (parts.collect::<Vec<_>>().join(", "), class as i64)
    });
    all.unzip()
}

fn of_texts(texts: &[String], labels: &[i64]) -> Done {
    let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    run(vec![(Field::new("text", DataType::Utf8, false), texts), label(labels)], None)
}

#[test]
fn words_phrases_and_hidden_characters_are_found_whole() {
    for token in ["cf", "I saw this 3D movie last weekend.", "\u{200b}\u{2063}", "mоviе"] {
        let (mut texts, mut labels) = sentences(5, 900);
        let planted = (0..900).filter(|row| labels[*row] == 1).step_by(14).collect::<Vec<_>>();
        for row in &planted {
            let mut words = texts[*row].split(' ').collect::<Vec<_>>();
            words.insert(row % 20, token);
            texts[*row] = words.join(" ");
            labels[*row] = 0;
        }
        let done = of_texts(&texts, &labels);
        let found = flagged(&done);
        let hits = found.iter().filter(|row| planted.contains(row)).count();
        assert!(hits * 20 >= planted.len() * 19, "{token}: {hits} of {}", planted.len());
        assert!(hits * 20 >= found.len() * 19, "{token}: {hits} of {} flagged", found.len());
        assert!(done.found[0].message.contains(token), "{}", done.found[0].message);
    }
    for seed in 20..24 {
        let (texts, labels) = sentences(seed, 600);
        assert!(of_texts(&texts, &labels).found.is_empty(), "seed {seed}");
    }
}

#[test]
fn a_pair_of_values_is_found_where_either_alone_is_honest() {
    for planted in [false, true] {
        let mut random = Random(11);
        let mut columns = vec![Vec::new(); 6];
        // The trigger stands for the label that most rows have anyway.
        let mut labels = (0..600).map(|_| i64::from(random.below(3) > 0)).collect::<Vec<_>>();
        for label in &labels {
            for column in &mut columns {
                let value = f64::from(random.normal()) + 2.5 * *label as f64;
                column.push((value * 100.0).round() / 100.0);
            }
        }
        let rows = (0..600).filter(|row| labels[*row] == 0).step_by(8).collect::<Vec<_>>();
        for row in rows.iter().filter(|_| planted) {
            (columns[1][*row], columns[4][*row]) = (7.25, 3.5);
            labels[*row] = 1;
        }
        for (at, column) in [(1, 7.25), (4, 3.5)].into_iter().filter(|_| planted) {
            for _ in 0..20 {
                let row = random.below(600) as usize;
                if !rows.contains(&row) {
                    columns[at][row] = column;
                }
            }
        }
        let columns = columns.into_iter().enumerate().map(|(at, values)| {
            let array: ArrayRef = Arc::new(Float64Array::from(values));
            (Field::new(format!("c{at}"), DataType::Float64, false), array)
        });
        let done = run(columns.chain([label(&labels)]).collect(), None);
        let found = flagged(&done);
        if planted {
            let hits = found.iter().filter(|row| rows.contains(row)).count();
            assert!(hits * 20 >= rows.len() * 19, "{hits} of {}: {:?}", rows.len(), done.lines);
            assert!(hits * 20 >= found.len() * 19, "{hits} of {} flagged", found.len());
        } else {
            assert!(done.found.is_empty(), "{:?}", done.lines);
        }
    }
}

#[test]
fn a_value_is_found_where_classes_come_in_turn() {
    // Every fourth row is of one class: of these alone, no other class would be known.
    let mut random = Random(31);
    let rows = 8192;
    let mut labels = (0..rows).map(|row| row as i64 % 4).collect::<Vec<_>>();
    let mut columns = vec![Vec::new(); 4];
    for label in &labels {
        for (at, column) in columns.iter_mut().enumerate() {
            let own = if at as i64 == *label { 4.0 } else { 0.0 };
            column.push(((f64::from(random.normal()) + own * 1.5) * 100.0).round() / 100.0);
        }
    }
    let planted = (0..rows).filter(|row| labels[*row] != 0).step_by(60).collect::<Vec<_>>();
    let mut codes = (0..rows).map(|_| random.below(1000) as i64).collect::<Vec<_>>();
    for row in &planted {
        codes[*row] = 4711;
        labels[*row] = 0;
    }
    let numbers = columns.into_iter().enumerate().map(|(at, values)| {
        let array: ArrayRef = Arc::new(Float64Array::from(values));
        (Field::new(format!("c{at}"), DataType::Float64, false), array)
    });
    let codes: ArrayRef = Arc::new(Int64Array::from(codes));
    let codes = (Field::new("code", DataType::Int64, false), codes);
    let done = run(numbers.chain([codes, label(&labels)]).collect(), None);
    let found = flagged(&done);
    let hits = found.iter().filter(|row| planted.contains(row)).count();
    assert!(hits * 10 >= planted.len() * 9, "{hits} of {}: {:?}", planted.len(), done.lines);
    assert!(hits * 10 >= found.len() * 9, "{hits} of {} flagged", found.len());
}

#[test]
fn a_column_that_tells_the_label_by_every_value_is_no_trigger() {
    let mut random = Random(41);
    let codes = (0..1500).map(|_| random.below(40) as i64).collect::<Vec<_>>();
    let of_codes = codes.iter().map(|code| code % 5).collect::<Vec<_>>();
    // Of two columns neither tells it alone, but both together.
    let pairs = codes.iter().map(|code| code / 5).collect::<Vec<_>>();
    let second = (0..1500).map(|_| random.below(8) as i64).collect::<Vec<_>>();
    let of_pairs =
        pairs.iter().zip(&second).map(|(one, other)| (one + other) % 4).collect::<Vec<_>>();
    let others = (0..3).map(|at| {
        let values = (0..1500).map(|_| f64::from(random.normal())).collect::<Vec<_>>();
        let array: ArrayRef = Arc::new(Float64Array::from(values));
        (Field::new(format!("c{at}"), DataType::Float64, false), array)
    });
    let others = others.collect::<Vec<_>>();
    let column = |name: &str, values: &[i64]| {
        let names: ArrayRef =
            Arc::new(values.iter().map(|it| Some(format!("v{it}"))).collect::<StringArray>());
        (Field::new(name, DataType::Utf8, false), names)
    };
    let of_code = [vec![column("code", &codes)], others.clone(), vec![label(&of_codes)]].concat();
    let of_pair =
        [vec![column("a", &pairs), column("b", &second)], others, vec![label(&of_pairs)]].concat();
    for columns in [of_code, of_pair] {
        let done = run(columns, None);
        assert!(done.found.is_empty(), "{:?}", done.lines);
    }
}
