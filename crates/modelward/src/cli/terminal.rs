//! Asking on the terminal for what must not be shown.

use zeroize::Zeroizing;

use crate::cli::Failure;

/// Bytes of the longest password.
#[cfg(unix)]
const LONGEST: usize = 4096;

/// Ask on the terminal, with nothing of the answer shown; where there is none, say what to do
/// otherwise. Neither the standard input nor the standard output is touched: they may be pipes.
#[cfg(unix)]
pub(super) fn ask(prompt: &str, otherwise: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    use std::{
        fs::{File, OpenOptions},
        io::Write as _,
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
        Failure::new("a secret is needed, and there is no terminal to ask for it").help(otherwise)
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
    let answer = line(&mut terminal);
    let _ = terminal.write_all(b"\n");
    answer
}

/// Terminals of other systems are not asked.
#[cfg(not(unix))]
pub(super) fn ask(_: &str, otherwise: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    Err(Failure::new("a secret is needed").help(otherwise))
}

/// A line as it is typed, letter by letter.
#[cfg(unix)]
fn line(from: &mut impl std::io::Read) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Of its full size at once, so that no copy of a secret is left behind.
    let mut answer = Zeroizing::new(Vec::with_capacity(LONGEST));
    loop {
        let mut letter = Zeroizing::new([0]);
        match from.read(&mut *letter) {
            Ok(0) => return Err(Failure::new("the terminal was closed")),
            Ok(_) => {}
            Err(error) => {
                let why = crate::content::cause(&error);
                return Err(Failure::new(format!("cannot ask on the terminal: {why}")));
            }
        }
        match *letter {
            [b'\n' | b'\r'] => return Ok(answer),
            // Interrupt and end of file.
            [0x03 | 0x04] => return Err(Failure::new("nothing was given")),
            // Backspace takes a whole letter, of up to four bytes; control-U the line.
            [0x08 | 0x7f] => while answer.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            [0x15] => answer.clear(),
            _ if answer.len() == LONGEST => {
                return Err(Failure::new(format!("expected at most {LONGEST} bytes")));
            }
            [byte] => answer.push(byte),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn keys_make_a_line() {
        let typed = |keys: &str| line(&mut keys.as_bytes()).map(|line| line.to_vec());
        assert_eq!(typed("abc\rmore").unwrap(), b"abc");
        assert_eq!(typed("a\u{fc}\u{7f}b\u{8}c\n").unwrap(), b"ac");
        assert_eq!(typed("wrong\u{15}right\n").unwrap(), b"right");
        assert!(typed("ab\u{3}").is_err() && typed("ab").is_err());
        assert!(typed(&"a".repeat(5000)).is_err());
    }
}
