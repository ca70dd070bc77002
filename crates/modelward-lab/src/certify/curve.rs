//! Curves of one number, and the lines that lie below and above them.

/// A curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    /// `max(0, x)`.
    Relu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

/// A line: `slope * x + shift`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Line {
    /// Its slope.
    pub(super) slope: f64,
    /// Where it begins.
    pub(super) shift: f64,
}

/// How far a sigmoid or hyperbolic tangent in `f32` may be off: 8 units in the last place at 1. Those
/// of ONNX Runtime and of this engine are within 3.
const CURVED: f64 = 1.0 / (1 << 20) as f64;

/// What evaluating such a function in `f64` may be off by, with room.
const OURS: f64 = 1e-13;

impl Curve {
    /// Its value.
    pub(super) fn at(self, x: f64) -> f64 {
        match self {
            Self::Relu => x.max(0.0),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
        }
    }

    /// How far the deployed network's value may be from it.
    pub(super) fn error(self) -> f64 {
        match self {
            Self::Relu => 0.0,
            Self::Sigmoid | Self::Tanh => CURVED,
        }
    }

    /// Bounds of its values, for it never falls.
    pub(super) fn range(self, low: f64, high: f64) -> (f64, f64) {
        match self {
            Self::Relu => (low.max(0.0), high.max(0.0)),
            Self::Sigmoid | Self::Tanh => {
                let slack = CURVED + OURS;
                (self.at(low) - slack, self.at(high) + slack)
            }
        }
    }

    /// Whether it bends between two numbers.
    pub(super) fn bends(self, low: f64, high: f64) -> bool {
        match self {
            Self::Relu => low < 0.0 && high > 0.0,
            Self::Sigmoid | Self::Tanh => high > low,
        }
    }

    /// The lines below and above it between two numbers that CROWN takes to begin with.
    pub(super) fn lines(self, low: f64, high: f64) -> (Line, Line) {
        match self {
            Self::Relu => {
                if low >= 0.0 {
                    (Line { slope: 1.0, shift: 0.0 }, Line { slope: 1.0, shift: 0.0 })
                } else if high <= 0.0 {
                    (Line::default(), Line::default())
                } else {
                    let below = Line { slope: f64::from(u8::from(high > -low)), shift: 0.0 };
                    (below, chord(low, high))
                }
            }
            Self::Sigmoid | Self::Tanh => {
                let (below, above) = self.touching(low, high);
                (self.below(below, low, high), self.above(above, low, high))
            }
        }
    }

    /// The line of a slope that lies right below the curve between two numbers.
    pub(super) fn below(self, slope: f64, low: f64, high: f64) -> Line {
        match self {
            Self::Relu if low >= 0.0 || high <= 0.0 => self.lines(low, high).0,
            Self::Relu => Line { slope: slope.clamp(0.0, 1.0), shift: 0.0 },
            Self::Sigmoid | Self::Tanh => {
                let least = self.extremes(slope, low, high).fold(f64::INFINITY, f64::min);
                Line { slope, shift: least - OURS * (1.0 + low.abs().max(high.abs()) * slope) }
            }
        }
    }

    /// The line of a slope that lies right above a curve that is no `max(0, x)`.
    fn above(self, slope: f64, low: f64, high: f64) -> Line {
        let most = self.extremes(slope, low, high).fold(f64::NEG_INFINITY, f64::max);
        Line { slope, shift: most + OURS * (1.0 + low.abs().max(high.abs()) * slope) }
    }

    /// How far the curve is above a line of this slope through 0, wherever that may be extreme.
    fn extremes(self, slope: f64, low: f64, high: f64) -> impl Iterator<Item = f64> {
        let turn = match self {
            Self::Relu => 0.0,
            // Where the slope s = y (1 - y) of a sigmoid is that of the line.
            Self::Sigmoid => {
                let y = f64::midpoint(1.0, (1.0 - 4.0 * slope).max(0.0).sqrt());
                (y / (1.0 - y).max(1e-300)).ln()
            }
            // The slope is 1 - y^2.
            Self::Tanh => (1.0 - slope).max(0.0).sqrt().min(1.0 - 1e-16).atanh(),
        };
        let places = [low, high, turn.clamp(low, high), (-turn).clamp(low, high)];
        places.into_iter().map(move |x| self.at(x) - slope * x)
    }

    fn derivative(self, x: f64) -> f64 {
        let y = self.at(x);
        match self {
            Self::Relu => f64::from(u8::from(x > 0.0)),
            Self::Sigmoid => y * (1.0 - y),
            Self::Tanh => 1.0 - y * y,
        }
    }

    /// Slopes of lines below and above: the chord where the curve is on one side of it, else those
    /// that touch it beyond 0 (Zhang et al. 2018, table 2).
    fn touching(self, low: f64, high: f64) -> (f64, f64) {
        let wide = high - low;
        if wide < 1e-9 {
            let slope = self.derivative(f64::midpoint(low, high));
            return (slope, slope);
        }
        let chord = (self.at(high) - self.at(low)) / wide;
        let middle = self.derivative(f64::midpoint(low, high));
        // Left of 0 it is convex, right of it concave.
        if high <= 0.0 {
            (middle, chord)
        } else if low >= 0.0 {
            (chord, middle)
        } else {
            let below =
                if self.derivative(low) >= chord { chord } else { self.tangent(high, low, 0.0) };
            let above =
                if self.derivative(high) >= chord { chord } else { self.tangent(low, 0.0, high) };
            (below, above)
        }
    }

    /// The slope of a line through the curve at `end` that touches it between two numbers.
    fn tangent(self, end: f64, from: f64, to: f64) -> f64 {
        let (mut low, mut high) = (from, to);
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            let slope = (self.at(middle) - self.at(end)) / (middle - end);
            // Towards 0 the curve is steeper than the line.
            let steeper = self.derivative(middle) > slope;
            if steeper == (end < 0.0) { low = middle } else { high = middle }
        }
        self.derivative(f64::midpoint(low, high))
    }
}

/// The line above `max(0, x)` between a number below 0 and one above it.
fn chord(low: f64, high: f64) -> Line {
    let slope = (high / (high - low)).clamp(0.0, 1.0);
    let shift = (-slope * low).max(high - slope * high);
    Line { slope, shift: shift * (1.0 + 1e-15) + (high - low) * 1e-15 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_keep_to_their_side(
            low in -9.0..9.0_f64, wide in 0.0..9.0_f64, slope in 0.0..1.0_f64, at in 0.0..=1.0_f64,
        ) {
            let high = low + wide;
            let x = (low + at * wide).clamp(low, high);
            for curve in [Curve::Relu, Curve::Sigmoid, Curve::Tanh] {
                let (below, above) = curve.lines(low, high);
                let chosen = curve.below(slope, low, high);
                let y = curve.at(x);
                for line in [below, chosen] {
                    prop_assert!(line.slope * x + line.shift <= y, "{curve:?} {line:?}");
                }
                prop_assert!(above.slope * x + above.shift >= y - 1e-16, "{curve:?} {above:?}");
            }
        }

        #[test]
        fn lines_are_tight(low in -6.0..-0.5_f64, high in 0.5..6.0_f64) {
            for curve in [Curve::Sigmoid, Curve::Tanh] {
                let (below, above) = curve.lines(low, high);
                for line in [(below, high), (above, low)] {
                    let gap = line.0.slope * line.1 + line.0.shift - curve.at(line.1);
                    prop_assert!(gap.abs() < 1e-6, "{curve:?} {line:?} {gap}");
                }
            }
        }
    }
}
