//! Checks of pickle programs.

use modelward_core::{Evidence, Findings, Severity};

use crate::Entry;

mod arrow_array;
mod broken_after_effect;
mod code_object;
mod compatibility;
mod computed_name;
mod dotted_name;
mod expansion_bomb;
mod extension_code;
pub(crate) mod facts;
mod forbidden_argument;
mod foreign_call;
mod frame_straddle;
mod functions;
mod further_stream;
pub(crate) mod judge;
pub(crate) mod known;
mod matching;
pub(crate) mod nested_payload;
mod numpy_dtype;
mod persistent_id;
mod shadowed_memo;
pub(crate) mod shape;
mod shown;
mod tensor_layout;
mod unlisted_call;
mod unlisted_import;
mod unlisted_state;

pub(crate) const CHECKS: &[Entry] = &[
    Entry::of::<foreign_call::ForeignCall>(),
    Entry::of::<unlisted_call::UnlistedCall>(),
    Entry::of::<unlisted_import::UnlistedImport>(),
    Entry::of::<forbidden_argument::ForbiddenArgument>(),
    Entry::of::<dotted_name::DottedName>(),
    Entry::of::<computed_name::ComputedName>(),
    Entry::of::<broken_after_effect::BrokenAfterEffect>(),
    Entry::of::<further_stream::FurtherStream>(),
    Entry::of::<extension_code::ExtensionCode>(),
    Entry::of::<frame_straddle::FrameStraddle>(),
    Entry::of::<unlisted_state::UnlistedState>(),
    Entry::of::<code_object::CodeObject>(),
    Entry::of::<expansion_bomb::ExpansionBomb>(),
    Entry::of::<nested_payload::NestedPayload>(),
    Entry::of::<shadowed_memo::ShadowedMemo>(),
    Entry::of::<persistent_id::PersistentId>(),
    Entry::of::<tensor_layout::TensorLayout>(),
];

impl judge::Judged {
    /// Report the effects of one kind. One that only is not proven harmless is never worse than
    /// medium, and one that surely does harm never milder than its rule.
    fn report(&self, kind: judge::Kinds, out: &mut Findings<'_>) {
        // Past so many findings of a rule the rest is only counted: the worst come first.
        let of_kind = |effect: &&judge::Effect| effect.kind == kind;
        let mut effects = self.effects.iter().filter(of_kind).collect::<Vec<_>>();
        effects.sort_by_key(|effect| !effect.dangerous);
        for effect in effects {
            let evidence = Evidence::bytes(effect.at, effect.shown.as_str());
            let message = effect.message.as_str();
            match (&effect.allow, effect.harmful) {
                _ if effect.dangerous => out.report_as(Severity::Critical, message, evidence),
                (Some(allow), _) => out.report_allowable(message, evidence, allow.as_str()),
                (None, true) => {
                    out.report_as(out.severity().max(Severity::High), message, evidence)
                }
                (None, false) => {
                    out.report_as(out.severity().min(Severity::Medium), message, evidence)
                }
            }
        }
    }
}
