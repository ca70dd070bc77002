//! `modelward attack`: how robust is a model on data, and can the number be trusted?

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use clap::Args;
use modelward_core::Severity;
use modelward_engine::{Tensor, npz};
use modelward_lab::{
    budget::Norm,
    evade::{Effort, Watch},
    exact::Rational,
    preprocess::{Found, Spec},
    robustness::{Question, Robustness, measure},
    rules,
    samples::{Options, Samples},
    victim::{Answers, OUT_OF_QUERIES},
};

use crate::Progress;
use crate::cli::{
    EXIT_CODES, Failure, Screen,
    experiment::{Experiment, Findable},
    given::{self, Clip},
    output::refuse_targets,
    process::cpu_seconds,
    trouble::failure,
};

mod record;
mod screen;
mod source;
mod texts;
mod threat;
mod worst;

use self::threat::Threat;

/// Attack a model on samples within a budget: how many stand, witnesses, and whether to trust it.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// The model: ONNX, trees of XGBoost (JSON, UBJSON) or LightGBM (text), plain or packed by gzip;
    /// or the URL of a model that is served on this machine, by the Open Inference Protocol
    /// (`http://127.0.0.1:8000/v2/models/NAME`), as rows (`.../NAME:predict`) or by `{"x": ...}`.
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
    #[arg(long, value_name = "N", value_parser = given::number)]
    samples: Option<usize>,
    /// How a change is measured: linf, l2, l1, or l0 for the number of inputs that change.
    #[arg(long, value_name = "NORM", default_value = "linf")]
    norm: Norm,
    /// How large a change may be, in the units of the data: `8/255`, `0.05`.
    #[arg(long, value_name = "EPS", value_parser = given::eps, allow_hyphen_values = true, required_unless_present_any = ["patch", "spatial", "spec", "tokenizer"])]
    eps: Option<(String, Rational)>,
    /// What a change may be in the domain of the data: bounds, steps, whole numbers, groups of which
    /// one holds, what cannot change and what a change costs.
    #[arg(long, value_name = "SPEC.toml")]
    spec: Option<PathBuf>,
    /// Instead of a norm: all may change in one square with this side, anywhere in the image.
    #[arg(long, value_name = "SIDE", value_parser = given::number, conflicts_with_all = ["norm", "eps", "spec", "spatial"])]
    patch: Option<usize>,
    /// Instead of a norm: the image is turned by so many degrees and moved by so many pixels: `30,3`.
    #[arg(long, value_name = "DEGREES,PIXELS", value_parser = threat::spatial, conflicts_with_all = ["norm", "eps", "spec"])]
    spatial: Option<(f64, f64)>,
    /// How hard to try: quick for a look, standard for the strength of AutoAttack, deep for more.
    #[arg(long, value_name = "EFFORT", default_value = "standard", value_parser = effort)]
    effort: Effort,
    /// Ask for a class that is drawn for each sample, where any other would do.
    #[arg(long)]
    targeted: bool,
    /// The range of every input, `LO,HI`, or `none`; without it `0,1` where all data lie in it.
    #[arg(long, value_name = "LO,HI", value_parser = given::clip, allow_hyphen_values = true)]
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
    /// Write the points that samples fall to: `x`, `index` into the data, `label` they now get; of
    /// texts, a JSON object a line.
    #[arg(long, value_name = "W.npz")]
    witnesses: Option<PathBuf>,
    #[command(flatten)]
    texts: texts::Texted,
    #[command(flatten)]
    served: source::Served,
    #[command(flatten)]
    experiment: Experiment,
}

const EXAMPLES: &str = "\
Examples:
  modelward attack classifier.onnx --data test.npz --eps 8/255
  modelward attack fraud.onnx --data test.csv --label class --norm linf --eps 0.05 --fail-under 0.6
  modelward attack resnet.onnx --data images/ --norm l2 --eps 0.5 --effort quick --witnesses w.npz
  modelward attack fraud.ubj --data test.csv --label class --eps 0.05
  modelward attack credit.onnx --data test.csv --label default --eps 0.2 --spec credit.toml
  modelward attack signs.onnx --data images/ --patch 5
  modelward attack spam.onnx --data mails.csv --tokenizer tokenizer.json --edits 3 --words words.tsv
  modelward attack http://127.0.0.1:8000/v2/models/iris --data iris.npz --eps 0.1 --max-queries 50000";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let targets = [arguments.model.clone(), arguments.data.clone()];
    arguments.experiment.run(&targets, screen, |progress| find(arguments, progress))
}

/// The clock of the process, and the line on the terminal.
struct Told<'a>(&'a Progress);

impl Watch for Told<'_> {
    fn seconds(&self) -> f64 {
        cpu_seconds()
    }

    fn step(&self, name: &str, left: usize) {
        self.0.say(format!("{name}: {left} samples stand"));
    }
}

/// What the attack is of, once everything was read.
struct Setting {
    digest: Option<String>,
    shape: Vec<usize>,
    classes: usize,
    names: Option<Vec<String>>,
    spec: Spec,
    found: Option<Found>,
    threat: Threat,
    /// Samples that were sent to a model that is served.
    sent: Option<u64>,
}

/// Attack, and say what was found.
pub(super) fn find(arguments: &Arguments, progress: &Progress) -> Result<Findable, Failure> {
    if let Some(tokenizer) = &arguments.texts.tokenizer {
        return texts::find(arguments, tokenizer, progress);
    }
    let start = Instant::now();
    let (path, experiment) = (&arguments.model, &arguments.experiment);
    let limits = experiment.limits();
    let outputs = [arguments.witnesses.as_ref(), arguments.served.log()];
    refuse_targets(&outputs, &[path.clone(), arguments.data.clone()])?;
    let (source, digest) = arguments.served.open(path, &limits)?;
    let options = Options { label: arguments.label.clone(), limits };
    let samples = Samples::read(&arguments.data, &options);
    let mut samples = samples.map_err(|trouble| failure(&arguments.data, trouble))?;
    if let Some(count) = arguments.samples {
        samples = samples.first(count);
    }
    let labels = given::labels(&samples, &arguments.data)?;
    let threat = Threat::of(arguments, &samples)?;
    let fails = |trouble| failure(path, trouble);
    let source::Attacked { mut victim, spec, found } =
        source.attacked(arguments, &samples, &labels)?;
    let mut setting = Setting {
        digest,
        shape: samples.shape.clone(),
        classes: victim.classes(),
        names: samples.classes.clone(),
        spec,
        found,
        threat,
        sent: None,
    };
    let mut findable = Findable::default();
    let clean = victim.ask(&samples.x).map_err(|trouble| {
        let few = trouble.why == OUT_OF_QUERIES;
        let help =
            "each sample is sent once before any attack: allow more, or name fewer `--samples`";
        fails(if few { trouble.help(help) } else { trouble })
    })?;
    if stops_before(arguments, &setting, &labels, &clean, &mut findable) {
        return Ok(findable);
    }
    let question = Question {
        samples: &samples.x,
        labels: &labels,
        clean: Some(&clean),
        budget: setting.threat.budget.clone(),
        rule: setting.threat.rule(),
        effort: arguments.effort,
        targeted: arguments.targeted,
        seed: arguments.seed,
        deadline: experiment.deadline(start),
    };
    let measured = measure(&mut *victim, &question, &Told(progress)).map_err(fails)?;
    setting.sent = victim.sent();
    if let Some(out) = &arguments.witnesses {
        write_witnesses(out, &measured, &samples)?;
    }
    judge(arguments, &setting, &measured, &mut findable);
    let mut measurement = record::of(arguments, &setting, &measured);
    measurement.lines = screen::lines(arguments, &setting, &measured);
    worst::add(&setting, &measured, &samples, &mut measurement).map_err(fails)?;
    findable.measurements.push(measurement);
    Ok(findable)
}

/// Whether the model is right so seldom that its robustness would say nothing.
fn stops_before(
    arguments: &Arguments,
    setting: &Setting,
    labels: &[usize],
    clean: &Answers,
    findable: &mut Findable,
) -> bool {
    let right = clean.labels.iter().zip(labels).filter(|(said, label)| **said == **label as i64);
    let (right, all) = (right.count(), labels.len());
    let Err((share, chance)) = better_than_chance(right, labels, setting.classes) else {
        return false;
    };
    if arguments.preprocess != "auto" {
        return false;
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
    true
}

/// Whether so many right answers are more than guessing gives; the share of them and that of guessing
/// where they are not. Too few samples say nothing.
fn better_than_chance(right: usize, labels: &[usize], classes: usize) -> Result<(), (f64, f64)> {
    let all = labels.len();
    let of = |class: usize| labels.iter().filter(|label| **label == class).count();
    let most = if classes == 2 { of(0).max(of(1)) as f64 / all.max(1) as f64 } else { 0.0 };
    let share = right as f64 / all.max(1) as f64;
    let chance = (1.0 / classes as f64).max(most);
    let noise = (chance * (1.0 - chance) / all.max(1) as f64).sqrt();
    if all < 8 || right == all || share > chance + 2.0 * noise {
        Ok(())
    } else {
        Err((share, chance))
    }
}

/// What the numbers mean for the policy.
fn judge(arguments: &Arguments, setting: &Setting, measured: &Robustness, findable: &mut Findable) {
    let path = &arguments.model;
    let share = measured.stood as f64 / measured.samples.max(1) as f64;
    let fallen = measured.fallen.len();
    let under = arguments.fail_under.filter(|&least| share < least);
    if fallen > 0 || under.is_some() {
        let severity = if under.is_some() { Severity::High } else { Severity::Low };
        let message = format!(
            "{fallen} of {} right answers change within {}; {} of all {} samples stand",
            measured.right, setting.threat.shown, measured.stood, measured.samples
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
    if let Some(why) = measured.cut {
        findable.unsettled(path, format!("{why} before all attacks had run"));
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

fn effort(text: &str) -> Result<Effort, String> {
    let lower = text.to_ascii_lowercase();
    let found = Effort::ALL.into_iter().find(|effort| effort.name() == lower);
    found.ok_or_else(|| format!("expected quick, standard or deep, got `{text}`"))
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
