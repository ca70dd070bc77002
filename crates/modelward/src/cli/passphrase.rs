//! A passphrase, from a file or from the terminal.

use std::{
    fs::OpenOptions,
    io::{self, Read, Write},
    path::PathBuf,
};

use clap::Args;
use modelward_provenance::seal::{Passphrase, read_passphrase};

use crate::{
    cli::{Failure, Screen, output},
    content::cause,
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
            let text = ask(prompt).map_err(|error| {
                Failure::new(format!("cannot ask for the passphrase: {}", cause(&error)))
                    .help("without a terminal: `--passphrase-file FILE`")
            })?;
            Passphrase::new(text).map_err(Failure::from)
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

/// Ask on the terminal, without showing what is typed.
fn ask(prompt: &str) -> io::Result<String> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    // Signals are off as well, so that none leaves the terminal silent.
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    let typed = terminal.write_all(prompt.as_bytes()).and_then(|()| line(&mut terminal));
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    terminal.write_all(b"\n")?;
    typed
}

/// A line as it is typed, key by key.
fn line(from: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::with_capacity(LONGEST);
    let mut key = [0];
    while from.read(&mut key)? == 1 {
        match key {
            [b'\r' | b'\n'] => break,
            // Control-C, control-D.
            [3 | 4] => return Err(io::Error::other("cancelled")),
            // Backspace takes a character back, control-U the line.
            [8 | 0x7f] => while line.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {},
            [0x15] => line.clear(),
            [byte] if line.len() < LONGEST => line.push(byte),
            _ => return Err(io::Error::other("it is longer than 1024 bytes")),
        }
    }
    String::from_utf8(line).map_err(|_| io::Error::other("it is not UTF-8"))
}

const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_make_a_line() {
        let typed = |keys: &str| line(&mut keys.as_bytes());
        assert_eq!(typed("abc\rmore").unwrap(), "abc");
        assert_eq!(typed("a\u{fc}\u{7f}b\u{8}c\n").unwrap(), "ac");
        assert_eq!(typed("wrong\u{15}right\n").unwrap(), "right");
        assert!(typed("ab\u{3}").is_err());
        assert!(typed(&"a".repeat(2000)).is_err());
    }
}
