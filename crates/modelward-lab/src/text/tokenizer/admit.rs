//! How much longer than its text a tokenizer's work may become.
//!
//! The model looks up every part of a word: with longer words, pieces or prefixes than real files have,
//! one text would take hours. They have words of 100 characters and pieces of less.
//!
//! Each `Replace` may write a long text for a short one, each template may hold its text often and
//! each special token many ids; in a row they multiply. Real files write one character for one or
//! few, and two or three tokens around a text.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use modelward_engine::{Result, Trouble};
use serde_json::Value;

/// The most times that all normalizers, splitters and processors together may lengthen a text.
const GROWTH: usize = 1 << 12;

/// The most pieces of a list that stands in these parts.
const PIECES: usize = 1 << 10;

/// The most characters of a word that is looked up part by part (`WordPiece`).
const WORD: u64 = 1000;

/// The most characters of what is put before or behind each part.
const AFFIX: usize = 64;

/// The most characters of a piece whose beginnings are all looked up (`Unigram`).
const PIECE: usize = 256;

/// Refuse a file whose model could work on a word or piece without bounds.
pub(super) fn work(file: &Value) -> Result<()> {
    let Some(model) = file.get("model") else { return Ok(()) };
    let refuse = |what: &str, got: u64, most: u64| {
        Err(Trouble::limit(format!("a tokenizer with {what} of {got} characters, over {most}")))
    };
    let word = model.get("max_input_chars_per_word").and_then(Value::as_u64);
    if let Some(word) = word.filter(|word| *word > WORD) {
        return refuse("words", word, WORD);
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
        let affix = model.get(key).and_then(Value::as_str).map_or(0, |affix| affix.chars().count());
        if affix > AFFIX {
            return refuse(&format!("a `{key}`"), affix as u64, AFFIX as u64);
        }
    }
    // Pieces with their scores; other models have a map here.
    let pieces = model.get("vocab").and_then(Value::as_array).map(Vec::as_slice);
    for piece in pieces.unwrap_or_default() {
        let piece = piece.get(0).and_then(Value::as_str).map_or(0, |piece| piece.chars().count());
        if piece > PIECE {
            return refuse("a piece", piece as u64, PIECE as u64);
        }
    }
    Ok(())
}

/// Refuse a file that could lengthen a text without bounds.
pub(super) fn growth(file: &Value) -> Result<()> {
    let mut growth = 1_usize;
    for part in ["normalizer", "pre_tokenizer", "post_processor"] {
        let Some(part) = file.get(part) else { continue };
        growth = growth.saturating_mul(of(part)?);
    }
    if growth > GROWTH {
        let why = format!("a tokenizer may make a text {growth} times as long, over {GROWTH}");
        return Err(Trouble::limit(why));
    }
    Ok(())
}

/// How much longer one part may make a text.
fn of(part: &Value) -> Result<usize> {
    let mut growth = 1_usize;
    match part {
        Value::Array(parts) => {
            if parts.len() > PIECES {
                let why = format!("a list of {} in a tokenizer, over {PIECES}", parts.len());
                return Err(Trouble::limit(why));
            }
            for part in parts {
                growth = growth.saturating_mul(of(part)?);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                let own = match (key.as_str(), field) {
                    // Written for a match, or put before the text: by its length.
                    ("content" | "prepend" | "replacement", Value::String(text)) => {
                        text.chars().count().max(1)
                    }
                    ("ids" | "single", Value::Array(parts)) => {
                        // Their parts are names and numbers, which lengthen nothing by themselves.
                        parts.len().max(1)
                    }
                    ("precompiled_charsmap", Value::String(map)) => longest(map),
                    // One text alone is read.
                    ("pair", _) => 1,
                    (_, field) => of(field)?,
                };
                growth = growth.saturating_mul(if key == "ids" { own.min(GROWTH) } else { own });
            }
        }
        _ => {}
    }
    Ok(growth)
}

/// The longest text that a map of characters writes for one (SentencePiece: the length of a trie,
/// the trie, then texts that end in a zero, all in base64).
fn longest(map: &str) -> usize {
    let (mut bits, mut count) = (0_u32, 0_u32);
    let mut bytes = Vec::with_capacity(map.len());
    for digit in map.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit.wrapping_sub(b'A'),
            b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits.wrapping_shl(6) | u32::from(value);
        count = count.saturating_add(6);
        if count >= 8 {
            count = count.saturating_sub(8);
            bytes.extend(u8::try_from(bits.wrapping_shr(count) & 0xff));
            bits &= 1_u32.wrapping_shl(count).wrapping_sub(1);
        }
    }
    let trie = bytes.first_chunk().map_or(0, |size| u32::from_le_bytes(*size));
    let texts = usize::try_from(trie).ok().and_then(|trie| bytes.get(trie.checked_add(4)?..));
    let texts = texts.unwrap_or_default().split(|byte| *byte == 0);
    texts.map(<[u8]>::len).max().unwrap_or(0).max(1)
}
