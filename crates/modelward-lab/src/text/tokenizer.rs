//! A tokenizer's file: `tokenizer.json` of Hugging Face, or the `vocab.txt` of a BERT.
//!
//! The crate `tokenizers` turns texts into tokens. What it would do on a hostile file is bounded
//! before it sees the file: how large it is, how much longer a text can grow, and that a panic of the
//! crate is an error here.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use modelward_engine::{Kind, Result, Trouble};
use serde_json::{Value, json};
use tokenizers::{Encoding, Tokenizer as Inner, TruncationParams};

use crate::text::guard::guarded;

mod admit;
mod pieces;
mod vocabulary;

use self::pieces::Pieces;

/// The most bytes of a tokenizer's file.
pub const MOST: u64 = 64 << 20;

/// The most tokens of a text, where neither file nor user says fewer.
const USUAL: usize = 512;

/// The most that can be asked for.
const LONGEST: usize = 1 << 16;

/// What turns a text into tokens, as deployed.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Inner,
    kind: String,
    most: usize,
    unknown: Option<u32>,
    padding: Padding,
    /// Where texts can be taken apart.
    pieces: Option<Pieces>,
}

/// How a text that is shorter than others is filled up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// The token.
    pub id: u32,
    /// Its type.
    pub kind: u32,
    /// Whether it stands before the text.
    pub before: bool,
    /// The length that every text is given.
    pub length: Option<usize>,
}

/// The tokens of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tokens {
    /// Their numbers in the vocabulary.
    pub ids: Vec<u32>,
    /// Their types, 0 for all of one text as a rule.
    pub kinds: Vec<u32>,
    /// Whether the text was longer than the model takes.
    pub cut: bool,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("kind", &self.kind).field("most", &self.most).finish()
    }
}

impl Tokenizer {
    /// Read a file; at most so many tokens of each text, where the user says it.
    ///
    /// # Errors
    /// Where it is no tokenizer, or one that could make a text grow without bounds.
    pub fn read(bytes: &[u8], most: Option<usize>) -> Result<Self> {
        if u64::try_from(bytes.len()).is_ok_and(|len| len > MOST) {
            let why = format!("a tokenizer of {} bytes, over the limit of {MOST}", bytes.len());
            return Err(Trouble::limit(why));
        }
        let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let mut file = if is_json {
            serde_json::from_slice::<Value>(bytes).map_err(|error| {
                Trouble::new(Kind::Malformed, format!("expected a tokenizer in JSON, got {error}"))
            })?
        } else {
            vocabulary::read(bytes)?
        };
        let described = Described::take(&mut file)?;
        admit::growth(&file)?;
        admit::work(&file)?;
        let most = most.or(described.most).unwrap_or(USUAL);
        if most == 0 || most > LONGEST {
            let why = format!("expected from 1 to {LONGEST} tokens of a text, got {most}");
            return Err(Trouble::new(Kind::Input, why));
        }
        let bytes = serde_json::to_vec(&file)
            .map_err(|error| Trouble::new(Kind::Malformed, error.to_string()))?;
        let broken = |error: tokenizers::Error| {
            let why = format!("expected a tokenizer, got one that cannot be read: {error}");
            Trouble::new(Kind::Malformed, short(&why))
        };
        let mut inner =
            guarded(|| Inner::from_bytes(&bytes)).ok_or_else(gave_up)?.map_err(broken)?;
        let cut = TruncationParams { max_length: most, stride: 0, ..TruncationParams::default() };
        let set = guarded(|| inner.with_truncation(Some(cut)).map(|_| ()));
        set.ok_or_else(gave_up)?.map_err(broken)?;
        let find = |token: &str| inner.token_to_id(token);
        let unknown = described.unknown.or_else(|| find(described.unknown_token.as_deref()?));
        let mut padding = described.padding.unwrap_or_default();
        if described.padding.is_none() {
            padding.id = ["[PAD]", "<pad>"].iter().find_map(|token| find(token)).unwrap_or(0);
        }
        if padding.length.is_some_and(|length| length > LONGEST) {
            return Err(Trouble::limit(format!("expected at most {LONGEST} tokens of padding")));
        }
        let pieces = Pieces::of(&file);
        Ok(Self { inner, kind: described.kind, most, unknown, padding, pieces })
    }

    /// The kind of its model: `WordPiece`, `BPE`, `Unigram`, `WordLevel`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The token for what the vocabulary does not have.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// How short texts are filled up.
    pub fn padding(&self) -> Padding {
        self.padding
    }

    /// The most tokens of a text.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Take at most so many tokens of a text.
    ///
    /// # Errors
    /// Where not even the tokens around a text fit.
    pub fn cut_to(&mut self, most: usize) -> Result<()> {
        if most >= self.most {
            return Ok(());
        }
        let cut = TruncationParams { max_length: most, stride: 0, ..TruncationParams::default() };
        let set = guarded(|| self.inner.with_truncation(Some(cut)).map(|_| ()));
        set.ok_or_else(gave_up)?.map_err(|error| {
            let why = format!("expected a model for more than {most} tokens: {error}");
            Trouble::new(Kind::Input, short(&why))
        })?;
        self.most = most;
        Ok(())
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// Where the tokenizer cannot read it: a character has no token. A pattern of the file that takes
    /// too long is none: it finds nothing more in the text.
    pub fn tokens(&self, text: &str) -> Result<Tokens> {
        let encoding = guarded(|| self.encoding(text)).ok_or_else(gave_up)?;
        let encoding = encoding.map_err(|error| {
            let why = format!("the tokenizer cannot read a text of the data: {error}");
            Trouble::new(Kind::Input, short(&why))
        })?;
        Ok(Tokens {
            ids: encoding.get_ids().to_vec(),
            kinds: encoding.get_type_ids().to_vec(),
            cut: !encoding.get_overflowing().is_empty(),
        })
    }

    fn encoding(&self, text: &str) -> std::result::Result<Encoding, tokenizers::Error> {
        let pieces = self.pieces.as_ref().map(|pieces| pieces.tokens(&self.inner, text));
        match pieces.transpose()?.flatten() {
            Some(tokens) => self.inner.post_process(tokens, None, true),
            None => self.inner.encode_fast(text, true),
        }
    }
}

/// What a file says that is done here and not by the crate, and what it calls its tokens.
struct Described {
    kind: String,
    most: Option<usize>,
    unknown: Option<u32>,
    unknown_token: Option<String>,
    padding: Option<Padding>,
}

impl Described {
    /// Read it, and take it out of the file: truncation and padding, and what draws random numbers.
    fn take(file: &mut Value) -> Result<Self> {
        let no = || Trouble::new(Kind::Malformed, "expected a tokenizer with a `model`, got none");
        let number = |value: Option<&Value>| value?.as_u64()?.try_into().ok();
        let small = |value: Option<&Value>| -> Option<u32> { value?.as_u64()?.try_into().ok() };
        let top = file.as_object_mut().ok_or_else(no)?;
        let truncation = top.insert("truncation".into(), Value::Null);
        let most = number(truncation.as_ref().and_then(|value| value.get("max_length")));
        let padding = top.insert("padding".into(), Value::Null);
        let padding = padding.filter(Value::is_object).map(|padding| Padding {
            id: small(padding.get("pad_id")).unwrap_or(0),
            kind: small(padding.get("pad_type_id")).unwrap_or(0),
            before: padding.get("direction").and_then(Value::as_str) == Some("Left"),
            length: number(padding.get("strategy").and_then(|value| value.get("Fixed"))),
        });
        let model = top.get_mut("model").and_then(Value::as_object_mut).ok_or_else(no)?;
        let has = |key: &str| model.contains_key(key);
        let kind = match model.get("type").and_then(Value::as_str) {
            Some(kind) => kind,
            // Files of old versions do not say it.
            None if has("merges") => "BPE",
            None if has("max_input_chars_per_word") => "WordPiece",
            None if has("unk_id") => "Unigram",
            None => "WordLevel",
        };
        let kind = kind.chars().take(40).collect();
        let unknown = small(model.get("unk_id"));
        let token = model.get("unk_token").and_then(Value::as_str);
        let unknown_token = token.map(str::to_owned);
        if model.contains_key("dropout") {
            // Only training drops merges; a number here would make every answer a draw.
            model.insert("dropout".into(), json!(null));
        }
        Ok(Self { kind, most, unknown, unknown_token, padding })
    }
}

fn gave_up() -> Trouble {
    Trouble::new(Kind::Malformed, "expected a tokenizer, got one that breaks its own rules")
        .help("check that the file is the one that the model was trained with")
}

/// Words of the crate, which may quote the file, made short.
fn short(why: &str) -> String {
    why.chars().take(300).collect()
}

#[cfg(test)]
mod tests;
