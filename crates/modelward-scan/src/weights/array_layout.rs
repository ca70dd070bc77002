//! MW1118 `array-layout-mismatch`, for numpy's own files.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::npy::Arrays;

use super::shown;
use crate::Check;

/// An array whose declared bytes are not those that are there.
pub(super) struct ArrayLayout;

impl Check for ArrayLayout {
    type Asset = Arrays;

    const RULE: Rule = Rule {
        id: "MW1118",
        name: "array-layout-mismatch",
        severity: Severity::Medium,
        title: "the declared size of an array is not that of its data",
        why: "Shape and element type say how many bytes an array takes. Where fewer are there, a \
              loader allocates what it is told to, however much, before it notices; where more \
              are there, something is carried along that numpy does not show.",
        advice: "Save the array again with `numpy.save`; if the file came like this, do not use \
                 it.",
        class: Class::MaliciousFile,
        cwe: &[789, 1284],
    };

    fn check(arrays: &Arrays, out: &mut Findings<'_>) {
        for (at, why) in &arrays.flaws {
            out.report(&**why, shown(&arrays.bytes, *at));
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use super::samples::npy;
        crate::Samples {
            fires: vec![
                npy("'<f8'", "(1099511627776,)", &[0; 16]),
                npy("'<f8'", "(4611686018427387904, 4)", &[0; 16]),
                npy("'<f8'", "(-1,)", &[0; 16]),
                npy("'<f8'", "(3,)", &[0; 16]),
                npy("[('a', '<f4'), ('b', '<U2', (2,))]", "(1,)", &[0; 16]),
                npy("'<f8'", "(1,)", b"12345678\x80\x02cos\nsystem\n(tR."),
            ],
            silent: vec![
                npy("'<f8'", "(2,)", &[0; 16]),
                npy("'>c16'", "()", &[0; 16]),
                npy("[('a', '<f4'), ('b', '<U1', (3,))]", "(1,)", &[0; 16]),
                npy("'<f8'", "(0, 7)", &[]),
                [npy("'<f8'", "(2,)", &[0; 16]), npy("'|u1'", "(2,)", &[0; 2])].concat(),
            ],
        }
    }
}
