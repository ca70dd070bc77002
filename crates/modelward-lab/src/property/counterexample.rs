//! A counterexample as VNN-COMP has tools write it: `((X_0 0.5) (X_1 -1) ... (Y_0 3.2) ...)`, after a
//! line `sat` where that was not cut off.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;

use modelward_engine::{Kind, Result, Trouble};
use modelward_formats::Bytes;

use crate::{
    exact::{self, Rational},
    file,
    property::terms::{MOST_BYTES, Term, Terms, number_of, wrong},
};

/// A point that is said to violate a property.
#[derive(Clone, Debug, PartialEq)]
pub struct Counterexample {
    /// The inputs, exactly as written. What the tool says of the outputs is not taken from it.
    pub inputs: Vec<Rational>,
}

impl Counterexample {
    /// Read a counterexample, plain or compressed by gzip.
    ///
    /// # Errors
    /// Where it is none: the line is named.
    pub fn read(bytes: &Bytes) -> Result<Self> {
        Self::parse(&file::text(bytes, MOST_BYTES)?)
    }

    /// Read a counterexample from its text.
    ///
    /// # Errors
    /// As [`Counterexample::read`].
    pub fn parse(text: &str) -> Result<Self> {
        let mut inputs = BTreeMap::new();
        let mut terms = Terms::new(text);
        while let Some(term) = terms.next()? {
            match &term {
                Term::Word("sat", _) => {}
                Term::Word(_, line) => {
                    let why =
                        format!("expected a list such as `((X_0 0.5) ...)`, got {}", term.shown());
                    return Err(wrong(*line, &why));
                }
                Term::List(values, _) => {
                    for value in values {
                        add(value, &mut inputs)?;
                    }
                }
            }
        }
        let count = inputs.len();
        let gap = inputs.keys().enumerate().find(|(at, number)| at != *number);
        if count == 0 || gap.is_some() {
            let missing = gap.map_or(0, |(at, _)| at);
            let why = format!("expected a value for `X_{missing}`, got none");
            return Err(Trouble::new(Kind::Input, why));
        }
        Ok(Self { inputs: inputs.into_values().collect() })
    }
}

/// One value.
fn add(term: &Term<'_>, inputs: &mut BTreeMap<usize, Rational>) -> Result<()> {
    let line = term.line();
    let pair = match term {
        Term::List(pair, _) => match pair.as_slice() {
            [Term::Word(name, _), Term::Word(value, _)] => Some((*name, *value)),
            _ => None,
        },
        Term::Word(..) => None,
    };
    let Some((name, value)) = pair else {
        let why = format!("expected a value such as `(X_0 0.5)`, got {}", term.shown());
        return Err(wrong(line, &why));
    };
    if number_of(name, "Y").is_some() {
        return Ok(());
    }
    let Some(input) = number_of(name, "X") else {
        let why = format!("expected a name such as `X_0` or `Y_0`, got `{name}`");
        return Err(wrong(line, &why));
    };
    let value = exact::decimal(value).map_err(|why| wrong(line, &why))?;
    if inputs.insert(input, value).is_some() {
        return Err(wrong(line, &format!("`{name}` has two values")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_in_the_order_of_their_numbers() {
        let read = Counterexample::parse("sat\n((X_1 -2e-1)\n (X_0  0.5)\n(Y_0 nan))").unwrap();
        let expected = ["0.5", "-0.2"].map(|text| exact::parse(text).unwrap());
        assert_eq!(read.inputs, expected);
    }

    #[test]
    fn what_is_no_counterexample_is_refused() {
        let refused = |text: &str| Counterexample::parse(text).unwrap_err().to_string();
        assert!(refused("unsat").contains("got `unsat`"));
        assert!(refused("").contains("`X_0`, got none"));
        assert!(refused("((X_1 0))").contains("`X_0`, got none"));
        assert!(refused("((X_0 0)\n (X_0 0))").starts_with("line 2: `X_0` has two"));
        assert!(refused("((X_0 nan))").contains("expected a number"));
        assert!(refused("((X_0 0 0))").contains("expected a value such as"));
        assert!(refused("((Z_0 0))").contains("expected a name such as"));
    }
}
