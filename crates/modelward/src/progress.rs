//! How far a run has come, and a line on the terminal that shows it.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How far a run has come. Shared by the run, which counts, and by whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files to read.
    pub files: AtomicU64,
    /// Files read.
    pub read: AtomicU64,
    /// Bytes of the files read.
    pub bytes: AtomicU64,
    over: Mutex<bool>,
    wake: Condvar,
}

impl Progress {
    pub(crate) fn step(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
        self.read.fetch_add(1, Relaxed);
    }

    /// Show it on standard error until the result is dropped: only on a terminal, and only for
    /// a run that takes longer than a second.
    pub(crate) fn show(self: &Arc<Self>) -> Option<Shown> {
        if !io::stderr().is_terminal() {
            return None;
        }
        let progress = self.clone();
        let thread = thread::Builder::new().spawn(move || progress.draw()).ok();
        thread.map(|thread| Shown { progress: self.clone(), thread: Some(thread) })
    }

    fn draw(&self) {
        let mut err = io::stderr();
        let mut wait = Duration::from_secs(1);
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drawn = false;
        loop {
            let woken = self.wake.wait_timeout_while(over, wait, |over| !*over);
            over = woken.unwrap_or_else(PoisonError::into_inner).0;
            if *over {
                // A terminal that went away is no reason to fail.
                let _ = drawn.then(|| write!(err, "\r\x1b[K"));
                return;
            }
            let _ = write!(err, "\r\x1b[K{}", self.line()).and_then(|()| err.flush());
            (drawn, wait) = (true, Duration::from_millis(100));
        }
    }

    fn line(&self) -> String {
        let [read, files, bytes] = [&self.read, &self.files, &self.bytes].map(|n| n.load(Relaxed));
        let filled = usize::try_from(read.saturating_mul(24).checked_div(files).unwrap_or(0))
            .unwrap_or(0)
            .min(24);
        let bar = "=".repeat(filled);
        format!("[{bar:<24}] {read} of {files} files, {} MiB", bytes >> 20)
    }
}

/// A progress line on the terminal; it vanishes when dropped.
pub(crate) struct Shown {
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Shown {
    fn drop(&mut self) {
        *self.progress.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.progress.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_how_much_is_done() {
        let progress = Progress::default();
        progress.files.store(4, Relaxed);
        progress.step(3 << 20);
        assert_eq!(progress.line(), "[======                  ] 1 of 4 files, 3 MiB");
    }
}
