//! Samples that keep their answers: proven, broken, or neither.

use std::{path::Path, sync::Arc, time::Instant};

use modelward_core::{Measurement, Value};
use modelward_engine::{Tensor, exec::How};
use modelward_lab::{
    budget::{Budget, Norm},
    certified::{self, Certified, Verdict},
    certify::smoothing::Smoothing,
    exact::Rational,
    preprocess::{Convention, Spec},
    samples::{Options, Samples},
    statistics::clopper_pearson,
    trees::Trees,
    victim::{Forest, Network, Prepared},
};

use crate::cli::{
    Failure,
    certify::{Arguments, noise, write},
    experiment::{self, Findable, Opened},
    given,
    process::{cpu_seconds, peak_bytes},
    trouble::failure,
};

pub(super) fn certify(
    arguments: &Arguments,
    data: &Path,
    eps: &(String, Rational),
    start: Instant,
) -> Result<Findable, Failure> {
    let path = &arguments.model;
    let limits = arguments.experiment.limits();
    let smoothing = arguments.smooth.map(|sigma| {
        let (select, estimate) = arguments.noise_samples;
        Smoothing { sigma, select, estimate, alpha: arguments.alpha, batch: noise::BATCH }
    });
    let norm = if smoothing.is_some() { Norm::L2 } else { Norm::Linf };
    if arguments.norm != norm {
        return Err(Failure::new(format!(
            "nothing is certified here for `--norm {}`{}",
            arguments.norm,
            if smoothing.is_some() { " with `--smooth`" } else { "" }
        ))
        .help("networks and trees are proven in linf; `--norm l2 --smooth SIGMA` certifies what a model says under noise"));
    }
    let fails = |trouble| failure(path, trouble);
    let options = Options { label: arguments.label.clone(), limits };
    let samples = Samples::read(data, &options).map_err(|trouble| failure(data, trouble))?;
    let samples = match arguments.samples {
        Some(count) => samples.first(count),
        None => samples,
    };
    let labels = given::labels(&samples, data)?;
    let budget = given::budget(arguments.norm, eps, arguments.clip, &samples, data)?;
    let domain = arguments.spec.as_ref().map(|path| given::constraints(path, &samples));
    let domain = domain.transpose()?;
    let (opened, digest) = experiment::open(path, &limits)?;
    let question = certified::Question {
        samples: &samples.x,
        labels: &labels,
        budget: budget.clone(),
        domain: domain.as_ref(),
        minimal: arguments.minimal,
        each: arguments.max_time_each,
        deadline: arguments.experiment.deadline(start),
        threads: arguments.experiment.how().threads,
        seed: arguments.seed,
    };
    let (certified, spec, kind) = match opened {
        Opened::Trees(trees) => {
            if !matches!(arguments.preprocess.as_str(), "auto" | "none") {
                return Err(Failure::new("trees take the data as they are, got `--preprocess`"));
            }
            let trees = Arc::<Trees>::from(trees);
            let done = match &smoothing {
                Some(smoothing) => {
                    let forest = || Forest::new(trees.clone(), &samples.shape);
                    certified::smoothed(forest, smoothing, &question)
                }
                None => certified::trees(&trees, &question),
            };
            (done.map_err(fails)?, Spec::none(), "trees")
        }
        Opened::Network(model) => {
            let how = arguments.experiment.how();
            let (spec, _) =
                given::convention(&arguments.preprocess, &model, &samples, how).map_err(fails)?;
            let convention = Convention::new(&spec, &samples.shape).map_err(fails)?;
            let shape = &samples.shape;
            let done = match &smoothing {
                Some(smoothing) => {
                    // Samples are shared out to threads already.
                    let how = How { threads: 1, ..how };
                    let network = || {
                        let network = Network::new((*model).clone(), convention.shape(), how)?;
                        Ok(Prepared::new(network, convention.clone(), shape.clone()))
                    };
                    certified::smoothed(network, smoothing, &question)
                }
                None => certified::network(&model, &convention, shape, how, &question),
            };
            (done.map_err(fails)?, spec, "network")
        }
    };
    if let Some(out) = &arguments.verdicts {
        write_verdicts(out, arguments, &certified, &samples)?;
    }
    let mut findable = Findable::default();
    let unknown = certified.count(Verdict::Unknown);
    if let (1.., Some(why)) = (unknown, &certified.why) {
        let all = certified.verdicts.len();
        findable.unsettled(
            path,
            format!("{unknown} of {all} samples are neither proven nor broken: {why}"),
        );
    }
    let context = Context { digest, spec, kind, budget, eps: &eps.0, smoothing };
    findable.measurements.push(record(arguments, data, &certified, &context));
    Ok(findable)
}

struct Context<'a> {
    digest: Option<String>,
    spec: Spec,
    kind: &'static str,
    budget: Budget,
    eps: &'a str,
    smoothing: Option<Smoothing>,
}

fn record(
    arguments: &Arguments,
    data: &Path,
    certified: &Certified,
    context: &Context<'_>,
) -> Measurement {
    let all = certified.verdicts.len();
    let [holds, violated, unknown, wrong] =
        [Verdict::Holds, Verdict::Violated, Verdict::Unknown, Verdict::Wrong]
            .map(|verdict| certified.count(verdict));
    let right = match context.smoothing {
        Some(_) => certified.radii.iter().filter(|radius| **radius > 0.0).count(),
        None => all.saturating_sub(wrong),
    };
    let share = |count: usize| {
        let value = count as f64 / all.max(1) as f64;
        Value::share(value, clopper_pearson(count as u64, all as u64, 0.95), all)
    };
    let clip = context.budget.clip.map(|(low, high)| vec![f64::from(low), f64::from(high)]);
    let mean = certified.mean_distance();
    let spec = arguments.spec.as_ref().map(|path| path.display().to_string());
    let size = context.budget.size();
    let noise = context.smoothing.as_ref();
    let noise = noise.map_or(Value::Null, |smoothing| noise::record(smoothing, certified, size));
    let fields = vec![
        ("model", arguments.model.display().to_string().into()),
        ("model_sha256", context.digest.clone().into()),
        ("of", context.kind.into()),
        ("data", data.display().to_string().into()),
        ("norm", arguments.norm.name().into()),
        ("eps", context.eps.into()),
        ("eps_value", context.budget.size().into()),
        ("spec", spec.clone().into()),
        ("clip", clip.into()),
        ("preprocess", context.spec.to_string().into()),
        ("clean_accuracy", share(right)),
        ("certified_accuracy", share(holds)),
        ("violated", share(violated)),
        ("unknown", share(unknown)),
        ("mean_minimal_distance", mean.into()),
        ("smoothing", noise),
        ("why", certified.why.clone().into()),
        ("seed", arguments.seed.into()),
        ("seconds_cpu", cpu_seconds().into()),
        ("peak_bytes", peak_bytes().into()),
    ];
    let percent = |count: usize| 100.0 * count as f64 / all.max(1) as f64;
    let (low, high) = clopper_pearson(holds as u64, all as u64, 0.95);
    let mut lines = vec![
        format!("input     {}, preprocess `{}`", context.kind, context.spec),
        format!("clean     {:.1} % of {all}", percent(right)),
        format!(
            "certified >= {:.1} % [{:.1}, {:.1}] within {} in {}{}",
            percent(holds),
            100.0 * low,
            100.0 * high,
            context.eps,
            arguments.norm,
            spec.map(|path| format!(" under {path}")).unwrap_or_default()
        ),
    ];
    if context.smoothing.is_none() {
        lines.push(format!("violated  {:.1} %, each with a witness", percent(violated)));
    }
    lines.push(format!("unknown   {:.1} %", percent(unknown)));
    if let Some(smoothing) = &context.smoothing {
        lines.extend(noise::lines(smoothing, certified, size));
    }
    if let Some(mean) = mean {
        lines.push(format!("distance  {mean:.5} on the average, of those that can be broken"));
    }
    Measurement { kind: "certify", fields, lines, ..Measurement::default() }
}

fn write_verdicts(
    out: &Path,
    arguments: &Arguments,
    certified: &Certified,
    samples: &Samples,
) -> Result<(), Failure> {
    let fails = |trouble| failure(out, trouble);
    let verdicts = certified.verdicts.iter().map(|verdict| verdict.code()).collect::<Vec<_>>();
    let mut arrays = vec![("verdict", Tensor::list(verdicts))];
    if arguments.minimal {
        let count = certified.verdicts.len();
        let dims = [count].iter().chain(&samples.shape).copied().collect::<Vec<_>>();
        arrays.push(("distance", Tensor::list(certified.distances.clone())));
        arrays.push(("witness", Tensor::new(dims, certified.witnesses.clone()).map_err(fails)?));
    }
    if arguments.smooth.is_some() {
        arrays.push(("radius", Tensor::list(certified.radii.clone())));
    }
    write(out, arrays)
}
