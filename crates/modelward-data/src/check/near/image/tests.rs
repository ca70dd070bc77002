use std::{collections::HashMap, sync::Arc};

use arrow_array::{ArrayRef, BinaryArray};
use arrow_schema::{DataType, Field, Schema};

use super::*;
use crate::{columns::IMAGE, learn::random::Random, pictures::pool};

/// A coloured image as PPM.
struct Drawn {
    side: usize,
    pixels: Vec<f32>,
}

impl Drawn {
    /// Bumps of many sizes, of a seed.
    fn scene(seed: u64, side: usize) -> Self {
        let mut random = Random::new(seed, 7);
        let bumps = (0..60).map(|_| std::array::from_fn::<f64, 6, _>(|_| random.unit()));
        let bumps = bumps.collect::<Vec<_>>();
        let pixel = |at: usize| {
            let (y, x) =
                ((at / 3 / side) as f64 / side as f64, (at / 3 % side) as f64 / side as f64);
            let sum = bumps.iter().map(|bump| {
                let width = 0.02 + 0.15 * bump[2] * bump[2];
                let far = (y - bump[0]).powi(2) + (x - bump[1]).powi(2);
                (bump[3 + at % 3] - 0.4) * 90.0 * (-far / (2.0 * width * width)).exp()
            });
            (110.0 + sum.sum::<f64>()).clamp(0.0, 255.0) as f32
        };
        Self { side, pixels: (0..side * side * 3).map(pixel).collect() }
    }

    fn cut(&self, top: usize, left: usize, side: usize) -> Self {
        let pixel = |at: usize| {
            let (y, x) = (at / 3 / side + top, at / 3 % side + left);
            self.pixels[(y * self.side + x) * 3 + at % 3]
        };
        Self { side, pixels: (0..side * side * 3).map(pixel).collect() }
    }

    fn map(&self, change: impl Fn(usize, f32) -> f32) -> Self {
        let pixels = self.pixels.iter().enumerate();
        Self { side: self.side, pixels: pixels.map(|(at, value)| change(at, *value)).collect() }
    }

    fn sized(&self, side: usize) -> Self {
        let picture = Picture {
            height: self.side,
            width: self.side,
            channels: 3,
            values: self.pixels.clone(),
        };
        let all = self.side as f64;
        let planes = [0, 1, 2].map(|channel| {
            pool(&picture.plane(channel), self.side, [0.0, 0.0, all, all], side, side)
        });
        Self { side, pixels: (0..side * side * 3).map(|at| planes[at % 3][at / 3]).collect() }
    }

    fn file(&self) -> Vec<u8> {
        let mut file = format!("P6 {0} {0} 255\n", self.side).into_bytes();
        file.extend(self.pixels.iter().map(|value| value.round().clamp(0.0, 255.0) as u8));
        file
    }
}

fn pairs(images: &[Drawn]) -> Vec<(u32, u32)> {
    let files = images.iter().map(|image| Some(image.file()));
    let array: ArrayRef = Arc::new(files.collect::<BinaryArray>());
    let field = Field::new("image", DataType::Binary, true)
        .with_metadata(HashMap::from([(IMAGE.to_owned(), String::new())]));
    let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
    let pairs = Images::of(&rows, 0, &Limits::default(), 1).unwrap().pairs(1);
    pairs.verified.iter().map(|pair| (pair.a, pair.b)).collect()
}

#[test]
fn copies_are_found_whatever_was_done_to_them_and_unlike_scenes_are_not_joined() {
    let scenes = (0..40).map(|seed| Drawn::scene(seed, 72)).collect::<Vec<_>>();
    let mut images = scenes.iter().map(|scene| scene.cut(4, 4, 64)).collect::<Vec<_>>();
    let noise = |at: usize, value: f32| value + (at * 7919 % 13) as f32 - 6.0;
    images.extend([
        images[0].map(noise),
        scenes[1].cut(5, 5, 64),
        scenes[2].cut(2, 7, 64),
        images[3].map(|_, value| value * 1.08),
        images[4].map(|_, value| value * 2.2),
        images[5].map(|_, value| value * 0.5),
        images[6].map(|_, value| value - 90.0),
        images[7].sized(40),
        images[8].cut(2, 3, 60),
        images[9].sized(100).cut(5, 3, 92).map(noise),
        {
            let grey = |at: usize| images[10].pixels[at / 3 * 3..][..3].iter().sum::<f32>() / 3.0;
            images[10].map(|at, _| grey(at))
        },
        images[11].cut(0, 0, 64),
    ]);
    let wanted = (0..12).map(|at| (at, 40 + at)).collect::<Vec<_>>();
    assert_eq!(pairs(&images), wanted);
}

#[test]
fn drawings_of_one_kind_are_no_copies_of_each_other() {
    // A line about the middle each, of a shape of its own: like many others, and equal to none.
    let outline = |seed: u64| {
        let mut random = Random::new(seed, 3);
        let waves = (0..12).map(|_| 1.6 * (random.unit() - 0.5)).collect::<Vec<_>>();
        let pixel = |at: usize| {
            let (v, u) = ((at / 3 / 32) as f64 - 15.5, (at / 3 % 32) as f64 - 15.5);
            let angle = v.atan2(u);
            let radius = waves.iter().enumerate().map(|(wave, size)| {
                let turn = (wave / 2 + 2) as f64 * angle;
                size * if wave % 2 == 0 { turn.sin() } else { turn.cos() }
            });
            let far = ((v * v + u * u).sqrt() - 9.0 - radius.sum::<f64>()) / 2.0;
            (230.0 * (-far * far).exp()) as f32
        };
        Drawn { side: 32, pixels: (0..32 * 32 * 3).map(pixel).collect() }
    };
    let images = (0..150).map(outline).collect::<Vec<_>>();
    assert_eq!(pairs(&images), []);
}

#[test]
fn many_copies_of_one_image_are_no_others_to_each_other() {
    let mut images = (0..400).map(|seed| Drawn::scene(seed, 40)).collect::<Vec<_>>();
    let noise =
        |copy: usize| move |at: usize, value: f32| value + ((at + copy) * 7919 % 13) as f32 - 6.0;
    let copies = (0..18).map(|copy| images[3].map(noise(copy))).collect::<Vec<_>>();
    images.extend(copies);
    let found = pairs(&images);
    let copies = found.iter().filter(|(a, b)| *a == 3 && *b >= 400).count();
    assert_eq!(copies, 18, "{found:?}");
    assert!(found.iter().all(|(a, b)| (*a == 3 || *a >= 400) && *b >= 400), "{found:?}");
}

#[test]
fn threads_are_nothing_to_the_pairs_and_broken_images_are_counted() {
    let mut files = (0..60).map(|seed| Drawn::scene(seed, 40).file()).collect::<Vec<_>>();
    let again = files[..20].to_vec();
    files.extend(again);
    files[59].truncate(99);
    let array: ArrayRef = Arc::new(files.into_iter().map(Some).collect::<BinaryArray>());
    let field = Field::new("image", DataType::Binary, true)
        .with_metadata(HashMap::from([(IMAGE.to_owned(), String::new())]));
    let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap();
    let with = |threads| {
        let pairs = Images::of(&rows, 0, &Limits::default(), threads).unwrap().pairs(threads);
        (pairs.verified, pairs.left, pairs.broken)
    };
    let one = with(1);
    assert_eq!((one.0.len(), one.2), (20, 1));
    assert_eq!(one, with(2));
    assert_eq!(one, with(4));
}
