//! Timestamps (RFC 3161): a signed message (CMS, RFC 5652) of a timestamp authority over the signature.

use der::{
    Any, Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _,
    asn1::{AnyRef, ObjectIdentifier, OctetStringRef},
};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::root::{Authority, TrustedRoot};
use crate::x509::{Algorithm, Certificate, Moment, Purpose, Query, hash};

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The time at which a trusted authority saw the signature; `None` if the timestamp is of an authority
/// that the trusted root does not name.
pub(super) fn check(
    response: &[u8],
    signature: &[u8],
    root: &TrustedRoot,
) -> Result<Option<Moment>, String> {
    let token =
        Token::read(response).map_err(|error| format!("it is no timestamp in DER: {error}"))?;
    let info =
        Info::read(token.content).map_err(|error| format!("its content is broken: {error}"))?;
    let mut last = Ok(None);
    for authority in &root.timestamp_authorities {
        let Some(signer) = signer(&token, authority) else { continue };
        last = by(&token, &info, &signer, authority, signature).map(Some);
        if last.is_ok() {
            break;
        }
    }
    last
}

/// The signer's certificate: that of the trusted root, or one that the timestamp brings along and the
/// root of the authority certifies.
fn signer(token: &Token<'_>, authority: &Authority) -> Option<Certificate> {
    let named = |certificate: &&Certificate| {
        certificate.issuer().as_deref() == Some(token.issuer)
            && certificate.serial() == token.serial
    };
    if let Some(known) = authority.chain.iter().find(named) {
        return Some(known.clone());
    }
    let brought = token.certificates.iter().filter_map(|der| Certificate::read(der).ok());
    let names: Vec<Certificate> = brought.filter(|certificate| named(&certificate)).collect();
    let certifies = |certificate: &Certificate| {
        authority.chain.iter().any(|other| certificate.names_as_issuer(other))
    };
    names.into_iter().find(|certificate| certifies(certificate))
}

fn by(
    token: &Token<'_>,
    info: &Info<'_>,
    signer: &Certificate,
    authority: &Authority,
    signature: &[u8],
) -> Result<Moment, String> {
    let imprint = hash(info.hash).ok_or("it hashes with an algorithm that is not accepted")?;
    if imprint.digest(signature) != info.imprint {
        return Err("it is about another signature".into());
    }
    let digest = hash(token.digest).ok_or("it hashes with an algorithm that is not accepted")?;
    if digest.digest(token.content) != token.message_digest {
        return Err("its content is not what was signed".into());
    }
    let algorithm = if token.algorithm.oid == RSA {
        Algorithm::Pkcs1(digest)
    } else {
        Algorithm::of(&token.algorithm)?
    };
    algorithm.verify(signer.key(), &token.signed, token.signature)?;
    if !authority.valid.contains(info.time) {
        return Err(format!("its authority was not trusted on {}", info.time.day()));
    }
    let chain: Vec<Certificate> =
        std::iter::once(signer.clone()).chain(authority.below().iter().cloned()).collect();
    let query = Query {
        chain: &chain,
        roots: &authority.roots(),
        at: info.time,
        purpose: Purpose::TimeStamping,
    };
    match query.defects().into_iter().next() {
        Some(defect) => Err(format!("its authority is not in order: {}", defect.why)),
        None => Ok(info.time),
    }
}

/// The signed message of a timestamp.
struct Token<'a> {
    /// What is signed: a TSTInfo in DER.
    content: &'a [u8],
    certificates: Vec<&'a [u8]>,
    issuer: &'a [u8],
    serial: &'a [u8],
    digest: ObjectIdentifier,
    message_digest: &'a [u8],
    /// The signed attributes, as they are signed.
    signed: Vec<u8>,
    algorithm: AlgorithmIdentifierOwned,
    signature: &'a [u8],
}

impl<'a> Token<'a> {
    fn read(response: &'a [u8]) -> der::Result<Self> {
        let unsound = || der::ErrorKind::Failed;
        let (status, token) =
            sequence(response, |reader| Ok((reader.tlv_bytes()?, reader.tlv_bytes()?)))?;
        let granted = AnyRef::from_der(status)?.sequence(|reader| {
            let granted: u8 = reader.decode()?;
            rest(reader)?;
            Ok::<_, der::Error>(granted)
        })?;
        if granted > 1 {
            return Err(unsound().into());
        }
        let (oid, data) = sequence(token, |reader| {
            Ok((reader.decode::<ObjectIdentifier>()?, reader.decode::<AnyRef<'a>>()?))
        })?;
        if oid != SIGNED_DATA || !is_context(data, 0) {
            return Err(unsound().into());
        }
        let mut certificates = Vec::new();
        let (content, signer) = sequence(data.value(), |reader| {
            let _version: u8 = reader.decode()?;
            let _digests = reader.tlv_bytes()?;
            let content = reader.tlv_bytes()?;
            let mut signers = None;
            while !reader.is_finished() {
                let any: AnyRef<'a> = reader.decode()?;
                if is_context(any, 0) {
                    let mut inner = SliceReader::new(any.value())?;
                    while !inner.is_finished() && certificates.len() < 8 {
                        certificates.push(inner.tlv_bytes()?);
                    }
                } else if any.tag() == Tag::Set {
                    signers = Some(any.value());
                }
            }
            Ok((content, signers))
        })?;
        let (kind, content) = sequence(content, |reader| {
            Ok((reader.decode::<ObjectIdentifier>()?, reader.decode::<AnyRef<'a>>()?))
        })?;
        if kind != TST_INFO || !is_context(content, 0) {
            return Err(unsound().into());
        }
        let content = <&OctetStringRef>::from_der(content.value())?.as_bytes();
        // One signer: another one's signature would not be asked for.
        let signer = sequence(signer.ok_or_else(unsound)?, |reader| Signer::read(reader))?;
        Self::new(content, certificates, signer)
    }

    fn new(
        content: &'a [u8],
        certificates: Vec<&'a [u8]>,
        signer: Signer<'a>,
    ) -> der::Result<Self> {
        let mut message_digest = None;
        let mut content_type = None;
        let mut attributes = SliceReader::new(signer.attributes.value())?;
        while !attributes.is_finished() {
            let attribute = attributes.tlv_bytes()?;
            let (oid, values) = sequence(attribute, |reader| {
                Ok((reader.decode::<ObjectIdentifier>()?, reader.decode::<AnyRef<'a>>()?))
            })?;
            match oid {
                MESSAGE_DIGEST => {
                    message_digest = Some(<&OctetStringRef>::from_der(values.value())?.as_bytes())
                }
                CONTENT_TYPE => content_type = Some(ObjectIdentifier::from_der(values.value())?),
                _ => {}
            }
        }
        let message_digest = message_digest
            .filter(|_| content_type == Some(TST_INFO))
            .ok_or(der::ErrorKind::Failed)?;
        // They are signed as a SET, whatever their tag in the message (RFC 5652, section 5.4).
        let signed = Any::new(Tag::Set, signer.attributes.value())?.to_der()?;
        let Signer { issuer, serial, digest, algorithm, signature, .. } = signer;
        Ok(Self {
            content,
            certificates,
            issuer,
            serial,
            digest,
            message_digest,
            signed,
            algorithm,
            signature,
        })
    }
}

struct Signer<'a> {
    issuer: &'a [u8],
    serial: &'a [u8],
    digest: ObjectIdentifier,
    attributes: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: &'a [u8],
}

impl<'a> Signer<'a> {
    fn read(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        let _version: u8 = reader.decode()?;
        let (issuer, serial) = sequence(reader.tlv_bytes()?, |reader| {
            Ok((reader.tlv_bytes()?, reader.decode::<AnyRef<'a>>()?.value()))
        })?;
        let digest: AlgorithmIdentifierOwned = reader.decode()?;
        let attributes: AnyRef<'a> = reader.decode()?;
        if !is_context(attributes, 0) {
            return Err(der::ErrorKind::Failed.into());
        }
        let algorithm = reader.decode()?;
        let signature = reader.decode::<&OctetStringRef>()?.as_bytes();
        rest(reader)?;
        Ok(Self { issuer, serial, digest: digest.oid, attributes, algorithm, signature })
    }
}

/// What a timestamp says (RFC 3161, section 2.4.2).
struct Info<'a> {
    hash: ObjectIdentifier,
    imprint: &'a [u8],
    time: Moment,
}

impl<'a> Info<'a> {
    fn read(content: &'a [u8]) -> der::Result<Self> {
        sequence(content, |reader| {
            let _version: u8 = reader.decode()?;
            let _policy: ObjectIdentifier = reader.decode()?;
            let imprint = reader.tlv_bytes()?;
            let (algorithm, imprint) = sequence(imprint, |reader| {
                let algorithm: AlgorithmIdentifierOwned = reader.decode()?;
                Ok((algorithm, reader.decode::<&OctetStringRef>()?.as_bytes()))
            })?;
            let _serial = reader.tlv_bytes()?;
            let time: AnyRef<'a> = reader.decode()?;
            rest(reader)?;
            let time =
                if time.tag() == Tag::GeneralizedTime { generalized(time.value()) } else { None };
            Ok(Self { hash: algorithm.oid, imprint, time: time.ok_or(der::ErrorKind::DateTime)? })
        })
    }
}

/// A GeneralizedTime in UTC, which may have fractions of a second here.
fn generalized(bytes: &[u8]) -> Option<Moment> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (digits, rest) = text.split_at_checked(14)?;
    let part = |from: usize, to: usize| digits.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    Moment::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}{rest}"))
        .filter(|_| rest.ends_with('Z'))
}

/// What is read of a sequence with nothing before or after it.
fn sequence<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut SliceReader<'a>) -> der::Result<T>,
) -> der::Result<T> {
    AnyRef::from_der(bytes)?.sequence(read)
}

/// Skip what is left.
fn rest(reader: &mut SliceReader<'_>) -> der::Result<()> {
    while !reader.is_finished() {
        reader.tlv_bytes()?;
    }
    Ok(())
}

fn is_context(any: AnyRef<'_>, number: u32) -> bool {
    any.tag() == Tag::ContextSpecific { constructed: true, number: der::TagNumber(number) }
}
