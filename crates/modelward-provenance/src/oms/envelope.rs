//! The DSSE envelope: which bytes are signed, and how they are written (DSSE v1.0).

use std::fmt::Write;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

/// The type of the payload of every bundle (in-toto attestation framework v1).
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// The bytes that are signed: pre-authentication encoding (DSSE v1.0, "PAE").
pub fn signed_bytes(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// The bytes that model-signing 0.2.0 signed: its encoding wrote the payload as Python shows bytes.
pub(crate) fn signed_bytes_of_old(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut text = format!("DSSEV1 {} {payload_type} {} b", payload_type.len(), payload.len());
    // Python puts bytes in double quotes only where they hold a single quote and no double one.
    let quote = if payload.contains(&b'\'') && !payload.contains(&b'"') { '"' } else { '\'' };
    text.push(quote);
    for &byte in payload {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            _ if char::from(byte) == quote => {
                text.push('\\');
                text.push(quote);
            }
            b' '..=b'~' => text.push(char::from(byte)),
            // Writing to a text cannot fail.
            _ => drop(write!(text, "\\x{byte:02x}")),
        }
    }
    text.push(quote);
    text.into_bytes()
}

/// Write bytes in base64 (RFC 4648, section 4).
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Read base64, standard or URL-safe (RFC 4648, sections 4 and 5): DSSE allows both, and nothing
/// else.
pub(crate) fn decode(text: &str, what: &str) -> Result<Vec<u8>, String> {
    let url_safe = text.contains(['-', '_']);
    let decoded = if url_safe { URL_SAFE.decode(text) } else { STANDARD.decode(text) };
    decoded.map_err(|_| format!("expected base64 for {what}"))
}

/// The URL-safe alphabet is often written without padding.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_bytes_are_those_of_the_standard() {
        // The example of the protocol, DSSE v1.0.
        let bytes = signed_bytes("http://example.com/HelloWorld", b"hello world");
        assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn old_payloads_are_written_as_python_shows_bytes() {
        let old = |payload: &[u8]| String::from_utf8(signed_bytes_of_old("t", payload)).unwrap();
        assert_eq!(old(b"{\"a\": 1}"), r#"DSSEV1 1 t 8 b'{"a": 1}'"#);
        assert_eq!(old(b"it's"), r#"DSSEV1 1 t 4 b"it's""#);
        assert_eq!(old(b"'\"\\\n\x00\xc3\x7f"), r#"DSSEV1 1 t 7 b'\'"\\\n\x00\xc3\x7f'"#);
    }

    #[test]
    fn base64_is_of_one_alphabet_and_canonical() {
        assert_eq!(decode("+/+/", "x").unwrap(), decode("-_-_", "x").unwrap());
        assert_eq!(decode("-_8", "x").unwrap(), decode("+/8=", "x").unwrap());
        for bad in ["+_+/", "+/8", "+/9=", " +/8=", "+/8=\n", "ä"] {
            assert!(decode(bad, "x").is_err(), "{bad}");
        }
    }
}
