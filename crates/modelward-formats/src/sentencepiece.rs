//! SentencePiece models: a vocabulary with scores and settings, as Protocol Buffers.
//!
//! Every field is walked and must be one that `sentencepiece_model.proto` has, with the wire type
//! it has there; nothing in it is code or a path that is opened on loading.

use std::sync::Arc;

use crate::{
    Asset, Budget, Bytes, Format, Refusal,
    protobuf::{self, Content, Field},
};

/// The `tokenizer.model` of many repositories.
pub const FORMAT: Format = Format { name: "sentencepiece", read };

/// A SentencePiece model.
#[derive(Debug)]
pub struct SentencePiece {
    /// How many pieces it knows.
    pub pieces: u64,
}

impl Asset for SentencePiece {
    fn format(&self) -> &'static str {
        FORMAT.name
    }
}

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    // Field 1, a message whose field 1 is the text of a piece.
    let head = bytes.head(3).ok()?;
    let [0x0a, _, 0x0a] = head.as_slice() else { return None };
    let mut pieces: u64 = 0;
    let mut settings = false;
    let walked = protobuf::fields(bytes, &mut |field| match (field.number, field.content) {
        (1, Content::Bytes(at, length)) => {
            pieces = pieces.saturating_add(1);
            budget.tick(at)?;
            piece(&bytes.slice(at, length)?)
        }
        (2 | 3 | 5, Content::Bytes(at, length)) => {
            settings = true;
            protobuf::fields(&bytes.slice(at, length)?, &mut |_| Ok(()))
        }
        (4, Content::Bytes(..)) => Ok(()),
        _ => unknown(),
    });
    (walked.is_ok() && settings).then(|| Ok(Box::new(SentencePiece { pieces }) as Box<dyn Asset>))
}

/// `SentencePiece`: piece, score, type.
fn piece(bytes: &Bytes) -> Result<(), Refusal> {
    protobuf::fields(bytes, &mut |Field { number, content }| match (number, content) {
        (1, Content::Bytes(..)) | (2, Content::Fixed32) | (3, Content::Varint(_)) => Ok(()),
        _ => unknown(),
    })
}

fn unknown() -> Result<(), Refusal> {
    Err(Refusal::truncated(0, "a field that SentencePiece does not have"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vocabulary_is_read_and_nothing_else() {
        let piece = b"\x0a\x0e\x0a\x05<unk>\x15\0\0\0\0\x18\x02";
        let settings = b"\x12\x04\x0a\x02ab\x1a\x03\x0a\x01x";
        let is = |bytes: &[u8]| read(&bytes.into(), &Arc::default()).is_some();
        let model = [&piece[..], piece, settings].concat();
        assert!(is(&model));
        assert!(!is(piece) && !is(&model[..model.len() - 1]));
        assert!(!is(&[&model[..], b"\x80\x02cos\nsystem\n."].concat()));
    }
}
