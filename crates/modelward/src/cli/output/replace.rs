//! Writing in place of a file, which no signal leaves half written.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering::SeqCst},
};

use modelward_engine::replace;

/// Replace a file by what is written, or leave it as it is. A signal that ends the process is held back until the
/// file beside it is gone or in its place.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    // What is no regular file may block, so a signal that ends the process ends it.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        let mut out = io::BufWriter::new(fs::OpenOptions::new().write(true).open(path)?);
        write(&mut out)?;
        return out.flush();
    }
    let stopped = Arc::new(AtomicBool::new(false));
    let ending = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
    let held = ending.map(|signal| signal_hook::flag::register(signal, stopped.clone()));
    let written = replace::replace(path, |file| {
        let mut out = io::BufWriter::new(&*file);
        write(&mut out)?;
        out.flush()?;
        match stopped.load(SeqCst) {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => Ok(()),
        }
    });
    for id in held.into_iter().flatten() {
        signal_hook::low_level::unregister(id);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_while_writing_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let interrupted = replace(&path, |out| {
            out.write_all(b"half")?;
            signal_hook::low_level::raise(signal_hook::consts::SIGINT)
        });
        assert!(interrupted.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        replace(&path, |out| out.write_all(b"whole")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }
}
