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

use modelward_formats::{Bytes, Source};

/// How far a run has come. Shared by the run, which counts, and by whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files to read.
    pub files: AtomicU64,
    /// Files read.
    pub read: AtomicU64,
    /// Bytes of the files read.
    pub bytes: AtomicU64,
    /// Bytes of the only file, where there is one and it is large, and how many of them were read.
    alone: [AtomicU64; 2],
    /// What an experiment is doing.
    doing: Mutex<String>,
    over: Mutex<bool>,
    wake: Condvar,
}

impl Progress {
    pub(crate) fn step(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
        self.read.fetch_add(1, Relaxed);
    }

    /// What an experiment is doing now.
    pub(crate) fn say(&self, doing: String) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }

    /// The bytes of a file; where it is the only one and large, what is read of it is counted.
    pub(crate) fn watch(self: &Arc<Self>, bytes: &Bytes) -> Bytes {
        if self.files.load(Relaxed) != 1 || bytes.len() < LARGE {
            return bytes.clone();
        }
        let [all, _] = &self.alone;
        all.store(bytes.len(), Relaxed);
        Bytes::new(Arc::new(Watched { bytes: bytes.clone(), progress: self.clone() }))
    }

    /// Show it on standard error until the result is dropped: only on a terminal, and only for
    /// a run that takes longer than a second.
    pub(crate) fn show(self: &Arc<Self>) -> Option<Shown> {
        // A dumb terminal cannot go back to the start of a line.
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if dumb || !io::stderr().is_terminal() {
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
        let doing = self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        if !doing.is_empty() {
            return doing.clone();
        }
        let [read, files, bytes] = [&self.read, &self.files, &self.bytes].map(|n| n.load(Relaxed));
        let [all, some] = self.alone.each_ref().map(|n| n.load(Relaxed));
        if all > 0 {
            // What is read again for the digest makes it no longer than it is.
            let some = some.min(all);
            return format!("{} {} of {} MiB", bar(some, all), some >> 20, all >> 20);
        }
        format!("{} {read} of {files} files, {} MiB", bar(read, files), bytes >> 20)
    }
}

fn bar(done: u64, all: u64) -> String {
    let filled = done.saturating_mul(24).checked_div(all).unwrap_or(0).min(24);
    let bar = "=".repeat(usize::try_from(filled).unwrap_or(0));
    format!("[{bar:<24}]")
}

/// A file whose reading is counted.
#[derive(Debug)]
struct Watched {
    bytes: Bytes,
    progress: Arc<Progress>,
}

impl Source for Watched {
    fn len(&self) -> u64 {
        self.bytes.len()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read_at(at, into)?;
        let [_, some] = &self.progress.alone;
        some.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}

/// From this size on the progress within one file is shown.
const LARGE: u64 = 1 << 20;

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

    #[test]
    fn the_only_file_shows_how_much_of_it_is_read() {
        let progress = Arc::new(Progress::default());
        progress.files.store(1, Relaxed);
        let bytes = progress.watch(&vec![0; 4 << 20].into());
        bytes.take(0, 1 << 20).unwrap();
        assert_eq!(progress.line(), "[======                  ] 1 of 4 MiB");
    }
}
