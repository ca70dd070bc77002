//! `modelward attack`: how robust is a model on data, and can the number be trusted?

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use clap::Args;
use modelward_core::Severity;
use modelward_engine::{Model, Tensor, npz};
use modelward_lab::{
    budget::{Budget, Norm},
    evade::Effort,
    exact::{self, Rational},
    preprocess::{Convention, Found, Guess, Spec, find},
    robustness::{Question, Robustness, measure},
    rules,
    samples::{Options, Samples},
    victim::{Network, Prepared, Victim},
};

use crate::cli::{
    EXIT_CODES, Failure, Screen,
    experiment::{self, Experiment, Findable},
    process::cpu_seconds,
    trouble::failure,
};

mod record;
mod screen;

/// Attack a model on samples within a budget: how many stand, witnesses, and whether to trust it.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// The ONNX model, plain or packed by gzip.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The samples: an npz with `x` and `y`, a table with `--label`, or a folder of images with a
    /// folder for each class.
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    /// The column of a table, or the key of an npz, that holds the labels.
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    /// Take the first samples only.
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
    /// How a change is measured: linf, l2, l1, or l0 for the number of inputs that change.
    #[arg(long, value_name = "NORM", default_value = "linf")]
    norm: Norm,
    /// How large a change may be, in the units of the data: `8/255`, `0.05`.
    #[arg(long, value_name = "EPS", value_parser = budget)]
    eps: (String, Rational),
    /// How hard to try: quick for a look, standard for the strength of AutoAttack, deep for more.
    #[arg(long, value_name = "EFFORT", default_value = "standard", value_parser = effort)]
    effort: Effort,
    /// Ask for a class that is drawn for each sample, where any other would do.
    #[arg(long)]
    targeted: bool,
    /// The range of every input, `LO,HI`, or `none`; without it `0,1` where all data lie in it.
    #[arg(long, value_name = "LO,HI", value_parser = clip, allow_hyphen_values = true)]
    clip: Option<Clip>,
    /// What is done to the data before the model sees them: `auto` finds it by the labels, `none`,
    /// or words in order: `scale=255 mean=0.49:0.48:0.45 std=0.2 layout=nhwc transpose invert`.
    #[arg(long, value_name = "SPEC", default_value = "auto")]
    preprocess: String,
    /// Where random numbers begin.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Fail where fewer than this share of all samples stand: `0.4`.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    fail_under: Option<f64>,
    /// Write the points that samples fall to: `x`, `index` into the data, `label` they now get.
    #[arg(long, value_name = "W.npz")]
    witnesses: Option<PathBuf>,
    #[command(flatten)]
    experiment: Experiment,
}

/// The range that the user gives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Clip {
    None,
    Range(f32, f32),
}

const EXAMPLES: &str = "\
Examples:
  modelward attack classifier.onnx --data test.npz --eps 8/255
  modelward attack fraud.onnx --data test.csv --label class --norm linf --eps 0.05 --fail-under 0.6
  modelward attack resnet.onnx --data images/ --norm l2 --eps 0.5 --effort quick --witnesses w.npz";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let targets = [arguments.model.clone(), arguments.data.clone()];
    arguments.experiment.run(&targets, screen, || attack(arguments))
}

/// What the attack is of, once everything was read.
struct Setting {
    digest: Option<String>,
    shape: Vec<usize>,
    classes: usize,
    names: Option<Vec<String>>,
    spec: Spec,
    found: Option<Found>,
    budget: Budget,
}

fn attack(arguments: &Arguments) -> Result<Findable, Failure> {
    let start = Instant::now();
    let (path, experiment) = (&arguments.model, &arguments.experiment);
    let limits = experiment.limits();
    let bytes = experiment::bytes(path, &limits)?;
    let digest = experiment::sha256(&bytes);
    let model = experiment::model(path, bytes, &limits)?;
    let options = Options { label: arguments.label.clone(), limits };
    let samples = Samples::read(&arguments.data, &options);
    let mut samples = samples.map_err(|trouble| failure(&arguments.data, trouble))?;
    if let Some(count) = arguments.samples {
        samples = samples.first(count);
    }
    let labels = labels(&samples, &arguments.data)?;
    let budget = budget_of(arguments, &samples)?;
    let fails = |trouble| failure(path, trouble);
    let (spec, found) = convention(arguments, &model, &samples)?;
    let convention = Convention::new(&spec, &samples.shape).map_err(fails)?;
    let network = Network::new(model, convention.shape(), experiment.how()).map_err(fails)?;
    let mut victim: Box<dyn Victim> = if spec.is_none() {
        Box::new(network)
    } else {
        Box::new(Prepared::new(network, convention, samples.shape.clone()))
    };
    let setting = Setting {
        digest,
        shape: samples.shape.clone(),
        classes: victim.classes(),
        names: samples.classes.clone(),
        spec,
        found,
        budget: budget.clone(),
    };
    let mut findable = Findable::default();
    if stops_before(arguments, &setting, &labels, &mut *victim, &samples, &mut findable)? {
        return Ok(findable);
    }
    let question = Question {
        samples: &samples.x,
        labels: &labels,
        budget,
        effort: arguments.effort,
        targeted: arguments.targeted,
        seed: arguments.seed,
        deadline: experiment.deadline(start),
    };
    let measured = measure(&mut *victim, &question, &cpu_seconds).map_err(fails)?;
    if let Some(out) = &arguments.witnesses {
        write_witnesses(out, &measured, &samples)?;
    }
    judge(arguments, &measured, &mut findable);
    let mut measurement = record::of(arguments, &setting, &measured);
    measurement.lines = screen::lines(arguments, &setting, &measured);
    findable.measurements.push(measurement);
    Ok(findable)
}

/// The labels, as classes.
fn labels(samples: &Samples, path: &Path) -> Result<Vec<usize>, Failure> {
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
fn budget_of(arguments: &Arguments, samples: &Samples) -> Result<Budget, Failure> {
    let unit = samples.x.iter().all(|x| (0.0..=1.0).contains(x));
    let clip = match arguments.clip {
        Some(Clip::None) => None,
        Some(Clip::Range(low, high)) => Some((low, high)),
        None => unit.then_some((0.0, 1.0)),
    };
    let eps = arguments.eps.1.clone();
    let budget = Budget { norm: arguments.norm, eps, clip };
    if let Some(at) = samples.x.iter().position(|x| !x.is_finite()) {
        let row = at / samples.width().max(1);
        return Err(Failure::new(format!(
            "expected numbers, got {} in the sample {row}",
            samples.x[at]
        ))
        .at(arguments.data.display().to_string())
        .help("leave such rows out, or fill them in"));
    }
    let range = clip.map_or(f64::INFINITY, |(low, high)| f64::from(high) - f64::from(low));
    if budget.norm == Norm::Linf && budget.size() > range {
        let message =
            format!("`--eps {}` is larger than the range of the inputs, {range}", arguments.eps.0);
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

/// How the data become inputs: as the user says, or found by the labels.
fn convention(
    arguments: &Arguments,
    model: &Model,
    samples: &Samples,
) -> Result<(Spec, Option<Found>), Failure> {
    let fails = |trouble| failure(&arguments.model, trouble);
    if arguments.preprocess != "auto" {
        let spec = arguments.preprocess.parse::<Spec>().map_err(fails)?;
        return Ok((spec, None));
    }
    let shape = input_shape(model);
    let how = arguments.experiment.how();
    let mut networks: BTreeMap<usize, Network> = BTreeMap::new();
    let found = find(samples, &shape, &mut |inputs, count| {
        let width = inputs.len() / count.max(1);
        let network = match networks.entry(width) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Network::new(model.clone(), &samples.shape, how)?)
            }
        };
        let answers = network.ask(inputs)?;
        Ok(Guess { labels: answers.labels, scores: answers.scores })
    });
    let found = found.map_err(fails)?;
    Ok((found.spec.clone(), Some(found)))
}

/// The shape of one input as the file declares it; `None` for what it leaves free.
fn input_shape(model: &Model) -> Vec<Option<usize>> {
    let input = model.graph.inputs.first().map(|&id| model.graph.value(id));
    let dims = input.and_then(|value| value.declared.as_ref()?.dims.clone()).unwrap_or_default();
    let fixed = |dimension: &modelward_engine::graph::Dimension| match dimension {
        modelward_engine::graph::Dimension::Fixed(size) => Some(*size),
        _ => None,
    };
    dims.iter().skip(1).map(fixed).collect()
}

/// Whether the model is right so seldom that its robustness would say nothing.
fn stops_before(
    arguments: &Arguments,
    setting: &Setting,
    labels: &[usize],
    victim: &mut dyn Victim,
    samples: &Samples,
    findable: &mut Findable,
) -> Result<bool, Failure> {
    let answers = victim.ask(&samples.x).map_err(|trouble| failure(&arguments.model, trouble))?;
    let right = answers.labels.iter().zip(labels).filter(|(said, label)| **said == **label as i64);
    let (right, all) = (right.count(), labels.len());
    let mut counts =
        vec![0_usize; setting.classes.max(labels.iter().max().map_or(0, |most| most + 1))];
    labels.iter().for_each(|&label| counts[label] += 1);
    let most = counts.iter().max().copied().unwrap_or(0) as f64 / all.max(1) as f64;
    let share = right as f64 / all.max(1) as f64;
    let chance = (1.0 / setting.classes as f64).max(if setting.classes == 2 { most } else { 0.0 });
    let noise = (chance * (1.0 - chance) / all.max(1) as f64).sqrt();
    if share > chance + 2.0 * noise || arguments.preprocess != "auto" || all < 8 {
        return Ok(false);
    }
    let tried = setting.found.as_ref().map(|found| {
        let each = found.tried.iter().take(6);
        let each = each.map(|tried| format!("{} {}/{}", tried.spec, tried.right, tried.samples));
        format!(
            "; {} conventions were tried, the best: {}",
            found.tried.len(),
            each.collect::<Vec<_>>().join(", ")
        )
    });
    let message = format!(
        "right on {right} of {all} samples, no better than chance, so nothing was attacked{}",
        tried.unwrap_or_default()
    );
    let measured = ("accuracy on the samples as they are", share, chance);
    let severity = Severity::High;
    findable.report(&rules::INPUT_CONVENTION, severity, &arguments.model, message, measured);
    Ok(true)
}

/// What the numbers mean for the policy.
fn judge(arguments: &Arguments, measured: &Robustness, findable: &mut Findable) {
    let path = &arguments.model;
    let share = measured.stood as f64 / measured.samples.max(1) as f64;
    let fallen = measured.fallen.len();
    let (norm, eps) = (arguments.norm, &arguments.eps.0);
    let under = arguments.fail_under.filter(|&least| share < least);
    if fallen > 0 || under.is_some() {
        let severity = if under.is_some() { Severity::High } else { Severity::Low };
        let message = format!(
            "{fallen} of {} right answers change within {eps} in {norm}; {} of all {} samples stand",
            measured.right, measured.stood, measured.samples
        );
        let limit = arguments.fail_under.unwrap_or(1.0);
        let shown = ("robust accuracy", share, limit);
        findable.report(&rules::ADVERSARIAL_EXAMPLE, severity, path, message, shown);
    }
    let of = |names: &[&str]| {
        let raised = measured.raised().filter(|found| names.contains(&found.name));
        raised.collect::<Vec<_>>()
    };
    let groups = [
        (&rules::NONFINITE_OUTPUT, of(&["nonfinite-output"])),
        (&rules::RANDOM_OUTPUT, of(&["repeat-disagreement"])),
        (
            &rules::GRADIENT_MASKING,
            measured
                .raised()
                .filter(|found| !["nonfinite-output", "repeat-disagreement"].contains(&found.name))
                .collect(),
        ),
    ];
    for (rule, raised) in groups {
        let Some(first) = raised.first() else { continue };
        let names = raised.iter().map(|found| {
            format!(
                "{} {:.1} % of {} (limit {} %)",
                found.name,
                100.0 * found.value,
                found.n,
                100.0 * found.limit
            )
        });
        let message = names.collect::<Vec<_>>().join(", ");
        let shown = ("share of samples", first.value, first.limit);
        findable.report(rule, rule.severity, path, message, shown);
    }
    if measured.cut {
        findable.unsettled(path, "the time was up before all attacks had run".into());
    }
}

/// Write the witnesses, as the model's user would feed them.
fn write_witnesses(out: &Path, measured: &Robustness, samples: &Samples) -> Result<(), Failure> {
    let fails = |trouble| failure(out, trouble);
    let count = measured.fallen.len();
    let points = measured.fallen.iter().flat_map(|fallen| fallen.witness.point.iter().copied());
    let dims = [count].iter().chain(&samples.shape).copied().collect::<Vec<_>>();
    let x = Tensor::new(dims, points.collect::<Vec<f32>>()).map_err(fails)?;
    let index =
        measured.fallen.iter().map(|f| i64::try_from(f.index).unwrap_or(-1)).collect::<Vec<_>>();
    let label = measured.fallen.iter().map(|f| f.witness.label).collect::<Vec<_>>();
    let mut arrays = npz::Arrays::new();
    arrays.insert("x".into(), Arc::new(x));
    arrays.insert("index".into(), Arc::new(Tensor::list(index)));
    arrays.insert("label".into(), Arc::new(Tensor::list(label)));
    npz::write(out, &arrays).map_err(fails)
}

fn budget(text: &str) -> Result<(String, Rational), String> {
    let eps = exact::parse(text)?;
    if eps < Rational::from_integer(0.into()) {
        return Err(format!("expected a size of 0 or more, got `{text}`"));
    }
    Ok((text.to_owned(), eps))
}

fn effort(text: &str) -> Result<Effort, String> {
    let lower = text.to_ascii_lowercase();
    let found = Effort::ALL.into_iter().find(|effort| effort.name() == lower);
    found.ok_or_else(|| format!("expected quick, standard or deep, got `{text}`"))
}

fn clip(text: &str) -> Result<Clip, String> {
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

fn share(text: &str) -> Result<f64, String> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|number| number / 100.0),
        None => text.parse::<f64>(),
    };
    number
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("expected a share from 0 to 1 such as `0.4` or `40%`, got `{text}`"))
}
