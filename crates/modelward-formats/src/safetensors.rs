//! safetensors, read byte for byte by the rules of release 0.8.
//!
//! The file is a 64-bit length, a JSON header of that length, and the tensors' data. The JSON is
//! read by a strict reader of our own: usual ones keep the last of two equal keys silently, and
//! two loaders that keep different ones see two different models.

use std::{ops::Range, sync::Arc};

use crate::{
    Asset, Budget, Bytes, Format, Gap, Refusal,
    weights::{FlawKind, Flaws, Weights, claim},
};

mod element;
mod header;
mod json;

/// Files of tensors with a JSON header.
pub static SAFETENSORS: Format = Format { name: "safetensors", read };

/// The longest header that loaders accept, in bytes.
pub const LONGEST_HEADER: u64 = 100_000_000;

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let declared = bytes.u64_le(0).ok()?;
    let fits = declared <= bytes.len().saturating_sub(PREFIX);
    if !is_header(bytes, declared, fits) {
        return None;
    }
    let weights = table(bytes, declared, fits, budget);
    Some(weights.map(|weights| Box::new(weights) as Box<dyn Asset>))
}

/// Whether a header seems to begin where it must. A length that fits settles it; one that lies
/// must be followed by words that only a header has.
fn is_header(bytes: &Bytes, declared: u64, fits: bool) -> bool {
    let mut cursor = bytes.cursor();
    cursor.seek(PREFIX);
    let end = if fits { PREFIX.saturating_add(declared) } else { bytes.len() };
    let mut opened = false;
    while cursor.position() < end {
        match cursor.array::<1>() {
            Ok([b' ' | b'\n' | b'\r' | b'\t']) => {}
            Ok([b'{']) if !opened => opened = true,
            Ok([b'"' | b'}']) if opened => return fits || has_header_words(bytes),
            // JSON begins as it should, and is broken at once: still no other format.
            _ => return opened && has_header_words(bytes),
        }
    }
    opened && has_header_words(bytes)
}

fn has_header_words(bytes: &Bytes) -> bool {
    let head = bytes.head(4096).unwrap_or_default();
    let words: [&[u8]; 3] = [b"\"dtype\"", b"\"data_offsets\"", b"\"__metadata__\""];
    words.iter().any(|word| head.windows(word.len()).any(|window| window == *word))
}

fn table(
    bytes: &Bytes,
    declared: u64,
    fits: bool,
    budget: &Arc<Budget>,
) -> Result<Weights, Refusal> {
    let mut flaws = Flaws::default();
    if !fits {
        let why = format!(
            "header length {declared} exceeds the {} bytes that follow it",
            bytes.len().saturating_sub(PREFIX),
        );
        flaws.note(FlawKind::HeaderSize, 0, why);
    } else if declared > LONGEST_HEADER {
        let why = format!("header length {declared} exceeds the limit of {LONGEST_HEADER}");
        flaws.note(FlawKind::HeaderSize, 0, why);
    }
    let end = if fits { PREFIX.saturating_add(declared) } else { bytes.len() };
    let mut header = header::read(bytes, PREFIX..end, &mut flaws, budget)?;
    let mut unowned = Vec::new();
    let data = match header.closed {
        // Where the length lies, the data can only begin behind the header's last brace.
        Some(closed) if !fits => {
            unowned.push(closed..bytes.len());
            None
        }
        Some(closed) => {
            unowned.extend(padding(bytes, closed..end, &mut flaws));
            Some(end..bytes.len())
        }
        // Without a whole table nobody owns the data: all of it is judged in its own right.
        None => {
            unowned.push(if fits { end..bytes.len() } else { bytes.len()..bytes.len() });
            None
        }
    };
    let base = data.as_ref().map_or(end, |data| data.start);
    for tensor in &mut header.tensors {
        let Range { start, end } = tensor.range;
        tensor.range = start.saturating_add(base)..end.saturating_add(base);
    }
    if let Some(data) = data {
        unowned.extend(claim(bytes, &header.tensors, data, 1, &mut flaws));
    }
    unowned.retain(|range| !range.is_empty());
    Ok(Weights {
        format: SAFETENSORS.name,
        bytes: bytes.clone(),
        big_endian: false,
        tensors: header.tensors,
        texts: header.texts,
        flaws: flaws.finish(),
        unowned,
        gaps: header.gaps,
    })
}

/// What follows the header's last brace up to its declared end: spaces, and nothing else.
fn padding(bytes: &Bytes, range: Range<u64>, flaws: &mut Flaws) -> Option<Range<u64>> {
    let mut cursor = bytes.cursor();
    cursor.seek(range.start);
    while cursor.position() < range.end {
        let left = usize::try_from(range.end.saturating_sub(cursor.position()));
        let window = cursor.peek(1).ok()?;
        let window = window.get(..left.unwrap_or(usize::MAX).min(window.len()))?;
        let spaces = window.iter().take_while(|&&byte| byte == b' ').count();
        let (whole, seen) = (spaces == window.len(), window.get(spaces).copied());
        cursor.take(spaces).ok()?;
        if !whole {
            let at = cursor.position();
            let seen = seen.map(|byte| byte.escape_ascii().to_string()).unwrap_or_default();
            let why = format!("expected only spaces behind the header's object, got `{seen}`");
            flaws.note(FlawKind::HeaderSyntax, at, why);
            return Some(at..range.end);
        }
    }
    None
}

/// A header that takes more memory than this is not read to its end.
fn too_large(at: u64) -> Refusal {
    let limit = crate::weights::MOST_MEMORY >> 20;
    Refusal::new(at, Gap::LargeMemory, format!("the table takes more than {limit} MiB of memory"))
}

/// The length in front of the header.
const PREFIX: u64 = 8;

#[cfg(test)]
#[path = "safetensors/tests.rs"]
mod tests;
