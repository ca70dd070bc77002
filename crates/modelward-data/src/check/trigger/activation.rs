//! Rows of one label that a model tells by something else: patterns over the whole input, that no window
//! shows.
//!
//! Inside the model such rows stand apart from those that have the label by right. Each class is whitened
//! by how the *other* classes spread, so that what no other class does stands out (after SPECTRE, Hayase et
//! al., 2021, arXiv 2104.11315, whose robust covariance takes the class itself and fails where half of it
//! is planted), and looked at along its strongest directions. A class without two modes there is left
//! alone. Two modes alone are no poison: people write a seven in two ways. So the input decides: what all
//! rows of a mode share is taken off, and what is left looks like rows of other classes, as clearly as
//! those look like each other, only where a pattern was laid over them.

use super::{Carrier, Evidence, Labelled, Mined, Trigger};
use crate::{Matrix, tail::Factorials};

mod modes;
mod restored;
mod whiten;

/// Directions of a class that are looked at.
const DIRECTIONS: usize = 3;

/// Mine activations, `[rows, width]`, with the inputs that they come from, `[rows, columns]`.
pub(super) fn mine(activations: &Matrix, inputs: &Matrix, rows: &Labelled<'_>) -> Mined {
    let activations = whiten::narrow(activations);
    let restored = restored::Restored::new(inputs, rows);
    let factorials = Factorials::new(2 * rows.len());
    let mut mined = Mined::default();
    for class in 0..rows.classes as u32 {
        let own = (0..rows.len() as u32).filter(|row| rows.label(*row) == class);
        let own = own.collect::<Vec<_>>();
        let least = Evidence::least(rows.len()).max(10);
        if own.len() < 2 * least {
            continue;
        }
        let directions = whiten::directions(&activations, rows, class, &own, DIRECTIONS);
        let mut best: Option<(f64, Vec<(u32, f64)>)> = None;
        for places in &directions {
            mined.tried += 1;
            let Some(upper) = modes::split(places) else { continue };
            for side in [false, true] {
                let of_mode = own
                    .iter()
                    .zip(&upper)
                    .map(|(row, upper)| (*row, if side { *upper } else { 1.0 - upper }));
                let mode = of_mode.filter(|(_, sure)| *sure > 0.5).collect::<Vec<_>>();
                if mode.len() < least {
                    continue;
                }
                let members = mode.iter().map(|(row, _)| *row).collect::<Vec<_>>();
                let Some(found) = restored.test(class, &members, &factorials) else { continue };
                if best.as_ref().is_none_or(|(known, _)| found < *known) {
                    best = Some((found, mode));
                }
            }
        }
        if let Some((ln_p, mode)) = best {
            let tried = (rows.classes * DIRECTIONS * 2) as f64;
            let ln_p = ln_p + tried.ln();
            if ln_p > super::ALARM.ln() {
                continue;
            }
            let carriers = mode.iter().map(|(row, _)| *row);
            let carriers =
                carriers.map(|row| Carrier { row, disagrees: true, planted: true }).collect();
            mined.triggers.push(Trigger {
                kind: "activation",
                target: class,
                rows: carriers,
                p_value: ln_p.exp(),
                at: None,
                size: None,
                token: None,
                columns: None,
                shown: format!("{} of {} rows of the class", mode.len(), own.len()),
            });
        }
    }
    mined
}
