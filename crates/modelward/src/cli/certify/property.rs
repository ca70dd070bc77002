//! A property in VNN-LIB: it holds, it is violated by a point, or that is not known.

use std::{path::Path, time::Duration};

use modelward_core::Measurement;
use modelward_engine::Tensor;
use modelward_lab::{
    certify::By,
    file,
    property::Property,
    rules,
    settle::{Settled, Way, settle},
};

use crate::cli::{
    Failure,
    certify::{Arguments, write},
    experiment::{self, Findable},
    process::cpu_seconds,
    trouble::failure,
};

/// Processor time where the user gives none.
const TIME: Duration = Duration::from_secs(120);

pub(super) fn certify(arguments: &Arguments, path: &Path) -> Result<Findable, Failure> {
    let limits = arguments.experiment.limits();
    let model_path = &arguments.model;
    let bytes = experiment::bytes(model_path, &limits)?;
    let digest = experiment::sha256(&bytes);
    let model = experiment::model(model_path, bytes, &limits)?;
    let property = file::read(path, limits.memory).and_then(|bytes| Property::read(&bytes));
    let property =
        property.map_err(|trouble| failure(path, trouble).at(path.display().to_string()))?;
    let fails = |trouble| failure(model_path, trouble);
    // One thread works: what counts is what this process has had of it, on a busy machine too.
    let most = arguments.experiment.max_time.unwrap_or(TIME).mul_f64(0.97).as_secs_f64();
    let settled = settle(&model, &property, limits, arguments.seed, &cpu_seconds, most);
    let settled = settled.map_err(fails)?;
    let mut findable = Findable::default();
    let (verdict, by, margin, line) = match settled {
        Settled::Holds(by) => {
            let by = match by {
                By::Bounds => "bounds",
                By::Branching => "branching",
            };
            ("holds", Some(by), None, format!("holds      by {by}"))
        }
        Settled::Violated(witness, way) => {
            let by = match way {
                Way::Attack => "attack",
                Way::Proof => "branching",
            };
            let point = witness.x.clone();
            if let Some(out) = &arguments.witnesses {
                let tensor = Tensor::new([1, point.len()], point).map_err(fails)?;
                write(out, vec![("x", tensor)])?;
            }
            let shown = ("output units from a violation", witness.margin, 0.0);
            let rule = &rules::PROPERTY_VIOLATED;
            let message = format!(
                "case {} is violated at a point inside its box, by {}",
                witness.case.saturating_add(1),
                -witness.margin
            );
            findable.report(rule, rule.severity, model_path, message, shown);
            let line = format!("violated   by {by}, margin {:.6}", witness.margin);
            ("violated", Some(by), Some(witness.margin), line)
        }
        Settled::Unknown(why) => {
            findable.unsettled(model_path, format!("the property is not settled: {why}"));
            ("unknown", None, None, format!("unknown    {why}"))
        }
    };
    findable.measurements.push(Measurement {
        kind: "property",
        fields: vec![
            ("model", model_path.display().to_string().into()),
            ("model_sha256", digest.into()),
            ("property", path.display().to_string().into()),
            ("verdict", verdict.into()),
            ("by", by.into()),
            ("margin", margin.into()),
            ("seed", arguments.seed.into()),
            ("seconds_cpu", cpu_seconds().into()),
        ],
        lines: vec![line],
        ..Measurement::default()
    });
    Ok(findable)
}
