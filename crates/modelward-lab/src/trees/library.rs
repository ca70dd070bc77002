//! A tree model in the arithmetic of the library that wrote it: labels, scores, and how one follows
//! from the other.

use modelward_engine::{
    Result, Tensor, Trouble,
    trees::{Aggregate, Classifier, Ensemble, Precision, Rule, Transform},
};

use super::margin::Decision;

/// A tree model as its library computes it.
#[derive(Clone, Debug)]
pub(super) enum Library {
    /// XGBoost, LightGBM.
    Ensemble(Ensemble),
    /// A classifier of ONNX-ML.
    Classifier(Classifier),
}

impl Library {
    pub(super) fn ensemble(&self) -> &Ensemble {
        match self {
            Self::Ensemble(ensemble) => ensemble,
            Self::Classifier(classifier) => &classifier.ensemble,
        }
    }

    /// The place of the class of each row.
    pub(super) fn places(&self, rows: &Tensor) -> Result<Vec<usize>> {
        match self {
            Self::Classifier(classifier) => Ok(classifier.classify(rows)?.0),
            Self::Ensemble(ensemble) => {
                let transformed = ensemble.predict(rows)?.transformed.floats()?;
                Ok(match (ensemble.targets, ensemble.transform) {
                    (_, Transform::Largest) => transformed.iter().map(|&at| at as usize).collect(),
                    (1, _) => transformed.iter().map(|&share| usize::from(share > 0.5)).collect(),
                    (targets, _) => transformed.chunks(targets).map(first_largest).collect(),
                })
            }
        }
    }

    /// Scores of the classes, `[rows * classes]`: shares where the library gives them.
    pub(super) fn scores(&self, rows: &Tensor) -> Result<Vec<f64>> {
        match self {
            Self::Classifier(classifier) => classifier.classify(rows)?.1.floats(),
            Self::Ensemble(ensemble) => {
                let prediction = ensemble.predict(rows)?;
                Ok(match (ensemble.targets, ensemble.transform) {
                    (1, Transform::Step) => {
                        let raw = prediction.raw.floats()?;
                        raw.into_iter().flat_map(|margin| [-margin, margin]).collect()
                    }
                    (1, _) => {
                        let shares = prediction.transformed.floats()?;
                        shares.into_iter().flat_map(|share| [1.0 - share, share]).collect()
                    }
                    (_, Transform::Largest) => prediction.raw.floats()?,
                    _ => prediction.transformed.floats()?,
                })
            }
        }
    }

    /// How it decides.
    ///
    /// # Errors
    /// Where it gives numbers and no classes, or decides in a way that is not known here.
    pub(super) fn decision(&self) -> Result<Decision> {
        let ensemble = self.ensemble();
        let single = ensemble.precision == Precision::Single;
        let unit = if single { f64::powi(2.0, -24) } else { f64::powi(2.0, -53) };
        let trees = ensemble.trees() as f64;
        let divisor = match (ensemble.aggregate, ensemble.averaged) {
            (Aggregate::Sum, None) => 1.0,
            (Aggregate::Sum, Some(trees)) => trees as f64,
            (Aggregate::Average, None) => trees,
            _ => {
                return Err(Trouble::unsupported(
                    "expected trees whose votes are summed or averaged, got their least or largest",
                ));
            }
        };
        let mut decision = Decision {
            rule: Rule::One,
            blur: 0.0,
            divisor,
            unit,
            saturating: None,
            plain: false,
            base: Vec::new(),
        };
        match self {
            Self::Classifier(classifier) => {
                decision.rule = classifier.rule();
                decision.plain = divisor == 1.0;
                match decision.rule {
                    Rule::One => {
                        return Err(Trouble::unsupported("expected two or more classes, got one"));
                    }
                    Rule::First(_) => {
                        return Err(Trouble::unsupported(
                            "expected a base value for each of two classes, got one",
                        ));
                    }
                    Rule::Above { .. } | Rule::Largest(_) => {}
                }
            }
            Self::Ensemble(ensemble) => {
                let targets = ensemble.targets;
                let whole = (0..targets).map(|target| match &ensemble.base[..] {
                    [] => 0.0,
                    [one] => *one,
                    base => base.get(target).copied().unwrap_or(0.0),
                });
                decision.base = whole.collect();
                let largest = || Rule::Largest(vec![Some(0.0); targets]);
                let above = Rule::Above { target: 0, base: 0.0, limit: 0.0 };
                (decision.rule, decision.blur) = match (targets, ensemble.transform) {
                    (1, Transform::Step) => (above, 0.0),
                    (1, Transform::Sigmoid(scale)) if scale > 0.0 && scale.is_finite() => {
                        (above, 8.0 * unit / scale)
                    }
                    (2.., Transform::Softmax) => (largest(), 8.0 * unit),
                    (2.., Transform::Largest) => (largest(), 0.0),
                    (2.., Transform::Sigmoid(scale))
                        if !single && scale > 0.0 && scale.is_finite() =>
                    {
                        decision.saturating = Some(scale);
                        (largest(), 0.0)
                    }
                    _ => {
                        return Err(Trouble::unsupported(
                            "expected a classifier, got trees whose scores are no shares of classes",
                        ));
                    }
                };
            }
        }
        Ok(decision)
    }
}

/// Where the largest lies, the first of equals.
fn first_largest(row: &[f64]) -> usize {
    let mut best = 0;
    for (at, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = at;
        }
    }
    best
}
