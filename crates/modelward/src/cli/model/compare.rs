//! What another runtime gives, held against what this engine gives for the same inputs. A difference
//! is a finding: one of the two is wrong.

use std::{
    fmt,
    io::{self, Write},
};

use modelward_engine::{Data, Tensor};

use crate::report::escape;

/// The largest difference that is none, as a share of the largest value.
const MOST: f64 = 1e-3;

/// A gradient below this share of the largest of all is 0 but for rounding: it has no digits of its
/// own, and is held to the largest.
const ROUNDING: f64 = 1e-5;

/// What came of a comparison.
#[derive(Debug)]
pub(super) struct Compared {
    /// The largest difference of numbers, as a share of the largest value.
    pub(super) largest: f64,
    /// The arrays that differ, each with how.
    pub(super) findings: Vec<String>,
}

/// Hold arrays of these names against this engine's.
pub(super) fn compare(names: &[String], own: &[Tensor], theirs: &[Tensor]) -> Compared {
    let gradients = names.iter().zip(own).filter(|(name, _)| name.starts_with("grad_"));
    let most = gradients.map(|(_, tensor)| largest(tensor)).fold(0.0, f64::max);
    let mut compared = Compared { largest: 0.0, findings: Vec::new() };
    for ((name, own), theirs) in names.iter().zip(own).zip(theirs) {
        let mut scale = largest(own);
        if name.starts_with("grad_") && scale < ROUNDING * most {
            scale = most;
        }
        match apart(own, theirs, scale) {
            Ok(apart) => {
                compared.largest = compared.largest.max(apart.share);
                if apart.share > MOST {
                    compared.findings.push(format!("`{name}` of ONNX Runtime is {apart}"));
                }
            }
            Err(why) => {
                compared
                    .findings
                    .push(format!("`{name}` of ONNX Runtime is not modelward's: {why}"));
            }
        }
    }
    if own.len() != theirs.len() {
        let why = format!("expected {} arrays of ONNX Runtime, got {}", own.len(), theirs.len());
        compared.findings.push(why);
    }
    compared
}

impl Compared {
    /// Say on standard error what differs; gives the exit code.
    pub(super) fn say(&self) -> u8 {
        for finding in &self.findings {
            // Where nobody listens there is the exit code.
            _ = writeln!(io::stderr(), "finding: {}", escape(finding));
        }
        u8::from(!self.findings.is_empty())
    }
}

fn largest(tensor: &Tensor) -> f64 {
    let values = tensor.floats().unwrap_or_default();
    values.iter().filter(|value| value.is_finite()).fold(0.0, |most, value| most.max(value.abs()))
}

/// How two arrays differ.
#[derive(Default)]
struct Apart {
    /// The largest difference as a share of the largest value; infinite where only one is a number.
    share: f64,
    /// Numbers that are too far apart, and of how many.
    numbers: [usize; 2],
    /// Rows of the first axis with such numbers, and of how many: those of a gradient are few where
    /// the inputs lie at a kink.
    rows: [usize; 2],
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { share, numbers: [numbers, of], rows: [rows, all] } = self;
        write!(f, "{share:.1e} of the largest value away from modelward's, over {MOST:.0e}: ")?;
        write!(f, "{numbers} of {of} numbers, in {rows} of {all} rows")
    }
}

fn apart(own: &Tensor, theirs: &Tensor, scale: f64) -> Result<Apart, String> {
    if own.kind() != theirs.kind() {
        return Err(format!("expected {}, got {}", own.kind(), theirs.kind()));
    }
    if let (Data::Text(own), Data::Text(theirs)) = (own.data(), theirs.data()) {
        let other = own.iter().zip(theirs).filter(|(own, theirs)| own != theirs).count();
        return match other {
            0 => Ok(Apart::default()),
            _ => Err(format!("{other} texts of {} are others", own.len())),
        };
    }
    let rows = own.dims().first().copied().unwrap_or(1).max(1);
    let pair = own.floats().and_then(|own| Ok((own, theirs.floats()?)));
    let (own, theirs) = pair.map_err(|trouble| trouble.to_string())?;
    let row = own.len().checked_div(rows).unwrap_or(1).max(1);
    let mut apart = Apart { numbers: [0, own.len()], rows: [0, rows], ..Apart::default() };
    // Below the smallest number that is no denormal each engine may take a number for 0.
    let least = f64::from(f32::MIN_POSITIVE);
    for (own, theirs) in own.chunks(row).zip(theirs.chunks(row)) {
        let mut over = 0_usize;
        for (own, theirs) in own.iter().zip(theirs) {
            let same = own == theirs || (own.is_nan() && theirs.is_nan());
            let off = (own - theirs).abs();
            let share = match (same || off < least, off.is_nan()) {
                (true, _) => 0.0,
                (false, true) => f64::INFINITY,
                (false, false) => off / scale.max(least),
            };
            apart.share = apart.share.max(share);
            over = over.saturating_add(usize::from(share > MOST));
        }
        let [numbers, _] = &mut apart.numbers;
        *numbers = numbers.saturating_add(over);
        let [rows, _] = &mut apart.rows;
        *rows = rows.saturating_add(usize::from(over > 0));
    }
    Ok(apart)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn findings(name: &str, own: Tensor, theirs: Tensor) -> usize {
        compare(&[name.to_owned()], &[own], &[theirs]).findings.len()
    }

    #[test]
    fn what_differs_by_a_thousandth_of_the_largest_is_a_finding() {
        let list = |values: &[f32]| Tensor::list(values.to_vec());
        let (nan, infinite) = (f32::NAN, f32::INFINITY);
        for (own, theirs, wrong) in [
            (&[1.0, 100.0][..], &[1.09, 100.0][..], 0),
            (&[1.0, 100.0], &[1.2, 100.0], 1),
            (&[nan, -0.0], &[nan, 0.0], 0),
            (&[nan, 1.0], &[1.0, 1.0], 1),
            (&[infinite], &[infinite], 0),
            (&[infinite], &[-infinite], 1),
            (&[1.0], &[infinite], 1),
            (&[0.0], &[1e-40], 0),
            (&[0.0], &[1e-20], 1),
            (&[1.0], &[1.0, 1.0], 1),
        ] {
            assert_eq!(findings("y", list(own), list(theirs)), wrong, "{own:?} {theirs:?}");
        }
        assert_eq!(findings("y", list(&[1.0]), Tensor::list(vec![1.0_f64])), 1);
        let text = |text: &str| Tensor::list(vec![Arc::<str>::from(text)]);
        assert_eq!(findings("y", text("a"), text("a")), 0);
        assert_eq!(findings("y", text("a"), text("b")), 1);
    }

    #[test]
    fn a_finding_says_how_much_differs() {
        let own = Tensor::new([3, 2], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let theirs = Tensor::new([3, 2], vec![1.0_f32, 2.0, 3.3, 4.3, 5.0, 6.0]).unwrap();
        let compared = compare(&["y".to_owned()], &[own], &[theirs]);
        assert_eq!(
            compared.findings,
            [
                "`y` of ONNX Runtime is 5.0e-2 of the largest value away from modelward's, over 1e-3: \
                 2 of 6 numbers, in 1 of 3 rows"
            ]
        );
    }

    #[test]
    fn a_gradient_of_rounding_is_held_to_the_largest() {
        let names = ["grad_a".to_owned(), "grad_b".to_owned()];
        let pair = |small: f32| [Tensor::list(vec![1.0_f32]), Tensor::list(vec![small])];
        assert!(compare(&names, &pair(1e-8), &pair(-3e-8)).findings.is_empty());
        assert_eq!(compare(&names, &pair(1e-2), &pair(2e-2)).findings.len(), 1);
        let less = Tensor::new([1], vec![1.0_f32]).unwrap();
        assert_eq!(compare(&names, &pair(1.0), &[less]).findings.len(), 1);
    }
}
