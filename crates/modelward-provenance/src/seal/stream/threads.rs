//! Many chunks at once: no chunk needs another.

use std::{num::NonZero, thread};

use super::chunk::{Place, SEALED};

/// Do the same with each chunk of a buffer, on several threads where that pays. Gives the number of
/// chunks before the first that failed.
pub(super) fn each(
    threads: usize,
    buffer: &mut [u8],
    first: u64,
    last: bool,
    work: impl Fn(&mut [u8], Place) -> bool + Sync,
) -> usize {
    let count = buffer.len().div_ceil(SEALED);
    let place = |index: usize| Place {
        at: first.saturating_add(index as u64),
        last: last && index.saturating_add(1) == count,
    };
    let share = count.div_ceil(threads.max(1)).max(FEWEST);
    let run = |from: usize, part: &mut [u8]| {
        let mut chunks = part.chunks_mut(SEALED).enumerate();
        let failed = chunks.find_map(|(index, chunk)| {
            let index = from.saturating_add(index);
            (!work(chunk, place(index))).then_some(index)
        });
        failed.unwrap_or(count)
    };
    if share >= count {
        return run(0, buffer);
    }
    let run = &run;
    thread::scope(|scope| {
        let parts = buffer.chunks_mut(share.saturating_mul(SEALED)).enumerate();
        let parts = parts
            .map(|(part, chunks)| scope.spawn(move || run(part.saturating_mul(share), chunks)));
        // All are started before the first is waited for.
        let parts = parts.collect::<Vec<_>>();
        // A thread that ended otherwise has done nothing.
        parts.into_iter().map(|part| part.join().unwrap_or(0)).min().unwrap_or(count)
    })
}

/// How many threads work, and how many chunks lie in memory at once for them.
pub(super) fn sizes() -> (usize, usize) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    (threads, threads.saturating_mul(SHARE))
}

const MOST_THREADS: usize = 8;
/// Chunks of a thread before it is asked again: 1 MiB.
const SHARE: usize = 16;
/// Fewer chunks than these are not worth a thread.
const FEWEST: usize = 4;
