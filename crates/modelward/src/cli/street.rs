//! What `audit` and `scan` share: their options, and the way from targets to an exit code.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use modelward_core::{AllowedRule, Policy, Report, Severity, Verdict};
use modelward_formats::Limits;

use crate::{
    LetThrough, Options, Progress,
    cli::{
        Failure, Screen, complain,
        output::{self, Output},
        quantity,
    },
    content::cause,
    let_through,
    listing::shown,
    nearest, parse_policy, policy_file,
    report::{FORMS, Form, Run, form},
};

#[derive(Args, Debug)]
pub(super) struct Street {
    /// Form of the report: plain, json, sarif or html; several with commas, or given again.
    #[arg(long = "format", value_name = "FORM", default_value = "plain", value_parser = parse_form, value_delimiter = ',')]
    forms: Vec<Form>,
    /// Write the report to this file, or to this folder where there are several forms; `-` is
    /// standard output.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Policy to judge by; without it, `modelward.toml` in the working directory.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Fail on findings of this level or above: info, low, medium, high or critical; by default
    /// what the policy says, or else medium.
    #[arg(long, value_name = "LEVEL", value_parser = parse_level)]
    deny: Option<Severity>,
    /// Threads to read with; by default as many as the processor has.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    threads: usize,
    /// Say nothing on standard error, and no plain report where nothing was found.
    #[arg(short, long)]
    quiet: bool,
    /// Show no progress.
    #[arg(long)]
    no_progress: bool,
    #[command(flatten)]
    limits: LimitArguments,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
struct LimitArguments {
    /// Containers inside containers.
    #[arg(long, value_name = "N", default_value_t = Limits::default().depth, value_parser = quantity::count)]
    max_depth: u64,
    /// What the containers of one file may expand to.
    #[arg(long, value_name = "SIZE", default_value = "64GiB", value_parser = quantity::bytes)]
    max_expanded: u64,
    /// Memory for one file beyond the windows on it.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = quantity::bytes)]
    max_memory: u64,
    /// Time for one file.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = quantity::time)]
    max_time: Duration,
}

impl Street {
    /// Walk the street: read the targets, judge, write the report.
    pub(super) fn walk(&self, targets: &[PathBuf], screen: Screen) -> Result<u8, Failure> {
        let forms = self.forms();
        let output = Output::new(&forms, self.output.as_deref(), targets)?;
        if targets.iter().filter(|target| *target == Path::new("-")).count() > 1 {
            return Err(Failure::new("standard input can be read once, found `-` twice")
                .help("a file that is called `-` is `./-`"));
        }
        let (policy, policy_file) = self.policy(targets, screen)?;
        let mut missing = false;
        for target in targets {
            if let Err(failure) = present(target) {
                missing = true;
                let others = if targets.len() > 1 { "; the other targets are read" } else { "" };
                let help = failure.help.clone().map(|help| help + others);
                complain(&Failure { help, ..failure }, screen);
            }
        }
        let rules = policy.rules.clone();
        let progress = Arc::new(Progress::default());
        let shown = (!self.quiet && !self.no_progress).then(|| progress.show()).flatten();
        let limits = Limits {
            depth: self.limits.max_depth,
            expanded: self.limits.max_expanded,
            memory: self.limits.max_memory,
            time: self.limits.max_time,
            ..Limits::default()
        };
        let report = crate::scan(
            targets,
            &Options {
                policy,
                policy_file,
                limits,
                threads: self.threads,
                digests: forms.iter().any(|form| form.digests),
                progress: Some(progress),
            },
        );
        drop(shown);
        if !self.quiet {
            let unused = rules.iter().filter(|rule| !matches_something(rule, &report));
            let file = self.policy.as_deref().unwrap_or(Path::new(policy_file::NAME));
            unused.for_each(|rule| output::note(&unmatched(rule, file), screen));
        }
        let exit_code = if missing { 2 } else { report.exit_code() };
        let nothing = report.judged.is_empty() && report.unread.is_empty();
        let plain = output.on_screen().is_some_and(|form| form.name == "plain");
        if !(self.quiet && nothing && plain) {
            match output.write(&report, Run { colour: screen.output, exit_code }) {
                // Whoever reads our output has seen enough; the exit code is the verdict still.
                Err(failure) if failure.is_closed_pipe => {}
                written => written?,
            }
        }
        Ok(exit_code)
    }

    /// The forms, each once.
    fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<Form> = Vec::new();
        for form in &self.forms {
            if forms.iter().all(|known| known.name != form.name) {
                forms.push(*form);
            }
        }
        forms
    }

    /// The policy, and the file that it was read from if the user named one.
    fn policy(
        &self,
        targets: &[PathBuf],
        screen: Screen,
    ) -> Result<(Policy, Option<PathBuf>), Failure> {
        let mut policy = match &self.policy {
            Some(path) => read_policy(path)?,
            None => {
                let path = Path::new(policy_file::NAME);
                if path.symlink_metadata().is_err() {
                    Policy::default()
                } else if targets.iter().any(|target| holds(target, path)) {
                    let message = "the policy in the working directory lies inside the target, so it is not obeyed";
                    if !self.quiet {
                        let help = "if it is your own, name it: `--policy modelward.toml`";
                        output::warn(
                            &Failure::new(message).at(policy_file::NAME).help(help),
                            screen,
                        );
                    }
                    Policy::default()
                } else {
                    read_policy(path)?
                }
            }
        };
        if let Some(level) = self.deny {
            policy.deny = level;
        }
        Ok((policy, self.policy.clone()))
    }
}

/// Whether an entry of the policy lets any finding through, be it that others do so too.
fn matches_something(rule: &AllowedRule, report: &Report) -> bool {
    let alone = Policy { rules: vec![rule.clone()], ..Policy::default() };
    report.judged.iter().any(|(finding, _)| matches!(alone.judge(finding), Verdict::Allow(_)))
}

fn unmatched(rule: &AllowedRule, file: &Path) -> Failure {
    let place = rule.path.as_ref().map(|path| format!(" in `{path}`")).unwrap_or_default();
    let message = format!("the policy lets `{}`{place} through, which was not found", rule.rule);
    let help = match (crate::rule(&rule.rule).map(let_through), &rule.path) {
        (Some(LetThrough::No), _) => "it is a gap, which no policy lets through; remove the entry",
        (_, Some(_)) => {
            "a path is matched by its last whole components; remove what is needed no more"
        }
        (_, None) => "remove the entry if it is needed no more",
    };
    Failure::new(message).at(shown(file)).help(help)
}

/// Whether a target is there.
fn present(target: &Path) -> Result<(), Failure> {
    if target == Path::new("-") {
        return Ok(());
    }
    let name = shown(target);
    fs::metadata(target).map(|_| ()).map_err(|error| {
        let is_url = ["https://", "http://", "hf://"].iter().any(|head| name.starts_with(head));
        let why = if is_url { "expected a path, found an address".into() } else { cause(&error) };
        let failure = Failure::new(format!("cannot read `{name}`: {why}")).at(name.as_str());
        match fs::read_link(target) {
            _ if is_url => failure.help(format!(
                "nothing is fetched; download it, or pipe it: `curl -sSfL {name} | modelward scan -`"
            )),
            Ok(next) => failure.help(format!(
                "it is a link to `{}`; point modelward at the file itself",
                shown(&next)
            )),
            Err(_) if error.kind() == io::ErrorKind::NotFound => {
                failure.help("check the spelling")
            }
            Err(_) => failure.help("check the permissions"),
        }
    })
}

/// Read a policy file.
pub(super) fn read_policy(path: &Path) -> Result<Policy, Failure> {
    let shown = shown(path);
    let text = read_text(path)?;
    parse_policy(&text).map_err(|error| {
        let failure =
            Failure::new(error.message).at(format!("{shown}:{}:{}", error.line, error.column));
        let example = "`modelward policy add --help` shows an entry of each kind";
        failure.help(error.help.unwrap_or_else(|| example.into()))
    })
}

/// The text of a policy file, which a person wrote and which is therefore short.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    let refused = |why: String| {
        let message = format!("cannot read the policy `{}`: {why}", shown(path));
        Failure::new(message)
            .at(shown(path))
            .help("name another with `--policy`, or write one with `modelward policy add`")
    };
    let real = fs::canonicalize(path).map_err(|error| refused(cause(&error)))?;
    let (file, _) =
        crate::content::open(&real).map_err(|refusal| refused(refusal.why.into_owned()))?;
    let mut text = String::new();
    let read = io::Read::read_to_string(&mut io::Read::take(file, LONGEST_POLICY), &mut text);
    read.map_err(|error| refused(cause(&error)))?;
    if text.len() as u64 == LONGEST_POLICY {
        return Err(refused(format!("expected at most {LONGEST_POLICY} bytes")));
    }
    Ok(text)
}

/// Whether a file lies in a target.
fn holds(target: &Path, file: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    match (real(target), real(file)) {
        (Some(target), Some(file)) => target.is_dir() && file.starts_with(target),
        _ => false,
    }
}

fn parse_form(word: &str) -> Result<Form, String> {
    form(&word.to_ascii_lowercase()).ok_or_else(|| {
        let names = FORMS.iter().map(|form| form.name);
        let near = nearest(word, names).map(|near| format!("; did you mean `{near}`?"));
        format!("expected plain, json, sarif or html{}", near.unwrap_or_default())
    })
}

fn parse_level(word: &str) -> Result<Severity, String> {
    word.to_ascii_lowercase().parse().map_err(|message: String| {
        let near = nearest(word, Severity::ALL.map(Severity::name));
        near.map_or(message.clone(), |near| format!("{message}; did you mean `{near}`?"))
    })
}

const LONGEST_POLICY: u64 = 1 << 20;
