//! Rules of signatures and signers.

use modelward_core::{Class, Rule, Severity};

/// A signature that does not hold.
pub(super) static INVALID: Rule = Rule {
    id: "MW2001",
    name: "signature-invalid",
    severity: Severity::Critical,
    title: "the signature does not hold",
    why: "A signature binds a key to exact bytes. This one does not fit the bytes it came with and the \
          key that ought to have made it: the list of files was changed, the signature is of something \
          else, or it was never made with that key. Nothing in the bundle can be relied on.",
    advice: "Do not load the model. Get the model and its signature anew from the publisher, and \
             compare the key through another channel.",
    class: Class::Integrity,
    cwe: &[347],
};

/// A signer whom the user does not trust.
pub(super) static UNTRUSTED: Rule = Rule {
    id: "MW2002",
    name: "signer-untrusted",
    severity: Severity::High,
    title: "nobody whom you trust has signed this",
    why: "Anybody can sign a model with a key of their own, so a signature is worth as much as the \
          signer. This one was made with another key than the one you gave, or by a certificate that \
          leads to none of your roots, or by somebody else than you expect.",
    advice: "Ask the publisher which key or authority signs, through a channel that the model did not \
             come by; never take the key from beside the model.",
    class: Class::Integrity,
    cwe: &[347, 295],
};

/// A certificate before or after its time.
pub(super) static OUTSIDE_VALIDITY: Rule = Rule {
    id: "MW2003",
    name: "certificate-outside-validity",
    severity: Severity::High,
    title: "a certificate is not valid at this time",
    why: "A certificate vouches for its key between two dates. Outside of them the authority vouches for \
          nothing: keys leak in time, and what became of this one is not watched any more. No timestamp \
          in the bundle proves that it was made within the dates.",
    advice: "If you know when the model was signed, say so with `--at 2026-02-01T00:00:00Z`; otherwise \
             ask the publisher to sign again.",
    class: Class::Integrity,
    cwe: &[298],
};

/// A certificate for something else.
pub(super) static WRONG_PURPOSE: Rule = Rule {
    id: "MW2004",
    name: "certificate-wrong-purpose",
    severity: Severity::High,
    title: "a certificate is not for signing models",
    why: "An authority says what a certificate is for. One for servers, or one that may not certify \
          others and does so, was not meant to vouch for a model; accepting it would let every server \
          under the same authority sign.",
    advice: "Have the model signed with a certificate for code signing, issued by an authority that may \
             issue it.",
    class: Class::Integrity,
    cwe: &[295],
};

/// A bundle that breaks its format.
pub(super) static BUNDLE_MALFORMED: Rule = Rule {
    id: "MW2005",
    name: "bundle-malformed",
    severity: Severity::High,
    title: "the signature file breaks its format",
    why: "A signature is read strictly, since whatever two programs read in two ways can be signed in \
          one sense and loaded in the other: a key that is there twice, bytes after the end, two kinds \
          of signer. No tool that keeps to the specification writes such a file.",
    advice: "Get the signature anew from the publisher; if it is broken there too, have it made again.",
    class: Class::Integrity,
    cwe: &[347, 20],
};

/// A statement that breaks its format or contradicts itself.
pub(super) static STATEMENT_UNSOUND: Rule = Rule {
    id: "MW2006",
    name: "statement-unsound",
    severity: Severity::High,
    title: "what was signed contradicts itself or its format",
    why: "The list of files in a signature has to be complete and of one meaning: each file once, by a \
          plain relative name, with digests of one kind that give the root. In this one something is \
          missing, doubled, out of range or of a form that leaves open which files it covers.",
    advice: "Ask the publisher to sign again with a tool that keeps to OpenSSF Model Signing v1.0.",
    class: Class::Integrity,
    cwe: &[347, 354],
};

/// A bundle that does not name its key.
pub(super) static HINT_MISSING: Rule = Rule {
    id: "MW2007",
    name: "hint-missing",
    severity: Severity::Low,
    title: "the signature does not say which key made it",
    why: "A bundle names its key by a digest, so that a mix-up of keys is told from a forgery. This one \
          names none. The signature was checked with the key you gave all the same.",
    advice: "Nothing has to be done; a newer tool would write the hint.",
    class: Class::Integrity,
    cwe: &[],
};
