//! What every verb with a report shares: its form, where it goes, and the policy that judges.

use std::path::{Path, PathBuf};

use clap::Args;
use modelward_core::{AllowedRule, Policy, Report, Severity};

use crate::{
    cli::{Failure, Screen, output::Output, quantity},
    nearest,
    report::{FORMS, Form, Run, form},
};

mod policy;

pub(super) use policy::{holds, of as policy_of, read as read_policy, read_text};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Report")]
pub(super) struct Reporting {
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
    /// Threads to work with; by default as many as the processor has.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = quantity::threads)]
    pub(super) threads: usize,
    /// Say nothing on standard error, and no plain report where nothing was found.
    #[arg(short, long)]
    quiet: bool,
    /// Show no progress.
    #[arg(long)]
    no_progress: bool,
}

impl Reporting {
    /// The forms, each once.
    pub(super) fn forms(&self) -> Vec<Form> {
        let mut forms: Vec<Form> = Vec::new();
        for form in &self.forms {
            if forms.iter().all(|known| known.name != form.name) {
                forms.push(*form);
            }
        }
        forms
    }

    /// Where the forms go, asked before any work is done.
    pub(super) fn output<'a>(
        &'a self,
        forms: &'a [Form],
        targets: &[PathBuf],
    ) -> Result<Output<'a>, Failure> {
        Output::new(forms, self.output.as_deref(), targets)
    }

    /// The policy of the run.
    pub(super) fn policy(
        &self,
        targets: &[impl AsRef<Path>],
        screen: Screen,
    ) -> Result<Policy, Failure> {
        let mut policy = policy::of(self.policy.as_deref(), targets, self.quiet, screen)?;
        policy.deny = self.deny.unwrap_or(policy.deny);
        Ok(policy)
    }

    /// The policy that the user named.
    pub(super) fn policy_file(&self) -> Option<&Path> {
        self.policy.as_deref()
    }

    /// Whether nothing is said on standard error.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether progress is shown.
    pub(super) fn shows_progress(&self) -> bool {
        !self.quiet && !self.no_progress
    }

    /// Name the entries of the policy that let nothing through in this run.
    pub(super) fn note_unused(&self, rules: &[AllowedRule], report: &Report, screen: Screen) {
        if !self.quiet {
            policy::note_unused(rules, self.policy.as_deref(), report, screen);
        }
    }

    /// Write a report.
    pub(super) fn write(
        &self,
        output: Output<'_>,
        report: &Report,
        exit_code: u8,
        screen: Screen,
    ) -> Result<(), Failure> {
        let nothing = report.judged.is_empty() && report.unread.is_empty();
        let plain = output.on_screen().is_some_and(|form| form.name == "plain");
        if self.quiet && nothing && plain {
            return Ok(());
        }
        match output.write(report, Run { colour: screen.output, exit_code }) {
            // Whoever reads our output has seen enough; the exit code is the verdict still.
            Err(failure) if failure.is_closed_pipe => Ok(()),
            written => written,
        }
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
