//! How far a check has come, told to whoever shows it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// Tells how far a check has come; nobody by default.
#[derive(Clone, Default)]
pub struct Watch {
    tell: Option<Arc<dyn Fn(String) + Send + Sync>>,
    rows: Arc<AtomicU64>,
}

impl Watch {
    /// Tell this of each step, in a few words.
    pub fn new(tell: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self { tell: Some(Arc::new(tell)), rows: Arc::default() }
    }

    /// A step begins.
    pub(crate) fn step(&self, doing: &str) {
        if let Some(tell) = &self.tell {
            tell(doing.to_owned());
        }
    }

    /// Rows were read in the first pass.
    pub(crate) fn read(&self, rows: usize) {
        let Some(tell) = &self.tell else { return };
        let rows = rows as u64;
        let before = self.rows.fetch_add(rows, Relaxed);
        let now = before.saturating_add(rows);
        // Words change more often than they are drawn already.
        if before == 0 || before / OFTEN != now / OFTEN {
            tell(format!("reading: {now} rows"));
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// Rows between two words.
const OFTEN: u64 = 1 << 16;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn steps_and_rows_are_told() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let into = said.clone();
        let watch = Watch::new(move |words| into.lock().unwrap().push(words));
        watch.read(10);
        watch.read(10);
        watch.read(100_000);
        watch.step("label-error");
        assert_eq!(
            *said.lock().unwrap(),
            ["reading: 10 rows", "reading: 100020 rows", "label-error"]
        );
        Watch::default().read(5);
    }
}
