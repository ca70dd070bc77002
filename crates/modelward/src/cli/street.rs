//! What `audit` and `scan` share: their options, and the way from targets to an exit code.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use modelward_core::Policy;
use modelward_formats::Limits;

use crate::{
    Options, Progress,
    cli::{
        Failure, Screen, experiment::Findable, origins::Origins, quantity, reporting::Reporting,
    },
};

mod target;

#[derive(Args, Debug)]
pub(super) struct Street {
    #[command(flatten)]
    reporting: Reporting,
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
    /// Walk the street: read the targets, judge, write the report. `add` tells what the policy's
    /// experiments found, and where the targets are to be held against their signatures and their lock.
    pub(super) fn walk(
        &self,
        targets: &[PathBuf],
        screen: Screen,
        add: impl FnOnce(&Policy, &Reporting, &Arc<Progress>) -> Result<(Findable, Origins), Failure>,
    ) -> Result<u8, Failure> {
        let reporting = &self.reporting;
        let forms = reporting.forms();
        let output = reporting.output(&forms, targets)?;
        target::check(targets)?;
        let policy = reporting.policy(targets, screen)?;
        let missing = target::missing(targets, screen);
        let rules = policy.rules.clone();
        let progress = Arc::new(Progress::default());
        let shown = reporting.shows_progress().then(|| progress.show()).flatten();
        let (mut found, origins) = add(&policy, reporting, &progress)?;
        // From here on the files are what is done.
        progress.say(String::new());
        let judge = policy.clone();
        let limits = Limits {
            depth: self.limits.max_depth,
            expanded: self.limits.max_expanded,
            memory: self.limits.max_memory,
            time: self.limits.max_time,
            ..Limits::default()
        };
        let mut report = crate::scan(
            targets,
            &Options {
                policy,
                policy_file: reporting.policy_file().map(ToOwned::to_owned),
                limits,
                threads: reporting.threads,
                digests: origins.want_digests() || forms.iter().any(|form| form.digests),
                progress: Some(progress),
            },
        );
        found.extend(origins.find(&report, reporting.threads)?);
        drop(shown);
        report.judge(found.findings, &judge);
        report.unread.extend(found.unread);
        report.measurements = found.measurements;
        reporting.note_unused(&rules, &report, screen);
        let exit_code = if missing { 2 } else { report.exit_code() };
        reporting.write(output, &report, exit_code, screen)?;
        Ok(exit_code)
    }
}
