//! Randomised smoothing: the class that a model gives most often under Gaussian noise, and a radius
//! around the input within which that stays so.
//!
//! Source: Cohen, Rosenfeld and Kolter 2019, "Certified Adversarial Robustness via Randomized
//! Smoothing", algorithm CERTIFY and theorem 1. The certificate is of the smoothed classifier, not of
//! the model itself, and fails with a chance of at most `alpha`.

use modelward_engine::Result;

use crate::{
    random::Normal,
    statistics::{lower_limit, normal_quantile},
};

/// What gives the class of each of several inputs, one after the other; `None` where it is none. Fewer
/// classes than inputs say that there is no more time.
pub type Classify<'a> = dyn FnMut(&[f32]) -> Result<Vec<Option<usize>>> + 'a;

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
    /// sure, or time is up. `classify` is given inputs of the size of `x`; one without a class counts against every class.
    ///
    /// # Errors
    /// Where `classify` fails.
    pub fn certify(
        &self,
        x: &[f32],
        noise: &mut Normal,
        classify: &mut Classify<'_>,
    ) -> Result<Option<Smoothed>> {
        let Some(counts) = self.count(x, self.select, noise, classify)? else { return Ok(None) };
        let most = counts.iter().enumerate().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(&a.0)));
        let Some((class, _)) = most else { return Ok(None) };
        let Some(counts) = self.count(x, self.estimate, noise, classify)? else { return Ok(None) };
        let hits = counts.get(class).copied().unwrap_or(0);
        let share = lower_limit(hits, self.estimate as u64, self.alpha);
        if share <= 0.5 || self.estimate == 0 {
            return Ok(None);
        }
        Ok(Some(Smoothed { class, share, radius: self.sigma * normal_quantile(share) }))
    }

    /// How often each class comes, of so many samples; `None` where time is up before.
    fn count(
        &self,
        x: &[f32],
        samples: usize,
        noise: &mut Normal,
        classify: &mut Classify<'_>,
    ) -> Result<Option<Vec<u64>>> {
        let mut counts: Vec<u64> = Vec::new();
        let mut left = samples;
        while left > 0 {
            let some = left.min(self.batch.max(1));
            let mut batch = Vec::with_capacity(some.saturating_mul(x.len()));
            for _ in 0..some {
                #[expect(clippy::cast_possible_truncation, reason = "the model takes floats")]
                batch.extend(x.iter().map(|x| (f64::from(*x) + self.sigma * noise.draw()) as f32));
            }
            let classes = classify(&batch)?;
            if classes.len() < some {
                return Ok(None);
            }
            for class in classes.into_iter().flatten() {
                counts.resize(counts.len().max(class + 1), 0);
                counts[class] += 1;
            }
            left -= some;
        }
        Ok(Some(counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMOOTHING: Smoothing =
        Smoothing { sigma: 0.5, select: 100, estimate: 10_000, alpha: 0.001, batch: 128 };

    /// Class 1 right of a plane: there the exact radius is the distance to it.
    fn half(batch: &[f32]) -> Result<Vec<Option<usize>>> {
        Ok(batch.chunks(2).map(|x| Some(usize::from(x[0] > 0.0))).collect())
    }

    fn certify(x: &[f32], smoothing: Smoothing) -> Option<Smoothed> {
        smoothing.certify(x, &mut Normal::new(&[7]), &mut half).unwrap()
    }

    #[test]
    fn the_radius_reaches_nearly_to_the_border_and_never_beyond() {
        for distance in [0.3_f32, 0.6, 0.9] {
            let got = certify(&[distance, 5.0], SMOOTHING).unwrap();
            assert_eq!(got.class, 1);
            let exact = f64::from(distance);
            assert!(got.radius < exact && got.radius > 0.85 * exact, "{got:?}");
        }
    }

    #[test]
    fn a_tie_is_not_certified_and_noise_repeats() {
        assert_eq!(certify(&[0.0, 0.0], SMOOTHING), None);
        let once = certify(&[0.2, 0.0], SMOOTHING);
        let other = Smoothing { batch: 33, ..SMOOTHING };
        assert_eq!(once, certify(&[0.2, 0.0], other));
    }

    #[test]
    fn a_constant_model_is_certified_by_the_number_of_samples_alone() {
        let constant = &mut |batch: &[f32]| Ok(vec![Some(3); batch.len()]);
        let got = SMOOTHING.certify(&[0.0], &mut Normal::new(&[7]), constant).unwrap().unwrap();
        // 0.001 ^ (1 / 10000) in share, by scipy.stats.norm.ppf.
        assert_eq!(got.class, 3);
        assert!((got.share - 0.999_309_463_002_589_9).abs() < 1e-12, "{}", got.share);
        assert!((got.radius / 0.5 - 3.198_577_5).abs() < 1e-4, "{}", got.radius);
    }

    #[test]
    fn no_noise_is_drawn_when_the_time_is_up() {
        for last in [0, 1, 30] {
            let mut asked = 0;
            let late = &mut |batch: &[f32]| {
                asked += 1;
                Ok(if asked > last { Vec::new() } else { vec![Some(0); batch.len()] })
            };
            let mut noise = Normal::new(&[7]);
            assert_eq!(SMOOTHING.certify(&[0.0], &mut noise, late).unwrap(), None);
            assert_eq!(asked, last + 1);
        }
    }

    #[test]
    fn inputs_without_a_class_count_against_it() {
        // Three in ten answers are none: no share of the others comes above seven in ten.
        let mut asked = 0_u32;
        let some = &mut |batch: &[f32]| {
            Ok(batch
                .iter()
                .map(|_| (asked, asked += 1).0 % 10)
                .map(|at| (at > 2).then_some(0))
                .collect())
        };
        let got = SMOOTHING.certify(&[0.0], &mut Normal::new(&[7]), some).unwrap().unwrap();
        assert!(got.share > 0.68 && got.share < 0.7, "{got:?}");
    }
}
