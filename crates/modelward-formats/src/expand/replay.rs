//! Decoding again what was decoded once, where it is read.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use super::{CHUNK, Chain, Codec};
use crate::{Budget, Bytes, Source};

/// A stream too long to be kept: its start, what was read last, and places to start again from.
#[derive(Debug)]
pub(super) struct Replay {
    compressed: Bytes,
    codec: Codec,
    budget: Arc<Budget>,
    start: u64,
    head: Vec<u8>,
    len: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Decoders kept from the first pass, by the offset of the next byte that they give.
    marks: Vec<(u64, Chain)>,
    /// The distance from one mark to the next.
    spacing: u64,
    /// The decoder that was used last, and the offset of the next byte that it gives.
    running: Option<(u64, Chain)>,
    /// Chunks by offset, the latest last.
    recent: VecDeque<(u64, Vec<u8>)>,
}

impl Replay {
    pub(super) fn new(compressed: &Bytes, codec: Codec, budget: &Arc<Budget>, start: u64) -> Self {
        Self {
            compressed: compressed.clone(),
            codec,
            budget: budget.clone(),
            start,
            head: Vec::new(),
            len: 0,
            state: Mutex::new(State { spacing: SPACING, ..State::default() }),
        }
    }

    /// Keep a decoder that is about to give the byte at `at`, where one is due.
    pub(super) fn note(&mut self, at: u64, chain: &Chain) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        let last = state.marks.last().map_or(0, |(at, _)| *at);
        if at.saturating_sub(last) < state.spacing {
            return;
        }
        let Some(fork) = chain.fork() else { return };
        state.marks.push((at, fork));
        if state.marks.len() >= MOST_MARKS {
            let mut keep = false;
            state.marks.retain(|_| {
                keep = !keep;
                keep
            });
            state.spacing = state.spacing.saturating_mul(2);
        }
    }

    /// The source, once the first pass knows its start and its length.
    pub(super) fn finish(mut self, head: Vec<u8>, len: u64) -> Self {
        (self.head, self.len) = (head, len);
        self
    }

    /// The chunk that starts at an offset.
    fn decode(&self, state: &mut State, at: u64) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.len.saturating_sub(at)).unwrap_or(CHUNK);
        let mut chunk = vec![0; CHUNK];
        let (mut next, mut chain) = self.nearest(state, at);
        loop {
            let wanted = if next == at { left.min(CHUNK) } else { CHUNK };
            let into = chunk.get_mut(..wanted).unwrap_or_default();
            let (filled, broken) = chain.fill(into);
            self.budget.expand(chain.position(), filled as u64)?;
            if let Some(error) = broken {
                return Err(error);
            }
            let here = next;
            next = next.saturating_add(filled as u64);
            if here == at || filled < wanted {
                chunk.truncate(filled);
                state.running = Some((next, chain));
                return Ok(chunk);
            }
            // Readers look at the end of a piece first, and then at what lies before it.
            state.keep(here, chunk.clone());
        }
    }

    /// The decoder that stands nearest before an offset.
    fn nearest(&self, state: &mut State, at: u64) -> (u64, Chain) {
        let mark = state.marks.iter().rev().find(|(mark, _)| *mark <= at);
        let mark_at = mark.map_or(0, |(mark, _)| *mark);
        match state.running.take() {
            Some((here, chain)) if here <= at && here >= mark_at => (here, chain),
            _ => mark
                .and_then(|(mark, chain)| Some((*mark, chain.fork()?)))
                .unwrap_or_else(|| (0, Chain::new(&self.compressed, self.codec, self.start))),
        }
    }
}

impl Source for Replay {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        if at >= self.len {
            return Ok(0);
        }
        let head = usize::try_from(at).ok().and_then(|at| self.head.get(at..));
        if let Some(head) = head.filter(|head| !head.is_empty()) {
            return Ok(copy(head, into));
        }
        let within = at.checked_rem(CHUNK as u64).unwrap_or(0);
        let base = at.saturating_sub(within);
        let within = usize::try_from(within).unwrap_or(0);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, chunk)) = state.recent.iter().rev().find(|(at, _)| *at == base) {
            return Ok(copy(chunk.get(within..).unwrap_or_default(), into));
        }
        let chunk = self.decode(&mut state, base)?;
        let n = copy(chunk.get(within..).unwrap_or_default(), into);
        state.keep(base, chunk);
        Ok(n)
    }
}

impl State {
    fn keep(&mut self, at: u64, chunk: Vec<u8>) {
        if self.recent.len() >= MOST_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((at, chunk));
    }
}

fn copy(from: &[u8], into: &mut [u8]) -> usize {
    let n = from.len().min(into.len());
    if let (Some(to), Some(from)) = (into.get_mut(..n), from.get(..n)) {
        to.copy_from_slice(from);
    }
    n
}

/// The least distance between two marks: a mark costs about 80 KiB.
const SPACING: u64 = 1 << 20;

/// Past this many marks every second one is dropped: a stream of any length keeps below 6 MiB.
const MOST_MARKS: usize = 64;

/// How many chunks are kept: 8 MiB.
const MOST_RECENT: usize = 128;
