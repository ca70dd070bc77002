//! A property as VNN-LIB 1.0 writes it: constants `X_i` and `Y_j` of SMT-LIB, and assertions that a
//! violation satisfies.
//!
//! Of the language, what properties of networks use: `and`, `or`, `<=`, `>=`, `<`, `>`, and linear
//! terms of `+`, `-`, `*`. A comparison is about one input and a number, or about outputs. A strict
//! one is read as the other: the sets are closed, as the competition's own judges have them.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;

use modelward_engine::{Result, Trouble};
use modelward_formats::Bytes;

use crate::{
    file,
    property::{
        bounds::Bounds,
        case::{Case, Property},
        linear::{Atom, Variables},
        terms::{MOST_BYTES, Term, Terms, wrong},
    },
};

/// The most cases of a property, once its `and` and `or` are multiplied out.
const MOST_CASES: usize = 1 << 17;

/// The most comparisons in all of them.
const MOST_COMPARISONS: usize = 1 << 22;

/// The most numbers in all boxes and halfspaces.
const MOST_NUMBERS: usize = 1 << 23;

impl Property {
    /// Read a property in VNN-LIB 1.0, plain or compressed by gzip.
    ///
    /// # Errors
    /// Where it is none, uses more of SMT-LIB than properties do, or is over 256 MiB, 2^17 cases or
    /// 2^22 comparisons: the line is named.
    pub fn read(bytes: &Bytes) -> Result<Self> {
        let text = file::text(bytes, MOST_BYTES)?;
        Self::parse(&text)
    }

    /// Read a property from its text.
    ///
    /// # Errors
    /// As [`Property::read`].
    pub fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader::default();
        let mut terms = Terms::new(text);
        while let Some(term) = terms.next()? {
            reader.command(&term)?;
        }
        reader.finish()
    }
}

/// A disjunction of conjunctions.
type Cases = Vec<Vec<Atom>>;

#[derive(Debug, Default)]
struct Reader {
    variables: Variables,
    /// What holds in every case.
    common: Vec<Atom>,
    /// What holds in one of them; without any assertion of several there is one, with nothing.
    cases: Option<Cases>,
}

impl Reader {
    fn command(&mut self, term: &Term<'_>) -> Result<()> {
        let line = term.line();
        let expected = "expected `(declare-const X_0 Real)` or `(assert ...)`";
        let Term::List(terms, _) = term else {
            return Err(wrong(line, &format!("{expected}, got {}", term.shown())));
        };
        match (terms.first().and_then(Term::word), terms.as_slice()) {
            (Some("declare-const"), [_, name, kind]) => self.variables.declare(line, name, kind),
            (Some("assert"), [_, what]) => {
                let mut cases = self.cases_of(what)?;
                if cases.len() == 1 {
                    self.common.append(cases.first_mut().unwrap_or(&mut Vec::new()));
                    return within(line, "comparisons", self.common.len(), MOST_COMPARISONS);
                }
                let known = self.cases.take();
                self.cases = Some(match known {
                    None => cases,
                    Some(known) => both(line, &known, &cases)?,
                });
                Ok(())
            }
            _ => Err(wrong(line, &format!("{expected}, got {}", term.shown()))),
        }
    }

    /// An assertion as a disjunction of conjunctions.
    fn cases_of(&self, term: &Term<'_>) -> Result<Cases> {
        let line = term.line();
        let expected = "expected `and`, `or` or a comparison";
        let Term::List(terms, _) = term else {
            return Err(wrong(line, &format!("{expected}, got {}", term.shown())));
        };
        let Some((head, rest)) = terms.split_first() else {
            return Err(wrong(line, &format!("{expected}, got `()`")));
        };
        let head =
            head.word().ok_or_else(|| wrong(line, &format!("{expected}, got {}", term.shown())))?;
        match (head, rest) {
            ("and" | "or", []) => {
                Err(wrong(line, &format!("expected comparisons in `{head}`, got none")))
            }
            ("or", rest) => {
                let mut all = Cases::new();
                let mut comparisons = 0_usize;
                for term in rest {
                    let cases = self.cases_of(term)?;
                    comparisons = comparisons.saturating_add(cases.iter().map(Vec::len).sum());
                    within(line, "cases", all.len().saturating_add(cases.len()), MOST_CASES)?;
                    within(line, "comparisons", comparisons, MOST_COMPARISONS)?;
                    all.extend(cases);
                }
                Ok(all)
            }
            ("and", rest) => {
                let mut all = vec![Vec::new()];
                for term in rest {
                    let mut cases = self.cases_of(term)?;
                    match (all.as_mut_slice(), cases.as_mut_slice()) {
                        ([known], [one]) => known.append(one),
                        _ => all = both(line, &all, &cases)?,
                    }
                }
                Ok(all)
            }
            ("<=" | "<", [left, right]) => Ok(vec![vec![self.variables.atom(line, left, right)?]]),
            (">=" | ">", [left, right]) => Ok(vec![vec![self.variables.atom(line, right, left)?]]),
            ("<=" | "<" | ">=" | ">", _) => {
                let got = rest.len();
                Err(wrong(line, &format!("expected two terms in `{head}`, got {got}")))
            }
            _ => Err(wrong(line, &format!("{expected}, got {}", term.shown()))
                .help("of SMT-LIB, `and`, `or`, `<=`, `>=`, `<`, `>`, `+`, `-` and `*` are read")),
        }
    }

    fn finish(self) -> Result<Property> {
        let (inputs, outputs) = self.variables.counts()?;
        let cases = self.cases.unwrap_or_else(|| vec![Vec::new()]);
        let (mut common, mut always) = (Bounds::default(), Vec::new());
        for atom in &self.common {
            match atom {
                Atom::Input { input, above, bound } => common.tighten(*input, *above, bound),
                Atom::Outputs(weighted) => always.push(weighted),
            }
        }
        // Cases by their boxes, in the order in which these come.
        let mut boxes: BTreeMap<Bounds, usize> = BTreeMap::new();
        let mut all: Vec<Case> = Vec::new();
        let mut numbers = 0_usize;
        for atoms in &cases {
            // Only what is tighter here than everywhere.
            let (mut own, mut halfspaces) = (Bounds::default(), Vec::new());
            for atom in atoms {
                match atom {
                    Atom::Input { input, above, bound } => {
                        if common.is_tightened_by(*input, *above, bound) {
                            own.tighten(*input, *above, bound);
                        }
                    }
                    Atom::Outputs(weighted) => halfspaces.push(weighted),
                }
            }
            let count = always.len().saturating_add(halfspaces.len()).saturating_mul(outputs);
            numbers = numbers.saturating_add(count);
            let known = boxes.get(&own).copied();
            if known.is_none() {
                numbers = numbers.saturating_add(inputs.saturating_mul(2));
            }
            if numbers > MOST_NUMBERS {
                let why = format!(
                    "expected at most {MOST_NUMBERS} numbers in boxes and halfspaces, got more"
                );
                return Err(Trouble::limit(why));
            }
            let at = known.unwrap_or_else(|| {
                let (low, high) = common.joined(&own, inputs);
                all.push(Case { low, high, wrong: Vec::new() });
                let at = all.len().saturating_sub(1);
                boxes.insert(own, at);
                at
            });
            if let Some(case) = all.get_mut(at) {
                let both = always.iter().chain(&halfspaces);
                case.wrong.push(both.map(|weighted| weighted.halfspace(outputs)).collect());
            }
        }
        Ok(Property { inputs, outputs, cases: all })
    }
}

/// Every case of one with every case of another.
fn both(line: usize, one: &[Vec<Atom>], other: &[Vec<Atom>]) -> Result<Cases> {
    within(line, "cases", one.len().saturating_mul(other.len()), MOST_CASES)?;
    let count = |cases: &[Vec<Atom>]| cases.iter().map(Vec::len).fold(0, usize::saturating_add);
    let left = count(one).saturating_mul(other.len());
    let right = count(other).saturating_mul(one.len());
    within(line, "comparisons", left.saturating_add(right), MOST_COMPARISONS)?;
    let pairs = one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
    Ok(pairs.map(|(one, other)| [one.as_slice(), other].concat()).collect())
}

fn within(line: usize, what: &str, count: usize, most: usize) -> Result<()> {
    if count > most {
        let why = format!("line {line}: expected at most {most} {what}, got {count} and more");
        return Err(Trouble::limit(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        exact::{self, Rational},
        property::Halfspace,
    };

    fn property(assertions: &str) -> Result<Property> {
        let declared = "(declare-const X_0 Real)(declare-const X_1 Real)\n\
                        (declare-const Y_0 Real)(declare-const Y_1 Real)\n";
        Property::parse(&[declared, assertions].concat())
    }

    fn refused(assertions: &str) -> String {
        property(assertions).unwrap_err().to_string()
    }

    fn number(text: &str) -> Option<Rational> {
        Some(exact::parse(text).unwrap())
    }

    #[test]
    fn a_box_and_its_halfspaces() {
        let read = property(
            "(assert (<= X_0 0.1)) (assert (>= X_0 -1e-1)) (assert (<= 0 X_1)) (assert (>= X_0 -5))
             (assert (or (and (<= Y_0 Y_1) (>= Y_0 2)) (<= (+ (* 2 Y_0) (- Y_1 3)) (- Y_0))))",
        )
        .unwrap();
        let [case] = read.cases.as_slice() else { panic!("{read:?}") };
        assert_eq!(case.low, [number("-0.1"), number("0")]);
        assert_eq!(case.high, [number("0.1"), None]);
        let halfspace = |weights: [f64; 2], bound| Halfspace { weights: weights.to_vec(), bound };
        assert_eq!(
            case.wrong,
            [
                vec![halfspace([1.0, -1.0], 0.0), halfspace([-1.0, 0.0], -2.0)],
                vec![halfspace([3.0, 1.0], 3.0)],
            ]
        );
    }

    #[test]
    fn cases_with_equal_boxes_are_one() {
        let read = property(
            "(assert (>= X_0 0)) (assert (<= X_0 2))
             (assert (or (and (<= X_0 1.0) (<= Y_0 0)) (and (>= X_0 1) (<= Y_0 1)) (and (<= X_0 1) (<= Y_1 5))))
             (assert (<= Y_1 Y_0))",
        )
        .unwrap();
        assert_eq!(read.cases.len(), 2);
        assert_eq!(read.cases[0].wrong.len(), 2);
        assert_eq!(read.cases[0].high[0], number("1"));
        assert_eq!(read.cases[1].low[0], number("1"));
        assert_eq!(read.cases[1].wrong[0].len(), 2);
    }

    #[test]
    fn what_is_not_of_the_language_is_refused_by_its_line() {
        assert!(refused("(check-sat)").starts_with("line 3: expected `(declare-const"));
        assert!(refused("(assert (= Y_0 1))").contains("got `(= ...)`"));
        assert!(refused("(assert (<= Y_0 X_0))").contains("got both"));
        assert!(refused("(assert (<= X_0 X_1))").contains("got 2 inputs"));
        assert!(refused("(assert (<= Y_0 (* Y_0 Y_1)))").contains("got two variables"));
        assert!(refused("(assert (<= Y_7 0))").contains("`Y_7` is not declared"));
        assert!(refused("(assert (<= Y_0 1/2))").contains("expected a number"));
        assert!(refused("(assert (not (<= Y_0 1)))").contains("got `(not ...)`"));
        assert!(refused("(assert (and))").contains("got none"));
        assert!(refused("(assert (<= Y_0))").contains("expected two terms"));
        assert!(refused("(declare-const X_1 Real)").contains("declared twice"));
        assert!(refused("(declare-const X_3 Real)").contains("`X_2` to be declared"));
        assert!(refused("(declare-const Z Real)").contains("expected a name such as"));
        assert!(refused("(assert (<= Y_0 1)").contains("expected a `)`"));
    }

    #[test]
    fn products_of_disjunctions_are_limited_before_they_are_made() {
        let either = "(assert (or (<= Y_0 0) (<= Y_1 0)))";
        assert!(refused(&either.repeat(64)).contains("at most 131072 cases"));
        let nested = format!("(assert (and {}))", "(or (<= Y_0 0) (<= Y_1 0))".repeat(64));
        assert!(refused(&nested).contains("at most 131072 cases"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[()XY_01 ;<=>andor+*.\n-]{0,200}") {
            let _ = Property::parse(&text);
        }
    }
}
