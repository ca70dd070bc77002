//! Functions inside pickles: what their code does is told, and what is dangerous is critical.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(clippy::arithmetic_side_effects, reason = "a test")]

use modelward_core::{Evidence, Finding, Place, Severity};
use modelward_scan::{Context, examine};

/// The module of `samples.py`, in the marshal of each version.
const SAMPLES: &str = include_str!("../../modelward-formats/src/marshal/samples.txt");

fn found(bytes: &[u8]) -> Vec<Finding> {
    let examined = examine(&Place::file("f.pkl"), &bytes.into(), &Context::default());
    let of_rule = |finding: &Finding| finding.rule.id == "MW1112";
    examined.findings.into_iter().filter(of_rule).collect()
}

fn critical(bytes: &[u8]) -> String {
    let found = found(bytes);
    let worst = found.iter().find(|finding| finding.severity == Severity::Critical);
    let Evidence::Bytes { shown, .. } = &worst.unwrap().evidence else { panic!() };
    assert!(worst.unwrap().message.contains("which"), "{}", worst.unwrap().message);
    shown.clone()
}

#[test]
fn marshalled_code_is_read_in_every_version_and_protocol() {
    for line in SAMPLES.lines() {
        let (version, digits) = line.split_once(' ').unwrap();
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let stream = (0..digits.len()).step_by(2).map(byte).collect::<Vec<_>>();
        let len = u32::try_from(stream.len()).unwrap().to_le_bytes();
        let loads = b"cmarshal\nloads\n".as_slice();
        let binary = [b"\x80\x03".as_slice(), loads, b"B", &len, &stream, b"\x85R."].concat();
        let shown = critical(&binary);
        assert!(version == "2.7" || shown.contains("os.system(\"echo pwned\")"), "{shown}");

        let escaped = stream.iter().map(|byte| match byte {
            0x80.. => char::from(*byte).into(),
            b' '..=b'[' | b']'..=b'~' => char::from(*byte).to_string(),
            byte => format!("\\u{byte:04x}"),
        });
        let latin1 = escaped.collect::<String>().chars().map(|c| c as u8).collect::<Vec<_>>();
        let encode = b"(c_codecs\nencode\n(V".as_slice();
        let text = [loads, encode, &latin1, b"\nVlatin1\ntRtR."].concat();
        assert_eq!(critical(&text), shown, "{version}");
    }
}

#[test]
fn the_parts_of_a_code_object_are_read() {
    // 3.8: LOAD_GLOBAL, LOAD_METHOD, LOAD_CONST, CALL_METHOD, RETURN_VALUE.
    let parts = |callee: &[u8]| {
        let code = b"(K\0K\0K\0K\0K\x02KCC\x0at\0\xa0\x01d\0\xa1\x01S\0X\x0a\0\0\0echo pwned\x85";
        let names = b"X\x02\0\0\0osX\x06\0\0\0system\x86)X\x04\0\0\0f.pyX\x01\0\0\0fK\x01C\0))";
        [b"\x80\x03".as_slice(), callee, code, names, b"tR."].concat()
    };
    let direct = critical(&parts(b"ctypes\nCodeType\n"));
    assert_eq!(direct, "`f` uses os.system(\"echo pwned\")");
    assert_eq!(critical(&parts(b"cdill._dill\n_create_code\n")), direct);
    let looked_up = b"ccloudpickle.cloudpickle\n_builtin_type\nX\x08\0\0\0CodeType\x85R";
    assert_eq!(critical(&parts(looked_up)), direct);
}

#[test]
fn code_that_cannot_be_read_is_said_to_be() {
    let broken = found(b"\x80\x03cmarshal\nloads\nC\x03c\0\0\x85R.");
    assert!(broken.iter().any(|finding| finding.message.contains("could not be read")));
    assert!(broken.iter().all(|finding| finding.severity == Severity::High));
}
