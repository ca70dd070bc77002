//! What a zip is, by the names of its members alone, and what those members are expected to hold.

use crate::{Expects, Gap, Refusal};

/// The name that users know a zip with these members by.
pub(super) fn of<'a>(names: impl Iterator<Item = &'a [u8]>) -> &'static str {
    let mut seen = Seen { all_npy: true, ..Seen::default() };
    for name in names {
        seen.note(name);
    }
    seen.kind()
}

/// What a member is expected to hold: numbers and marks of the writer's own need no format.
pub(super) fn expects(kind: &str, name: &[u8]) -> Expects {
    let folders = name.iter().filter(|&&byte| byte == b'/').count();
    let mut steps = name.rsplit(|&byte| byte == b'/');
    let last = steps.next().unwrap_or_default();
    let folder = steps.next().unwrap_or_default();
    let numbered = !last.is_empty() && last.iter().all(u8::is_ascii_digit);
    let stored = matches!(folder, b"data" | b"tensors" | b"constants" | b".data");
    let weight = folder == b"weights" && last.starts_with(b"weight_")
        || folder == b"constants" && last.starts_with(b"tensor_");
    let storage = weight || stored && (numbered || last.ends_with(b".storage"));
    let mark = folders <= 2
        && matches!(
            last,
            b"version"
                | b"byteorder"
                | b"serialization_id"
                | b".format_version"
                | b".storage_alignment"
                | b"extern_modules"
                | b"python_version"
                | b"archive_format"
                | b"archive_version"
        );
    match (storage, mark) {
        _ if !TORCH.contains(&kind) => Expects::Anything,
        (true, _) => Expects::Numbers,
        (_, true) => Expects::Data,
        _ => Expects::Anything,
    }
}

/// The gap that a kind leaves which this version cannot prove harmless.
pub(super) fn unproven(kind: &str) -> Option<Refusal> {
    let what = match kind {
        "keras" => "a Keras archive, whose configuration builds objects",
        "skops" => "a skops archive, whose schema builds objects",
        // Its expressions are text that the loader evaluates.
        "torch-export" => "a program of `torch.export`, whose graph is rebuilt on loading",
        _ => return None,
    };
    Some(Refusal::new(0, Gap::Unsupported, format!("{what}, is not judged by this version")))
}

#[derive(Default)]
struct Seen {
    any: bool,
    all_npy: bool,
    data_pickle: bool,
    torchscript: bool,
    package: bool,
    serving: bool,
    keras_config: bool,
    keras_rest: bool,
    schema: bool,
    export: bool,
}

impl Seen {
    fn note(&mut self, name: &[u8]) {
        self.any = true;
        self.all_npy &= name.ends_with(b".npy");
        // Torch puts everything into one top folder, whose name means nothing.
        let inner = name.splitn(2, |&byte| byte == b'/').nth(1).unwrap_or_default();
        self.data_pickle |= name == b"data.pkl" || inner == b"data.pkl";
        self.torchscript |= [name, inner]
            .iter()
            .any(|name| name.starts_with(b"code/") || *name == b"constants.pkl");
        self.package |= inner == b".data/extern_modules" || name == b".data/extern_modules";
        self.serving |= name == b"MAR-INF/MANIFEST.json";
        self.keras_config |= name == b"config.json";
        self.keras_rest |= name == b"metadata.json" || name == b"model.weights.h5";
        self.schema |= name == b"schema.json";
        self.export |= name == b"archive_format" || inner == b"archive_format";
    }

    fn kind(&self) -> &'static str {
        match self {
            Self { serving: true, .. } => "torchserve-mar",
            Self { export: true, .. } => "torch-export",
            Self { package: true, .. } => "torch-package",
            Self { data_pickle: true, torchscript: true, .. } => "torchscript",
            Self { data_pickle: true, .. } => "pytorch-zip",
            Self { keras_config: true, keras_rest: true, .. } => "keras",
            Self { schema: true, .. } => "skops",
            Self { any: true, all_npy: true, .. } => "npz",
            _ => "zip",
        }
    }
}

const TORCH: &[&str] = &["pytorch-zip", "torchscript", "torch-package", "torch-export"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zip_is_named_by_its_members() {
        let kind = |names: &[&str]| of(names.iter().map(|name| name.as_bytes()));
        assert_eq!(kind(&["m/data.pkl", "m/data/0", "m/version"]), "pytorch-zip");
        assert_eq!(kind(&["m/data.pkl", "m/code/__torch__.py"]), "torchscript");
        assert_eq!(kind(&["p/.data/extern_modules", "p/a.py"]), "torch-package");
        assert_eq!(kind(&["MAR-INF/MANIFEST.json", "a.pt"]), "torchserve-mar");
        assert_eq!(kind(&["x.npy", "y.npy"]), "npz");
        assert_eq!(kind(&["config.json", "model.weights.h5"]), "keras");
        assert_eq!(kind(&["schema.json"]), "skops");
        assert_eq!(kind(&["m/archive_format", "m/models/model.json"]), "torch-export");
        assert_eq!(kind(&["a/b/data.pkl"]), "zip");
        assert_eq!(kind(&[]), "zip");
    }

    #[test]
    fn only_storages_and_marks_need_no_format() {
        assert_eq!(expects("pytorch-zip", b"m/data/12"), Expects::Numbers);
        assert_eq!(expects("pytorch-zip", b"m/.data/serialization_id"), Expects::Data);
        assert_eq!(expects("pytorch-zip", b"m/data.pkl"), Expects::Anything);
        assert_eq!(expects("pytorch-zip", b"m/extra/12"), Expects::Anything);
        assert_eq!(expects("zip", b"m/data/12"), Expects::Anything);
    }
}
