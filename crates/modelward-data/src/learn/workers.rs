//! Work that falls into parts that do not hang on each other.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// The results of `parts` pieces of work, in their order, whatever the number of threads.
pub(crate) fn each<T: Send>(
    parts: usize,
    threads: usize,
    work: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    if threads <= 1 || parts <= 1 {
        return (0..parts).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let mut done = Vec::with_capacity(parts);
    thread::scope(|scope| {
        let workers = (0..threads.min(parts)).map(|_| {
            scope.spawn(|| {
                let mut mine = Vec::new();
                loop {
                    let part = next.fetch_add(1, Ordering::Relaxed);
                    if part >= parts {
                        return mine;
                    }
                    mine.push((part, work(part)));
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            match worker.join() {
                Ok(mine) => done.extend(mine),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    done.sort_by_key(|(part, _)| *part);
    done.into_iter().map(|(_, result)| result).collect()
}
