//! What the user gives to an experiment: a budget, data with labels, and how data become inputs.

use std::path::Path;

use modelward_engine::{Model, Result as Done, exec::How};
use modelward_lab::{
    budget::{Budget, Norm},
    constraints::Constraints,
    exact::{self, Rational},
    file,
    preprocess::{Found, Guess, Spec, find},
    samples::Samples,
    victim::{Network, Victim},
};

use crate::cli::{Failure, trouble::failure};

/// The range that the user gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Clip {
    None,
    Range(f32, f32),
}

/// The labels, as classes.
pub(super) fn labels(samples: &Samples, path: &Path) -> Result<Vec<usize>, Failure> {
    let name = path.display();
    let labels = samples.y.as_ref().ok_or_else(|| {
        Failure::new(format!("`{name}` has no labels")).help(
            "an attack is measured against the right answers: name their column with `--label`",
        )
    })?;
    let class = |(at, &label): (usize, &i64)| {
        usize::try_from(label).map_err(|_| {
            Failure::new(format!("expected labels from 0 on, got {label} for the sample {at}"))
                .at(name.to_string())
        })
    };
    labels.iter().enumerate().map(class).collect()
}

/// The budget, once the data are known.
pub(super) fn budget(
    norm: Norm,
    (shown, eps): &(String, Rational),
    clip: Option<Clip>,
    samples: &Samples,
    data: &Path,
) -> Result<Budget, Failure> {
    let unit = samples.x.iter().all(|x| (0.0..=1.0).contains(x));
    let clip = match clip {
        Some(Clip::None) => None,
        Some(Clip::Range(low, high)) => Some((low, high)),
        None => unit.then_some((0.0, 1.0)),
    };
    let budget = Budget { norm, eps: eps.clone(), clip };
    if let Some((at, x)) = samples.x.iter().enumerate().find(|(_, x)| !x.is_finite()) {
        let row = at.checked_div(samples.width()).unwrap_or(0);
        return Err(Failure::new(format!("expected numbers, got {x} in the sample {row}"))
            .at(data.display().to_string())
            .help("leave such rows out, or fill them in"));
    }
    let range = clip.map_or(f64::INFINITY, |(low, high)| f64::from(high) - f64::from(low));
    if budget.norm == Norm::Linf && budget.size() > range {
        let message = format!("`--eps {shown}` is larger than the range of the inputs, {range}");
        return Err(Failure::new(message)
            .help("eps is in the units of the data: for data in 0 to 1 write `8/255`, not `8`"));
    }
    if budget.norm == Norm::L0 && (budget.size() < 1.0 || clip.is_none()) {
        return Err(Failure::new(
            "`--norm l0` needs a number of inputs, `--eps 5`, and their range, `--clip`",
        ));
    }
    Ok(budget)
}

/// The rules of the domain of the data.
pub(super) fn constraints(path: &Path, samples: &Samples) -> Result<Constraints, Failure> {
    let fails = |trouble| failure(path, trouble);
    let bytes = file::read(path, MOST_RULES).map_err(fails)?;
    let bytes = bytes.take(0, bytes.len()).map_err(|refusal| fails(refusal.into()))?;
    let text = str::from_utf8(&bytes)
        .map_err(|_| Failure::new(format!("`{}` is no text in UTF-8", path.display())))?;
    let names = samples.columns.clone().unwrap_or_default();
    Constraints::read(text, &names, samples.width()).map_err(fails)
}

/// The most bytes of the rules of a domain.
const MOST_RULES: u64 = 16 << 20;

/// How the data become inputs: as the user says, or found by the labels.
pub(super) fn convention(
    preprocess: &str,
    model: &Model,
    samples: &Samples,
    how: How,
) -> Done<(Spec, Option<Found>)> {
    if preprocess != "auto" {
        return Ok((preprocess.parse::<Spec>()?, None));
    }
    let shape = model.input_shape();
    let mut network = None;
    let found = find(samples, &shape, &mut |inputs, _| {
        let network = match &mut network {
            Some(network) => network,
            None => network.insert(Network::new(model.clone(), &samples.shape, how)?),
        };
        let answers = network.ask(inputs)?;
        Ok(Guess { labels: answers.labels, scores: answers.scores })
    })?;
    Ok((found.spec.clone(), Some(found)))
}

pub(super) fn eps(text: &str) -> Result<(String, Rational), String> {
    let eps = exact::parse(text)?;
    if eps < Rational::from_integer(0.into()) {
        return Err(format!("expected a size of 0 or more, got `{text}`"));
    }
    Ok((text.to_owned(), eps))
}

/// A whole number from 1 on.
pub(super) fn number(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| format!("expected a whole number from 1 on, got `{text}`"))
}

pub(super) fn clip(text: &str) -> Result<Clip, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Clip::None);
    }
    let ends = text.split_once(',').and_then(|(low, high)| {
        Some((low.trim().parse::<f32>().ok()?, high.trim().parse::<f32>().ok()?))
    });
    match ends {
        Some((low, high)) if low < high && low.is_finite() && high.is_finite() => {
            Ok(Clip::Range(low, high))
        }
        _ => Err(format!("expected a range such as `0,1`, or `none`, got `{text}`")),
    }
}
