//! Files that the libraries themselves wrote must be called clean; listed names put to bad use must not.

use std::{fs, path::Path};

use modelward_core::{Outcome, Place};
use modelward_scan::{Context, examine};

#[test]
fn every_file_that_a_library_wrote_is_clean() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../modelward/tests/fixtures/real");
    let mut read = 0;
    let mut refused = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "make.py" || name == "versions.txt" {
            continue;
        }
        read += 1;
        let bytes = fs::read(&path).unwrap();
        let place = Place::file(name.as_str());
        let examined = examine(&place, &bytes.as_slice().into(), &Context::default());
        if examined.outcome() != Outcome::Clean {
            for finding in &examined.findings {
                refused.push(format!("{name}: {} {}", finding.rule.name, finding.message));
            }
            refused.extend(examined.unread.iter().map(|gap| format!("{name}: {}", gap.why)));
        }
    }
    refused.sort();
    refused.dedup();
    assert!(refused.is_empty(), "{} lines of {read} files:\n{}", refused.len(), refused.join("\n"));
    assert!(read > 60, "only {read} files were found");
}

#[test]
fn a_listed_name_put_to_bad_use_is_not_clean() {
    let programs: [(&str, &[u8]); 7] = [
        (
            "an object type that claims to hold no objects: raw bytes become pointers",
            b"cnumpy\ndtype\n(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI0\ntb.",
        ),
        (
            "the same, by numpy's class in place of the code",
            b"cnumpy\ndtype\n(cnumpy\nobject_\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI0\ntb.",
        ),
        (
            "source text in the state of a distribution",
            b"cscipy.stats._continuous_distns\nnorm_gen\n)\x81}V_parse_arg_template\nVx\nsb.",
        ),
        (
            "a configuration that answers for `__setstate__`",
            b"ctransformers.configuration_utils\nPretrainedConfig\n)\x81}Vattribute_map\n}Va\nVb\nssb.",
        ),
        (
            "a container whose method the state replaces",
            b"ccollections\nOrderedDict\n)R}Vextend\ncnumpy\nmean\nsb.",
        ),
        (
            "an optimizer whose method the state replaces",
            b"ctorch.optim.sgd\nSGD\n)\x81}V_patch_step_function\ncnumpy\nmean\nsb.",
        ),
        (
            "a function that may only be called, handed into a state",
            b"cargparse\nNamespace\n)\x81}Vf\nctorch.storage\n_load_from_bytes\nsb.",
        ),
    ];
    for (what, bytes) in programs {
        let examined = examine(&Place::file("sample"), &bytes.into(), &Context::default());
        assert_ne!(examined.outcome(), Outcome::Clean, "{what}");
    }
}
