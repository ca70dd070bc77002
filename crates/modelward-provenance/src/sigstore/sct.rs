//! That a certificate log has seen the signer's certificate: a signed certificate timestamp inside it
//! (RFC 6962, section 3.2), over the certificate as it was before.

use der::{
    Decode as _, Reader as _, SliceReader,
    asn1::{AnyRef, ObjectIdentifier, OctetStringRef},
};
use sha2::{Digest as _, Sha256};

use super::root::TrustedRoot;
use crate::x509::{Certificate, Moment};

/// The extension that holds the list of timestamps.
const LIST: &str = "1.3.6.1.4.1.11129.2.4.2";

/// Check that a trusted log vouches for a certificate by this issuer.
pub(super) fn check(
    certificate: &Certificate,
    issuer: &Certificate,
    root: &TrustedRoot,
) -> Result<(), String> {
    let list = certificate.extension(LIST).ok_or("no certificate log vouches for it")?;
    let broken = || String::from("its certificate timestamps are broken");
    let list = <&OctetStringRef>::from_der(list).map_err(|_| broken())?.as_bytes();
    let mut list = Cursor(list);
    let mut items = Cursor(list.vector16().filter(|_| list.0.is_empty()).ok_or_else(broken)?);
    let before = without_list(certificate.signed()).ok_or_else(broken)?;
    let issuer = Sha256::digest(&issuer.spki);
    let mut why = String::from("no certificate log of the trusted root vouches for it");
    for _ in 0..32 {
        if items.0.is_empty() {
            break;
        }
        let timestamp = items.vector16().and_then(Timestamp::read).ok_or_else(broken)?;
        let Some(seconds) = timestamp
            .milliseconds
            .checked_div(1000)
            .and_then(|seconds| i64::try_from(seconds).ok())
        else {
            continue;
        };
        let signed = timestamp.signed(&issuer, &before).ok_or_else(broken)?;
        for log in root.certificate_logs.iter().filter(|log| log.id == timestamp.log) {
            match log.verify(&signed, timestamp.signature, Moment(seconds)) {
                Ok(()) => return Ok(()),
                Err(reason) => why = format!("what a certificate log says of it is void: {reason}"),
            }
        }
    }
    Err(why)
}

/// One timestamp of the list.
struct Timestamp<'a> {
    log: &'a [u8],
    milliseconds: u64,
    extensions: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Timestamp<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor(bytes);
        let [0] = *cursor.take(1)? else { return None };
        let log = cursor.take(32)?;
        let milliseconds = u64::from_be_bytes(cursor.take(8)?.try_into().ok()?);
        let extensions = cursor.vector16()?;
        // SHA-256 and ECDSA, the one pair that logs of Sigstore use.
        let [4, 3] = *cursor.take(2)? else { return None };
        let signature = cursor.vector16()?;
        cursor.0.is_empty().then_some(Self { log, milliseconds, extensions, signature })
    }

    /// What the log signed: version 1, a timestamp, of a precertificate.
    fn signed(&self, issuer: &[u8], tbs: &[u8]) -> Option<Vec<u8>> {
        let len = u32::try_from(tbs.len()).ok()?.to_be_bytes();
        let [0, len @ ..] = len else { return None };
        let extensions = u16::try_from(self.extensions.len()).ok()?.to_be_bytes();
        Some(
            [
                &[0, 0],
                &self.milliseconds.to_be_bytes()[..],
                &[0, 1],
                issuer,
                &len,
                tbs,
                &extensions,
                self.extensions,
            ]
            .concat(),
        )
    }
}

/// Bytes that are taken from the front.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Bytes after their number in 16 bits.
    fn vector16(&mut self) -> Option<&'a [u8]> {
        let len = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        self.take(usize::from(len))
    }
}

/// The signed part of a certificate without the list, byte by byte as it was.
fn without_list(tbs: &[u8]) -> Option<Vec<u8>> {
    let mut reader = SliceReader::new(AnyRef::from_der(tbs).ok()?.value()).ok()?;
    let mut parts: Vec<&[u8]> = Vec::new();
    while !reader.is_finished() {
        parts.push(reader.tlv_bytes().ok()?);
    }
    let extensions = AnyRef::from_der(parts.pop()?).ok()?;
    let mut reader = SliceReader::new(AnyRef::from_der(extensions.value()).ok()?.value()).ok()?;
    let mut kept: Vec<&[u8]> = Vec::new();
    while !reader.is_finished() {
        let extension = reader.tlv_bytes().ok()?;
        let mut inner = SliceReader::new(AnyRef::from_der(extension).ok()?.value()).ok()?;
        let oid: ObjectIdentifier = inner.decode().ok()?;
        if oid.to_string() != LIST {
            kept.push(extension);
        }
    }
    let extensions = element(0xa3, &element(0x30, &kept.concat())?)?;
    element(0x30, &[parts.concat(), extensions].concat())
}

/// An element of DER.
fn element(tag: u8, body: &[u8]) -> Option<Vec<u8>> {
    let len = der::Length::try_from(body.len()).ok()?;
    let len = der::Encode::to_der(&len).ok()?;
    Some([&[tag], &len[..], body].concat())
}
