//! Texts taken apart at spaces, where what stands between two of them becomes the same tokens in any
//! text: an edit changes one piece, and the others are known.
//!
//! That holds for tokenizers whose normalizers look at a character and its marks alone, and which part
//! words at spaces: those of BERT and its kin. What else there is takes whole texts.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::{cell::RefCell, collections::HashMap};

use serde_json::Value;
use tokenizers::{Encoding, Error, Token, Tokenizer};

/// The most pieces that are kept.
const KEPT: usize = 1 << 16;

/// The most bytes of one that is kept.
const LONGEST: usize = 256;

/// Pieces and their tokens.
#[derive(Clone, Default)]
pub(super) struct Pieces {
    known: RefCell<HashMap<String, Vec<u32>>>,
}

impl Pieces {
    /// For a tokenizer's file; `None` where a piece may hang on what stands around it.
    pub(super) fn of(file: &Value) -> Option<Self> {
        let parts = file.get("pre_tokenizer").and_then(|part| part.get("type")?.as_str());
        let parts = matches!(parts, Some("BertPreTokenizer" | "Whitespace" | "WhitespaceSplit"));
        let tokens = file.get("added_tokens").and_then(Value::as_array).map(Vec::as_slice);
        let plain = tokens.unwrap_or_default().iter().all(|token| {
            let is_set = |key: &str| token.get(key).is_some_and(|flag| flag != &Value::Bool(false));
            let content = token.get("content").and_then(Value::as_str).unwrap_or(" ");
            !["single_word", "lstrip", "rstrip"].into_iter().any(is_set)
                && !content.contains(char::is_whitespace)
        });
        (parts && plain && file.get("normalizer").is_none_or(by_character)).then(Self::default)
    }

    /// The tokens of a text, without those around it; `None` where it has to be taken whole.
    pub(super) fn tokens(&self, inner: &Tokenizer, text: &str) -> Result<Option<Encoding>, Error> {
        let mut tokens = Vec::new();
        for piece in text.split(' ').filter(|piece| !piece.is_empty()) {
            if let Some(known) = self.known.borrow().get(piece) {
                tokens.extend(known.iter().copied().map(token));
                continue;
            }
            let encoding = inner.encode_fast(piece, false)?;
            if !encoding.get_overflowing().is_empty() {
                return Ok(None);
            }
            tokens.extend(encoding.get_ids().iter().copied().map(token));
            let mut known = self.known.borrow_mut();
            if known.len() >= KEPT {
                known.clear();
            }
            if piece.len() <= LONGEST {
                known.insert(piece.to_owned(), encoding.get_ids().to_vec());
            }
        }
        Ok(Some(Encoding::from_tokens(tokens, 0)))
    }
}

/// Only its number counts here.
fn token(id: u32) -> Token {
    Token::new(id, String::new(), (0, 0))
}

/// Whether a normalizer makes of each character, with its marks, the same in any text, and no space of
/// what is none.
fn by_character(normalizer: &Value) -> bool {
    if normalizer.is_null() {
        return true;
    }
    match normalizer.get("type").and_then(Value::as_str) {
        Some("BertNormalizer" | "Lowercase" | "StripAccents" | "NFC" | "NFD") => true,
        Some("Sequence") => {
            let parts = normalizer.get("normalizers").and_then(Value::as_array);
            parts.is_some_and(|parts| parts.iter().all(by_character))
        }
        _ => false,
    }
}
