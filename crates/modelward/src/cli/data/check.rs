//! `modelward data check`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::{Args, builder::PossibleValuesParser};
use modelward_core::Finding;
use modelward_data::{
    Asked, Limits, Roles, Set, Unread, Watch,
    check::{self, Failed, Request},
    read, show,
};
use modelward_engine::{Tensor, npz};
use modelward_formats::Gap;

use super::{
    activations, schema, told,
    versions::compare::{self, Pair},
};
use crate::{
    Progress,
    cli::{
        EXIT_CODES, Failure, Screen, experiment::Findable, output::refuse_targets, process,
        quantity, reporting::Reporting, trouble::failure,
    },
    listing::shown,
};

/// Check a data set: mislabelled rows, planted triggers, duplicates, leaks, outliers, hostile cells.
///
/// Files are what their bytes say: CSV and TSV, Parquet, JSON lines, Arrow, npz and npy, folders of images,
/// WebDataset archives, lines of text; a folder of such files is one set. Rows are numbered from 0 in reading
/// order, the header not counted.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    asking: Asking,
    /// A manifest that `data manifest` wrote: whatever differs from it is found (MW3601).
    #[arg(long, value_name = "M.json")]
    against: Option<PathBuf>,
    /// Write the score of every row under every check that has one.
    #[arg(long, value_name = "S.npz")]
    scores: Option<PathBuf>,
    #[command(flatten)]
    reporting: Reporting,
}

/// What is looked at, by which checks, and what it may cost.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Asking {
    /// The data set: a file or a folder.
    #[arg(value_name = "PATH")]
    pub(super) path: PathBuf,
    /// The column or key that holds the label, or several with commas between; by default one that is called so.
    #[arg(long, value_name = "COL")]
    pub(super) label: Option<String>,
    /// The column whose equal values belong together: a patient, a user.
    #[arg(long, value_name = "COL")]
    group: Option<String>,
    /// The column of texts; by default every column of text.
    #[arg(long, value_name = "COL")]
    text: Option<String>,
    /// Run these checks alone; without it all of them.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = names())]
    pub(super) only: Vec<String>,
    /// Where random numbers begin.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// The set that the model is tested on, for leaks and drift.
    #[arg(long, value_name = "PATH")]
    test: Option<PathBuf>,
    /// What the columns are to hold: a schema in TOML or JSON, or the JSON report of an earlier check, whose columns,
    /// types and lack of missing values are expected again.
    #[arg(long, value_name = "S.toml")]
    schema: Option<PathBuf>,
    /// An ONNX model trained on the set: its activations show patterns that lie over the whole input.
    #[arg(long, value_name = "M.onnx", requires = "layer")]
    model: Option<PathBuf>,
    /// The value of the model that is looked at, such as the input of its last layer.
    #[arg(long, value_name = "NAME", requires = "model")]
    layer: Option<String>,
    /// Probabilities of the classes for each row, `[rows, classes]`, by a model of yours that never saw the row; they
    /// take the place of the learners of `label-error`.
    #[arg(long, value_name = "P.npy")]
    probabilities: Option<PathBuf>,
    #[command(flatten)]
    pub(super) spending: Spending,
}

/// What a check works on.
pub(super) struct Prepared {
    pub(super) set: Set,
    pub(super) test: Option<Set>,
    pub(super) request: Request,
}

/// What reading may cost.
#[derive(Args, Clone, Debug)]
pub(super) struct Spending {
    /// Memory of the whole process.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = quantity::bytes, help_heading = "Limits")]
    max_memory: u64,
    /// Expanded bytes for each compressed byte.
    #[arg(long, value_name = "N", default_value_t = Limits::default().ratio, help_heading = "Limits")]
    max_ratio: u64,
    /// Expanded bytes of one file.
    #[arg(long, value_name = "SIZE", default_value = "1TiB", value_parser = quantity::bytes, help_heading = "Limits")]
    max_expanded: u64,
    /// Time for reading one file.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = quantity::time, help_heading = "Limits")]
    max_time: Duration,
}

impl Arguments {
    /// The files that are read.
    fn read(&self) -> Vec<PathBuf> {
        let beside = self.asking.beside().chain(&self.against);
        std::iter::once(&self.asking.path).chain(beside).cloned().collect()
    }
}

/// What differs from a manifest, and what of the set was not read and may.
fn against(
    arguments: &Arguments,
    manifest: &Path,
    threads: usize,
) -> Result<(Option<Finding>, Vec<Unread>), Failure> {
    if !compare::is_manifest(manifest) {
        let message = format!("expected a manifest of a data set: `{}`", shown(manifest));
        return Err(
            Failure::new(message).help("make one with `modelward data manifest PATH -o M.json`")
        );
    }
    let new = &arguments.asking.path;
    let pair = Pair { old: manifest, new, key: None, limits: arguments.asking.limits(), threads };
    match pair.compare() {
        Ok(compared) => {
            let unread = compared.unread.iter().map(|(file, why)| {
                Unread::new(file.display().to_string(), Gap::SpecialFile, why.clone())
            });
            Ok((told::changed(new, &compared), unread.collect()))
        }
        Err(compare::Failed::Failure(failure)) => Err(failure),
        // What cannot be read is told where the set is checked.
        Err(compare::Failed::Unread(unread)) => Err(Failure::new(unread.why).at(unread.file)),
    }
}

impl Arguments {
    /// Where the scores go.
    pub(in crate::cli) fn scores(&self) -> Option<&PathBuf> {
        self.scores.as_ref()
    }
}

/// The names of the checks.
fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(check::CHECKS.iter().map(|check| check.name))
}

impl Asking {
    pub(super) fn asked(&self) -> Asked {
        let Self { label, group, text, .. } = self;
        Asked { label: label.clone(), group: group.clone(), text: text.clone() }
    }

    pub(super) fn limits(&self) -> Limits {
        self.spending.limits()
    }

    /// The files that are read beside the set.
    pub(super) fn beside(&self) -> impl Iterator<Item = &PathBuf> {
        self.test.iter().chain(&self.probabilities).chain(&self.model).chain(&self.schema)
    }

    /// Open what is to be checked; what of it cannot be read comes back as that.
    pub(super) fn prepare(
        &self,
        threads: usize,
        watch: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<Result<Prepared, Unread>, Failure> {
        let limits = self.limits();
        let options = self.options();
        let watch = Arc::new(watch);
        let told = watch.clone();
        let mut request = Request {
            asked: self.asked(),
            only: self.only.clone(),
            seed: self.seed,
            threads: match threads {
                0 => std::thread::available_parallelism().map_or(1, usize::from),
                threads => threads,
            },
            limits,
            probabilities: None,
            activations: None,
            schema: self.schema.as_deref().map(schema::read).transpose()?,
            watch: Watch::new(move |doing| told(doing)),
        };
        // A wrong name is told of before anything is read.
        check::chosen(&request.only).map_err(Failure::from)?;
        watch("reading".to_owned());
        let open = || {
            let given = self.probabilities.as_ref().map(|path| read::matrix(path, &options));
            let set = read::open(&self.path, &options)?;
            let test = self.test.as_ref().map(|test| read::open(test, &options)).transpose()?;
            Ok((given.transpose()?, set, test))
        };
        let (given, set, test) = match open() {
            Ok(opened) => opened,
            Err(unread) => return Ok(Err(unread)),
        };
        request.probabilities = given;
        if let (Some(model), Some(layer)) = (&self.model, &self.layer) {
            watch("running the model".to_owned());
            let roles = Roles::of(&request.asked, &set.schema).map_err(Failure::from)?;
            let memory = self.spending.max_memory;
            request.activations = Some(activations::of(model, layer, &set, &roles, memory)?);
        }
        Ok(Ok(Prepared { set, test, request }))
    }

    /// How the set is read.
    pub(super) fn options(&self) -> read::Options {
        read::Options { limits: self.limits(), label: self.label.clone() }
    }
}

impl Spending {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            memory: self.max_memory,
            ratio: self.max_ratio,
            expanded: self.max_expanded,
            time: self.max_time,
            ..Limits::default()
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  modelward data check train.parquet --label y --test test.parquet
  modelward data check photos/ --only label-error,near-duplicate
  modelward data check train.csv --schema people.toml
  modelward data check train.csv --group patient --format html -o train.check.html
  modelward data check train.parquet --only duplicate --against train.json";

/// Run a check and write its report.
pub(super) fn run(arguments: &Arguments, screen: Screen) -> Result<u8, Failure> {
    let targets = arguments.read();
    let exhibits = arguments.reporting.forms().iter().any(|form| form.exhibits);
    crate::cli::experiment::judged(&arguments.reporting, &targets, screen, |progress| {
        find(arguments, progress, exhibits)
    })
}

/// Check a set, and gather what there is to see of it where that is asked for.
pub(in crate::cli) fn find(
    arguments: &Arguments,
    progress: &Arc<Progress>,
    exhibits: bool,
) -> Result<Findable, Failure> {
    refuse_targets(&[arguments.scores.as_ref()], &arguments.read())?;
    let watched = progress.clone();
    let before = process::cpu_seconds();
    let prepared =
        arguments.asking.prepare(arguments.reporting.threads, move |doing| watched.say(doing))?;
    let Prepared { set, test, request } = match prepared {
        Ok(prepared) => prepared,
        Err(unread) => return Ok(told::unread(&unread)),
    };
    let checked = match check::check(&set, test.as_ref(), &request) {
        Ok(checked) => checked,
        Err(Failed::Unread(unread)) => return Ok(told::unread(&unread)),
        Err(Failed::Trouble(trouble)) => return Err(trouble.into()),
    };
    if let Some(path) = &arguments.scores {
        let scores = checked.checks.iter().filter_map(|(check, done)| {
            let scores = done.scores.as_ref()?;
            let tensor = Tensor::list(scores.clone());
            Some((check.name.to_owned(), Arc::new(tensor)))
        });
        npz::write(path, &scores.collect()).map_err(|trouble| failure(path, trouble))?;
    }
    let changed = match arguments.against.as_deref() {
        Some(manifest) => against(arguments, manifest, request.threads)?,
        None => (None, Vec::new()),
    };
    let mut found = told::tell(&set, &checked, &request, process::cpu_seconds() - before);
    let (changed, beside) = changed;
    found.findings.extend(changed);
    beside.iter().for_each(|beside| found.extend(told::unread(beside)));
    if exhibits {
        progress.say("gathering what is shown".to_owned());
        match show::exhibits(&set, test.as_ref(), &checked, &request.limits) {
            Ok(exhibits) => {
                found.measurements.iter_mut().for_each(|it| it.exhibits.clone_from(&exhibits))
            }
            Err(unread) => found.extend(told::unread(&unread)),
        }
    }
    Ok(found)
}
