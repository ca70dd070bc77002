//! One certificate, read strictly from DER (RFC 5280).

use std::fmt;

use der::{
    Decode as _, Encode as _, Reader as _,
    asn1::{AnyRef, BitString, ObjectIdentifier},
};
use x509_cert::{
    TbsCertificate,
    certificate::Version,
    ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName, name::GeneralName},
    name::Name,
    spki::AlgorithmIdentifierOwned,
};

use super::{
    Moment,
    authority::{Algorithm, Key},
};

/// Bytes of the largest certificate that is read: those of authorities have 1 to 3 KB.
const LARGEST: usize = 64 << 10;

/// Extensions that one certificate may have; the public ones have about ten.
const MOST_EXTENSIONS: usize = 64;

/// A certificate.
#[derive(Clone)]
pub struct Certificate {
    pub(super) der: Vec<u8>,
    pub(super) tbs: Vec<u8>,
    pub(super) issuer: Name,
    pub(super) subject: Name,
    pub(super) key: Key,
    /// The key as it stands there, SubjectPublicKeyInfo in DER.
    pub(crate) spki: Vec<u8>,
    pub(super) algorithm: Result<Algorithm, String>,
    pub(super) signature: Vec<u8>,
    pub(super) valid: (Moment, Moment),
    pub(super) constraints: Option<BasicConstraints>,
    pub(super) usage: Option<KeyUsage>,
    pub(super) purposes: Option<Vec<ObjectIdentifier>>,
    pub(super) names: Vec<AlternativeName>,
    /// What limits the names that an authority may certify is not evaluated.
    pub(super) constrains_names: bool,
    /// Extensions that must be understood, and are not.
    pub(super) unknown: Vec<ObjectIdentifier>,
    extensions: Vec<(ObjectIdentifier, Vec<u8>)>,
    serial: Vec<u8>,
}

/// A name of the subject (RFC 5280, section 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlternativeName {
    /// An e-mail address.
    Email(String),
    /// A URI.
    Uri(String),
    /// A host.
    Dns(String),
    /// A name of another kind: its type, and its value where that is text.
    Other(String, Option<String>),
}

impl AlternativeName {
    /// An e-mail address, a URI or a host.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Email(name) | Self::Uri(name) | Self::Dns(name) => Some(name),
            Self::Other(..) => None,
        }
    }

    /// Its text, of whatever kind it is.
    pub(crate) fn whole(&self) -> Option<&str> {
        match self {
            Self::Other(_, name) => name.as_deref(),
            _ => self.text(),
        }
    }
}

impl Certificate {
    /// Read one certificate and nothing after it.
    ///
    /// # Errors
    /// What breaks the format, in a few words.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LARGEST {
            return Err(format!("it has {} bytes, where at most {LARGEST} are read", bytes.len()));
        }
        let parts = AnyRef::from_der(bytes).and_then(|any| {
            any.sequence(|reader| {
                let tbs = reader.tlv_bytes()?;
                let algorithm: AlgorithmIdentifierOwned = reader.decode()?;
                Ok::<_, der::Error>((tbs, algorithm, reader.decode::<BitString>()?))
            })
        });
        let not_der = |error: der::Error| format!("it is no certificate in DER: {}", plain(&error));
        let (tbs, algorithm, signature) = parts.map_err(not_der)?;
        let inner = TbsCertificate::from_der(tbs).map_err(not_der)?;
        if *inner.signature() != algorithm {
            return Err("it names two algorithms of signature".into());
        }
        let info = inner.subject_public_key_info();
        let spki = info.to_der().map_err(not_der)?;
        let valid = inner.validity();
        let mut certificate = Self {
            der: bytes.to_vec(),
            tbs: tbs.to_vec(),
            issuer: inner.issuer().clone(),
            subject: inner.subject().clone(),
            key: Key::of(info, &spki),
            spki,
            algorithm: Algorithm::of(&algorithm),
            signature: signature
                .as_bytes()
                .ok_or("its signature is no whole number of bytes")?
                .to_vec(),
            valid: (
                valid.not_before.to_unix_duration().into(),
                valid.not_after.to_unix_duration().into(),
            ),
            constraints: None,
            usage: None,
            purposes: None,
            names: Vec::new(),
            constrains_names: false,
            unknown: Vec::new(),
            extensions: Vec::new(),
            serial: inner.serial_number().as_bytes().to_vec(),
        };
        certificate.take_extensions(&inner)?;
        Ok(certificate)
    }

    fn take_extensions(&mut self, inner: &TbsCertificate) -> Result<(), String> {
        let extensions = inner.extensions().map_or(&[][..], |extensions| extensions);
        if inner.version() != Version::V3 && !extensions.is_empty() {
            return Err("it has extensions, and is not of version 3".into());
        }
        if extensions.len() > MOST_EXTENSIONS {
            return Err(format!(
                "it has {} extensions, where at most {MOST_EXTENSIONS} are read",
                extensions.len()
            ));
        }
        for extension in extensions {
            let (oid, value) = (extension.extn_id, extension.extn_value.as_bytes());
            if self.extensions.iter().any(|(other, _)| *other == oid) {
                return Err(format!("it has extension {oid} twice"));
            }
            let broken =
                |error: der::Error| format!("extension {oid} is broken: {}", plain(&error));
            match oid.to_string().as_str() {
                "2.5.29.19" => {
                    self.constraints = Some(BasicConstraints::from_der(value).map_err(broken)?)
                }
                "2.5.29.15" => self.usage = Some(KeyUsage::from_der(value).map_err(broken)?),
                "2.5.29.37" => {
                    self.purposes = Some(ExtendedKeyUsage::from_der(value).map_err(broken)?.0)
                }
                "2.5.29.17" => {
                    let names = SubjectAltName::from_der(value).map_err(broken)?.0;
                    self.names = names.into_iter().filter_map(alternative).collect();
                }
                "2.5.29.30" => self.constrains_names = true,
                // Without demands on policies, every policy will do (RFC 5280, section 6.1).
                "2.5.29.32" => {}
                _ if extension.critical => self.unknown.push(oid),
                _ => {}
            }
            self.extensions.push((oid, value.to_vec()));
        }
        Ok(())
    }

    /// Its subject after RFC 4514.
    pub fn subject(&self) -> String {
        self.subject.to_string()
    }

    /// What an extension holds.
    pub(crate) fn extension(&self, oid: &str) -> Option<&[u8]> {
        let found = self.extensions.iter().find(|(other, _)| other.to_string() == oid);
        found.map(|(_, value)| value.as_slice())
    }

    /// The names of its subject beside the distinguished one.
    pub fn names(&self) -> &[AlternativeName] {
        &self.names
    }

    pub(crate) const fn key(&self) -> &Key {
        &self.key
    }

    /// Its bytes, as they were read.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The part that is signed, as it was read.
    pub(crate) fn signed(&self) -> &[u8] {
        &self.tbs
    }

    /// The issuer, in DER.
    pub(crate) fn issuer(&self) -> Option<Vec<u8>> {
        self.issuer.to_der().ok()
    }

    /// The one common name of the subject.
    pub(super) fn common_name(&self) -> Option<String> {
        const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
        let mut names = self.subject.iter().filter(|attribute| attribute.oid == COMMON_NAME);
        match (names.next(), names.next()) {
            (Some(name), None) => text(&name.value),
            _ => None,
        }
    }

    /// Whether another certificate has the name of the issuer of this one.
    pub(crate) fn names_as_issuer(&self, other: &Self) -> bool {
        self.issuer == other.subject
    }

    /// The number that the issuer gave it.
    pub(crate) fn serial(&self) -> &[u8] {
        &self.serial
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether the key of an issuer signed this certificate; else why not.
    pub(crate) fn is_signed_by(&self, issuer: &Self) -> Result<(), String> {
        self.algorithm.as_ref()?.verify(&issuer.key, &self.tbs, &self.signature)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "certificate of `{}`, by `{}`", self.subject, self.issuer)
    }
}

fn alternative(name: GeneralName) -> Option<AlternativeName> {
    Some(match name {
        GeneralName::Rfc822Name(name) => AlternativeName::Email(name.as_str().into()),
        GeneralName::UniformResourceIdentifier(name) => AlternativeName::Uri(name.as_str().into()),
        GeneralName::DnsName(name) => AlternativeName::Dns(name.as_str().into()),
        GeneralName::OtherName(name) => {
            AlternativeName::Other(name.type_id.to_string(), text(&name.value))
        }
        _ => return None,
    })
}

/// The text of a string of ASN.1.
fn text(any: &der::Any) -> Option<String> {
    use der::{Tag, Tagged as _};
    let bytes = any.value();
    match any.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String => {
            String::from_utf8(bytes.to_vec()).ok()
        }
        // Latin-1, as everybody reads it.
        Tag::TeletexString => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
        Tag::BmpString => {
            let (units, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            if rest.is_empty() { String::from_utf16(&units).ok() } else { None }
        }
        _ => None,
    }
}

/// What a reader of DER says, in one line of lower case.
fn plain(error: &der::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
