//! A passphrase, from a file or from the terminal.

use std::path::PathBuf;

use clap::Args;
use modelward_provenance::seal::{Passphrase, read_passphrase};

use crate::{
    cli::{Failure, Screen, output, terminal},
    listing::shown,
};

#[derive(Args, Debug)]
pub(super) struct PassphraseArguments {
    /// Ask for a passphrase on the terminal.
    #[arg(long)]
    passphrase: bool,
    /// Take the passphrase from the first line of a file.
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArguments {
    /// Whether there is to be one.
    pub(super) fn is_given(&self) -> bool {
        self.passphrase || self.passphrase_file.is_some()
    }

    /// The passphrase; a new one is asked for twice.
    pub(super) fn read(&self, is_new: bool, screen: Screen) -> Result<Passphrase, Failure> {
        if let Some(path) = &self.passphrase_file {
            let kept = read_passphrase(path).map_err(Failure::from)?;
            warn_of_others(path, kept.is_open_to_others, screen);
            return Ok(kept.secret);
        }
        let ask = |prompt: &str| {
            let typed = terminal::ask(prompt, "without a terminal: `--passphrase-file FILE`")?;
            let text = std::str::from_utf8(&typed);
            let text = text.map_err(|_| Failure::new("expected a passphrase in UTF-8"))?;
            Passphrase::new(text.to_owned()).map_err(Failure::from)
        };
        let first = ask("Passphrase: ")?;
        if is_new && ask("The same again: ")? != first {
            return Err(Failure::new("the two passphrases differ"));
        }
        Ok(first)
    }
}

/// Say on standard error where others may read a secret.
pub(super) fn warn_of_others(path: &std::path::Path, is_open: bool, screen: Screen) {
    if is_open {
        let name = shown(path);
        let message = format!("others than its owner may read `{name}`, which holds a secret");
        output::warn(&Failure::new(message).help(format!("`chmod 600 {name}`")), screen);
    }
}
