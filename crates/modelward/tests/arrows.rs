//! The house keeps its shape: each crate leans only on the crates below it.

use std::{collections::BTreeSet, fs, path::Path};

/// Each crate, and what it may lean on. Read from the bottom: a line names only lines below it.
const MAY_LEAN_ON: &[(&str, &[&str])] = &[
    (
        "modelward",
        &[
            "modelward-core",
            "modelward-data",
            "modelward-engine",
            "modelward-formats",
            "modelward-lab",
            "modelward-ort",
            "modelward-provenance",
            "modelward-scan",
        ],
    ),
    ("modelward-data", &["modelward-core", "modelward-formats"]),
    ("modelward-lab", &["modelward-core", "modelward-engine", "modelward-formats"]),
    ("modelward-ort", &["modelward-engine"]),
    ("modelward-scan", &["modelward-core", "modelward-formats", "modelward-provenance"]),
    ("modelward-provenance", &["modelward-core", "modelward-formats"]),
    ("modelward-engine", &["modelward-formats"]),
    ("modelward-formats", &[]),
    ("modelward-core", &[]),
];

#[test]
fn arrows_only_fall() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let built =
        fs::read_dir(crates).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    assert_eq!(
        built.collect::<BTreeSet<_>>(),
        MAY_LEAN_ON.iter().map(|(name, _)| (*name).into()).collect()
    );
    for (name, allowed) in MAY_LEAN_ON {
        let manifest = fs::read_to_string(crates.join(name).join("Cargo.toml")).unwrap();
        for used in manifest.lines().filter_map(|line| line.strip_suffix(".workspace = true")) {
            assert!(
                !used.starts_with("modelward") || allowed.contains(&used),
                "{name} may not lean on {used}"
            );
        }
    }
}
