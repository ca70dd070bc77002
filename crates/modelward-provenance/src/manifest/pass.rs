//! One read of a file, which feeds all its digests.

use std::{collections::HashMap, ops::Range};

use modelward_formats::{Budget, Bytes, Gap, Refusal};

use super::plan::{From, Plan, Segment, Source};
use crate::digest::{Digest, Sha256};

/// The digests of a file.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) sha256: Digest,
    pub(super) blake3: Digest,
    /// Those of its contents, or why they have none.
    pub(super) contents: Vec<Result<Digest, Refusal>>,
}

/// Read a file once; then once more what its contents name out of order. `beside` gives the bytes of
/// other files of the same folder.
pub(super) fn pass(
    file: &Bytes,
    plan: &Plan,
    budget: &Budget,
    beside: &dyn Fn(&str) -> Result<Bytes, Refusal>,
) -> Result<Passed, Refusal> {
    let mut run = Run {
        sha256: Sha256::new(),
        segments: &plan.segments,
        digests: &plan.digests,
        running: None,
        done: vec![None; plan.digests.len()],
    };
    let mut blake3 = blake3::Hasher::new();
    each_window(file, 0..file.len(), |at, window| {
        blake3.update(window);
        run.take(at, window);
    })?;
    let Run { sha256, done, .. } = run;
    let mut again = Again { file, budget, beside, allowance: Allowance::default() };
    let contents = plan.digests.iter().zip(done).map(|(source, done)| match done {
        Some(digest) => Ok(digest),
        None => again.digest(source),
    });
    let contents = contents.collect();
    let blake3 = Digest::from(*blake3.finalize().as_bytes());
    Ok(Passed { sha256: sha256.finish().into(), blake3, contents })
}

/// A read in progress.
struct Run<'a> {
    sha256: Sha256,
    /// The segments that are to come, in order.
    segments: &'a [Segment],
    digests: &'a [Source],
    /// The digest that was fed last.
    running: Option<(usize, Sha256)>,
    done: Vec<Option<Digest>>,
}

impl Run<'_> {
    fn take(&mut self, mut at: u64, mut window: &[u8]) {
        while !window.is_empty() {
            let Some((segment, rest)) = self.segments.split_first() else {
                self.sha256.update(window);
                return;
            };
            let before = segment.range.start.checked_sub(at).filter(|&before| before > 0);
            let until = if before.is_some() { segment.range.start } else { segment.range.end };
            let count = usize::try_from(until.saturating_sub(at)).unwrap_or(usize::MAX);
            let (part, tail) = window.split_at_checked(count).unwrap_or((window, &[]));
            if before.is_some() {
                self.sha256.update(part);
            } else {
                self.feed(segment, at, part);
            }
            at = at.saturating_add(part.len() as u64);
            window = tail;
            if at == segment.range.end {
                self.segments = rest;
                self.end(segment);
            }
        }
    }

    /// Feed bytes of a segment to its digest and to that of the file.
    fn feed(&mut self, segment: &Segment, at: u64, part: &[u8]) {
        let digest = segment.digest;
        if self.running.as_ref().is_none_or(|(running, _)| *running != digest) {
            // Whoever was fed last is done, or the plan would not have its segments here.
            self.running = self.digests.get(digest).map(|source| (digest, source.begun.clone()));
        }
        let Some((_, hash)) = &mut self.running else { return };
        if segment.counted && at == segment.range.start {
            hash.update(&length(&segment.range).to_le_bytes());
        }
        Sha256::update_both((&mut self.sha256, part), (hash, part));
    }

    fn end(&mut self, segment: &Segment) {
        if segment.last
            && let Some((digest, hash)) = self.running.take()
            && let Some(place) = self.done.get_mut(digest)
        {
            *place = Some(hash.finish().into());
        }
    }
}

/// Makes the digests whose bytes did not come in order, or have to be expanded.
struct Again<'a> {
    file: &'a Bytes,
    budget: &'a Budget,
    beside: &'a dyn Fn(&str) -> Result<Bytes, Refusal>,
    allowance: Allowance,
}

impl Again<'_> {
    fn digest(&mut self, source: &Source) -> Result<Digest, Refusal> {
        let mut hash = source.begun.clone();
        match &source.from {
            From::Segments => {
                return Err(Refusal::truncated(0, "the file ends before its contents do"));
            }
            From::Elements(elements) => {
                self.allowance.spend("", self.file.len(), elements.cost())?;
                let mut reader = elements.reader()?;
                while let Some(window) = reader.next_window()? {
                    hash.update(window);
                    self.budget.tick(0)?;
                }
            }
            From::Ranges(ranges, counted) => {
                for range in ranges {
                    self.allowance.spend("", self.file.len(), length(range))?;
                    if *counted {
                        hash.update(&length(range).to_le_bytes());
                    }
                    self.range(self.file, range, &mut hash)?;
                }
            }
            From::Beside { location, range } => {
                let other = (self.beside)(location)?;
                self.allowance.spend(location, other.len(), length(range))?;
                if range.end > other.len() {
                    let why = format!("`{location}` ends before the tensor does");
                    return Err(Refusal::new(range.start, Gap::OversizedLength, why));
                }
                self.range(&other, range, &mut hash)?;
            }
        }
        Ok(hash.finish().into())
    }

    fn range(&self, bytes: &Bytes, range: &Range<u64>, hash: &mut Sha256) -> Result<(), Refusal> {
        self.budget.tick(range.start)?;
        each_window(bytes, range.clone(), |_, window| hash.update(window))
    }
}

/// What of each file may still be read again: contents may name the same bytes without end.
#[derive(Default)]
struct Allowance(HashMap<String, u64>);

impl Allowance {
    fn spend(&mut self, file: &str, bytes: u64, spent: u64) -> Result<(), Refusal> {
        let left = self
            .0
            .entry(file.to_owned())
            .or_insert_with(|| bytes.saturating_mul(MOST_GROWTH).saturating_add(FREE));
        *left = left.checked_sub(spent).ok_or_else(|| {
            let why = format!("what is in the file names more than {MOST_GROWTH} times its bytes");
            Refusal::new(0, Gap::LargeExpansion, why)
        })?;
        Ok(())
    }
}

/// Read a range, window by window.
fn each_window(
    bytes: &Bytes,
    range: Range<u64>,
    mut take: impl FnMut(u64, &[u8]),
) -> Result<(), Refusal> {
    let mut at = range.start;
    let mut window = vec![0; usize::try_from(length(&range)).unwrap_or(WINDOW).min(WINDOW)];
    while at < range.end {
        let left = usize::try_from(range.end.saturating_sub(at)).unwrap_or(WINDOW);
        let wanted = window.get_mut(..left.min(WINDOW)).unwrap_or_default();
        let read = bytes.read_at(at, wanted)?;
        if read == 0 {
            return Err(Refusal::truncated(at, "the file ends early"));
        }
        take(at, window.get(..read).unwrap_or_default());
        at = at.saturating_add(read as u64);
    }
    Ok(())
}

fn length(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

/// Bytes read at once: they stay in the cache of a core while they are hashed.
const WINDOW: usize = 256 << 10;

/// How often the contents of a file may name each of its bytes; compressed arrays grow by as much.
const MOST_GROWTH: u64 = 256;

/// What the contents of any file may take.
const FREE: u64 = 64 << 20;
