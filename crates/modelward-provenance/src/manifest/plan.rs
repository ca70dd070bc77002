//! Which digests the bytes of a file feed while it is read once.

use std::{collections::HashMap, ops::Range};

use modelward_formats::{
    Bytes, Refusal,
    parquet::Footer,
    tensors::{Elements, Place, Table},
};

use super::tensor::begin;
use crate::digest::Sha256;

/// What the digests of a file's contents are made of.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The digests, of which several tensors may share one.
    pub(super) digests: Vec<Source>,
    /// For each tensor, or each row group, its digest or why it has none.
    pub(super) parts: Vec<Result<usize, Refusal>>,
    /// Which bytes of the file feed which digest, in the order of the file and apart.
    pub(super) segments: Vec<Segment>,
}

/// What a digest is made of.
#[derive(Debug)]
pub(super) struct Source {
    /// The digest before any bytes of the file.
    pub(super) begun: Sha256,
    /// Where the rest comes from.
    pub(super) from: From,
}

/// Where the bytes of a digest come from.
#[derive(Debug)]
pub(super) enum From {
    /// From segments of the one read.
    Segments,
    /// From the elements of a tensor, read again or expanded.
    Elements(Elements),
    /// From ranges of the file, read again; and whether the length of each goes before it.
    Ranges(Vec<Range<u64>>, bool),
    /// From a range of another file.
    Beside {
        /// The file, relative to the folder of this one.
        location: String,
        /// The range.
        range: Range<u64>,
    },
}

/// Bytes of the file that feed a digest.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The range.
    pub(super) range: Range<u64>,
    /// The digest.
    pub(super) digest: usize,
    /// Whether the length of the range goes into the digest before its bytes.
    pub(super) counted: bool,
    /// Whether the digest is done behind it.
    pub(super) last: bool,
}

impl Plan {
    /// The digests of a table of tensors.
    pub(super) fn of_tensors(file: &Bytes, table: &Table) -> Self {
        let mut plan = Self::default();
        let mut known: HashMap<(Range<u64>, &str, &[u64]), usize> = HashMap::new();
        for tensor in &table.tensors {
            let place = match &tensor.elements {
                Ok(place) => place,
                Err(refusal) => {
                    plan.parts.push(Err(refusal.clone()));
                    continue;
                }
            };
            let begun = || begin(tensor.kind.name, &tensor.shape);
            let from = match place {
                Place::Beside { location, offset, length } => From::Beside {
                    location: location.clone(),
                    range: *offset..offset.saturating_add(*length),
                },
                Place::Here(elements) => match elements.range_in(file) {
                    Some(range) => {
                        let key = (range.clone(), tensor.kind.name, &*tensor.shape);
                        let next = plan.digests.len();
                        let digest = *known.entry(key).or_insert(next);
                        if digest == next {
                            plan.segments.push(Segment {
                                range,
                                digest,
                                counted: false,
                                last: true,
                            });
                            plan.digests.push(Source { begun: begun(), from: From::Segments });
                        }
                        plan.parts.push(Ok(digest));
                        continue;
                    }
                    None => From::Elements(elements.clone()),
                },
            };
            plan.parts.push(Ok(plan.digests.len()));
            plan.digests.push(Source { begun: begun(), from });
        }
        plan.settle();
        plan
    }

    /// The digests of row groups.
    pub(super) fn of_row_groups(footer: &Footer) -> Self {
        let mut plan = Self::default();
        for group in &footer.row_groups {
            let chunks = match &group.chunks {
                Ok(chunks) => chunks,
                Err(refusal) => {
                    plan.parts.push(Err(refusal.clone()));
                    continue;
                }
            };
            let digest = plan.digests.len();
            plan.parts.push(Ok(digest));
            let mut begun = Sha256::new();
            begun.update(b"modelward-row-group/v1\n");
            plan.digests.push(Source { begun, from: From::Segments });
            plan.segments.extend(chunks.iter().map(|range| Segment {
                range: range.clone(),
                digest,
                counted: true,
                last: false,
            }));
            match plan.segments.last_mut().filter(|segment| segment.digest == digest) {
                Some(segment) => segment.last = true,
                None => {
                    if let Some(source) = plan.digests.last_mut() {
                        source.from = From::Ranges(Vec::new(), true);
                    }
                }
            }
        }
        plan.settle();
        plan
    }

    /// Keep the segments that come in order and apart. A digest with another segment is made by
    /// itself, from another read.
    fn settle(&mut self) {
        let segments = self.segments.iter().enumerate();
        let order = segments.map(|(at, segment)| (segment.range.start, segment.range.end, at));
        let mut order = order.collect::<Vec<_>>();
        order.sort_unstable();
        let mut apart = HashMap::new();
        let (mut end, mut seen, mut last) = (0_u64, HashMap::new(), usize::MAX);
        for &(start, stop, at) in &order {
            let Some(segment) = self.segments.get(at) else { continue };
            // The segments of one digest stand in the order in which they feed it, and no other's
            // stands between them.
            let before = seen.insert(segment.digest, at);
            let in_turn = before.is_none_or(|before| before < at && last == segment.digest);
            last = segment.digest;
            if start < end || start == stop || !in_turn {
                apart.insert(segment.digest, (segment.counted, Vec::new()));
            } else {
                end = stop;
            }
        }
        self.segments.retain(|segment| match apart.get_mut(&segment.digest) {
            Some((_, ranges)) => {
                ranges.push(segment.range.clone());
                false
            }
            None => true,
        });
        for (digest, (counted, ranges)) in apart {
            if let Some(source) = self.digests.get_mut(digest) {
                source.from = From::Ranges(ranges, counted);
            }
        }
        self.segments.sort_unstable_by_key(|segment| segment.range.start);
    }
}
