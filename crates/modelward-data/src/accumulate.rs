//! Accumulators: what streams over the rows of a set.
//!
//! Rows are accumulated in blocks of [`BLOCK`] batches, and blocks are merged in the order of the rows.
//! The blocks hang on the data alone, so that sums of floating-point numbers, and with them a whole
//! report, are the same for any number of threads, on one machine or on many.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc,
    thread,
};

use crate::{Batch, Note, Set, Unread};

/// A state that is fed with batches and merged.
///
/// `merge` of two states has to be what one state is that was fed with both their batches, but for
/// rounding; and merging is associative.
pub trait Accumulate: Send + Sized {
    /// What it comes to.
    type Evidence;

    /// The state before any row, with the same settings.
    fn empty(&self) -> Self;

    /// Take in the next rows.
    fn update(&mut self, batch: &Batch);

    /// Take in the state of rows that lie behind.
    fn merge(&mut self, later: Self);

    /// What it came to.
    fn finish(self) -> Self::Evidence;
}

/// Batches of a block.
pub const BLOCK: usize = 8;
/// Blocks for each thread that may be read, or done, ahead of the one that is to be merged.
const AHEAD: u64 = 4;

/// Feed all rows of a set; gives how many there are and what was seen while reading.
///
/// # Errors
/// Where something cannot be read.
pub fn drive<A: Accumulate + Sync>(
    set: &Set,
    state: &mut A,
    threads: usize,
) -> Result<(u64, Vec<Note>), Unread> {
    if threads <= 1 {
        let mut block = Block::new(state.empty());
        let walked = set.walk(|batch| {
            if let Some(full) = block.update(batch) {
                state.merge(full);
            }
            Ok(())
        })?;
        state.merge(block.state);
        return Ok(walked);
    }
    in_parallel(set, state, threads)
}

/// The state of one block.
struct Block<A> {
    state: A,
    batches: usize,
    piece: usize,
}

impl<A: Accumulate> Block<A> {
    fn new(state: A) -> Self {
        Self { state, batches: 0, piece: 0 }
    }

    /// Take in a batch; gives the state of the block before, where this batch begins another.
    fn update(&mut self, batch: &Batch) -> Option<A> {
        let full = (self.ends(batch)).then(|| {
            let empty = self.state.empty();
            self.batches = 0;
            std::mem::replace(&mut self.state, empty)
        });
        self.piece = batch.piece;
        self.batches = self.batches.saturating_add(1);
        self.state.update(batch);
        full
    }

    /// Whether a batch begins another block.
    fn ends(&self, batch: &Batch) -> bool {
        self.batches >= BLOCK || (self.batches > 0 && batch.piece != self.piece)
    }
}

fn in_parallel<A: Accumulate + Sync>(
    set: &Set,
    state: &mut A,
    threads: usize,
) -> Result<(u64, Vec<Note>), Unread> {
    let empty = state.empty();
    let (jobs, todo) = mpsc::sync_channel::<(u64, Vec<Batch>)>(1);
    let todo = std::sync::Mutex::new(todo);
    let (give, done) = mpsc::channel::<(u64, thread::Result<A>)>();
    thread::scope(|scope| {
        for _ in 0..threads {
            let (todo, give, empty) = (&todo, give.clone(), &empty);
            scope.spawn(move || {
                loop {
                    let job = todo.lock().map(|todo| todo.recv());
                    let Ok(Ok((number, batches))) = job else { return };
                    // What breaks here breaks the caller: nobody waits for a block that never comes.
                    let state = catch_unwind(AssertUnwindSafe(|| {
                        let mut state = empty.empty();
                        batches.iter().for_each(|batch| state.update(batch));
                        state
                    }));
                    if give.send((number, state)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(give);
        let mut merger = Merger { state, next: 0, early: BTreeMap::new() };
        let (mut number, mut block) = (0_u64, Vec::new());
        let mut last = 0;
        let walked = set.walk(|batch| {
            let ends = block.len() >= BLOCK || (!block.is_empty() && batch.piece != last);
            last = batch.piece;
            if ends {
                let full = std::mem::take(&mut block);
                // The workers live as long as this channel does.
                let _ = jobs.send((number, full));
                number = number.saturating_add(1);
                done.try_iter().for_each(|(number, state)| merger.take(number, state));
                // One slow block must not let the states of all behind it pile up.
                while number.saturating_sub(merger.next) > AHEAD.saturating_mul(threads as u64) {
                    let Ok((number, state)) = done.recv() else { break };
                    merger.take(number, state);
                }
            }
            block.push(batch.clone());
            Ok(())
        });
        if !block.is_empty() {
            let _ = jobs.send((number, block));
        }
        drop(jobs);
        done.iter().for_each(|(number, state)| merger.take(number, state));
        walked
    })
}

/// Merges the states of blocks in their order.
struct Merger<'a, A> {
    state: &'a mut A,
    next: u64,
    early: BTreeMap<u64, A>,
}

impl<A: Accumulate> Merger<'_, A> {
    fn take(&mut self, number: u64, state: thread::Result<A>) {
        let state = state.unwrap_or_else(|broken| resume_unwind(broken));
        self.early.insert(number, state);
        while let Some(state) = self.early.remove(&self.next) {
            self.state.merge(state);
            self.next = self.next.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use arrow_array::{ArrayRef, Int8Array, RecordBatch};

    use super::*;

    /// Counts rows, and how many states there are at once; slow, or broken, in one batch.
    struct Count {
        rows: u64,
        alive: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
        slow: Option<u64>,
        broken: Option<u64>,
    }

    impl Count {
        fn new(slow: Option<u64>, broken: Option<u64>) -> Self {
            let (alive, most) = (Arc::new(AtomicUsize::new(1)), Arc::default());
            Self { rows: 0, alive, most, slow, broken }
        }
    }

    impl Drop for Count {
        fn drop(&mut self) {
            self.alive.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl Accumulate for Count {
        type Evidence = u64;

        fn empty(&self) -> Self {
            let alive = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(alive, Ordering::SeqCst);
            let (alive, most) = (Arc::clone(&self.alive), Arc::clone(&self.most));
            Self { rows: 0, alive, most, slow: self.slow, broken: self.broken }
        }

        fn update(&mut self, batch: &Batch) {
            if self.slow == Some(batch.first_row) {
                thread::sleep(Duration::from_millis(200));
            }
            assert_ne!(self.broken, Some(batch.first_row), "broken as asked");
            self.rows += batch.len() as u64;
        }

        fn merge(&mut self, later: Self) {
            self.rows += later.rows;
        }

        fn finish(self) -> u64 {
            self.rows
        }
    }

    fn rows(blocks: usize) -> Set {
        let zeros = Int8Array::from(vec![0; blocks * BLOCK * crate::limits::BATCH_ROWS]);
        let rows = RecordBatch::try_from_iter([("a", Arc::new(zeros) as ArrayRef)]).unwrap();
        crate::set::in_memory(rows)
    }

    #[test]
    fn the_blocks_behind_a_slow_one_do_not_pile_up() {
        let mut count = Count::new(Some(0), None);
        drive(&rows(100), &mut count, 2).unwrap();
        assert_eq!(count.rows, 100 * (BLOCK * crate::limits::BATCH_ROWS) as u64);
        assert!(count.most.load(Ordering::SeqCst) < 16, "{:?}", count.most);
    }

    #[test]
    #[should_panic(expected = "broken as asked")]
    fn what_breaks_on_a_thread_breaks_the_caller() {
        let _ = drive(&rows(20), &mut Count::new(None, Some(0)), 1 + 1);
    }
}
