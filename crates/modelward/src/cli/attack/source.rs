//! What is attacked: a network, trees, or a model that is served.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use clap::Args;
use modelward_engine::Limits;
use modelward_lab::{
    endpoint::{self, Endpoint},
    preprocess::{Convention, Found, Spec},
    samples::Samples,
    victim::{Forest, Network, Prepared, Remote, Victim},
};

use crate::cli::{
    Failure,
    attack::Arguments,
    experiment::{self, Opened},
    given,
    trouble::failure,
};

/// Of a model that is served.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "A model that is served")]
pub(super) struct Served {
    /// Send at most so many samples; what was found by then is reported. Of texts: for each text and
    /// each kind of edit.
    #[arg(long, value_name = "N")]
    max_queries: Option<u64>,
    /// Write a line of JSON for each request: samples, digests of inputs and answer, status.
    #[arg(long, value_name = "FILE.jsonl")]
    query_log: Option<PathBuf>,
    /// Another machine than this one that may be asked, with its owner's consent.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
}

/// Where a model is.
pub(super) enum Source {
    File(Opened),
    Url(String),
}

/// A model, and what is done to the data for it.
pub(super) struct Attacked {
    pub(super) victim: Box<dyn Victim>,
    pub(super) spec: Spec,
    pub(super) found: Option<Found>,
}

impl Served {
    /// Open what the user names; its digest where it is a file.
    pub(super) fn open(
        &self,
        path: &Path,
        limits: &Limits,
    ) -> Result<(Source, Option<String>), Failure> {
        if let Some(url) = url(path) {
            return Ok((Source::Url(url.to_owned()), None));
        }
        self.refuse(self.max_queries.is_some())?;
        let (opened, digest) = experiment::open(path, limits)?;
        Ok((Source::File(opened), digest))
    }

    /// The most queries for each text, where a model in a file takes texts.
    pub(super) fn of_texts(&self, path: &Path) -> Result<Option<usize>, Failure> {
        if url(path).is_some() {
            return Err(Failure::new("`--tokenizer` is for a model in a file, got a URL"));
        }
        self.refuse(false)?;
        Ok(self.max_queries.map(|most| usize::try_from(most).unwrap_or(usize::MAX)))
    }

    /// Refuse what is for a model that is served alone.
    fn refuse(&self, counted: bool) -> Result<(), Failure> {
        let set = [
            ("--max-queries", counted),
            ("--query-log", self.query_log.is_some()),
            ("--host", self.host.is_some()),
        ];
        match set.iter().find(|(_, set)| *set) {
            Some((name, _)) => Err(Failure::new(format!("`{name}` is for a model that is served"))
                .help("name it by its URL: `http://127.0.0.1:8000/v2/models/NAME`")),
            None => Ok(()),
        }
    }

    /// Where requests are written down.
    pub(super) fn log(&self) -> Option<&PathBuf> {
        self.query_log.as_ref()
    }

    fn endpoint(
        &self,
        url: &str,
        shape: &[usize],
        samples: &Samples,
        limits: &Limits,
    ) -> Result<Endpoint, Failure> {
        let log = self.query_log.as_ref().map(|path| {
            File::create(path).map_err(|error| {
                Failure::new(format!("cannot write `{}`: {error}", path.display()))
            })
        });
        // An answer is there three times for a moment: its bytes, its JSON and its numbers.
        let usual = endpoint::Options::default();
        let options = endpoint::Options {
            answer: usual.answer.min(limits.memory / 16),
            memory: usual.memory.min(limits.memory / 4),
            allow_host: self.host.clone(),
            budget: self.max_queries,
            classes: samples.classes.clone(),
            log: log.transpose()?.map(|file| Box::new(file) as _),
            ..usual
        };
        Endpoint::new(url, shape, options).map_err(|trouble| failure(Path::new(url), trouble))
    }
}

impl Source {
    /// Make it answer to the user's data.
    pub(super) fn attacked(
        self,
        arguments: &Arguments,
        samples: &Samples,
        labels: &[usize],
    ) -> Result<Attacked, Failure> {
        let fails = |trouble| failure(&arguments.model, trouble);
        let how = arguments.experiment.how();
        let word = arguments.preprocess.as_str();
        let (victim, spec, found): (Box<dyn Victim>, _, _) = match self {
            Self::File(Opened::Trees(trees)) => {
                if !matches!(word, "auto" | "none") {
                    return Err(Failure::new(
                        "trees take the data as they are, got `--preprocess`",
                    ));
                }
                let forest = Forest::new(*trees, &samples.shape).map_err(fails)?;
                (Box::new(forest), Spec::none(), None)
            }
            Self::File(Opened::Network(model)) => {
                let (spec, found) = given::convention(word, &model, samples, how).map_err(fails)?;
                let convention = Convention::new(&spec, &samples.shape).map_err(fails)?;
                let network = Network::new(*model, convention.shape(), how).map_err(fails)?;
                (prepared(network, &spec, convention, samples), spec, found)
            }
            Self::Url(url) => {
                // Trying conventions would cost queries: what is served takes data as its users do.
                let spec = match word {
                    "auto" => Spec::none(),
                    word => word.parse::<Spec>().map_err(fails)?,
                };
                let convention = Convention::new(&spec, &samples.shape).map_err(fails)?;
                let endpoint =
                    arguments.served.endpoint(&url, convention.shape(), samples, &how.limits)?;
                let inputs = convention.apply(&samples.x);
                let remote = Remote::new(endpoint, convention.shape(), &inputs, labels);
                (prepared(remote.map_err(fails)?, &spec, convention, samples), spec, None)
            }
        };
        Ok(Attacked { victim, spec, found })
    }
}

fn prepared<V: Victim + 'static>(
    victim: V,
    spec: &Spec,
    convention: Convention,
    samples: &Samples,
) -> Box<dyn Victim> {
    if spec.is_none() {
        Box::new(victim)
    } else {
        Box::new(Prepared::new(victim, convention, samples.shape.clone()))
    }
}

/// The URL that a word on the command line is.
pub(super) fn url(path: &Path) -> Option<&str> {
    path.to_str().filter(|word| word.starts_with("http://") || word.starts_with("https://"))
}
