//! Which of the tensor tables of a folder make up the model. A folder often holds one model in several
//! forms (formats, precisions, quantisations), which must not be added up.

use super::weights::Table;

/// The tables that make up the model, by their place. `parts` are the folders of its parts.
pub(super) fn choose(tables: &[Table], root: &str, parts: &[String]) -> Vec<usize> {
    let mut folders = vec![root.to_owned()];
    for part in parts {
        let part = part.trim_matches('/');
        let folder = if part.is_empty() { root.to_owned() } else { format!("{root}{part}/") };
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let mut chosen =
        folders.iter().flat_map(|folder| of_folder(tables, folder)).collect::<Vec<_>>();
    if chosen.is_empty() {
        // Below, where nothing lies on top.
        let depth = |folder: &str| folder.matches('/').count();
        let below = tables
            .iter()
            .map(|table| split(&table.path).0)
            .filter(|folder| folder.starts_with(root));
        if let Some(folder) = below.min_by_key(|folder| (depth(folder), *folder)) {
            chosen = of_folder(tables, folder);
        }
    }
    chosen.sort_unstable();
    chosen
}

/// The best form of the model in one folder, with all of its shards.
fn of_folder(tables: &[Table], folder: &str) -> Vec<usize> {
    let here = tables.iter().enumerate().filter(|(_, table)| split(&table.path).0 == folder);
    let best = here.clone().map(|(_, table)| form(table)).min();
    here.filter(|(_, table)| Some(form(table)) == best).map(|(index, _)| index).collect()
}

/// A form of a model: the better comes first. Shards are of one form.
fn form(table: &Table) -> (usize, bool, &str) {
    let format = FORMATS.iter().position(|format| *format == table.format).unwrap_or(FORMATS.len());
    let name = split(&table.path).1;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let stem = shard(stem).unwrap_or(stem);
    (format, !STEMS.contains(&stem), stem)
}

/// The name of a whole whose shard this is: `model` of `model-00001-of-00003`.
fn shard(stem: &str) -> Option<&str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, of) = stem.rsplit_once("-of-")?;
    let (name, number) = rest.rsplit_once('-')?;
    (digits(of) && digits(number)).then_some(name)
}

/// Folder, with a `/` behind it, and name.
fn split(path: &str) -> (&str, &str) {
    path.split_at_checked(path.rfind('/').map_or(0, |at| at.saturating_add(1)))
        .unwrap_or(("", path))
}

/// Formats, what a loader would rather take first.
const FORMATS: &[&str] =
    &["safetensors", "gguf", "pytorch-zip", "torchscript", "pytorch-legacy", "onnx", "npz", "npy"];

/// What libraries call the one file that they load.
const STEMS: &[&str] = &["model", "diffusion_pytorch_model", "adapter_model", "pytorch_model"];

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(files: &[&str], parts: &[&str]) -> Vec<usize> {
        let table = |path: &&str| {
            let end = path.rsplit('.').next().unwrap();
            let format = FORMATS.iter().find(|format| **format == end).unwrap();
            Table { path: (*path).into(), format, ..Table::default() }
        };
        let parts = parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
        choose(&files.iter().map(table).collect::<Vec<_>>(), "", &parts)
    }

    #[test]
    fn one_form_of_a_model_is_counted_with_all_its_shards() {
        assert_eq!(
            chosen(
                &[
                    "model-00001-of-00002.safetensors",
                    "model-00002-of-00002.safetensors",
                    "model.gguf"
                ],
                &[]
            ),
            [0, 1]
        );
        assert_eq!(chosen(&["m-q4.gguf", "m-q8.gguf"], &[]), [0]);
        assert_eq!(
            chosen(&["model.fp16.safetensors", "model.safetensors", "onnx/model.onnx"], &[]),
            [1]
        );
        assert_eq!(chosen(&["onnx/a.onnx", "z/deep/a.gguf"], &[]), [0]);
    }

    #[test]
    fn parts_are_added_up() {
        let files = ["2_Dense/model.safetensors", "model.safetensors", "other/model.safetensors"];
        assert_eq!(chosen(&files, &["", "1_Pooling", "2_Dense"]), [0, 1]);
    }
}
