//! Random numbers that hang on what they are for, and on nothing that ran before.
//!
//! Each sample draws from a stream of its own, seeded by the run's seed, the sample, the attack and
//! the attempt, so no result depends on the batch, the threads or the other samples.

/// A stream of random numbers for one purpose.
pub fn stream(words: &[u64]) -> fastrand::Rng {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for word in words {
        state = mix(state ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    }
    fastrand::Rng::with_seed(mix(state))
}

/// A bijection that scatters all bits: the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(mut state: u64) -> u64 {
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// A number from the standard normal distribution (Box and Muller 1958).
pub fn normal(random: &mut fastrand::Rng) -> f32 {
    let radius = (-2.0 * (1.0 - random.f32()).ln()).sqrt();
    radius * (std::f32::consts::TAU * random.f32()).cos()
}

/// Numbers of the standard normal distribution in the precision of `f64`: the polar method of
/// Marsaglia (1964).
#[derive(Clone, Debug)]
pub struct Normal {
    random: fastrand::Rng,
    spare: Option<f64>,
}

impl Normal {
    /// The numbers for one purpose.
    pub fn new(words: &[u64]) -> Self {
        Self { random: stream(words), spare: None }
    }

    /// The next number.
    pub fn draw(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.random.f64() - 1.0, 2.0 * self.random.f64() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let factor = (-2.0 * square.ln() / square).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_in_any_word_and_repeat() {
        let first = |words: &[u64]| stream(words).u64(..);
        assert_eq!(first(&[1, 2, 3]), first(&[1, 2, 3]));
        assert_ne!(first(&[1, 2, 3]), first(&[1, 3, 2]));
        assert_ne!(first(&[0]), first(&[0, 0]));
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let mut random = stream(&[7]);
        let draws = (0..20_000).map(|_| f64::from(normal(&mut random))).collect::<Vec<_>>();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }

    #[test]
    fn normal_numbers_have_the_moments_and_the_tail_of_their_distribution() {
        let mut normal = Normal::new(&[1]);
        let numbers = (0..200_000).map(|_| normal.draw()).collect::<Vec<_>>();
        let mean = |of: fn(f64) -> f64| numbers.iter().map(|x| of(*x)).sum::<f64>() / 200_000.0;
        assert!(mean(|x| x).abs() < 0.01);
        assert!((mean(|x| x * x) - 1.0).abs() < 0.02);
        assert!((mean(|x| x.powi(4)) - 3.0).abs() < 0.15);
        assert!((mean(|x| f64::from(u8::from(x > 1.959_964))) - 0.025).abs() < 0.002);
    }
}
