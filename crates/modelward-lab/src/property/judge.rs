//! What is true of a point that is said to violate a property.
//!
//! The box is held against the point as it was written, in rational numbers; the model sees the
//! `f32` nearest to that, as any runtime does.

use modelward_engine::{Kind, Result, Trouble};
use num_traits::{Signed, Zero};

use crate::{
    exact::{self, Rational},
    property::{
        case::{Case, Property, margin},
        counterexample::Counterexample,
        floats::Floats,
        network::Network,
    },
};

/// How far a point may be outside, and outputs from being wrong, by the rules of VNN-COMP.
const TOLERANCE: f64 = 1e-4;

/// What a counterexample is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Inside exactly, and its outputs are wrong.
    Valid,
    /// So only with 1e-4 on either, as VNN-COMP judges.
    Tolerance,
    /// Not even so.
    Invalid,
}

/// A counterexample as it was judged, against the case that it comes nearest to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What it is worth.
    pub verdict: Verdict,
    /// How far the point as written is outside the box, in input units: the largest over inputs.
    pub outside: f64,
    /// The same of the `f32` nearest to it.
    pub outside_float32: f64,
    /// How far the outputs are from being wrong, in output units; at most 0 is wrong.
    pub margin: f64,
    /// The input that is farthest outside.
    pub farthest: Option<Outside>,
    /// How many inputs are outside.
    pub inputs_outside: usize,
    /// The margin at the nearest point inside, where this one is outside.
    pub margin_inside: Option<f64>,
}

/// An input outside its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Outside {
    /// Its number: of `X_17` it is 17.
    pub input: usize,
    /// Its value.
    pub value: f64,
    /// Its bounds, where it has them.
    pub low: Option<f64>,
    /// The upper one.
    pub high: Option<f64>,
}

impl Verdict {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Tolerance => "tolerance",
            Self::Invalid => "invalid",
        }
    }
}

impl Judgement {
    /// Why it is no counterexample, for a property of so many inputs.
    pub fn reason(&self, inputs: usize) -> String {
        let mut parts = Vec::new();
        if let Some(Outside { input, value, low, high }) = &self.farthest {
            let side = |bound: &Option<f64>, none: &str| bound.map_or(none.to_owned(), amount);
            parts.push(format!(
                "the input X_{input} = {} lies outside [{}, {}] by {}",
                amount(*value),
                side(low, "-inf"),
                side(high, "inf"),
                amount(self.outside)
            ));
            let inside = match self.margin_inside {
                Some(margin) if margin <= 0.0 => "the nearest point inside is a violation",
                Some(_) => "the property holds at the nearest point inside",
                None => "the box holds no point",
            };
            let count = self.inputs_outside;
            parts.push(format!("{count} of {inputs} inputs are outside; {inside}"));
        }
        if self.margin > 0.0 {
            let margin = amount(self.margin);
            parts.push(format!("the outputs are {margin} away from what the property forbids"));
        }
        parts.join("; ")
    }
}

/// A number as people read it.
fn amount(number: f64) -> String {
    let size = number.abs();
    if number == 0.0 || (1e-3..1e6).contains(&size) {
        let text = format!("{number:.6}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{number:.3e}")
    }
}

/// Judge a counterexample.
///
/// # Errors
/// Where it has other inputs than the property, the property has no case, or the model does not run.
pub fn check(
    network: &mut Network<'_>,
    property: &Property,
    counterexample: &Counterexample,
) -> Result<Judgement> {
    let point = &counterexample.inputs;
    if point.len() != property.inputs {
        let (expected, got) = (property.inputs, point.len());
        let why = format!("expected a counterexample of {expected} inputs, got {got}");
        return Err(Trouble::new(Kind::Input, why).help("is it one of this property?"));
    }
    let floats = point.iter().enumerate().map(|(input, value)| {
        exact::nearest(value).filter(|near| near.is_finite()).ok_or_else(|| {
            Trouble::new(Kind::Input, format!("`X_{input}` is beyond all numbers of 32 bits"))
        })
    });
    let floats = floats.collect::<Result<Vec<_>>>()?;
    let outputs = network.outputs(&floats)?;
    // The case that is nearest: by what it is outside and what its outputs miss, then by the margin.
    let mut best: Option<((f64, f64), &Case, usize)> = None;
    for case in &property.cases {
        let outside = exact::float(&distance(case, point));
        for (at, wrong) in case.wrong.iter().enumerate() {
            let margin = margin(wrong, &outputs);
            let key = (outside + margin.max(0.0), margin);
            if best.as_ref().is_none_or(|(known, ..)| key < *known) {
                best = Some((key, case, at));
            }
        }
    }
    let (_, case, at) = best.ok_or_else(|| {
        Trouble::new(Kind::Input, "expected a property of at least one case, got none")
    })?;
    let wrong = case.wrong.get(at).map_or(&[][..], Vec::as_slice);
    let margin_here = margin(wrong, &outputs);
    let outside = distance(case, point);
    let rounded = floats.iter().map(|&value| exact::of(f64::from(value)).unwrap_or_default());
    let rounded = distance(case, &rounded.collect::<Vec<_>>());
    let tolerance = Rational::new(1.into(), 10_000.into());
    let verdict = if outside.is_zero() && margin_here <= 0.0 {
        Verdict::Valid
    } else if outside <= tolerance && margin_here <= TOLERANCE {
        Verdict::Tolerance
    } else {
        Verdict::Invalid
    };
    let (farthest, inputs_outside) = farthest(case, point);
    let inside = Floats::of(case).filter(|_| inputs_outside > 0);
    let margin_inside = match inside {
        Some(inside) => Some(margin(wrong, &network.outputs(&inside.nearest(&floats))?)),
        None => None,
    };
    Ok(Judgement {
        verdict,
        outside: exact::float(&outside),
        outside_float32: exact::float(&rounded),
        margin: margin_here,
        farthest,
        inputs_outside,
        margin_inside,
    })
}

/// How far a value is outside an interval; 0 inside.
fn gap(low: Option<&Rational>, high: Option<&Rational>, value: &Rational) -> Rational {
    let below = low.map(|low| low - value).filter(Signed::is_positive);
    let above = high.map(|high| value - high).filter(Signed::is_positive);
    below.into_iter().chain(above).max().unwrap_or_default()
}

/// The intervals of a case with the values of a point.
fn intervals<'a>(
    case: &'a Case,
    point: &'a [Rational],
) -> impl Iterator<Item = (Option<&'a Rational>, Option<&'a Rational>, &'a Rational)> {
    let sides = case.low.iter().zip(&case.high).zip(point);
    sides.map(|((low, high), value)| (low.as_ref(), high.as_ref(), value))
}

/// How far a point is outside a box: the largest distance of an input.
fn distance(case: &Case, point: &[Rational]) -> Rational {
    let gaps = intervals(case, point).map(|(low, high, value)| gap(low, high, value));
    gaps.max().unwrap_or_default()
}

/// The input that is farthest outside, and how many are.
fn farthest(case: &Case, point: &[Rational]) -> (Option<Outside>, usize) {
    let mut count = 0;
    let mut worst: Option<(Rational, Outside)> = None;
    for (input, (low, high, value)) in intervals(case, point).enumerate() {
        let gap = gap(low, high, value);
        if gap.is_zero() {
            continue;
        }
        count += 1;
        if worst.as_ref().is_none_or(|(known, _)| gap > *known) {
            let (low, high) = (low.map(exact::float), high.map(exact::float));
            worst = Some((gap, Outside { input, value: exact::float(value), low, high }));
        }
    }
    (worst.map(|(_, outside)| outside), count)
}

#[cfg(test)]
mod tests {
    use modelward_engine::Limits;

    use super::*;
    use crate::property::tiny;

    /// Of `y = [relu(x_0 - x_1), x_0]` with inputs in [0, 0.1] and [0, 1]: `y_0 >= 0.05`.
    fn judged(point: &str) -> Judgement {
        let property = Property::parse(
            "(declare-const X_0 Real)(declare-const X_1 Real)
             (declare-const Y_0 Real)(declare-const Y_1 Real)
             (assert (<= X_0 0.1))(assert (>= X_0 0))(assert (<= X_1 1))(assert (>= X_1 0))
             (assert (>= Y_0 0.05))",
        );
        let model = tiny::model();
        let mut network = Network::new(&model, 2, 2, Limits::default()).unwrap();
        let point = Counterexample::parse(point).unwrap();
        check(&mut network, &property.unwrap(), &point).unwrap()
    }

    #[test]
    fn inside_and_wrong_is_valid() {
        let judged = judged("((X_0 0.1) (X_1 0))");
        assert_eq!(judged.verdict, Verdict::Valid);
        assert_eq!((judged.outside, judged.farthest), (0.0, None));
        // As 32 bits 0.1 is a little more.
        assert!(judged.outside_float32 > 1e-9 && judged.outside_float32 < 2e-9);
        assert!((judged.margin + 0.05).abs() < 1e-6);
    }

    #[test]
    fn a_little_outside_is_only_tolerated() {
        let judged = judged("((X_0 0.10001) (X_1 -1e-30))");
        assert_eq!(judged.verdict, Verdict::Tolerance);
        assert!((judged.outside - 1e-5).abs() < 1e-20);
        assert_eq!(judged.inputs_outside, 2);
        assert_eq!(
            judged.reason(2),
            "the input X_0 = 0.10001 lies outside [0, 0.1] by 1.000e-5; 2 of 2 inputs are outside; \
             the nearest point inside is a violation"
        );
    }

    #[test]
    fn far_outside_or_not_wrong_is_invalid() {
        assert_eq!(judged("((X_0 0.5) (X_1 0))").verdict, Verdict::Invalid);
        let judged = judged("((X_0 0.02) (X_1 0))");
        assert_eq!(judged.verdict, Verdict::Invalid);
        assert_eq!(judged.reason(2), "the outputs are 0.03 away from what the property forbids");
    }
}
