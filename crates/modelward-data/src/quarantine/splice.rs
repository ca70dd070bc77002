//! Bytes cut out of a file, and put back: what stays, what goes, and what stands in its place.

use std::io::{self, BufRead, Read, Write};

use super::digest::pass;
use crate::read::rewrite::Edit;

/// Divide bytes: those within the ranges go to `removed`, all others to `kept`, with what stands in their
/// place.
pub(super) fn divide(
    from: &mut impl Read,
    edits: &[Edit],
    kept: &mut impl Write,
    removed: &mut impl Write,
) -> io::Result<()> {
    let mut at = 0_u64;
    for Edit { range, with } in edits {
        exactly(from, range.start.saturating_sub(at), kept)?;
        exactly(from, range.end.saturating_sub(range.start), removed)?;
        kept.write_all(with)?;
        at = range.end;
    }
    pass(from, u64::MAX, kept)?;
    Ok(())
}

/// Join them again. `places` has a line for each edit of which `count` are this file's.
pub(super) fn join(
    kept: &mut impl Read,
    removed: &mut impl Read,
    places: &mut impl BufRead,
    count: u64,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut at = 0_u64;
    for _ in 0..count {
        let Place { start, end, with } = Place::read(places)?;
        let (stays, goes) = match (start.checked_sub(at), end.checked_sub(start)) {
            (Some(stays), Some(goes)) => (stays, goes),
            _ => return Err(io::Error::other("ranges that do not rise")),
        };
        exactly(kept, stays, out)?;
        exactly(kept, with, &mut io::sink())?;
        exactly(removed, goes, out)?;
        at = end;
    }
    pass(kept, u64::MAX, out)?;
    Ok(())
}

fn exactly(from: &mut impl Read, count: u64, to: &mut impl Write) -> io::Result<()> {
    if pass(from, count, to)? == count {
        return Ok(());
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// A range of the original, and how many bytes stand in its place in the cleaned file.
struct Place {
    start: u64,
    end: u64,
    with: u64,
}

/// Write the places of edits: where each begins and ends in the original, and how many bytes stand there now.
pub(super) fn write(edits: &[Edit], out: &mut impl Write) -> io::Result<()> {
    edits.iter().try_for_each(|Edit { range, with }| {
        writeln!(out, "{} {} {}", range.start, range.end, with.len())
    })
}

impl Place {
    fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut line = String::new();
        from.take(LONGEST).read_line(&mut line)?;
        let odd = || io::Error::other("expected three numbers in a line of places");
        let numbers = line.strip_suffix('\n').ok_or_else(odd)?.split(' ').map(str::parse);
        match numbers.collect::<Result<Vec<_>, _>>().map_err(|_| odd())?.as_slice() {
            &[start, end, with] => Ok(Self { start, end, with }),
            _ => Err(odd()),
        }
    }
}

/// Three numbers of 64 bits in a line.
const LONGEST: u64 = 64;
