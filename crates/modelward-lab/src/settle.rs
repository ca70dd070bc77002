//! Whether a property holds: a violation is searched and a proof is tried by turns, each longer than
//! the one before, until one of them is found.

use std::cell::RefCell;

use modelward_engine::{Limits, Model, Result};

use crate::{
    certify::{Asked, By, Prover, Verdict},
    property::{Case, Network, Property, Witness, falsify, margin, nearest_inside},
};

/// What became of a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Settled {
    /// It holds for every input.
    Holds(By),
    /// This input violates it.
    Violated(Witness, Way),
    /// Neither is known.
    Unknown(String),
}

/// How a violation was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By descents along gradients.
    Attack,
    /// On the way to a proof.
    Proof,
}

/// The first turns of the search and of the proof; each is so much longer than the one before.
const FIRST: f64 = 0.4;
const LONGER: f64 = 3.0;

/// Settle a property of a model until `seconds` has passed `most`.
///
/// # Errors
/// Where the model cannot be run, or is another one than that of the property.
pub fn settle(
    model: &Model,
    property: &Property,
    limits: Limits,
    seed: u64,
    seconds: &dyn Fn() -> f64,
    most: f64,
) -> Result<Settled> {
    let network = Network::new(model, property.inputs, property.outputs, limits)?;
    let network = RefCell::new(network);
    let prover = Prover::new(model, &limits);
    // A case that is proven is not proven again.
    let mut open = (0..property.cases.len()).collect::<Vec<_>>();
    let mut shown_by = By::Bounds;
    let mut why = String::new();
    // Where nothing can be proven, the search has all of the time.
    let mut turn = if prover.is_ok() { FIRST } else { most };
    for round in 0_u64.. {
        let until = (seconds() + turn).min(most);
        let mut over = || seconds() >= until;
        let found = falsify(&mut network.borrow_mut(), property, &mut over, seed ^ round)?;
        if let Some(witness) = found {
            return Ok(Settled::Violated(witness, Way::Attack));
        }
        match &prover {
            Err(trouble) => why = trouble.to_string(),
            Ok(prover) => {
                let until = (seconds() + turn).min(most);
                let time_up = || seconds() >= until;
                let mut left = Vec::new();
                for &case in &open {
                    let here = &property.cases[case];
                    let judge = |point: &[f32]| judged(&network, here, point).is_some();
                    let asked = Asked { time_up: &time_up, judge: &judge };
                    match prover.case(here, &asked) {
                        Verdict::Holds { by } => {
                            if by == By::Branching {
                                shown_by = by;
                            }
                        }
                        Verdict::Candidate(point) => {
                            let Some((x, margin)) = judged(&network, here, &point) else {
                                left.push(case);
                                continue;
                            };
                            let witness = Witness { case, x, margin };
                            return Ok(Settled::Violated(witness, Way::Proof));
                        }
                        Verdict::Unknown { why: reason } => {
                            why = reason;
                            left.push(case);
                        }
                    }
                }
                open = left;
                if open.is_empty() {
                    return Ok(Settled::Holds(shown_by));
                }
            }
        }
        if seconds() >= most {
            break;
        }
        turn *= LONGER;
    }
    Ok(Settled::Unknown(why))
}

/// The point of a case's box that is nearest to this one, and its margin, where that violates it.
fn judged(network: &RefCell<Network<'_>>, case: &Case, point: &[f32]) -> Option<(Vec<f32>, f64)> {
    let x = nearest_inside(case, point)?;
    let outputs = network.borrow_mut().outputs(&x).ok()?;
    let margins = case.wrong.iter().map(|wrong| margin(wrong, &outputs));
    let least = margins.fold(f64::INFINITY, f64::min);
    (least <= 0.0).then_some((x, least))
}
