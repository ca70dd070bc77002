//! Files with holes: the pieces that are stored, and zero bytes between them.

use std::{io, sync::Arc};

use super::{
    extended::{Extended, decimal},
    header::{BLOCK, number},
};
use crate::{Budget, Bytes, Gap, Refusal, Source};

/// A GNU sparse file of the old kind: the map stands in the header and in blocks behind it.
/// Gives how many bytes those blocks take, and the content.
pub(super) fn old(
    bytes: &Bytes,
    at: u64,
    size: u64,
    budget: &Arc<Budget>,
) -> (u64, Result<Bytes, Refusal>) {
    let (skip, map) = match old_map(bytes, at) {
        Ok(map) => map,
        Err(refusal) => return (0, Err(refusal)),
    };
    let data = bytes.slice(at.saturating_add(BLOCK).saturating_add(skip), size);
    let (real, pieces) = map;
    (skip, data.and_then(|data| content(data, &pieces, real, budget)))
}

/// A file that may be sparse in one of the kinds that pax headers describe.
pub(super) fn modern(
    data: Result<Bytes, Refusal>,
    own: &Extended,
    budget: &Arc<Budget>,
) -> Result<Bytes, Refusal> {
    let data = data?;
    if own.sparse_in_data {
        let (map, from) = map_in_data(&data)?;
        return content(data.tail(from), &map, own.sparse_size, budget);
    }
    if own.sparse_map.is_empty() {
        return Ok(data);
    }
    content(data, &own.sparse_map, own.sparse_size, budget)
}

type Map = (u64, (Option<u64>, Vec<u64>));

fn old_map(bytes: &Bytes, at: u64) -> Result<Map, Refusal> {
    let block = bytes.array::<512>(at)?;
    let real = block.get(483..495).and_then(number);
    let mut numbers = Vec::new();
    let mut more = pieces(&block, 386, 4, &mut numbers);
    let mut skip: u64 = 0;
    while more {
        let at = at.saturating_add(BLOCK).saturating_add(skip);
        if numbers.len() > MOST_NUMBERS {
            return Err(too_many(at));
        }
        more = pieces(&bytes.array::<512>(at)?, 0, 21, &mut numbers);
        skip = skip.saturating_add(BLOCK);
    }
    Ok((skip, (real, numbers)))
}

/// Take the pieces that a block lists; says whether another block follows.
fn pieces(block: &[u8; 512], from: usize, count: usize, into: &mut Vec<u64>) -> bool {
    let list = block.get(from..).unwrap_or_default();
    for piece in list.chunks_exact(12).take(count.saturating_mul(2)) {
        if piece.first() == Some(&0) {
            break;
        }
        into.extend(number(piece));
    }
    let flag = from.saturating_add(count.saturating_mul(24));
    block.get(flag).is_some_and(|&flag| flag != 0)
}

/// Format 1.0: the number of pieces and the pieces, in decimal lines, padded to a block.
fn map_in_data(data: &Bytes) -> Result<(Vec<u64>, u64), Refusal> {
    let mut cursor = data.cursor();
    let mut line = || -> Result<u64, Refusal> {
        let at = cursor.position();
        let window = cursor.peek(24)?;
        let end = window.iter().take(24).position(|&byte| byte == b'\n');
        let number = end.and_then(|end| decimal(window.get(..end)?));
        let (Some(end), Some(number)) = (end, number) else {
            return Err(Refusal::truncated(at, "expected a number in the map of a sparse file"));
        };
        cursor.skip((end as u64).saturating_add(1))?;
        Ok(number)
    };
    let count = line()?.saturating_mul(2);
    if count > MOST_NUMBERS as u64 {
        return Err(too_many(0));
    }
    let numbers = (0..count).map(|_| line()).collect::<Result<Vec<_>, _>>()?;
    Ok((numbers, cursor.position().next_multiple_of(BLOCK)))
}

fn content(
    data: Bytes,
    numbers: &[u64],
    real: Option<u64>,
    budget: &Arc<Budget>,
) -> Result<Bytes, Refusal> {
    let mut pieces = Vec::with_capacity(numbers.len() >> 1);
    let (mut stored, mut end) = (0_u64, 0_u64);
    for pair in numbers.chunks_exact(2) {
        let &[at, len] = pair else { break };
        if at < end {
            return Err(Refusal::truncated(0, "the pieces of a sparse file are out of order"));
        }
        pieces.push(Piece { at, len, stored });
        stored = stored.saturating_add(len);
        end = at.saturating_add(len);
    }
    let len = real.unwrap_or(end).max(end);
    let ratio = budget.limits().ratio;
    if len > FREE && len > data.len().saturating_mul(ratio) {
        let why = format!("a sparse file grows to more than {ratio} times its size");
        return Err(Refusal::new(0, Gap::HighExpansionRatio, why));
    }
    budget.expand(0, len.saturating_sub(data.len()))?;
    if stored > data.len() {
        let why = format!("expected {stored} bytes of pieces, but only {} are left", data.len());
        return Err(Refusal::new(0, Gap::OversizedLength, why));
    }
    Ok(Bytes::new(Arc::new(Sparse { data, pieces, len })))
}

fn too_many(at: u64) -> Refusal {
    Refusal::new(at, Gap::LargeMemory, "a sparse file of too many pieces")
}

#[derive(Debug)]
struct Sparse {
    data: Bytes,
    pieces: Vec<Piece>,
    len: u64,
}

/// A piece: its offset in the file, its length, its offset in what is stored.
#[derive(Debug)]
struct Piece {
    at: u64,
    len: u64,
    stored: u64,
}

impl Source for Sparse {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        let behind = self.pieces.partition_point(|piece| piece.at <= at);
        let piece = behind.checked_sub(1).and_then(|last| self.pieces.get(last));
        if let Some(piece) = piece {
            let skip = at.saturating_sub(piece.at);
            let left = piece.len.saturating_sub(skip);
            if left > 0 {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
                let into = into.get_mut(..most).unwrap_or_default();
                return Ok(self.data.read_at(piece.stored.saturating_add(skip), into)?);
            }
        }
        let next = self.pieces.get(behind).map_or(self.len, |piece| piece.at).min(self.len);
        let hole = usize::try_from(next.saturating_sub(at)).unwrap_or(usize::MAX);
        let hole = hole.min(into.len());
        into.get_mut(..hole).unwrap_or_default().fill(0);
        Ok(hole)
    }
}

/// The most numbers in the map of one sparse file.
const MOST_NUMBERS: usize = 1 << 16;

/// What any sparse file may grow to.
const FREE: u64 = 16 << 20;
