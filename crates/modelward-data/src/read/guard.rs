//! What a decoder of another crate does with hostile bytes is bounded: where it gives up with a panic,
//! the file is refused, and nothing is printed.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Run a decoder; `None` where it panicked. What it worked on is not to be used again then.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> T) -> Option<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let decoded = panic::catch_unwind(AssertUnwindSafe(decode));
    GUARDED.set(outer);
    decoded.ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_panic_is_nothing() {
        let none: Vec<u8> = Vec::new();
        assert_eq!(super::guarded(|| none[0]), None);
        assert_eq!(super::guarded(|| 7), Some(7));
    }
}
