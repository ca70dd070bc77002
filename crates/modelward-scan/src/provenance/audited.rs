//! Rules that an audit reports of a model nobody was asked to verify.

use modelward_core::{Class, Rule, Severity};

/// A model without a signature.
pub static UNSIGNED_MODEL: Rule = Rule {
    id: "MW2008",
    name: "unsigned-model",
    severity: Severity::Low,
    title: "nobody has signed this model",
    why: "Without a signature there is no telling whether these are the files that the publisher made, \
          or what somebody put in their place on the way. Most public models are unsigned, so by itself \
          this is worth knowing and no more.",
    advice: "Sign what you publish with `modelward sign`; of what you use, keep the digests with \
             `modelward lock`.",
    class: Class::Integrity,
    cwe: &[345],
};

/// A model signed by somebody of whom the policy says nothing.
pub static SIGNER_UNKNOWN: Rule = Rule {
    id: "MW2009",
    name: "signer-unknown",
    severity: Severity::Medium,
    title: "the model is signed by nobody whom the policy knows",
    why: "A signature lies beside the model, and no key, root or identity of the policy says that its \
          maker is to be trusted. Whoever can replace a model can sign it with a key of their own, so \
          such a signature proves nothing yet. Where the policy names nobody at all, this is low.",
    advice: "Get the publisher's key or authority through another channel, and name it in the policy: \
             `public-keys` or `cert-roots` under `[provenance]`.",
    class: Class::Integrity,
    cwe: &[347],
};
