//! How far a verb has come, shown on standard error: of those that write no report.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use clap::Args;

use crate::{Progress, progress::Shown};

#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Showing {
    /// Say nothing on standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Show no progress.
    #[arg(long)]
    no_progress: bool,
}

impl Showing {
    /// The progress, and what shows it until it is dropped.
    pub(super) fn begin(self, doing: &str) -> (Arc<Progress>, Option<Shown>) {
        let progress = Arc::new(Progress::default());
        progress.say(doing.to_owned());
        let shows = !self.quiet && !self.no_progress;
        let shown = shows.then(|| progress.show()).flatten();
        (progress, shown)
    }
}

/// What is read or written, counted for the progress.
pub(super) struct Counted<T> {
    inner: T,
    doing: &'static str,
    progress: Arc<Progress>,
    bytes: u64,
}

impl<T> Counted<T> {
    /// Count what goes through, under a word for what is done.
    pub(super) fn new(inner: T, doing: &'static str, progress: &Arc<Progress>) -> Self {
        Self { inner, doing, progress: progress.clone(), bytes: 0 }
    }

    fn count(&mut self, bytes: usize) {
        let before = self.bytes;
        self.bytes = before.saturating_add(bytes as u64);
        // The line is drawn ten times a second; once every 16 MiB it gets new words.
        if before >> 24 != self.bytes >> 24 {
            self.progress.say(format!("{}: {} MiB", self.doing, self.bytes >> 20));
        }
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.count(read);
        Ok(read)
    }
}
