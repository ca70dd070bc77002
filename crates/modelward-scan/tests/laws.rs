//! The law behind `docs/bypasses.md`: however an effect is written down, and whatever it is
//! carried in, its verdict stays what it is.
//!
//! `PROPTEST_CASES` sets the number of encodings for each class of effects.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]

mod carriers;
mod pickles;

use carriers::{Carrier, NAMES};
use modelward_core::{Outcome, Place};
use modelward_scan::{Context, Examined, examine};
use pickles::{Choices, Effect, encode, objects};
use proptest::prelude::*;

/// An effect, and one way to write it down and carry it.
#[derive(Clone)]
struct Encoding {
    bytes: Vec<u8>,
    name: &'static str,
    carriers: Vec<Carrier>,
    effect: Effect,
    pickle: Vec<u8>,
}

impl std::fmt::Debug for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pickle = self.pickle.escape_ascii();
        write!(f, "`{}` in {:?}: {:?}\nb\"{pickle}\"", self.name, self.carriers, self.effect)
    }
}

/// Encodings of what `effect` makes of its choices.
fn encodings(
    harmless: bool,
    effect: impl Fn(&mut Choices<'_>) -> Effect,
) -> impl Strategy<Value = Encoding> {
    let choices = |most| proptest::collection::vec(any::<u8>(), 0..most);
    (choices(40), choices(400), choices(8)).prop_map(move |(object, style, carried)| {
        let effect = effect(&mut Choices::new(&object));
        let pickle = encode(&effect, &mut Choices::new(&style));
        let mut choices = Choices::new(&carried);
        let (mut bytes, mut carriers) = (pickle.clone(), Vec::new());
        for _ in 0..choices.below(3) {
            let carrier = choices.of(&Carrier::ALL);
            let name = choices.of(&NAMES);
            // An archive whose bytes stand unchanged in something else is two files in one: right
            // to be found, and no writer's work.
            let doubled = bytes.starts_with(b"PK") && carrier.keeps_bytes();
            if carrier.takes(&bytes) && !(harmless && doubled) {
                bytes = carrier.carry(&bytes, name);
                carriers.push(carrier);
            }
        }
        Encoding { bytes, name: choices.of(&NAMES), carriers, effect, pickle }
    })
}

fn examined(encoding: &Encoding) -> Examined {
    let bytes = encoding.bytes.as_slice().into();
    examine(&Place::file(encoding.name), &bytes, &Context::default())
}

/// What was found, for the message of a failure.
fn shown(examined: &Examined) -> String {
    let findings = examined.findings.iter();
    let findings = findings.map(|f| format!("{} {}: {}", f.rule.id, f.place, f.message));
    let unread =
        examined.unread.iter().map(|gap| format!("{} {}: {}", gap.rule, gap.place, gap.why));
    findings.chain(unread).collect::<Vec<_>>().join("\n")
}

fn command(choices: &mut Choices<'_>) -> Effect {
    let (module, name) = choices.of(&[("os", "system"), ("posix", "system"), ("nt", "system")]);
    Effect::call(module, name, vec![Effect::text("x")])
}

fn evaluation(choices: &mut Choices<'_>) -> Effect {
    let (module, name) = choices.of(&[
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "__import__"),
        ("runpy", "run_path"),
        ("subprocess", "Popen"),
    ]);
    Effect::call(module, name, vec![Effect::text("x")])
}

fn unlisted(choices: &mut Choices<'_>) -> Effect {
    let (module, name) = choices.of(&[("mine", "Model"), ("__main__", "TrainingArguments")]);
    let arguments = (0..choices.below(3)).map(|_| objects::plain(choices, 1)).collect();
    Effect::call(module, name, arguments)
}

/// A few seconds in all; `PROPTEST_CASES` overrides it.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(4000),
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_command_is_malicious_however_it_is_written(
        encoding in encodings(false, |choices| objects::hidden(command(choices), choices))
    ) {
        let examined = examined(&encoding);
        prop_assert_eq!(examined.outcome(), Outcome::Malicious, "{}", shown(&examined));
    }

    #[test]
    fn code_is_malicious_however_it_is_written(
        encoding in encodings(false, |choices| objects::hidden(evaluation(choices), choices))
    ) {
        let examined = examined(&encoding);
        prop_assert_eq!(examined.outcome(), Outcome::Malicious, "{}", shown(&examined));
    }

    #[test]
    fn an_unlisted_call_is_unknown_however_it_is_written(
        encoding in encodings(false, unlisted)
    ) {
        let examined = examined(&encoding);
        prop_assert_eq!(examined.outcome(), Outcome::Unknown, "{}", shown(&examined));
    }

    #[test]
    fn an_unlisted_call_within_a_model_is_never_clean(
        encoding in encodings(false, |choices| objects::hidden(unlisted(choices), choices))
    ) {
        let examined = examined(&encoding);
        prop_assert!(examined.outcome() >= Outcome::Unknown, "{}", shown(&examined));
    }

    #[test]
    fn a_model_is_clean_however_it_is_written(encoding in encodings(true, objects::harmless)) {
        let examined = examined(&encoding);
        prop_assert_eq!(examined.outcome(), Outcome::Clean, "{}", shown(&examined));
    }
}
