//! Any text as the rules of a domain, and as a way to prepare inputs: what is projected is admitted.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_lab::{
    constraints::Constraints,
    preprocess::{Convention, Spec},
};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(spec) = text.parse::<Spec>()
        && let Ok(convention) = Convention::new(&spec, &[3, 2, 2])
    {
        let _ = convention.apply(&[0.25; 12]);
        assert_eq!(spec.to_string().parse::<Spec>().ok(), Some(spec));
    }
    let names = ["age", "sum", "a", "b"].map(ToOwned::to_owned);
    let Ok(rules) = Constraints::read(text, &names, 4) else { return };
    let original = [0.5, 2.0, 1.0, 0.0];
    let Ok(space) = rules.around(&original, None) else { return };
    let mut point = [-3.5, 1e9, 0.4, 0.6];
    space.project(&mut point);
    assert!(space.admits(&point).is_ok());
});
