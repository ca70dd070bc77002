//! The command line. One file a verb; this one holds what they share.

use std::{
    fmt,
    io::{self, IsTerminal},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::report::Colour;

mod attack;
mod audit;
mod bom;
mod certify;
mod check_witness;
mod data;
mod experiment;
mod explain;
mod given;
mod keygen;
mod keys;
mod lock;
mod manifest;
mod model;
mod origins;
mod output;
mod passphrase;
mod policy;
mod process;
mod provenance;
mod quantity;
mod reporting;
mod rules;
mod scan;
mod seal;
mod showing;
mod sign;
mod signals;
mod street;
mod terminal;
mod trouble;
mod unseal;
mod verify;

/// Finds the security flaws of open-source AI and ML models, without ever loading them.
#[derive(Debug, Parser)]
#[command(name = "modelward", version, after_help = [EXAMPLES, EXIT_CODES].concat(), arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: When,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Audit(audit::Arguments),
    Scan(scan::Arguments),
    Seal(seal::Arguments),
    Unseal(unseal::Arguments),
    Bom(bom::Arguments),
    Keygen(keygen::Arguments),
    Sign(sign::Arguments),
    Verify(verify::Arguments),
    Attack(attack::Arguments),
    Certify(certify::Arguments),
    CheckWitness(check_witness::Arguments),
    Data(data::Arguments),
    Manifest(manifest::Arguments),
    Lock(lock::Arguments),
    Model(model::Arguments),
    Explain(explain::Arguments),
    Rules(rules::Arguments),
    Policy(policy::Arguments),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

const EXAMPLES: &str = "\
Examples:
  modelward audit ./model-dir             is this model safe to load?
  modelward scan model.pt --format json   the same for a program
  modelward explain MW1101                what a finding means";

const EXIT_CODES: &str = "

Exit codes:
  0  nothing is denied, and everything was read
  1  something is denied
  2  wrong usage, or a failure
  3  nothing is denied, but something was not read";

/// Run the command line of this process.
pub fn main() -> ExitCode {
    #[cfg(feature = "ort")]
    if std::env::args_os().nth(1).is_some_and(|verb| verb == modelward_ort::WORKER) {
        return modelward_ort::serve();
    }
    let Arguments { verb, color } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help that goes into a closed pipe is no failure.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let colour = Screen::new(color);
    let done = match verb {
        Verb::Audit(arguments) => audit::run(&arguments, colour),
        Verb::Scan(arguments) => scan::run(&arguments, colour),
        Verb::Seal(arguments) => seal::run(&arguments, colour),
        Verb::Unseal(arguments) => unseal::run(&arguments, colour),
        Verb::Bom(arguments) => bom::run(&arguments, colour),
        Verb::Sign(arguments) => sign::run(&arguments, colour),
        Verb::Verify(arguments) => verify::run(&arguments, colour),
        Verb::Keygen(arguments) => keygen::run(&arguments),
        Verb::Certify(arguments) => certify::run(&arguments, colour),
        Verb::Attack(arguments) => attack::run(&arguments, colour),
        Verb::CheckWitness(arguments) => check_witness::run(&arguments, colour),
        Verb::Data(arguments) => data::run(&arguments, colour),
        Verb::Manifest(arguments) => manifest::run(&arguments, colour),
        Verb::Lock(arguments) => lock::run(&arguments, colour),
        Verb::Model(arguments) => model::run(&arguments, colour),
        Verb::Explain(arguments) => explain::run(&arguments),
        Verb::Rules(arguments) => rules::run(&arguments),
        Verb::Policy(arguments) => policy::run(arguments, colour),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) if failure.is_closed_pipe => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure, colour);
            ExitCode::from(2)
        }
    }
}

/// The command line, for the man pages and the completions that are made from it.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Say on standard error what went wrong.
fn complain(failure: &Failure, screen: Screen) {
    use io::Write;
    let head = match screen.error {
        Colour::On => "\x1b[1;31merror\x1b[0m",
        Colour::Off => "error",
    };
    // Where nobody listens there is nobody to tell.
    let _ = writeln!(io::stderr(), "{head}: {failure}");
}

/// Whether each stream takes colours.
#[derive(Clone, Copy, Debug)]
struct Screen {
    output: Colour,
    error: Colour,
}

impl Screen {
    fn new(when: When) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = |terminal: bool| match when {
            When::Always => Colour::On,
            When::Auto if terminal && !plain => Colour::On,
            When::Auto | When::Never => Colour::Off,
        };
        Self {
            output: colour(io::stdout().is_terminal()),
            error: colour(io::stderr().is_terminal()),
        }
    }
}

/// Why a command could not do its work: what was expected and what came, where, and what helps.
#[derive(Debug)]
struct Failure {
    message: String,
    place: Option<String>,
    help: Option<String>,
    /// Whoever read our output has gone: no reason to complain.
    is_closed_pipe: bool,
}

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, help: None, is_closed_pipe: false }
    }

    fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn output(error: &io::Error) -> Self {
        let is_closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        let message = format!("cannot write the output: {}", crate::content::cause(error));
        Self { is_closed_pipe, ..Self::new(message) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::report::escape(&self.message))?;
        if let Some(place) = &self.place {
            write!(f, "\n  --> {}", crate::report::escape(place))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n   = help: {}", crate::report::escape(help))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_an_example_in_its_help() {
        command().debug_assert();
        fn walk(verb: &mut clap::Command) {
            let name = verb.get_name().to_owned();
            if name != "help" {
                let help = verb.render_long_help().to_string();
                assert!(help.contains("Example"), "{name} shows no example");
            }
            verb.get_subcommands_mut().for_each(walk);
        }
        walk(&mut command());
    }
}
