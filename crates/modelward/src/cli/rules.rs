//! `modelward rules`: the list of all rules.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use modelward_core::Rule;
use serde_json::{Value, json};

use crate::{cli::Failure, rules, standards};

/// List the rules.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Form of the list.
    #[arg(long, value_name = "FORM", default_value = "plain")]
    format: ListForm,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ListForm {
    Plain,
    Json,
}

const EXAMPLES: &str = "\
Examples:
  modelward rules
  modelward rules --format json";

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let written = match arguments.format {
        ListForm::Plain => table(&mut out),
        ListForm::Json => {
            let list = rules().iter().map(|rule| record(rule)).collect::<Vec<_>>();
            serde_json::to_writer_pretty(&mut out, &list)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(out))
        }
    };
    written.and_then(|()| out.flush()).map_err(|error| Failure::output(&error))?;
    Ok(0)
}

fn table(out: &mut dyn Write) -> io::Result<()> {
    let width = rules().iter().map(|rule| rule.name.len()).max().unwrap_or(0);
    for Rule { id, name, severity, title, .. } in rules() {
        writeln!(out, "{id}  {:<8}  {name:<width$}  {title}", severity.name())?;
    }
    Ok(())
}

fn record(rule: &Rule) -> Value {
    let Rule { id, name, severity, title, why, advice, class, cwe } = rule;
    let standards = standards(*class);
    json!({
        "id": id, "name": name, "severity": severity.name(), "title": title, "why": why,
        "advice": advice, "class": class.name(), "standards": standards.ids,
        "cwe": if cwe.is_empty() { standards.cwe.as_slice() } else { cwe },
    })
}
