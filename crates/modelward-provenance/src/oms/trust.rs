//! Who signed a bundle, and whether the user trusts them.

use std::fmt;

use crate::{
    Defect, Kind,
    keys::PublicKey,
    oms::{
        bundle::{Bundle, Material},
        envelope::{self, IN_TOTO},
    },
    x509::{self, Moment, Roots},
};

/// Whom the user trusts.
#[derive(Clone, Copy)]
pub enum Trust<'a> {
    /// The holder of a key.
    Key(&'a PublicKey),
    /// Those to whom an authority gave a certificate.
    Roots {
        /// The authorities.
        roots: &'a Roots,
        /// When the certificates have to be valid.
        at: Moment,
        /// The one subject that may have signed, by its common name or in full.
        subject: Option<&'a str>,
    },
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedBy {
    /// The key that the user gave, by its hint.
    Key(String),
    /// A certificate.
    Certificate {
        /// Its subject.
        subject: String,
        /// The first and the last second of its validity.
        valid: (Moment, Moment),
    },
}

/// A bundle whose signature holds.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The bytes that were signed.
    pub payload: Vec<u8>,
    /// Who signed them.
    pub signed_by: SignedBy,
    /// Whether they were signed in the way of model-signing 0.2.0.
    pub(crate) old: bool,
}

/// Open a bundle: its payload where somebody whom the user trusts has signed it, and what is wrong
/// with the bundle or its signer. What the payload says is for the caller to read; a payload beside
/// defects is of a signer who is known, and not to be relied on.
pub fn open(bundle: &[u8], trust: &Trust<'_>) -> (Option<Opened>, Vec<Defect>) {
    match open_any(bundle, trust) {
        (Some(opened), mut defects) if opened.old => {
            defects.push(old_encoding());
            (None, defects)
        }
        opened => opened,
    }
}

/// A signature over the defective encoding of model-signing 0.2.0, where nothing of that version is.
pub(crate) fn old_encoding() -> Defect {
    let why =
        "signed over the defective encoding of model-signing 0.2.0, which later versions never use";
    Defect::of_signature(Kind::SignatureInvalid, why)
}

/// Open a bundle that may be of model-signing 0.2.0.
pub(crate) fn open_any(bundle: &[u8], trust: &Trust<'_>) -> (Option<Opened>, Vec<Defect>) {
    let bundle = match Bundle::read(bundle) {
        Ok(bundle) => bundle,
        Err(why) => return (None, vec![Defect::of_signature(Kind::BundleMalformed, why)]),
    };
    let (signer, mut defects) = signer(&bundle, trust);
    let Some((key, signed_by)) = signer else { return (None, defects) };
    let message = envelope::signed_bytes(IN_TOTO, &bundle.payload);
    let flaw = match key.verify(&message, &bundle.signature) {
        Ok(()) => {
            return (Some(Opened { payload: bundle.payload, signed_by, old: false }), defects);
        }
        Err(flaw) => flaw,
    };
    let message = envelope::signed_bytes_of_old(IN_TOTO, &bundle.payload);
    if key.verify_sha256(&message, &bundle.signature).is_ok() {
        return (Some(Opened { payload: bundle.payload, signed_by, old: true }), defects);
    }
    defects.push(Defect::of_signature(Kind::SignatureInvalid, flaw.to_string()));
    (None, defects)
}

/// The key that has to have signed, and whose it is.
fn signer(bundle: &Bundle, trust: &Trust<'_>) -> (Option<(PublicKey, SignedBy)>, Vec<Defect>) {
    let untrusted = |why: &str| (None, vec![Defect::of_signature(Kind::SignerUntrusted, why)]);
    match (trust, &bundle.material) {
        (Trust::Key(key), Material::Key { hint, raw }) => {
            of_key(key, hint.as_deref(), raw.as_deref())
        }
        (Trust::Roots { roots, at, subject }, Material::Chain(chain)) => {
            of_chain(chain, roots, *at, *subject)
        }
        (Trust::Key(_), Material::Chain(_)) => {
            untrusted("expected a signature by the given key, found one by a certificate")
        }
        (Trust::Roots { .. }, Material::Key { .. }) => {
            untrusted("expected a signature by a certificate, found one by a bare key")
        }
        (_, Material::Keyless(_)) => {
            untrusted("the signature is keyless; it is verified against a `--trusted-root`")
        }
    }
}

fn of_key(
    key: &PublicKey,
    hint: Option<&str>,
    raw: Option<&[u8]>,
) -> (Option<(PublicKey, SignedBy)>, Vec<Defect>) {
    let own = key.hint();
    let other = |found: &str| {
        let mut defect = Defect::of_signature(
            Kind::SignerUntrusted,
            "another key signed than the one that was given",
        );
        defect.shown =
            Some(format!("expected the key {own}, found {}", crate::oms::json::brief(found)));
        (None, vec![defect])
    };
    let mut defects = Vec::new();
    match (hint, raw) {
        (Some(hint), _) if hint != own => return other(hint),
        (Some(_), _) => {}
        (None, Some(raw)) => {
            let known = PublicKey::read(raw).ok().or_else(|| PublicKey::from_spki(raw));
            match known.map(|known| known.hint()) {
                Some(known) if known == own => {}
                Some(known) => return other(&known),
                None => return other("one that cannot be read"),
            }
        }
        (None, None) => defects.push(Defect::of_signature(
            Kind::HintMissing,
            "the bundle does not say which key signed; trust comes from the given key alone",
        )),
    }
    (Some((key.clone(), SignedBy::Key(own))), defects)
}

fn of_chain(
    chain: &[Vec<u8>],
    roots: &Roots,
    at: Moment,
    subject: Option<&str>,
) -> (Option<(PublicKey, SignedBy)>, Vec<Defect>) {
    let (signer, mut defects) = x509::check(chain, roots, at);
    let Some(signer) = signer else { return (None, defects) };
    if defects.iter().any(|defect| defect.kind == Kind::SignerUntrusted) {
        return (None, defects);
    }
    if let Some(wanted) = subject.filter(|wanted| !signer.is(wanted)) {
        let why = format!("signed by `{}`, expected `{wanted}`", signer.name());
        defects.push(Defect::of_signature(Kind::SignerUntrusted, why));
        return (None, defects);
    }
    let signed_by =
        SignedBy::Certificate { subject: signer.name().to_owned(), valid: signer.valid };
    (Some((signer.key, signed_by)), defects)
}

impl fmt::Display for SignedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(hint) => write!(f, "key {hint}"),
            Self::Certificate { subject, valid } => {
                let (from, to) = valid;
                write!(f, "`{subject}`, certificate valid from {from} to {to}")
            }
        }
    }
}
