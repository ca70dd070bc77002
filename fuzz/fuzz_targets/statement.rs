#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_provenance::oms::Statement;

fuzz_target!(|data: &[u8]| {
    if let Ok(mut statement) = Statement::read(data)
        && !statement.old
    {
        let again = Statement::read(&statement.write().unwrap()).unwrap();
        // The order in which resources are listed is the signer's, and the root hangs on it.
        statement.root = again.root.clone();
        assert_eq!(again, statement);
    }
});
