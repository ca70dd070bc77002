//! Signals that would end the process, held back while something is in the making that must not be left.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use signal_hook::{
    SigId,
    consts::{SIGINT, SIGTERM},
};

/// Signals that are held back until this is dropped, and are to be asked for meanwhile.
pub(super) struct Signals {
    came: Arc<AtomicUsize>,
    held: Vec<SigId>,
}

impl Signals {
    /// Hold signals back from now on.
    pub(super) fn hold() -> Self {
        let came = Arc::new(AtomicUsize::new(0));
        let held = [SIGINT, SIGTERM].map(|signal| {
            let number = usize::try_from(signal).unwrap_or_default();
            signal_hook::flag::register_usize(signal, came.clone(), number)
        });
        Self { came, held: held.into_iter().flatten().collect() }
    }

    /// The number of the signal that came last.
    pub(super) fn came(&self) -> Option<u8> {
        u8::try_from(self.came.load(SeqCst)).ok().filter(|signal| *signal != 0)
    }

    /// The signal that came, to be asked for from other threads.
    pub(super) fn flag(&self) -> Arc<AtomicUsize> {
        self.came.clone()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for id in self.held.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
