//! Randomised smoothing: the class that a model gives most often under Gaussian noise, and a radius
//! around the input within which that stays so.
//!
//! Source: Cohen, Rosenfeld and Kolter 2019, "Certified Adversarial Robustness via Randomized
//! Smoothing", algorithm CERTIFY and theorem 1. The certificate is of the smoothed classifier, not of
//! the model itself, and fails with a chance of at most `alpha`.

use modelward_engine::Result;

use crate::statistics::{lower_limit, normal_quantile};

/// How an input is smoothed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// Standard deviation of the noise, in input units; above 0.
    pub sigma: f64,
    /// Samples by which the class is chosen.
    pub select: usize,
    /// Samples, none of them among those, by which its share is estimated.
    pub estimate: usize,
    /// The chance that the certificate is wrong.
    pub alpha: f64,
    /// Samples that the model is given at once.
    pub batch: usize,
    /// Where the noise begins: the same seed gives the same noise.
    pub seed: u64,
}

/// What is certified of one input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothed {
    /// The class of the smoothed classifier.
    pub class: usize,
    /// A lower limit of its share under noise.
    pub share: f64,
    /// No input nearer than this, in L2, gets another class.
    pub radius: f64,
}

impl Smoothing {
    /// Certify the class of an input `x`; `None` where no class has more than half of the samples for
    /// sure. `classify` is given inputs of the size of `x` one after the other, and gives the class of
    /// each.
    ///
    /// # Errors
    /// Where `classify` fails.
    pub fn certify(
        &self,
        x: &[f32],
        classify: &mut dyn FnMut(&[f32]) -> Result<Vec<usize>>,
    ) -> Result<Option<Smoothed>> {
        let mut noise = Noise { state: self.seed, spare: None };
        let counts = self.count(x, self.select, &mut noise, classify)?;
        let most = counts.iter().enumerate().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(&a.0)));
        let Some((class, _)) = most else { return Ok(None) };
        let counts = self.count(x, self.estimate, &mut noise, classify)?;
        let hits = counts.get(class).copied().unwrap_or(0);
        let share = lower_limit(hits, self.estimate as u64, self.alpha);
        if share <= 0.5 || self.estimate == 0 {
            return Ok(None);
        }
        Ok(Some(Smoothed { class, share, radius: self.sigma * normal_quantile(share) }))
    }

    /// How often each class comes, of so many samples.
    fn count(
        &self,
        x: &[f32],
        samples: usize,
        noise: &mut Noise,
        classify: &mut dyn FnMut(&[f32]) -> Result<Vec<usize>>,
    ) -> Result<Vec<u64>> {
        let mut counts: Vec<u64> = Vec::new();
        let mut left = samples;
        while left > 0 {
            let some = left.min(self.batch.max(1));
            let mut batch = Vec::with_capacity(some.saturating_mul(x.len()));
            for _ in 0..some {
                #[expect(clippy::cast_possible_truncation, reason = "the model takes floats")]
                batch.extend(x.iter().map(|x| (f64::from(*x) + self.sigma * noise.next()) as f32));
            }
            for class in classify(&batch)? {
                // A class that is far out counts as none: it is no class of a model that fits here.
                if class < 1 << 24 {
                    counts.resize(counts.len().max(class + 1), 0);
                    counts[class] += 1;
                }
            }
            left -= some;
        }
        Ok(counts)
    }
}

/// Numbers of the standard normal distribution: SplitMix64 (Steele et al. 2014), and the polar method
/// of Marsaglia (1964).
#[derive(Clone, Copy, Debug)]
struct Noise {
    state: u64,
    spare: Option<f64>,
}

impl Noise {
    fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
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

    const SMOOTHING: Smoothing =
        Smoothing { sigma: 0.5, select: 100, estimate: 10_000, alpha: 0.001, batch: 128, seed: 7 };

    /// Class 1 right of a plane: there the exact radius is the distance to it.
    fn half(batch: &[f32]) -> Result<Vec<usize>> {
        Ok(batch.chunks(2).map(|x| usize::from(x[0] > 0.0)).collect())
    }

    #[test]
    fn the_radius_reaches_nearly_to_the_border_and_never_beyond() {
        for distance in [0.3_f32, 0.6, 0.9] {
            let got = SMOOTHING.certify(&[distance, 5.0], &mut half).unwrap().unwrap();
            assert_eq!(got.class, 1);
            let exact = f64::from(distance);
            assert!(got.radius < exact && got.radius > 0.85 * exact, "{got:?}");
        }
    }

    #[test]
    fn a_tie_is_not_certified_and_noise_repeats() {
        assert_eq!(SMOOTHING.certify(&[0.0, 0.0], &mut half).unwrap(), None);
        let once = SMOOTHING.certify(&[0.2, 0.0], &mut half).unwrap();
        let other = Smoothing { batch: 33, ..SMOOTHING };
        assert_eq!(once, other.certify(&[0.2, 0.0], &mut half).unwrap());
    }

    #[test]
    fn a_constant_model_is_certified_by_the_number_of_samples_alone() {
        let got =
            SMOOTHING.certify(&[0.0], &mut |batch| Ok(vec![3; batch.len()])).unwrap().unwrap();
        // 0.001 ^ (1 / 10000) in share, by scipy.stats.norm.ppf.
        assert_eq!(got.class, 3);
        assert!((got.share - 0.999_309_463_002_589_9).abs() < 1e-12, "{}", got.share);
        assert!((got.radius / 0.5 - 3.198_577_5).abs() < 1e-4, "{}", got.radius);
    }

    #[test]
    fn noise_is_normal() {
        let mut noise = Noise { state: 1, spare: None };
        let numbers = (0..200_000).map(|_| noise.next()).collect::<Vec<_>>();
        let mean = |of: fn(f64) -> f64| numbers.iter().map(|x| of(*x)).sum::<f64>() / 200_000.0;
        assert!(mean(|x| x).abs() < 0.01);
        assert!((mean(|x| x * x) - 1.0).abs() < 0.02);
        assert!((mean(|x| x.powi(4)) - 3.0).abs() < 0.15);
        assert!((mean(|x| f64::from(u8::from(x > 1.959_964))) - 0.025).abs() < 0.002);
    }
}
