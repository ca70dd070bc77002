//! Which folder of a tree is the model's own: the one on top that has a card, a configuration or weights.

use modelward_formats::Tree;

/// The folder, with a `/` behind it; empty where it is the tree itself.
pub(super) fn of(tree: &Tree) -> String {
    let main =
        tree.files().find(|(path, _)| path.ends_with("refs/main")).and_then(|(path, bytes)| {
            // Of the snapshots of a cache the one that its main branch names.
            let commit = String::from_utf8(bytes.head(64).ok()?).ok()?;
            Some(format!("{}snapshots/{}/", path.strip_suffix("refs/main")?, commit.trim()))
        });
    let folders = tree.files().filter_map(|(path, _)| {
        let cut = path.rfind('/').map_or(0, |at| at.saturating_add(1));
        let (folder, name) = path.split_at_checked(cut)?;
        let own = KEYS.contains(&name) || WEIGHTS.iter().any(|end| name.ends_with(end));
        let hidden = folder.split('/').any(|step| step == "blobs" || step.starts_with('.'));
        (own && !hidden).then_some(folder)
    });
    let depth = |folder: &str| folder.matches('/').count();
    let other = |folder: &str| main.as_deref() != Some(folder);
    folders
        .min_by_key(|folder| (depth(folder), other(folder), *folder))
        .unwrap_or_default()
        .to_owned()
}

const KEYS: &[&str] =
    &["config.json", "model_index.json", "modules.json", "adapter_config.json", "README.md"];

const WEIGHTS: &[&str] = &[
    ".safetensors",
    ".gguf",
    ".onnx",
    ".bin",
    ".pt",
    ".pth",
    ".ckpt",
    ".h5",
    ".keras",
    ".npz",
    ".joblib",
    ".pkl",
    ".ubj",
    ".tflite",
    ".pb",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_lies_where_its_files_are() {
        let of = |paths: &[(&str, &str)]| {
            let files =
                paths.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().into()));
            of(&Tree::new(files.collect()))
        };
        assert_eq!(of(&[("config.json", ""), ("unet/config.json", "")]), "");
        assert_eq!(of(&[("a/notes.txt", ""), ("b/m.gguf", ""), (".git/config.json", "")]), "b/");
        let cache = [
            ("blobs/x.bin", ""),
            ("refs/main", "bb\n"),
            ("snapshots/aa/config.json", ""),
            ("snapshots/bb/config.json", ""),
        ];
        assert_eq!(of(&cache), "snapshots/bb/");
        assert_eq!(of(&[("x", "")]), "");
    }
}
