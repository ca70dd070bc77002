//! Certificates made by tests, sound and unsound ones: each part can be replaced by other bytes.

use sha2::{Digest as _, Sha256};

use super::Moment;
use crate::keys::{Curve, SigningKey};

/// An element of DER.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let len = match body.len() {
        len @ 0..=0x7f => vec![u8::try_from(len).unwrap()],
        len => {
            let bytes: Vec<u8> =
                len.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            [vec![0x80 | u8::try_from(bytes.len()).unwrap()], bytes].concat()
        }
    };
    [&[tag], &len[..], &body].concat()
}

pub(crate) fn oid(text: &str) -> Vec<u8> {
    tlv(6, &[der::oid::ObjectIdentifier::new_unwrap(text).as_bytes()])
}

/// An extension.
pub(crate) fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    tlv(0x30, &[&oid(id), flag, &tlv(4, &[value])])
}

/// Whoever has a name and a key.
pub(crate) struct Party {
    pub(crate) name: Vec<u8>,
    pub(crate) key: SigningKey,
}

impl Party {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: common_name(name), key: SigningKey::generate(Curve::P256).unwrap() }
    }
}

pub(crate) fn common_name(name: &str) -> Vec<u8> {
    tlv(0x30, &[&tlv(0x31, &[&tlv(0x30, &[&oid("2.5.4.3"), &tlv(12, &[name.as_bytes()])])])])
}

/// A certificate to be.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) version: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) algorithm: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) valid: (Moment, Moment),
    pub(crate) subject: Vec<u8>,
    pub(crate) spki: Vec<u8>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

/// 2015 to 2055.
pub(crate) const LONG: (Moment, Moment) = (Moment(1_420_070_400), Moment(2_682_374_400));

/// Basic constraints of an authority, with a length of path or none.
pub(crate) fn authority(most: Option<u8>) -> Vec<u8> {
    let most = most.map(|most| tlv(2, &[&[most]])).unwrap_or_default();
    extension("2.5.29.19", true, &tlv(0x30, &[&[1, 1, 0xff], &most]))
}

/// Key usage, by the number of its bit.
pub(crate) fn usage(bit: u8) -> Vec<u8> {
    extension("2.5.29.15", true, &[3, 2, 7 - bit, 0x80 >> bit])
}

pub(crate) const DIGITAL_SIGNATURE: u8 = 0;
pub(crate) const KEY_CERT_SIGN: u8 = 5;

/// Extended key usage.
pub(crate) fn purpose(id: &str) -> Vec<u8> {
    extension("2.5.29.37", false, &tlv(0x30, &[&oid(id)]))
}

impl Draft {
    /// A leaf for code signing.
    pub(crate) fn leaf(subject: &Party, issuer: &Party) -> Self {
        let extensions = vec![usage(DIGITAL_SIGNATURE), purpose("1.3.6.1.5.5.7.3.3")];
        Self::new(subject, issuer, extensions)
    }

    /// An authority, with a length of path or none.
    pub(crate) fn authority(subject: &Party, issuer: &Party, most: Option<u8>) -> Self {
        Self::new(subject, issuer, vec![authority(most), usage(KEY_CERT_SIGN)])
    }

    fn new(subject: &Party, issuer: &Party, extensions: Vec<Vec<u8>>) -> Self {
        let algorithm = tlv(0x30, &[&oid("1.2.840.10045.4.3.2")]);
        Self {
            version: tlv(0xa0, &[&[2, 1, 2]]),
            serial: [&[0x11], &Sha256::digest(subject.key.public().spki())[..7]].concat(),
            algorithm,
            issuer: issuer.name.clone(),
            valid: LONG,
            subject: subject.name.clone(),
            spki: subject.key.public().spki(),
            extensions,
        }
    }

    pub(crate) fn signed_part(&self) -> Vec<u8> {
        let time = |at: Moment| {
            let text: String = at.to_string().chars().filter(char::is_ascii_digit).collect();
            match text.strip_prefix("20") {
                Some(short) if at < Moment(2_524_608_000) => tlv(0x17, &[short.as_bytes(), b"Z"]),
                _ => tlv(0x18, &[text.as_bytes(), b"Z"]),
            }
        };
        let extensions: Vec<&[u8]> = self.extensions.iter().map(Vec::as_slice).collect();
        let extensions = match extensions[..] {
            [] => Vec::new(),
            ref some => tlv(0xa3, &[&tlv(0x30, some)]),
        };
        let valid = tlv(0x30, &[&time(self.valid.0), &time(self.valid.1)]);
        tlv(
            0x30,
            &[
                &self.version,
                &tlv(2, &[&self.serial]),
                &self.algorithm,
                &self.issuer,
                &valid,
                &self.subject,
                &self.spki,
                &extensions,
            ],
        )
    }

    /// The certificate, signed by a key.
    pub(crate) fn sign(&self, key: &SigningKey) -> Vec<u8> {
        let tbs = self.signed_part();
        self.with_signature(&key.sign(&tbs))
    }

    pub(crate) fn with_signature(&self, signature: &[u8]) -> Vec<u8> {
        tlv(0x30, &[&self.signed_part(), &self.algorithm, &tlv(3, &[&[0], signature])])
    }
}
