//! What `audit` and `scan` share: their options, and the way from targets to an exit code.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use modelward_core::Severity;
use modelward_formats::Limits;

use crate::{
    Options, Progress,
    cli::{Failure, Screen, output::Output, quantity},
    nearest,
    report::{FORMS, Form, Run, form},
};

mod policy;
mod target;

pub(super) use policy::{read as read_policy, read_text};

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
        target::check(targets)?;
        let mut policy = policy::of(self.policy.as_deref(), targets, self.quiet, screen)?;
        policy.deny = self.deny.unwrap_or(policy.deny);
        let missing = target::missing(targets, screen);
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
                policy_file: self.policy.clone(),
                limits,
                threads: self.threads,
                digests: forms.iter().any(|form| form.digests),
                progress: Some(progress),
            },
        );
        drop(shown);
        if !self.quiet {
            policy::note_unused(&rules, self.policy.as_deref(), &report, screen);
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
