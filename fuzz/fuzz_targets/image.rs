#![no_main]

/// What each kind of image starts with; the first byte of the input chooses one.
const MAGICS: [&[u8]; 4] =
    [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\x10\0\0\0WEBP"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let magic = MAGICS[usize::from(*first) % MAGICS.len()];
    modelward_fuzz::parts(&[magic, rest].concat());
});
