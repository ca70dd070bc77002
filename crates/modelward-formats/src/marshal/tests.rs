use proptest::prelude::*;

use super::*;

/// Version and marshal stream of the module in `samples.py`.
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let sample = |line: &'static str| {
        let (version, digits) = line.split_once(' ').unwrap();
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        (version, pairs.map(byte).collect())
    };
    include_str!("samples.txt").lines().map(sample).collect()
}

fn called(codes: &[Code], name: &str) -> Vec<String> {
    let code = codes.iter().find(|code| code.name.rsplit('.').next() == Some(name)).unwrap();
    let uses = code.uses.iter().flatten();
    uses.map(|one| one.call.clone().unwrap_or_else(|| one.path.clone())).collect()
}

#[test]
fn every_version_is_read_to_its_end() {
    for (version, bytes) in samples() {
        let codes = read(&bytes).unwrap_or_else(|refusal| panic!("{version}: {refusal}"));
        let module = codes.last().unwrap();
        assert_eq!(module.name, "<module>", "{version}");
        assert_eq!(module.names.first().unwrap(), "os", "{version}");
        let told = |text: &str| codes.iter().any(|code| code.texts.iter().any(|t| t == text));
        assert!(told("echo pwned"), "{version}");
        assert!(version == "3.14" || codes.len() == 6 && told("deepest"), "{version}");
        assert!(version == "2.7" || codes.iter().all(|code| code.uses.is_some()), "{version}");
    }
}

#[test]
fn calls_are_shown_as_they_were_written() {
    for (version, bytes) in samples() {
        let codes = read(&bytes).unwrap_or_else(|refusal| panic!("{version}: {refusal}"));
        match version {
            "2.7" => continue,
            "3.14" => {
                let module = called(&codes, "<module>");
                assert_eq!(module, ["os", "os.system(\"echo pwned\")"]);
                continue;
            }
            _ => {}
        }
        let shell = called(&codes, "<lambda>");
        assert_eq!(shell, ["__import__(\"os\")", "os.system(\"echo pwned\")"], "{version}");
        assert_eq!(called(&codes, "inner"), ["os.system(\"echo pwned\")"], "{version}");
        let outer = called(&codes, "outer");
        assert!(outer.contains(&"os.popen(\"id\")".into()), "{version}: {outer:?}");
        // `eval` of some object is not the builtin.
        let predict = called(&codes, "predict");
        assert!(!predict.iter().any(|one| one.contains("eval")), "{version}: {predict:?}");
        let module = called(&codes, "<module>");
        assert!(module.contains(&"subprocess.call".into()), "{version}: {module:?}");
    }
}

#[test]
fn a_file_of_compiled_python_is_recognised_by_its_content() {
    let file = |header: usize, stream: &[u8]| {
        let head = [b"\xa7\x0d\r\n".as_slice(), &vec![0; header.saturating_sub(4)]].concat();
        read_file(&[&head, stream].concat().as_slice().into(), &Arc::default())
    };
    for (version, bytes) in samples() {
        let header = match version {
            "2.7" => 8,
            "3.6" => 12,
            _ => 16,
        };
        assert_eq!(file(header, &bytes).unwrap().unwrap().format(), "python-bytecode", "{version}");
        assert!(file(header, &bytes[..bytes.len() - 1]).is_none(), "{version}");
    }
    assert!(file(16, b"").is_none() && file(16, b"\xe3 some text").is_none());
}

#[test]
fn what_is_made_to_exhaust_a_reader_is_refused() {
    let deep = [b')', 1].repeat(1_000_000);
    assert_eq!(read(&deep).unwrap_err().gap, Gap::DeepNesting);
    assert_eq!(read(b"(\xff\xff\xff\x7f").unwrap_err().gap, Gap::OversizedLength);
    // Each tuple holds the one before it twice.
    let mut doubling = b"[\x20\0\0\0\xa9\0".to_vec();
    for n in 0..31_u8 {
        doubling.extend([0xa9, 2, b'r', n, 0, 0, 0, b'r', n, 0, 0, 0]);
    }
    assert_eq!(read(&doubling), Ok(Vec::new()));
    let (_, sample) = samples().pop().unwrap();
    let references = b"r\x1f\0\0\0".repeat(255);
    // A code object whose constants are the last of them.
    let at = sample.windows(2).position(|two| two == b"\xa9\x03").unwrap();
    let end = sample.windows(4).position(|four| four == b"\xa9\x02\xda\x02").unwrap();
    let code = [&sample[..at], b")\xff", &references, &sample[end..]].concat();
    // Two references come before its own ones: to the code object and to its instructions.
    let code = code.strip_suffix(b"r\x0a\0\0\0\x01\0\0\0\xf3\0\0\0\0\xf3\0\0\0\0").unwrap();
    let tail = b"Z\x01m\x01\0\0\0s\0\0\0\0s\0\0\0\0";
    let bomb = [b")\x02".as_slice(), &doubling, code, tail].concat();
    assert_eq!(read(&bomb).unwrap_err().gap, Gap::LargeMemory);
}

proptest! {
    #[test]
    fn no_changed_byte_breaks_the_reader(
        sample in 0..10_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let (_, mut bytes) = samples().swap_remove(sample);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = read(&bytes);
        prop_assert_eq!(&whole, &read(&bytes));
        if let Ok(codes) = whole {
            prop_assert!(codes.iter().map(Code::weight).sum::<usize>() < bytes.len().saturating_mul(1000));
        }
        let _ = read(&bytes[..cut.index(bytes.len())]);
    }
}
