//! Threads that stay as long as a session: beginning one takes as long as a small network runs.

use std::{
    fmt,
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{Result, Trouble};

/// How long a thread looks for work before it sleeps: about as long as it takes to be woken.
const SOON: Duration = Duration::from_micros(100);

/// Threads that wait for work.
#[derive(Default)]
pub(super) struct Crew {
    helpers: Vec<Sender<Arc<Task>>>,
}

/// Work that several threads do together: each call does what is left of it.
type Work = dyn Fn() -> Result<()> + Send + Sync;

/// Work, and who is at it.
struct Task {
    work: Box<Work>,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug)]
struct State {
    /// Whether a helper may still begin.
    open: bool,
    /// Helpers that are at it.
    running: usize,
    result: Result<()>,
}

impl fmt::Debug for Crew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crew").field("helpers", &self.helpers.len()).finish()
    }
}

impl Crew {
    /// Do this work on so many threads, of which this is one. A helper that wakes when all is done
    /// is not waited for.
    ///
    /// # Errors
    /// Where a thread met one, or stopped.
    pub(super) fn run(
        &mut self,
        threads: usize,
        work: impl Fn() -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        if threads <= 1 {
            return work();
        }
        let state = State { open: true, running: 0, result: Ok(()) };
        let task =
            Arc::new(Task { work: Box::new(work), state: Mutex::new(state), left: Condvar::new() });
        for helper in 0..threads - 1 {
            // One whose thread stopped is begun anew.
            let waiting = self.helpers.get(helper).map(|sender| sender.send(task.clone()));
            if waiting.is_none_or(|sent| sent.is_err()) {
                let Some(sender) = begin() else { continue };
                if sender.send(task.clone()).is_ok() {
                    match self.helpers.get_mut(helper) {
                        Some(old) => *old = sender,
                        None => self.helpers.push(sender),
                    }
                }
            }
        }
        let own = (task.work)();
        task.state.lock().map_err(|_| stopped())?.open = false;
        let quiet = || task.state.lock().map_or(true, |state| state.running == 0);
        let done = soon(|| quiet().then_some(()));
        let mut state = task.state.lock().map_err(|_| stopped())?;
        while done.is_none() && state.running > 0 {
            state = task.left.wait(state).map_err(|_| stopped())?;
        }
        own.and(std::mem::replace(&mut state.result, Ok(())))
    }
}

/// Begin a helper. Where the system gives no thread, the others do its share.
fn begin() -> Option<Sender<Arc<Task>>> {
    let (sender, receiver) = channel::<Arc<Task>>();
    let wait = move || {
        while let Some(task) = soon(|| receiver.try_recv().ok()).or_else(|| receiver.recv().ok()) {
            task.help();
        }
    };
    thread::Builder::new().name("engine".into()).spawn(wait).ok()?;
    Some(sender)
}

/// What is there soon, without sleeping: to be woken takes longer than a small network runs.
fn soon<T>(of: impl Fn() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = of() {
            return Some(found);
        }
        if start.elapsed() > SOON {
            return None;
        }
        for _ in 0..32 {
            std::hint::spin_loop();
        }
    }
}

impl Task {
    fn help(&self) {
        let Ok(mut state) = self.state.lock() else { return };
        if !state.open {
            return;
        }
        state.running += 1;
        drop(state);
        // Also where the work panics.
        let mut leave = Leave { task: self, result: Err(stopped()) };
        leave.result = (self.work)();
    }
}

/// A helper that is at a task until this is dropped.
struct Leave<'a> {
    task: &'a Task,
    result: Result<()>,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let result = std::mem::replace(&mut self.result, Ok(()));
        if let Ok(mut state) = self.task.state.lock() {
            state.running = state.running.saturating_sub(1);
            if state.result.is_ok() {
                state.result = result;
            }
        }
        self.task.left.notify_all();
    }
}

/// What is said where a thread stopped.
pub(super) fn stopped() -> Trouble {
    Trouble::unsupported("a thread stopped")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn all_work_is_done_once_by_whoever_is_there() {
        let mut crew = Crew::default();
        for round in 0..200 {
            let (next, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let count = done.clone();
            let work = move || {
                while next.fetch_add(1, Ordering::Relaxed) < round {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            };
            assert!(crew.run(1 + round % 5, work).is_ok());
            assert_eq!(done.load(Ordering::Relaxed), round);
        }
    }

    #[test]
    fn a_helper_that_stops_is_an_error_and_is_replaced() {
        let mut crew = Crew::default();
        let main = thread::current().id();
        for _ in 0..3 {
            let helped = Arc::new(AtomicUsize::new(0));
            let seen = helped.clone();
            let work = move || {
                if thread::current().id() == main {
                    // Until the helper is at it.
                    while seen.load(Ordering::Relaxed) == 0 {
                        thread::sleep(Duration::from_millis(1));
                    }
                    return Ok(());
                }
                seen.store(1, Ordering::Relaxed);
                std::panic::resume_unwind(Box::new("it stops"))
            };
            assert!(crew.run(2, work).is_err());
        }
    }
}
