//! Any bytes as the manifest of a quarantine: restoring refuses it, and leaves nothing anywhere. Nobody finds the
//! digest that a manifest ends with by chance; see `restore` for what lies behind it.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use modelward_data::quarantine::restore;

fuzz_target!(|data: &[u8]| {
    let Ok(folder) = tempfile::tempdir() else { return };
    let at = |name: &str| folder.path().join(name);
    let made = fs::create_dir(at("q")).and_then(|()| fs::write(at("q/manifest.json"), data));
    if made.and_then(|()| fs::write(at("cleaned"), "a\n1\n")).is_err() {
        return;
    }
    let restored = restore(&at("q"), Some(&at("cleaned")), &at("back"), &|| false);
    assert!(restored.is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
});
