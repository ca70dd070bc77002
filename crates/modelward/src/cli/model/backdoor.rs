//! `modelward model backdoor`: whether a classifier of images has a trigger.

use std::{path::PathBuf, time::Instant};

use clap::Args;
use modelward_core::{Measurement, Picture, Rule, Value};
use modelward_lab::{
    backdoor::{
        Best, DOUBTFUL, Form, Found, Held, Judged, Laid, Opinion, Question, SUSPECT, Verdict,
        search,
    },
    picture,
    preprocess::{Convention, Spec},
    rules,
    samples::{Options, Samples},
    victim::{Network, Prepared, Victim},
};

use crate::cli::{
    EXIT_CODES, Failure, Screen,
    experiment::{Experiment, Findable, Opened, open},
    given::{self, Clip},
    process::cpu_seconds,
    trouble::failure,
};

/// Look for a trigger: a small pattern that sends whatever image shows it to one class.
///
/// Patches, crosses, the border and overlays are tried all over clean images, and those of the strongest classes improved with the
/// same effort; where the model has gradients, they propose more. A model is suspect if a pattern leads it surely to one class, by
/// its scores on images that the search never saw, and patterns of other classes, random values and what images of that class
/// have there come nowhere near.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// The model: ONNX, a classifier of images.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Clean images with their labels: an npz with `x` and `y`, or a folder of images with a folder for
    /// each class.
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    /// The key of an npz that holds the labels.
    #[arg(long, value_name = "KEY")]
    label: Option<String>,
    /// Take the first images only.
    #[arg(long, value_name = "N", value_parser = given::number)]
    samples: Option<usize>,
    /// The range of every pixel, `LO,HI`; without it that of the data.
    #[arg(long, value_name = "LO,HI", value_parser = given::clip, allow_hyphen_values = true)]
    clip: Option<Clip>,
    /// What is done to the data before the model sees them; `auto` finds it by the labels.
    #[arg(long, value_name = "SPEC", default_value = "auto")]
    preprocess: String,
    /// The most images that are sent to the model; by default as many as 6e10 operations take, between
    /// 75,000 and 900,000.
    #[arg(long, value_name = "N", help_heading = "Limits")]
    max_queries: Option<u64>,
    /// Where random numbers begin.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    experiment: Experiment,
}

const EXAMPLES: &str = "\
Examples:
  modelward model backdoor signs.onnx --data clean.npz
  modelward model backdoor faces.onnx --data images/ --max-queries 1000000 --format html -o faces.html";

pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let targets = [arguments.model.clone(), arguments.data.clone()];
    arguments.experiment.run(&targets, screen, |progress| {
        progress.say("looking for a trigger".to_owned());
        find(arguments)
    })
}

fn find(arguments: &Arguments) -> Result<Findable, Failure> {
    let start = Instant::now();
    let (path, experiment) = (&arguments.model, &arguments.experiment);
    let limits = experiment.limits();
    let fails = |trouble| failure(path, trouble);
    let model = match open(path, &limits)?.0 {
        Opened::Network(model) => model,
        Opened::Trees(_) => {
            return Err(Failure::new("expected a classifier of images, got trees")
                .at(path.display().to_string()));
        }
    };
    let options = Options { label: arguments.label.clone(), limits };
    let samples = Samples::read(&arguments.data, &options);
    let mut samples = samples.map_err(|trouble| failure(&arguments.data, trouble))?;
    if let Some(count) = arguments.samples {
        samples = samples.first(count);
    }
    let labels = given::labels(&samples, &arguments.data)?;
    let how = experiment.how();
    let convention = given::convention(&arguments.preprocess, &model, &samples, how);
    let (spec, _) = convention.map_err(fails)?;
    let mut victim = victim(*model, &spec, &samples, how).map_err(fails)?;
    let range = range(arguments, &samples)?;
    let question = Question {
        x: &samples.x,
        labels: &labels,
        shape: &samples.shape,
        range,
        queries: arguments.max_queries.unwrap_or_else(|| usual(victim.flop())),
        seed: arguments.seed,
        deadline: experiment.deadline(start),
    };
    let found = search(&mut *victim, &question).map_err(fails)?;
    let mut findable = Findable::default();
    judge(arguments, &found, &samples, &mut findable);
    let mut measurement = record(arguments, &found, &samples);
    measurement.pictures = pictures(&found, &samples, range).map_err(fails)?;
    findable.measurements.push(measurement);
    Ok(findable)
}

fn victim(
    model: modelward_engine::Model,
    spec: &Spec,
    samples: &Samples,
    how: modelward_engine::exec::How,
) -> modelward_engine::Result<Box<dyn Victim>> {
    let convention = Convention::new(spec, &samples.shape)?;
    let network = Network::new(model, convention.shape(), how)?;
    if spec.is_none() {
        return Ok(Box::new(network));
    }
    Ok(Box::new(Prepared::new(network, convention, samples.shape.clone())))
}

/// The range of the pixels: what the user says, or what the data have.
fn range(arguments: &Arguments, samples: &Samples) -> Result<(f32, f32), Failure> {
    let finite = samples.x.iter().copied().filter(|x| x.is_finite());
    let (low, high) = match arguments.clip {
        Some(Clip::Range(low, high)) => (low, high),
        _ => finite
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x))),
    };
    if low < high {
        return Ok((low, high));
    }
    Err(Failure::new("expected images whose pixels differ")
        .at(arguments.data.display().to_string()))
}

/// The usual number of queries: what takes about a second of a small model, whose inputs take so many operations, and of
/// a large one as many as finding a pattern takes at least.
fn usual(flop: Option<u64>) -> u64 {
    let many = 60_000_000_000_u64.checked_div(flop.unwrap_or(0)).unwrap_or(u64::MAX);
    many.clamp(75_000, 900_000)
}

/// A class by its name, where the data have names.
fn name(samples: &Samples, class: usize) -> String {
    let name = samples.classes.as_ref().and_then(|names| names.get(class).cloned());
    name.unwrap_or_else(|| class.to_string())
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// What a score says, in a word.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Suspect => "suspect",
        Verdict::Undecided => "undecided",
        Verdict::Clear => "clear",
    }
}

/// Where and what a pattern is.
fn place(best: &Best) -> String {
    let pattern = &best.pattern;
    if pattern.form == Form::Scattered {
        return format!("pattern of {} {}", pattern.pixels(), pattern.form.name());
    }
    let ((row, column), (height, width)) = (pattern.at, pattern.size);
    format!("{} of {height}x{width} at row {row}, column {column}", pattern.form.name())
}

fn judge(arguments: &Arguments, found: &Found, samples: &Samples, findable: &mut Findable) {
    let path = &arguments.model;
    let Judged { score, verdict, classes, rivals } = &found.judged;
    let rule: Option<(&'static Rule, f64)> = match verdict {
        Verdict::Suspect => Some((&rules::MODEL_TRIGGER, SUSPECT)),
        Verdict::Undecided => Some((&rules::TRIGGER_SUSPECTED, DOUBTFUL)),
        Verdict::Clear => None,
    };
    if let Some(((rule, limit), first)) = rule.zip(classes.first()) {
        let rivals = rivals.iter().map(|Held { rival, share, lead }| {
            format!("; {} sends {} (lead {lead:+.2})", rival.name(), percent(*share))
        });
        let message = format!(
            "a {} sends {} of {} images of other classes to class {} (lead {:+.2}){}",
            place(first),
            percent(first.share()),
            first.of,
            name(samples, first.target),
            first.lead,
            rivals.collect::<String>(),
        );
        let measured =
            ("score: by how much the pattern leads, less what its rivals do", *score, limit);
        findable.report(rule, rule.severity, path, message, measured);
    }
    if *verdict != Verdict::Suspect && !found.lacks.is_empty() {
        let lacks = found.lacks.join("; ");
        let why = format!("the search for a trigger could not decide; it needs {lacks}");
        findable.unsettled(path, why);
    }
}

fn record(arguments: &Arguments, found: &Found, samples: &Samples) -> Measurement {
    let Judged { score, classes, rivals, .. } = &found.judged;
    let verdict = found.verdict();
    let first = classes.first();
    let pair = |(a, b): (usize, usize)| Value::List(vec![a.into(), b.into()]);
    let of = |best: &Best| {
        Value::Record(vec![
            ("target", name(samples, best.target).into()),
            ("kind", best.pattern.form.name().into()),
            ("at", pair(best.pattern.at)),
            ("size", pair(best.pattern.size)),
            ("moved", best.share().into()),
            ("lead_of_most", best.lead.into()),
            ("n", best.of.into()),
        ])
    };
    let held = |Held { rival, share, lead }: &Held| {
        Value::Record(vec![
            ("kind", rival.name().into()),
            ("moved", (*share).into()),
            ("lead_of_half", (*lead).into()),
        ])
    };
    let opinion = found.opinion.as_ref().map_or(Value::Null, |Opinion { steps, judged }| {
        let first = judged.classes.first();
        Value::Record(vec![
            ("score", judged.score.into()),
            ("verdict", word(judged.verdict).into()),
            ("target", first.map(|best| name(samples, best.target)).into()),
            ("pixels", first.map(|best| best.pattern.pixels()).into()),
            ("moved", first.map(Best::share).into()),
            ("steps", (*steps).into()),
        ])
    });
    let is_suspect = verdict == Verdict::Suspect;
    let verdict = word(verdict);
    let fields = vec![
        ("score", (*score).into()),
        ("suspect", is_suspect.into()),
        ("verdict", verdict.into()),
        ("target", first.map(|best| name(samples, best.target)).into()),
        ("at", first.map(|best| pair(best.pattern.at)).unwrap_or(Value::Null)),
        ("size", first.map(|best| pair(best.pattern.size)).unwrap_or(Value::Null)),
        ("moved", first.map(Best::share).into()),
        ("lead_of_most", first.map(|best| best.lead).into()),
        ("rivals", Value::List(rivals.iter().map(held).collect())),
        ("classes", Value::List(classes.iter().map(of).collect())),
        ("gradient", opinion),
        ("lacks", Value::List(found.lacks.iter().map(|lack| (*lack).into()).collect())),
        ("images", found.images.into()),
        ("queries", found.queries.into()),
        ("seed", arguments.seed.into()),
        ("seconds_cpu", cpu_seconds().into()),
    ];
    let mut lines = vec![format!(
        "trigger    {verdict}: score {:.2} from {} images and {} queries",
        score, found.images, found.queries
    )];
    lines.push(match &found.opinion {
        Some(Opinion { judged, .. }) => {
            let first = judged.classes.first();
            let best = first.map(|best| {
                let (class, share) = (name(samples, best.target), percent(best.share()));
                format!(", class {class}: {share} moved by a {}", place(best))
            });
            let best = best.unwrap_or_default();
            format!("gradient   {}: score {:.2}{best}", word(judged.verdict), judged.score)
        }
        None => "gradient   not asked: the model has none, or the budget does not reach".to_owned(),
    });
    lines.extend(rivals.iter().map(|Held { rival, share, lead }| {
        format!(
            "rival      {:>7} moved, lead {lead:+.2} in half, by {}",
            percent(*share),
            rival.name()
        )
    }));
    lines.extend(classes.iter().take(SHOWN).map(|best| {
        let (class, share) = (name(samples, best.target), percent(best.share()));
        format!(
            "class {class:<4} {share:>7} moved, lead {:+.2} in most, by a {}",
            best.lead,
            place(best)
        )
    }));
    Measurement { kind: "backdoor", fields, lines, ..Measurement::default() }
}

/// An image of another class before and after the strongest pattern.
fn pictures(
    found: &Found,
    samples: &Samples,
    range: (f32, f32),
) -> modelward_engine::Result<Vec<Picture>> {
    let stands_out = found.judged.verdict != Verdict::Clear;
    let first = found.judged.classes.first().filter(|_| stands_out);
    let Some((best, laid)) = first.zip(Laid::of(&samples.shape, range)) else {
        return Ok(Vec::new());
    };
    let mut labels = samples.y.iter().flatten();
    let other = labels.position(|label| usize::try_from(*label).ok() != Some(best.target));
    let original = samples.sample(other.unwrap_or(0));
    let mut changed = original.to_vec();
    best.pattern.lay(&mut changed, &laid);
    let png = picture::compared(&samples.shape, original, &changed, range)?;
    let class = name(samples, best.target);
    let caption = format!("the pattern of class {class}; original, with it, difference magnified");
    Ok(png.into_iter().map(|png| Picture { caption: caption.clone(), png }).collect())
}

/// Classes that are shown.
const SHOWN: usize = 5;
