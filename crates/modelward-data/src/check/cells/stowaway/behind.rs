//! What cameras and programs append to their images: pictures of other sizes, films, notes of their own. Each is
//! followed to its own end, so that nothing hides behind it.

use memchr::memmem;

use super::extent::Extent;

/// Where what is known to stand behind a JPEG ends: the place of the first byte that is not known to, and the
/// notes of the pictures on the way.
pub(super) struct Appended {
    pub(super) end: usize,
    pub(super) notes: Vec<std::ops::Range<usize>>,
}

impl Appended {
    /// Follow what is appended to a JPEG from where that ends.
    pub(super) fn of(bytes: &[u8], from: usize) -> Self {
        let mut appended = Self { end: from, notes: Vec::new() };
        let trailer = trailer(bytes);
        while let Some(next) = appended.step(bytes, trailer).filter(|next| *next > appended.end) {
            appended.end = next;
        }
        appended
    }

    /// The end of the next part, where it is known.
    fn step(&mut self, bytes: &[u8], trailer: Option<usize>) -> Option<usize> {
        let begins = self.end.checked_add(padding(bytes.get(self.end..)?))?;
        let rest = bytes.get(begins..)?;
        if let Some(from) = trailer.filter(|from| (self.end..=begins).contains(from)) {
            self.notes.push(from..bytes.len());
            return Some(bytes.len());
        }
        // Pictures of several sizes (CIPA DC-007).
        if rest.starts_with(b"\xff\xd8\xff") {
            let Extent { end, notes, .. } = Extent::of(rest)?;
            let place = |at: usize| begins.saturating_add(at);
            self.notes.extend(notes.iter().map(|note| place(note.start)..place(note.end)));
            return begins.checked_add(end);
        }
        // The size of a film's first box was taken for padding, if it is small.
        let film = (0..=4).filter_map(|back| begins.checked_sub(back)).find(|at| {
            let name = at.checked_add(4).and_then(|name| bytes.get(name..));
            *at >= self.end && name.is_some_and(|name| name.starts_with(b"ftyp"))
        });
        if let Some(film) = film {
            return film.checked_add(boxes(bytes.get(film..)?));
        }
        let head = rest.get(..64.min(rest.len()))?;
        if let Some(at) = memmem::find(head, MOVING) {
            return begins.checked_add(at)?.checked_add(MOVING.len());
        }
        // Notes of Canon's program, and of Photo Mechanic, which say how long they are.
        let foot = rest.len().checked_sub(64).and_then(|at| rest.get(at..));
        if rest.starts_with(CANON) && foot.is_some_and(|foot| foot.starts_with(CANON)) {
            self.notes.push(begins..bytes.len());
            return Some(bytes.len());
        }
        if let Some((body, size)) =
            rest.strip_suffix(b"cbipcbbl").and_then(<[u8]>::split_last_chunk)
            && u32::from_be_bytes(*size) as usize == body.len()
        {
            self.notes.push(begins..bytes.len());
            return Some(bytes.len());
        }
        None
    }
}

/// How many bytes fill up before what comes next.
pub(super) fn padding(bytes: &[u8]) -> usize {
    let blank = |byte: &u8| matches!(byte, 0 | 0xff | b' ' | b'\n' | b'\r' | b'\t');
    let some = bytes.iter().take_while(|byte| blank(byte)).count();
    match some.checked_sub(1) {
        // The first byte of a JPEG is one of those.
        Some(before) if bytes.get(before..).is_some_and(|it| it.starts_with(b"\xff\xd8")) => before,
        _ => some,
    }
}

/// The length of the boxes of a film (ISO/IEC 14496-12, 4.2).
fn boxes(bytes: &[u8]) -> usize {
    let mut at = 0_usize;
    loop {
        let length = |at: usize| -> Option<usize> {
            let head = bytes.get(at..)?;
            let size = u32::from_be_bytes(*head.first_chunk::<4>()?);
            let name = head.get(4..8)?;
            let printable = name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
            let size = match size {
                0 => head.len(),
                1 => usize::try_from(u64::from_be_bytes(*head.get(8..16)?.first_chunk::<8>()?))
                    .ok()?,
                size => usize::try_from(size).ok()?,
            };
            (printable && size >= 8 && size <= head.len()).then_some(size)
        };
        match length(at) {
            Some(length) => at = at.saturating_add(length),
            None => return at,
        }
    }
}

/// Where the trailer of Samsung's phones begins, by the directory at its end: `SEFH`, a version, how many
/// entries, each with how far before the directory it lies and how long it is, the length of the directory,
/// `SEFT`.
fn trailer(bytes: &[u8]) -> Option<usize> {
    let number = |at: usize| {
        let four = bytes.get(at..)?.first_chunk::<4>()?;
        usize::try_from(u32::from_le_bytes(*four)).ok()
    };
    let filled = bytes.iter().rev().take_while(|byte| **byte == 0).take(1 << 16).count();
    let end = bytes.len().checked_sub(filled)?;
    let foot = end.checked_sub(8)?;
    if bytes.get(foot.checked_add(4)?..end)? != b"SEFT" {
        return None;
    }
    let directory = foot.checked_sub(number(foot)?)?;
    if bytes.get(directory..)?.get(..4)? != b"SEFH" {
        return None;
    }
    let count = number(directory.checked_add(8)?)?;
    let entries = directory.checked_add(12)?;
    if entries.checked_add(count.checked_mul(12)?)? > foot {
        return None;
    }
    let mut parts = Vec::new();
    for entry in 0..count {
        let at = entries.checked_add(entry.checked_mul(12)?)?;
        let from = directory.checked_sub(number(at.checked_add(4)?)?)?;
        let to = from.checked_add(number(at.checked_add(8)?)?)?;
        parts.push((from, to));
    }
    // Parts lie one behind the other: where a gap is, something else may.
    parts.sort_unstable();
    let first = parts.first()?.0;
    let end =
        parts.iter().try_fold(first, |end, (from, to)| (*from <= end).then(|| end.max(*to)))?;
    (end == directory).then_some(first)
}

const MOVING: &[u8] = b"MotionPhoto_Data";
const CANON: &[u8] = b"CANON OPTIONAL DATA\0";
