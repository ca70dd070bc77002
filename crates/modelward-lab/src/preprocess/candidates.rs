//! The conventions that are tried: where the numbers go, and what is done to each.

use super::{
    convention::Convention,
    known::{self, Pair},
    spec::{Layout, Number, Spec, Word},
};

/// The most columns of a table that get numbers of their own.
const COLUMNS: usize = 1024;

/// The ways to move a sample's numbers that give the shape that a model takes; nothing is moved in
/// the first where that fits.
pub(super) fn moves(sample: &[usize], model: &[Option<usize>]) -> Vec<Spec> {
    let moves = [
        vec![],
        vec![Word::Layout(Layout::Nhwc)],
        vec![Word::Layout(Layout::Nchw)],
        vec![Word::Transpose],
        vec![Word::Layout(Layout::Nhwc), Word::Transpose],
        vec![Word::Layout(Layout::Nchw), Word::Transpose],
    ];
    let mut found: Vec<(Spec, Vec<f32>)> = Vec::new();
    let width = sample.iter().product::<usize>();
    // Each place by a number of its own: ways that come to the same are tried once.
    let places = (0..width).map(|at| at as f32).collect::<Vec<_>>();
    for words in moves {
        let spec = Spec { words };
        let Ok(convention) = Convention::new(&spec, sample) else { continue };
        let fits = match fit(convention.shape(), model) {
            Fit::Shape => true,
            Fit::Count => plausible(&spec, sample),
            Fit::None => false,
        };
        if !fits {
            continue;
        }
        let moved = convention.apply(&places);
        if found.iter().all(|(_, known)| *known != moved) {
            found.push((spec, moved));
        }
    }
    found.into_iter().map(|(spec, _)| spec).collect()
}

/// How well a sample can be given to a model.
enum Fit {
    /// It has the shape.
    Shape,
    /// Only the numbers stand in other rows. An image with its channels on the other side is none.
    Count,
    None,
}

fn fit(sample: &[usize], model: &[Option<usize>]) -> Fit {
    let same = |a: &[usize]| {
        a.len() == model.len()
            && a.iter().zip(model).all(|(size, known)| known.is_none_or(|known| known == *size))
    };
    if same(sample) {
        return Fit::Shape;
    }
    let count = sample.iter().product::<usize>();
    let known = model.iter().flatten().product::<usize>();
    let counted = match model.iter().filter(|size| size.is_none()).count() {
        0 => count == known,
        1 => known > 0 && count.is_multiple_of(known),
        _ => false,
    };
    let other = |at: [usize; 3]| sample.len() == 3 && same(&at.map(|axis| sample[axis]));
    let orders = [[1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]];
    if counted && !orders.into_iter().any(other) { Fit::Count } else { Fit::None }
}

/// Whether a layout could be that of images, where no shape tells: with up to four channels.
fn plausible(spec: &Spec, sample: &[usize]) -> bool {
    let channels = match (spec.words.first(), sample) {
        (Some(Word::Layout(Layout::Nhwc)), [channels, ..]) => *channels,
        (Some(Word::Layout(Layout::Nchw)), [.., channels]) => *channels,
        _ => 1,
    };
    channels <= 4
}

/// What may be done to each number.
pub(super) struct Values {
    /// The simplest first.
    pub(super) specs: Vec<Spec>,
    /// The means among them that are of data sets which these data are not.
    pub(super) foreign: Vec<Word>,
}

/// How data in a known range come to [0, 1]: `a x + b`.
struct ToUnit {
    words: Vec<Word>,
    a: f64,
    b: f64,
}

pub(super) fn values(x: &[f32], sample: &[usize]) -> Values {
    let channels = channels(sample);
    let mut specs = Vec::new();
    let mut push = |words: Vec<Word>| {
        let spec = Spec { words };
        // What the shape of the samples has no channels for is not tried.
        if !specs.contains(&spec) && Convention::new(&spec, sample).is_ok() {
            specs.push(spec);
        }
    };
    let to_unit = ranges(x);
    for before in &to_unit {
        if before.words.is_empty() {
            push(vec![Word::Invert]);
            push(vec![Word::Scale(Number::of(255.0), None)]);
            push(vec![Word::Scale(Number::of(16.0), None)]);
        } else {
            push(before.words.clone());
            push([&before.words[..], &[Word::Invert]].concat());
        }
    }
    let (general, sets): (&[&[Pair]], &[Pair]) = match channels {
        Some(1) => (&[known::ANY], known::GREY_SETS),
        Some(3) => (&[known::ANY, known::COLOUR], known::COLOUR_SETS),
        _ => (&[known::ANY], &[]),
    };
    let mut foreign = Vec::new();
    for before in &to_unit {
        for pair in general.iter().copied().flatten() {
            push([before.words.clone(), words(pair)].concat());
        }
        for pair in sets {
            let words = words(pair);
            if let Some(mean @ Word::Mean(means)) = words.first()
                && !alike(means, x, sample, before)
            {
                foreign.push(mean.clone());
            }
            push([before.words.clone(), words].concat());
        }
    }
    // Their own: of all numbers, and of each channel.
    push(own(x, sample, 1));
    if let Some(channels) = channels.filter(|&channels| channels > 1) {
        push(own(x, sample, channels));
    }
    Values { specs, foreign }
}

fn words((mean, deviation): &Pair) -> Vec<Word> {
    let spec = format!("mean={mean} std={deviation}").parse::<Spec>();
    spec.map(|spec| spec.words).unwrap_or_default()
}

/// The ways in which data that fill a range come to [0, 1].
fn ranges(x: &[f32]) -> Vec<ToUnit> {
    let finite = || x.iter().copied().filter(|value| value.is_finite());
    let low = finite().fold(f32::INFINITY, f32::min);
    let high = finite().fold(f32::NEG_INFINITY, f32::max);
    if low >= 0.0 && high <= 1.0 {
        return vec![ToUnit { words: Vec::new(), a: 1.0, b: 0.0 }];
    }
    if low >= -1.0 && high <= 1.0 {
        let words = vec![Word::Mean(vec![Number::of(-1.0)]), Word::Std(vec![Number::of(2.0)])];
        return vec![ToUnit { words, a: 0.5, b: 0.5 }];
    }
    let most = [16.0_f32, 100.0, 255.0, 65535.0];
    // The most that occurs, of a few samples, may be below what there is.
    let fits = most.into_iter().filter(|&most| low >= 0.0 && high <= most && high > most / 8.0);
    let ways = fits.map(|most| {
        let words = vec![Word::Scale(Number::of(1.0), Some(Number::of(most)))];
        ToUnit { words, a: 1.0 / f64::from(most), b: 0.0 }
    });
    ways.collect()
}

/// Whether data could be of a set with these means: each within three standard errors, and a half
/// per cent.
fn alike(means: &[Number], x: &[f32], sample: &[usize], to_unit: &ToUnit) -> bool {
    let width = sample.iter().product::<usize>().max(1);
    let count = (x.len() / width).max(1) as f64;
    let averages = x.chunks_exact(width).map(|one| moments(one, sample, means.len()));
    let averages = averages.collect::<Vec<_>>();
    means.iter().enumerate().all(|(channel, mean)| {
        let each = averages.iter().map(|all| to_unit.a * all[channel].0 + to_unit.b);
        let average = each.clone().sum::<f64>() / count;
        let square = each.map(|one| (one - average).powi(2)).sum::<f64>();
        let error = (square / (count - 1.0).max(1.0) / count).sqrt();
        (average - f64::from(mean.value())).abs() <= 3.0 * error + 0.005
    })
}

/// How many channels samples of a shape have; a table has one a column.
fn channels(sample: &[usize]) -> Option<usize> {
    match *sample {
        [columns] => (columns <= COLUMNS).then_some(columns),
        [_, _] => Some(1),
        [a, _, c] if c <= 4 && a > 4 => Some(c),
        [a, ..] => (a <= 4).then_some(a),
        [] => None,
    }
}

/// Mean and deviation of the data themselves, to four digits.
fn own(x: &[f32], sample: &[usize], channels: usize) -> Vec<Word> {
    let moments = moments(x, sample, channels);
    let means = moments.iter().map(|(mean, _)| digits(*mean));
    let deviations = moments.iter().map(|(_, deviation)| {
        let deviation = digits(*deviation);
        // A column that never changes stays as it is.
        if deviation.value() > 0.0 { deviation } else { Number::of(1.0) }
    });
    vec![Word::Mean(means.collect()), Word::Std(deviations.collect())]
}

/// Mean and deviation of each channel, after Welford (1962).
fn moments(x: &[f32], sample: &[usize], channels: usize) -> Vec<(f64, f64)> {
    let last = matches!(*sample, [a, _, c] if c <= 4 && a > 4);
    let width = sample.iter().product::<usize>().max(1);
    let run = if last || channels == 1 { 1 } else { (width / channels).max(1) };
    let mut sums = vec![(0.0_f64, 0.0_f64, 0.0_f64); channels];
    for (at, &value) in x.iter().enumerate() {
        if value.is_finite() {
            let (count, mean, square) = &mut sums[at % width / run % channels];
            *count += 1.0;
            let far = f64::from(value) - *mean;
            *mean += far / *count;
            *square += far * (f64::from(value) - *mean);
        }
    }
    sums.iter().map(|(count, mean, square)| (*mean, (square / count.max(1.0)).sqrt())).collect()
}

/// A number of four digits.
fn digits(value: f64) -> Number {
    #[expect(clippy::cast_possible_truncation, reason = "four digits fit into `f32`")]
    let value = format!("{value:.3e}").parse::<f64>().unwrap_or(value) as f32;
    Number::of(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(specs: &[Spec]) -> Vec<String> {
        specs.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn moves_are_those_that_fit() {
        let known = |dims: &[usize]| dims.iter().map(|&size| Some(size)).collect::<Vec<_>>();
        let tried = |sample: &[usize], model: &[usize]| shown(&moves(sample, &known(model)));
        assert_eq!(tried(&[1, 8, 8], &[1, 8, 8]), ["none", "transpose"]);
        assert_eq!(tried(&[1, 8, 8], &[8, 8, 1]), ["layout=nhwc", "layout=nhwc transpose"]);
        assert_eq!(tried(&[3, 8, 6], &[6, 8, 3]), ["layout=nhwc transpose"]);
        assert_eq!(tried(&[3, 8, 6], &[8, 6, 3]), ["layout=nhwc"]);
        assert_eq!(tried(&[8, 6, 3], &[3, 8, 6]), ["layout=nchw"]);
        assert_eq!(tried(&[1, 8, 8], &[64]), ["none", "transpose"]);
        assert_eq!(
            tried(&[3, 8, 8], &[192]),
            ["none", "layout=nhwc", "transpose", "layout=nhwc transpose"]
        );
        assert_eq!(tried(&[30], &[30]), ["none"]);
        assert_eq!(tried(&[30], &[31]), Vec::<String>::new());
        assert_eq!(
            shown(&moves(&[3, 8, 8], &[None, None, Some(3)])),
            ["layout=nhwc", "layout=nhwc transpose"]
        );
    }

    #[test]
    fn data_in_bytes_are_scaled_first() {
        let x = (0..=255_u8).map(f32::from).collect::<Vec<_>>();
        let found = values(&x, &[1, 4, 4]);
        let tried = shown(&found.specs);
        assert_eq!(found.foreign, "mean=0.1307".parse::<Spec>().unwrap().words);
        assert!(tried.contains(&"scale=1/255".into()));
        assert!(tried.contains(&"scale=1/255 mean=0.1307 std=0.3081".into()));
        assert!(tried.contains(&"mean=127.5 std=73.9".into()), "{tried:?}");
        assert!(!tried.contains(&"scale=255".into()));
        let tried = shown(&values(&[0.0, 1.0, 0.5, 0.25], &[2]).specs);
        assert!(tried.contains(&"mean=0.25:0.625 std=0.25:0.375".into()), "{tried:?}");
    }
}
