//! Any bytes behind the beginning of an image: following it to its end neither panics nor hangs, and an archive at
//! the end of the file is found, whatever stands before it.

#![no_main]

use modelward_data::check::hidden_file;

/// What images begin with; the first byte of the input chooses one.
const BEGUN: [&[u8]; 7] = [
    b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xae\x42\x60\x82",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0\0\x04ab\xff\xd9",
    b"\xff\xd8\xff",
    b"GIF89a\x01\0\x01\0\0\0\0",
    b"RIFF\x10\0\0\0WEBP",
    b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
];
/// An archive without a member.
const ARCHIVE: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let begun = BEGUN[usize::from(*first) % BEGUN.len()];
    let _ = hidden_file(rest);
    let image = [begun, rest].concat();
    let _ = hidden_file(&image);
    assert!(hidden_file(&[&image, ARCHIVE].concat()).is_some());
});
