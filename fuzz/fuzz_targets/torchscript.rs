#![no_main]

use std::io::{Cursor, Write};

use modelward_core::Place;
use modelward_scan::{Context, examine};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

// Any text as the code of an archive whose pickle makes an object of the class `M`.
libfuzzer_sys::fuzz_target!(|code: &[u8]| {
    let context = Context::new(modelward_fuzz::limits(), &[]);
    examine(&Place::file("input"), &archive(code).as_slice().into(), &context);
});

fn archive(code: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let pickle = b"\x80\x02c__torch__\nM\n)\x81}b.";
    for (name, bytes) in [("m/data.pkl", &pickle[..]), ("m/code/__torch__.py", code)] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
