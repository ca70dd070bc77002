//! The `vocab.txt` of a BERT: a token a line, in the order of their numbers. How text is split is
//! not said there; it is what BERT does, and letters are made small where no token has a large one.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use modelward_engine::{Kind, Result, Trouble};
use serde_json::{Map, Value, json};

/// The most tokens.
const MOST: usize = 1 << 21;

/// The same as a `tokenizer.json`.
pub(super) fn read(bytes: &[u8]) -> Result<Value> {
    let wrong = |why: String| Trouble::new(Kind::Malformed, why);
    let help = "give the `tokenizer.json`, or the `vocab.txt` of a BERT, that came with the model";
    let text = str::from_utf8(bytes).map_err(|_| {
        wrong("expected a tokenizer in JSON or a vocabulary, got other bytes".into())
    })?;
    let mut vocabulary = Map::new();
    for (number, line) in text.lines().enumerate() {
        let token = line.trim_end_matches('\r');
        if number >= MOST {
            return Err(Trouble::limit(format!("a vocabulary of more than {MOST} tokens")));
        }
        vocabulary.entry(token).or_insert_with(|| json!(number));
    }
    let id = |token: &str| {
        vocabulary.get(token).and_then(Value::as_u64).ok_or_else(|| {
            wrong(format!("expected a vocabulary of BERT with `{token}`, found none")).help(help)
        })
    };
    let (unknown, classifier, separator) = ("[UNK]", id("[CLS]")?, id("[SEP]")?);
    id(unknown)?;
    let is_special = |token: &str| token.starts_with('[') && token.ends_with(']');
    let is_large = |token: &String| !is_special(token) && token.chars().any(char::is_uppercase);
    let small = !vocabulary.keys().any(is_large);
    let special = vocabulary.iter().filter(|(token, _)| {
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].contains(&token.as_str())
    });
    let mut special = special
        .map(|(token, id)| {
            json!({"id": id, "content": token, "single_word": false, "lstrip": false,
                   "rstrip": false, "normalized": false, "special": true})
        })
        .collect::<Vec<_>>();
    special.sort_by_key(|token| token.get("id").and_then(Value::as_u64));
    Ok(json!({
        "version": "1.0",
        "added_tokens": special,
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": null, "lowercase": small},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", separator],
                           "cls": ["[CLS]", classifier]},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": unknown, "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": vocabulary},
    }))
}
