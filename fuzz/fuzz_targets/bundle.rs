#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_provenance::oms::Bundle;

fuzz_target!(|data: &[u8]| {
    if let Ok(bundle) = Bundle::read(data)
        && let Ok(written) = bundle.write()
    {
        let again = Bundle::read(&written).unwrap();
        assert_eq!((again.payload, again.signature), (bundle.payload, bundle.signature));
    }
});
