//! What comes of a judgement: what the checks of this family read.

use modelward_formats::{Asset, Refusal};

/// A pickle file after its judgement: what the checks of this family read.
#[derive(Debug)]
pub(crate) struct Judged {
    /// What is not proven harmless, in program order, one for each name and kind.
    pub(crate) effects: Vec<Effect>,
    /// Where the program breaks off, if it does.
    pub(crate) broken: Option<(u64, String)>,
    /// Offset of bytes behind the last stream that belong to nothing.
    pub(crate) tail: Option<u64>,
    /// Starts of the streams, from the second on, that the format does not ask for.
    pub(crate) further: Vec<u64>,
    /// Storages that lie nowhere, and what exhausts a reader.
    pub(crate) gaps: Vec<Refusal>,
}

impl Asset for Judged {
    fn format(&self) -> &'static str {
        "pickle"
    }
}

/// Something that a program does and that is not proven harmless.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) kind: Kinds,
    /// Offset of the opcode.
    pub(crate) at: u64,
    /// The decompiled line.
    pub(crate) shown: String,
    /// What is wrong with it, as a sentence without a full stop.
    pub(crate) message: String,
    /// Whether it surely does harm, or only is not proven harmless.
    pub(crate) harmful: bool,
    /// Whether it names what is known to be dangerous: critical, whatever its rule says.
    pub(crate) dangerous: bool,
    /// The policy entry that would allow it.
    pub(crate) allow: Option<String>,
}

/// The kinds of effects, one for each rule of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kinds {
    ForeignCall,
    UnlistedCall,
    UnlistedImport,
    ForbiddenArgument,
    DottedName,
    ComputedName,
    ExtensionCode,
    FrameStraddle,
    UnlistedState,
    CodeObject,
    Expansion,
    ShadowedMemo,
    PersistentId,
    TensorLayout,
}
