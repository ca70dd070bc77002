//! Lowest bits that depend on their place, as the bits of programs do and coin flips do not.
//!
//! Structure of the weights themselves (dead columns, few levels, rounding) shows in higher bits
//! too, so each test has a higher bit as its control, and speaks only where that one is as random
//! as it should be.

use super::Sample;

/// A bias that chance does not explain.
pub(super) struct Bias {
    pub(super) message: &'static str,
    pub(super) what: &'static str,
    pub(super) value: f64,
    pub(super) limit: f64,
}

/// The first bias that is found.
pub(super) fn find(sample: &Sample) -> Option<Bias> {
    // Formats of 16 bits have no bit that could be a control.
    if sample.mantissa < Sample::WIDE || sample.weights.len() < FEWEST_WEIGHTS {
        return None;
    }
    let found = place_in_byte(sample).or_else(|| top_of_byte(sample))?;
    sample.is_continuous().then_some(found)
}

/// Whether the lowest bit depends on the place of its weight modulo 8: the statistic of
/// Pearson's test of homogeneity, with 7 degrees of freedom.
fn place_in_byte(sample: &Sample) -> Option<Bias> {
    let value = unevenness(sample, 0)?;
    let mut control = CONTROL..CONTROL.saturating_add(3);
    let quiet = |bit| unevenness(sample, bit).is_some_and(|value| value < QUIET_UNEVENNESS);
    (value > LARGEST_UNEVENNESS && control.all(quiet)).then_some(Bias {
        message: "the lowest bit of a weight depends on its place modulo 8",
        what: "chi-squared statistic of 7 degrees of freedom (p < 1e-12)",
        value,
        limit: LARGEST_UNEVENNESS,
    })
}

fn unevenness(sample: &Sample, bit: u32) -> Option<f64> {
    let (mut ones, mut all) = ([0_u32; 8], [0_u32; 8]);
    for (index, weight) in sample.weights.iter().enumerate() {
        let phase = index & 7;
        if *weight != 0 {
            *ones.get_mut(phase)? = ones.get(phase)?.saturating_add((weight >> bit) & 1);
            *all.get_mut(phase)? = all.get(phase)?.saturating_add(1);
        }
    }
    let sum = |counts: [u32; 8]| counts.iter().map(|&count| f64::from(count)).sum::<f64>();
    let share = sum(ones) / sum(all);
    let spread = share * (1.0 - share);
    if !(0.05..0.95).contains(&share) {
        return Some(0.0);
    }
    let terms = ones.iter().zip(all).map(|(&ones, all)| {
        let expected = f64::from(all) * share;
        let off = f64::from(ones) - expected;
        if all == 0 { 0.0 } else { off * off / (f64::from(all) * spread) }
    });
    Some(terms.sum())
}

/// Whether the top bit of the lowest byte is off its even chance, more than the lowest bit is.
/// Rounding and rescaling empty the lowest bits first; a program leaves the top bit empty.
fn top_of_byte(sample: &Sample) -> Option<Bias> {
    let top = deviation(sample, 7)?;
    let lowest = deviation(sample, 0)?;
    let mut control = CONTROL..CONTROL.saturating_add(3);
    let quiet = |bit| deviation(sample, bit).is_some_and(|value| value.abs() < QUIET_DEVIATION);
    let share = top / (sample.weights.len() as f64).sqrt();
    let found = top.abs() > LARGEST_DEVIATION
        && top.abs() > lowest.abs() * 1.5
        && share.abs() > SMALLEST_SHARE
        && control.all(quiet);
    found.then_some(Bias {
        message: "the lowest byte of the weights is no random number",
        what: "standard deviations of its top bit from an even chance (p < 1e-12)",
        value: top.abs(),
        limit: LARGEST_DEVIATION,
    })
}

/// Standard deviations of the number of ones from half.
fn deviation(sample: &Sample, bit: u32) -> Option<f64> {
    let live = sample.weights.iter().filter(|&&weight| weight != 0);
    let (ones, all) = live.fold((0_u32, 0_u32), |(ones, all), weight| {
        (ones.saturating_add((weight >> bit) & 1), all.saturating_add(1))
    });
    let all = f64::from(all);
    (all > 0.0).then(|| (f64::from(ones) - all / 2.0) / (all / 4.0).sqrt())
}

/// The first bit of the control, above the lowest byte.
const CONTROL: u32 = 8;

/// In fewer weights nothing can be told.
const FEWEST_WEIGHTS: usize = 1024;

/// Chance exceeds it once in 10^12 times: chi-squared, 7 degrees of freedom.
const LARGEST_UNEVENNESS: f64 = 70.84;

/// Chance exceeds it once in 1000 times.
const QUIET_UNEVENNESS: f64 = 24.32;

/// Chance exceeds it once in 10^12 times: normal distribution, both sides.
const LARGEST_DEVIATION: f64 = 7.13;

/// Chance exceeds it once in 1000 times.
const QUIET_DEVIATION: f64 = 3.29;

/// In standard deviations for one weight: one payload bit in ten is off.
const SMALLEST_SHARE: f64 = 0.2;
