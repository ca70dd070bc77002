//! Any bytes: a lock is refused, or is what it is when it is written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_provenance::lock::Lock;

fuzz_target!(|data: &[u8]| {
    if let Ok(lock) = Lock::parse(data) {
        assert_eq!(Lock::parse(lock.toml().as_bytes()).as_ref(), Ok(&lock));
    }
});
