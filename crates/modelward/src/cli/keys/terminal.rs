//! Asking on the terminal for what must not be shown.

use zeroize::Zeroizing;

use crate::cli::Failure;

/// Bytes of the longest password.
#[cfg(unix)]
const LONGEST: usize = 4096;

/// Ask on the terminal, with nothing of the answer shown; where there is none, say what to do otherwise. Neither the standard input nor the standard
/// output is touched: they may be pipes.
#[cfg(unix)]
pub(super) fn ask(prompt: &str, otherwise: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    use std::{
        fs::{File, OpenOptions},
        io::{Read as _, Write as _},
    };

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    use crate::content::cause;

    /// Puts the terminal back as it was.
    struct Restore<'a>(&'a File, Termios);
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            let _ = tcsetattr(self.0, OptionalActions::Now, &self.1);
        }
    }

    let nobody = |_| {
        Failure::new("a password is needed, and there is no terminal to ask for it").help(otherwise)
    };
    let mut terminal =
        OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(nobody)?;
    let failed = |error: &std::io::Error| {
        Failure::new(format!("cannot ask on the terminal: {}", cause(error)))
    };
    let before = tcgetattr(&terminal).map_err(|error| failed(&error.into()))?;
    let mut quiet = before.clone();
    // Letter for letter, without signals: an interruption is a letter, so that the terminal is always
    // put back.
    quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    let handle = terminal.try_clone().map_err(|error| failed(&error))?;
    tcsetattr(&handle, OptionalActions::Now, &quiet).map_err(|error| failed(&error.into()))?;
    let _restore = Restore(&handle, before);
    terminal.write_all(prompt.as_bytes()).map_err(|error| failed(&error))?;
    let mut answer = Zeroizing::new(Vec::with_capacity(LONGEST));
    let ended = loop {
        let mut letter = Zeroizing::new([0]);
        match terminal.read(&mut *letter) {
            Ok(0) => break Err(Failure::new("the terminal was closed")),
            Ok(_) => {}
            Err(error) => break Err(failed(&error)),
        }
        match *letter {
            [b'\n' | b'\r'] => break Ok(()),
            // Interrupt and end of file.
            [0x03 | 0x04] => break Err(Failure::new("no password was given")),
            // Backspace takes a whole letter, of up to four bytes.
            [0x08 | 0x7f] => while answer.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            _ if answer.len() == LONGEST => {
                break Err(Failure::new(format!("expected a password of at most {LONGEST} bytes")));
            }
            [byte] => answer.push(byte),
        }
    };
    let _ = terminal.write_all(b"\n");
    ended.map(|()| answer)
}

/// Terminals of other systems are not asked.
#[cfg(not(unix))]
pub(super) fn ask(_: &str, otherwise: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    Err(Failure::new("a password is needed").help(otherwise))
}
