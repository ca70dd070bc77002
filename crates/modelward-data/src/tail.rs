//! Tails of distributions: how likely chance alone does so much.

/// Logarithms of the factorials of 0 to a number of rows.
pub(crate) struct Factorials(Vec<f64>);

impl Factorials {
    /// Those of 0 to `most`.
    pub(crate) fn new(most: usize) -> Self {
        let mut sum = 0.0;
        let logarithms = (0..=most).map(|number| {
            if number > 1 {
                sum += (number as f64).ln();
            }
            sum
        });
        Self(logarithms.collect())
    }

    fn choose(&self, from: usize, some: usize) -> f64 {
        self.0[from] - self.0[some] - self.0[from - some]
    }

    /// The logarithm of the probability that of `drawn` rows at least `hits` are marked, where `marked`
    /// of `rows` are and rows are drawn without being put back: the upper tail of the hypergeometric
    /// distribution.
    pub(crate) fn hypergeometric(
        &self,
        rows: usize,
        marked: usize,
        drawn: usize,
        hits: usize,
    ) -> f64 {
        let most = marked.min(drawn);
        let least = (drawn + marked).saturating_sub(rows);
        if hits <= least {
            return 0.0;
        }
        if hits > most {
            return f64::NEG_INFINITY;
        }
        let first = self.choose(marked, hits) + self.choose(rows - marked, drawn - hits)
            - self.choose(rows, drawn);
        // The terms by their ratio to the first; behind the peak they fall at least as a geometric row.
        let (mut sum, mut term) = (1.0_f64, 1.0_f64);
        for hit in hits..most {
            let up = (marked - hit) as f64 * (drawn - hit) as f64;
            let down = (hit + 1) as f64 * (rows + hit + 1 - marked - drawn) as f64;
            term *= up / down;
            sum += term;
            if term < sum * 1e-12 {
                break;
            }
        }
        (first + sum.ln()).min(0.0)
    }

    /// The logarithm of the probability that at least `hits` of `drawn` rows are marked, each with this
    /// probability: the upper tail of the binomial distribution.
    pub(crate) fn binomial(&self, drawn: usize, hits: usize, share: f64) -> f64 {
        if hits == 0 || share >= 1.0 {
            return 0.0;
        }
        if hits > drawn || share <= 0.0 {
            return f64::NEG_INFINITY;
        }
        let (with, without) = (share.ln(), (-share).ln_1p());
        let first = self.choose(drawn, hits) + hits as f64 * with + (drawn - hits) as f64 * without;
        let (mut sum, mut term) = (1.0_f64, 1.0_f64);
        for hit in hits..drawn {
            term *= (drawn - hit) as f64 / (hit + 1) as f64 * (with - without).exp();
            sum += term;
            if term < sum * 1e-12 && term < 1.0 {
                break;
            }
        }
        (first + sum.ln()).min(0.0)
    }
}

/// The probability that chance alone splits two kinds of rows between two samples at least as unevenly (Fisher's
/// exact test, two-sided: all splits that are no likelier than this one). Of each kind how many are in either
/// sample. Takes as many steps as the rarer kind, or the smaller sample, has rows.
pub(crate) fn fisher(one: [f64; 2], other: [f64; 2]) -> f64 {
    let (marked, drawn) = (other[0] + other[1], one[1] + other[1]);
    let all = one[0] + one[1] + marked;
    let choose = |from: f64, some: f64| {
        ln_gamma(from + 1.0) - ln_gamma(some + 1.0) - ln_gamma(from - some + 1.0)
    };
    let (least, most) = ((drawn + marked - all).max(0.0), marked.min(drawn));
    let whole = choose(all, drawn);
    let of = |hits: f64| choose(marked, hits) + choose(all - marked, drawn - hits) - whole;
    let own = of(other[1]);
    let splits = (0..).map(|at: u32| least + f64::from(at)).take_while(|hits| *hits <= most);
    let unlikely = splits.map(of).filter(|ln| *ln <= own + 1e-7).map(f64::exp);
    unlikely.sum::<f64>().min(1.0)
}

/// The logarithm of the gamma function of a positive number (Lanczos, 1964; g = 7, nine terms).
pub(crate) fn ln_gamma(x: f64) -> f64 {
    const G: f64 = 7.0;
    const TERMS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let t = x + G + 0.5;
    let sum = TERMS.iter().enumerate().skip(1);
    let sum = sum.fold(TERMS[0], |sum, (at, term)| sum + term / (x + at as f64));
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// The probability that a chi-square variable of so many degrees of freedom is greater: the upper
/// incomplete gamma function by its series below, and by its continued fraction above the mean (Press et
/// al., Numerical Recipes, section 6.2).
pub(crate) fn chi_square(value: f64, freedom: f64) -> f64 {
    if value <= 0.0 || freedom <= 0.0 {
        return 1.0;
    }
    let (a, x) = (freedom / 2.0, value / 2.0);
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        for _ in 0..10_000 {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * 1e-15 {
                break;
            }
        }
        return (1.0 - front * sum).clamp(0.0, 1.0);
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut h = d;
    for at in 1..10_000 {
        let an = -(at as f64) * (at as f64 - a);
        b += 2.0;
        d = an * d + b;
        d = if d.abs() < tiny { tiny } else { d };
        c = b + an / c;
        c = if c.abs() < tiny { tiny } else { c };
        d = 1.0 / d;
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (front * h).clamp(0.0, 1.0)
}

/// The probability that two samples of one distribution, of these sizes, have a Kolmogorov-Smirnov distance of at
/// least this: counted where both are small, for the series is a third too low there, else by the series.
pub(crate) fn smirnov(distance: f64, one: usize, other: usize) -> f64 {
    if one.saturating_mul(other) > MOST_COUNTED {
        return kolmogorov(distance, one as f64, other as f64);
    }
    // Paths from corner to corner that keep away from the distance (Kim and Jennrich, 1973).
    let (n, m) = (one as f64, other as f64);
    let bar = (0.5 + (distance * n * m - 1e-7).floor()) / (n * m);
    let mut paths =
        (0..=other).map(|at| f64::from(u8::from(at as f64 / m <= bar))).collect::<Vec<_>>();
    for row in 1..=one {
        let weight = row as f64 / (row + other) as f64;
        let mut left = 0.0;
        for (at, path) in paths.iter_mut().enumerate() {
            let apart = (row as f64 / n - at as f64 / m).abs() > bar;
            *path = if apart { 0.0 } else { weight * *path + left };
            left = *path;
        }
    }
    let within = paths.last().copied().unwrap_or(1.0);
    (1.0 - within).clamp(f64::MIN_POSITIVE, 1.0)
}

/// Pairs of rows up to which the Kolmogorov-Smirnov test is exact.
const MOST_COUNTED: usize = 20_000;

/// The same for large samples (the asymptotic series with the correction of Stephens, 1970).
pub(crate) fn kolmogorov(distance: f64, one: f64, other: f64) -> f64 {
    let root = (one * other / (one + other)).sqrt();
    let x = (root + 0.12 + 0.11 / root) * distance;
    if x < 0.2 {
        return 1.0;
    }
    let terms = (1..=100).map(|at| {
        let at = f64::from(at);
        let sign = if at % 2.0 == 1.0 { 1.0 } else { -1.0 };
        sign * (-2.0 * at * at * x * x).exp()
    });
    (2.0 * terms.sum::<f64>()).clamp(0.0, 1.0)
}

/// The probability that a normal variable lies at least so far from its mean, on either side (Press et
/// al., Numerical Recipes, section 6.2: relative error below 1.2e-7).
pub(crate) fn two_sided(z: f64) -> f64 {
    chi_square(z * z, 1.0)
}

/// P-values corrected for their number (Holm, 1979), in the same order.
pub(crate) fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order = (0..p_values.len()).collect::<Vec<_>>();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut corrected = vec![1.0; p_values.len()];
    let mut worst = 0.0_f64;
    for (rank, at) in order.into_iter().enumerate() {
        let times = (p_values.len() - rank) as f64;
        worst = worst.max((p_values[at] * times).min(1.0));
        corrected[at] = worst;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) {
        assert!((one - other).abs() <= 1e-9 * other.abs().max(1e-3), "{one} {other}");
    }

    #[test]
    fn tails_are_those_of_the_tables() {
        let factorials = Factorials::new(100);
        // Of 100 rows 10 are marked; of 5 drawn at least 3 are.
        near(factorials.hypergeometric(100, 10, 5, 3).exp(), 499_752.0 / 75_287_520.0);
        near(factorials.hypergeometric(100, 10, 5, 0), 0.0);
        assert_eq!(factorials.hypergeometric(100, 3, 5, 4), f64::NEG_INFINITY);
        near(factorials.hypergeometric(6, 4, 5, 3), 0.0);
        near(factorials.binomial(10, 3, 0.5).exp(), 968.0 / 1024.0);
        near(factorials.binomial(4, 4, 0.1).exp(), 1e-4);
        near(factorials.binomial(4, 0, 0.1), 0.0);
        // `scipy.stats.fisher_exact([[8, 2], [1, 5]])`: 0.03496503496503495.
        near(fisher([8.0, 2.0], [1.0, 5.0]), 0.034_965_034_965_034_95);
        // `scipy.stats.ks_2samp` of 20 and 20, 20 and 200, 50 and 50 values, by its exact method.
        near(smirnov(0.35, 20, 20), 0.174_533_005_698_068_26);
        near(smirnov(0.55, 20, 20), 0.003_967_294_386_600_86);
        near(smirnov(0.31, 20, 200), 0.049_840_381_318_168_03);
        near(smirnov(0.22, 50, 50), 0.178_586_681_812_217_32);
        near(fisher([100.0, 10.0], [0.0, 0.0]), 1.0);
        near(chi_square(3.841_458_820_694_124, 1.0), 0.05);
        near(chi_square(2.0, 2.0), (-1.0_f64).exp());
        near(chi_square(30.0, 10.0), 0.000_856_641_210_775_301_1);
        near(two_sided(1.959_963_984_540_054), 0.05);
        assert!((kolmogorov(1.358 / 1000.0, 2e6, 2e6) - 0.05).abs() < 1e-3);
    }

    #[test]
    fn holm_steps_down() {
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        corrected.iter().zip(expected).for_each(|(got, wanted)| near(*got, wanted));
    }
}
