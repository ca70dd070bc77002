//! What the attacker may do, as the user gives it: a ball in a norm, under the rules of a domain or
//! not; a square of an image; or the image turned and moved.

use std::path::Path;

use modelward_core::Value;
use modelward_lab::{
    budget::{Budget, Norm},
    constraints::Constraints,
    exact::Rational,
    rule::{Patch, Rule, Spatial},
    samples::Samples,
};

use crate::cli::{Failure, attack::Arguments, given, trouble::failure};

/// A budget, and what of it is admitted.
pub(super) struct Threat {
    pub(super) budget: Budget,
    narrowed: Narrowed,
    /// In words: `0.05 in linf`.
    pub(super) shown: String,
}

enum Narrowed {
    Not,
    Domain(Box<Constraints>),
    Patch(Patch),
    Spatial(Spatial),
}

impl Threat {
    pub(super) fn of(arguments: &Arguments, samples: &Samples) -> Result<Self, Failure> {
        let data = &arguments.data;
        let fails = |trouble| failure(data, trouble);
        if let Some(eps) = &arguments.eps {
            let norm = arguments.norm;
            let budget = given::budget(norm, eps, arguments.clip, samples, data)?;
            let shown = format!("{} in {norm}", eps.0);
            let Some(path) = &arguments.spec else {
                return Ok(Self { budget, narrowed: Narrowed::Not, shown });
            };
            let narrowed = Narrowed::Domain(Box::new(given::constraints(path, samples)?));
            let shown = format!("{shown} under {}", path.display());
            return Ok(Self { budget, narrowed, shown });
        }
        if arguments.spec.is_some() {
            return Err(Failure::new(
                "`--spec` says what may change, but not how far: give `--eps` too",
            )
            .help("an `--eps` as large as the range of the data leaves it to the rules alone"));
        }
        let budget = whole(arguments.clip, samples, data)?;
        let clip = budget.clip;
        if let Some(side) = arguments.patch {
            if clip.is_none() {
                return Err(Failure::new("`--patch` needs the range of the inputs, `--clip`"));
            }
            let patch = Patch::new(side, &samples.shape).map_err(fails)?;
            let shown = format!("one square of {side}x{side}");
            return Ok(Self { budget, narrowed: Narrowed::Patch(patch), shown });
        }
        let Some((degrees, pixels)) = arguments.spatial else {
            return Err(Failure::new("expected `--eps`, `--patch` or `--spatial`"));
        };
        let spatial = Spatial::new(degrees, pixels, &samples.shape, clip).map_err(fails)?;
        let shown = format!("{degrees} degrees and {pixels} pixels");
        Ok(Self { budget, narrowed: Narrowed::Spatial(spatial), shown })
    }

    pub(super) fn rule(&self) -> Rule<'_> {
        match &self.narrowed {
            Narrowed::Not => Rule::Any,
            Narrowed::Domain(constraints) => Rule::Domain(constraints),
            Narrowed::Patch(patch) => Rule::Patch(*patch),
            Narrowed::Spatial(spatial) => Rule::Spatial(*spatial),
        }
    }

    /// The fields of a report that say what it is.
    pub(super) fn fields(&self, arguments: &Arguments) -> Vec<(&'static str, Value)> {
        let eps = arguments.eps.as_ref().map(|(shown, _)| shown.clone());
        let norm = eps.as_ref().map(|_| arguments.norm.name());
        let size = eps.as_ref().map(|_| self.budget.size());
        let mut fields =
            vec![("norm", norm.into()), ("eps", eps.into()), ("eps_value", size.into())];
        match &self.narrowed {
            Narrowed::Not => {}
            Narrowed::Domain(_) => {
                let path = arguments.spec.as_ref().map(|path| path.display().to_string());
                fields.push(("spec", path.into()));
            }
            Narrowed::Patch(patch) => fields.push(("patch", patch.side.into())),
            Narrowed::Spatial(spatial) => {
                fields.push(("spatial", vec![spatial.degrees, spatial.pixels].into()));
            }
        }
        fields
    }
}

/// The budget of the whole range.
fn whole(clip: Option<given::Clip>, samples: &Samples, data: &Path) -> Result<Budget, Failure> {
    let none = (String::from("0"), Rational::from_integer(0.into()));
    let budget = given::budget(Norm::Linf, &none, clip, samples, data)?;
    Ok(Budget::whole(budget.clip))
}

pub(super) fn spatial(text: &str) -> Result<(f64, f64), String> {
    let sizes = text.split_once(',').and_then(|(degrees, pixels)| {
        Some((degrees.trim().parse::<f64>().ok()?, pixels.trim().parse::<f64>().ok()?))
    });
    sizes
        .filter(|(degrees, pixels)| *degrees >= 0.0 && *pixels >= 0.0)
        .ok_or_else(|| format!("expected degrees and pixels such as `30,3`, got `{text}`"))
}
