//! Any text as a property in VNN-LIB, as a counterexample and as a number: it is read, or it is said
//! why not.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_lab::{
    exact,
    property::{Counterexample, Property, nearest_inside},
};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = exact::parse(text);
    let _ = Counterexample::parse(text);
    if let Ok(property) = Property::parse(text) {
        for case in property.cases.iter().take(8) {
            assert_eq!(case.low.len(), property.inputs);
            if let Some(point) = nearest_inside(case, &vec![0.5; property.inputs]) {
                assert!(point.iter().all(|x| x.is_finite()));
            }
        }
    }
});
