//! The variables of a property, and linear comparisons of them.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use modelward_engine::{Kind, Result, Trouble};
use num_traits::{One, Signed, Zero};

use crate::{
    exact::{self, Rational},
    property::{
        case::Halfspace,
        terms::{Term, number_of, wrong},
    },
};

/// One comparison.
#[derive(Clone, Debug)]
pub(super) enum Atom {
    /// An input and its bound from below or above.
    Input { input: usize, above: bool, bound: Arc<Rational> },
    /// Outputs.
    Outputs(Arc<Weighted>),
}

/// Outputs with `weights . y <= bound`.
#[derive(Debug)]
pub(super) struct Weighted {
    pub(super) weights: BTreeMap<usize, Rational>,
    pub(super) bound: Rational,
}

/// Inputs and outputs that were declared.
#[derive(Debug, Default)]
pub(super) struct Variables {
    inputs: BTreeSet<usize>,
    outputs: BTreeSet<usize>,
}

impl Variables {
    pub(super) fn declare(&mut self, line: usize, name: &Term<'_>, kind: &Term<'_>) -> Result<()> {
        if kind.word() != Some("Real") {
            return Err(wrong(line, &format!("expected the sort `Real`, got {}", kind.shown())));
        }
        let word = name.word().unwrap_or_default();
        let fresh = match (number_of(word, "X"), number_of(word, "Y")) {
            (Some(input), _) => self.inputs.insert(input),
            (_, Some(output)) => self.outputs.insert(output),
            _ => {
                let why = format!("expected a name such as `X_0` or `Y_0`, got {}", name.shown());
                return Err(wrong(line, &why));
            }
        };
        if !fresh {
            return Err(wrong(line, &format!("{} is declared twice", name.shown())));
        }
        Ok(())
    }

    /// How many inputs and outputs there are.
    pub(super) fn counts(&self) -> Result<(usize, usize)> {
        Ok((counted(&self.inputs, "X")?, counted(&self.outputs, "Y")?))
    }

    /// `small <= large`.
    #[expect(clippy::arithmetic_side_effects, reason = "rational numbers do not overflow")]
    pub(super) fn atom(&self, line: usize, small: &Term<'_>, large: &Term<'_>) -> Result<Atom> {
        let mut sum = Sum::default();
        self.add(small, &Rational::one(), &mut sum)?;
        self.add(large, &-Rational::one(), &mut sum)?;
        sum.inputs.retain(|_, weight| !weight.is_zero());
        let Sum { inputs, outputs, constant } = sum;
        match (inputs.len(), outputs.is_empty()) {
            (0, false) => {
                Ok(Atom::Outputs(Arc::new(Weighted { weights: outputs, bound: -constant })))
            }
            (1, true) => {
                let bounded = inputs.into_iter().next();
                let (input, weight) = bounded.unwrap_or_else(|| (0, Rational::one()));
                let bound = Arc::new(-constant / &weight);
                Ok(Atom::Input { input, above: weight.is_positive(), bound })
            }
            (0, true) => {
                Err(wrong(line, "expected an input or an output in a comparison, got none"))
            }
            (_, false) => Err(wrong(line, "expected inputs or outputs in a comparison, got both")),
            (more, true) => {
                Err(wrong(line, &format!("expected one input against a number, got {more} inputs"))
                    .help("the inputs of a case are a box"))
            }
        }
    }

    /// Add a term times a factor.
    #[expect(clippy::arithmetic_side_effects, reason = "rational numbers do not overflow")]
    fn add(&self, term: &Term<'_>, factor: &Rational, sum: &mut Sum) -> Result<()> {
        let line = term.line();
        let terms = match term {
            Term::Word(word, _) => return self.add_word(line, word, factor, sum),
            Term::List(terms, _) => terms.as_slice(),
        };
        let unread = || {
            let why = format!("expected a linear term of `+`, `-` and `*`, got {}", term.shown());
            wrong(line, &why)
        };
        let (head, rest) = terms.split_first().ok_or_else(unread)?;
        match (head.word().ok_or_else(unread)?, rest) {
            ("+", [_, ..]) => rest.iter().try_for_each(|term| self.add(term, factor, sum)),
            ("-", [only]) => self.add(only, &-factor, sum),
            ("-", [first, others @ ..]) => {
                self.add(first, factor, sum)?;
                others.iter().try_for_each(|term| self.add(term, &-factor, sum))
            }
            ("*", [left, right]) => {
                let (mut one, mut other) = (Sum::default(), Sum::default());
                self.add(left, &Rational::one(), &mut one)?;
                self.add(right, &Rational::one(), &mut other)?;
                let (number, of) = match (one.is_number(), other.is_number()) {
                    (true, _) => (one.constant, other),
                    (false, true) => (other.constant, one),
                    (false, false) => {
                        return Err(wrong(line, "expected a number in `*`, got two variables"));
                    }
                };
                sum.add(of, &(number * factor));
                Ok(())
            }
            _ => Err(unread()),
        }
    }

    #[expect(clippy::arithmetic_side_effects, reason = "rational numbers do not overflow")]
    fn add_word(&self, line: usize, word: &str, factor: &Rational, sum: &mut Sum) -> Result<()> {
        let variable = match (number_of(word, "X"), number_of(word, "Y")) {
            (Some(input), _) => Some((&self.inputs, input, sum.inputs.entry(input).or_default())),
            (_, Some(output)) => {
                Some((&self.outputs, output, sum.outputs.entry(output).or_default()))
            }
            _ => None,
        };
        match variable {
            Some((declared, number, weight)) if declared.contains(&number) => *weight += factor,
            Some(_) => return Err(wrong(line, &format!("`{word}` is not declared"))),
            None => {
                let number = exact::decimal(word).map_err(|why| wrong(line, &why))?;
                sum.constant += number * factor;
            }
        }
        Ok(())
    }
}

/// A linear term.
#[derive(Debug, Default)]
struct Sum {
    inputs: BTreeMap<usize, Rational>,
    outputs: BTreeMap<usize, Rational>,
    constant: Rational,
}

impl Sum {
    fn is_number(&self) -> bool {
        self.inputs.is_empty() && self.outputs.is_empty()
    }

    #[expect(clippy::arithmetic_side_effects, reason = "rational numbers do not overflow")]
    fn add(&mut self, other: Self, factor: &Rational) {
        for (input, weight) in other.inputs {
            *self.inputs.entry(input).or_default() += weight * factor;
        }
        for (output, weight) in other.outputs {
            *self.outputs.entry(output).or_default() += weight * factor;
        }
        self.constant += other.constant * factor;
    }
}

impl Weighted {
    pub(super) fn halfspace(&self, outputs: usize) -> Halfspace {
        let mut weights = vec![0.0; outputs];
        for (&output, weight) in &self.weights {
            if let Some(place) = weights.get_mut(output) {
                *place = exact::float(weight);
            }
        }
        Halfspace { weights, bound: exact::float(&self.bound) }
    }
}

/// How many variables of a letter there are, numbered from 0.
fn counted(numbers: &BTreeSet<usize>, letter: &str) -> Result<usize> {
    let gap = numbers.iter().enumerate().find(|(at, number)| at != *number).map(|(at, _)| at);
    let missing = if numbers.is_empty() { Some(0) } else { gap };
    match missing {
        None => Ok(numbers.len()),
        Some(missing) => {
            let why = format!("expected `{letter}_{missing}` to be declared, got no declaration");
            Err(Trouble::new(Kind::Input, why))
        }
    }
}
