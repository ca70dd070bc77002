//! Any bytes: the manifest of a data set is refused, or is what it is when it is written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_data::manifest::{diff, read, write};

fuzz_target!(|data: &[u8]| {
    let Ok(one) = read(data, 1 << 20) else { return };
    let mut bytes = Vec::new();
    write(&one.table, &one.files, &one.merkle, &mut bytes).unwrap();
    let other = read(bytes.as_slice(), 1 << 20).unwrap();
    assert_eq!((&one.files, &one.merkle), (&other.files, &other.merkle));
    assert_eq!(diff(&one.table, &other.table, 1 << 20).unwrap().rows(), 0);
});
