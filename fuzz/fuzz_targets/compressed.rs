#![no_main]

/// What each kind of stream starts with; the first byte of the input chooses one.
const MAGICS: [&[u8]; 10] = [
    b"",
    b"\x1f\x8b\x08",
    b"BZh9\x31\x41\x59\x26\x53\x59",
    b"\xfd7zXZ\0",
    b"\x5d\0\0\x10\0\xff\xff\xff\xff\xff\xff\xff\xff\0",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
    b"\x78\x9c",
    b"PK\x03\x04\x14\0\0\0\x09\0",
    b"ZF0x1000             \x78\x9c",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let magic = MAGICS[usize::from(*first) % MAGICS.len()];
    modelward_fuzz::parts(&[magic, rest].concat());
});
