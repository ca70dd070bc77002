//! Intervals for what was counted, exact to the last digits of `f64`.

/// The exact interval of Clopper and Pearson (1934) for a proportion of which `k` of `n` were seen,
/// two-sided, at a confidence such as 0.95. With nothing counted it is `(0, 1)`.
pub fn clopper_pearson(k: u64, n: u64, confidence: f64) -> (f64, f64) {
    let tail = (1.0 - confidence) / 2.0;
    (lower_limit(k, n, tail), upper_limit(k, n, tail))
}

/// The one-sided lower limit of a proportion: the truth lies below it with a chance of at most `tail`.
pub fn lower_limit(k: u64, n: u64, tail: f64) -> f64 {
    let k = k.min(n);
    if k == 0 { 0.0 } else { beta_quantile(tail, k as f64, (n - k + 1) as f64) }
}

/// The one-sided upper limit of a proportion.
pub fn upper_limit(k: u64, n: u64, tail: f64) -> f64 {
    let k = k.min(n);
    // The mirrored quantile, so that a small tail is not lost in `1 - tail`.
    if k == n { 1.0 } else { 1.0 - beta_quantile(tail, (n - k) as f64, (k + 1) as f64) }
}

/// The regularised incomplete beta function, the distribution function of Beta(a, b) at `x`; `a` and
/// `b` are positive. By its continued fraction (Press et al., Numerical Recipes, 6.4).
pub fn beta_distribution(x: f64, a: f64, b: f64) -> f64 {
    beta_tails(x, 1.0 - x, a, b).0
}

/// The quantile of Beta(a, b): where its distribution function reaches `p`.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    if p.is_nan() || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    // In the half where the quantile is small it keeps its relative precision.
    let (below, _) = beta_tails(0.5, 0.5, a, b);
    if below < p { 1.0 - small_quantile(1.0 - p, b, a) } else { small_quantile(p, a, b) }
}

/// The quantile of the normal distribution: Wichura (1988), algorithm AS 241, PPND16.
pub fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&NEAR, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = (-tail.ln()).sqrt();
    let far = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&FAR, r - 5.0) };
    far.copysign(q)
}

/// The quantile where it is at most one half, by Newton's method kept inside a shrinking bracket.
fn small_quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 0.5_f64);
    let mut x = (a / (a + b)).min(0.25);
    for _ in 0..400 {
        let above = beta_tails(x, 1.0 - x, a, b).0 - p;
        if above > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let density = beta_density(x, a, b);
        let newton = x - above / density;
        let next = if newton > low && newton < high {
            newton
        } else if low > 0.0 && high / low > 4.0 {
            (low * high).sqrt()
        } else if low == 0.0 {
            high / 16.0
        } else {
            low + (high - low) / 2.0
        };
        if (next - x).abs() <= x * 1e-16 || next == low || next == high {
            return next;
        }
        x = next;
    }
    x
}

/// Both tails of Beta(a, b) at `x`, `y` being `1 - x`.
fn beta_tails(x: f64, y: f64, a: f64, b: f64) -> (f64, f64) {
    if x.is_nan() || x <= 0.0 {
        return (0.0, 1.0);
    }
    if y <= 0.0 {
        return (1.0, 0.0);
    }
    let front = x * y * beta_density(x, a, b);
    // The fraction converges fast on its own side of the mean.
    if x < (a + 1.0) / (a + b + 2.0) {
        let below = (front * fraction(x, a, b) / a).min(1.0);
        (below, 1.0 - below)
    } else {
        let above = (front * fraction(y, b, a) / b).min(1.0);
        (1.0 - above, above)
    }
}

/// The density of Beta(a, b), by Loader's (2000) form of the binomial one: no logarithms of large
/// factorials cancel.
fn beta_density(x: f64, a: f64, b: f64) -> f64 {
    let (n, y) = (a + b, 1.0 - x);
    let exponent =
        stirling(n) - stirling(a) - stirling(b) - deviance(a, n * x) - deviance(b, n * y);
    let point = (n / (a * b * std::f64::consts::TAU)).sqrt() * exponent.exp();
    point * (a / x) * (b / y) / n
}

/// What Stirling's formula leaves out of `ln gamma(z + 1)`.
fn stirling(z: f64) -> f64 {
    let (mut z, mut sum) = (z, 0.0);
    while z < 16.0 {
        sum += (z + 0.5) * (1.0 / z).ln_1p() - 1.0;
        z += 1.0;
    }
    let square = z * z;
    let series = 1.0 / 12.0
        - (1.0 / 360.0
            - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / (1188.0 * square)) / square) / square)
            / square;
    sum + series / z
}

/// `x ln(x / m) + m - x`, without cancellation where the two are near.
fn deviance(x: f64, m: f64) -> f64 {
    let v = (x - m) / (x + m);
    if v.abs() >= 0.1 {
        return x * (x / m).ln() + m - x;
    }
    let mut sum = (x - m) * v;
    let mut term = 2.0 * x * v;
    for odd in 1..1000 {
        term *= v * v;
        let next = sum + term / f64::from(2 * odd + 1);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// The continued fraction of the incomplete beta function, by the method of Lentz.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let kept = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (above, first) = (a + 1.0, a + b);
    let mut c = 1.0;
    let mut d = 1.0 / kept(1.0 - first * x / above);
    let mut whole = d;
    for step in 1..100_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / kept(1.0 + even * d);
        c = kept(1.0 + even / c);
        whole *= d * c;
        let odd = -(a + m) * (first + m) * x / ((a + 2.0 * m) * (above + 2.0 * m));
        d = 1.0 / kept(1.0 + odd * d);
        c = kept(1.0 + odd / c);
        let change = d * c;
        whole *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    whole
}

/// A ratio of two polynomials, coefficients from the constant up.
fn ratio([above, below]: &[[f64; 8]; 2], r: f64) -> f64 {
    let at = |polynomial: &[f64; 8]| polynomial.iter().rev().fold(0.0, |sum, c| sum * r + c);
    at(above) / at(below)
}

#[rustfmt::skip]
#[expect(clippy::excessive_precision, reason = "as it is published")]
const NEAR: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_608, 1.331_416_678_917_843_774_5e2, 1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4, 4.592_195_393_154_987_145_7e4, 6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4, 2.509_080_928_730_122_672_7e3,
    ],
    [
        1.0, 4.231_333_070_160_091_125_2e1, 6.871_870_074_920_579_083e2,
        5.394_196_021_424_751_107_7e3, 2.121_379_430_158_659_586_7e4, 3.930_789_580_009_271_061e4,
        2.872_908_573_572_194_267_4e4, 5.226_495_278_852_854_561e3,
    ],
];

#[rustfmt::skip]
#[expect(clippy::excessive_precision, reason = "as it is published")]
const MIDDLE: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_577_34, 4.630_337_846_156_545_295_9, 5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04, 1.270_458_252_452_368_382_58, 2.417_807_251_774_506_117_7e-1,
        2.272_384_498_926_918_458_33e-2, 7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0, 2.053_191_626_637_758_821_87, 1.676_384_830_183_803_849_4,
        6.897_673_349_851_000_045_5e-1, 1.481_039_764_274_800_745_9e-1, 1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946e-4, 1.050_750_071_644_416_843_24e-9,
    ],
];

#[rustfmt::skip]
#[expect(clippy::excessive_precision, reason = "as it is published")]
const FAR: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103_777_2, 5.463_784_911_164_114_369_9, 1.784_826_539_917_291_335_8,
        2.965_605_718_285_048_912_3e-1, 2.653_218_952_657_612_309_3e-2, 1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5, 2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0, 5.998_322_065_558_879_376_9e-1, 1.369_298_809_227_358_053_1e-1,
        1.487_536_129_085_061_485_25e-2, 7.868_691_311_456_132_591e-4, 1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7, 2.044_263_103_389_939_785_64e-15,
    ],
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    #[rustfmt::skip]
    fn limits_are_those_of_scipy() {
        let known = [
            (0, 10, 0.95, 0.0, 0.3084971078187607),
            (10, 10, 0.95, 0.6915028921812392, 1.0),
            (1, 10, 0.95, 0.0025285785444617865, 0.4450161170281954),
            (5, 10, 0.95, 0.18708602844739855, 0.8129139715526015),
            (242, 250, 0.95, 0.9379233026251296, 0.9860853884512562),
            (1, 100_000, 0.999, 5.0012504043167305e-09, 9.998227635705419e-05),
            (99_990, 100_000, 0.999, 0.9997474636700726, 0.9999730088185748),
            (37, 1000, 0.9, 0.027712066828485957, 0.04838992666597339),
            (0, 1, 0.99, 0.0, 0.995),
            (500_000, 1_000_000, 0.95, 0.49901951919531184, 0.5009804808046882),
            (3, 7, 0.5, 0.25307397577397683, 0.6211515593582926),
        ];
        for (k, n, confidence, low, high) in known {
            let got = clopper_pearson(k, n, confidence);
            assert!((got.0 - low).abs() < 1e-13 && (got.1 - high).abs() < 1e-13, "{k}/{n}: {got:?}");
        }
        assert_eq!(clopper_pearson(0, 0, 0.95), (0.0, 1.0));
    }

    #[test]
    #[rustfmt::skip]
    fn distributions_are_those_of_scipy() {
        let quantiles = [
            (1e-300, -37.0470962993612), (1e-20, -9.262340089798409), (1e-05, -4.264890793922825),
            (0.01, -2.3263478740408408), (0.025, -1.9599639845400545), (0.3, -0.5244005127080409),
            (0.5, 0.0), (0.6, 0.2533471031357997), (0.99, 2.3263478740408408),
            (0.999_999, 4.753424308817087),
        ];
        for (p, expected) in quantiles {
            let got = normal_quantile(p);
            assert!((got - expected).abs() <= 1e-14 * (1.0 + expected.abs()), "{p}: {got}");
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(-0.1).is_nan());
        let betas = [
            (0.5, 2.0, 3.0, 0.6875), (0.01, 0.5, 0.5, 0.06376856085851985),
            (0.9, 10.0, 2.0, 0.6973568802000002), (0.3, 1000.0, 2000.0, 4.0738279160507626e-05),
            (0.999, 3.5, 0.25, 0.7390235025258011),
        ];
        for (x, a, b, expected) in betas {
            let got = beta_distribution(x, a, b);
            assert!((got - expected).abs() <= 2e-13 * expected, "{x} {a} {b}: {got} {expected}");
        }
    }

    proptest! {
        #[test]
        fn a_quantile_is_where_the_distribution_reaches_it(
            p in 1e-6..0.999_999_f64, a in 1_u32..5000, b in 1_u32..5000,
        ) {
            let (a, b) = (f64::from(a), f64::from(b));
            let x = beta_quantile(p, a, b);
            prop_assert!((beta_distribution(x, a, b) - p).abs() < 1e-11, "{}", x);
        }

        #[test]
        fn the_interval_holds_what_was_seen(n in 1_u64..100_000, part in 0.0..=1.0_f64) {
            let k = (part * n as f64) as u64;
            let (low, high) = clopper_pearson(k, n, 0.95);
            let seen = k as f64 / n as f64;
            prop_assert!(0.0 <= low && low <= seen && seen <= high && high <= 1.0);
            prop_assert!((low == 0.0) == (k == 0) && (high == 1.0) == (k == n));
        }
    }
}
