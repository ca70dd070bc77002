//! An attack on a classifier of texts: edits of characters and words, within a number of them.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use modelward_core::Severity;
use modelward_engine::Model;
use modelward_lab::{
    file, rules,
    text::{
        arena::Budget,
        classifier::Classifier,
        course::Question,
        edit::Family,
        measure::{Clean, TextRobustness, measure},
        texts::{Columns, Texts},
        tokenizer::{self, Tokenizer},
        words::Substitutions,
    },
};

use crate::{
    Progress,
    cli::{
        Failure,
        attack::{Arguments, Told, better_than_chance},
        experiment::{self, Findable},
        given,
        output::{refuse_targets, replace},
        trouble::failure,
    },
};

mod record;
mod screen;

/// Of texts.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Texts")]
pub(super) struct Texted {
    /// The model takes texts, by this tokenizer: a `tokenizer.json`, or the `vocab.txt` of a BERT.
    /// The data are a table with a header, or a JSON object a line.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["norm", "eps", "spec", "patch", "spatial", "clip", "preprocess"])]
    pub(super) tokenizer: Option<PathBuf>,
    /// The column or key of the texts, `text` by default; the labels' is `label`.
    #[arg(long, value_name = "COL", requires = "tokenizer")]
    text: Option<String>,
    /// The names of the classes in the model's order: `ham,spam`. Without it names are sorted.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "tokenizer")]
    classes: Option<Vec<String>>,
    /// How many edits of a text are allowed, each of one character, two neighbours or one word.
    #[arg(long, value_name = "N", default_value = "4", value_parser = given::number, requires = "tokenizer")]
    edits: usize,
    /// What is edited: homoglyph, invisible, typo, and words where `--words` lists some.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', requires = "tokenizer")]
    families: Option<Vec<Family>>,
    /// Words and what may stand for them, a line each, parted by tabs.
    #[arg(long, value_name = "LIST.tsv", requires = "tokenizer")]
    words: Option<PathBuf>,
    /// The most tokens of a text that the model takes; without it what the tokenizer's file says.
    #[arg(long, value_name = "N", value_parser = given::number, requires = "tokenizer")]
    max_length: Option<usize>,
}

/// What the attack is of, once everything was read.
struct Setting {
    digest: Option<String>,
    tokenizer_digest: Option<String>,
    kind: String,
    most: usize,
    classes: usize,
    names: Option<Vec<String>>,
    families: Vec<Family>,
    budget: Budget,
}

/// The most bytes of a list of words.
const MOST_WORDS: u64 = 64 << 20;

/// Attack, and say what was found.
pub(super) fn find(
    arguments: &Arguments,
    tokenizer: &Path,
    progress: &Progress,
) -> Result<Findable, Failure> {
    let start = Instant::now();
    let (path, texted) = (&arguments.model, &arguments.texts);
    let fails = |trouble| failure(path, trouble);
    let queries = arguments.served.of_texts(path)?;
    let mut read = vec![path.clone(), arguments.data.clone(), tokenizer.to_path_buf()];
    read.extend(texted.words.clone());
    refuse_targets(&[arguments.witnesses.as_ref()], &read)?;
    let (list, families) = list(texted)?;
    let texts = texts(arguments)?;
    let limits = arguments.experiment.limits();
    let (model, digest) = model(path, &limits)?;
    let bytes = file::read(tokenizer, tokenizer::MOST.min(limits.memory));
    let bytes = bytes.map_err(|trouble| failure(tokenizer, trouble))?;
    let tokenizer_digest = experiment::sha256(&bytes);
    let all = bytes.take(0, bytes.len()).map_err(|refusal| failure(tokenizer, refusal.into()))?;
    let read = Tokenizer::read(&all, texted.max_length);
    let read = read.map_err(|trouble| failure(tokenizer, trouble))?;
    let kind = read.kind().to_owned();
    let sample = texts.texts.first().map_or("", String::as_str);
    let how = arguments.experiment.how();
    let mut classifier = Classifier::new(&model, read, sample, how).map_err(fails)?;
    let setting = Setting {
        digest,
        tokenizer_digest,
        kind,
        most: classifier.tokenizer().most(),
        classes: classifier.classes(),
        names: texts.names.clone(),
        families,
        budget: Budget { edits: texted.edits, queries },
    };
    let mut findable = Findable::default();
    let clean = Clean::of(&mut classifier, &texts.texts).map_err(fails)?;
    if stops_before(arguments, &setting, &texts, clean.labels(), &mut findable) {
        return Ok(findable);
    }
    let question = Question {
        texts: &texts.texts,
        labels: &texts.labels,
        families: &setting.families,
        list: &list,
        budget: setting.budget,
        effort: arguments.effort,
        targeted: arguments.targeted,
        seed: arguments.seed,
        deadline: arguments.experiment.deadline(start),
    };
    let measured = measure(&mut classifier, &question, &clean, &Told(progress)).map_err(fails)?;
    if let Some(out) = &arguments.witnesses {
        replace(out, |out| {
            measured.witnesses.iter().try_for_each(|witness| writeln!(out, "{}", witness.line()))
        })?;
    }
    judge(arguments, &setting, &measured, &mut findable);
    let mut measurement = record::of(arguments, &setting, &measured);
    measurement.lines = screen::lines(arguments, &setting, &measured);
    findable.measurements.push(measurement);
    Ok(findable)
}

/// The user's words, and the families that are tried.
fn list(texted: &Texted) -> Result<(Substitutions, Vec<Family>), Failure> {
    let list = match &texted.words {
        Some(path) => {
            let text = text(path, MOST_WORDS)?;
            Substitutions::read(&text).map_err(|trouble| failure(path, trouble))?
        }
        None => Substitutions::default(),
    };
    let usual = || {
        let all = Family::ALL.into_iter();
        all.filter(|family| *family != Family::Words || !list.is_empty()).collect()
    };
    let mut families = texted.families.clone().unwrap_or_else(usual);
    families.sort_unstable();
    families.dedup();
    if families.contains(&Family::Words) && list.is_empty() {
        return Err(Failure::new("the family `words` needs a list of them, `--words LIST.tsv`"));
    }
    Ok((list, families))
}

/// The data.
fn texts(arguments: &Arguments) -> Result<Texts, Failure> {
    let path = &arguments.data;
    let columns = Columns {
        text: arguments.texts.text.clone(),
        label: arguments.label.clone(),
        classes: arguments.texts.classes.clone(),
    };
    let text = text(path, arguments.experiment.limits().memory / 8)?;
    let texts = Texts::read(&text, &columns).map_err(|trouble| failure(path, trouble))?;
    Ok(match arguments.samples {
        Some(count) => texts.first(count),
        None => texts,
    })
}

/// A file of text.
fn text(path: &Path, most: u64) -> Result<String, Failure> {
    let fails = |trouble| failure(path, trouble);
    let bytes = file::read(path, most).map_err(fails)?;
    let bytes = bytes.take(0, bytes.len()).map_err(|refusal| fails(refusal.into()))?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::new(format!("`{}` is no text in UTF-8", path.display())))
}

/// The model, with its digest.
fn model(
    path: &Path,
    limits: &modelward_engine::Limits,
) -> Result<(Box<Model>, Option<String>), Failure> {
    match experiment::open(path, limits)? {
        (experiment::Opened::Network(model), digest) => Ok((model, digest)),
        (experiment::Opened::Trees(_), _) => Err(Failure::new(format!(
            "expected a network that takes tokens, got trees in `{}`",
            path.display()
        ))),
    }
}

/// Whether the model is right so seldom that its robustness would say nothing.
fn stops_before(
    arguments: &Arguments,
    setting: &Setting,
    texts: &Texts,
    said: &[i64],
    findable: &mut Findable,
) -> bool {
    let right = |labels: &[usize]| {
        said.iter().zip(labels).filter(|(said, label)| **said == **label as i64).count()
    };
    let Err((share, chance)) =
        better_than_chance(right(&texts.labels), &texts.labels, setting.classes)
    else {
        return false;
    };
    let mut message = format!(
        "right on {} of {} texts, no better than chance, so nothing was attacked; tried with the \
         tokenizer as it is, at most {} tokens",
        right(&texts.labels),
        texts.labels.len(),
        setting.most
    );
    if setting.classes == 2 {
        let turned = texts.labels.iter().map(|&label| usize::from(label == 0)).collect::<Vec<_>>();
        message += &format!(", and with the classes in the other order: {}", right(&turned));
        if texts.names.is_some() {
            message += " (`--classes` says the model's order)";
        }
    }
    let measured = ("accuracy on the texts as they are", share, chance);
    let severity = Severity::High;
    findable.report(&rules::INPUT_CONVENTION, severity, &arguments.model, message, measured);
    true
}

/// What the numbers mean for the policy.
fn judge(
    arguments: &Arguments,
    setting: &Setting,
    measured: &TextRobustness,
    findable: &mut Findable,
) {
    let path = &arguments.model;
    let share = measured.stood as f64 / measured.samples.max(1) as f64;
    let fallen = measured.right.saturating_sub(measured.stood);
    let under = arguments.fail_under.filter(|&least| share < least);
    if fallen > 0 || under.is_some() {
        let severity = if under.is_some() { Severity::High } else { Severity::Low };
        let message = format!(
            "{fallen} of {} right answers change within {} edits of a text ({}); {} of all {} texts stand",
            measured.right,
            setting.budget.edits,
            setting.families.iter().map(|family| family.name()).collect::<Vec<_>>().join(", "),
            measured.stood,
            measured.samples
        );
        let shown = ("robust accuracy", share, arguments.fail_under.unwrap_or(1.0));
        findable.report(&rules::TEXT_EVASION, severity, path, message, shown);
    }
    for found in measured.raised() {
        let rule = match found.name {
            "nonfinite-output" => &rules::NONFINITE_OUTPUT,
            "repeat-disagreement" => &rules::RANDOM_OUTPUT,
            _ => &rules::ATTACK_INEFFECTIVE,
        };
        let message = format!(
            "{} {:.1} % of {} (limit {} %)",
            found.name,
            100.0 * found.value,
            found.n,
            100.0 * found.limit
        );
        findable.report(rule, rule.severity, path, message, ("share", found.value, found.limit));
    }
    if let Some(why) = measured.cut {
        findable.unsettled(path, format!("{why} before all attacks had run"));
    }
}
